"""VGG16 with its max pooling and with average pooling: neurons, time and memory.

The network without its top, with random weights, sees a photograph. Each way is
measured in a process of its own, in turns: ::

    python benchmarks/vgg16.py --size 224 --csv docs/vgg16.csv

Needs NengoDL (docs/versions.md says how to install it).
"""

import argparse
import os
import resource
import subprocess
import sys
import time
import warnings

# TensorFlow reads this when it is imported
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import pandas as pd

#: Arguments of the converter.
WAYS = {"default": {}, "average pooling": {"max_to_avg_pool": True}}
COLUMNS = ["neurons (millions)", "build (s)", "step (s)", "memory (GB)"]


def measured(way, options):
    """Neurons, seconds to build and for a step, and peak memory, of one process."""
    from maxpool_circuits.nengo_dl import Converter

    # isort: split
    import nengo_dl
    import numpy as np
    import tensorflow as tf
    from sklearn.datasets import load_sample_images

    import maxpool_circuits as mpc

    warnings.simplefilter("ignore")
    tf.keras.utils.set_random_seed(0)
    shape = options.size, options.size, 3
    model = tf.keras.applications.VGG16(False, weights=None, input_shape=shape)
    image = tf.image.resize(load_sample_images().images[0] / 255, shape[:2])
    started = time.perf_counter()
    converter = Converter(
        model,
        swap_activations={"relu": mpc.IntegrateAndFire()},
        scale_firing_rates=100,
        synapse=0.005,
        inference_only=True,
        **WAYS[way],
    )
    with converter.net:
        planner = nengo_dl.graph_optimizer.noop_planner
        nengo_dl.configure_settings(planner=planner)
    shown = np.tile(np.reshape(image, (1, 1, -1)), (1, options.steps, 1))
    with nengo_dl.Simulator(converter.net, progress_bar=False) as simulator:
        simulator.predict(shown[:, :1], verbose=0)
        built = time.perf_counter()
        simulator.predict(shown, verbose=0)
        finished = time.perf_counter()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    neurons = converter.net.n_neurons / 1e6
    return neurons, built - started, (finished - built) / options.steps, memory


def main():
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=224, help="of the image, in pixels")
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--way", choices=WAYS, help="print the numbers of one")
    parser.add_argument("--csv", metavar="FILE", help="write the table to FILE")
    options = parser.parse_args()
    if options.way:
        print(*measured(options.way, options))
        return
    rows = []
    for _ in range(options.rounds):
        for way in WAYS:
            command = [sys.executable, *sys.argv, "--way", way]
            output = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
            rows.append([way, *map(float, output.split()[-len(COLUMNS) :])])
            print(*rows[-1], flush=True)
    table = pd.DataFrame(rows, columns=["max pooling", *COLUMNS])
    table = table.groupby("max pooling", sort=False).median().round(2)
    print(table.to_string())
    if options.csv:
        table.to_csv(options.csv)


if __name__ == "__main__":
    main()
