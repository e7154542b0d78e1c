"""Max-pooling layers in NengoDL's converter.

Needs NengoDL, on Python 3.9 to 3.13 (``maxpool-circuits doctor`` says what to install).
Import it before `nengo_dl` and TensorFlow: it imports both, in a way that works with
TensorFlow 2.12 to 2.21.
"""

from .compatibility import import_nengo_dl

import_nengo_dl()

# only now, so that its message is seen and not what the cause says
from .builders import IntegrateAndFireBuilder, MaxPoolIncBuilder  # noqa: E402
from .converter import Converter, ConvertMaxPool, register  # noqa: E402

__all__ = [
    "ConvertMaxPool",
    "Converter",
    "IntegrateAndFireBuilder",
    "MaxPoolIncBuilder",
    "register",
]
