"""What was asked and what was said, with times: what the invariants are checked against. Times are time.monotonic()."""

import dataclasses
from typing import Any

FINAL = ("SUCCESS", "FAILED")


@dataclasses.dataclass(frozen=True)
class Heard:
    """A message of the gateway. connection: the how-manieth of its client it came by."""

    message: dict[str, Any]
    at: float
    connection: int

    @property
    def kind(self) -> str:
        """PENDING, PROCESSING, SUCCESS or FAILED."""
        return str(self.message["ResponseMessage"])

    @property
    def is_refusal(self) -> bool:
        """True for a FAILED that can be tried again: it ends nothing."""
        return self.kind == "FAILED" and self.message.get("RetryAfter") is not None

    @property
    def is_final(self) -> bool:
        """True for the answer that ends a request."""
        return self.kind in FINAL and not self.is_refusal


@dataclasses.dataclass
class Asked:
    """A request of a client. text: what its image shows; None when it shall fail. sent: times and connections."""

    request_id: str
    name: str
    image: bytes = dataclasses.field(repr=False)
    text: str | None
    options: dict[str, Any] | None = None
    sent: list[tuple[float, int]] = dataclasses.field(default_factory=list)
    heard: list[Heard] = dataclasses.field(default_factory=list)

    def of_kind(self, kind: str) -> list[Heard]:
        """What was said of that kind."""
        return [one for one in self.heard if one.kind == kind]

    @property
    def is_accepted(self) -> bool:
        """True from the first PENDING on: then the gateway owes an answer."""
        return bool(self.of_kind("PENDING"))

    @property
    def finals(self) -> list[Heard]:
        """The answers that end it; a program takes the first, the rest are repeats."""
        return [one for one in self.heard if one.is_final]

    @property
    def refusals(self) -> list[Heard]:
        """The answers after which the same RequestId may be sent again."""
        return [one for one in self.heard if one.is_refusal]

    @property
    def is_refused(self) -> bool:
        """True when the last that was said of it is a refusal."""
        return bool(self.heard) and self.heard[-1].is_refusal

    @property
    def answer(self) -> dict[str, Any]:
        """The one answer as a program takes it."""
        return self.finals[0].message
