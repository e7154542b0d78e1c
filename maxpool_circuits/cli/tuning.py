"""``maxpool-circuits tune``."""

import functools

import nengo
from nengo.exceptions import ValidationError

from ..comparison import compare
from ..network.neurons import IntegrateAndFire
from ..registry import circuits, find
from ..tuning import tune
from ..utils.checks import did_you_mean
from .common import add_jobs, add_seed, check_outputs, print_path


def add_to(commands):
    """Add the command."""
    parser = commands.add_parser(
        "tune",
        help="choose the parameters of a circuit by watching it run",
        description="Choose the parameters of a circuit by watching it run, and write "
        "them to a file. Progress goes to standard error, the report to standard "
        "output.",
    )
    parser.add_argument(
        "circuit", metavar="CIRCUIT", help=f"any of {', '.join(circuits())}"
    )
    parser.add_argument(
        "--out", required=True, metavar="FILE", help="file to write (*.npz)"
    )
    parser.add_argument(
        "--window-size",
        type=int,
        nargs="+",
        metavar="K",
        help="inputs of each pool, one or several numbers (default: 4 and 16, or 4 for "
        "circuits that need a tuning for each)",
    )
    parser.add_argument(
        "--neuron-type",
        metavar="NAME",
        help="a neuron type of Nengo, or IntegrateAndFire (default: the circuit's)",
    )
    parser.add_argument(
        "--neurons", type=int, metavar="N", help="n_neurons of the circuit"
    )
    parser.add_argument(
        "--max-rate", type=float, metavar="HZ", help="max_rate of the circuit"
    )
    parser.add_argument(
        "--input-rate",
        type=float,
        metavar="HZ",
        help="firing rate of an input of 1, in Hz (default: that of the circuit)",
    )
    for what in ("latency", "spikes"):
        parser.add_argument(
            f"--{what}-weight",
            type=float,
            default=0,
            metavar="W",
            help=f"what less {what} is worth; 1: as much as less error "
            "(default: %(default)s)",
        )
    parser.add_argument(
        "--plot", metavar="FILE", help="draw errors before and after to FILE"
    )
    add_jobs(parser)
    parser.add_argument(
        "--memory",
        metavar="FOLDER",
        help="keep what is found in FOLDER: the same command goes on where an "
        "interrupted one stopped",
    )
    add_seed(parser)
    parser.set_defaults(run=run, kept=kept)


def run(options):
    """Tune, write the file, and print what was found."""
    check_outputs(out=options.out, plot=options.plot)
    given = {
        "neuron_type": options.neuron_type and _neuron_type(options.neuron_type),
        "n_neurons": options.neurons,
        "max_rate": options.max_rate,
    }
    given = {name: value for name, value in given.items() if value is not None}
    tuned = tune(
        options.circuit,
        window_size=options.window_size,
        input_rate=options.input_rate,
        seed=options.seed,
        n_jobs=options.jobs,
        latency_weight=options.latency_weight,
        spikes_weight=options.spikes_weight,
        memory=options.memory,
        **given,
    )
    tuned.save(options.out)
    print(tuned)
    print_path("file", options.out)
    if options.plot:
        _draw_before_and_after(tuned, given, options)


def kept(options):
    """What there is after an interruption, and how to go on."""
    if options.memory is None:
        return "nothing was kept"
    return f"what was found is kept in {options.memory!r}, the same command goes on"


def _draw_before_and_after(tuned, given, options):
    """Draw a tuned circuit beside the untuned one, on inputs it was not tuned on."""
    from .. import plots

    circuit = find(options.circuit)

    def make(windows, decoders):
        # a function, whose max_rate does not follow the rate of the inputs
        return circuit(windows, decoders=decoders, **given)

    table = compare(
        {
            "untuned": functools.partial(make, decoders=None),
            "tuned": functools.partial(make, decoders=tuned),
        },
        tuned.report["window_sizes"][0],
        input_rate=tuned.report["input_rate"],
        seed=options.seed,
    )
    plots.before_and_after(table, options.plot)
    print_path("figure", options.plot)


def _neuron_type(name):
    """Neuron type of a name, with its default parameters."""
    known = {"IntegrateAndFire": IntegrateAndFire}
    for other, value in vars(nengo.neurons).items():
        if isinstance(value, type) and issubclass(value, nengo.neurons.NeuronType):
            known[other] = value
    if name not in known:
        raise ValidationError(
            f"no neuron type is called {name!r}{did_you_mean(name, known)}; there are "
            f"{', '.join(sorted(known))}",
            attr="neuron_type",
        )
    return known[name]()
