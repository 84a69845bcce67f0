"""The queues on the broker, in one place: names, arguments by queue type, and what to do when they differ.

Sources: RabbitMQ's pages on quorum queues (delivery limit), queue length limits (overflow), TTL and dead letters.
"""

import dataclasses
import re
from typing import Final

PENDING_QUEUE: Final = "pending_queue"
DEAD_LETTER_QUEUE: Final = "dead_letter_queue"

CONTROL_EXCHANGE: Final = "ocr.control"
"""Fanout, from gateways to all OCR servers: what is cancelled."""

ANNOUNCE_EXCHANGE: Final = "ocr.announce"
"""Fanout, from OCR servers to all gateways: what they can do."""

EXCHANGES: Final = (CONTROL_EXCHANGE, ANNOUNCE_EXCHANGE)
"""Both durable fanout exchanges. Best effort: one that is there already is used as it is, whoever declared it."""

DELIVERY_LIMIT: Final = 1000
"""How often an image may be given back before the broker sets it aside. Lost connections raise the count of
images that merely waited, so it is far above the number of attempts; RabbitMQ 4 would take 20 by itself."""

LONGEST_NAME: Final = 255
"""Bytes of a queue's name (AMQP 0-9-1, shortstr)."""

_WEEK_MS: Final = 7 * 24 * 3600 * 1000
_DEAD_LETTER_MAX: Final = 10_000
_DEAD_LETTER_MAX_BYTES: Final = 256 * 1024 * 1024


@dataclasses.dataclass(frozen=True)
class Queue:
    """A queue as it is declared."""

    name: str
    durable: bool
    arguments: dict[str, str | int]


def queues(queue_type: str, result_queue: str, max_pending: int, max_pending_bytes: int) -> list[Queue]:
    """All queues that a service declares when it connects.

    `queue_type` is quorum, classic or transient; `max_pending` counts images, `max_pending_bytes` their bodies.
    """
    if queue_type == "transient":
        # What v1 peers from elsewhere declare; with other arguments the broker refuses whoever comes second.
        return [
            Queue(PENDING_QUEUE, durable=False, arguments={}),
            Queue(result_queue, durable=False, arguments={}),
            _dead_letters("classic"),
        ]
    kept: dict[str, str | int] = {
        "x-queue-type": queue_type,
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": DEAD_LETTER_QUEUE,
    }
    if queue_type == "quorum":
        kept["x-delivery-limit"] = DELIVERY_LIMIT
    bounds: dict[str, str | int] = {
        "x-max-length": max_pending,
        "x-max-length-bytes": max_pending_bytes,
        "x-overflow": "reject-publish",
    }
    return [
        Queue(PENDING_QUEUE, durable=True, arguments=kept | bounds),
        Queue(result_queue, durable=True, arguments=kept),
        _dead_letters(queue_type),
    ]


def held_queue(client_uuid: str, resume_window: float) -> Queue:
    """The queue that keeps the answers of an absent client. It goes `resume_window` seconds after its last use.

    Always classic and durable, whatever the other queues are: it is declared just when it is needed, and that renews
    its time. A quorum queue will not do: declared again it still expires, and one that is younger than a second when
    its broker is killed has no leader afterwards (docs/decisions.md, "Why are held queues classic?").
    """
    arguments: dict[str, str | int] = {
        "x-queue-type": "classic",
        "x-expires": max(1, round(resume_window * 1000)),
    }
    return Queue(f"held.{client_uuid}", durable=True, arguments=arguments)


def can_be_held(client_uuid: str) -> bool:
    """False for a ClientUUID that no queue can be named after, which is none that a gateway has given."""
    return len(f"held.{client_uuid}".encode("utf-8", "surrogatepass")) <= LONGEST_NAME


def _dead_letters(queue_type: str) -> Queue:
    return Queue(
        DEAD_LETTER_QUEUE,
        durable=True,
        arguments={
            "x-queue-type": queue_type,
            "x-message-ttl": _WEEK_MS,
            "x-max-length": _DEAD_LETTER_MAX,
            "x-max-length-bytes": _DEAD_LETTER_MAX_BYTES,
            "x-overflow": "drop-head",
        },
    )


class QueuesDiffer(Exception):
    """A queue is there with other arguments; the message names queue, argument and remedy."""


_INEQUIVALENT = re.compile(r"inequivalent arg '(?P<argument>[^']+)' for queue '(?P<queue>[^']+)'")


def explain_mismatch(reply_text: str) -> str:
    """The sentence for a PRECONDITION_FAILED at a declaration: queue, argument and what to do.

    `reply_text` is the broker's, as in "inequivalent arg 'x-max-length' for queue 'pending_queue' in vhost '/': …".
    """
    found = _INEQUIVALENT.search(reply_text)
    if not found:
        return f"The broker refuses our queues: {reply_text}"
    queue, argument = found["queue"], found["argument"]
    return (
        f"The queue '{queue}' is there already with another '{argument}' ({reply_text}). Set [RabbitMQ] queue_type, "
        f"max_pending and max_pending_bytes to what it was declared with, or, when nothing in it is needed any more, "
        f"delete it with 'rabbitmqctl delete_queue {queue}' and start again."
    )
