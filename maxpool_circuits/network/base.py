"""The interface of every max-pool circuit."""

from __future__ import annotations

from typing import Any

import nengo
import numpy as np
from nengo.exceptions import ValidationError
from nengo.neurons import NeuronType
from nengo.params import Default

from ..utils.checks import positive_integer, positive_number, valid_seed
from .arguments import (
    checked_decoders,
    checked_input_range,
    checked_neuron_type,
    checked_synapse,
    checked_windows,
    given_or_default,
    same_population,
)
from .decoders import TunedDecoders, shipped, warn_untuned
from .faults import Faults, checked_faults, let_fail
from .finite import FiniteInput, owner
from .membrane import floor_in
from .neurons import IntegrateAndFire, integrates
from .populations import (
    FittedPopulation,
    Population,
    PopulationArray,
    is_rectified_linear,
)
from .setup import Setup, describe, qualified_name
from .sparse import connect, selection
from .tunable import Tunable
from .windows import PoolWindows

#: Rate, in Hz, of inputs that nothing else is said of.
INPUT_RATE = 250
#: How far the floor of a membrane is from firing (see `.membrane_floor`).
MEMORY = Tunable("memory", 2.2, 0.8, 8, "neuron_type", integrates)


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
        Type of the neurons. The default is an `.IntegrateAndFire` whose floor follows
        from what the input synapse lets through of spikes (see `.membrane_floor`).
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
    faults : Faults, optional (Default: None)
        Which neurons and weights fail; None: none.
    label, seed, add_to_container : optional
        As in `nengo.Network`.

    Attributes
    ----------
    input : nengo.Node
        Takes the ``windows.n_inputs`` inputs. A simulation stops with an error that
        names this network where one of them is NaN or infinite.
    output : nengo.Node
        Gives the ``windows.n_pools`` maxima, in units of the input.
    windows, neuron_type, max_rate, input_rate, input_range, synapse, input_synapse
        The arguments, with defaults filled in.
    faults : Faults or None
        The argument.
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
    A new circuit needs one method. This one gives the mean, not the maximum:

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

    #: How far the floor of the default neurons is from firing.
    memory: Tunable = MEMORY
    #: How many spikes of an input they remember where nothing filters these.
    raw_memory: Any = 1.5
    #: Whether membranes of the default neurons average raw spikes, so that there can be
    #: a circuit without an input synapse where a synapse follows it.
    takes_raw_spikes = False
    #: Parameters that tuning may choose besides decoders.
    tunables: tuple[Tunable, ...] = (MEMORY,)
    #: Whether a tuning serves windows of one size only.
    tuned_per_window_size = True

    # Defaults of the arguments; a property may read what is settled before it.

    #: ``decoders`` if none are given.
    default_decoders: Any = None
    #: ``neuron_type`` if none is given; None: an `.IntegrateAndFire` with a floor by
    #: rule.
    default_neuron_type: NeuronType | None = None
    #: ``synapse`` if none is given.
    default_synapse: Any = None
    #: ``input_synapse`` if none is given.
    default_input_synapse: Any = None

    def default_n_neurons(self, neuron_type: NeuronType) -> int:
        """``n_neurons`` if none is given."""
        return 1 if is_rectified_linear(neuron_type) else 20

    @property
    def tuning_arguments(self) -> dict[str, float]:
        """Further arguments that were given, for inputs from 0 to 1, by name."""
        return {}

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
        faults: Faults | None = None,
        label: str | None = None,
        seed: int | None = None,
        add_to_container: bool | None = None,
    ) -> None:
        # all checks come first: a refused circuit leaves nothing in its container
        self.windows = checked_windows(windows, self)
        self.max_rate = positive_number(max_rate, "max_rate", self, unit="Hz")
        self.input_rate = positive_number(input_rate, "input_rate", self, unit="Hz")
        self.input_range = checked_input_range(input_range, self)
        self.faults = checked_faults(faults, self)
        seed = valid_seed(seed, self)
        arguments = {
            "neuron_type": neuron_type,
            "n_neurons": n_neurons,
            "synapse": synapse,
            "input_synapse": input_synapse,
            "decoders": decoders,
        }
        self._settle({name: v for name, v in arguments.items() if v is not Default})

        super().__init__(label=label, seed=seed, add_to_container=add_to_container)
        self.populations: dict[str, list[PopulationArray]] = {}
        self.untuned_populations: dict[str, Population | FittedPopulation] = {}
        self._number_pools()
        with self:
            self.input = FiniteInput(owner(self), windows.n_inputs, label="input")
            self.output = nengo.Node(size_in=windows.n_pools, label="output")
            self._pass_single_inputs()
            if len(self.pools) > 0:
                self.build_circuit()
                self._check_populations()
                if self.faults is not None:
                    let_fail(self, self.faults)

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

        Raises
        ------
        nengo.exceptions.ValidationError
            If another population was copied under this name.
        """
        known = self.untuned_populations.setdefault(name, population)
        if not same_population(known, population):
            raise ValidationError(
                f"another population was replicated as {name!r} before; give this one "
                "a name of its own, so that it gets decoders of its own",
                attr="name",
                obj=self,
            )
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
        tuned = {} if self.decoders is None else self.decoders.parameters
        return tuned.get(tunable.name, tunable.default)

    @property
    def n_competitors(self) -> float:
        """How many inputs compete directly, at most."""
        return int(self.windows.sizes.max())

    @property
    def inter_spike_interval(self) -> float:
        """Inter-spike interval of an input at the top of its range, in seconds.

        That of ``input_rate``, or of ``max_rate`` if that is less: what fires faster
        than the circuit is smooth enough for it.
        """
        return 1 / min(self.input_rate, self.max_rate)

    @property
    def half_range(self) -> float:
        """Half the width of the input range, in units of the input."""
        low, high = self.input_range
        return (high - low) / 2

    def _settle(self, given):
        """Fill in defaults, each of which may depend on those before it, and check."""
        own_type = given_or_default(given, "neuron_type", self)
        # a floor by rule may be tuned, so it comes after the decoders
        by_rule = own_type is None and "neuron_type" not in given
        self.neuron_type = neuron_type = IntegrateAndFire() if by_rule else own_type
        checked_neuron_type(neuron_type, self.max_rate, self)
        decoders = checked_decoders(given_or_default(given, "decoders", self), self)
        n_neurons = given.get("n_neurons", Default)
        if n_neurons is Default:
            n_neurons = self.default_n_neurons(neuron_type)
        self.neurons_per_part = self._checked_n_neurons(n_neurons)
        for name in given.keys() & {"synapse", "input_synapse"}:
            given[name] = checked_synapse(given[name], name, self)

        settled = given.keys() | self.tuning_arguments.keys()
        settled |= set() if by_rule else {"neuron_type"}
        self.free_tunables = tuple(
            each for each in self.tunables if each.is_free(settled, neuron_type)
        )
        self.setup = self._setup(given, neuron_type)
        self.decoders = self._found(decoders, neuron_type)
        for name in ("synapse", "input_synapse"):
            value = given_or_default(given, name, self)
            setattr(self, name, checked_synapse(value, name, self))
        self._check_loop()
        if by_rule:
            self.neuron_type = IntegrateAndFire(min_voltage=floor_in(self))

    def _setup(self, given, neuron_type):
        """What decoders have to be tuned for."""
        window_size = int(self.windows.sizes.max())
        stated = given.keys() & {"neuron_type", "synapse", "input_synapse"}
        own = dict(self.tuning_arguments)
        if self.inter_spike_interval != 1 / min(INPUT_RATE, self.max_rate):
            own["input_rate"] = self.input_rate
        return Setup(
            circuit=qualified_name(type(self)),
            n_neurons=self.neurons_per_part,
            max_rate=self.max_rate,
            any_rate=is_rectified_linear(neuron_type),
            window_size=window_size if self.tuned_per_window_size else None,
            own=tuple(own.items()),
            **{name: describe(given[name]) for name in stated},
        )

    def _found(self, decoders, neuron_type):
        """The decoders that were asked for, if there are any."""
        self._decoders_ship = isinstance(decoders, str)
        if isinstance(decoders, TunedDecoders):
            decoders.check_for(self)
        elif self._decoders_ship:
            decoders = shipped(self) if neuron_type.spiking else None
        return decoders

    def _check_populations(self):
        """Tell if decoders that were asked for reach no neurons."""
        spiking = [ens for ens in self.all_ensembles if ens.neuron_type.spiking]
        if not spiking or not (self._decoders_ship or self.decoders is not None):
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
        self.pools = np.flatnonzero(sizes > 1)
        members = self.windows.members[np.repeat(sizes > 1, sizes)]
        pool_of_unit = np.repeat(np.arange(len(self.pools)), sizes[self.pools])
        self.gather = selection(members, self.windows.n_inputs)
        self.pool_sum = selection(pool_of_unit, len(self.pools)).T.tocsr()
        self.pool_mean = self.pool_sum.multiply(1 / sizes[self.pools][:, np.newaxis])
        self.scatter = selection(self.pools, self.windows.n_pools).T.tocsr()

    def _pass_single_inputs(self):
        """Connect the pools of one input: their maximum is that input."""
        sizes = self.windows.sizes
        single = np.flatnonzero(sizes == 1)
        if len(single) > 0:
            members = self.windows.members[np.repeat(sizes == 1, sizes)]
            pick = selection(members, self.windows.n_inputs)
            place = selection(single, self.windows.n_pools).T
            connect(self.input, self.output, place @ pick, self.input_synapse)

    def _checked_n_neurons(self, n_neurons):
        return positive_integer(n_neurons, "n_neurons", self)

    def _check_loop(self):
        """Circuits with loops refuse synapses that do not work in them."""
