"""How long a time step takes: pools in converted networks, and pools by the million.

Times are ratios within one run, in which everything that is compared takes turns:
medians over rounds, with 95 % intervals from resampling the rounds. ::

    python benchmarks/speed.py converted --csv docs/speed_nengo_dl.csv
    python benchmarks/speed.py pools --csv docs/speed_nengo.csv
    python benchmarks/speed.py backends --csv docs/speed_backends.csv

``converted`` compares all ways to pool in networks of ``mnist.py``, on NengoDL with a
batch of 100 images and nothing merged, with average pooling (which cannot pad) or with
a TensorNode after a synapse. Networks are not trained, since weights take their time
whatever they are. ``pools`` compares Nengo with and without the operator of a
winner-take-all circuit and with the update of its rule in plain NumPy. ``backends``
compares Nengo, NengoDL and nengo-torch, on the CPU, all with our operators. They take
some ten minutes, one minute and two.
"""

import argparse
import functools
import os
import sys
import time
import warnings

# TensorFlow reads this when it is imported
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import nengo  # noqa: E402
import numpy as np  # noqa: E402
from csv_files import write_csv  # noqa: E402
from tabulate import tabulate  # noqa: E402
from tqdm import tqdm  # noqa: E402

import maxpool_circuits as mpc  # noqa: E402

AVERAGE, TENSOR_NODE = "average pooling", "TensorNode after synapse"
CIRCUITS = ["default", "winner-take-all", "pairwise-relu", "exact"]
N_IMAGES, N_STEPS = 100, 30
WINDOW_SIZE = 4


def ratios(seconds, reference):
    """Median ratio to a reference, and its 95 % interval, from seconds by round."""
    rounds = np.array(seconds) / np.array(reference)
    draws = np.random.RandomState(0).choice(rounds, (1000, len(rounds)))
    low, high = np.quantile(np.median(draws, axis=1), [0.025, 0.975])
    return f"{np.median(rounds):.2f}", f"{low:.2f} to {high:.2f}"


def converted(n_rounds):
    """Rows on converted networks: build and step of each way to pool."""
    # first: makes NengoDL run beside any TensorFlow
    from maxpool_circuits.nengo_dl import Converter  # noqa: F401

    # isort: split
    import mnist
    import nengo_dl
    import tensorflow as tf

    pool = mnist.pool
    models = {
        "1": (mnist.MODELS["1"], AVERAGE),
        "2": (mnist.MODELS["2"], AVERAGE),
        "overlapping, valid": (
            lambda: [mnist.conv(16, 3), pool(3, 2), mnist.conv(24, 3), pool(3, 2)],
            TENSOR_NODE,
        ),
        "overlapping, same": (mnist.MODELS["overlapping"], TENSOR_NODE),
    }
    images = np.random.RandomState(0).uniform(size=(N_IMAGES, 1, 28 * 28))
    shown = np.tile(images, (1, N_STEPS, 1))
    rows = [
        ["network", "pooling", "compared with", *headers("step"), *headers("build")]
    ]
    for name, (layers, reference) in models.items():
        tf.keras.utils.set_random_seed(0)
        image = x = tf.keras.Input((28, 28, 1))
        for layer in [*layers(), mnist.flat(), tf.keras.layers.Dense(10)]:
            x = layer(x)
        model = tf.keras.Model(image, x)
        ways = [*CIRCUITS, reference]

        def build(way, model=model):
            network = mnist.CONVERSIONS[way](
                model,
                swap_activations={tf.keras.activations.relu: mpc.IntegrateAndFire()},
                scale_firing_rates=100.0,
                synapse=0.005,
                inference_only=True,
            ).net
            with network:
                planner = mnist.PLANNERS["separate"]
                nengo_dl.configure_settings(stateful=False, planner=planner)
            return nengo_dl.Simulator(
                network, minibatch_size=N_IMAGES, seed=0, progress_bar=False
            )

        built, stepped = ({way: [] for way in ways} for _ in range(2))
        simulators = {way: build(way) for way in ways}
        for way in ways:
            # the first call compiles
            simulators[way].predict(shown, verbose=0)
        for _ in tqdm(range(n_rounds), name, file=sys.stderr):
            for way in ways:
                built[way].append(timed(functools.partial(build, way)))
                predict = functools.partial(simulators[way].predict, verbose=0)
                stepped[way].append(timed(functools.partial(predict, shown)))
        for way in ways[:-1]:
            step = ratios(stepped[way], stepped[reference])
            rows.append(
                [name, way, reference, *step, *ratios(built[way], built[reference])]
            )
        for simulator in simulators.values():
            simulator.close()
    return rows


def headers(what):
    """Headers of a ratio and its interval."""
    return what, f"{what}, 95 %"


def timed(function):
    """Seconds that a function takes."""
    started = time.perf_counter()
    function()
    return time.perf_counter() - started


def pools(n_rounds):
    """Rows on winner-take-all circuits in Nengo, by number of pools."""
    rows = [["pools", "way", "ns per pool and step", *headers("time / NumPy")]]
    for n_pools in (10**4, 10**5, 10**6):
        x = np.random.RandomState(0).uniform(size=n_pools * WINDOW_SIZE)
        steps = {"operator": nengo_step(x, True), "native": nengo_step(x, False)}
        steps["NumPy"] = numpy_step(x.reshape(-1, WINDOW_SIZE))
        n_steps = max(2, 10**6 // n_pools)
        seconds = {way: [] for way in steps}
        for _ in tqdm(range(n_rounds), f"{n_pools} pools", file=sys.stderr):
            for way, step in steps.items():
                run = [step] * n_steps
                seconds[way].append(timed(lambda run=run: [each() for each in run]))
        for way in steps:
            per_pool = np.median(seconds[way]) / n_steps / n_pools * 1e9
            ratio = ratios(seconds[way], seconds["NumPy"])
            rows.append([n_pools, way, f"{per_pool:.0f}", *ratio])
    return rows


def nengo_step(x, operators):
    """The step of a simulator, with or without operators."""
    nengo.rc.set("maxpool_circuits", "operators", str(operators))
    with nengo.Network(seed=0) as model:
        windows = mpc.PoolWindows.independent(len(x) // WINDOW_SIZE, WINDOW_SIZE)
        pool = mpc.WinnerTakeAll(windows)
        nengo.Connection(nengo.Node(x), pool.input, synapse=None)
    return nengo.Simulator(model, progress_bar=False).step


def backends(n_rounds):
    """Rows on circuits in Nengo, NengoDL and nengo-torch, by number of pools."""
    # isort: off
    import maxpool_circuits.nengo_dl  # noqa: F401, before TensorFlow
    import maxpool_circuits.nengo_torch  # noqa: F401
    import nengo_dl
    import nengo_torch

    # isort: on
    planner = nengo_dl.graph_optimizer.noop_planner
    makers = {
        "Nengo": nengo.Simulator,
        "NengoDL": nengo_dl.Simulator,
        "nengo-torch": nengo_torch.Simulator,
    }
    compared = headers("NengoDL / Nengo"), headers("nengo-torch / NengoDL")
    rows = [["pools", "circuit", *sum(compared, ())]]
    for n_pools in (10, 10**3, 10**5):
        n_steps = max(20, 2000 // n_pools)
        for name in ("winner-take-all", "pairwise-relu"):
            x = np.random.RandomState(0).uniform(size=n_pools * WINDOW_SIZE)
            with nengo.Network(seed=0) as model:
                nengo_dl.configure_settings(planner=planner, inference_only=True)
                windows = mpc.PoolWindows.independent(n_pools, WINDOW_SIZE)
                pool = mpc.make(name, windows)
                nengo.Connection(nengo.Node(x), pool.input, synapse=None)
            runs = {}
            for backend, make in makers.items():
                simulator = make(model, progress_bar=False)
                runs[backend] = functools.partial(
                    simulator.run_steps, n_steps, progress_bar=False
                )
                # the first call compiles
                runs[backend]()
            seconds = {backend: [] for backend in runs}
            for _ in tqdm(range(n_rounds), f"{name}, {n_pools}", file=sys.stderr):
                for backend, run in runs.items():
                    seconds[backend].append(timed(run))
            rows.append(
                [
                    n_pools,
                    name,
                    *ratios(seconds["NengoDL"], seconds["Nengo"]),
                    *ratios(seconds["nengo-torch"], seconds["NengoDL"]),
                ]
            )
    return rows


def numpy_step(x):
    """The rule of the circuit, as one would write it in NumPy."""
    voltage = np.random.RandomState(0).uniform(size=x.shape)
    once, twice = np.zeros((2, *x.shape))
    # of the input synapse, two filters of 1.72 ms
    rate = 1 - np.exp(-1 / 1.72)

    def step():
        nonlocal voltage, once, twice
        once = once + rate * (x - once)
        twice = twice + rate * (once - twice)
        mean = twice.mean(axis=1, keepdims=True)
        floor = np.minimum(1.35 * mean - 1, 0)
        voltage = np.maximum(voltage + 0.5 * (twice - mean), floor)
        spikes = np.maximum(np.floor(voltage.max(axis=1, keepdims=True)), 0)
        voltage = voltage - spikes
        return (mean + 2 * spikes)[:, 0]

    return step


def main():
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("what", choices=["converted", "pools", "backends"])
    parser.add_argument("--rounds", type=int, default=15, metavar="N")
    parser.add_argument("--csv", metavar="FILE", help="write the table to FILE")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    measures = {"converted": converted, "pools": pools, "backends": backends}
    measure = measures[options.what]
    header, *rows = measure(options.rounds)
    print(tabulate(rows, header, disable_numparse=True))
    if options.csv:
        write_csv(options.csv, [header, *rows])


if __name__ == "__main__":
    main()
