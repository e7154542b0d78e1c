"""A converted network and its Keras model, layer by layer."""

from dataclasses import dataclass
from typing import Optional

import nengo
import nengo_dl
import numpy as np
import tensorflow as tf
from nengo.ensemble import Neurons
from nengo.exceptions import ValidationError

from ..utils.checks import positive_integer
from .calibration import record
from .measure import rms


@dataclass(frozen=True)
class LayerRow:
    """How close one layer is to Keras.

    Parameters
    ----------
    layer : str
        Name of the layer.
    error : float
        Root mean square difference between the time average of the layer and Keras's
        values, in units of the standard deviation of those.
    top : float
        Largest of Keras's values.
    rate : float or None
        Highest mean firing rate of a neuron, in Hz; None if there are no neurons.
    """

    layer: str
    error: float
    top: float
    rate: Optional[float]


@dataclass(frozen=True)
class LayerTable:
    """How close each layer is to Keras; `print` shows it.

    Parameters
    ----------
    rows : tuple of LayerRow
        One row per layer, with ``layer``, ``error``, ``top`` and ``rate``.

    Examples
    --------
    >>> from maxpool_circuits.nengo_dl.agreement import LayerRow, LayerTable
    >>> row = LayerRow(layer="conv", error=0.04, top=310, rate=250)
    >>> print(LayerTable(rows=(row,)))
    layer         error    largest      highest
               (spread)      value    rate (Hz)
    -------  ----------  ---------  -----------
    conv          0.040        310          250
    """

    rows: tuple

    def __str__(self):
        """All rows, in the order of the model."""
        from tabulate import tabulate

        lines = [
            (
                row.layer,
                f"{row.error:.3f}",
                f"{row.top:.3g}",
                "-" if row.rate is None else f"{row.rate:.0f}",
            )
            for row in self.rows
        ]
        headers = ("layer", "error\n(spread)", "largest\nvalue", "highest\nrate (Hz)")
        align = ["left", "right", "right", "right"]
        return tabulate(lines, headers, colalign=align, disable_numparse=True)

    def plot(self, path=None):
        """Draw the error of each layer.

        Parameters
        ----------
        path : str or os.PathLike, optional (Default: None)
            Write the figure to this file too.

        Returns
        -------
        matplotlib.figure.Figure
            The figure.

        Raises
        ------
        ImportError
            If matplotlib is not installed.

        Examples
        --------
        >>> import matplotlib.pyplot as plt
        >>> from maxpool_circuits.nengo_dl.agreement import LayerRow, LayerTable
        >>> figure = LayerTable(rows=(LayerRow("conv", 0.04, 310, 250),)).plot()
        >>> plt.close(figure)
        """
        from .. import plots

        return plots.layers(self, path)


def compare_layers(converter, inputs, n_steps=100, average=50):
    """Compare every layer of a converted network with Keras.

    Where the error leaps up from one layer to the next, accuracy is lost: by firing
    rates that are too low for it or too high, or by neurons whose noise is rectified.

    Parameters
    ----------
    converter : maxpool_circuits.nengo_dl.Converter
        A converted network.
    inputs : (n_inputs, ...) array_like or list of them
        Inputs of the model. Ten are enough; all values of all layers are recorded.
    n_steps : int, optional (Default: 100)
        How long the inputs are shown, in time steps.
    average : int, optional (Default: 50)
        Over how many of the last steps values are averaged.

    Returns
    -------
    LayerTable
        One row per layer, in the order of the model.

    Raises
    ------
    nengo.exceptions.ValidationError
        If the inputs do not fit the model, or the numbers of steps are no positive
        integers with ``average`` at most ``n_steps``.

    Examples
    --------
    >>> import nengo
    >>> import numpy as np
    >>> from maxpool_circuits.nengo_dl import Converter, compare_layers
    >>> import tensorflow as tf
    >>> image = tf.keras.Input((4, 4, 1))
    >>> active = tf.keras.layers.ReLU(name="relu")(image)
    >>> pooled = tf.keras.layers.MaxPool2D(name="pool")(active)
    >>> model = tf.keras.Model(image, pooled)
    >>> converter = Converter(
    ...     model,
    ...     swap_activations={"relu": nengo.SpikingRectifiedLinear()},
    ...     scale_firing_rates=1000,
    ... )
    >>> inputs = np.linspace(0, 1, 32).reshape(2, 4, 4, 1)
    >>> [row.layer for row in compare_layers(converter, inputs).rows]
    ['relu', 'pool']
    """
    n_steps = positive_integer(n_steps, "n_steps")
    average = positive_integer(average, "average")
    if average > n_steps:
        raise ValidationError(
            f"must be at most n_steps, {n_steps}, got {average}", attr="average"
        )
    applications = record(converter.model, inputs)
    inputs = inputs if isinstance(inputs, (list, tuple)) else [inputs]
    probes = {}
    network = converter.net
    known = list(network.probes)
    try:
        for application in applications:
            _probe(application, network, probes)
        recorded = _run(converter, [np.asarray(x) for x in inputs], n_steps)
    finally:
        # the network is left as it was
        network.probes[:] = known
    rows = []
    for application, (probe, scale) in probes.items():
        mean = recorded[probe][:, -average:].mean(axis=1)
        (expected,) = application.outputs
        expected = expected.reshape(mean.shape)
        spread = np.std(expected)
        rows.append(
            LayerRow(
                layer=application.layer.name,
                error=float(rms(mean - expected) / (spread if spread > 0 else 1)),
                top=float(expected.max()),
                rate=None if scale is None else float(mean.max() / scale),
            )
        )
    return LayerTable(tuple(rows))


def _probe(application, network, probes):
    """Probe what a layer has become, if that is its own."""
    if isinstance(application.layer, (tf.keras.Model, tf.keras.layers.InputLayer)):
        # a model's layers follow
        return
    key = application.tensors
    seen = {probe.obj for probe, _ in probes.values()}
    for inner in [network, *network.all_networks]:
        if not hasattr(inner, "layers") or len(application.outputs) != 1:
            continue
        try:
            obj = inner.layers[key]
        except KeyError:
            continue
        if obj in seen or obj in network.inputs.dict.values():
            return
        scale = None
        if isinstance(obj, Neurons):
            scale = getattr(obj.ensemble.neuron_type, "amplitude", 1)
        with network:
            probes[application] = nengo.Probe(obj), scale
        return


def _run(converter, inputs, n_steps):
    """Show all inputs at the same time: {probe: (n_inputs, n_steps, size)}."""
    data = {
        node: np.tile(x.reshape(len(x), 1, -1), (1, n_steps, 1))
        for node, x in zip(converter.inputs.values(), inputs)
    }
    with nengo_dl.Simulator(
        converter.net, minibatch_size=len(inputs[0]), progress_bar=False
    ) as simulator:
        simulator.run_steps(n_steps, data=data)
        return {probe: simulator.data[probe] for probe in converter.net.probes}
