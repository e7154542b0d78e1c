"""``maxpool-circuits compare``."""

from ..comparison import ENCODINGS, WORKLOADS, compare
from ..registry import circuits
from .common import add_jobs, add_outputs, add_seed, check_outputs, report


def add_to(commands):
    """Add the command."""
    parser = commands.add_parser(
        "compare",
        help="compare circuits on the same spikes",
        description="Compare circuits on the same spikes. Progress goes to standard "
        "error, the table to standard output.",
    )
    parser.add_argument(
        "circuits",
        nargs="*",
        metavar="CIRCUIT",
        help=f"any of {', '.join(circuits())} (default: all)",
    )
    parser.add_argument(
        "--workload",
        default="presentations",
        choices=list(WORKLOADS),
        help="what the inputs do (default: %(default)s)",
    )
    parser.add_argument(
        "--encoding",
        default="regular",
        choices=list(ENCODINGS),
        help="how their values reach the circuits (default: %(default)s)",
    )
    parser.add_argument(
        "--window-size",
        type=int,
        default=4,
        metavar="K",
        help="inputs of each pool (default: %(default)s)",
    )
    parser.add_argument(
        "--pools", type=int, metavar="N", help="number of pools (default: 200)"
    )
    parser.add_argument(
        "--input-rate",
        type=float,
        default=250,
        metavar="HZ",
        help="firing rate of an input of 1, in Hz (default: %(default)s)",
    )
    parser.add_argument(
        "--trials",
        type=int,
        default=1,
        metavar="N",
        help="samples of inputs and networks; two or more give 95 %% intervals "
        "(default: %(default)s)",
    )
    add_jobs(parser)
    add_seed(parser)
    add_outputs(parser)
    parser.set_defaults(run=run)


def run(options):
    """Compare, print the table, and write what was asked for."""
    check_outputs(csv=options.csv, plot=options.plot)
    table = compare(
        options.circuits or None,
        options.window_size,
        workload=options.workload,
        encoding=options.encoding,
        n_pools=options.pools,
        input_rate=options.input_rate,
        seed=options.seed,
        n_trials=options.trials,
        n_jobs=options.jobs,
        progress_bar=True,
    )
    report(table, table.plot, options)
