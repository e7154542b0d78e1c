"""What circuits do outside of what they were made for.

Three tables: ``faults.csv`` (dead neurons and imprecise weights), ``inputs.csv`` (slow,
random and many inputs) and ``settings.csv`` (time steps, values beyond the range, and a
million steps). ::

    python benchmarks/robustness.py --tune --folder docs/robustness

Pools of four inputs of 250 Hz, whose values are held for 300 ms, unless it says
otherwise. Each trial has inputs, networks and faults of its own. A cell has the
root-mean-square error with the half-width of its 95 % confidence interval over trials
(Student's t distribution), and in brackets the bias. It takes half an hour on two
cores, of which tuning each circuit with each fault (``--tune``) is the half.
"""

import argparse
import functools
import itertools
import warnings
from pathlib import Path

import joblib
import nengo
import numpy as np
from csv_files import write_csv
from tqdm import tqdm

import maxpool_circuits as mpc
from maxpool_circuits.comparison.compare import FIRST_SEED
from maxpool_circuits.comparison.table import half_width
from maxpool_circuits.network.populations import PopulationArray, rectifier

FAULTS = {
    "none": {},
    "10 % dead": {"dead": 0.1},
    "30 % dead": {"dead": 0.3},
    "weights ± 10 %": {"weight_noise": 0.1},
    "8 bits": {"bits": 8},
    "4 bits": {"bits": 4},
}
#: Circuits that can fail, and their options.
CAN_FAIL = {
    "winner-take-all": {},
    "pairwise-relu": {},
    "softmax": {},
    "ensemble": {},
    "winner-take-all, 20 LIF": {"neuron_type": nengo.LIF()},
    "pairwise-relu, 20 LIF": {"neuron_type": nengo.LIF()},
}
#: After the name of a circuit that was tuned with the faults of a column.
TUNED = ", tuned with it"
REFERENCE = "oracle"
#: Arguments of `compare`.
INPUTS = {
    "250 Hz": {"n_pools": 50},
    "50 Hz": {"n_pools": 50, "input_rate": 50},
    "50 Hz, rate not given": {"n_pools": 50, "input_rate": 50},
    "50 Hz, 9 inputs": {"n_pools": 20, "input_rate": 50, "window_size": 9},
    "Poisson": {"n_pools": 50, "encoding": "poisson"},
    "100 inputs": {"n_pools": 3, "window_size": 100},
    "400 inputs": {"n_pools": 2, "window_size": 400},
}
#: Options of circuits that cannot do without.
NEEDED = {("ensemble", "400 inputs"): {"n_neurons": 5000}}
#: Time steps in seconds, and what uniform values are multiplied by.
SETTINGS = {
    "0.1 ms": {"dt": 0.0001},
    "0.5 ms": {"dt": 0.0005},
    "1 ms": {},
    "2 ms": {"dt": 0.002},
    "5 ms": {"dt": 0.005},
    "2 times the range": {"scale": 2},
    "10 times the range": {"scale": 10},
}
DRIFT = "drift in a million steps"


def with_faults(row, column, n_trials):
    """A circuit with faults, that may have been tuned with others of their kind."""
    name, is_tuned = row.replace(TUNED, ""), row.endswith(TUNED)
    circuit, options, faults = name.split(", ")[0], CAN_FAIL[name], FAULTS[column]
    circuit = functools.partial(mpc.circuits()[circuit], **options)

    def failing(windows, seed=0, **options):
        network = circuit(windows, **options)
        if faults:
            mpc.let_fail(network, **faults, seed=seed)
        return network

    if is_tuned and faults:
        decoders = mpc.tune(failing, progress_bar=False)
        circuit = functools.partial(circuit, decoders=decoders)
    errors, biases = [], []
    for trial in range(1, n_trials + 1):
        table = mpc.compare(
            {name: functools.partial(failing, seed=trial)},
            workload="constant",
            n_pools=50,
            seed=FIRST_SEED + trial,
        )
        errors.append(table[name].rmse)
        biases.append(table[name].bias)
    return shown(errors, biases)


def on_inputs(row, column, n_trials):
    """A circuit, or the reference, on inputs of a kind."""
    circuit = mpc.circuits()["pairwise-relu" if row == REFERENCE else row]
    # as in a model of one's own, where circuits get no other rate than this
    is_given = not column.endswith("not given")
    rate = INPUTS[column].get("input_rate", 250) if is_given else 250
    options = {"input_rate": rate, "max_rate": 250, **NEEDED.get((row, column), {})}
    circuit = functools.partial(circuit, **options)
    table = mpc.compare(
        {row if row != REFERENCE else "any": circuit},
        workload="constant",
        seed=FIRST_SEED,
        n_trials=n_trials,
        **INPUTS[column],
    )
    trials = table.trials[table.trials["circuit"] == row]
    return shown(trials["rmse"], trials["bias"])


def in_settings(row, column, n_trials):
    """A circuit on values that stay: error of its mean output, or how much it drifts.

    Errors of values beyond the range are in units of what these are multiplied by.
    """
    if column == DRIFT:
        early, late, _ = run(row, FIRST_SEED, n_steps=10**6)
        return f"{np.abs(late - early).max():.4f}"
    errors = []
    for trial in range(n_trials):
        _, output, values = run(row, FIRST_SEED + trial, **SETTINGS[column])
        scale = SETTINGS[column].get("scale", 1)
        errors.append((output - values.max(axis=1)) / scale)
    return shown(np.sqrt(np.mean(np.square(errors), axis=1)), np.mean(errors, axis=1))


def run(circuit, seed, dt=0.001, scale=1, n_steps=None):
    """Mean output of each pool in the second and the last quarter, and its values."""
    values = scale * np.random.RandomState(seed).uniform(size=(20, 4))
    windows = mpc.PoolWindows.independent(*values.shape)
    spiking = nengo.SpikingRectifiedLinear(amplitude=1 / 250)
    # after it the exact maximum is not one of spikes
    options = {"input_synapse": 0.005} if circuit == "exact" else {}
    with nengo.Network(seed=seed) as model:
        inputs = PopulationArray(
            rectifier(spiking, 1, 250, radius=1), values.size
        ).neurons
        nengo.Connection(nengo.Node(values.ravel()), inputs, synapse=None)
        pool = mpc.make(circuit, windows, **options)
        nengo.Connection(inputs, pool.input, synapse=None)
        n_steps = n_steps or round(2 / dt)
        integral = nengo.LinearFilter([1], [1, 0])
        quarter = n_steps // 4 * dt
        probe = nengo.Probe(pool.output, synapse=integral, sample_every=quarter)
    with nengo.Simulator(model, dt=dt, progress_bar=False) as simulator:
        simulator.run_steps(n_steps)
    quarters = np.diff(simulator.data[probe], axis=0) / quarter
    return quarters[0], quarters[2], values


def shown(errors, biases):
    """Error with its interval, and bias, over trials."""
    return f"{np.mean(errors):.3f} ± {half_width(errors):.3f} ({np.mean(biases):+.3f})"


def quietly(measure, *cell):
    """Without the warnings of setups that have no shipped decoders."""
    warnings.simplefilter("ignore")
    return measure(*cell)


def main():
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--folder", type=Path, required=True, help="where files go")
    parser.add_argument("--trials", type=int, default=5, metavar="N")
    parser.add_argument("--tune", action="store_true", help="tune with faults too")
    parser.add_argument("--jobs", type=int, default=2, metavar="N")
    options = parser.parse_args()
    if options.trials < 2:
        parser.error("confidence intervals need at least two --trials")
    options.folder.mkdir(parents=True, exist_ok=True)

    failing = [*CAN_FAIL]
    if options.tune:
        # units that share a reset have nothing to tune
        failing += [name + TUNED for name in CAN_FAIL if name != "winner-take-all"]
    names = [*mpc.circuits()]
    compared = [name for name in names if name != "exact"] + [REFERENCE]
    parallel = joblib.Parallel(n_jobs=options.jobs, return_as="generator")
    for file, measure, rows, columns in (
        ("faults.csv", with_faults, failing, FAULTS),
        ("inputs.csv", on_inputs, compared, INPUTS),
        ("settings.csv", in_settings, names, [*SETTINGS, DRIFT]),
    ):
        cells = list(itertools.product(rows, columns))
        texts = parallel(
            joblib.delayed(quietly)(measure, *cell, options.trials) for cell in cells
        )
        found = dict(zip(cells, list(tqdm(texts, total=len(cells), desc=file))))
        lines = [[f"`{row}`", *(found[row, c] for c in columns)] for row in rows]
        write_csv(options.folder / file, [["circuit", *columns], *lines])


if __name__ == "__main__":
    main()
