"""Hostile images at a live OCR server: an answer each, and no OCR process is replaced."""

import random
import sys
import uuid
from collections.abc import Callable, Iterable, Iterator

import pika
import pytest

from tests.contract.drawn_images import WORDS, drawn
from tests.contract.foreign_peers import ForeignGateway
from tests.faults.container_broker import Broker
from tests.fuzz import hostile_images
from tests.fuzz.hostile_images import Hostile
from tests.fuzz.living import peak_memory
from tests.running import Service, Services, ocr_processes

PROCESSES = 2
GOOD_EVERY = 50
AT_A_TIME = 100  # images that wait in the queue
FLIPPED = 1500
MOST_MEMORY = 2 * 1024**3


@pytest.fixture(scope="module")
def ocr_server(tesseract: None, module_services: Services) -> Service:
    return module_services.ocr_server(processes=PROCESSES)


@pytest.fixture
def gateway(ocr_server: Service, broker: Broker) -> Iterator[ForeignGateway]:
    with ForeignGateway(broker.port) as foreign:
        foreign.channel.queue_purge("result_queue")
        yield foreign


@pytest.fixture(autouse=True)
def no_process_is_replaced(ocr_server: Service) -> Iterator[None]:
    before = sorted(ocr_processes(ocr_server))
    assert len(before) == PROCESSES
    yield
    assert sorted(ocr_processes(ocr_server)) == before
    output = ocr_server.output()
    assert "replaced" not in output
    assert "Traceback" not in output
    if sys.platform == "linux":
        assert max(map(peak_memory, before)) < MOST_MEMORY
    assert not [path for path in ocr_server.temporary.rglob("*") if not path.is_dir()]


def with_good_ones(images: Iterable[Hostile]) -> Iterator[Hostile]:
    """Every so often one that has to be read."""
    good = Hostile("good.png", drawn(), frozenset({"SUCCESS"}), f"{WORDS}\n")
    for number, image in enumerate(images):
        if number % GOOD_EVERY == 0:
            yield good
        yield image
    yield good


def assert_answered(gateway: ForeignGateway, images: Iterable[Hostile]) -> None:
    """Send them all; each gets one answer, of a kind that is sensible for it."""
    run, waiting = uuid.uuid4().hex, dict[str, Hostile]()
    complaints = []

    def take() -> None:
        delivery = gateway.take_answer()
        answer = delivery.message()
        image = waiting.pop(str(delivery.properties.correlation_id), None)
        if image is None:
            return  # of a test before this one, which has failed
        assert answer["ImageFileName"] == image.name
        outcome = answer.get("ErrorCode", "SUCCESS")
        if outcome not in image.answers or (outcome == "SUCCESS" and image.text not in (None, answer["OcrResult"])):
            complaints.append(f"{image}: {answer}")

    for number, image in enumerate(with_good_ones(images)):
        message_id = f"{run}-{number}"
        waiting[message_id] = image
        gateway.send(image.name, image.content, pika.BasicProperties(message_id=message_id))
        while len(waiting) >= AT_A_TIME:
            take()
    while waiting:
        take()
    assert not complaints, "\n".join(complaints)


@pytest.mark.parametrize(
    "kind",
    [
        hostile_images.bombs,
        hostile_images.loops_and_numbers,
        hostile_images.shapes_and_modes,
        hostile_images.under_false_names,
        hostile_images.polyglots,
        hostile_images.truncations,
    ],
    ids=lambda kind: kind.__name__,
)
def test_each_hostile_image_is_answered(gateway: ForeignGateway, kind: Callable[[], Iterator[Hostile]]) -> None:
    assert_answered(gateway, kind())


def test_images_with_changed_bytes_are_answered(gateway: ForeignGateway) -> None:
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")  # noqa: T201 - shown where it fails
    assert_answered(gateway, hostile_images.flips(seed, FLIPPED))
