"""Accuracy and speed of converted networks on MNIST, with every kind of max pooling.

Networks ``1`` and ``2`` are those of Gaurav, Tripp and Narayan (2022) [1]_: C4(1x1)
C8(3x3) P C16(3x3) Dense128 Dense10 and C4(1x1) C16(3x3) P C24(3x3) P C32(3x3) Dense128
Dense10, with 2x2 pools. ``overlapping`` has 3x3 pools with stride 2 and padding "same",
``global`` ends in the maximum over all positions; all four have valid convolutions and
no biases. ``batchnorm`` has three blocks of convolution, ReLU, BatchNorm and 2x2 pool,
with biases, and its weights are scaled, without a change of what it computes, so that
ReLUs reach 300. Images are scaled to [-1, 1]. Each network is trained once per seed on
one part of the images, then converted and tested on others: ::

    python benchmarks/mnist.py FOLDER --model 1 2 --seeds 0 1 2 --csv mnist.csv

After every tenth step (see ``--every``) the table has the share of images that are
classified correctly, what is lost against Keras, in points, and the distance of the
logits to Keras's in units of their spread, also as the mean of the last 50 steps: means
over seeds and images, with standard errors. ``FOLDER`` holds
``t10k-images-idx3-ubyte.gz`` and ``t10k-labels-idx1-ubyte.gz``. Needs NengoDL
(docs/versions.md says how to install it).

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
import warnings
from pathlib import Path

# TensorFlow reads this when it is imported
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from maxpool_circuits.nengo_dl import (  # noqa: E402, before NengoDL and TensorFlow
    Converter,
    firing_rates,
)

# isort: split
import nengo  # noqa: E402
import nengo_dl  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from conversions import (  # noqa: E402
    ReleasedConverter,
    TensorNodeConverter,
    measure,
)
from csv_files import write_csv  # noqa: E402
from tabulate import tabulate  # noqa: E402
from tqdm import tqdm  # noqa: E402

import maxpool_circuits as mpc  # noqa: E402

N_TRAINING = 8000
#: How many training images firing rates are chosen by.
N_CALIBRATION = 200
#: Largest activation of ReLUs in the network ``batchnorm``.
TOP = 300
#: How many images are simulated at the same time.
BATCH_SIZE = 100

#: The layers of each network before the last one.
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
    "batchnorm": lambda: [
        *(*block(16), *block(32), *block(64), flat()),
        dense(128, use_bias=True),
    ],
}

flat = tf.keras.layers.Flatten
pool = tf.keras.layers.MaxPool2D
conv = functools.partial(tf.keras.layers.Conv2D, activation="relu", use_bias=False)
dense = functools.partial(tf.keras.layers.Dense, activation="relu", use_bias=False)


def block(n_filters):
    """Convolution, ReLU, BatchNorm, max pooling."""
    first = conv(n_filters, 3, padding="same", use_bias=True)
    return [first, tf.keras.layers.BatchNormalization(), pool(2)]


#: Neuron types that take the place of ReLUs; all start where they are asked to.
NEURONS = {
    "spiking ReLU": nengo.SpikingRectifiedLinear,
    "IntegrateAndFire": mpc.IntegrateAndFire,
}
#: Planners of NengoDL: its default merges operators, which shares arrays.
PLANNERS = {
    "merge": nengo_dl.graph_optimizer.tree_planner,
    "separate": nengo_dl.graph_optimizer.noop_planner,
}

#: Published settings of the circuit of [1].
AVAM = functools.partial(
    mpc.AbsoluteValue, max_rate=250, radius=0.2, synapse=0.001, input_synapse=None
)
CONVERSIONS = {
    "winner-take-all": functools.partial(Converter, max_pool="winner-take-all"),
    "pairwise-relu": functools.partial(Converter, max_pool="pairwise-relu"),
    "default": Converter,
    "exact": functools.partial(Converter, max_pool="exact"),
    "absolute-value (published)": functools.partial(Converter, max_pool=AVAM),
    "TensorNode after synapse": TensorNodeConverter,
    "TensorNode as released": ReleasedConverter,
    "average pooling": functools.partial(
        Converter, max_to_avg_pool=True, allow_fallback=False
    ),
}
#: What a converted network costs; spikes and operations are those of an image.
COSTS = {
    "neurons": "neurons",
    "spikes": "spikes",
    "synaptic operations": "synaptic_operations",
    "build (s)": "build_time",
    "simulate (s)": "simulation_time",
}
#: What NengoDL has no average pooling for: padding "same".
NOT_AVERAGED = {"overlapping"}


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


def trained(name, seed, images, labels, options):
    """Make and train a network, or read its weights if it was trained before."""
    tf.keras.utils.set_random_seed(seed)
    image = tf.keras.Input((28, 28, 1))
    output = tf.keras.layers.Dense(10, use_bias=name == "batchnorm")
    x = image
    for layer in [*MODELS[name](), output]:
        x = layer(x)
    model = tf.keras.Model(image, x)
    kept = options.weights and Path(options.weights) / f"{name}-{seed}.npz"
    if kept and kept.is_file():
        with np.load(kept) as weights:
            model.set_weights([weights[each] for each in weights.files])
    else:
        loss = tf.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(tf.keras.optimizers.Adam(0.002), loss)
        model.fit(images, labels, epochs=options.epochs, batch_size=64, verbose=0)
        if kept:
            np.savez(kept, *model.get_weights())
    if name == "batchnorm":
        scale_activations(model, images[:N_CALIBRATION])
    return model


def scale_activations(model, images):
    """Make ReLUs in front of BatchNorm large; BatchNorm makes up for it."""
    for layer, norm in zip(model.layers, model.layers[1:]):
        if isinstance(norm, tf.keras.layers.BatchNormalization):
            active = tf.keras.Model(model.input, layer.output)
            values = active.predict(images, verbose=0)
            factor = TOP / np.quantile(values[values > 0], 0.999)
            layer.set_weights([factor * each for each in layer.get_weights()])
            gamma, beta, mean, variance = norm.get_weights()
            variance = (variance + norm.epsilon) * factor**2 - norm.epsilon
            norm.set_weights([gamma, beta, mean * factor, variance])


def neurons(name, start):
    """Make a neuron type, with membranes that start where they are asked to."""
    if start == "default":
        return NEURONS[name]()
    at = nengo.dists.Choice([0.5]) if start == "half" else nengo.dists.Uniform(0, 1)
    return NEURONS[name](initial_state={"voltage": at})


def summary(values):
    """Mean over seeds and images, and its standard error.

    Seeds differ by more than chance among images explains, so that errors are those of
    the means of seeds if there are several.
    """
    values = np.array(values)
    means = values.mean(axis=1)
    if len(values) == 1:
        return means[0], values[0].std(axis=0) / np.sqrt(values.shape[1])
    return means.mean(axis=0), means.std(axis=0, ddof=1) / np.sqrt(len(means))


def parse():
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", help="folder with the images and labels")
    parser.add_argument("--model", nargs="+", default=["2"], choices=MODELS)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument(
        "--scale",
        nargs="+",
        default=["100"],
        help="Hz per unit of activation, or 'calibrated' for 250 Hz per layer",
    )
    parser.add_argument("--neurons", nargs="+", default=list(NEURONS), choices=NEURONS)
    parser.add_argument(
        "--start",
        default="default",
        choices=["default", "half", "uniform"],
        help="where the membranes of the other layers start; 'default' leaves it to "
        "the conversion, and to Nengo in those that are not ours",
    )
    parser.add_argument("--only", nargs="+", choices=CONVERSIONS)
    parser.add_argument("--images", type=int, default=500, help="to test with")
    parser.add_argument(
        "--skip",
        type=int,
        default=0,
        help="leave out the first test images, which a setting was chosen by",
    )
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--every", type=int, default=10, help="steps between columns")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--weights", help="folder where trained weights are kept")
    parser.add_argument("--planner", choices=PLANNERS, help="NengoDL's order, for all")
    parser.add_argument("--csv", help="write the table to this file")
    options = parser.parse_args()
    if options.images % BATCH_SIZE:
        parser.error(f"--images must be a multiple of {BATCH_SIZE}")
    if options.skip < 0:
        parser.error("--skip must not be negative")
    return options


def main():
    """Run the benchmark."""
    options = parse()
    warnings.simplefilter("ignore")
    images, labels = load(options.folder)
    training = images[:N_TRAINING], labels[:N_TRAINING]
    first = N_TRAINING + options.skip
    images, labels = (x[first : first + options.images] for x in (images, labels))
    steps = tuple(range(options.every, options.steps + 1, options.every))
    models = {
        (name, seed): trained(name, seed, *training, options)
        for name, seed in itertools.product(options.model, options.seeds)
    }
    every_job = itertools.product(
        options.model, options.scale, options.neurons, options.only or CONVERSIONS
    )
    jobs = [
        job
        for job in every_job
        if job[3] != "average pooling" or job[0] not in NOT_AVERAGED
    ]
    headers = ["network", "Hz", "neuron type", "max pooling", "measure", *steps]
    headers += list(COSTS)
    rows = []
    for name, scale, neuron_type, conversion in tqdm(jobs, file=sys.stderr):
        right, lost, distance, mean_distance, costs = [], [], [], [], []
        for seed in options.seeds:
            model = models[name, seed]
            logits = model.predict(images, verbose=0)
            data = training[0][:N_CALIBRATION]
            convert = functools.partial(
                CONVERSIONS[conversion],
                model,
                swap_activations={
                    tf.keras.activations.relu: neurons(neuron_type, options.start)
                },
                scale_firing_rates=(
                    firing_rates(model, data, rate=250)
                    if scale == "calibrated"
                    else float(scale)
                ),
                synapse=0.005,
                inference_only=True,
            )
            planner = PLANNERS.get(options.planner)
            measured = measure(
                convert, images, options.steps, BATCH_SIZE, seed, planner
            )
            right.append(100.0 * measured.right(labels, steps))
            keras = 100.0 * (logits.argmax(axis=1) == labels)
            # the same images are hard for both: this is known better than accuracy
            lost.append(keras[:, np.newaxis] - right[-1])
            distance.append(measured.distances(logits, steps))
            mean_distance.append(measured.distances(logits, steps, mean_of=50))
            costs.append([getattr(measured, cost) for cost in COSTS.values()])
        about = [name, scale, neuron_type, conversion]
        measures = {"right (%)": right, "lost": lost, "distance": distance}
        measures["distance, mean of 50 steps"] = mean_distance
        for title, values in measures.items():
            mean, error = summary(values)
            means = np.mean(costs, axis=0) if title == "right (%)" else ()
            rows.append([*about, title, *mean, *means])
            rows.append([*about, f"{title} ± s.e.", *error])
        table = tabulate(
            rows[-2 * len(measures) :], headers, floatfmt=".3g", tablefmt="plain"
        )
        print(table, flush=True)
        if options.csv:
            write_csv(options.csv, [headers, *rows])


if __name__ == "__main__":
    main()
