"""What the error of the spiking circuits consists of, and how it falls with spikes.

Errors on inputs of 250 Hz relative to the oracle's, each after the readout that
suits it best, from the least that is possible to the circuits themselves:

- *ideal observer*: the least error that the spikes allow (ideal_observer.py);
- *maximum after a filter*: no neurons; what the input filter loses, by delay and by
  the ripple that it lets through;
- *finest thresholds*: the circuit with 16 times as many and as fine spikes, and with
  membranes of the same depth in units of the input; what membranes lose, by delay;
- *without memory*: the circuit with membranes that do not go below zero;
- the circuits, for several rates of their neurons: what is left is quantisation.

It takes about a quarter of an hour::

    python benchmarks/error_budget.py --pools 60 --csv docs/error_budget.csv
"""

import argparse
import functools

import nengo
import numpy as np
from csv_files import write_csv
from oracles import oracle_error
from tabulate import tabulate

import maxpool_circuits as mpc
from maxpool_circuits.comparison.encodings import input_spikes
from maxpool_circuits.comparison.metrics import best_readout
from maxpool_circuits.comparison.simulate import record
from maxpool_circuits.comparison.table import half_width
from maxpool_circuits.comparison.workloads import DT, find_workload

INPUT_RATE = 250
FINEST = 16
CIRCUITS = {"winner-take-all": mpc.WinnerTakeAll, "pairwise-relu": mpc.PairwiseReLU}
FILTERS = {
    "Lowpass(0.01)": nengo.Lowpass(0.01),
    "Alpha(0.0015)": nengo.Alpha(0.0015),
    "Alpha(0.003)": nengo.Alpha(0.003),
    "Alpha(0.005)": nengo.Alpha(0.005),
}


def main():
    """Print and keep the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--workloads", nargs="+", default=["band-limited", "constant", "natural"]
    )
    parser.add_argument(
        "--max-rates", type=float, nargs="+", default=[125, 250, 500, 1000, 2000]
    )
    parser.add_argument("--window-size", type=int, default=4)
    parser.add_argument("--pools", type=int, default=100)
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(1000, 1005)))
    parser.add_argument("--csv", metavar="FILE", help="write the table to FILE")
    options = parser.parse_args()
    ratios, spikes = {}, {}
    for name in options.workloads:
        for seed in options.seeds:
            drawn = find_workload(name, options.window_size, options.pools, seed)
            for what, (error, fired) in errors(drawn, seed, options).items():
                ratios.setdefault((what, name), []).append(error)
                spikes.setdefault((what, name), []).append(fired)
    headers = ["what"]
    for name in options.workloads:
        headers += [name, f"{name} ±", f"{name} spikes"]
    rows = []
    for what in dict.fromkeys(what for what, _ in ratios):
        row = [what]
        for name in options.workloads:
            own = ratios[what, name]
            fired = np.mean(spikes[what, name])
            row += [f"{np.mean(own):.3f}", f"{half_width(own):.3f}", f"{fired:.0f}"]
        rows.append(row)
    print(tabulate(rows, headers, disable_numparse=True))
    if options.csv:
        write_csv(options.csv, [headers, *rows])


def errors(workload, seed, options):
    """Error relative to the oracle's, and spikes per pool and second."""
    trains = input_spikes(workload.values, INPUT_RATE, seed)
    routed = oracle_error(workload, trains)

    def relative(output):
        _, difference = best_readout(output, workload)
        return float(np.sqrt(np.mean(difference**2)) / routed)

    found = {"oracle": (1.0, 0)}
    for name, synapse in FILTERS.items():
        filtered = synapse.filt(trains, axis=0, dt=DT, y0=0)
        output = workload.windows.max(filtered)
        found[f"maximum after {name}"] = relative(output), 0
    for name, circuit in CIRCUITS.items():
        for rate in options.max_rates:
            variants = {
                "": functools.partial(circuit, max_rate=rate),
                ", finest thresholds": finest(circuit, rate),
                ", without memory": without_memory(circuit, rate),
            }
            for end, network in variants.items():
                what = f"{name}, {rate:g} Hz{end}"
                recording = record(
                    functools.partial(network, decoders=None),
                    workload.windows,
                    trains,
                    n_counted=len(trains),
                    input_rate=INPUT_RATE,
                    seed=seed,
                )
                found[what] = relative(recording.output), recording.spikes
    return found


def finest(circuit, max_rate):
    """The same filter and depth of membranes, with thresholds that are not a limit."""
    usual = as_it_is(circuit, max_rate)
    depth = FINEST * (1 - usual.neuron_type.min_voltage)
    return functools.partial(
        circuit,
        max_rate=FINEST * max_rate,
        input_synapse=usual.input_synapse,
        neuron_type=with_floor(usual.neuron_type, 1 - depth),
    )


def without_memory(circuit, max_rate):
    """The circuit with membranes that do not go below zero."""
    shallow = with_floor(as_it_is(circuit, max_rate).neuron_type, 0)
    return functools.partial(circuit, max_rate=max_rate, neuron_type=shallow)


def as_it_is(circuit, max_rate):
    """A circuit for pools of four inputs."""
    windows = mpc.PoolWindows.independent(n_pools=1, window_size=4)
    with nengo.Network(add_to_container=False):
        return circuit(windows, max_rate=max_rate, decoders=None)


def with_floor(neuron_type, floor):
    """The same neurons with another floor."""
    if isinstance(neuron_type, mpc.AboveMean):
        return mpc.AboveMean(neuron_type.sizes, floor, neuron_type.rise)
    return mpc.IntegrateAndFire(floor)


if __name__ == "__main__":
    main()
