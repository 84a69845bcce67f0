"""The line of a client to its gateway: one connection after another, and the session that goes on with the next one.

v2 resumes. v1 has no way to resume: what was outstanding is sent again. That is safe, since the gateway drops the
answers of v1 clients that have gone.
"""

import threading
import time
from collections import deque
from typing import Any, Final

from settings.event_log import ids, passing_logger

from .address import Gateway, shown
from .connection import CLOSE_TIMEOUT, Connection
from .errors import ConnectError, ConnectionLost
from .events import Answered, Request, Welcomed
from .opening import Door
from .outstanding import seconds_allowed
from .reconnecting import LONGEST_PAUSE, Backoff
from .session import Session
from .session_v2 import SessionV2

PATIENCE: Final = 30.0
"""Seconds until a v2 gateway that takes nothing of what we send counts as gone."""

_SHORTEST_TRY: Final = 0.1
_LONGEST_PAUSE_V1: Final = 1.0


class Line:
    """A connection, when there is one, and what outlives it. One thread uses it; `abort` may be called from any.

    session: what was sent on it. to_send: images that were not, or that no session has any more.
    """

    def __init__(self, gateway: Gateway, name: str, max_in_flight: int) -> None:
        self.session: Session | SessionV2 = SessionV2(name, max_in_flight)
        self.connection: Connection | None = None
        self.to_send: deque[Request] = deque()
        self.is_aborted = threading.Event()
        self._log = passing_logger(name)
        self._gateway = gateway
        self._name = name
        self._max_in_flight = max_in_flight
        self._door = Door(gateway)
        self._backoff = Backoff()
        self._unreached: ConnectError | None = None

    def ids(self, **facts: Any) -> dict[str, Any]:
        """The ids of a log line about this client."""
        return ids(client_uuid=self.session.client_uuid, **facts)

    @property
    def unanswered(self) -> list[Request]:
        """Images that were sent and have no answer."""
        return [*self.session.outstanding, *(one for one in self.to_send if one.times_sent)]

    def is_up(self) -> bool:
        """True when there is a connection. Tries to get one; raises ConnectError when it is not worth another try.

        For images of v2 their own deadlines are the limit; v1 gives a gateway that restarts connect_timeout.
        """
        if self.session.in_flight and self.connection is not None:
            return True
        if self.session.in_flight and isinstance(self.session, SessionV2):
            self._try_again(self.session)
            return self.connection is not None
        self.connect(is_again=bool(self.unanswered))
        return True

    def _try_again(self, session: SessionV2) -> None:
        now = time.monotonic()
        if self.is_aborted.wait(min(self._backoff.seconds_left(now), session.seconds_to_deadline(now))):
            raise ConnectError("interrupted")
        seconds = session.seconds_to_deadline(time.monotonic())
        if seconds <= 0:
            return
        try:
            self._open(min(self._gateway.connect_timeout, max(_SHORTEST_TRY, seconds)))
        except ConnectError as error:
            if error.is_refusal:
                raise
            # Whatever else it looks like, a gateway was there: names and balancers of restarting ones say odd things.
            self._unreached = error
            self._backoff.failed(time.monotonic(), error.retry_after)

    def connect(self, *, is_again: bool = False, patience: float | None = None) -> None:
        """See that there is a connection. Raises ConnectError.

        is_again: a gateway was there a moment ago; one that restarts gets `patience` seconds to come back (None:
        connect_timeout), and from a v2 client that it knows as long as the images to be sent have.
        """
        if self.connection is not None:
            ended = None if self.session.in_flight else self.connection.ended()
            if ended is None:
                return
            self.session.broken(ended)
            self._drop(str(ended))
        patience = self._gateway.connect_timeout if patience is None else patience
        is_known = isinstance(self.session, SessionV2) and bool(self.session.client_uuid)
        if is_known:
            is_again, patience = True, max([patience, *map(seconds_allowed, self.to_send)])
        deadline, has_said = time.monotonic() + patience, False
        backoff = Backoff(LONGEST_PAUSE if isinstance(self.session, SessionV2) else _LONGEST_PAUSE_V1)
        while True:
            try:
                self._open(min(self._gateway.connect_timeout, max(_SHORTEST_TRY, deadline - time.monotonic())))
            except ConnectError as error:
                now = time.monotonic()
                backoff.failed(now, error.retry_after)
                pause = backoff.seconds_left(now)
                may_pass = error.is_passing or (is_known and not error.is_refusal)
                may_pass = may_pass and (is_again or error.retry_after is not None)
                if not may_pass or now + pause > deadline or self.is_aborted.is_set():
                    raise
                if not has_said:
                    self._log.warning(f"{error} Trying again for {deadline - now:.0f} s.")
                    has_said = True
                if self.is_aborted.wait(pause):
                    raise
            else:
                return

    def _open(self, timeout: float) -> None:
        until = time.monotonic() + timeout
        self.connection = connection = self._door.open(timeout)
        session = self._session_on(connection)
        welcomed: Welcomed | None = None
        try:
            welcomed, ignored = self._door.greet(connection, session, until - time.monotonic(), self.is_aborted)
        finally:
            if welcomed is None:  # never was a connection worth a line
                self.connection = None
                connection.close()
        if session is not self.session:
            self.to_send.extendleft(reversed(self.session.hand_over()))
            self.session = session
        self._unreached = None
        # Only now: a gateway that is too busy is tried more than once.
        self._tell_connected(connection, welcomed)
        for one in ignored:
            self._log.warning(one.sentence, extra=self.ids())

    def _session_on(self, connection: Connection) -> Session | SessionV2:
        if connection.codec is None:
            return Session(self._name, self._max_in_flight)
        session = self.session if isinstance(self.session, SessionV2) else SessionV2(self._name, self._max_in_flight)
        session.opened(connection.codec)
        return session

    def _tell_connected(self, connection: Connection, welcomed: Welcomed) -> None:
        url = shown(self._gateway.url)
        if welcomed.is_kept:
            self._log.info(f"connected again to {url}, ClientUUID kept", extra=self.ids())
            return
        version = "" if connection.codec is not None else "; the gateway speaks v1"
        self._log.info(f"connected to {url}{version}", extra=self.ids())
        self._log.info(f"ClientUUID assigned: {welcomed.client_uuid}", extra=self.ids())

    def works(self) -> None:
        """The gateway does what it is for: the next time that the connection breaks is a first time."""
        self._backoff.worked()

    @property
    def has_message(self) -> bool:
        """True when a message has arrived that nobody has looked at."""
        return self.connection is not None and self.connection.has_message

    def say(self, patience: float = PATIENCE, *, more: bool = False) -> None:
        """Tell the gateway what was received, and what is not wanted any more. patience: in seconds; more: as there."""
        if self.connection is not None:
            for frame in self.session.to_say():
                self.connection.send(frame, patience, more=more)

    def give_up(self) -> list[Answered]:
        """Close the requests whose time is over, when there is no connection."""
        late = self.session.give_up(time.monotonic())
        return late if self._unreached is None else [no_new_one(one.request, self._unreached) for one in late]

    def broken(self, lost: ConnectionLost) -> list[Answered]:
        """Go on without the connection; the answers of images that end with it. Raises ConnectionLost when aborted."""
        again, answered = self.session.broken(lost)
        if self.is_aborted.is_set():
            self.close("interrupted")
            raise lost
        self._drop(str(lost))
        self._backoff.failed(time.monotonic(), lost.retry_after)
        self.to_send.extendleft(reversed(again))
        if self.unanswered:
            names = ", ".join(one.image_file_name for one in self.unanswered)
            what = "to send once more" if again else "for"
            self._log.warning(f"connecting again, {what} what is unanswered: {names}", extra=self.ids())
        return answered

    def close(self, why: str) -> None:
        """End the connection, if there is one, and say why. The gateway is told that nobody waits any more."""
        self.session.cancel()
        self.say(CLOSE_TIMEOUT)
        self._drop(why)

    def _drop(self, why: str) -> None:
        connection, self.connection = self.connection, None
        if connection is None:
            return
        connection.close()
        self._log.info(f"disconnected: {why}", extra=self.ids())
        if isinstance(self.session, Session):
            self.session = Session(self._name, self._max_in_flight)

    def abort(self) -> None:
        """Make the thread that uses this stop soon, with ConnectionLost or ConnectError."""
        self.is_aborted.set()
        connection = self.connection
        if connection is not None:
            connection.abort()


def no_new_one(request: Request, error: ConnectError) -> Answered:
    """The answer of an image that was sent, and whose gateway is not reached again."""
    return Answered(request, ConnectionLost(f"The connection broke, and there is no new one. {error}"))
