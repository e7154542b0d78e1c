"""Decoders by least squares on what the neurons of a running circuit did."""

import nengo
import numpy as np

from ..comparison.workloads import DT

#: Time constant, in seconds, of the filter through which inputs and spikes are seen.
#: Long enough for several spikes of an input, so that a population is asked for the
#: function of the *average* of its input: for a rectifier that is what removes the bias
#: of rectified noise.
AVERAGE = 0.02
#: Steps that are left out at the beginning, and distance of those that are used.
SETTLING, EVERY = 100, 10
#: Largest number of samples; more are thinned out evenly.
MAX_SAMPLES = 40_000


def decode(runs, regularise):
    """Fit the decoders of each population.

    For a population that should compute :math:`f`, with inputs :math:`u(t)` and
    activities :math:`a(t)` as they were in the running circuit,

    .. math:: \\min_D \\sum_t \\| D\\, (h * a)(t) - f((h * u)(t)) \\|^2
       + \\lambda \\| D \\|^2

    with a low-pass filter :math:`h`.

    Parameters
    ----------
    runs : list of dict of {str: list of Watched}
        What `.watch` recorded, on several inputs.
    regularise : float
        As a fraction of the largest activity, see `nengo.solvers.LstsqL2`.

    Returns
    -------
    dict of {str: (size_out, n_neurons) array}
        Decoders, for outputs in units of the population; those of populations that
        never fired are left out.
    """
    decoders = {}
    for name in runs[0]:
        watched = [ensemble for run in runs for ensemble in run[name]]
        population = watched[0].population
        activities = np.concatenate([_sample(w.activities) for w in watched])
        inputs = np.concatenate([_sample(w.inputs) for w in watched])
        every = -(-len(inputs) // MAX_SAMPLES)
        activities, inputs = activities[::every], inputs[::every]
        if not activities.any():
            continue
        targets = population.function(inputs) / population.unit
        solver = nengo.solvers.LstsqL2(reg=regularise)
        fitted, _ = solver(activities, targets, rng=np.random)
        decoders[name] = fitted.T
    return decoders


def _sample(signals):
    """Filtered signals of all copies at some steps, (n_samples, size)."""
    filtered = nengo.Lowpass(AVERAGE).filt(signals, axis=0, dt=DT, y0=0)
    return filtered[SETTLING::EVERY].reshape(-1, signals.shape[2])
