"""Decoders by least squares on what the neurons of a running circuit did."""

import numpy as np
import scipy.linalg


def decoder_changes(runs, regularise):
    """Find changes that improve the decoders of each population.

    For a population that should compute :math:`f`, with average inputs :math:`u` and
    activities :math:`a` as they were in the running circuit,

    .. math:: \\min_D \\sum \\| D\\, a - f(u) \\|^2 + \\lambda \\| D - D_0 \\|^2

    where :math:`D_0` are the decoders that it had: what the samples do not tell stays
    as it is.

    ``runs`` are what `.record_populations` gave on several inputs, and
    :math:`\\lambda` is the number of samples times the square of ``regularise`` times
    the largest activity, as in `nengo.solvers.LstsqL2`. Returns :math:`D - D_0` in
    units of the population, (size_out, n_neurons), by name.
    """
    changes = {}
    for name in runs[0]:
        records = [record for run in runs for record in run[name]]
        population = records[0].population
        activities = np.concatenate([_samples(r.activities) for r in records])
        inputs = np.concatenate([_samples(r.inputs) for r in records])
        missing = population.function(inputs) - activities @ population.decoders.T
        # the dual form is the smaller one where there are fewer samples than neurons
        strength = len(inputs) * (regularise * activities.max()) ** 2
        n_samples, n_neurons = activities.shape
        if strength == 0:
            change = np.zeros_like(population.decoders.T)
        elif n_neurons <= n_samples:
            gram = activities.T @ activities + strength * np.identity(n_neurons)
            change = _solve(gram, activities.T @ missing)
        else:
            gram = activities @ activities.T + strength * np.identity(n_samples)
            change = activities.T @ _solve(gram, missing)
        changes[name] = change.T / population.unit
    return changes


def _solve(gram, right):
    return scipy.linalg.solve(gram, right, assume_a="pos")


def _samples(signals):
    """Samples of all copies, (n_samples, size)."""
    return signals.reshape(-1, signals.shape[2])
