"""What was published and is not confirmed yet, and what is to be acknowledged to the broker. Pure: numbers only.

Source: RabbitMQ's pages on publisher confirms and consumer acknowledgements; both count from 1 on each channel.
"""

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Confirms(Generic[T]):
    """Publishes of one channel in their order, until the broker has confirmed or refused them."""

    def __init__(self) -> None:
        self._number = 0
        self._open: dict[int, T] = {}

    def published(self, what: T) -> None:
        """The next message has gone out."""
        self._number += 1
        self._open[self._number] = what

    def settled(self, number: int, *, multiple: bool) -> list[T]:
        """The broker has settled the message of this number, with `multiple` all until it; returns them in order."""
        if not multiple:
            return [self._open.pop(number)] if number in self._open else []
        return [self._open.pop(one) for one in list(self._open) if one <= number]

    def find(self, holds: Callable[[T], bool]) -> T | None:
        """The first open one for which it holds."""
        return next((what for what in self._open.values() if holds(what)), None)


class Acknowledgements:
    """Deliveries of one channel: which are to be acknowledged, in as few frames as is safe."""

    def __init__(self) -> None:
        self._is_due: dict[int, bool] = {}  # by delivery tag, in the order of the tags

    def __len__(self) -> int:
        """How many the broker still counts as ours."""
        return len(self._is_due)

    def delivered(self, tag: int) -> None:
        """A message has come."""
        self._is_due[tag] = False

    def settle(self, tag: int) -> None:
        """It is to be acknowledged with the next `take_due`."""
        self._is_due[tag] = True

    def given_back(self, tag: int) -> None:
        """It goes back to the queue, and is no longer ours."""
        del self._is_due[tag]

    def take_due(self) -> Iterator[tuple[int, bool]]:
        """Tags to acknowledge, each with `multiple`: True only where all earlier ones are settled too."""
        last, count = 0, 0
        for tag, is_due in self._is_due.items():
            if not is_due:
                break
            last, count = tag, count + 1
        due = [tag for tag, is_due in self._is_due.items() if is_due]
        for tag in due:
            del self._is_due[tag]
        if count:
            yield last, count > 1
        yield from ((tag, False) for tag in due[count:])
