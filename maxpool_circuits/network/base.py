"""The interface of every max-pool circuit."""

import nengo
import numpy as np
from nengo.exceptions import ValidationError
from nengo.neurons import Direct, NeuronType
from nengo.params import Default
from nengo.synapses import Synapse

from ..utils.checks import is_real, positive_integer, positive_number, valid_seed
from .neurons import IntegrateAndFire
from .populations import Replicas, is_rectified_linear
from .sparse import connect, selection
from .tunable import Free
from .tuned import TunedDecoders
from .windows import PoolWindows

#: How long a full-scale negative input a membrane remembers, in intervals between input
#: spikes. Found by measurement: with a shorter memory near-ties are overestimated, with
#: a longer one changing inputs are followed late.
MEMORY = Free(0.75, 0.2, 4)
#: Window size above which the memory must be longer. Many inputs are close to the
#: maximum there and make neurons fire in the same time step, before they can inhibit
#: each other; the memory that makes up for it was found to grow as the square root.
LARGE_WINDOW = 10


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
        Type of the neurons. The default is an `.IntegrateAndFire` that remembers a
        full-scale negative input for 3 ms, or for 3/4 of the interval between spikes
        at ``max_rate`` if that is longer, and in windows of :math:`k > 10` inputs
        :math:`\sqrt{k / 10}` times as long.
    max_rate : float, optional (Default: 250)
        Firing rate, in Hz, of a neuron whose input is at the top of ``input_range``
        while its competitors, if it has any, are at the middle of it. Spiking inputs
        should arrive at this rate or a higher one from a neuron whose value is at the
        top: spikes that are large for a membrane are soon forgotten.
    input_range : (float, float), optional (Default: (0, 1))
        Lowest and highest value that the inputs take, in units of the input.
    synapse : nengo.synapses.Synapse or float or None, optional (Default: None)
        Synapse between the circuit's own stages; a number is the time constant of a
        `nengo.Lowpass`, in seconds.
    input_synapse : nengo.synapses.Synapse or float or None, optional (Default: None)
        Synapse from ``input`` to the first stage.
    decoders : TunedDecoders or "tuned" or None, optional
        What `.tune` found for this circuit and these neurons. "tuned": decoders that
        ship with the package, or for other setups are tuned the first time they are
        needed, which takes about a minute, and then kept in the user's cache folder.
        None: parameters by formula and by least squares on tuning curves. The default
        is "tuned" for the circuits of this package, and None for the published
        `.AbsoluteValue`, for `.ExactMax` and for circuits of one's own.
    label, seed, add_to_container : optional
        As in `nengo.Network`.

    Attributes
    ----------
    input : nengo.Node
        Takes the ``windows.n_inputs`` inputs.
    output : nengo.Node
        Gives the ``windows.n_pools`` maxima, in units of the input.
    windows, neuron_type, max_rate, input_range, synapse, input_synapse, decoders
        The arguments, with defaults filled in.
    populations : dict of {str: list of Replicas}
        The populations that decoders can be tuned for, and all their copies.
    untuned_populations : dict of {str: Population or FittedPopulation}
        The same populations as they are by formula.
    left_open : set of str
        Which of ``neuron_type``, ``synapse`` and ``input_synapse`` were left to their
        defaults.
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
    A circuit of one's own needs one method. This one gives the mean, not the maximum:

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

    def __init__(
        self,
        windows,
        *,
        n_neurons=Default,
        neuron_type=Default,
        max_rate=250,
        input_range=(0, 1),
        synapse=Default,
        input_synapse=Default,
        decoders=Default,
        label=None,
        seed=None,
        add_to_container=None,
    ):
        # all checks come first: a refused circuit leaves nothing in its container
        open_arguments = {
            "neuron_type": neuron_type,
            "synapse": synapse,
            "input_synapse": input_synapse,
        }
        self.left_open = {n for n, value in open_arguments.items() if value is Default}
        self.windows = self._checked_windows(windows)
        decoders = self._checked_decoders(
            self.default_decoders if decoders is Default else decoders
        )
        self.max_rate = positive_number(max_rate, "max_rate", self, unit="Hz")
        self.input_range = self._checked_input_range(input_range)
        seed = valid_seed(seed, self)
        # without decoders first, to know what setup they are for
        arguments = neuron_type, n_neurons, synapse, input_synapse
        self.decoders = None
        self._set_neurons_and_synapses(*arguments)
        if decoders is not None:
            if decoders == "tuned":
                from ..tuning.memory import decoders_for

                decoders = decoders_for(self)
            else:
                decoders.check_for(self)
            self.decoders = decoders
            self._set_neurons_and_synapses(*arguments)

        super().__init__(label=label, seed=seed, add_to_container=add_to_container)
        self.populations = {}
        self.untuned_populations = {}
        self._lay_out()
        with self:
            self.input = nengo.Node(size_in=windows.n_inputs, label="input")
            self.output = nengo.Node(size_in=windows.n_pools, label="output")
            self._pass_single_inputs()
            if len(self.pools) > 0:
                self.build_circuit()

    def build_circuit(self):
        """Build the circuit from ``self.input`` to ``self.output``.

        Called once, inside the network's context, if any pool has two or more inputs.
        Pools of one input are already connected.
        """
        raise NotImplementedError(
            f"{type(self).__name__} must define build_circuit(self)"
        )

    def replicate(self, name, population, n_copies, label=None):
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
        Replicas
            The copies.
        """
        self.untuned_populations[name] = population
        if self.decoders is not None:
            population = self.decoders.applied_to(name, population)
        copies = Replicas(population, n_copies, label=label or name)
        self.populations.setdefault(name, []).append(copies)
        return copies

    # What tuning may choose, and what it was done for.

    @property
    def free_parameters(self):
        """Numbers that tuning may choose besides decoders, {name: Free}.

        Those that only stand for an argument must be left out if it was given.
        """
        return {"memory": MEMORY} if "neuron_type" in self.left_open else {}

    def free(self, name):
        """Value of a free parameter: the tuned one, or its default.

        Parameters
        ----------
        name : str
            One of `free_parameters`.

        Returns
        -------
        float
            The value.
        """
        if self.decoders is not None:
            return self.decoders.parameters[name]
        return self.free_parameters[name].default

    #: Whether the error depends on how large the inputs of a pool are, and not only on
    #: how they differ: then tuning also draws pools of small ones.
    depends_on_level = False

    @property
    def setup(self):
        """Keyword arguments that this circuit has to be tuned with.

        Those that were left to their defaults are left out, for tuning to choose, and
        so is the input range: tuning is for inputs from 0 to 1.
        """
        names = {"neuron_type", "synapse", "input_synapse"} - self.left_open
        return {
            "n_neurons": self.neurons_per_part,
            "max_rate": self.max_rate,
            **{name: getattr(self, name) for name in sorted(names)},
        }

    @property
    def tuned_for(self):
        """What decoders have to be tuned for, {name: number or text}.

        With neurons whose rate is proportional to their input, all that is tuned is
        relative to ``max_rate``, so that it holds for every one.
        """
        setup = {
            name: value if is_real(value) else repr(value)
            for name, value in self.setup.items()
        }
        if is_rectified_linear(self.neuron_type):
            del setup["max_rate"]
        window_size = int(self.windows.sizes.max())
        return {"circuit": type(self).__name__, "window_size": window_size, **setup}

    # Defaults that depend on other arguments; subclasses replace them.

    @property
    def default_decoders(self):
        """``decoders`` if none are given."""
        return None

    @property
    def default_neuron_type(self):
        """Neuron type that is used if none is asked for."""
        memory = self.free("memory") * self.input_interval
        memory *= max(1, self.windows.sizes.max() / LARGE_WINDOW) ** 0.5
        # at full scale a neuron would fire at twice max_rate (see max_rate)
        return IntegrateAndFire(min_voltage=-2 * self.max_rate * memory)

    @property
    def default_n_neurons(self):
        """Number of neurons per part that is used if none is asked for."""
        return 1 if is_rectified_linear(self.neuron_type) else 20

    @property
    def default_synapse(self):
        """Synapse between stages that is used if none is asked for."""
        return None

    @property
    def default_input_synapse(self):
        """Synapse from the input that is used if none is asked for."""
        return None

    @property
    def input_interval(self):
        """Interval between the spikes of an input at the top, in seconds.

        That of inputs that fire at 250 Hz, or at ``max_rate`` if that is less: what
        fires faster than the circuit is smooth enough for it.
        """
        return 1 / min(250, self.max_rate)

    @property
    def half_range(self):
        """Half the width of the input range, in units of the input."""
        low, high = self.input_range
        return (high - low) / 2

    def _lay_out(self):
        """Number the pools of two or more inputs, and their inputs."""
        sizes = self.windows.sizes
        self.pools = np.flatnonzero(sizes > 1)
        indices = self.windows.indices[self.pools]
        present = indices >= 0
        pool_of_unit, _ = np.nonzero(present)
        self.gather = selection(indices[present], self.windows.n_inputs)
        self.pool_sum = selection(pool_of_unit, len(self.pools)).T.tocsr()
        self.pool_mean = self.pool_sum.multiply(1 / sizes[self.pools][:, np.newaxis])
        self.scatter = selection(self.pools, self.windows.n_pools).T.tocsr()

    def _pass_single_inputs(self):
        """Connect the pools of one input: their maximum is that input."""
        single = np.flatnonzero(self.windows.sizes == 1)
        if len(single) > 0:
            pick = selection(self.windows.indices[single, 0], self.windows.n_inputs)
            place = selection(single, self.windows.n_pools).T
            connect(self.input, self.output, place @ pick, self.input_synapse)

    def _checked_windows(self, windows):
        if not isinstance(windows, PoolWindows):
            raise ValidationError(
                "must be a maxpool_circuits.PoolWindows, such as "
                "PoolWindows(input_shape=(28, 28, 8), pool_size=2) or "
                f"PoolWindows.independent(n_pools=100, window_size=4), got {windows!r}",
                attr="windows",
                obj=self,
            )
        return windows

    def _checked_input_range(self, input_range):
        try:
            low, high = input_range
            valid = is_real(low) and is_real(high) and low < high
        except (TypeError, ValueError):
            valid = False
        if not valid:
            raise ValidationError(
                "must be two finite numbers (low, high) with low < high, "
                f"got {input_range!r}",
                attr="input_range",
                obj=self,
            )
        return (float(low), float(high))

    def _checked_neuron_type(self, neuron_type):
        if not isinstance(neuron_type, NeuronType) or isinstance(neuron_type, Direct):
            raise ValidationError(
                "must be an instance of a Nengo neuron type other than nengo.Direct, "
                "which has no neurons, such as nengo.LIF() or "
                f"maxpool_circuits.IntegrateAndFire(), got {neuron_type!r}",
                attr="neuron_type",
                obj=self,
            )
        try:
            gain, bias = neuron_type.gain_bias(np.array([self.max_rate]), np.zeros(1))
            cause = "its gain would not be a positive finite number"
            reachable = np.all(np.isfinite([gain, bias])) and np.all(gain > 0)
        except (ValidationError, NotImplementedError) as error:
            cause = str(error)
            reachable = False
        if not reachable:
            raise ValidationError(
                f"{neuron_type} cannot fire at max_rate={self.max_rate:g} Hz "
                f"({cause}); choose a lower max_rate or another neuron_type",
                attr="max_rate",
                obj=self,
            )
        return neuron_type

    def _checked_n_neurons(self, n_neurons):
        return positive_integer(n_neurons, "n_neurons", self)

    def _checked_synapse(self, synapse, attr):
        if is_real(synapse) and synapse >= 0:
            return nengo.Lowpass(synapse)
        if synapse is not None and not isinstance(synapse, Synapse):
            raise ValidationError(
                "must be a Nengo synapse such as nengo.Lowpass(0.005), a time constant "
                f"of 0 or more seconds, or None, got {synapse!r}",
                attr=attr,
                obj=self,
            )
        return synapse

    def _set_neurons_and_synapses(self, neuron_type, n_neurons, synapse, input_synapse):
        """Fill in defaults, which depend on each other, in this order, and check."""
        self.neuron_type = self._checked_neuron_type(
            self.default_neuron_type if neuron_type is Default else neuron_type
        )
        self.neurons_per_part = self._checked_n_neurons(
            self.default_n_neurons if n_neurons is Default else n_neurons
        )
        self.synapse = self._checked_synapse(
            self.default_synapse if synapse is Default else synapse, "synapse"
        )
        self.input_synapse = self._checked_synapse(
            self.default_input_synapse if input_synapse is Default else input_synapse,
            "input_synapse",
        )
        self._check_loop()

    def _check_loop(self):
        """Circuits with loops refuse synapses that do not work in them."""

    def _checked_decoders(self, decoders):
        is_known = decoders is None or isinstance(decoders, str) and decoders == "tuned"
        if not is_known and not isinstance(decoders, TunedDecoders):
            raise ValidationError(
                'must be "tuned" (those that ship with the package, or made now), None '
                "(not tuned) or a maxpool_circuits.TunedDecoders, from "
                f"maxpool_circuits.tune or TunedDecoders.load, got {decoders!r}",
                attr="decoders",
                obj=self,
            )
        return decoders
