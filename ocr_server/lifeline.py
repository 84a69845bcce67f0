"""An OCR process's end of the pipe to its supervisor. When that dies, so does this process.

A thread of its own listens, so that a process that reads an image for a minute still says that it runs.
"""

import contextlib
import os
import queue
import shutil
import signal
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final

from . import control
from .slate import Slate

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

UNTOLD: Final = 100
"""Messages that are not urgent and are kept until they are told together."""


class Lifeline:
    """Makes this process one that ends with its supervisor and at its word only, from its first moment on.

    folder: for temporary files, in that of the supervisor; made here, and removed by whoever sees the process end.
    """

    def __init__(
        self, pipe: "Connection[list[control.FromProcess], control.ToProcess]", slate: Slate, folder: Path
    ) -> None:
        os.setpgid(0, 0)  # all that this process starts ends with it
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # The supervisor has them too, and stops things in order; the last one comes from the system when a process
            # stands still as its supervisor dies. Not SIG_IGN: the tesseract program inherits that.
            signal.signal(number, lambda *_: None)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT, signal.SIGTERM})
        folder.parent.mkdir(mode=0o700, exist_ok=True)
        folder.mkdir(mode=0o700)
        tempfile.tempdir = str(folder)
        self.orders: queue.SimpleQueue[control.Verdict | control.Stop] = queue.SimpleQueue()
        self.slate = slate
        self._pipe = pipe
        self._untold: list[control.FromProcess] = []
        self._folder = folder
        self._telling = threading.Lock()
        self.tell(control.Started(os.getpid()))
        threading.Thread(target=self._listen, name="pipe", daemon=True).start()

    def tell(self, *messages: control.FromProcess, is_urgent: bool = True) -> None:
        """Say something to the supervisor. When it has gone the listening thread ends the process. For any thread.

        is_urgent: False for what is only counted: it is said with what comes next. Without messages, all that is left.
        """
        with self._telling, contextlib.suppress(OSError):
            self._untold += messages
            if self._untold and (is_urgent or len(self._untold) >= UNTOLD):
                untold, self._untold = self._untold, []
                self._pipe.send(untold)

    def _listen(self) -> None:
        try:
            while True:
                message = self._pipe.recv()
                if isinstance(message, control.Ping):
                    self.tell(control.Pong())
                else:
                    self.orders.put(message)
        except (EOFError, OSError):
            # The supervisor is dead: unanswered images go back to the queue with the connection.
            shutil.rmtree(self._folder, ignore_errors=True)
            with contextlib.suppress(OSError):
                self._folder.parent.rmdir()  # the last process finds the supervisor's own empty
            os.killpg(0, signal.SIGKILL)
