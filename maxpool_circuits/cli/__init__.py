"""The command line: a file for each command."""

import argparse
import sys

from nengo.exceptions import ValidationError

from ..version import version
from . import comparing, demonstrating, doctor, listing, tuning


def main(arguments=None):
    """Run the command of these words, or of this process, and return the exit status.

    0: success; 1: a package is missing, or a file cannot be written; 2: arguments that
    are not possible.
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
    for command in (listing, comparing, tuning, demonstrating, doctor):
        command.add_to(commands)
    return parser
