"""Encoders and intercepts that suit the function that is decoded."""

import numpy as np
import scipy.linalg
import scipy.ndimage
import scipy.optimize
from threadpoolctl import threadpool_limits

#: How many inputs the error is measured on: for each number that is chosen, and in all.
POINTS_PER_NUMBER, FEWEST_POINTS, MOST_POINTS = 4, 4000, 10000
#: Populations of more neurons keep the ones they have: they hardly gain by others, and
#: each step of the search would take seconds.
LARGEST = 500
#: Steps of the search, and the relative gain that is worth a step. SciPy's own limit of
#: the gradient is one of mean squared errors of about 1; ours are some 0.0001.
SEARCH = {"maxiter": 400, "ftol": 1e-9, "gtol": 0}
#: Tuning curves are averaged over input currents this far to both sides, relative to
#: the threshold, since slopes of some neuron types are infinite there.
WIDTH = 0.05
#: Number of input currents at which they are computed; lines are drawn between.
N_CURRENTS = 100_000
#: Intercepts stay between these.
LIMIT = 0.95


@threadpool_limits.wrap(limits=1)
def optimise_tuning_curves(population):
    """Choose the tuning curves of a population together with its decoders.

    Minimises the regularised error that the decoders are fitted by,

    .. math:: \\min_{E, c} \\min_D
       \\sum_x \\| D\\, a(E x, c) - f(x) \\|^2 + \\lambda \\| D \\|^2

    over the encoders :math:`E` and intercepts :math:`c` of all neurons. The inner
    minimum is known, so that the gradient of the whole is that of the error with the
    decoders held fixed (variable projection [1]_); the outer one is searched by L-BFGS
    [2]_. Every neuron fires at ``max_rate`` for the input that drives it most.

    Returns encoders and intercepts, (n_neurons, size_in + 1), for
    ``FittedPopulation.with_tuning_curves``.

    References
    ----------
    .. [1] Golub, G. H. and Pereyra, V. (1973). The differentiation of pseudo-inverses
       and nonlinear least squares problems whose variables separate. SIAM Journal on
       Numerical Analysis 10, 413-432. https://doi.org/10.1137/0710036
    .. [2] Liu, D. C. and Nocedal, J. (1989). On the limited memory BFGS method for
       large scale optimization. Mathematical Programming 45, 503-528.
       https://doi.org/10.1007/BF01589116
    """
    start = population.tuning_curves
    n_points = int(np.clip(POINTS_PER_NUMBER * start.size, FEWEST_POINTS, MOST_POINTS))
    problem = _Problem(population, n_points)
    intercepts = np.arctanh(np.clip(start[:, -1] / LIMIT, -0.99, 0.99))
    found = scipy.optimize.minimize(
        problem.error_and_gradient,
        np.column_stack([start[:, :-1], intercepts]).ravel(),
        jac=True,
        method="L-BFGS-B",
        options=SEARCH,
    )
    encoders, intercepts, _ = problem.neurons(found.x)
    return np.column_stack([encoders / population.scale, intercepts])


class _Problem:
    """Error of a population as a function of its encoders and intercepts."""

    def __init__(self, population, n_points):
        self.neuron_type = population.neuron_type
        self.points = population.points(n_points)
        self.values = population.function(self.points)
        self.max_rates = np.full(population.n_neurons, float(population.max_rate))
        strongest = population.regularise * population.max_rate
        self.strength = len(self.points) * strongest**2
        self.lowest, self.spacing, self.rates = self._averaged_curve()

    def neurons(self, numbers):
        """Encoders and intercepts, and the points that drive each neuron most."""
        numbers = numbers.reshape(len(self.max_rates), -1)
        driven = self.points @ numbers[:, :-1].T
        strongest = driven.argmax(axis=0)
        reach = driven[strongest, np.arange(len(numbers))]
        encoders = numbers[:, :-1] / reach[:, np.newaxis]
        return encoders, LIMIT * np.tanh(numbers[:, -1]), (strongest, reach)

    def error_and_gradient(self, numbers):
        """Mean squared error with the best decoders, and its gradient."""
        encoders, intercepts, (strongest, reach) = self.neurons(numbers)
        driven = self.points @ encoders.T
        gain, bias = self._gain_bias(intercepts)
        activities, slopes = self._curves(gain * driven + bias)

        gram = activities.T @ activities
        gram.flat[:: len(gram) + 1] += self.strength
        right = activities.T @ self.values
        decoders = scipy.linalg.solve(gram, right, assume_a="pos")
        residuals = activities @ decoders - self.values
        error = np.sum(residuals**2) + self.strength * np.sum(decoders**2)

        by_current = 2 * residuals @ decoders.T * slopes
        gain_slope, bias_slope = (
            (moved - value) / 1e-4
            for moved, value in zip(self._gain_bias(intercepts + 1e-4), (gain, bias))
        )
        by_intercept = np.sum(by_current * (driven * gain_slope + bias_slope), axis=0)
        by_encoder = gain[:, np.newaxis] * (by_current.T @ self.points)
        # encoders are divided by what drives the neuron most
        along = np.sum(by_encoder * encoders, axis=1, keepdims=True)
        by_number = by_encoder - along * self.points[strongest]
        by_number /= reach[:, np.newaxis]
        by_intercept *= LIMIT - intercepts**2 / LIMIT
        gradient = np.column_stack([by_number, by_intercept])
        return error / len(self.points), gradient.ravel() / len(self.points)

    def _gain_bias(self, intercepts):
        return self.neuron_type.gain_bias(self.max_rates, intercepts)

    def _averaged_curve(self):
        """Averaged tuning curve over all currents that a neuron can get."""
        limits = np.array([-LIMIT, LIMIT])
        gain, bias = self.neuron_type.gain_bias(np.repeat(self.max_rates[0], 2), limits)
        lowest, highest = np.min(bias - gain) - 1, np.max(bias + gain) + 1
        currents, spacing = np.linspace(lowest, highest, N_CURRENTS, retstep=True)
        rates = self.neuron_type.rates(currents[:, np.newaxis], np.ones(1), np.zeros(1))
        width = 2 * round(WIDTH / spacing) + 1
        averaged = scipy.ndimage.uniform_filter1d(rates[:, 0], width, mode="nearest")
        return lowest, spacing, averaged

    def _curves(self, currents):
        """Rates, and their slopes, of neurons with these input currents."""
        where = (currents - self.lowest) / self.spacing
        before = np.clip(where.astype(int), 0, N_CURRENTS - 2)
        steps = np.diff(self.rates)[before]
        rates = self.rates[before] + steps * (where - before)
        return rates, steps / self.spacing
