"""``maxpool-circuits list``."""

from ..registry import circuits


def add_to(commands):
    """Add the command."""
    parser = commands.add_parser("list", help="list the circuits")
    parser.set_defaults(run=run)


def run(options):
    """Print the name of each circuit, and the first line of its documentation."""
    for name, circuit in circuits().items():
        summary = (circuit.__doc__ or "").strip().split("\n")[0]
        print(f"{name:16} {summary}")
