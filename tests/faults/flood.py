"""A client that sends on and on, whatever it is told."""

import contextlib
import itertools
import threading
import time
from types import TracebackType
from typing import Self

from websockets.exceptions import ConnectionClosed

from tests.faults.peer import Peer

QUIET_SECONDS = 1.0


class Flood:
    """Sends images of a peer, each with a RequestId of its own, in a thread; they are none of what the peer has asked.

    sent: how many have gone out. It stays the same once the other side takes no more.
    """

    def __init__(self, peer: Peer) -> None:
        self.sent = 0
        self._peer = peer
        self._is_stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="flood", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        with contextlib.suppress(ConnectionClosed, OSError):  # the gateway may have had enough
            for number in itertools.count():
                if self._is_stopping.is_set():
                    return
                self._peer.say_upload(f"flood {number}", "flood.png", b"no image")
                self.sent += 1

    def wait_until_blocked(self, seconds: float = 60.0) -> None:
        """Until nothing more goes out for a second: the other side has a bound on what it takes, or has ended it."""
        deadline = time.monotonic() + seconds
        before = -1
        while self.sent != before:
            assert time.monotonic() < deadline, f"{self.sent} images were taken from a client that never reads"
            before = self.sent
            time.sleep(QUIET_SECONDS)

    def stop(self) -> None:
        """Send no more; what waits to be taken waits on."""
        self._is_stopping.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()
        self._peer.vanish()
        self._thread.join(10)
