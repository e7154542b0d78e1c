"""Make the decoders that are shipped: ``python -m maxpool_circuits.tuning``."""

import argparse

import joblib

from ..network import shelf
from ..utils.files import atomic_write
from .presets import gains_nothing, make_preset, path_of, presets


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
    chosen, known = presets(), set()
    if arguments.missing:
        known = set(shelf.formulas())
        chosen = [preset for preset in chosen if not _is_there(path_of(*preset), known)]
    unchanged = joblib.Parallel(n_jobs=arguments.jobs, verbose=10)(
        joblib.delayed(_write)(*preset) for preset in chosen
    )
    names = sorted(known.union(*unchanged))
    with atomic_write(shelf.FOLDER / shelf.FORMULAS) as unfinished:
        unfinished.write_text("".join(f"{name}\n" for name in names), "utf-8")


def _is_there(path, formulas):
    return path.is_file() or path.name in formulas


def _write(*preset):
    """Write a file if it changes anything; the names of those that would not."""
    path, tuned = path_of(*preset), make_preset(*preset)
    if gains_nothing(tuned):
        path.unlink(missing_ok=True)
        return {path.name}
    tuned.save(path)
    return set()


if __name__ == "__main__":
    main()
