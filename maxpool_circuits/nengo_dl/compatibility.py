"""Imports NengoDL beside any TensorFlow from 2.12 to 2.21.

NengoDL 3.6 needs Keras 2, and imports two of its modules by names that they had until
TensorFlow 2.12. They moved to ``keras.src`` in 2.13, and to another package,
``tf_keras``, in 2.16: TensorFlow then has Keras 3, unless the environment variable
``TF_USE_LEGACY_KERAS`` says otherwise when it is imported.
"""

import importlib
import os
import platform
import sys
from importlib.util import find_spec

from nengo.exceptions import ValidationError

from ..utils.versions import how_to_install_nengo_dl, installed

#: The modules of Keras 2 that NengoDL imports.
WANTED = ("keras.engine.functional", "keras.layers")


def import_nengo_dl():
    """Import NengoDL, or raise an ImportError that says what to do."""
    if installed("nengo-dl-torch"):
        raise _error(
            "nengo-dl-torch is installed, whose module has the same name, but which "
            "converts no layers",
            f"pip uninstall --yes nengo-dl-torch && {how_to_install_nengo_dl()}",
        )
    if find_spec("nengo_dl") is None:
        raise _error("NengoDL is not installed")
    if "tensorflow" not in sys.modules and find_spec("tf_keras"):
        # it stays: parts of TensorFlow read it later, when they are first used
        os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
    package = keras_2(_imported("tensorflow"))
    before = {name: sys.modules[name] for name in WANTED if name in sys.modules}
    for name in WANTED:
        sys.modules[name] = importlib.import_module(package + name[len("keras") :])
    try:
        nengo_dl = _imported("nengo_dl")
    finally:
        # what others import is as before
        for name in WANTED:
            del sys.modules[name]
        sys.modules.update(before)
    if not hasattr(nengo_dl, "Converter"):
        raise _error(f"the module nengo_dl in {nengo_dl.__file__} is not NengoDL")


def check_keras_2(model):
    """Refuse a model that was built with Keras 3, which NengoDL cannot read."""
    import tensorflow as tf

    bases = type(model).__mro__
    is_keras = any(base.__module__.split(".")[0] == "keras" for base in bases)
    if is_keras and not isinstance(model, tf.keras.Model):
        raise ValidationError(
            f"{type(model).__module__} is Keras 3, NengoDL reads models of Keras 2, "
            "which tf.keras is after `import maxpool_circuits.nengo_dl`. Save the "
            "model, and load it again with this package:\n"
            "    model.save('model.keras')\n"
            "    model = maxpool_circuits.nengo_dl.load_model('model.keras')",
            attr="model",
        )


def _error(cause, cure=None):
    """The error for a NengoDL that cannot be used."""
    return ImportError(
        f"maxpool_circuits.nengo_dl needs NengoDL 3.6 and Keras 2, but {cause}. What "
        f"helps on Python {platform.python_version()}: "
        f"{cure or how_to_install_nengo_dl()}"
    )


def _imported(module):
    """A module; NengoDL fails in many ways beside versions it was not made for."""
    try:
        return importlib.import_module(module)
    except Exception as error:
        raise _error(
            f"import {module} failed ({type(error).__name__}: {error})"
        ) from error


def keras_2(tensorflow):
    """The name of the package that Keras 2 is in."""
    try:
        where = tensorflow.keras.Model.__module__
    except ImportError:
        # TF_USE_LEGACY_KERAS was set, and there is no tf_keras
        where = ""
    package, is_keras_2, _ = where.partition(".engine.")
    if is_keras_2:
        return package
    if find_spec("tf_keras") is None:
        raise _error(
            f"TensorFlow {tensorflow.__version__} has Keras 3, and tf_keras, which is "
            "Keras 2, is not installed"
        )
    raise _error(
        "TensorFlow was imported before, with Keras 3",
        "start again and import maxpool_circuits.nengo_dl before tensorflow and keras, "
        "or set the environment variable TF_USE_LEGACY_KERAS=1 before Python starts",
    )
