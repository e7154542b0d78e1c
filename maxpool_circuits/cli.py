"""The command line."""

import argparse
import functools
import os
import sys
import warnings
from pathlib import Path

from nengo.exceptions import ValidationError

from . import demo
from .comparison import WORKLOADS, compare
from .registry import circuits
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
            "pip install 'maxpool-circuits[plots]'",
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
    _add_common(comparing)
    comparing.set_defaults(run=_compare)

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
    return parser


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
        progress_bar=True,
    )
    _report(table, table.plot, options)


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
