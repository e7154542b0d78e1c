"""Make the decoders that are shipped: ``python -m maxpool_circuits.tuning``."""

import argparse

import joblib

from ..network import shelf
from .presets import make_preset, path_of, presets


def main():
    """Tune every setup, several at the same time, and write the files."""
    parser = argparse.ArgumentParser(
        prog="python -m maxpool_circuits.tuning", description=__doc__
    )
    parser.add_argument(
        "--jobs", type=int, default=-1, help="number of processes (default: all cores)"
    )
    parser.add_argument(
        "--missing", action="store_true", help="only those that there is no file for"
    )
    arguments = parser.parse_args()
    shelf.FOLDER.mkdir(exist_ok=True)
    chosen = presets()
    if arguments.missing:
        chosen = [preset for preset in chosen if not path_of(*preset).is_file()]
    joblib.Parallel(n_jobs=arguments.jobs, verbose=10)(
        joblib.delayed(_write)(*preset) for preset in chosen
    )


def _write(*preset):
    make_preset(*preset).save(path_of(*preset))


if __name__ == "__main__":
    main()
