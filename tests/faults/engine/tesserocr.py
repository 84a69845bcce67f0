"""An engine that is bad to some images: put first on the PYTHONPATH of an OCR server under test, in place of tesserocr.

It is the real tesserocr, but for the images of tests/faults/poison.py. With FAULTS_ENGINE_PAUSE (seconds) it takes that
much longer for each image: work that costs no processor time.
"""

import ctypes
import importlib.machinery
import importlib.util
import os
import sys
import time
from pathlib import Path
from typing import Any

from tests.faults.poison import HEIGHT, Poison


def _real() -> Any:
    here = Path(__file__).resolve().parent
    elsewhere = [entry for entry in sys.path if Path(entry or ".").resolve() != here]
    spec = importlib.machinery.PathFinder.find_spec("tesserocr", elsewhere)
    assert spec is not None
    assert spec.loader is not None
    real = importlib.util.module_from_spec(spec)
    sys.modules["tesserocr"] = real  # also what whoever imports this module gets
    spec.loader.exec_module(real)
    return real


_tesserocr = _real()
_RealApi: Any = _tesserocr.PyTessBaseAPI


class _Api(_RealApi):  # type: ignore[misc]
    _size = (0, 0)

    def SetImageBytes(self, imagedata: bytes, width: int, height: int, *rest: Any) -> None:  # noqa: N802
        self._size = (width, height)
        super().SetImageBytes(imagedata, width, height, *rest)

    def Recognize(self, *timeout: Any) -> Any:  # noqa: N802
        if self._size[1] == HEIGHT:
            _misbehave(self._size[0])
        time.sleep(float(os.environ.get("FAULTS_ENGINE_PAUSE", "0")))
        return super().Recognize(*timeout)


def _misbehave(width: int) -> None:
    if width == Poison.SEGFAULTS:
        ctypes.string_at(0)
    elif width == Poison.HANGS:
        while True:
            time.sleep(1)
    elif width == Poison.EATS_MEMORY:
        eaten = []
        while True:
            eaten.append(bytearray(64 * 1024 * 1024))
    elif width == Poison.HANGS_WITH_LOCK:
        ctypes.PyDLL(None).sleep(100_000)


_tesserocr.PyTessBaseAPI = _Api
