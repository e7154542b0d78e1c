"""``maxpool-circuits demo``."""

import functools

from .. import demo
from .common import add_outputs, add_seed, check_outputs, report

#: Where the demonstration draws by default.
PLOT = "maxpool_circuits_demo.png"


def add_to(commands):
    """Add the command."""
    parser = commands.add_parser(
        "demo",
        help="pool images of digits by every circuit",
        description="Handwritten digits through oriented filters and spiking neurons, "
        "max-pooled by every circuit: the C1 layer of HMAX.",
    )
    add_seed(parser)
    add_outputs(parser, plot=PLOT)
    parser.set_defaults(run=run)


def run(options):
    """Show circuits on images."""
    if options.plot is None:
        options.plot = PLOT
    check_outputs(csv=options.csv, plot=options.plot)
    table = demo.run(seed=options.seed)
    report(table, functools.partial(demo.draw, table), options)
