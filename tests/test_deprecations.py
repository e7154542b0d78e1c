"""What will break next: deprecations that Nengo runs into, shown with the tests.

Most are of other packages, and ignored elsewhere. docs/versions.md has the list.
"""

import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

import maxpool_circuits as mpc

ROOT = Path(__file__).parent.parent

#: Begin of a message: what happens when it is an error. Known ones are in the docs too.
KNOWN = {
    "numpy.core is deprecated": "import nengo fails",
    "Setting the shape on a NumPy array": "synapses and scalar Nodes fail",
}

MODEL = """
import json, warnings
found = {}

def note(message, category, filename, lineno, file=None, line=None):
    if issubclass(category, (DeprecationWarning, FutureWarning)):
        found[str(message)] = filename

warnings.simplefilter("always")
warnings.showwarning = note
import nengo
import numpy as np
import maxpool_circuits as mpc

for name in mpc.circuits():
    windows = mpc.PoolWindows.independent(n_pools=2, window_size=4)
    many = {"n_neurons": 10} if name in ("ensemble", "softmax") else {}
    with nengo.Network(seed=0) as model:
        pool = mpc.make(name, windows, decoders=None, **many)
        nengo.Connection(nengo.Node(0.5), pool.input[0], synapse=nengo.Alpha(0.01))
        nengo.Probe(pool.output, synapse=0.01)
    with nengo.Simulator(model, progress_bar=False) as simulator:
        simulator.run_steps(3)
print(json.dumps(found))
"""


def test_deprecations_are_those_that_are_known():
    process = subprocess.run(
        [sys.executable, "-c", MODEL],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.returncode == 0, process.stderr
    found = json.loads(process.stdout.splitlines()[-1])
    package = Path(mpc.__file__).parent
    assert not [text for text, file in found.items() if package in Path(file).parents]
    for text, file in found.items():
        breaks = [what for begin, what in KNOWN.items() if text.startswith(begin)]
        effect = breaks[0] if breaks else "not known yet, see what it breaks"
        # not an error: pytest shows it, until other packages change
        warnings.warn(f"{file}: {text} When this is an error: {effect}", stacklevel=1)


def test_known_deprecations_are_documented():
    page = ROOT / "docs" / "versions.md"
    if page.exists():
        for begin in KNOWN:
            assert begin in page.read_text()
