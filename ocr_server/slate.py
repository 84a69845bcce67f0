"""Which image an OCR process reads: written into memory that its supervisor sees too, also when the process has died.

A message over the pipe for each image would cost a system call here, and wake the supervisor, which has nothing to do.
"""

import struct
import time
from multiprocessing.context import SpawnContext
from typing import Final

_HEAD: Final = struct.Struct("=d?H")  # begun at, has read, bytes of the image's id
_LONGEST_ID: Final = 255  # bytes: a message_id (AMQP 0-9-1, shortstr), or a hash


class Slate:
    """One process's. Made by the supervisor and given to the process as it starts; only that writes on it then."""

    def __init__(self, context: SpawnContext) -> None:
        self._memory = context.RawArray("c", _HEAD.size + _LONGEST_ID)

    def begin(self, image_id: str) -> None:
        """This image is being read from now on."""
        written = image_id.encode("utf-8", "replace")[:_LONGEST_ID]
        self._memory[_HEAD.size : _HEAD.size + len(written)] = written
        # Last: a process that dies before has not begun.
        _HEAD.pack_into(self._memory, 0, time.monotonic(), self.has_read, len(written))

    def end(self) -> None:
        """The process has not died of it."""
        # The time stays: a supervisor that has just read the id would take 0 for an image that is read since long ago.
        _HEAD.pack_into(self._memory, 0, self.begun_at, True, 0)

    @property
    def image_id(self) -> str | None:
        """The image that is being read; None when none is."""
        _, _, length = _HEAD.unpack_from(self._memory)
        return self._memory[_HEAD.size : _HEAD.size + length].decode("utf-8", "replace") if length else None

    @property
    def begun_at(self) -> float:
        """Since when, in seconds of the monotonic clock, which is the same for all processes."""
        begun_at, _, _ = _HEAD.unpack_from(self._memory)
        return float(begun_at)

    @property
    def has_read(self) -> bool:
        """True when the process has got as far as the end of an image."""
        _, has_read, _ = _HEAD.unpack_from(self._memory)
        return bool(has_read)
