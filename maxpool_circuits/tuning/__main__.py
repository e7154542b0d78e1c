"""Make the decoders that are shipped: ``python -m maxpool_circuits.tuning``."""

import argparse

import joblib

from ..network.shelf import FOLDER
from .presets import make_preset, path_of, setups


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
    FOLDER.mkdir(exist_ok=True)
    chosen = setups()
    if arguments.missing:
        chosen = [setup for setup in chosen if not path_of(*setup).is_file()]
    joblib.Parallel(n_jobs=arguments.jobs, verbose=10)(
        joblib.delayed(_write)(*setup) for setup in chosen
    )


def _write(circuit, options, window_size):
    path, tuned = make_preset(circuit, options, window_size)
    tuned.save(path)


if __name__ == "__main__":
    main()
