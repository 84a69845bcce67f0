"""Programs that use our client library, a thread each: what every one of their images was answered, as they see it."""

import dataclasses
import threading
import time
from collections.abc import Iterator

from client.address import Gateway
from client.conversation import Conversation
from client.events import Recognition, Request
from tests.contract.drawn_images import drawn


@dataclasses.dataclass(frozen=True)
class Answered:
    """What the program was handed for an image: its text, or None and the error's sentence."""

    name: str
    text: str | None
    sentence: str
    at: float  # time.monotonic()


class Program:
    """`images` images, shown as "Client 3 image 17", sent by a client named "Client 3"; it runs until all are answered.

    seconds: the program gives an image that long, from sending to the answer.
    """

    def __init__(self, port: int, number: int, images: int, *, max_in_flight: int = 8, seconds: float = 120.0) -> None:
        self.name = f"Client {number}"
        self.expected = {f"{self.name} image {image}": f"{self.name} image {image}" for image in range(1, images + 1)}
        self.answered: list[Answered] = []
        self.error: Exception | None = None
        self._seconds = seconds
        url = f"ws://127.0.0.1:{port}"
        self._conversation = Conversation(Gateway(url), self.name, max_in_flight)
        self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            for one in self._conversation.answers(self._requests()):
                is_text = isinstance(one.answer, Recognition)
                text = one.answer.text.strip() if isinstance(one.answer, Recognition) else None
                sentence = "" if is_text else str(one.answer)
                self.answered.append(Answered(one.request.image_file_name, text, sentence, time.monotonic()))
        except Exception as error:  # noqa: BLE001 - looked at by the checker, in the test's thread
            self.error = error
        finally:
            self._conversation.close("all is answered")

    def _requests(self) -> Iterator[Request]:
        for name in self.expected:
            yield Request(name, drawn(name), self._seconds)

    def wait(self, seconds: float) -> None:
        """Until it has ended. AssertionError, with what is missing, after `seconds`."""
        self._thread.join(max(0.0, seconds))
        missing = sorted(self.expected.keys() - {one.name for one in self.answered})
        assert not self._thread.is_alive(), f"{self.name} waits for {missing}"

    def end(self) -> None:
        """Make it end, answered or not."""
        self._conversation.abort()
        self._thread.join(10)
