"""Max-pooling layers in NengoDL's converter.

Needs NengoDL, on Python 3.9 to 3.13 (``maxpool-circuits doctor`` says what to install).
Import it before NengoDL and TensorFlow: it imports both, in a way that works with
TensorFlow 2.12 to 2.21.
"""

from .compatibility import import_nengo_dl

import_nengo_dl()

# only now, so that its message is seen and not what the cause says
from . import builders, operators  # noqa: E402, F401, NengoDL's simulator uses them
from .calibration import firing_rates  # noqa: E402
from .converter import Converter, register  # noqa: E402
from .layers import ConvertMaxPool  # noqa: E402
from .layerwise import compare_layers  # noqa: E402
from .loading import load_model  # noqa: E402
from .running import compare_outputs  # noqa: E402

__all__ = [
    "ConvertMaxPool",
    "Converter",
    "compare_layers",
    "compare_outputs",
    "firing_rates",
    "load_model",
    "register",
]
