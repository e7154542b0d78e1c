"""Outputs of a converted network as its Keras model has them, and how far they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import nengo
import nengo_dl
import numpy as np
import pandas as pd
import tensorflow as tf
from nengo.exceptions import ValidationError
from tqdm import tqdm

from ..network.sparse import valid_synapse
from ..utils.checks import valid_flag, valid_integer
from .calibration import inputs_of

#: Time constant, in seconds, of the low-pass filter on outputs.
READOUT = 0.02
#: How many inputs are simulated at a time, at most.
BATCH_SIZE = 100


def model_of(converter: Any) -> tf.keras.Model:
    """The Keras model of a converter; refuses what is none."""
    if not isinstance(converter, nengo_dl.Converter):
        raise ValidationError(
            f"must be a maxpool_circuits.nengo_dl.Converter, got {converter!r}",
            attr="converter",
        )
    return converter.model


def run(
    converter: Any,
    inputs: Any,
    n_steps: int,
    read: Callable[[dict], list],
    progress_bar: bool = False,
) -> list[np.ndarray]:
    """Show inputs for some time steps, all from the start, and read from probes.

    ``read`` gets {probe: (batch_size, n_steps, size) values} of each minibatch.
    """
    n_steps = valid_integer(n_steps, "n_steps")
    valid_flag(progress_bar, "progress_bar")
    if converter.temporal_model:
        raise ValidationError(
            "a model over time has its own time steps; run converter.net in a "
            "nengo_dl.Simulator",
            attr="temporal_model",
        )
    inputs = [
        np.reshape(x, (len(x), 1, -1)) for x in inputs_of(converter.model, inputs)
    ]
    results = []
    with nengo_dl.Simulator(
        converter.net,
        minibatch_size=min(len(inputs[0]), BATCH_SIZE),
        progress_bar=progress_bar,
    ) as simulator:
        for batch in _batches(inputs, simulator.minibatch_size, progress_bar):
            data = {
                node: np.repeat(x, n_steps, axis=1)
                for node, x in zip(converter.inputs.values(), batch)
            }
            found = simulator.predict_on_batch(data, n_steps=n_steps, stateful=False)
            results.append(read(found))
    return [np.concatenate(each)[: len(inputs[0])] for each in zip(*results)]


def _batches(
    inputs: list[np.ndarray], size: int, progress_bar: bool
) -> Iterator[list[np.ndarray]]:
    """Minibatches; the last one is filled up with the first inputs."""
    n_inputs = len(inputs[0])
    starts = range(0, n_inputs, size)
    for start in tqdm(starts, disable=not progress_bar, unit="minibatch"):
        rows = np.arange(start, start + size) % n_inputs
        yield [x[rows] for x in inputs]


def outputs_over_time(
    converter: Any, found: dict, readout: nengo.synapses.Synapse | None
) -> list[np.ndarray]:
    """Outputs in the shapes of Keras, after a low-pass filter.

    The filter is divided by its response to ones, so that it is a mean with the most
    weight on the last steps from the start on.
    """
    outputs = []
    for tensor, probe in zip(converter.model.outputs, converter.outputs.values()):
        values = found[probe]
        if readout:
            ones = readout.filt(np.ones((1, values.shape[1], 1)), axis=1, y0=0)
            values = readout.filt(values, axis=1, y0=0) / ones
        outputs.append(np.reshape(values, (*values.shape[:2], *tensor.shape[1:])))
    return outputs


def compare_outputs(
    converter: Any,
    inputs: Any,
    n_steps: int = 100,
    readout: float | None = READOUT,
    progress_bar: bool = False,
) -> pd.DataFrame:
    """Compare the outputs of a converted network with Keras, step by step.

    Parameters
    ----------
    converter : maxpool_circuits.nengo_dl.Converter
        A converted network.
    inputs : (n_inputs, ...) array_like or list of them
        Inputs of the model.
    n_steps, readout, progress_bar : optional
        As in `.Converter.predict`.

    Returns
    -------
    pandas.DataFrame
        By ``output`` of the model: ``agreement``, the share of inputs (0 to 1) whose
        largest output is the same; ``distance``, the root mean square difference, in
        units of the standard deviation of Keras's outputs; and ``settled``, the step
        from which on the distance is at most twice that.

    Raises
    ------
    nengo.exceptions.ValidationError
        As in `.Converter.predict`.

    Examples
    --------
    >>> import numpy as np
    >>> import maxpool_circuits as mpc
    >>> from maxpool_circuits.nengo_dl import Converter, compare_outputs
    >>> import tensorflow as tf
    >>> image = tf.keras.Input((4, 4, 1))
    >>> active = tf.keras.layers.ReLU()(image)
    >>> model = tf.keras.Model(image, tf.keras.layers.MaxPool2D(name="pool")(active))
    >>> images = np.linspace(0, 1, 160).reshape(10, 4, 4, 1)
    >>> converter = Converter(
    ...     model,
    ...     swap_activations={"relu": mpc.IntegrateAndFire()},
    ...     calibration=images,
    ...     synapse=0.005,
    ... )
    >>> table = compare_outputs(converter, images)
    >>> bool(table.loc["pool", "distance"] < 0.1)
    True
    """
    model = model_of(converter)
    lowpass = valid_synapse(readout, "readout")

    def read(found):
        return outputs_over_time(converter, found, lowpass)

    outputs = run(converter, inputs, n_steps, read, progress_bar)
    expected = tf.nest.flatten(model.predict(inputs, batch_size=32, verbose=0))
    rows = []
    for values, keras in zip(outputs, expected):
        values = values.reshape(*values.shape[:2], -1)
        keras = keras.reshape(len(keras), 1, -1)
        squares = np.mean((values - keras) ** 2, axis=(0, 2))
        distances = np.sqrt(squares) / (np.std(keras) or 1)
        far = np.flatnonzero(distances > 2 * distances[-1])
        same = values[:, -1].argmax(axis=1) == keras[:, 0].argmax(axis=1)
        rows.append([np.mean(same), distances[-1], far[-1] + 2 if len(far) else 1])
    columns = ["agreement", "distance", "settled"]
    index = pd.Index(model.output_names, name="output")
    return pd.DataFrame(rows, index, columns)
