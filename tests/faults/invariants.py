"""What holds after every fault: the invariants I1 to I5, in one place.

I1  every image that was accepted got its final answer within 60 s of healing
I2  one answer for each request, as a program sees it
I3  no answer reached another client
I4  queues empty, no process and no temporary file left
I5  refusals can be tried again, and come within 5 s
"""

import contextlib
import time
from collections.abc import Callable, Iterable, Sequence

import pika
from pika.exceptions import ChannelClosedByBroker

from tests.faults.container_broker import Broker
from tests.faults.ledger import Asked
from tests.faults.peer import Peer
from tests.faults.program import Program
from tests.running import Services, wait_until

ANSWER_SECONDS = 60.0
REFUSAL_SECONDS = 5.0
QUEUE_SECONDS = 30.0
PASSING = {"TOO_MANY_IN_FLIGHT", "RATE_LIMITED", "QUEUE_FULL", "UNAVAILABLE"}


def every_accepted_image_is_answered(peers: Sequence[Peer], programs: Sequence[Program], healed_at: float) -> None:
    """I1. A program goes on until each image is accepted, or its own time for it is over; a foreign client's image that
    was refused only has not been accepted, one of which nothing was said is a test's mistake or a lost image.
    """
    for peer in peers:
        left = healed_at + ANSWER_SECONDS - time.monotonic()
        what = "a final answer, or a refusal alone,"
        peer.wait_until(
            lambda asked: asked.finals or (asked.is_refused and not asked.is_accepted), what, max(0.0, left)
        )
    for program in programs:
        program.wait(healed_at + ANSWER_SECONDS - time.monotonic())
        assert program.error is None, f"{program.name} ended with {program.error!r}"


def one_answer_for_each_request(peers: Sequence[Peer], programs: Sequence[Program]) -> None:
    """I2. A gateway repeats an answer only for a new attempt or a new connection, and it is the same answer then."""
    for peer in peers:
        for asked in peer.asked.values():
            _has_one_answer(peer, asked)
    for program in programs:
        names = sorted(one.name for one in program.answered)
        assert names == sorted(program.expected), f"{program.name} was answered {names}"


def _has_one_answer(peer: Peer, asked: Asked) -> None:
    finals = [(one.kind, one.message["OcrResult"]) for one in asked.finals]
    assert len(set(finals)) <= 1, f"{peer.name}: different answers to {asked.request_id}: {finals}"
    for connection in {one.connection for one in asked.finals}:
        heard = sum(one.connection == connection for one in asked.finals)
        sent = sum(number == connection for _, number in asked.sent)
        allowed = sent + (connection > 1)
        assert heard <= allowed, f"{peer.name}: {heard} answers to {asked.request_id} on connection {connection}"
        # A connection that the image was sent by hears PENDING first; one that resumed may hear the answer alone.
        kinds = [one.kind for one in asked.heard if one.connection == connection]
        if sent and "SUCCESS" in kinds and connection == 1:
            assert "PENDING" in kinds[: kinds.index("SUCCESS")], f"{peer.name}: {asked.request_id} was told {kinds}"


def no_answer_reached_another_client(peers: Sequence[Peer], programs: Sequence[Program]) -> None:
    """I3. Each image shows whose it is, and each answer is what its image shows."""
    for peer in peers:
        assert not peer.stray, f"{peer.name} was told of requests that are not its own: {peer.stray}"
        for asked in peer.asked.values():
            if asked.text is not None and asked.finals:
                assert asked.answer["OcrResult"].strip() == asked.text, f"{peer.name}: {asked.answer}"
    for program in programs:
        for one in program.answered:
            assert one.text == program.expected[one.name], f"{program.name}: {one}"


def refusals_are_retryable_and_prompt(peers: Sequence[Peer]) -> None:
    """I5."""
    for peer in peers:
        for asked in peer.asked.values():
            for one in asked.heard:
                if one.kind != "FAILED" or one.message["ErrorCode"] not in PASSING:
                    continue
                assert one.is_refusal, f"{peer.name}: no RetryAfter in {one.message}"
                assert one.message["RetryAfter"] > 0
                assert one.message["ErrorMessage"].strip()
                took = one.at - max(at for at, _ in asked.sent if at <= one.at)
                assert took <= REFUSAL_SECONDS, f"{peer.name}: refused after {took:.1f} s: {one.message}"


def nothing_waits_in_queues(broker: Broker, queues: Iterable[str]) -> None:
    """I4, while the services run: whatever is on its way arrives within seconds."""
    wait_until(lambda: not waiting(broker, queues), "all queues are empty", QUEUE_SECONDS)


def nothing_is_left(services: Services, broker: Broker, queues: Iterable[str]) -> None:
    """I4, once the services have been stopped: then what was delivered and not acknowledged is back in its queue."""
    services.stop()
    for service in services.started:
        service.assert_nothing_is_left()
    left = waiting(broker, queues)
    assert not left, f"messages are left: {left}"


def waiting(broker: Broker, queues: Iterable[str]) -> dict[str, int]:
    """Messages that nobody has been given, by queue; without queues that have none, or are not there."""
    found = {}
    with pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", broker.port, heartbeat=0)) as connection:
        for queue in queues:
            channel = connection.channel()
            with contextlib.suppress(ChannelClosedByBroker):  # not there
                if count := channel.queue_declare(queue, passive=True).method.message_count:
                    found[queue] = count
                channel.close()
    return found


def all_of(*checks: Callable[[], None]) -> None:
    """Run all of them, whatever they find; ExceptionGroup of what they found."""
    found: list[Exception] = []
    for check in checks:
        try:
            check()
        except (AssertionError, TimeoutError, ChannelClosedByBroker) as error:
            found.append(error)
    if found:
        raise ExceptionGroup("invariants do not hold", found)
