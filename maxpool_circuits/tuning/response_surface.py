"""Minimisation with few runs: fit what was measured, look for the best, measure it."""

import numpy as np
import scipy.optimize

#: How far the first runs are from the start, on the scale of the parameters.
FIRST_REACH = 0.6
#: Strengths of the penalties on curvature and on interactions between parameters.
STIFFNESS = np.sqrt([0.003, 0.03])


def minimise(measure, objective, start, bounds, n_runs, seed):
    """Minimise an objective of several measurements by a response surface.

    The first runs vary one parameter at a time, in both directions. Then every
    measurement is approximated by a quadratic function of the parameters, the objective
    of these approximations is minimised within reach of the best run so far, and the
    point found is measured and joins the others. Where it does not fulfil what was
    promised, the reach is halved [1]_. Approximating each measurement, rather than the
    objective, keeps kinks of the objective (one error that must not grow) out of the
    fit.

    ``measure`` takes a point, (n_parameters,), and returns an array of measurements;
    ``objective`` takes these, (..., n_measurements), and returns (...) values. Points
    stay within ``bounds``, (n_parameters, 2); ``n_runs`` follow the first ones.

    References
    ----------
    .. [1] Box, G. E. P. and Wilson, K. B. (1951). On the experimental attainment of
       optimum conditions. Journal of the Royal Statistical Society B 13, 1-45.
       https://doi.org/10.1111/j.2517-6161.1951.tb00067.x

    Examples
    --------
    >>> runs = []
    >>> def measure(point):
    ...     runs.append((*point, (point[0] - 1) ** 2, (point[1] + point[0]) ** 2))
    ...     return np.array(runs[-1][2:])
    >>> bounds = np.array([(-3, 3), (-3, 3)])
    >>> minimise(measure, lambda m: m.sum(axis=-1), np.zeros(2), bounds, 20, seed=0)
    >>> best = min(runs, key=lambda run: run[2] + run[3])
    >>> bool(np.abs(np.array(best[:2]) - [1, -1]).max() < 0.2)
    True
    """
    low, high = bounds.T
    steps = np.vstack([np.identity(len(start)), -np.identity(len(start))])
    star = start + FIRST_REACH * np.vstack([np.zeros(len(start)), steps])
    points = [np.clip(point, low, high) for point in star]
    measured = [measure(point) for point in points]
    reach = 2 * FIRST_REACH
    for _ in range(n_runs):
        values = objective(np.array(measured))
        best = points[np.argmin(values)]
        surface = _fit(np.array(points), np.array(measured), best, reach)
        found = scipy.optimize.differential_evolution(
            _objective_of,
            list(zip(np.maximum(low, best - reach), np.minimum(high, best + reach))),
            args=(objective, surface),
            seed=seed,
            maxiter=60,
            polish=False,
            vectorized=True,
            updating="deferred",
        )
        points.append(found.x)
        measured.append(measure(found.x))
        promised = values.min() - found.fun
        if values.min() - objective(measured[-1]) < 0.3 * promised:
            reach = max(reach / 2, 0.05)


def _objective_of(points, objective, surface):
    """Objective of approximations, for points in columns."""
    return objective(surface(points.T))


def _fit(points, measured, centre, reach):
    """Quadratic functions of the parameters, fitted to runs near ``centre``."""
    distance = np.linalg.norm((points - centre) / reach, axis=1)
    weight = (1 / (1 + distance**2))[:, np.newaxis]
    n_parameters = points.shape[1]
    features = _features(points - centre)
    n_linear = 1 + n_parameters
    stiffness = np.repeat(
        [0, *STIFFNESS],
        [n_linear, n_parameters, features.shape[1] - n_linear - n_parameters],
    )
    coefficients, *_ = np.linalg.lstsq(
        np.vstack([weight * features, np.diag(stiffness)]),
        np.vstack([weight * measured, np.zeros((len(stiffness), measured.shape[1]))]),
        rcond=None,
    )
    return lambda points: _features(points - centre) @ coefficients


def _features(points):
    """One, the parameters, their squares and their products, of each point."""
    first, second = np.triu_indices(points.shape[1], k=1)
    ones = np.ones((len(points), 1))
    products = points[:, first] * points[:, second]
    return np.hstack([ones, points, points**2, products])
