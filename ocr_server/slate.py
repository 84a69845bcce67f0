"""Which image an OCR process reads: written into memory that its supervisor sees too, also when the process has died.

A message over the pipe for each image would cost a system call here, and wake the supervisor, which has nothing to do.
"""

import ctypes
import time
from multiprocessing.context import SpawnContext
from typing import Final

_LONGEST_ID: Final = 255  # bytes: a message_id (AMQP 0-9-1, shortstr), or a hash


class Slate:
    """One process's. Made by the supervisor and given to the process as it starts; only that writes on it then.

    Each number has memory of its own, which is written in one step: `struct.pack_into` writes zeros first, and a
    supervisor that read a 0 there took the image for one that is read since long ago.
    """

    def __init__(self, context: SpawnContext) -> None:
        self._image_id = context.RawArray("c", _LONGEST_ID)
        self._length = context.RawValue(ctypes.c_ubyte)  # of the id; 0: no image is read
        self._begun_at = context.RawValue(ctypes.c_double)
        self._has_read = context.RawValue(ctypes.c_bool)

    def begin(self, image_id: str) -> None:
        """This image is being read from now on."""
        written = image_id.encode("utf-8", "replace")[:_LONGEST_ID]
        self._length.value = 0
        self._image_id[: len(written)] = written
        self._begun_at.value = time.monotonic()
        self._length.value = len(written)  # last: a process that dies before has not begun

    def end(self) -> None:
        """The process has not died of it."""
        # The time stays: a supervisor that has just read the id would take 0 for an image that is read since long ago.
        self._length.value = 0
        self._has_read.value = True

    def died_of(self) -> str | None:
        """For the supervisor of a process that is dead: the image that it died of, once; None when it died of none."""
        image_id, self._length.value = self.image_id, 0
        return image_id

    @property
    def image_id(self) -> str | None:
        """The image that is being read; None when none is."""
        length = self._length.value
        return self._image_id[:length].decode("utf-8", "replace") if length else None

    @property
    def begun_at(self) -> float:
        """Since when, in seconds of the monotonic clock, which is the same for all processes."""
        return float(self._begun_at.value)

    @property
    def has_read(self) -> bool:
        """True when the process has got as far as the end of an image."""
        return bool(self._has_read.value)
