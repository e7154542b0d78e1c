"""The command line: ``maxpool-circuits list | compare | tune | demo | doctor``."""

import importlib
import os
import platform
import sys
import warnings
from pathlib import Path
from typing import Any

import click
import nengo
from nengo.exceptions import ValidationError

from .comparison import ENCODINGS, WORKLOADS, compare
from .comparison.workloads import ORIENTATIONS
from .network.neurons import IntegrateAndFire
from .registry import circuits
from .tuning import tune
from .utils.files import writable_target
from .utils.versions import allowed_minors, how_to_install_nengo_dl, installed, minor
from .version import version

#: Neuron types that circuits can be tuned for by name.
NEURON_TYPES = {
    neuron_type.__name__: neuron_type
    for neuron_type in (
        IntegrateAndFire,
        nengo.LIF,
        nengo.AdaptiveLIF,
        nengo.SpikingRectifiedLinear,
    )
}
#: Packages whose versions are shown.
PACKAGES = ["nengo", "numpy", "scipy", "pandas", "matplotlib", "scikit-learn"]
PACKAGES += ["nengo-dl", "tensorflow", "tf_keras"]
INSTALL_PLOTS = "what helps: pip install matplotlib scikit-learn"


class _Group(click.Group):
    """Commands whose errors are messages, in terms of their options."""

    def invoke(self, ctx):
        """Run a command."""
        try:
            return super().invoke(ctx)
        except ValidationError as error:
            for option in self.commands[ctx.invoked_subcommand].params:
                if option.name == error.attr:
                    raise click.BadParameter(error.args[0], ctx, option) from error
            raise click.UsageError(str(error), ctx) from error
        except ModuleNotFoundError as error:
            raise click.ClickException(f"{error}; {INSTALL_PLOTS}") from error
        except OSError as error:
            raise click.ClickException(str(error)) from error


def _new_figure(path):
    """Refuse figures that cannot be drawn, before work starts that would be lost."""
    from matplotlib.backend_bases import FigureCanvasBase

    formats = FigureCanvasBase.get_supported_filetypes()
    if Path(path).suffix[1:].lower() not in formats:
        raise click.BadParameter(f"{path!r} must end in one of {', '.join(formats)}")
    return writable_target(path)


CIRCUIT = click.Choice(list(circuits()))
FILE: dict[str, Any] = {"type": writable_target, "metavar": "FILE"}
FIGURE: dict[str, Any] = {**FILE, "type": _new_figure, "help": "Draw to FILE."}
HZ: dict[str, Any] = {"type": float, "metavar": "HZ"}

csv_option = click.option("--csv", help="Write the table to FILE.", **FILE)
jobs_option = click.option("--jobs", "n_jobs", default=1, help="Number of processes.")
seed_option = click.option("--seed", default=0)


@click.group(cls=_Group, context_settings={"show_default": True})
@click.version_option(version, message="%(version)s")
def main():
    """Spiking max-pooling circuits for Nengo.

    Progress goes to standard error, results to standard output.
    """


@main.command("list")
def list_circuits():
    """List the circuits."""
    for name, circuit in circuits().items():
        summary = (circuit.__doc__ or "").strip().split("\n")[0]
        print(f"{name:16} {summary}")


@main.command("compare")
@click.argument("circuit", nargs=-1, type=CIRCUIT, metavar="[CIRCUIT]...")
@click.option(
    "--workload",
    type=click.Choice(list(WORKLOADS)),
    default="presentations",
    help="What the inputs do.",
)
@click.option(
    "--encoding",
    type=click.Choice(list(ENCODINGS)),
    default="regular",
    help="How their values reach the circuits.",
)
@click.option("--window-size", default=4, metavar="K", help="Inputs of each pool.")
@click.option(
    "--pools", "n_pools", type=int, metavar="N", help="Number of pools.  [default: 200]"
)
@click.option("--input-rate", default=250, help="Rate of an input of 1.", **HZ)
@click.option(
    "--trials",
    "n_trials",
    default=1,
    metavar="N",
    help="How often inputs and networks are drawn; from 2 on with 95 % intervals.",
)
@jobs_option
@seed_option
@csv_option
@click.option("--plot", **FIGURE)
def compare_circuits(circuit, window_size, csv, plot, **options):
    """Compare circuits on the same spikes.

    All of them, or those that are named (`maxpool-circuits list`).
    """
    table = compare(list(circuit) or None, window_size, progress_bar=True, **options)
    _report(table, table.plot, csv, plot)


@main.command("tune")
@click.argument("circuit", type=CIRCUIT, metavar="CIRCUIT")
@click.option(
    "--out", required=True, help="Write the parameters to FILE (*.npz).", **FILE
)
@click.option(
    "--window-size",
    type=int,
    multiple=True,
    metavar="K",
    help="Inputs of each pool; may be given several times.  [default: 4 and 16, or 4 "
    "for circuits that need a tuning for each size]",
)
@click.option("--neuron-type", type=click.Choice(list(NEURON_TYPES)))
@click.option("--neurons", "n_neurons", type=int, metavar="N")
@click.option("--max-rate", help="Rate of a neuron at the top of its range.", **HZ)
@click.option("--input-rate", help="Rate of an input of 1.", **HZ)
@click.option("--latency-weight", default=0.0, help="How much less latency counts.")
@click.option("--spikes-weight", default=0.0, help="How much fewer spikes count.")
@click.option(
    "--memory",
    metavar="FOLDER",
    help="Keep what is measured in FOLDER: the same command goes on from there.",
)
@jobs_option
@seed_option
def tune_circuit(circuit, out, window_size, neuron_type, **options):
    """Tune a circuit by watching it run.

    What is not given is as the circuit has it. With a weight of 1, less latency or
    fewer spikes count as much as less error.
    """
    given = {name: value for name, value in options.items() if value is not None}
    if neuron_type is not None:
        given["neuron_type"] = NEURON_TYPES[neuron_type]()
    tuned = tune(circuit, window_size=window_size or None, **given)
    tuned.save(out)
    print(tuned)
    print(f"\nfile: {out}")


@main.command("demo")
@seed_option
@csv_option
@click.option("--plot", default="maxpool_circuits_demo.png", **FIGURE)
def demo(seed, csv, plot):
    """Pool images of digits by every circuit.

    Handwritten digits go through oriented filters and spiking neurons, and are
    max-pooled: the C1 layer of HMAX.
    """
    from . import plots

    print(
        "Task: the maxima of what oriented filters see of handwritten digits, as spikes"
    )
    table = compare(workload="images", window_size=8, seed=seed, progress_bar=True)
    labels = [f"{angle}\N{DEGREE SIGN}" for angle in ORIENTATIONS]
    _report(
        table,
        lambda path: plots.image_comparison(table, path, labels=labels),
        csv,
        plot,
        explained=True,
    )
    print("\nnext, with inputs like yours: maxpool-circuits compare --input-rate 100")


def _report(table, draw, csv, plot, explained=False):
    """Print a table, then write what was asked for."""
    print(_explained(table) if explained else table)
    if csv:
        table.to_csv(csv)
        print(f"\ntable: {csv}")
    if plot:
        import matplotlib

        # a screen is not needed
        matplotlib.use("Agg")
        draw(plot)
        print(f"\nfigure: {plot}")


def _explained(table):
    """A table with its references apart, its best circuit marked, and a conclusion."""
    rivals = table.means[table.means["neurons"] > 0]
    best, average = rivals["rmse"].idxmin(), table["average"]
    text = str(table).replace(
        "\noracle ", "\nreferences, which no neurons compute:\noracle "
    )
    text = text.replace(f"\n{best} ", f"\n{best}*", 1)
    times = average.rmse / rivals.loc[best, "rmse"]
    return (
        f"{text}\n\nLower is better everywhere; a bias is best near 0. * has the least "
        "error of the circuits\nthat have neurons. Average pooling is off by "
        f"{times:.0f} times as much as {best}:\nit is not a stand-in for max pooling."
    )


@main.command("doctor")
def doctor():
    """Show what is installed, what works, and what installs the rest.

    The exit status is 1 if NengoDL is installed and does not work.
    """
    print(f"Python {platform.python_version()}, maxpool_circuits {version}\n")
    for package in PACKAGES:
        print(f"{package:24} {installed(package) or '-'}")
    without_nengo_dl = _import_error("maxpool_circuits.nengo_dl") or _untried_keras()
    problems = {
        "circuits, compare, tune": None,
        "figures, demo": _import_error("matplotlib", "sklearn", helps=INSTALL_PLOTS),
        "Keras networks": without_nengo_dl,
    }
    print()
    for what, problem in problems.items():
        print(f"{what:24} {'no: ' + problem if problem else 'yes'}")
    if without_nengo_dl and installed("nengo-dl"):
        sys.exit(1)


def _import_error(*modules, helps=""):
    """Why modules cannot be imported, and what helps; None if they can."""
    # TensorFlow reads this when it is imported
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for module in modules:
                importlib.import_module(module)
    except ImportError as error:
        return " ".join(f"{error} {helps}".split())
    return None


def _untried_keras():
    """What is said about a TensorFlow that the converter was not tried with."""
    found = installed("tensorflow")
    if minor(found) in allowed_minors(sys.version_info[:2]):
        return None
    return (
        f"TensorFlow {found} was not tried on this Python, or fails there. What helps: "
        f"{how_to_install_nengo_dl()}"
    )
