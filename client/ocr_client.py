"""The library: one object that turns images into text."""

import contextlib
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from protocol.messages import MAX_NAME_CHARACTERS
from settings.schema import LONGEST

from .address import Gateway, check_token, check_url
from .conversation import Conversation
from .events import ANSWER_TIMEOUT, Recognition, Request
from .options import options_of


class OcrClient:
    """A client of the gateway at `url`; it connects when it is entered, or with the first image.

        with OcrClient("ws://127.0.0.1:8765") as ocr:
            print(ocr.recognize("scan.png").text)

    name: the ClientName, which is also the logger's name. answer_timeout: seconds after which an image without an
    answer is sent again (a gateway that speaks v1 cannot tell repeats: there it is given up). connect_timeout: seconds
    from connecting to the ClientUUID. token: None sends none. Raises ValueError.

    When a connection breaks, a new one goes on where it was. The gateway ends a connection that is idle; the next
    image then goes over a new one, without a word. Threads may share a client: their images are sent one after another.
    Use a client each to have several read at a time.
    """

    def __init__(
        self,
        url: str,
        *,
        name: str = "Client",
        answer_timeout: float = ANSWER_TIMEOUT,
        connect_timeout: float = 10.0,
        token: str | None = None,
    ) -> None:
        check_url(url)
        if token is not None:
            check_token(token)
        self._answer_timeout = _seconds("answer_timeout", answer_timeout)
        self._lock = threading.Lock()
        self._conversation = Conversation(
            Gateway(url, token, _seconds("connect_timeout", connect_timeout)), _wire_name(name)
        )

    def __enter__(self) -> Self:
        with self._lock:
            self._conversation.connect()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def recognize(
        self,
        image: str | Path | bytes,
        *,
        name: str | None = None,
        timeout: float | None = None,
        languages: Sequence[str] = (),
        page_seg_mode: int | None = None,
        preprocess: str | None = None,
        outputs: Sequence[str] = (),
    ) -> Recognition:
        """The text of an image: a path, or the bytes of an image file.

        name: what the image is called at the gateway; None takes the path's name, or "image". timeout: seconds from
        sending to the answer, whatever happens in between; None takes three times answer_timeout. languages,
        page_seg_mode, preprocess: as in the OCR server's settings, which hold for what is left out. outputs: any of
        words, tsv, hocr, alto and pdf (docs/outputs.md), which are then in the Recognition's `outputs`, pdf as bytes.

        Raises OSError (the file cannot be read), ValueError (a name or a time that cannot be), ConnectError,
        ConnectionLost, AnswerTimeout, or ImageFailed with the gateway's reason.
        """
        path = None if isinstance(image, bytes) else Path(image)
        content = image if isinstance(image, bytes) else Path(image).read_bytes()
        known_as = _wire_name(name if name is not None else path.name if path else "image")
        seconds = None if timeout is None else _seconds("timeout", timeout)
        options = options_of(languages, page_seg_mode, preprocess, outputs)
        request = Request(known_as, content, seconds, self._answer_timeout, options)
        with self._lock, contextlib.closing(self._conversation.answers([request])) as answers:
            answer = next(answers).answer
        if isinstance(answer, Recognition):
            return answer
        raise answer

    def close(self) -> None:
        """End the connection, after a call that is under way; safe to call twice."""
        with self._lock:
            self._conversation.close("the client is closed")


def _seconds(name: str, value: float) -> float:
    """The time, if it is one that can be waited for. Raises ValueError."""
    if not 0 < value <= LONGEST:  # also False for a NaN
        raise ValueError(f"{name} is {value}; it must be more than 0 and at most {LONGEST} seconds.")
    return value


def _wire_name(name: str) -> str:
    """The name, if it can be sent. Raises ValueError."""
    if not name or len(name) > MAX_NAME_CHARACTERS:
        raise ValueError(f"A name needs 1 to {MAX_NAME_CHARACTERS} characters.")
    name.encode()  # a UnicodeEncodeError is a ValueError: half a surrogate pair, as in file names that are not UTF-8
    return name
