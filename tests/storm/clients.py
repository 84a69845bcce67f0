"""Programs that use our client, a thread each, and what every one of their images was answered, as they see it."""

import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from client.address import Gateway
from client.conversation import Conversation
from client.events import Recognition, Request
from tests.contract.drawn_images import drawn

MAX_IN_FLIGHT = 4
ANSWER_TIMEOUT = 30.0
IMAGE_SECONDS = 180.0
"""Seconds that a program gives an image, whatever happens meanwhile."""


@dataclass(frozen=True)
class Answered:
    """What a program was handed for an image. text: None for a failure, whose sentence is there then.

    sends: how often the client has sent it. seconds: from its first sending. at: time.monotonic().
    """

    name: str
    text: str | None
    sentence: str
    is_accepted: bool
    sends: int
    seconds: float
    at: float


class StormClient:
    """Client `number`, whose images show its number and theirs, so that another's answer would be seen."""

    def __init__(self, port: int, number: int, images: int) -> None:
        self.name = f"Client {number}"
        self.images = [f"{self.name} image {image}" for image in range(1, images + 1)]
        self.answered: list[Answered] = []
        self.sent = 0
        self.error: Exception | None = None
        self._conversation = Conversation(Gateway(f"ws://127.0.0.1:{port}"), self.name, MAX_IN_FLIGHT)
        self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def _run(self) -> None:
        try:
            for one in self._conversation.answers(self._requests()):
                request, answer, now = one.request, one.answer, time.monotonic()
                text = answer.text.strip() if isinstance(answer, Recognition) else None
                sentence = "" if isinstance(answer, Recognition) else str(answer)
                seconds = now - self._begun[request.image_file_name]
                is_accepted = request.is_accepted or text is not None
                self.answered.append(
                    Answered(request.image_file_name, text, sentence, is_accepted, request.times_sent, seconds, now)
                )
        except Exception as error:  # noqa: BLE001 - told by the report, with what is lost by it
            self.error = error
        finally:
            self._conversation.close("all is answered")

    def _requests(self) -> Iterator[Request]:
        self._begun: dict[str, float] = {}
        for name in self.images:
            self.sent += 1
            self._begun[name] = time.monotonic()
            yield Request(name, drawn(name), IMAGE_SECONDS, ANSWER_TIMEOUT)

    @property
    def is_done(self) -> bool:
        """It has ended, by itself or by an error."""
        return not self._thread.is_alive()

    def abort(self) -> None:
        """End it, answered or not."""
        self._conversation.abort()
        self._thread.join(10)


@dataclass(frozen=True)
class Count:
    """What has become of all images. late: answered after more than ANSWER_TIMEOUT, so sent again meanwhile."""

    sent: int
    accepted: int
    answered: int
    lost: int
    repeated: int
    wrong: int
    late: int
    complaints: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def is_flawless(self) -> bool:
        """Each image has had its own text, once."""
        return not (self.lost or self.repeated or self.wrong)


def count(clients: Sequence[StormClient]) -> Count:
    """What has become of the images of these clients, which have ended."""
    complaints = [f"{client.name} ended with {client.error!r}" for client in clients if client.error is not None]
    answered = lost = repeated = wrong = 0
    for client in clients:
        texts = Counter(one.name for one in client.answered if one.text is not None)
        for name in client.images:
            answered += texts[name] > 0
            lost += texts[name] == 0
            repeated += max(0, texts[name] - 1)
        for one in client.answered:
            if one.text is None:
                complaints.append(f"{one.name}, accepted: {one.is_accepted}, sent {one.sends} times: {one.sentence}")
            elif one.text != one.name:
                wrong += 1
                complaints.append(f"{one.name} was answered {one.text!r}")
    every = [one for client in clients for one in client.answered]
    return Count(
        sent=sum(client.sent for client in clients),
        accepted=sum(one.is_accepted for one in every),
        answered=answered,
        lost=lost,
        repeated=repeated,
        wrong=wrong,
        late=sum(one.seconds > ANSWER_TIMEOUT for one in every),
        complaints=tuple(complaints),
        notes=tuple(
            f"{one.name} took {one.seconds:.1f} s, and was sent {one.sends} times"
            for one in every
            if one.seconds > ANSWER_TIMEOUT
        ),
    )
