"""What is fast, measured: `python -m benchmarks` from the top of the checkout."""

import sys
from pathlib import Path

# The private broker is a script of its own, as for the tests: it runs without this project being installed.
sys.path.append(str(Path(__file__).resolve().parent.parent / "script"))
