"""`python -m benchmarks`: measure, each figure against its baseline in the same run, and print the table."""

import argparse
import json
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Final, NoReturn

from private_broker import BrokerError

from . import cost, gateway_alone, idle_connections, latency, load, machine, many, scaling, start, throughput
from .figures import Curve, Measured
from .report import as_json, curves_of, text
from .scale import QUICK, Scale
from .texts import WrongText

BENCHMARKS: Final[dict[str, Callable[[Scale], Sequence[Measured]]]] = {
    "throughput": throughput.run,
    "latency": latency.run,
    "load": load.run,
    "gateway_alone": gateway_alone.run,
    "idle_connections": idle_connections.run,
    "scaling": scaling.run,
    "many": many.run,
    "cost": cost.run,
    "start": start.run,
}
"""In the order of the table."""

INTERRUPTED: Final = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code. argv: None takes the process's own arguments."""
    arguments = _arguments(argv)
    if arguments.draw not in (None, ""):
        return _draw_saved(Path(arguments.draw))
    scale = QUICK if arguments.quick else Scale(arguments.rounds, arguments.share)
    head = machine.described()
    measured: list[Measured] = []
    code = _measure(arguments.only or list(BENCHMARKS), scale, measured)
    # Also of a run that ended early: what it has measured took its time.
    print(json.dumps(as_json(head, measured), indent=2) if arguments.json else text(head, measured))
    if not code and arguments.draw is not None:
        code = _draw([one for one in measured if isinstance(one, Curve)])
    return code


def _measure(names: Sequence[str], scale: Scale, measured: list[Measured]) -> int:
    """Add what these benchmarks measure; returns the exit code."""
    _end_in_order()
    for name in names:
        print(f"{name} …", file=sys.stderr, flush=True)
        try:
            measured += BENCHMARKS[name](scale)
        except KeyboardInterrupt:
            print("interrupted: what was started has ended", file=sys.stderr)
            return INTERRUPTED
        except (BrokerError, WrongText) as error:
            print(f"{name}: {error}", file=sys.stderr)
            return 1
    return 0


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m benchmarks", description=__doc__)
    names = ", ".join(BENCHMARKS)
    parser.add_argument(
        "--only", action="append", choices=sorted(BENCHMARKS), metavar="NAME", help=f"{names}; may be repeated"
    )
    parser.add_argument("--rounds", type=int, default=3, help="how often each figure is taken (3)")
    parser.add_argument("--share", type=float, default=1.0, help="of the images, as in 0.1")
    parser.add_argument("--quick", action="store_true", help="everything once, to see that it runs; no real figures")
    parser.add_argument("--json", action="store_true", help="print one JSON object, with every round")
    parser.add_argument(
        "--draw",
        nargs="?",
        const="",
        metavar="FILE.json",
        help="write docs/benchmarks/*.svg from what was measured; with FILE.json, from what --json printed, at once",
    )
    arguments = parser.parse_args(argv)
    if arguments.rounds < 1 or arguments.share <= 0:
        parser.error("--rounds is at least 1, and --share more than 0")
    return arguments


def _draw_saved(path: Path) -> int:
    try:
        curves = curves_of(json.loads(path.read_text("utf-8")))
    except (OSError, ValueError, KeyError, TypeError) as error:
        print(f"{path} is nothing that --json has printed: {error!r}", file=sys.stderr)
        return 1
    return _draw(curves)


def _draw(curves: Sequence[Curve]) -> int:
    from . import charts  # matplotlib is there only for those who draw

    try:
        written = charts.draw(curves)
    except charts.NoMatplotlib as error:
        print(error, file=sys.stderr)
        return 1
    print("\n".join(f"written: {path}" for path in written), file=sys.stderr)
    return 0


def _end_in_order() -> None:
    """Have Ctrl-C, SIGTERM and SIGHUP end what was started; a second one does not cut that short."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
        for one in numbers:
            signal.signal(one, signal.SIG_IGN)
        raise KeyboardInterrupt

    for one in numbers:
        if signal.getsignal(one) is not signal.SIG_IGN:  # as by nohup
            signal.signal(one, interrupt)


if __name__ == "__main__":
    sys.exit(main())
