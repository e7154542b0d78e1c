"""What several commands have in common."""

from pathlib import Path


def add_jobs(parser):
    """Add the option of commands that can use several processes."""
    parser.add_argument(
        "--jobs", type=int, default=1, help="number of processes (default: %(default)s)"
    )


def add_seed(parser):
    """Add the option of commands that draw inputs."""
    parser.add_argument(
        "--seed", type=int, default=0, help="seed (default: %(default)s)"
    )


def add_outputs(parser, plot=None):
    """Add the options of commands that have a table, and draw to ``plot`` or not."""
    parser.add_argument("--csv", metavar="FILE", help="write the table to FILE")
    parser.add_argument(
        "--plot",
        metavar="FILE",
        help="draw to FILE" + (f" (default: {plot})" if plot else ""),
    )


def draw_without_a_screen():
    """Fail early if matplotlib is missing, and need no display."""
    import matplotlib

    matplotlib.use("Agg")


def report(table, draw, options):
    """Print a table, then write what was asked for."""
    print(table)
    for what, write, path in [
        ("table", table.to_csv, options.csv),
        ("figure", draw, options.plot),
    ]:
        if path:
            write(path)
            print_path(what, path)


def print_path(what, path):
    """Say where a file is."""
    print(f"\n{what}: {Path(path).resolve()}")
