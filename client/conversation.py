"""Images and their answers, whatever becomes of the connections: sending, waiting, handing out.

The sessions decide, `line` sees that there is a connection.
"""

import time
from collections.abc import Generator, Iterable, Iterator
from typing import Any

from settings.event_log import passing_logger

from .address import Gateway
from .errors import ConnectError, ConnectionLost, ImageFailed
from .events import Accepted, Answered, Event, Ignored, Postponed, Request
from .line import PATIENCE, Line, no_new_one
from .session import Session
from .session_v2 import SessionV2


class Conversation:
    """Sends images and hands out their answers. One thread uses it; `abort` may be called from any.

    name: the ClientName, and the name in the log. max_in_flight: how many images are outstanding at a time.
    """

    def __init__(self, gateway: Gateway, name: str, max_in_flight: int = 1) -> None:
        self.log = passing_logger(name)
        self._max_in_flight = max_in_flight
        self._line = Line(gateway, name, max_in_flight)

    def ids(self, **facts: Any) -> dict[str, Any]:
        """The ids of a log line about this conversation."""
        return self._line.ids(**facts)

    @property
    def max_image_bytes(self) -> int | None:
        """The largest image that the gateway takes, as it said when it was connected to. None: it has not said."""
        session = self._line.session
        return session.max_image_bytes if isinstance(session, SessionV2) else None

    def answers(self, requests: Iterable[Request]) -> Generator[Answered, None, None]:
        """Send the images, each as soon as there is room, and yield each one's answer as it comes.

        An answer counts as received when the next one is asked for, or when the generator is closed.

        Raises ConnectError when there is no connection: images without an answer by then have not been sent.
        """
        line, source = self._line, iter(requests)
        try:
            while True:
                if not (line.has_message and line.session.in_flight):
                    self._refill(source, self._max_in_flight - line.session.in_flight)
                    if not line.to_send and not line.session.in_flight:
                        return
                try:
                    answered = self._exchange(source) if line.is_up() else line.give_up()
                except ConnectionLost as lost:
                    answered = line.broken(lost)
                except ConnectError as error:
                    if not line.is_aborted.is_set():
                        yield from [no_new_one(one, error) for one in line.unanswered]
                    raise
                yield from self._handed_out(answered)
        finally:
            line.to_send.clear()
            if line.session.in_flight:  # whoever stops listening shall not get these answers later
                line.close("nobody waits for the answers any more")
            else:
                line.say()

    def _handed_out(self, answered: list[Answered]) -> Iterator[Answered]:
        for one in answered:
            try:
                yield one
            finally:
                self._line.session.taken(one.request)

    def _refill(self, source: Iterator[Request], count: int) -> None:
        """See that so many images are there to be sent, if there are as many."""
        to_send = self._line.to_send
        while len(to_send) < count:
            request = next(source, None)
            if request is None:
                return
            to_send.append(request)

    def _exchange(self, source: Iterator[Request]) -> list[Answered]:
        """Send what there is to send, and take one message; the answers of images that end with it."""
        line = self._line
        # Answers that arrived together are told as received together, and what they make room for leaves with that.
        if not line.has_message:
            line.say(more=True)
            if refused := self._send_all(line.session.due(time.monotonic())):
                return refused
            self._refill(source, 1)  # the next one, so that it is at hand when there is room
        return self._wait()

    def _send_all(self, due: list[Request]) -> list[Answered]:
        """Send what is due again and what there is room for; the answers of those that cannot be sent."""
        line, sent, refused = self._line, list[Request](), list[Answered]()
        for request in due:
            self._send(request, sent)
        while line.to_send and line.session.has_room and not refused:
            request = line.to_send.popleft()
            if request.options and isinstance(line.session, Session):
                refused.append(_no_options(request))
            else:
                self._send(request, sent)
        assert line.connection is not None
        if line.connection.has_unsent:
            line.connection.flush()
            self._tell_sent(sent)
        return refused

    def _send(self, request: Request, sent: list[Request]) -> None:
        line, now = self._line, time.monotonic()
        assert line.connection is not None
        frame = line.session.upload(request, now)
        seconds = line.session.seconds_for(request, now)
        if isinstance(line.session, SessionV2):
            line.connection.send(frame, min(PATIENCE, seconds), seconds, more=True)
        else:  # a v1 gateway at its max_in_flight takes nothing until it has answered something
            line.connection.send(frame, seconds, more=True)
        sent.append(request)
        if not line.connection.has_unsent:
            self._tell_sent(sent)

    def _tell_sent(self, sent: list[Request]) -> None:
        for request in sent:
            name, size = request.image_file_name, len(request.image)
            again = " again" if request.times_sent > 1 else ""
            self.log.info(f"image sent{again}: {name} ({size} bytes)", extra=self.ids(image_file_name=name))
        sent.clear()

    def _wait(self) -> list[Answered]:
        line = self._line
        assert line.connection is not None
        frame = line.connection.receive(line.session.seconds_left(time.monotonic()))
        now = time.monotonic()
        event = line.session.receive(frame, now) if frame is not None else None
        self._tell(event)
        if isinstance(event, Accepted | Answered):
            line.works()
        late = line.session.give_up(now)
        if late and not line.session.in_flight and isinstance(line.session, Session):
            # It may be the connection that is dead, and a gateway that lives need not keep what nobody waits for.
            self.close("an answer did not come in time")
        return [event, *late] if isinstance(event, Answered) else late

    def _tell(self, event: Event | None) -> None:
        if isinstance(event, Accepted | Postponed):
            name = event.request.image_file_name
            what = f"accepted: {name}"
            if isinstance(event, Postponed):
                what = f"not taken now, to be sent again in {event.seconds:.1f} s: {name}: {event.sentence}"
            self.log.info(what, extra=self.ids(image_file_name=name))
        elif isinstance(event, Ignored):
            self.log.warning(event.sentence, extra=self.ids())

    def connect(self, *, is_again: bool = False, patience: float | None = None) -> None:
        """See that there is a connection, as in `Line`. Raises ConnectError."""
        self._line.connect(is_again=is_again, patience=patience)

    def close(self, why: str) -> None:
        """End the connection, if there is one, and say why; safe to call twice."""
        self._line.close(why)

    def abort(self) -> None:
        """Make the thread that uses this stop soon, with ConnectionLost or ConnectError."""
        self._line.abort()


def _no_options(request: Request) -> Answered:
    sentence = (
        "The gateway speaks v1, which knows no languages, page_seg_mode, preprocess and outputs. Leave them out "
        "(--lang, --psm, --preprocess, --formats but txt), or ask the operator for a gateway that speaks v2."
    )
    return Answered(request, ImageFailed(request.image_file_name, sentence))
