"""A small Keras network with max pooling, converted in every way.

The network classifies scikit-learn's handwritten digits of 8x8 pixels. Beside the
circuits stand average pooling in the place of max pooling, and NengoDL's fallback, a
TensorNode, with its synapse and as released (without one): ::

    python benchmarks/conversions.py --csv conversions.csv --plot conversions.png

The network is made and trained with Keras's defaults, and not chosen for how any of
the ways does; how accurate they are on several networks is for ``mnist.py`` to say,
which measures with the functions of this file. Needs NengoDL (docs/versions.md says how
to install it).
"""

import argparse
import functools
import os
import re
import time
import warnings
from dataclasses import dataclass
from typing import Optional

# TensorFlow reads this when it is imported
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from maxpool_circuits.nengo_dl import (  # noqa: E402, before NengoDL and TensorFlow
    Converter,
)

# isort: split
import nengo  # noqa: E402
import nengo_dl  # noqa: E402
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
import tensorflow as tf  # noqa: E402
from tqdm import tqdm  # noqa: E402

import maxpool_circuits as mpc  # noqa: E402
from maxpool_circuits.comparison.events import (  # noqa: E402
    group_sizes,
    taken_from,
)
from maxpool_circuits.nengo_dl.layers import (  # noqa: E402
    MAX_POOL_LAYERS,
    ConvertUnknown,
)
from maxpool_circuits.network.neurons import AboveMean  # noqa: E402
from maxpool_circuits.network.paths import passes_on  # noqa: E402
from maxpool_circuits.network.sparse import weights_of  # noqa: E402

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


class TensorNodeConverter(nengo_dl.Converter):
    """NengoDL's converter, with filtered spikes for the TensorNodes of max pooling.

    NengoDL forgets the synapse: https://github.com/nengo/nengo-dl/issues/214.
    """

    converters = {
        **nengo_dl.Converter.converters,
        **dict.fromkeys(MAX_POOL_LAYERS, ConvertUnknown),
    }


class ReleasedConverter(nengo_dl.Converter):
    """NengoDL's converter as released, whatever has been registered since."""

    converters = {**nengo_dl.Converter.converters, **MAX_POOL_LAYERS}


@dataclass(frozen=True, eq=False)
class Measurement:
    """What a converted network did; times are in seconds, without compilation."""

    #: (n_inputs, n_steps, n_outputs)
    outputs: np.ndarray
    neurons: int
    #: of the whole network per input, and the synapses that they reach (NaN if that
    #: is not known); None if some neurons do not spike
    spikes: Optional[float]
    synaptic_operations: Optional[float]
    build_time: float
    simulation_time: float

    def right(self, labels, steps):
        """Whether each input is classified correctly, (n_inputs, n_steps)."""
        at = np.array(steps) - 1
        return self.outputs[:, at].argmax(axis=2) == np.asarray(labels)[:, np.newaxis]

    def distances(self, expected, steps, mean_of=1):
        """Distance to a model's outputs, (n_inputs, n_steps).

        Root mean square, in units of the standard deviation of those outputs. With
        ``mean_of``, that of the outputs' mean over so many time steps, which end at
        ``steps``; NaN where so many have not been.
        """
        from_start = np.insert(
            np.cumsum(self.outputs, axis=1, dtype=float), 0, 0, axis=1
        )
        ends = np.array(steps)
        starts = np.maximum(ends - mean_of, 0)
        means = (from_start[:, ends] - from_start[:, starts]) / mean_of
        errors = means - expected[:, np.newaxis]
        found = np.sqrt(np.mean(errors**2, axis=2)) / np.std(expected)
        return np.where(ends >= mean_of, found, np.nan)


def measure(convert, inputs, n_steps, batch_size, seed=0, planner=None):
    """Convert a network, and show it each input for so many steps, from the start.

    ``convert`` makes the converter, ``planner`` orders NengoDL's operators (None leaves
    it to the conversion), and ``n_inputs`` is a multiple of ``batch_size``.
    """
    started = time.perf_counter()
    converted = convert()
    # else it would use NumPy's global state, and depend on what ran before
    converted.net.seed = seed
    count = count_spikes(converted.net)
    with converted.net:
        # every batch starts again
        nengo_dl.configure_settings(stateful=False)
        if planner is not None:
            nengo_dl.configure_settings(planner=planner)
    shown = np.tile(inputs.reshape(len(inputs), 1, -1), (1, n_steps, 1))
    with nengo_dl.Simulator(
        converted.net, minibatch_size=batch_size, seed=seed, progress_bar=False
    ) as simulator:
        built = time.perf_counter()
        # the first call compiles
        simulator.predict(shown[:batch_size], verbose=0)
        compiled = time.perf_counter()
        recorded = simulator.predict(shown, verbose=0)
        finished = time.perf_counter()
    (outputs,) = (recorded[probe] for probe in converted.outputs.values())
    spikes = operations = None
    if count is not None:
        spikes, *known = recorded[count].sum(axis=1).mean(axis=0).tolist()
        operations = known[0] if known else np.nan
    return Measurement(
        outputs=outputs,
        neurons=int(converted.net.n_neurons),
        spikes=spikes,
        synaptic_operations=operations,
        build_time=built - started,
        simulation_time=finished - compiled,
    )


def count_spikes(network, dt=0.001):
    """Probe spikes of all neurons, and the synapses that they reach, in each step."""
    ensembles = network.all_ensembles
    if not all(ensemble.neuron_type.spiking for ensemble in ensembles):
        return None
    synapses = Synapses(network)
    # a reset in common reaches the others, too
    counts = [synapses.out_of(each.neurons) + taken_from(each) for each in ensembles]
    is_known = np.isfinite(np.concatenate(counts)).all()
    with network:
        total = nengo.Node(size_in=2 if is_known else 1)
        for ensemble, reached in zip(ensembles, counts):
            # what a neuron outputs in the time step of a spike
            height = getattr(ensemble.neuron_type, "amplitude", 1) / dt
            weights = np.stack([np.ones(len(reached)), reached])[: total.size_in]
            nengo.Connection(
                ensemble.neurons, total, transform=weights / height, synapse=None
            )
        return nengo.Probe(total)


class Synapses:
    """How many neurons and outputs a spike of each neuron reaches.

    Nodes that pass values on are no stages of their own: ways through them count. What
    is behind a computation without neurons is not known: NaN.
    """

    def __init__(self, network):
        self._out_of = {}
        for connection in network.all_connections:
            self._out_of.setdefault(connection.pre_obj, []).append(connection)
        self._probed = {probe.obj for probe in network.all_probes}
        self._known = {}

    def out_of(self, place):
        """The number for each value that leaves a place."""
        if place not in self._known:
            # a node that feeds itself does so once
            self._known[place] = np.zeros(place.size_out)
            counts = np.full(place.size_out, float(place in self._probed))
            for connection in self._out_of.get(place, ()):
                counts[connection.pre_slice] += self._through(connection)
            self._known[place] = counts
        return self._known[place]

    def _through(self, connection):
        """The number for each value that enters a connection."""
        post = connection.post_obj
        if isinstance(post, nengo.ensemble.Neurons):
            # what one neuron gets above a mean, all of its group get
            after = group_sizes(post.ensemble, AboveMean)
        elif passes_on(post):
            after = self.out_of(post)
        else:
            return np.nan
        after = after[connection.post_slice]
        transform = connection.transform
        if isinstance(transform, nengo.Convolution):
            kernel = (transform.sample() != 0).astype(np.float32)
            with tf.GradientTape() as tape:
                x = tf.zeros((1, *transform.input_shape.shape))
                tape.watch(x)
                padding = transform.padding.upper()
                y = tf.nn.convolution(x, kernel, transform.strides, padding)
            after = after.reshape(y.shape).astype(np.float32)
            return tape.gradient(y, x, after).numpy().ravel()
        weights = weights_of(connection)
        return np.nan if weights is None else (weights != 0).T @ after


def digits(seed):
    """Images in [0, 1] and labels, to train with and to test with."""
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    images = (images / 16).reshape(-1, 8, 8, 1).astype(np.float32)
    order = np.random.RandomState(seed).permutation(len(images))
    images, labels = images[order], labels[order]
    return (images[N_TEST:], labels[N_TEST:]), (images[:N_TEST], labels[:N_TEST])


def trained_model(images, labels, seed):
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


def conversions(seed=0, circuits=None, progress_bar=True):
    """Train the network, and convert it in every way.

    Returns the table, whose first row is the Keras network itself.
    """
    names = list(mpc.circuits()) if circuits is None else circuits
    converters = {
        **{name: functools.partial(Converter, max_pool=name) for name in names},
        "average pooling": functools.partial(Converter, max_to_avg_pool=True),
        "TensorNode, with synapse": TensorNodeConverter,
        "TensorNode, as released": ReleasedConverter,
    }
    training, (images, labels) = digits(seed)
    model = trained_model(*training, seed)
    right = model.predict(images, verbose=0).argmax(axis=1) == labels
    accuracies = [f"accuracy_{step}_steps" for step in STEPS]
    table = pd.DataFrame({"Keras": dict.fromkeys(accuracies, right.mean())}).T
    table.index.name = "pooling"
    costs = ["neurons", "spikes", "build_time", "simulation_time"]
    for name in tqdm(converters, disable=not progress_bar):
        convert = functools.partial(
            converters[name],
            model,
            swap_activations={tf.keras.activations.relu: mpc.IntegrateAndFire()},
            scale_firing_rates=RATE,
            synapse=SYNAPSE,
            inference_only=True,
        )
        measured = measure(convert, images, STEPS[-1], BATCH_SIZE, seed)
        table.loc[name, accuracies] = measured.right(labels, STEPS).mean(axis=0)
        table.loc[name, costs] = [getattr(measured, cost) for cost in costs]
    return table


def plot(table, path):
    """Plot the accuracy of each conversion against the number of time steps."""
    import matplotlib.pyplot as plt

    from maxpool_circuits import plots

    figure, ax = plt.subplots(figsize=(9, 5), layout="constrained")
    table = 100 * table[[f"accuracy_{step}_steps" for step in STEPS]]
    ax.axhline(table.loc["Keras"].iloc[-1], color="k", linestyle="--", label="Keras")
    conversions = table.drop("Keras")
    for name, style in plots.styles(conversions.index).items():
        accuracies = conversions.loc[name]
        ax.plot(
            STEPS, accuracies, label=f"{name} ({accuracies.iloc[-1]:.1f} %)", **style
        )
    ax.set_xlabel("time step (of 1 ms)")
    ax.set_ylabel("accuracy (%)")
    figure.legend(loc="outside right center", fontsize="small")
    figure.savefig(path)


def main():
    """Run the demonstration."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--csv", metavar="FILE", help="write the table to FILE")
    parser.add_argument("--plot", metavar="FILE", help="plot accuracies into FILE")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    table = conversions(options.seed)
    shown = table.rename(columns=lambda name: re.sub("^accuracy_|_steps$", "", name))
    print(f"share of {N_TEST} digits that are right after so many steps of 1 ms, at")
    print(f"{RATE} Hz, synapses of {1000 * SYNAPSE:g} ms; times in seconds\n")
    number = "{:,.0f}".format
    formatters = {"neurons": number, "spikes": number}
    digits = "{:.3g}".format
    print(shown.to_string(formatters=formatters, float_format=digits, na_rep="-"))
    if options.csv:
        table.to_csv(options.csv)
    if options.plot:
        plot(table, options.plot)


if __name__ == "__main__":
    main()
