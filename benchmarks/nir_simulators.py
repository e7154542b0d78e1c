"""Pools in other simulators: errors of exported graphs, and what the export costs.

Everything is run on the same spikes as in Nengo. ::

    pip install '.[nir,plots]' torch norse snntorch 'spikingjelly[nir]'
    pip install --no-deps sinabs pbr
    python benchmarks/nir_simulators.py --folder docs

(sinabs asks for an older version of NIR than the others, and runs with theirs.)
``nir.csv``: errors against the true maximum on constant input. ``nir_costs.csv``: what
NIR cannot express, taken out of the circuits in Nengo. ``nir_digits.csv``: accuracy of
a convolutional network. Simulators that are not installed are left out, and standard
error says which. Numbers are means over seeds with 95 % intervals. It takes about ten
minutes on two idle cores.
"""

import argparse
import functools
import importlib.util
import os
import sys
import warnings

import nengo
import nir
import nir_readers
import numpy as np
from csv_files import write_csv
from tabulate import tabulate
from tqdm import tqdm

import maxpool_circuits as mpc
from maxpool_circuits.comparison.table import half_width
from maxpool_circuits.nir import to_nir

DT = 0.001
#: Firing rate, in Hz, of an input of 1.
RATE = 250
#: Steps before outputs are averaged, and all steps.
UNREAD, STEPS = 100, 1100
N_POOLS = 20
CIRCUITS = ("pairwise-relu", "winner-take-all")
#: Time steps after which the network of digits is read.
READ_AT = (20, 50, 100)


class ResetToZero(mpc.IntegrateAndFire):
    """Neurons as NIR defines them: at most one spike in a step, and nothing kept."""

    def step(self, dt, J, output, voltage):
        """Integrate, fire, and forget by how much the threshold was exceeded."""
        voltage += J * dt
        np.maximum(voltage, self.min_voltage, out=voltage)
        fires = voltage >= 1
        output[...] = fires * (self.amplitude / dt)
        voltage[fires] = 0


class OneSpike(mpc.IntegrateAndFire):
    """Neurons that fire at most once in a step, and keep the rest of their voltage."""

    def step(self, dt, J, output, voltage):
        """Integrate, fire once, and subtract the threshold."""
        voltage += J * dt
        np.maximum(voltage, self.min_voltage, out=voltage)
        fires = voltage >= 1
        output[...] = fires * (self.amplitude / dt)
        voltage -= fires


def counting(neuron_type=None, rate=RATE, **options):
    """Options of a circuit whose threshold is one spike of an input at a rate."""
    return {
        "neuron_type": neuron_type or mpc.IntegrateAndFire(min_voltage=-np.inf),
        # a neuron fires at max_rate in the middle of the input range
        "max_rate": rate / 2,
        "input_synapse": None,
        "decoders": None,
        **options,
    }


def readers():
    """Readers that are installed, by name."""
    found = {}
    for name, (package, reader) in nir_readers.READERS.items():
        if importlib.util.find_spec(package):
            found[name] = reader
        else:
            print(f"{name} is left out: {package} is missing", file=sys.stderr)
    return found


def interval(samples):
    """Mean of samples and half of its 95 % interval, as text."""
    return f"{np.mean(samples):.4f} ± {half_width(samples):.4f}"


def in_nengo(windows, values, seed, circuits):
    """Spikes of neurons that carry constant values, and what circuits make of them."""
    with nengo.Network(seed=seed) as model:
        neurons = nengo.Ensemble(
            windows.n_inputs,
            1,
            neuron_type=mpc.IntegrateAndFire(amplitude=1 / RATE),
            gain=np.full(windows.n_inputs, RATE),
            bias=np.zeros(windows.n_inputs),
            encoders=np.ones((windows.n_inputs, 1)),
        )
        shown = nengo.Node(values)
        nengo.Connection(shown, neurons.neurons, synapse=None)
        spikes = nengo.Probe(neurons.neurons)
        outputs = {}
        for name, (circuit, options) in circuits.items():
            pool = mpc.make(circuit, windows, **options)
            nengo.Connection(neurons.neurons, pool.input, synapse=None)
            outputs[name] = nengo.Probe(pool.output)
    with nengo.Simulator(model, progress_bar=False) as simulator:
        simulator.run_steps(STEPS)
    counts = np.round(simulator.data[spikes] * DT * RATE)
    return counts, {name: simulator.data[probe] for name, probe in outputs.items()}


def rmse(output, true):
    """Error of outputs over time, (n_steps, n_pools), in units of the input."""
    difference = output[UNREAD:].mean(axis=0) - true
    return float(np.sqrt(np.mean(difference**2)))


def errors_of_simulators(window_sizes, seeds):
    """Rows of the table of errors on constant input."""
    found = readers()
    rows = [["circuit", "inputs", "simulator", "RMSE", "RMSE / Nengo"]]
    for window_size in window_sizes:
        windows = mpc.PoolWindows.independent(N_POOLS, window_size)
        in_simulators = {circuit: (circuit, counting()) for circuit in CIRCUITS}
        with_floor = {
            f"{circuit}, floor of -1": (circuit, counting(mpc.IntegrateAndFire()))
            for circuit in CIRCUITS
        }
        by_default = {f"{circuit}, default": (circuit, {}) for circuit in CIRCUITS}
        runs = []
        for seed in seeds:
            values = np.random.RandomState(seed).uniform(size=windows.n_inputs)
            circuits = {**in_simulators, **with_floor, **by_default}
            true = windows.max(values)
            spikes, outputs = in_nengo(windows, values, seed, circuits)
            nengo_errors = {key: rmse(out, true) for key, out in outputs.items()}
            runs.append((spikes, true, nengo_errors))
        # the seeds side by side
        numbers = np.stack([spikes for spikes, _, _ in runs], axis=1)
        for circuit in CIRCUITS:
            own = np.array([errors[circuit] for _, _, errors in runs])
            lines = {
                "Nengo": own,
                "Nengo, floor of -1": [
                    errors[f"{circuit}, floor of -1"] for _, _, errors in runs
                ],
                "Nengo, default circuit": [
                    errors[f"{circuit}, default"] for _, _, errors in runs
                ],
            }
            options = counting(add_to_container=False)
            graph = to_nir(mpc.make(circuit, windows, **options), 1 / RATE)
            for name, reader in tqdm(found.items(), f"{circuit}, {window_size}"):
                try:
                    outputs = reader(graph, numbers) / (DT * RATE)
                except Exception as error:
                    reason = " ".join(str(error).split())
                    tqdm.write(f"{name}: {type(error).__name__}: {reason}", sys.stderr)
                    lines[name] = None
                    continue
                lines[name] = [
                    rmse(outputs[:, i], true) for i, (_, true, _) in enumerate(runs)
                ]
            for name, errors in lines.items():
                if errors is None:
                    cells = ["fails", ""]
                else:
                    cells = [interval(errors), interval(np.array(errors) / own)]
                rows.append([circuit, window_size, name, *cells])
    return rows


def costs_in_nengo(seeds, n_pools):
    """Rows of the table of what the circuits lose if a feature is taken out of them."""
    endless = -np.inf
    variants = {}
    for circuit in CIRCUITS:
        default = mpc.make(
            circuit, mpc.PoolWindows.independent(1, 4), add_to_container=False
        )
        floor = default.neuron_type.min_voltage
        own = {"decoders": None}
        if circuit == "winner-take-all":
            # of neurons that NIR knows
            own["synapse"] = nengo.Lowpass(0)
        for name, options in {
            "as it is": own,
            "one spike in a step": {**own, "neuron_type": OneSpike(floor)},
            "one spike, reset to zero": {**own, "neuron_type": ResetToZero(floor)},
            "no floor": {**own, "neuron_type": mpc.IntegrateAndFire(endless)},
            "threshold of one spike": counting(mpc.IntegrateAndFire(floor)),
            "the same, no floor (as exported)": counting(),
            "the same, reset to zero": counting(ResetToZero(endless)),
        }.items():
            made = functools.partial(mpc.circuits()[circuit], **options)
            variants[circuit, name] = made
    rows = [["circuit", "what is left", "new values every 300 ms", "every 50 ms"]]
    columns = {}
    for workload in ("constant", "presentations"):
        tables = [
            mpc.compare(
                {"; ".join(key): made for key, made in variants.items()},
                workload=workload,
                n_pools=n_pools,
                input_rate=RATE,
                seed=seed,
            )
            for seed in tqdm(seeds, f"costs, {workload}")
        ]
        columns[workload] = {
            key: interval([table["; ".join(key)].rmse for table in tables])
            for key in variants
        }
    for key in variants:
        rows.append([*key, *(column[key] for column in columns.values())])
    return rows


def trained(images, labels, seed):
    """Weights of a convolutional network with max pooling, from PyTorch."""
    import torch

    torch.manual_seed(seed)
    network = torch.nn.Sequential(
        torch.nn.Conv2d(1, 8, 3),
        torch.nn.ReLU(),
        torch.nn.MaxPool2d(2),
        torch.nn.Flatten(),
        torch.nn.Linear(72, 10),
    )
    optimiser = torch.optim.Adam(network.parameters(), 0.003)
    images, labels = torch.tensor(images).float(), torch.tensor(labels)
    for _ in range(60):
        for batch in torch.randperm(len(images)).split(64):
            optimiser.zero_grad()
            loss = torch.nn.functional.cross_entropy(
                network(images[batch]), labels[batch]
            )
            loss.backward()
            optimiser.step()
    return network


def digits_network(graph_of_pool, convolution, dense, scale):
    """The whole network as a graph; the pool is one node of it."""
    maps = np.ones((8, 6, 6), np.float32)
    nodes = {
        "input": nir.Input({"input": np.array([1, 8, 8])}),
        "convolution": nir.Conv2d(
            (8, 8), convolution[0] * scale, 1, 0, 1, 1, convolution[1] * scale
        ),
        "features": nir.IF(r=maps, v_threshold=maps),
        # counted from the end: readers differ in whether they count the batch
        "flat": nir.Flatten({"input": np.array([8, 6, 6])}, -3, -1),
        "pool": graph_of_pool,
        "dense": nir.Affine(dense[0], dense[1] * scale),
        "output": nir.Output({"output": np.array([10])}),
    }
    names = list(nodes)
    return nir.NIRGraph(nodes, list(zip(names, names[1:])))


def digits_in_nengo(images, windows, convolution, dense, spike_value, circuit, options):
    """Logits of the same network in Nengo, (n_steps, n_images, 10)."""
    (filters, offset), (weights, bias) = convolution, dense
    shown = {"image": images[0]}
    with nengo.Network(seed=0) as model:
        image = nengo.Node(lambda t: shown["image"].ravel(), size_out=64)
        one = nengo.Node(1)
        features = nengo.Ensemble(
            windows.n_inputs,
            1,
            neuron_type=mpc.IntegrateAndFire(
                amplitude=spike_value,
                initial_state={"voltage": nengo.dists.Choice([0])},
            ),
            gain=np.full(windows.n_inputs, 1 / spike_value),
            bias=np.zeros(windows.n_inputs),
            encoders=np.ones((windows.n_inputs, 1)),
        )
        nengo.Connection(
            image,
            features.neurons,
            transform=nengo.Convolution(
                8,
                (1, 8, 8),
                init=filters.transpose(2, 3, 1, 0),
                channels_last=False,
            ),
            synapse=None,
        )
        nengo.Connection(
            one,
            features.neurons,
            transform=np.repeat(offset, 36)[:, np.newaxis],
            synapse=None,
        )
        pool = mpc.make(circuit, windows, **options)
        nengo.Connection(features.neurons, pool.input, synapse=None)
        logits = nengo.Node(size_in=10)
        nengo.Connection(pool.output, logits, transform=weights, synapse=None)
        nengo.Connection(one, logits, transform=bias[:, np.newaxis], synapse=None)
        probe = nengo.Probe(logits)
    outputs = []
    with nengo.Simulator(model, progress_bar=False) as simulator:
        for shown["image"] in images:
            simulator.reset()
            simulator.run_steps(max(READ_AT))
            outputs.append(simulator.data[probe])
    return np.stack(outputs, axis=1)


def accuracies(logits, labels):
    """Percent of images that are classified correctly after some time steps."""
    sums = np.cumsum(logits, axis=0)
    return [100 * np.mean(sums[t - 1].argmax(axis=-1) == labels) for t in READ_AT]


def digits(seeds, n_images):
    """Rows of the table of accuracies."""
    import torch
    from sklearn.datasets import load_digits

    data = load_digits()
    images = data.images[:, np.newaxis] / 16
    found = readers()
    measured = {}
    windows = mpc.PoolWindows((8, 6, 6), pool_size=2, channels_last=False)
    for seed in tqdm(seeds, "digits"):
        order = np.random.RandomState(seed).permutation(len(images))
        test, train = order[:n_images], order[n_images:]
        network = trained(images[train], data.target[train], seed)
        with torch.no_grad():
            ordinary = network(torch.tensor(images[test]).float()).numpy()
            maps = network[:2](torch.tensor(images[train]).float()).numpy()
        labels = data.target[test]
        percent = 100 * np.mean(ordinary.argmax(axis=-1) == labels)
        measured.setdefault(("true maximum, no spikes", "PyTorch"), []).append(
            [percent] * len(READ_AT)
        )
        highest, rate = float(maps.max()), 500
        spike_value = highest / rate
        weights = [part.detach().numpy() for part in network.parameters()]
        convolution, dense = weights[:2], weights[2:]
        for circuit in CIRCUITS:
            options = counting(rate=rate, input_range=(0, highest))
            alone = mpc.make(circuit, windows, **options, add_to_container=False)
            graph = digits_network(
                to_nir(alone, spike_value), convolution, dense, DT / spike_value
            )
            logits = {
                "Nengo": digits_in_nengo(
                    images[test],
                    windows,
                    convolution,
                    dense,
                    spike_value,
                    circuit,
                    options,
                )
            }
            numbers = np.repeat(images[test][np.newaxis], max(READ_AT), axis=0)
            for name, reader in found.items():
                # the reference has no convolutions, and what fails, failed before
                if name not in ("by the book", "snnTorch"):
                    logits[name] = reader(graph, numbers)
            for name, each in logits.items():
                measured.setdefault((circuit, name), []).append(
                    accuracies(each, labels)
                )
    header = ["pool", "simulator", *(f"accuracy after {t} steps (%)" for t in READ_AT)]
    rows = [header]
    for key, samples in measured.items():
        cells = [interval(column) for column in zip(*samples)]
        # a tenth of a percent is enough
        rows.append([*key, *(_rounded(cell) for cell in cells)])
    return rows


def _rounded(cell):
    """An interval with one digit after the point."""
    return " ± ".join(f"{float(number):.1f}" for number in cell.split(" ± "))


def main():
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--seeds", type=int, default=10, metavar="N")
    parser.add_argument("--images", type=int, default=100, metavar="N")
    parser.add_argument(
        "--only", nargs="+", choices=["nir", "nir_costs", "nir_digits"], metavar="TABLE"
    )
    parser.add_argument("--folder", metavar="DIR", help="write the tables there")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    seeds = range(options.seeds)
    tables = {
        "nir": functools.partial(errors_of_simulators, (4, 9), seeds),
        "nir_costs": functools.partial(costs_in_nengo, seeds[:5], n_pools=25),
        "nir_digits": functools.partial(digits, seeds[:3], options.images),
    }
    for name in options.only or tables:
        rows = tables[name]()
        print(tabulate(rows[1:], rows[0], disable_numparse=True), end="\n\n")
        if options.folder:
            write_csv(os.path.join(options.folder, f"{name}.csv"), rows)


if __name__ == "__main__":
    main()
