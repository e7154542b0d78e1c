"""Accuracy and speed of converted networks on MNIST, with every kind of max pooling.

Networks ``1`` and ``2`` are those of Gaurav, Tripp and Narayan (2022) [1]_: C4(1x1)
C8(3x3) P C16(3x3) Dense128 Dense10 and C4(1x1) C16(3x3) P C24(3x3) P C32(3x3) Dense128
Dense10, with 2x2 pools. ``overlapping`` has 3x3 pools with stride 2 and padding "same",
``global`` ends in the maximum over all positions. All have ReLUs, no biases and valid
convolutions; images are scaled to [-1, 1]. They are trained on one part of the images,
chosen by a fixed seed, then converted and tested on others: ::

    python benchmarks/mnist.py FOLDER --model 2 --scale 100 --csv mnist.csv

``FOLDER`` holds ``t10k-images-idx3-ubyte.gz`` and ``t10k-labels-idx1-ubyte.gz``.
Needs NengoDL (docs/versions.md says how to install it).

References
----------
.. [1] Gaurav, R., Tripp, B. and Narayan, A. (2022). Spiking approximations of the
   MaxPooling operation in deep SNNs. International Joint Conference on Neural Networks.
   https://doi.org/10.48550/arXiv.2205.07076
"""

import argparse
import functools
import gzip
import itertools
import os
import sys
import time
import warnings
from pathlib import Path

# TensorFlow reads this when it is imported
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from maxpool_circuits.nengo_dl import (  # noqa: E402, before NengoDL and TensorFlow
    Converter,
    ConvertMaxPool,
)

# isort: split
import nengo  # noqa: E402
import nengo_dl  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from tabulate import tabulate  # noqa: E402
from tqdm import tqdm  # noqa: E402

import maxpool_circuits as mpc  # noqa: E402
from maxpool_circuits.nengo_dl.converter import MAX_POOL_LAYERS  # noqa: E402
from maxpool_circuits.nengo_dl.demo import (  # noqa: E402
    ReleasedConverter,
    TensorNodeConverter,
)
from maxpool_circuits.utils.files import write_csv  # noqa: E402

N_TRAINING = 8000
#: How many images are simulated at the same time.
BATCH_SIZE = 100
STEPS = tuple(range(10, 61, 10))

#: The layers of each network before the dense ones.
MODELS = {
    "1": lambda: [conv(4, 1), conv(8, 3), pool(2), conv(16, 3), flat(), dense(128)],
    "2": lambda: [
        *(conv(4, 1), conv(16, 3), pool(2), conv(24, 3), pool(2), conv(32, 3)),
        *(flat(), dense(128)),
    ],
    "overlapping": lambda: [
        *(conv(16, 3), pool(3, 2, "same"), conv(24, 3), pool(3, 2, "same")),
        *(conv(32, 3), flat(), dense(128)),
    ],
    "global": lambda: [
        *(conv(16, 3), pool(2), conv(32, 3), conv(64, 3)),
        tf.keras.layers.GlobalMaxPool2D(),
    ],
}

flat = tf.keras.layers.Flatten
pool = tf.keras.layers.MaxPool2D
conv = functools.partial(tf.keras.layers.Conv2D, activation=tf.nn.relu, use_bias=False)
dense = functools.partial(tf.keras.layers.Dense, activation=tf.nn.relu, use_bias=False)

#: Planners of NengoDL: its default merges operators, which shares arrays.
PLANNERS = {
    "merge": nengo_dl.graph_optimizer.tree_planner,
    "separate": nengo_dl.graph_optimizer.noop_planner,
}

#: Published settings of the circuit of [1].
AVAM = functools.partial(
    mpc.AbsoluteValue, max_rate=250, radius=0.2, synapse=0.001, input_synapse=None
)


def load(folder):
    """Read images, scaled to [-1, 1], and labels, in an order fixed by a seed."""
    folder = Path(folder)
    with gzip.open(folder / "t10k-images-idx3-ubyte.gz") as file:
        images = np.frombuffer(file.read(), np.uint8, offset=16)
    with gzip.open(folder / "t10k-labels-idx1-ubyte.gz") as file:
        labels = np.frombuffer(file.read(), np.uint8, offset=8).astype(int)
    images = images.reshape(-1, 28, 28, 1).astype(np.float32) / 127.5 - 1
    order = np.random.RandomState(0).permutation(len(images))
    return images[order], labels[order]


def make_model(name):
    """Make a network."""
    image = tf.keras.Input((28, 28, 1))
    output = tf.keras.layers.Dense(10, use_bias=False)
    x = image
    for layer in [*MODELS[name](), output]:
        x = layer(x)
    return tf.keras.Model(image, x)


def train(model, images, labels, epochs):
    """Train a network."""
    loss = tf.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(tf.keras.optimizers.Adam(0.002), loss)
    model.fit(images, labels, epochs=epochs, batch_size=64, verbose=0)


class SynapseBefore(ConvertMaxPool):
    """A pool with the converter's synapse before it instead of after it."""

    def synapses(self, rate):
        """Exchange the two."""
        return super().synapses(rate)[::-1]


class SynapseBeforeConverter(Converter):
    """Our converter with the synapse before the pools."""

    converters = {
        **Converter.converters,
        **dict.fromkeys(MAX_POOL_LAYERS, SynapseBefore),
    }


def conversions():
    """Converters by name; they take a model and keyword arguments."""
    own = {
        name: functools.partial(Converter, max_pool=name)
        for name in ("winner-take-all", "pairwise-relu", "exact")
    }
    untuned = functools.partial(mpc.WinnerTakeAll, decoders=None)
    return {
        **own,
        "winner-take-all, untuned": functools.partial(Converter, max_pool=untuned),
        "winner-take-all, synapse before": functools.partial(
            SynapseBeforeConverter, max_pool=untuned
        ),
        "absolute-value (published)": functools.partial(Converter, max_pool=AVAM),
        "TensorNode behind synapse": TensorNodeConverter,
        "TensorNode as released": ReleasedConverter,
        "average pooling": functools.partial(Converter, max_to_avg_pool=True),
    }


def measure(convert, model, images, labels, options):
    """Convert and run a network.

    Returns
    -------
    correct : (n_steps, n_images) array of bool
        Whether each image is classified correctly after each of `STEPS`.
    building, simulating : float
        Seconds to convert and build, and to simulate.
    """
    started = time.perf_counter()
    converter = convert(
        model,
        swap_activations={tf.nn.relu: options["activation"]},
        scale_firing_rates=options["scale"],
        synapse=0.005,
        inference_only=True,
    )
    converter.net.seed = options["seed"]
    with converter.net:
        nengo_dl.configure_settings(stateful=False)
        if options["planner"]:
            nengo_dl.configure_settings(planner=PLANNERS[options["planner"]])
    shown = np.tile(images.reshape(len(images), 1, -1), (1, STEPS[-1], 1))
    with nengo_dl.Simulator(
        converter.net, minibatch_size=BATCH_SIZE, progress_bar=False
    ) as simulator:
        building = time.perf_counter() - started
        # the first call compiles
        simulator.predict(shown[:BATCH_SIZE], verbose=0)
        started = time.perf_counter()
        (output,) = simulator.predict(shown, verbose=0).values()
    simulating = time.perf_counter() - started
    guesses = output[:, np.array(STEPS) - 1].argmax(axis=2).T
    return guesses == labels, building, simulating


def main():
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", help="folder with the images and labels")
    parser.add_argument("--model", default="2", choices=MODELS)
    parser.add_argument("--scale", type=float, nargs="+", default=[50, 100, 400])
    parser.add_argument("--images", type=int, default=2000, help="to test with")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument(
        "--only", nargs="+", choices=conversions(), help="names of conversions"
    )
    parser.add_argument(
        "--floor",
        type=float,
        nargs="+",
        help="use IntegrateAndFire with this min_voltage as all activations",
    )
    parser.add_argument(
        "--planner",
        choices=PLANNERS,
        help="how NengoDL orders operators, the same for all; by default that is left "
        "to each conversion",
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--csv", help="write the table to this file")
    options = parser.parse_args()
    if options.images % BATCH_SIZE:
        parser.error(f"--images must be a multiple of {BATCH_SIZE}")
    warnings.simplefilter("ignore")

    images, labels = load(options.folder)
    tf.keras.utils.set_random_seed(options.seed)
    model = make_model(options.model)
    train(model, images[:N_TRAINING], labels[:N_TRAINING], options.epochs)
    images = images[N_TRAINING:][: options.images]
    labels = labels[N_TRAINING:][: options.images]
    right = model.predict(images, verbose=0).argmax(axis=1) == labels
    print(f"network {options.model}, {len(images)} images; ANN: {_percent(right)}")

    activations = {"spiking ReLU": nengo.SpikingRectifiedLinear()}
    if options.floor is not None:
        activations = {
            f"floor {floor:g}": mpc.IntegrateAndFire(min_voltage=floor)
            for floor in options.floor
        }
    rows = []
    jobs = list(
        itertools.product(activations, options.scale, options.only or conversions())
    )
    for name, scale, conversion in tqdm(jobs, file=sys.stderr):
        correct, building, simulating = measure(
            conversions()[conversion],
            model,
            images,
            labels,
            {**vars(options), "activation": activations[name], "scale": scale},
        )
        # the same images are hard for all, so the loss is known better than accuracy
        loss = 100 * (right - correct[-1].astype(float))
        error = loss.std() / np.sqrt(len(labels))
        accuracy = 100 * correct.mean(axis=1)
        costs = building, simulating
        rows.append((conversion, name, scale, *accuracy, loss.mean(), error, *costs))
    headers = [
        "max pooling",
        "activation",
        "scale",
        *(f"{step} steps" for step in STEPS),
        "loss",
        "± s.e.",
        "build (s)",
        "simulate (s)",
    ]
    formats = ("", "", "g", *[".2f"] * (len(STEPS) + 2), ".1f", ".1f")
    print(tabulate(rows, headers, floatfmt=formats))
    if options.csv:
        write_csv(options.csv, [headers, *rows])


def _percent(right):
    """Accuracy and its standard error."""
    error = 100 * right.std() / np.sqrt(len(right))
    return f"{100 * right.mean():.2f} ± {error:.2f} %"


if __name__ == "__main__":
    main()
