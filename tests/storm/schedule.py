"""What is killed when, and for how long: decided by the seed before anything starts. Pure."""

import random
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """What is done to the stack."""

    OCR_PROCESS = "SIGKILL an OCR process"
    OCR_SERVER = "SIGKILL an OCR server"
    GATEWAY = "SIGKILL a gateway"
    CONNECTIONS = "cut clients' connections"
    BROKER = "SIGKILL the broker"


ROUND: Final = (
    *(Kind.OCR_PROCESS,) * 3,
    *(Kind.CONNECTIONS,) * 3,
    *(Kind.GATEWAY,) * 2,
    Kind.OCR_SERVER,
    Kind.BROKER,
)
"""Each kind as often as it is in a round, in an order of the seed's."""

IMAGES_PER_ROUND: Final = 200
FIRST_AFTER: Final = 1.0
GAPS: Final = (0.4, 2.6)
DOWN: Final = (0.1, 2.0)
"""Seconds until the first fault, between two faults, and until what was killed is started again."""


@dataclass(frozen=True)
class Fault:
    """One of a schedule. at: seconds from the beginning. choice: which one of those there are, 0 to 1.

    down: seconds until it is started again.
    """

    at: float
    kind: Kind
    choice: float
    down: float


def schedule(seed: int, images: int) -> list[Fault]:
    """The faults for a storm of so many images. The same arguments, the same schedule."""
    chance = random.Random(seed)
    at = FIRST_AFTER
    faults = []
    for _ in range(max(1, images // IMAGES_PER_ROUND)):
        for kind in chance.sample(ROUND, len(ROUND)):
            faults.append(Fault(round(at, 2), kind, chance.random(), round(chance.uniform(*DOWN), 2)))
            at += chance.uniform(*GAPS)
    return faults


def pause_of_an_image(faults: list[Fault], images: int, processes: int) -> float:
    """Seconds more that each image has to take, so that the images last as long as the faults."""
    return faults[-1].at * processes / images
