"""An image that crashes, hangs or bloats its process is answered, its process replaced, and no other image suffers."""

import pytest

from tests.faults.poison import Poison, poison
from tests.faults.stage import Stage

GOOD = 50
ATTEMPTS = 2
CODES = {
    Poison.SEGFAULTS: "OCR_CRASHED",
    Poison.HANGS: "OCR_TIMEOUT",
    Poison.EATS_MEMORY: "IMAGE_TOO_LARGE",
    Poison.HANGS_WITH_LOCK: "OCR_CRASHED",
}
REPLACED = {Poison.SEGFAULTS: ATTEMPTS, Poison.HANGS: 1, Poison.EATS_MEMORY: 0, Poison.HANGS_WITH_LOCK: ATTEMPTS}
SETTINGS = (
    "OCR.timeout=2",
    f"ProcessPool.max_attempts={ATTEMPTS}",
    f"ProcessPool.memory_limit={2 * 1024**3}",
)


def _cells() -> list[object]:
    """Every kind on every queue type; those that take time limits to find, and the same on other queues, are slow."""
    return [
        pytest.param(
            kind,
            queue_type,
            marks=[] if (kind, queue_type) == (Poison.SEGFAULTS, "quorum") else [pytest.mark.slow],
            id=f"{kind.name.lower()}-{queue_type}",
        )
        for kind in Poison
        for queue_type in ("quorum", "classic", "transient")
    ]


@pytest.mark.fault("a poison image: {kind.name}", "among 50 good ones ({queue_type})")
@pytest.mark.parametrize(("kind", "queue_type"), _cells())
def test_a_poison_image_is_answered_and_the_good_ones_are_read(stage: Stage, kind: Poison, queue_type: str) -> None:
    chosen = f"RabbitMQ.queue_type={queue_type}"
    gateway = stage.gateway(chosen, "WebSocket.max_in_flight=64")
    server = stage.ocr_server(chosen, *SETTINGS, processes=2)
    peer = stage.peer(gateway.port)
    peer.ask_many(GOOD // 2)
    bad = peer.ask("poison", poison(kind), Preprocess="none")  # the engine knows it by its size
    peer.ask_many(GOOD // 2)

    stage.healed()
    peer.wait_answered()
    server.wait_for_output(
        "process replaced", times=REPLACED[kind]
    )  # which comes after the answer, not before the stop
    stage.check()
    assert bad.answer["ResponseMessage"] == "FAILED"
    assert bad.answer["ErrorCode"] == CODES[kind]
    assert server.output().count("process replaced") == REPLACED[kind]
