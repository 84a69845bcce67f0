"""`python -m benchmarks`: run them, print the table."""

import argparse
import json
import sys
from collections.abc import Callable, Sequence

from . import gateway_alone, start, throughput
from .figures import Figure
from .report import as_json, table
from .scale import Scale

BENCHMARKS: dict[str, Callable[[Scale], list[Figure]]] = {
    "throughput": throughput.run,
    "gateway_alone": gateway_alone.run,
    "start": start.run,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code. argv: None takes the process's own arguments."""
    parser = argparse.ArgumentParser("python -m benchmarks", description=__doc__)
    parser.add_argument("--only", action="append", choices=sorted(BENCHMARKS), metavar="NAME", help="may be repeated")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--share", type=float, default=1.0, help="of the images; 0.01 for a look whether it runs")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args(argv)
    scale = Scale(arguments.rounds, arguments.share)
    figures: list[Figure] = []
    for name in arguments.only or BENCHMARKS:
        print(f"{name} …", file=sys.stderr, flush=True)
        figures += BENCHMARKS[name](scale)
    print(json.dumps(as_json(figures), indent=2) if arguments.json else table(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
