"""The demonstration: a Keras network with max pooling, converted in every way."""

import functools
from dataclasses import dataclass
from typing import Optional

import numpy as np
import tensorflow as tf

from ..network.neurons import IntegrateAndFire
from ..registry import circuits as registered_circuits
from ..registry import find
from ..utils.checks import valid_seed
from ..utils.files import write_csv
from .converter import Converter
from .measure import measure
from .peers import ReleasedConverter, TensorNodeConverter

#: Time steps, of 1 ms, after which accuracy is read.
STEPS = tuple(range(10, 61, 10))
#: How many of the 1,797 digits are kept for testing; a multiple of `BATCH_SIZE`.
N_TEST = 300
#: How many images are simulated at the same time.
BATCH_SIZE = 100
#: How often training goes through all images.
EPOCHS = 30
#: Firing rate, in Hz, of a neuron whose activation is 1.
RATE = 100
#: Time constant of the converter's synapses, in seconds.
SYNAPSE = 0.005


@dataclass(frozen=True)
class ConversionRow:
    """One way of converting the network.

    Parameters
    ----------
    pooling : str
        Name of the circuit, or of what is in its place.
    accuracies : tuple of float
        Share of the test images that are classified correctly after each of `STEPS`.
    neurons : int
        Neurons of the whole network.
    spikes : float or None
        Spikes of the whole network per image, in all steps; None if some neurons do
        not spike.
    build_time : float
        Seconds to convert the Keras model and to build the simulator.
    simulation_time : float
        Seconds to simulate all test images, without TensorFlow's compilation.

    Examples
    --------
    >>> row = ConversionRow(
    ...     pooling="exact",
    ...     accuracies=(0.43, 0.87, 0.93, 0.95, 0.96, 0.96),
    ...     neurons=864,
    ...     spikes=None,
    ...     build_time=1.5,
    ...     simulation_time=2.5,
    ... )
    >>> row.accuracies[STEPS.index(20)]
    0.87
    """

    pooling: str
    accuracies: tuple
    neurons: int
    spikes: Optional[float]
    build_time: float
    simulation_time: float


@dataclass(frozen=True)
class ConversionTable:
    """All conversions of one network side by side.

    `print` shows it as text.

    Parameters
    ----------
    ann_accuracy : float
        Share of the test images that the Keras network itself classifies correctly.
    rows : tuple of ConversionRow
        One row per conversion.
    n_images : int
        Number of test images.

    Examples
    --------
    >>> accuracies = (0.5, 0.8, 0.9, 0.94, 0.95, 0.96)
    >>> row = ConversionRow("exact", accuracies, 864, None, 1.5, 2.5)
    >>> table = ConversionTable(ann_accuracy=0.98, rows=(row,), n_images=300)
    >>> print(table)
    ANN: 98.0 % of 300 digits; ...
    exact               50.0     80.0     90.0     94.0     95.0     96.0 ...
    """

    ann_accuracy: float
    rows: tuple
    n_images: int

    def __str__(self):
        """All rows, in units that read well."""
        from tabulate import tabulate

        lines = [
            (
                row.pooling,
                *(f"{100 * accuracy:.1f}" for accuracy in row.accuracies),
                f"{row.neurons:,}",
                "-" if row.spikes is None else f"{row.spikes:,.0f}",
                f"{row.build_time:.1f}",
                f"{row.simulation_time:.1f}",
            )
            for row in self.rows
        ]
        headers = (
            "max pooling",
            *(f"{step}\nsteps" for step in STEPS),
            "neurons",
            "spikes\n/image",
            "build\n(s)",
            "simulate\n(s)",
        )
        align = ["left"] + ["right"] * (len(headers) - 1)
        table = tabulate(lines, headers, colalign=align, disable_numparse=True)
        return (
            f"ANN: {100 * self.ann_accuracy:.1f} % of {self.n_images} digits; below, "
            f"% after so many steps of 1 ms, at {RATE} Hz, synapses of "
            f"{1000 * SYNAPSE:g} ms\n\n{table}\n\n"
            "neurons and spikes are those of the whole network; spikes are counted in "
            f"every neuron for {STEPS[-1]} steps"
        )

    def to_csv(self, path):
        """Write all rows, the network itself first, as comma-separated values.

        Parameters
        ----------
        path : str or os.PathLike
            The file; it is written whole or not at all.

        Raises
        ------
        OSError
            If the file cannot be written.

        Examples
        --------
        >>> import pathlib, tempfile
        >>> accuracies = (0.5, 0.8, 0.9, 0.94, 0.95, 0.96)
        >>> row = ConversionRow("exact", accuracies, 864, None, 1.5, 2.5)
        >>> table = ConversionTable(ann_accuracy=0.98, rows=(row,), n_images=300)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder) / "conversions.csv"
        ...     table.to_csv(path)
        ...     lines = path.read_text().splitlines()
        >>> lines[-1]
        'exact,0.5,0.8,0.9,0.94,0.95,0.96,864,,1.5,2.5'
        """
        costs = ("neurons", "spikes", "build_time", "simulation_time")
        accuracies = (f"accuracy_{step}_steps" for step in STEPS)
        ann = [self.ann_accuracy] * len(STEPS)
        lines = [
            ["pooling", *accuracies, *costs],
            ["ANN", *ann, *[None] * len(costs)],
        ]
        for row in self.rows:
            values = (getattr(row, cost) for cost in costs)
            lines.append([row.pooling, *row.accuracies, *values])
        write_csv(path, lines)

    def plot(self, path=None):
        """Draw the accuracy of each conversion against the number of time steps.

        Needs matplotlib (``pip install matplotlib``).

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
        nengo.exceptions.ValidationError
            If matplotlib has no format for the ending of the path.
        OSError
            If the file cannot be written.

        Examples
        --------
        >>> import matplotlib.pyplot as plt
        >>> accuracies = (0.5, 0.8, 0.9, 0.94, 0.95, 0.96)
        >>> row = ConversionRow("exact", accuracies, 864, None, 1.5, 2.5)
        >>> table = ConversionTable(ann_accuracy=0.98, rows=(row,), n_images=300)
        >>> figure = table.plot()
        >>> [line.get_label() for line in figure.axes[0].lines]
        ['ANN (98.0 %)', 'exact (96.0 %)']
        >>> plt.close(figure)
        """
        from .. import plots

        return plots.conversions(self, STEPS, path)


def run(seed=0, circuits=None, progress_bar=True):
    """Train a small Keras network with max pooling and convert it in every way.

    The network classifies scikit-learn's handwritten digits of 8x8 pixels. Beside the
    circuits stand average pooling in the place of max pooling, and NengoDL's fallback,
    a TensorNode, with its synapse and as released (without one).

    The network is made and trained with Keras's defaults, and not chosen for how any of
    the ways does; how accurate they are on several networks is for
    ``benchmarks/mnist.py`` to say.

    Parameters
    ----------
    seed : int, optional (Default: 0)
        Seed of the split into training and test images, of the training and of the
        simulations.
    circuits : sequence of str, optional (Default: None)
        Names of circuits; None means all.
    progress_bar : bool, optional (Default: True)
        Show a progress bar on standard error.

    Returns
    -------
    ConversionTable
        The comparison.

    Raises
    ------
    nengo.exceptions.ValidationError
        If there is no circuit of a name, or the seed is no seed.

    Examples
    --------
    The whole demonstration takes minutes; ``print(run())`` shows the table. Names of
    circuits are checked before it starts:

    >>> run(circuits=["median"])
    Traceback (most recent call last):
        ...
    nengo.exceptions.ValidationError: circuit: no circuit is called 'median'; ...
    """
    from tqdm import tqdm

    seed = valid_seed(seed)
    names = list(registered_circuits() if circuits is None else circuits)
    for name in names:
        find(name)
    converters = {
        **{name: functools.partial(Converter, max_pool=name) for name in names},
        "average pooling": functools.partial(Converter, max_to_avg_pool=True),
        "TensorNode, with synapse": TensorNodeConverter,
        "TensorNode, as released": ReleasedConverter,
    }
    training, test = _digits(seed)
    rows = []
    steps = tqdm(total=len(converters) + 1, disable=not progress_bar)
    with steps:
        steps.set_description("training")
        model = _trained_model(*training, seed)
        steps.update()
        for name, converter in converters.items():
            steps.set_description(name)
            rows.append(_row(name, converter, model, *test, seed))
            steps.update()
    images, labels = test
    guesses = model.predict(images, verbose=0).argmax(axis=1)
    return ConversionTable(float(np.mean(guesses == labels)), tuple(rows), len(labels))


def _digits(seed):
    """Images in [0, 1] and labels, to train with and to test with."""
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    images = (images / 16).reshape(-1, 8, 8, 1).astype(np.float32)
    order = np.random.RandomState(seed).permutation(len(images))
    images, labels = images[order], labels[order]
    return (images[N_TEST:], labels[N_TEST:]), (images[:N_TEST], labels[:N_TEST])


def _trained_model(images, labels, seed):
    """Train two convolutions with max pooling between them."""
    tf.keras.utils.set_random_seed(seed)
    layers = tf.keras.layers
    image = x = tf.keras.Input((8, 8, 1))
    x = layers.Conv2D(8, 3, activation="relu")(x)
    x = layers.MaxPool2D(2)(x)
    x = layers.Conv2D(16, 2, activation="relu")(x)
    x = layers.Dense(64, activation="relu")(layers.Flatten()(x))
    model = tf.keras.Model(image, layers.Dense(10)(x))
    loss = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(tf.keras.optimizers.Adam(0.003), loss)
    model.fit(images, labels, epochs=EPOCHS, batch_size=32, verbose=0)
    return model


def _row(name, converter, model, images, labels, seed):
    """Convert the network, and simulate it on all images."""
    convert = functools.partial(
        converter,
        model,
        swap_activations={tf.keras.activations.relu: IntegrateAndFire()},
        scale_firing_rates=RATE,
        synapse=SYNAPSE,
        inference_only=True,
    )
    measured = measure(convert, images, STEPS[-1], BATCH_SIZE, seed)
    accuracies = measured.right(labels, STEPS).mean(axis=0)
    return ConversionRow(
        pooling=name,
        accuracies=tuple(float(accuracy) for accuracy in accuracies),
        neurons=measured.neurons,
        spikes=measured.spikes,
        build_time=measured.build_time,
        simulation_time=measured.simulation_time,
    )
