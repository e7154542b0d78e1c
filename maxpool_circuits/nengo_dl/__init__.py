"""Max-pooling layers in NengoDL's converter.

Needs NengoDL and the TensorFlow that it works with, on Python 3.11 or older
(``pip install 'maxpool-circuits[nengo-dl]'``).
"""


def _check():
    """Say what to install if NengoDL cannot be used."""
    advice = (
        "maxpool_circuits.nengo_dl needs NengoDL 3.6 and TensorFlow 2.12, which run on "
        "Python 3.9 to 3.11; install both in one command: "
        "pip install 'maxpool-circuits[nengo-dl]'"
    )
    try:
        import nengo_dl
    except Exception as error:
        # NengoDL fails in many ways beside a TensorFlow that it was not made for
        raise ImportError(
            f"{advice} (import nengo_dl failed: {type(error).__name__}: {error})"
        ) from error
    if not hasattr(nengo_dl, "Converter"):
        raise ImportError(
            f"{advice} (the module nengo_dl in {nengo_dl.__file__} is not NengoDL)"
        )


_check()

# the check comes first, so that its message is seen and not the cause's
from .agreement import LayerTable, compare_layers  # noqa: E402
from .builders import IntegrateAndFireBuilder, MaxPoolIncBuilder  # noqa: E402
from .calibration import firing_rates  # noqa: E402
from .converter import Converter, register  # noqa: E402
from .layers import ConvertMaxPool  # noqa: E402

__all__ = [
    "ConvertMaxPool",
    "Converter",
    "IntegrateAndFireBuilder",
    "LayerTable",
    "MaxPoolIncBuilder",
    "compare_layers",
    "firing_rates",
    "register",
]
