"""``maxpool-circuits doctor``: what is installed, and what installs the rest."""

import importlib
import os
import platform
import sys
import warnings

from tabulate import tabulate

from ..utils.versions import (
    WITH_KERAS_3,
    allowed_minors,
    how_to_install_nengo_dl,
    installed,
    minor,
)
from ..version import version


def add_to(commands):
    """Add the command."""
    parser = commands.add_parser(
        "doctor",
        help="tell what is installed, what works, and what installs the rest",
        description="Tell what is installed, what works together, and the line that "
        "installs the rest. The exit status is 1 if anything is missing.",
    )
    parser.set_defaults(run=run)


def run(options):
    """Print what is installed and what works; raise an ImportError if not all does."""
    print(f"maxpool_circuits {version}, Python {platform.python_version()}\n")
    rows = [(name, installed(name) or "-", limits) for name, limits in _packages()]
    print(tabulate(rows, ["package", "installed", "works with"], disable_numparse=True))
    complaints = {
        "circuits, compare, tune": None,
        "figures, demo": _without_figures(),
        "Keras networks": _without_nengo_dl(),
    }
    print()
    for what, complaint in complaints.items():
        print(f"{what:24} {'no: ' + complaint if complaint else 'yes'}")
    if any(complaints.values()):
        raise ImportError("something is missing, see above")


def _packages():
    """Packages, and the versions that work with the others that are installed."""
    minors = allowed_minors(sys.version_info[:2])
    keras = minor(installed("tensorflow"))
    return [
        ("nengo", "4.0 and newer"),
        ("numpy", "1.24 and newer"),
        ("scipy", "1.9 and newer"),
        ("matplotlib", "3.7 and newer"),
        ("scikit-learn", "1.2 and newer"),
        ("nengo-dl", "3.6"),
        ("tensorflow", f"2.{minors[0]} to 2.{minors[-1]}"),
        (
            "tf_keras",
            f"2.{keras}, as TensorFlow"
            if keras in minors and keras >= WITH_KERAS_3
            else "as TensorFlow, from 2.16 on",
        ),
    ]


def _without_figures():
    """What is missing for figures, or None."""
    try:
        for module in ("matplotlib", "sklearn"):
            importlib.import_module(module)
    except ImportError as error:
        return f"{error}. What helps: pip install matplotlib scikit-learn"
    return None


def _without_nengo_dl():
    """Why Keras networks cannot be converted, or None."""
    # TensorFlow reads this when it is imported
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            importlib.import_module("maxpool_circuits.nengo_dl")
    except ImportError as error:
        return " ".join(str(error).split())
    found = installed("tensorflow")
    if minor(found) not in allowed_minors(sys.version_info[:2]):
        return (
            f"TensorFlow {found} was not tried on this Python, or fails there. What "
            f"helps: {how_to_install_nengo_dl()}"
        )
    return None
