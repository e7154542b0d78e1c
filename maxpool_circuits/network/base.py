"""The interface of every max-pool circuit."""

from __future__ import annotations

from typing import Any

import nengo
import numpy as np
from nengo.exceptions import ValidationError
from nengo.neurons import Direct, NeuronType
from nengo.params import Default, StringParam

from ..registry import all_or_nothing
from ..utils.checks import (
    positive_number,
    valid_integer,
    valid_range,
    valid_seed,
)
from .decoders import TunedDecoders, shipped, warn_untuned
from .neurons import IntegrateAndFire, SharedReset
from .populations import (
    FittedPopulation,
    Population,
    PopulationArray,
    is_rectified_linear,
    valid_population,
)
from .setup import Setup, describe, qualified_name
from .sparse import connect, selection, valid_synapse
from .tunable import Tunable
from .windows import WINDOWS, PoolWindows

#: Rate, in Hz, of inputs that nothing else is said of.
INPUT_RATE = 250


class MaxPoolNetwork(nengo.Network):
    r"""Base class of networks that take the maximum of each window of their inputs.

    It checks the arguments, makes the input and output nodes and passes windows of a
    single input through. A subclass builds the circuit for the pools of two or more
    inputs, in `build_circuit`.

    Parameters
    ----------
    windows : PoolWindows
        Which inputs each pool looks at.
    n_neurons : int, optional
        Neurons per comparator, unit or pool; each class says which. The default is 1
        for rectified linear neuron types, which are exact alone, and 20 for others.
    neuron_type : nengo.neurons.NeuronType, optional
        Type of the neurons. The default is an `.IntegrateAndFire`; that of the circuits
        of this package has a floor that follows from what the input synapse lets
        through of spikes.
    max_rate : float, optional (Default: 250)
        Firing rate, in Hz, of a neuron whose input is at the top of ``input_range``
        while its competitors, if it has any, are at the middle of it.
    input_rate : float, optional (Default: 250)
        Rate, in Hz, at which an input at the top of ``input_range`` spikes. Input
        filters and the memory of membranes follow from it: with inputs that are slower
        than it says, circuits take the ripple of their spikes for winners, and are far
        too large. What is faster than ``max_rate`` counts as ``max_rate``.
    input_range : (float, float), optional (Default: (0, 1))
        Lowest and highest value that the inputs take, in units of the input.
    synapse : nengo.synapses.Synapse or float or None, optional (Default: None)
        Synapse between the circuit's own stages; a number is the time constant of a
        `nengo.Lowpass`, in seconds.
    input_synapse : nengo.synapses.Synapse or float or None, optional (Default: None)
        Synapse from ``input`` to the first stage.
    decoders : TunedDecoders or "tuned" or None, optional
        What `.tune` found for this circuit and these neurons. "tuned": what ships with
        the package; where nothing ships for a setup, the circuit is built as with None,
        and one warning says how to tune it. None: parameters by formula and by least
        squares on tuning curves. The default is "tuned" for the circuits of this
        package, and None for the published `.AbsoluteValue`, for `.ExactMax` and for
        other people's circuits.
    label, seed, add_to_container : optional
        As in `nengo.Network`.

    Attributes
    ----------
    input : nengo.Node
        Takes the ``windows.n_inputs`` inputs. NaN spreads, as everywhere in Nengo.
    output : nengo.Node
        Has the ``windows.n_pools`` maxima, in units of the input.
    windows, neuron_type, max_rate, input_rate, input_range, synapse, input_synapse
        The arguments, with defaults filled in.
    decoders : TunedDecoders or None
        The tuned decoders, if there are any.
    setup : Setup
        What decoders have to be tuned for.
    free_tunables : tuple of Tunable
        Those of ``tunables`` that matter here and do not stand for a given argument.
    populations : dict of {str: list of PopulationArray}
        The populations that decoders can be tuned for, and all their copies.
    untuned_populations : dict of {str: Population or FittedPopulation}
        The same populations as they are by formula.
    neurons_per_part : int
        The argument ``n_neurons``; `nengo.Network.n_neurons` counts all neurons.
    pools : (n_circuits,) array of int
        The pools that have two or more inputs, which ``build_circuit`` is for.
    gather : (n_units, n_inputs) scipy.sparse.csr_matrix
        Picks the inputs of these pools, pool by pool.
    pool_sum : (n_circuits, n_units) scipy.sparse.csr_matrix
        Sums over the inputs of each of these pools.
    pool_mean : (n_circuits, n_units) scipy.sparse matrix
        Averages them.
    scatter : (n_pools, n_circuits) scipy.sparse.csr_matrix
        Puts a value for each of these pools into its place in the output.

    Raises
    ------
    nengo.exceptions.ValidationError
        If an argument is not as described; the message says what is allowed.

    Examples
    --------
    A new circuit needs one method. This one outputs the mean, not the maximum:

    >>> import nengo
    >>> import maxpool_circuits as mpc
    >>> from maxpool_circuits.network.sparse import connect
    >>> class Average(mpc.MaxPoolNetwork):
    ...     def build_circuit(self):
    ...         weights = self.scatter @ self.pool_mean @ self.gather
    ...         connect(self.input, self.output, weights, self.input_synapse)
    >>> windows = mpc.PoolWindows.independent(n_pools=2, window_size=2)
    >>> with nengo.Network() as model:
    ...     pool = Average(windows)
    ...     inputs = nengo.Node([0.25, 0.75, 0, 1])
    ...     _ = nengo.Connection(inputs, pool.input, synapse=None)
    ...     probe = nengo.Probe(pool.output)
    >>> with nengo.Simulator(model, progress_bar=False) as sim:
    ...     sim.run_steps(1)
    >>> print(sim.data[probe])
    [[0.5 0.5]]
    """

    #: Parameters that tuning may choose besides decoders, those that suit
    #: ``neuron_type``.
    tunables: Any = ()
    #: Whether what makes the circuit has measured its inputs: no warning about them.
    knows_inputs = False
    #: Whether a tuning serves windows of one size only.
    tuned_per_window_size = True
    #: Smallest pools that `build_circuit` is for: smaller ones pass their input on.
    smallest_pool = 2
    #: Whether the neurons of a pool may share a reset.
    shares_reset = False
    #: What neuron types have to be, apart from what Nengo asks of them.
    made_of: type[NeuronType] = NeuronType

    # Defaults of the arguments; a property may read those in front of it here, the
    # arguments that always have a value, and ``given``.

    #: ``neuron_type`` if none is given.
    default_neuron_type: Any = IntegrateAndFire()
    #: ``decoders`` if none are given.
    default_decoders: Any = None

    @property
    def default_n_neurons(self) -> int:
        """``n_neurons`` if none is given."""
        return 1 if is_rectified_linear(self.neuron_type) else 20

    #: ``synapse`` if none is given.
    default_synapse: Any = None
    #: ``input_synapse`` if none is given.
    default_input_synapse: Any = None

    @property
    def tuning_arguments(self) -> dict[str, float]:
        """Further arguments that were given, for inputs from 0 to 1, by name."""
        return {}

    # a refused circuit leaves nothing in its container
    @all_or_nothing()
    def __init__(
        self,
        windows: PoolWindows,
        *,
        n_neurons: int = Default,
        neuron_type: NeuronType = Default,
        max_rate: float = 250,
        input_rate: float = INPUT_RATE,
        input_range: tuple[float, float] = (0, 1),
        synapse: Any = Default,
        input_synapse: Any = Default,
        decoders: TunedDecoders | str | None = Default,
        label: str | None = None,
        seed: int | None = None,
        add_to_container: bool | None = None,
    ) -> None:
        self.windows = WINDOWS.coerce(self, windows)
        self.max_rate = positive_number(max_rate, "max_rate", self, unit="Hz")
        self.input_rate = positive_number(input_rate, "input_rate", self, unit="Hz")
        self.input_range = valid_range(input_range, "input_range", self)
        seed = valid_seed(seed, self)
        self._resolve(
            neuron_type=neuron_type,
            decoders=decoders,
            n_neurons=n_neurons,
            synapse=synapse,
            input_synapse=input_synapse,
        )

        super().__init__(label=label, seed=seed, add_to_container=add_to_container)
        self.populations: dict[str, list[PopulationArray]] = {}
        self.untuned_populations: dict[str, Population | FittedPopulation] = {}
        self._number_pools()
        with self:
            self.input = nengo.Node(size_in=windows.n_inputs, label="input")
            self.output = nengo.Node(size_in=windows.n_pools, label="output")
            self._pass_single_inputs()
            if len(self.pools) > 0:
                self.build_circuit()
                self._check_populations()
        # no list: Nengo GUI looks for objects in the lists of a network
        self.as_built = tuple(contents(self))

    def build_circuit(self) -> None:
        """Build the circuit from ``self.input`` to ``self.output``.

        Called once, inside the network's context, if any pool has two or more inputs.
        Pools of one input are already connected.
        """
        raise NotImplementedError(
            f"{type(self).__name__} must define build_circuit(self)"
        )

    def replicate(
        self,
        name: str,
        population: Population | FittedPopulation,
        n_copies: int,
        label: str | None = None,
    ) -> PopulationArray:
        """Make copies of a population, whose decoders may have been tuned.

        Parameters
        ----------
        name : str
            Which of the circuit's populations it is. Copies that are made under one
            name at several places share their decoders.
        population : Population or FittedPopulation
            What to copy, with decoders from formulas or tuning curves.
        n_copies : int
            Number of copies.
        label : str, optional
            Name of the ensemble (Default: ``name``).

        Returns
        -------
        PopulationArray
            The copies.
        """
        StringParam("name").coerce(self, name)
        StringParam("label", optional=True).coerce(self, label)
        self.untuned_populations.setdefault(name, valid_population(population))
        if self.decoders is not None:
            population = self.decoders.applied_to(name, population)
        copies = PopulationArray(population, n_copies, label=label or name)
        self.populations.setdefault(name, []).append(copies)
        return copies

    def value_of(self, tunable: Tunable) -> float:
        """Value of a tunable parameter: the tuned one, or its default.

        Parameters
        ----------
        tunable : Tunable
            The parameter; one that is not in ``tunables`` has its default.

        Returns
        -------
        float
            The value.
        """
        if not isinstance(tunable, Tunable):
            raise ValidationError(
                f"must be a Tunable, got {tunable!r}", attr="tunable", obj=self
            )
        tuned = {} if self.decoders is None else self.decoders.parameters
        return tuned.get(tunable.name, tunable.default)

    @property
    def inter_spike_interval(self) -> float:
        """Inter-spike interval of an input at the top of its range, in seconds.

        That of ``input_rate``, or of ``max_rate`` if that is less: what fires faster
        than the circuit is smooth enough for it.
        """
        return 1 / min(self.input_rate, self.max_rate)

    @property
    def pool_sizes(self) -> np.ndarray:
        """Sizes of the pools that `build_circuit` is for; of all, if there are none."""
        sizes = self.windows.sizes
        large = sizes >= self.smallest_pool
        return sizes[large] if large.any() else sizes

    @property
    def half_range(self) -> float:
        """Half the width of the input range, in units of the input."""
        low, high = self.input_range
        return (high - low) / 2

    def _resolve(self, **arguments):
        """Fill in defaults, each of which may depend on those before it, and check."""
        self.given = {k: v for k, v in arguments.items() if v is not Default}
        for name in self.given.keys() & {"synapse", "input_synapse"}:
            self.given[name] = valid_synapse(self.given[name], name, self)

        self.neuron_type = self._checked_neuron_type(
            self._given_or_default("neuron_type")
        )
        decoders = self._given_or_default("decoders")
        self.neurons_per_part = self._checked_n_neurons(
            self._given_or_default("n_neurons")
        )
        stated = self.given.keys() | self.tuning_arguments.keys()
        self.free_tunables = tuple(
            each for each in self.tunables if each.stands_for not in stated
        )
        self.setup = self._setup()
        self.decoders = self._found(decoders)
        # decoders come with the time constants that were tuned together with them
        for name in ("synapse", "input_synapse"):
            value = self._given_or_default(name)
            setattr(self, name, valid_synapse(value, name, self))
        self._check_loop()

    def _given_or_default(self, name):
        """An argument, or the default of the class."""
        if name in self.given:
            return self.given[name]
        return getattr(self, f"default_{name}")

    def _setup(self):
        """What decoders have to be tuned for."""
        window_size = int(self.windows.sizes.max())
        stated = self.given.keys() & {"neuron_type", "synapse", "input_synapse"}
        own = dict(self.tuning_arguments)
        if self.inter_spike_interval != 1 / min(INPUT_RATE, self.max_rate):
            own["input_rate"] = self.input_rate
        return Setup(
            circuit=qualified_name(type(self)),
            n_neurons=self.neurons_per_part,
            max_rate=self.max_rate,
            any_rate=is_rectified_linear(self.neuron_type),
            window_size=window_size if self.tuned_per_window_size else None,
            own=tuple(own.items()),
            **{name: describe(self.given[name]) for name in stated},
        )

    def _found(self, decoders):
        """The decoders that were asked for, if there are any."""
        self._wants_shipped = isinstance(decoders, str) and decoders == "tuned"
        if self._wants_shipped:
            return shipped(self) if self.neuron_type.spiking else None
        if isinstance(decoders, TunedDecoders):
            decoders.check_for(self)
        elif decoders is not None:
            raise ValidationError(
                'must be "tuned" (those that are shipped with the package), None (not '
                "tuned) or a maxpool_circuits.TunedDecoders, from "
                f"maxpool_circuits.tune or TunedDecoders.load, got {decoders!r}",
                attr="decoders",
                obj=self,
            )
        return decoders

    def _checked_neuron_type(self, neuron_type):
        """A neuron type that can fire at ``max_rate``."""
        if not isinstance(neuron_type, NeuronType) or isinstance(neuron_type, Direct):
            raise ValidationError(
                "must be an instance of a Nengo neuron type other than nengo.Direct, "
                "which has no neurons, such as nengo.LIF() or "
                f"maxpool_circuits.IntegrateAndFire(), got {neuron_type!r}",
                attr="neuron_type",
                obj=self,
            )
        if not isinstance(neuron_type, self.made_of):
            raise ValidationError(
                f"must be a maxpool_circuits.{self.made_of.__name__}, of which this "
                f"circuit is made, got {neuron_type!r}",
                attr="neuron_type",
                obj=self,
            )
        if isinstance(neuron_type, SharedReset):
            self._check_groups(neuron_type)
        try:
            gain, bias = neuron_type.gain_bias(np.array([self.max_rate]), np.zeros(1))
            cause = "its gain would not be a positive finite number"
            reachable = np.all(np.isfinite([gain, bias])) and np.all(gain > 0)
        except (ValidationError, NotImplementedError) as error:
            cause, reachable = str(error), False
        if not reachable:
            raise ValidationError(
                f"{neuron_type} cannot fire at max_rate={self.max_rate:g} Hz "
                f"({cause}); choose a lower max_rate or another neuron_type",
                attr="max_rate",
                obj=self,
            )
        return neuron_type

    def _check_groups(self, neuron_type):
        """Refuse neurons that share resets in other groups than the pools."""
        sizes = self.pool_sizes
        groups = neuron_type.all_sizes(sizes.sum())
        if not self.shares_reset or not np.array_equal(groups, sizes):
            raise ValidationError(
                "neurons that share a reset must be in groups of the sizes of the "
                "pools, in a circuit that is made of them, such as WinnerTakeAll; "
                f"leave neuron_type out, got {neuron_type!r}",
                attr="neuron_type",
                obj=self,
            )

    def _check_populations(self):
        """Tell if decoders that were asked for reach no neurons."""
        spiking = [ens for ens in self.all_ensembles if ens.neuron_type.spiking]
        if not spiking or not (self._wants_shipped or self.decoders is not None):
            return
        if not self.populations:
            raise ValidationError(
                f"{type(self).__name__} makes its neurons without self.replicate, so "
                "tuned decoders cannot reach them; make populations with "
                "self.replicate, or give decoders=None",
                attr="decoders",
                obj=self,
            )
        if self.decoders is None:
            warn_untuned(self.setup)

    def _number_pools(self):
        """Number the pools of two or more inputs, and their inputs."""
        sizes = self.windows.sizes
        self.pools = np.flatnonzero(sizes >= self.smallest_pool)
        members = self.windows.members[np.repeat(sizes >= self.smallest_pool, sizes)]
        pool_of_unit = np.repeat(np.arange(len(self.pools)), sizes[self.pools])
        self.gather = selection(members, self.windows.n_inputs)
        self.pool_sum = selection(pool_of_unit, len(self.pools)).T.tocsr()
        self.pool_mean = self.pool_sum.multiply(1 / sizes[self.pools][:, np.newaxis])
        self.scatter = selection(self.pools, self.windows.n_pools).T.tocsr()

    def _pass_single_inputs(self):
        """Connect the pools of one input: their maximum is that input."""
        sizes = self.windows.sizes
        single = np.flatnonzero(sizes < self.smallest_pool)
        if len(single) > 0:
            members = self.windows.members[np.repeat(sizes < self.smallest_pool, sizes)]
            pick = selection(members, self.windows.n_inputs)
            place = selection(single, self.windows.n_pools).T
            connect(self.input, self.output, place @ pick, self.input_synapse)

    def _checked_n_neurons(self, n_neurons):
        n_neurons = valid_integer(n_neurons, "n_neurons", self)
        if n_neurons > 1 and isinstance(self.neuron_type, SharedReset):
            raise ValidationError(
                "must be 1, because neurons that share a reset need no others beside "
                "them; for more, give another neuron_type, such as "
                f"maxpool_circuits.IntegrateAndFire(), got {n_neurons}",
                attr="n_neurons",
                obj=self,
            )
        return n_neurons

    def _check_loop(self):
        """Circuits with loops refuse synapses that do not work in them."""


def contents(network: nengo.Network) -> list[tuple[Any, ...]]:
    """All objects of a network with all of their values, to see if one was changed."""
    return [
        (each, *(getattr(each, name) for name in each.params))
        for each in network.all_objects
        if not isinstance(each, nengo.Network)
    ]
