"""Accuracy of converted networks on MNIST, with every kind of max pooling.

The two networks of Gaurav, Tripp and Narayan (2022) [1]_, without biases: *model 1*
C4(1x1) C8(3x3) P C16(3x3) Dense128 Dense10 and *model 2* C4(1x1) C16(3x3) P C24(3x3) P
C32(3x3) Dense128 Dense10, with ReLUs, valid convolutions and 2x2 pools, on images
scaled to [-1, 1]. They are trained on one part of the images, chosen by a fixed seed,
and converted and tested on others: ::

    python benchmarks/mnist.py FOLDER --model 2 --scale 100 --csv mnist.csv

``FOLDER`` holds ``t10k-images-idx3-ubyte.gz`` and ``t10k-labels-idx1-ubyte.gz``.
Needs NengoDL (``pip install '.[nengo-dl]'``).

References
----------
.. [1] Gaurav, R., Tripp, B. and Narayan, A. (2022). Spiking approximations of the
   MaxPooling operation in deep SNNs. International Joint Conference on Neural Networks.
   https://doi.org/10.48550/arXiv.2205.07076
"""

import argparse
import functools
import gzip
import os
import sys
import time
import warnings
from pathlib import Path

# TensorFlow reads this when it is imported
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import nengo  # noqa: E402
import nengo_dl  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from tabulate import tabulate  # noqa: E402
from tqdm import tqdm  # noqa: E402

import maxpool_circuits as mpc  # noqa: E402
from maxpool_circuits.files import write_csv  # noqa: E402
from maxpool_circuits.nengo_dl import Converter  # noqa: E402
from maxpool_circuits.nengo_dl.demo import (  # noqa: E402
    ReleasedConverter,
    TensorNodeConverter,
)

N_TRAINING = 8000
STEPS = tuple(range(10, 61, 10))

#: (filters, side length) of the convolutions, or None for a pool.
MODELS = {
    1: [(4, 1), (8, 3), None, (16, 3)],
    2: [(4, 1), (16, 3), None, (24, 3), None, (32, 3)],
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


def make_model(layers):
    """Make one of the two networks."""
    image = x = tf.keras.Input((28, 28, 1))
    for layer in layers:
        if layer is None:
            x = tf.keras.layers.MaxPool2D(2)(x)
        else:
            x = tf.keras.layers.Conv2D(*layer, activation=tf.nn.relu, use_bias=False)(x)
    x = tf.keras.layers.Flatten()(x)
    x = tf.keras.layers.Dense(128, activation=tf.nn.relu, use_bias=False)(x)
    return tf.keras.Model(image, tf.keras.layers.Dense(10, use_bias=False)(x))


def train(model, images, labels, epochs):
    """Train a network."""
    loss = tf.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(tf.keras.optimizers.Adam(0.002), loss)
    model.fit(images, labels, epochs=epochs, batch_size=64, verbose=0)


def conversions():
    """Converters by name; they take a model and keyword arguments."""
    own = {
        name: functools.partial(Converter, max_pool=name)
        for name in ("winner-take-all", "pairwise-relu", "exact")
    }
    return {
        **own,
        "absolute-value (published)": functools.partial(Converter, max_pool=AVAM),
        "TensorNode behind synapse": TensorNodeConverter,
        "TensorNode as released": ReleasedConverter,
        "average pooling": functools.partial(Converter, max_to_avg_pool=True),
    }


def measure(convert, model, images, labels, scale, activation, batch_size=100):
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
        swap_activations={tf.nn.relu: activation},
        scale_firing_rates=scale,
        synapse=0.005,
        inference_only=True,
    )
    with converter.net:
        nengo_dl.configure_settings(stateful=False)
    shown = np.tile(images.reshape(len(images), 1, -1), (1, STEPS[-1], 1))
    with nengo_dl.Simulator(
        converter.net, minibatch_size=batch_size, progress_bar=False
    ) as simulator:
        building = time.perf_counter() - started
        # the first call compiles
        simulator.predict(shown[:batch_size], verbose=0)
        started = time.perf_counter()
        (output,) = simulator.predict(shown, verbose=0).values()
    simulating = time.perf_counter() - started
    guesses = output[:, np.array(STEPS) - 1].argmax(axis=2).T
    return guesses == labels, building, simulating


def main():
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", help="folder with the images and labels")
    parser.add_argument("--model", type=int, default=2, choices=MODELS)
    parser.add_argument("--scale", type=float, nargs="+", default=[50, 100, 400])
    parser.add_argument("--images", type=int, default=2000, help="to test with")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--only", nargs="+", help="names of conversions")
    parser.add_argument(
        "--floor",
        type=float,
        help="use IntegrateAndFire with this min_voltage as all activations",
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--csv", help="write the table to this file")
    options = parser.parse_args()
    warnings.simplefilter("ignore")

    images, labels = load(options.folder)
    tf.keras.utils.set_random_seed(options.seed)
    model = make_model(MODELS[options.model])
    train(model, images[:N_TRAINING], labels[:N_TRAINING], options.epochs)
    images = images[N_TRAINING:][: options.images]
    labels = labels[N_TRAINING:][: options.images]
    reference = np.mean(model.predict(images, verbose=0).argmax(axis=1) == labels)
    print(f"model {options.model}, {len(images)} images; ANN: {100 * reference:.2f} %")

    activation = nengo.SpikingRectifiedLinear()
    if options.floor is not None:
        activation = mpc.IntegrateAndFire(min_voltage=options.floor)
    chosen = conversions()
    if options.only:
        chosen = {name: chosen[name] for name in options.only}
    rows = []
    jobs = [(scale, name) for scale in options.scale for name in chosen]
    for scale, name in tqdm(jobs, file=sys.stderr):
        correct, building, simulating = measure(
            chosen[name], model, images, labels, scale, activation
        )
        accuracy = 100 * correct.mean(axis=1)
        error = 100 * correct.std(axis=1)[-1] / np.sqrt(len(labels))
        rows.append((name, scale, *accuracy, error, building, simulating))
    headers = [
        "max pooling",
        "scale",
        *(f"{step} steps" for step in STEPS),
        "std. error",
        "build (s)",
        "simulate (s)",
    ]
    formats = ("", "g", *[".1f"] * (len(STEPS) + 1), ".1f", ".1f")
    print(tabulate(rows, headers, floatfmt=formats))
    if options.csv:
        write_csv(options.csv, [headers, *rows])


if __name__ == "__main__":
    main()
