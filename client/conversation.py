"""Images over one connection after another: sending, waiting, and going on with a new connection when one breaks.

The sessions decide, `connection` carries. On a new connection v2 goes on where it was; v1 has no way to resume, so what
was outstanding is sent again. That is safe, since the gateway drops the answers of v1 clients that have gone.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from typing import Any, Final

from settings.event_log import ids

from .address import Gateway, shown
from .connection import CLOSE_TIMEOUT, Connection
from .errors import ConnectError, ConnectionLost, ImageFailed
from .events import Accepted, Answered, Event, Ignored, Postponed, Request, Welcomed
from .opening import Door
from .reconnecting import Backoff
from .session import Session
from .session_v2 import SessionV2

SHORTEST_TRY: Final = 0.1
PATIENCE: Final = 30.0
"""Seconds until a v2 gateway that takes nothing of what we send counts as gone."""


class Conversation:
    """Sends images and hands out their answers. One thread uses it; `abort` may be called from any.

    name: the ClientName, and the name in the log. max_in_flight: how many images are outstanding at a time.
    """

    def __init__(self, gateway: Gateway, name: str, max_in_flight: int = 1) -> None:
        self.log = logging.getLogger(name)
        self._gateway = gateway
        self._name = name
        self._max_in_flight = max_in_flight
        self._door = Door(gateway)
        self._backoff = Backoff()
        self._session: Session | SessionV2 = SessionV2(name, max_in_flight)
        self._connection: Connection | None = None
        self._waiting: deque[Request] = deque()
        self._unreached: ConnectError | None = None
        self._is_aborted = threading.Event()

    def ids(self, **facts: Any) -> dict[str, Any]:
        """The ids of a log line about this conversation."""
        return ids(client_uuid=self._session.client_uuid, **facts)

    def answers(self, requests: Iterable[Request]) -> Generator[Answered, None, None]:
        """Send the images, each as soon as there is room, and yield each one's answer as it comes.

        An answer counts as received when the next one is asked for, or when the generator is closed.

        Raises ConnectError when there is no connection: images without an answer by then have not been sent.
        """
        source = iter(requests)
        try:
            while True:
                self._refill(source)
                if not self._waiting and not self._session.outstanding:
                    return
                try:
                    answered = self._exchange() if self._is_open() else self._give_up_unreached()
                except ConnectionLost as lost:
                    answered = self._broken(lost)
                except ConnectError as error:
                    for one in () if self._is_aborted.is_set() else self._sent_and_unanswered():
                        yield Answered(one, _no_new_one(error))
                    raise
                for one_answer in answered:
                    try:
                        yield one_answer
                    finally:
                        self._session.taken(one_answer.request)
        finally:
            self._waiting.clear()
            if self._session.outstanding:  # whoever stops listening shall not get these answers later
                self.close("nobody waits for the answers any more")
            else:
                self._say()

    def _refill(self, source: Iterator[Request]) -> None:
        while len(self._waiting) + len(self._session.outstanding) < self._max_in_flight:
            request = next(source, None)
            if request is None:
                return
            self._waiting.append(request)

    def _sent_and_unanswered(self) -> list[Request]:
        return [*self._session.outstanding, *(one for one in self._waiting if one.times_sent)]

    def _is_open(self) -> bool:
        """True when there is a connection. Tries to get one, and raises ConnectError when it is not worth another try.

        For images of v2 their own deadlines are the limit; v1 gives a gateway that restarts connect_timeout.
        """
        if self._connection is None and isinstance(self._session, SessionV2) and self._session.outstanding:
            return self._try_again(self._session)
        self.connect(is_again=any(one.times_sent for one in self._waiting))
        return True

    def _try_again(self, session: SessionV2) -> bool:
        now = time.monotonic()
        if self._is_aborted.wait(min(self._backoff.seconds_left(now), session.seconds_to_deadline(now))):
            raise ConnectError("interrupted")
        seconds = session.seconds_to_deadline(time.monotonic())
        if seconds > 0:
            try:
                self._open(min(self._gateway.connect_timeout, max(SHORTEST_TRY, seconds)))
            except ConnectError as error:
                if not error.is_passing:
                    raise
                self._unreached = error
                self._backoff.failed(time.monotonic(), error.retry_after)
        return self._connection is not None

    def connect(self, *, is_again: bool = False) -> None:
        """See that there is a connection. Raises ConnectError.

        is_again: a connection has just broken; a gateway that restarts gets connect_timeout to come back.
        """
        if self._connection is not None:
            ended = None if self._session.outstanding else self._connection.ended()
            if ended is None:
                return
            self._session.broken(ended)
            self._drop(str(ended))
        deadline = time.monotonic() + self._gateway.connect_timeout
        backoff = Backoff(longest=1.0)
        while True:
            try:
                self._open(max(SHORTEST_TRY, deadline - time.monotonic()))
            except ConnectError as error:
                now = time.monotonic()
                backoff.failed(now, error.retry_after)
                pause = backoff.seconds_left(now)
                may_pass = error.is_passing and (is_again or error.retry_after is not None)
                if not may_pass or now + pause > deadline or self._is_aborted.wait(pause):
                    raise
            else:
                return

    def _open(self, timeout: float) -> None:
        until = time.monotonic() + timeout
        self._connection = connection = self._door.open(timeout)
        session = self._session_on(connection)
        welcomed: Welcomed | None = None
        try:
            welcomed, ignored = self._door.greet(connection, session, until - time.monotonic(), self._is_aborted)
        finally:
            if welcomed is None:  # never was a connection worth a line
                self._connection = None
                connection.close()
        if session is not self._session:
            self._waiting.extendleft(reversed(self._session.hand_over()))
            self._session = session
        self._unreached = None
        # Only now: a gateway that is too busy is tried more than once.
        for one in ignored:
            self._tell(one)
        url = shown(self._gateway.url)
        if welcomed.is_kept:
            self.log.info(f"connected again to {url}, ClientUUID kept", extra=self.ids())
            return
        version = "" if connection.codec is not None else "; the gateway speaks v1"
        self.log.info(f"connected to {url}{version}", extra=self.ids())
        self.log.info(f"ClientUUID assigned: {welcomed.client_uuid}", extra=self.ids())

    def _session_on(self, connection: Connection) -> Session | SessionV2:
        if connection.codec is None:
            return Session(self._name, self._max_in_flight)
        session = self._session if isinstance(self._session, SessionV2) else SessionV2(self._name, self._max_in_flight)
        session.opened(connection.codec)
        return session

    def _exchange(self) -> list[Answered]:
        self._say()
        for request in self._session.due(time.monotonic()):
            self._send(request)
        while self._waiting and self._session.has_room:
            request = self._waiting.popleft()
            if request.options and isinstance(self._session, Session):
                return [Answered(request, _no_options(request))]
            self._send(request)
        return self._wait()

    def _say(self, patience: float = PATIENCE) -> None:
        if self._connection is not None:
            for frame in self._session.to_say():
                self._connection.send(frame, patience)

    def _send(self, request: Request) -> None:
        assert self._connection is not None
        name, size = request.image_file_name, len(request.image)
        now = time.monotonic()
        frame = self._session.upload(request, now)
        seconds = self._session.seconds_for(request, now)
        if isinstance(self._session, SessionV2):
            self._connection.send(frame, min(PATIENCE, seconds), seconds)
        else:  # a v1 gateway at its max_in_flight takes nothing until it has answered something
            self._connection.send(frame, seconds)
        again = " again" if request.times_sent > 1 else ""
        self.log.info(f"image sent{again}: {name} ({size} bytes)", extra=self.ids(image_file_name=name))

    def _wait(self) -> list[Answered]:
        assert self._connection is not None
        frame = self._connection.receive(self._session.seconds_left(time.monotonic()))
        now = time.monotonic()
        event = self._session.receive(frame, now) if frame is not None else None
        self._tell(event)
        if isinstance(event, Accepted | Answered):
            self._backoff.worked()
        late = self._session.give_up(now)
        if late and not self._session.outstanding and isinstance(self._session, Session):
            # It may be the connection that is dead, and a gateway that lives need not keep what nobody waits for.
            self.close("an answer did not come in time")
        return [event, *late] if isinstance(event, Answered) else late

    def _tell(self, event: Event | None) -> None:
        if isinstance(event, Accepted):
            name = event.request.image_file_name
            self.log.info(f"accepted: {name}", extra=self.ids(image_file_name=name))
        elif isinstance(event, Postponed):
            name = event.request.image_file_name
            facts = self.ids(image_file_name=name)
            self.log.info(f"not taken now, sent again in {event.seconds:.1f} s: {name}: {event.sentence}", extra=facts)
        elif isinstance(event, Ignored):
            self.log.warning(event.sentence, extra=self.ids())

    def _give_up_unreached(self) -> list[Answered]:
        late = self._session.give_up(time.monotonic())
        if self._unreached is None:
            return late
        return [Answered(one.request, _no_new_one(self._unreached)) for one in late]

    def _broken(self, lost: ConnectionLost) -> list[Answered]:
        again, answered = self._session.broken(lost)
        if self._is_aborted.is_set():
            self.close("interrupted")
            raise lost
        self._drop(str(lost))
        self._backoff.failed(time.monotonic(), lost.retry_after)
        self._waiting.extendleft(reversed(again))
        unanswered = self._sent_and_unanswered()
        if unanswered:
            names = ", ".join(one.image_file_name for one in unanswered)
            what = "to send once more" if again else "for"
            self.log.warning(f"connecting again, {what} what is unanswered: {names}", extra=self.ids())
        return answered

    def close(self, why: str) -> None:
        """End the connection, if there is one, and say why. The gateway is told what nobody waits for any more."""
        self._session.cancel()
        self._say(CLOSE_TIMEOUT)
        self._drop(why)

    def _drop(self, why: str) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        connection.close()
        self.log.info(f"disconnected: {why}", extra=self.ids())
        if isinstance(self._session, Session):
            self._session = Session(self._name, self._max_in_flight)

    def abort(self) -> None:
        """Make the thread that uses this stop soon, with ConnectionLost or ConnectError."""
        self._is_aborted.set()
        connection = self._connection
        if connection is not None:
            connection.abort()


def _no_new_one(error: ConnectError) -> ConnectionLost:
    return ConnectionLost(f"The connection broke, and there is no new one. {error}")


def _no_options(request: Request) -> ImageFailed:
    return ImageFailed(
        request.image_file_name,
        "The gateway speaks v1, which knows no languages, page_seg_mode and preprocess. Leave them out, or ask the "
        "operator for a gateway that speaks v2.",
    )
