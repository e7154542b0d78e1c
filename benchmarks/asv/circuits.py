"""What changes over commits: each circuit's build, step, memory and error.

It runs with `asv <https://asv.readthedocs.io>`_ (extra ``bench``)::

    cd benchmarks/asv && asv run
"""

import nengo
import numpy as np
from nengo.builder import Model
from nengo.cache import NoDecoderCache

import maxpool_circuits as mpc


class Circuits:
    """Every circuit with its default options, on pools of four inputs."""

    params = (list(mpc.circuits()), [100])
    param_names = ("circuit", "pools")
    timeout = 300

    def setup(self, circuit, pools):
        """Build once, so that what is loaded on first use is not timed."""
        self.simulator = self.built(circuit, pools)

    def teardown(self, circuit, pools):
        """Close the simulator."""
        self.simulator.close()

    def built(self, circuit, pools):
        """A simulator of the circuit on constant values."""
        windows = mpc.PoolWindows.independent(pools, 4)
        x = np.random.RandomState(0).uniform(size=windows.n_inputs)
        with nengo.Network(seed=0) as model:
            pool = mpc.make(circuit, windows)
            nengo.Connection(nengo.Node(x), pool.input, synapse=None)
        # a cache of decoders would hide most of the time
        uncached = Model(dt=0.001, decoder_cache=NoDecoderCache())
        return nengo.Simulator(model, model=uncached, progress_bar=False)

    def time_build(self, circuit, pools):
        """Seconds to make and build the network."""
        self.built(circuit, pools).close()

    def time_step(self, circuit, pools):
        """Seconds of a time step."""
        self.simulator.step()

    def peakmem_run(self, circuit, pools):
        """Peak memory of a process that builds the network and runs it."""
        self.simulator.run_steps(10)

    def track_rmse(self, circuit, pools):
        """Error on random windows that change every 50 ms."""
        table = mpc.compare([circuit], n_pools=min(pools, 20))
        return table[circuit].rmse

    track_rmse.unit = "units of the input"
