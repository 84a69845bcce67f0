"""Images over one connection after another: hello, sending, waiting, and once more on a new connection when one breaks.

`session` decides, `connection` carries. v1 has no way to resume: what was outstanding on a connection that broke is
sent again. That is safe, since the gateway drops the answers of clients that have gone.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from typing import Any

from settings.event_log import ids

from .address import Gateway, shown
from .connection import Connection
from .errors import NOT_ALLOWED, ConnectError, ConnectionLost
from .session import Accepted, Answered, Ignored, Refused, Request, Session

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 1.0
"""Seconds between tries to reach a gateway that was there a moment ago."""


class Conversation:
    """Sends images and hands out their answers. One thread uses it; `abort` may be called from any.

    name: the ClientName, and the name in the log. max_in_flight: how many images are outstanding at a time.
    """

    def __init__(self, gateway: Gateway, name: str, max_in_flight: int = 1) -> None:
        self.log = logging.getLogger(name)
        self._gateway = gateway
        self._name = name
        self._max_in_flight = max_in_flight
        self._session = Session(name, max_in_flight)
        self._connection: Connection | None = None
        self._is_aborted = threading.Event()

    def ids(self, **facts: Any) -> dict[str, Any]:
        """The ids of a log line about this conversation."""
        return ids(client_uuid=self._session.client_uuid, **facts)

    def answers(self, requests: Iterable[Request]) -> Generator[Answered, None, None]:
        """Send the images, each as soon as there is room, and yield each one's answer as it comes.

        Raises ConnectError when there is no connection: images without an answer by then have not been sent.
        """
        source = iter(requests)
        waiting: deque[Request] = deque()
        try:
            while True:
                self._refill(waiting, source)
                if not waiting and not self._session.outstanding:
                    return
                try:
                    self.connect(is_again=any(one.times_sent for one in waiting))
                    while waiting and self._session.has_room:
                        self._send(waiting.popleft())
                    answered = self._wait()
                except ConnectionLost as lost:
                    answered = self._broken(lost, waiting)
                except ConnectError as error:
                    no_new_one = ConnectionLost(f"The connection broke, and there is no new one. {error}")
                    yield from [Answered(one, no_new_one) for one in waiting if one.times_sent]
                    raise
                yield from answered
        finally:
            if self._session.outstanding:  # whoever stops listening shall not get these answers later
                self.close("nobody waits for the answers any more")

    def _refill(self, waiting: deque[Request], source: Iterator[Request]) -> None:
        while len(waiting) + len(self._session.outstanding) < self._max_in_flight:
            request = next(source, None)
            if request is None:
                return
            waiting.append(request)

    def connect(self, *, is_again: bool = False) -> None:
        """See that there is a connection. Raises ConnectError.

        is_again: a connection has just broken; a gateway that restarts gets connect_timeout to come back.
        """
        if self._connection is not None:
            ended = None if self._session.outstanding else self._connection.ended()
            if ended is None:
                return
            self.close(str(ended))
        pause, deadline = FIRST_PAUSE, time.monotonic() + self._gateway.connect_timeout
        while True:
            try:
                self._open(max(FIRST_PAUSE, deadline - time.monotonic()))
            except ConnectError as error:
                is_hopeless = not (is_again and error.is_passing) or time.monotonic() + pause > deadline
                if is_hopeless or self._is_aborted.wait(pause):
                    raise
            else:
                return
            pause = min(2 * pause, LONGEST_PAUSE)

    def _open(self, timeout: float) -> None:
        deadline = time.monotonic() + timeout
        self._session = Session(self._name, self._max_in_flight)
        self._connection = connection = Connection(self._gateway.url, self._gateway.token, timeout)
        try:
            connection.send(self._session.hello(), timeout)
            while not self._session.client_uuid:
                self._await_welcome(connection, deadline)
        except ConnectionLost as lost:
            raise ConnectError(str(lost), is_passing=lost.close_code != NOT_ALLOWED) from lost
        finally:
            if not self._session.client_uuid:  # never was a connection worth a line
                self._connection = None
                connection.close()
        # Both lines only now: a gateway that is too busy is tried more than once.
        self.log.info(f"connected to {shown(self._gateway.url)}", extra=self.ids())
        self.log.info(f"ClientUUID assigned: {self._session.client_uuid}", extra=self.ids())

    def _await_welcome(self, connection: Connection, deadline: float) -> None:
        seconds = deadline - time.monotonic()
        # Looked at once there is a connection that `abort` could have found, so that either it or we see the other.
        if self._is_aborted.is_set():
            raise ConnectError("interrupted")
        if seconds <= 0:
            raise ConnectError(
                f"What answers at {shown(self._gateway.url)} assigns no ClientUUID within "
                f"{self._gateway.connect_timeout:g} s. Is it an OCR gateway?"
            )
        frame = connection.receive(seconds)
        event = self._session.receive(frame, time.monotonic()) if frame is not None else None
        if isinstance(event, Refused):
            raise ConnectError(f"The gateway does not let this client in: {event.sentence}")
        if isinstance(event, Ignored):
            self.log.warning(event.sentence)

    def _send(self, request: Request) -> None:
        assert self._connection is not None
        name, size = request.image_file_name, len(request.image)
        self._connection.send(self._session.upload(request, time.monotonic()), request.timeout)
        self.log.info(f"image sent: {name} ({size} bytes)", extra=self.ids(image_file_name=name))

    def _wait(self) -> list[Answered]:
        assert self._connection is not None
        frame = self._connection.receive(self._session.seconds_left(time.monotonic()))
        now = time.monotonic()
        event = self._session.receive(frame, now) if frame is not None else None
        if isinstance(event, Accepted):
            name = event.request.image_file_name
            self.log.info(f"accepted: {name}", extra=self.ids(image_file_name=name))
        elif isinstance(event, Ignored):
            self.log.warning(event.sentence, extra=self.ids())
        late = self._session.give_up(now)
        if late and not self._session.outstanding:
            # It may be the connection that is dead, and a gateway that lives need not keep what nobody waits for.
            self.close("an answer did not come in time")
        return [event, *late] if isinstance(event, Answered) else late

    def _broken(self, lost: ConnectionLost, waiting: deque[Request]) -> list[Answered]:
        again, answered = self._session.broken(lost)
        if self._is_aborted.is_set():
            self.close("interrupted")
            raise lost
        self.close(str(lost))
        if again:
            waiting.extendleft(reversed(again))
            names = ", ".join(one.image_file_name for one in again)
            self.log.warning(f"connecting again, to send once more what is unanswered: {names}")
        return answered

    def close(self, why: str) -> None:
        """End the connection, if there is one, and say why."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        connection.close()
        self.log.info(f"disconnected: {why}", extra=self.ids())
        self._session = Session(self._name, self._max_in_flight)

    def abort(self) -> None:
        """Make the thread that uses this stop soon, with ConnectionLost or ConnectError."""
        self._is_aborted.set()
        connection = self._connection
        if connection is not None:
            connection.abort()
