"""The client of Online OCR: a simulator (`python -m client`), and a library.

from client import OcrClient

with OcrClient("ws://127.0.0.1:8765") as ocr:
    print(ocr.recognize("scan.png").text)
"""

from .errors import AnswerTimeout, ConnectError, ConnectionLost, ImageFailed, OcrClientError
from .events import Recognition
from .ocr_client import OcrClient

__all__ = [
    "AnswerTimeout",
    "ConnectError",
    "ConnectionLost",
    "ImageFailed",
    "OcrClient",
    "OcrClientError",
    "Recognition",
]
