"""SIGTERM and SIGINT, counted, as something that can be waited for."""

import contextlib
import os
import signal


class StopSignals:
    """Counts SIGTERM and SIGINT from when it is made, and wakes whoever waits for `reader`."""

    def __init__(self) -> None:
        self.count = 0
        self.reader, self._writer = os.pipe()
        os.set_blocking(self._writer, False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)

    def _on_signal(self, *_: object) -> None:
        self.count += 1
        self.wake()

    def wake(self, *_: object) -> None:
        """Wake whoever waits; safe in signal handlers and from other threads."""
        with contextlib.suppress(BlockingIOError):  # a full pipe wakes as well
            os.write(self._writer, b".")
