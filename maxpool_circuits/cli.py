"""The command line."""

import argparse
import contextlib
import functools
import os
import sys
import warnings
from pathlib import Path

import nengo
from nengo.exceptions import ValidationError

from . import demo, doctor
from .comparison import WORKLOADS, compare
from .network.neurons import IntegrateAndFire
from .registry import circuits, find
from .tuning import tune
from .version import version

#: Where the demonstrations draw, unless they are told.
PLOT = "maxpool_circuits_demo.png"
NENGO_DL_PLOT = "maxpool_circuits_demo_nengo_dl.png"


def main(arguments=None):
    """Run a command.

    Parameters
    ----------
    arguments : list of str, optional (Default: None)
        The words of the command line; None means those of this process.

    Returns
    -------
    int
        The exit status: 0 for success, 2 for arguments that are not possible, 1 for a
        package that is missing or a file that cannot be written.
    """
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except ValidationError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except ModuleNotFoundError as error:
        print(
            f"error: {error.name} is needed for this; install it with "
            "pip install matplotlib scikit-learn",
            file=sys.stderr,
        )
        return 1
    except ImportError as error:
        # of NengoDL, whose own message may have several lines
        print("error:", " ".join(str(error).split()), file=sys.stderr)
        return 1
    except OSError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _parser():
    parser = argparse.ArgumentParser(
        prog="maxpool-circuits",
        description="Spiking max-pooling circuits for Nengo.",
    )
    parser.add_argument("--version", action="version", version=version)
    commands = parser.add_subparsers(title="commands", required=True)

    listing = commands.add_parser("list", help="list the circuits")
    listing.set_defaults(run=_list)

    comparing = commands.add_parser(
        "compare",
        help="compare circuits on the same spikes",
        description="Compare circuits on the same spikes. Progress goes to standard "
        "error, the table to standard output.",
    )
    comparing.add_argument(
        "circuits",
        nargs="*",
        metavar="CIRCUIT",
        help=f"any of {', '.join(circuits())} (default: all)",
    )
    comparing.add_argument(
        "--workload",
        default="presentations",
        choices=list(WORKLOADS),
        help="what the inputs do (default: %(default)s)",
    )
    comparing.add_argument(
        "--window-size",
        type=int,
        default=4,
        metavar="K",
        help="inputs of each pool (default: %(default)s)",
    )
    comparing.add_argument(
        "--pools", type=int, metavar="N", help="number of pools (default: 200)"
    )
    comparing.add_argument(
        "--input-rate",
        type=float,
        default=250,
        metavar="HZ",
        help="firing rate of an input of 1, in Hz (default: %(default)s)",
    )
    _add_jobs(comparing)
    _add_common(comparing)
    comparing.set_defaults(run=_compare)

    tuning = commands.add_parser(
        "tune",
        help="choose the parameters of a circuit by watching it run",
        description="Choose the parameters of a circuit by watching it run, and write "
        "them to a file. Progress goes to standard error, the report to standard "
        "output. The same command goes on where an interrupted one stopped.",
    )
    tuning.add_argument(
        "circuit", metavar="CIRCUIT", help=f"any of {', '.join(circuits())}"
    )
    tuning.add_argument(
        "--out", required=True, metavar="FILE", help="file to write (*.npz)"
    )
    tuning.add_argument(
        "--window-size",
        type=int,
        nargs="+",
        metavar="K",
        help="inputs of each pool, one or several numbers (default: 4 and 16, or 4 for "
        "circuits that need a tuning for each)",
    )
    tuning.add_argument(
        "--neuron-type",
        metavar="NAME",
        help="a neuron type of Nengo, or IntegrateAndFire (default: the circuit's)",
    )
    tuning.add_argument(
        "--neurons", type=int, metavar="N", help="n_neurons of the circuit"
    )
    tuning.add_argument(
        "--max-rate", type=float, metavar="HZ", help="max_rate of the circuit"
    )
    tuning.add_argument(
        "--input-rate",
        type=float,
        metavar="HZ",
        help="firing rate of an input of 1, in Hz (default: that of the circuit)",
    )
    for what in ("latency", "spikes"):
        tuning.add_argument(
            f"--{what}-weight",
            type=float,
            default=0,
            metavar="W",
            help=f"what less {what} is worth; 1: as much as less error "
            "(default: %(default)s)",
        )
    tuning.add_argument(
        "--plot", metavar="FILE", help="draw errors before and after to FILE"
    )
    _add_jobs(tuning)
    tuning.add_argument(
        "--seed", type=int, default=0, help="seed (default: %(default)s)"
    )
    tuning.set_defaults(run=_tune)

    demonstration = commands.add_parser(
        "demo",
        help="pool images of digits by every circuit",
        description="Handwritten digits through oriented filters and spiking neurons, "
        "max-pooled by every circuit: the C1 layer of HMAX.",
    )
    demonstration.add_argument(
        "--nengo-dl",
        action="store_true",
        help="train a Keras network with max pooling and convert it with every circuit "
        f"instead (needs NengoDL; FILE is then {NENGO_DL_PLOT} by default)",
    )
    _add_common(demonstration, plot=PLOT)
    demonstration.set_defaults(run=_demo)

    examination = commands.add_parser(
        "doctor",
        help="tell what is installed, what works, and what installs the rest",
        description="Tell what is installed, what works together, and the line that "
        "installs the rest. The exit status is 1 if anything is missing.",
    )
    examination.set_defaults(run=_doctor)
    return parser


def _add_jobs(parser):
    """Add the option of all commands that can use several processes."""
    parser.add_argument(
        "--jobs", type=int, default=1, help="number of processes (default: %(default)s)"
    )


def _add_common(parser, plot=None):
    """Add the options of all commands that measure something."""
    parser.add_argument(
        "--seed", type=int, default=0, help="seed (default: %(default)s)"
    )
    parser.add_argument("--csv", metavar="FILE", help="write the table to FILE")
    parser.add_argument(
        "--plot",
        metavar="FILE",
        help="draw to FILE" + (f" (default: {plot})" if plot else ""),
    )


def _list(options):
    for name, circuit in circuits().items():
        summary = (circuit.__doc__ or "").strip().split("\n")[0]
        print(f"{name:16} {summary}")


def _compare(options):
    if options.plot:
        _draw_without_a_screen()
    table = compare(
        options.circuits or None,
        options.window_size,
        workload=options.workload,
        n_pools=options.pools,
        input_rate=options.input_rate,
        seed=options.seed,
        n_jobs=options.jobs,
        progress_bar=True,
    )
    _report(table, table.plot, options)


def _tune(options):
    if options.plot:
        _draw_without_a_screen()
    if not Path(options.out).resolve().parent.is_dir():
        # better told now than when the work is done
        raise FileNotFoundError(f"there is no folder to write {options.out} to")
    given = {
        "neuron_type": options.neuron_type and _neuron_type(options.neuron_type),
        "n_neurons": options.neurons,
        "max_rate": options.max_rate,
    }
    given = {name: value for name, value in given.items() if value is not None}
    # Nengo's progress bar writes to standard output
    with contextlib.redirect_stdout(sys.stderr):
        tuned = tune(
            options.circuit,
            window_size=options.window_size,
            input_rate=options.input_rate,
            seed=options.seed,
            n_jobs=options.jobs,
            latency_weight=options.latency_weight,
            spikes_weight=options.spikes_weight,
            journal=f"{options.out}.journal",
            **given,
        )
    tuned.save(options.out)
    print(tuned)
    print(f"\nfile: {Path(options.out).resolve()}")
    if options.plot:
        _draw_before_and_after(tuned, given, options)


def _draw_before_and_after(tuned, given, options):
    """Draw a tuned circuit beside the untuned one, on inputs it was not tuned on."""
    from . import plots

    circuit = functools.partial(find(options.circuit), **given)
    table = compare(
        {
            "untuned": functools.partial(circuit, decoders=None),
            "tuned": functools.partial(circuit, decoders=tuned),
        },
        tuned.report["window_sizes"][0],
        input_rate=tuned.report["input_rate"],
        seed=options.seed,
    )
    plots.before_and_after(table, options.plot)
    print(f"\nfigure: {Path(options.plot).resolve()}")


def _neuron_type(name):
    """Neuron type of a name, with its default parameters."""
    known = {"IntegrateAndFire": IntegrateAndFire}
    for other, value in vars(nengo.neurons).items():
        if isinstance(value, type) and issubclass(value, nengo.neurons.NeuronType):
            known[other] = value
    if name not in known:
        raise ValidationError(
            f"no neuron type is called {name!r}; there are {', '.join(sorted(known))}",
            attr="neuron_type",
        )
    return known[name]()


def _demo(options):
    _draw_without_a_screen()
    if options.nengo_dl:
        _demo_nengo_dl(options)
        return
    if options.plot is None:
        options.plot = PLOT
    table = demo.run(seed=options.seed)
    _report(table, functools.partial(demo.draw, table), options)


def _demo_nengo_dl(options):
    # TensorFlow reads this when it is imported
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with warnings.catch_warnings():
        # about fallbacks and versions, which are no news here
        warnings.simplefilter("ignore")
        from .nengo_dl import demo as nengo_dl_demo

        table = nengo_dl_demo.run(seed=options.seed)
    if options.plot is None:
        options.plot = NENGO_DL_PLOT
    _report(table, table.plot, options)


def _doctor(options):
    if not doctor.examine():
        raise ImportError("something is missing, see above")


def _report(table, draw, options):
    """Print a table, then write what was asked for."""
    print(table)
    for what, write, path in [
        ("table", table.to_csv, options.csv),
        ("figure", draw, options.plot),
    ]:
        if path:
            write(path)
            print(f"\n{what}: {Path(path).resolve()}")


def _draw_without_a_screen():
    """Fail early if matplotlib is missing, and need no display."""
    import matplotlib

    matplotlib.use("Agg")
