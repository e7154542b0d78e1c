"""Numerical libraries on one thread."""

from contextlib import contextmanager


@contextmanager
def one_thread():
    """Keep the order of sums, and so spikes, independent of the number of threads.

    For use as ``with one_thread():`` or as a decorator ``@one_thread()``.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1):
        yield
