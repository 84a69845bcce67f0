"""A run of tests that is told to end (a time limit of CI, a terminal that is closed) ends what it has started, too."""

import signal
from collections.abc import Callable
from types import FrameType


def on_request_to_end(end: Callable[[int], None]) -> None:
    """Have `end`, which raises, run at SIGTERM and SIGHUP. It is given the exit code, as a shell counts: 128 + number.

    By default they end Python at once, without its `with` and `finally`. A second one does not cut the clean-up short.
    What was started by nohup does not hear SIGHUP, as before.
    """
    numbers = [one for one in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(one) is not signal.SIG_IGN]

    def handle(number: int, _frame: FrameType | None) -> None:
        for one in numbers:
            signal.signal(one, signal.SIG_IGN)
        end(128 + number)

    for one in numbers:
        signal.signal(one, handle)
