"""Small networks of many kinds, trained and converted by the recipe as it stands.

Residual, inception, BatchNorm in front of pools, pools in front of ReLUs, 1-D, leaky
ReLUs and tanh: each is trained on scikit-learn's handwritten digits, once per seed, and
converted with ``calibration`` and nothing else set. The table has the share of test
images with Keras's class and the distance to Keras's outputs, in units of their spread:
of the mean of the last 50 of 120 steps, and of the last step behind a low-pass of 20
ms; the largest error of a layer that counting explains; and spikes per image. Means
over seeds, with standard errors: ::

    python benchmarks/networks.py --seeds 0 1 2
"""

import argparse
import os
import warnings

# TensorFlow reads this when it is imported
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from maxpool_circuits.nengo_dl import (  # noqa: E402, before NengoDL and TensorFlow
    Converter,
)

# isort: split
import functools  # noqa: E402
from pathlib import Path  # noqa: E402

import nengo  # noqa: E402
import nengo_dl  # noqa: E402
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
import tensorflow as tf  # noqa: E402
from conversions import digits, measure  # noqa: E402

import maxpool_circuits as mpc  # noqa: E402
from maxpool_circuits.nengo_dl import firing_rates  # noqa: E402
from maxpool_circuits.nengo_dl.calibration import ERROR  # noqa: E402

layers = tf.keras.layers
conv = functools.partial(layers.Conv2D, padding="same")
relu, pool = functools.partial(layers.Activation, "relu"), layers.MaxPool2D
#: How long images are shown, and how many of the last steps are averaged.
STEPS, MEAN_OF = 120, 50
#: What takes the place of activations.
SWAPS = {
    "relu": mpc.IntegrateAndFire(),
    "LeakyReLU": nengo_dl.SpikingLeakyReLU(negative_slope=0.1),
    "tanh": nengo.RegularSpiking(nengo.Tanh(tau_ref=1 / 250), amplitude=1 / 250),
}


def residual(x):
    """Two residual blocks, the first of them in front of a pool that sees its sum."""
    x = relu()(layers.BatchNormalization()(conv(12, 3)(x)))
    for _ in range(2):
        y = relu()(layers.BatchNormalization()(conv(12, 3)(x)))
        y = layers.BatchNormalization()(conv(12, 3)(y))
        x = relu()(pool()(layers.Add()([x, y])))
    return layers.Flatten()(x)


def inception(x):
    """Two blocks of convolutions of several sizes beside a pool of 3x3."""
    for _ in range(2):
        branches = [conv(6, size, activation="relu")(x) for size in (1, 3, 5)]
        branches.append(conv(6, 1, activation="relu")(pool(3, 1, "same")(x)))
        x = pool()(layers.Concatenate()(branches))
    return layers.Flatten()(x)


def batchnorm(x):
    """ReLU, BatchNorm, pool: as a pool sees values of many sizes."""
    for n_filters in (12, 24):
        x = pool()(layers.BatchNormalization()(conv(n_filters, 3, activation="relu")(x)))
    return layers.Dense(32, activation="relu")(layers.Flatten()(x))


def pool_first(x):
    """Convolution, pool, ReLU; the last pool sees all positions."""
    x = relu()(pool()(conv(12, 3)(x)))
    return relu()(layers.GlobalMaxPool2D()(conv(32, 3)(x)))


def one_d(x):
    """Convolutions along one axis, in four blocks."""
    x = layers.Reshape((64, 1))(x)
    for n_filters in (8, 16, 16):
        x = layers.Conv1D(n_filters, 5, padding="same", activation="relu")(x)
        x = layers.MaxPool1D(2)(x)
    return layers.Dense(32, activation="relu")(layers.Flatten()(x))


def leaky(x):
    """Leaky ReLUs, with BatchNorm."""
    for n_filters in (12, 24):
        x = layers.BatchNormalization()(conv(n_filters, 3)(x))
        x = pool()(layers.LeakyReLU(0.1)(x))
    return layers.Flatten()(x)


def tanh(x):
    """Hyperbolic tangents."""
    for n_filters in (8, 16):
        x = pool()(conv(n_filters, 3, activation="tanh")(x))
    return layers.Dense(32, activation="tanh")(layers.Flatten()(x))


NETWORKS = {
    each.__name__: each
    for each in (residual, inception, batchnorm, pool_first, one_d, leaky, tanh)
}


def trained(name, seed, images, labels, options):
    """Train a network, or read its weights if it was trained before."""
    tf.keras.utils.set_random_seed(seed)
    image = tf.keras.Input((8, 8, 1))
    model = tf.keras.Model(image, layers.Dense(10)(NETWORKS[name](image)))
    kept = options.weights and Path(options.weights) / f"{name}-{seed}.npz"
    if kept and kept.is_file():
        with np.load(kept) as weights:
            model.set_weights([weights[each] for each in weights.files])
        return model
    loss = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(tf.keras.optimizers.Adam(0.003), loss)
    model.fit(images, labels, epochs=options.epochs, batch_size=32, verbose=0)
    if kept:
        np.savez(kept, *model.get_weights())
    return model


def main():
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", nargs="+", default=list(NETWORKS), choices=NETWORKS)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--images", type=int, default=100, help="to test with")
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--max-pool", help="circuit, if not the default")
    parser.add_argument("--rate", type=float, help="Hz at the top, not by the error")
    parser.add_argument("--error", type=float, default=ERROR, help="of counting")
    parser.add_argument("--weights", help="folder where trained weights are kept")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    rows = []
    for name in options.networks:
        for seed in options.seeds:
            rows.append({"network": name, **measured(name, seed, options)})
            print(pd.DataFrame(rows[-1:]).to_string(header=len(rows) == 1), flush=True)
    by_network = pd.DataFrame(rows).groupby("network", sort=False)
    table = by_network.agg(["mean", "sem"])
    print(table.to_string(float_format="{:.3g}".format))


def measured(name, seed, options):
    """Numbers of one network."""
    (images, labels), (test, test_labels) = digits(seed)
    test = test[: options.images]
    model = trained(name, seed, images, labels, options)
    right = model.predict(test, verbose=0)
    rates = firing_rates(model, images[:200], options.rate, error=options.error)
    convert = functools.partial(
        Converter,
        model,
        swap_activations=SWAPS,
        calibration=images[:200],
        synapse=0.005,
        max_pool=options.max_pool,
        scale_firing_rates=rates,
    )
    found = measure(convert, test, STEPS, options.images, seed)
    mean = found.outputs[:, -MEAN_OF:].mean(axis=1)
    last = nengo.Lowpass(0.02).filt(found.outputs, axis=1, y0=0)[:, -1]
    return {
        "Keras": np.mean(right.argmax(axis=1) == test_labels[: options.images]),
        "agree": np.mean(mean.argmax(axis=1) == right.argmax(axis=1)),
        "distance": rms(mean - right) / right.std(),
        "last, agree": np.mean(last.argmax(axis=1) == right.argmax(axis=1)),
        "last, distance": rms(last - right) / right.std(),
        "spikes": found.spikes,
    }


def rms(values):
    """Root mean square."""
    return np.sqrt(np.mean(values**2))


if __name__ == "__main__":
    main()
