"""Queues by type, and the sentence for queues that differ."""

import pytest

from protocol.topology import explain_mismatch, queues


def test_transient_queues_have_no_arguments_as_v1_peers_declare_them() -> None:
    by_name = {queue.name: queue for queue in queues("transient", "result_queue", 5, 6)}
    for name in ("pending_queue", "result_queue"):
        assert not by_name[name].durable
        assert by_name[name].arguments == {}


@pytest.mark.parametrize("queue_type", ["quorum", "classic"])
def test_kept_queues_are_durable_and_the_pending_queue_is_bounded(queue_type: str) -> None:
    by_name = {queue.name: queue for queue in queues(queue_type, "mine", 5, 6)}
    assert set(by_name) == {"pending_queue", "mine", "dead_letter_queue"}
    assert all(queue.durable and queue.arguments["x-queue-type"] == queue_type for queue in by_name.values())
    pending = by_name["pending_queue"].arguments
    assert (pending["x-max-length"], pending["x-max-length-bytes"], pending["x-overflow"]) == (5, 6, "reject-publish")
    assert ("x-delivery-limit" in pending) is (queue_type == "quorum")
    assert by_name["dead_letter_queue"].arguments["x-overflow"] == "drop-head"


def test_a_mismatch_names_queue_argument_and_remedy() -> None:
    sentence = explain_mismatch(
        "PRECONDITION_FAILED - inequivalent arg 'x-max-length' for queue 'pending_queue' in vhost '/': "
        "received the value '5' of type 'signedint' but current is the value '1000' of type 'signedint'"
    )
    assert "'pending_queue'" in sentence
    assert "'x-max-length'" in sentence
    assert "rabbitmqctl delete_queue pending_queue" in sentence


def test_another_refusal_is_passed_on() -> None:
    assert "something else" in explain_mismatch("PRECONDITION_FAILED - something else")
