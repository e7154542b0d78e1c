"""The least error that the spikes of changing inputs allow any circuit and readout.

An ideal observer knows how its inputs come about (white noise through one low-pass
filter or two, clipped to [0, 1], carried by one integrate-and-fire neuron each) and all
spikes
so far. The mean of the maximum, given these, has the least root-mean-square error that
is possible. It is computed here by a particle filter [1]_: many copies of each input,
sampled from its dynamics, of which those stay that would have fired exactly the spikes
that came. More particles have a smaller error, down to that of the ideal observer.
Smooth inputs take thousands: few of them stay.

It takes some minutes::

    python benchmarks/ideal_observer.py --csv docs/ideal_observer.csv

References
----------
.. [1] Gordon, N. J., Salmond, D. J. and Smith, A. F. M. (1993). Novel approach to
   nonlinear/non-Gaussian Bayesian state estimation. IEE Proceedings F 140, 107-113.
   https://doi.org/10.1049/ip-f-2.1993.0015
"""

import argparse
import itertools

import numpy as np
from csv_files import write_csv
from oracles import oracle_error
from tabulate import tabulate

from maxpool_circuits.comparison.encodings import input_spikes
from maxpool_circuits.comparison.workloads import DT, find_workload

#: Of values, before they are clipped.
MEAN, DEVIATION = 0.5, 0.25
#: Filters of the noise of each workload: how many, and their time constant, in seconds.
FILTERS = {"band-limited": (1, 0.1), "smooth": (2, 0.05)}


def main():
    """Print errors of the ideal observer and of the oracle."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workloads", nargs="+", default=["band-limited"])
    parser.add_argument("--window-sizes", type=int, nargs="+", default=[4, 9])
    parser.add_argument("--input-rates", type=float, nargs="+", default=[100, 250])
    parser.add_argument("--particles", type=int, nargs="+", default=[250, 1000])
    parser.add_argument("--inputs", type=int, default=160, help="in all")
    parser.add_argument("--seed", type=int, default=1000)
    parser.add_argument("--csv", metavar="FILE", help="write the table to FILE")
    options = parser.parse_args()
    rows = []
    for name, size, rate in itertools.product(
        options.workloads, options.window_sizes, options.input_rates
    ):
        workload = find_workload(name, size, options.inputs // size, options.seed)
        spikes = input_spikes(workload.values, rate, options.seed)
        target = workload.target[workload.is_read]
        least = [
            root_mean_square(observe(workload, spikes, rate, n) - target)
            for n in options.particles
        ]
        errors = [oracle_error(workload, spikes), *least]
        rows.append((name, size, f"{rate:g}", *(f"{each:.4f}" for each in errors)))
    headers = ["workload", "inputs", "Hz", "oracle"]
    headers += [f"ideal observer, {n} particles" for n in options.particles]
    print(tabulate(rows, headers, disable_numparse=True))
    if options.csv:
        write_csv(options.csv, [headers, *rows])


def observe(workload, spikes, rate, n_particles, seed=0):
    """Expected maximum of each pool given all spikes so far, (n_reads, n_pools)."""
    rng = np.random.RandomState(seed)
    fired = spikes > 0
    shape = fired.shape[1], n_particles
    n_filters, time_constant = FILTERS[workload.name]
    decay = np.exp(-DT / time_constant)
    # each filter is fed by the one before, the first by noise
    filters = np.zeros((n_filters, *shape))
    impulse = (1 - decay) ** n_filters * decay ** np.arange(2000)
    impulse *= (np.arange(2000) + 1) ** (n_filters - 1)
    scale = DEVIATION / np.sqrt(np.sum(impulse**2))
    for _ in range(1000):
        advance(filters, decay, rng)
    potentials = rng.uniform(size=shape)
    n_pools = workload.windows.n_pools
    expected = []
    for step, spiked in enumerate(fired):
        advance(filters, decay, rng)
        potentials += np.clip(MEAN + scale * filters[-1], 0, 1) * rate * DT
        fires = potentials > 1
        potentials -= spiked[:, np.newaxis]
        *filters, potentials = resample(
            [*filters, potentials], fires == spiked[:, np.newaxis], rng
        )
        filters = np.array(filters)
        if workload.is_read[step]:
            members = np.clip(MEAN + scale * filters[-1], 0, 1)
            members = members.reshape(n_pools, -1, n_particles)
            expected.append(members.max(axis=1).mean(axis=1))
    return np.array(expected)


def advance(filters, decay, rng):
    """Filters of new noise after a time step."""
    coming = rng.normal(size=filters[0].shape)
    for each in filters:
        each *= decay
        each += (1 - decay) * coming
        coming = each


def resample(arrays, stays, rng):
    """Replace particles that contradict the spikes by copies of those that do not."""
    # of an input that surprises all its particles, all stay
    stays = stays | ~stays.any(axis=1, keepdims=True)
    n_staying = stays.sum(axis=1, keepdims=True)
    chosen = (rng.uniform(size=stays.shape) * n_staying).astype(int)
    staying_first = np.argsort(~stays, axis=1, kind="stable")
    source = np.take_along_axis(staying_first, chosen, axis=1)
    source = np.where(stays, np.arange(stays.shape[1]), source)
    return (np.take_along_axis(array, source, axis=1) for array in arrays)


def root_mean_square(errors):
    """Of all readings."""
    return np.sqrt(np.mean(errors**2))


if __name__ == "__main__":
    main()
