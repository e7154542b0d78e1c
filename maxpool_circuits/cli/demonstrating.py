"""``maxpool-circuits demo``."""

import functools
import os
import warnings

from .. import demo
from .common import add_outputs, add_seed, draw_without_a_screen, report

#: Where the demonstrations draw by default.
PLOT = "maxpool_circuits_demo.png"
NENGO_DL_PLOT = "maxpool_circuits_demo_nengo_dl.png"


def add_to(commands):
    """Add the command."""
    parser = commands.add_parser(
        "demo",
        help="pool images of digits by every circuit",
        description="Handwritten digits through oriented filters and spiking neurons, "
        "max-pooled by every circuit: the C1 layer of HMAX.",
    )
    parser.add_argument(
        "--nengo-dl",
        action="store_true",
        help="train a Keras network with max pooling and convert it with every circuit "
        f"instead (needs NengoDL; FILE is then {NENGO_DL_PLOT} by default)",
    )
    add_seed(parser)
    add_outputs(parser, plot=PLOT)
    parser.set_defaults(run=run)


def run(options):
    """Show circuits on images, or conversions of a Keras network."""
    draw_without_a_screen()
    if options.nengo_dl:
        table, draw, plot = _nengo_dl(options)
    else:
        table = demo.run(seed=options.seed)
        draw, plot = functools.partial(demo.draw, table), PLOT
    if options.plot is None:
        options.plot = plot
    report(table, draw, options)


def _nengo_dl(options):
    # TensorFlow reads this when it is imported
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with warnings.catch_warnings():
        # about fallbacks and versions, which are no news here
        warnings.simplefilter("ignore")
        from ..nengo_dl import demo as nengo_dl_demo

        table = nengo_dl_demo.run(seed=options.seed)
    return table, table.plot, NENGO_DL_PLOT
