"""Which versions of NengoDL and TensorFlow work together, and what installs them."""

import importlib.metadata
import re
import sys

NENGO_DL = "nengo-dl==3.6.0"
#: The first and the last TensorFlow 2.x that NengoDL is tested with.
OLDEST, NEWEST = 12, 21
#: The first whose Keras 2 runs on Python 3.12: older ones fail in set_random_seed.
OLDEST_ON_NEW_PYTHON = 19
#: The first that comes with Keras 3: Keras 2 is then another package, tf_keras.
WITH_KERAS_3 = 16


def installed(package):
    """Version of an installed package, or None."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def minor(version):
    """The 12 of "2.12.1", or None if the version is not a 2.x."""
    found = re.match(r"2\.(\d+)", version or "")
    return int(found.group(1)) if found else None


def allowed_minors(python):
    """Range of the TensorFlow 2.x that NengoDL works with on a Python."""
    return range(OLDEST_ON_NEW_PYTHON if python >= (3, 12) else OLDEST, NEWEST + 1)


def how_to_install_nengo_dl():
    """The line that installs NengoDL on the running Python, or why there is none."""
    python = sys.version_info[:2]
    if sys.platform == "win32":
        if python > (3, 10):
            return "on Windows NengoDL needs Python 3.9 or 3.10 (and TensorFlow 2.10)"
        return f'pip install {NENGO_DL} "tensorflow<2.11"'
    if python >= (3, 14):
        return "NengoDL needs Python 3.9 to 3.13; all else works here"
    found = minor(installed("tensorflow"))
    if found in allowed_minors(python):
        packages = [f'"tf_keras==2.{found}.*"'] if found >= WITH_KERAS_3 else []
    else:
        limits = f">=2.{OLDEST_ON_NEW_PYTHON},<2.{NEWEST + 1}"
        packages = [f'"tensorflow{limits}"', f'"tf_keras{limits}"']
    if python < (3, 12):
        return " ".join(["pip install", NENGO_DL, *packages])
    # NengoDL asks for a setuptools that Python 3.12 cannot run, to be built with
    first = " ".join(["pip install", '"setuptools>=77,<82"', *packages])
    return f"{first} && pip install --no-build-isolation {NENGO_DL}"


if __name__ == "__main__":
    # for `make test-versions`
    print(*allowed_minors(sys.version_info[:2]))
