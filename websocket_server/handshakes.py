"""The connections that are not served, yet or at all: nothing is in hand for them, so no stop waits for them."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .transport import Transport


class Handshakes:
    """One for each gateway."""

    def __init__(self) -> None:
        self._under_way: set[Transport] = set()
        self._has_ended = False

    def begun(self, transport: "Transport") -> None:
        """A peer has connected."""
        self._under_way.add(transport)
        if self._has_ended:  # its TLS handshake took until now
            transport.transport.abort()

    def over(self, transport: "Transport") -> None:
        """It serves a client now, or is lost. Safe to call twice."""
        self._under_way.discard(transport)

    def end(self) -> None:
        """End those that have not said what they want, or were refused; the others are being answered, and end then."""
        self._has_ended = True
        for transport in list(self._under_way):
            if transport.request is None or transport.protocol.close_sent is not None:
                transport.transport.abort()

    def abort(self) -> None:
        """End those too that were answered, with a page or a refusal, and do not go."""
        for transport in list(self._under_way):
            transport.transport.abort()
