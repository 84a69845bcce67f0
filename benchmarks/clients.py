"""Many connections in one thread, with as little work as can be: they send images and check what comes back."""

import itertools
import selectors
import time
from collections.abc import Sequence

from protocol.messages_v2 import Failure, Success

from .images import Sample
from .raw_client import SECONDS, RawClient
from .texts import check


class Clients:
    """Connections that send the samples again and again. Raises WrongText where a text is not the sample's."""

    def __init__(self, clients: Sequence[RawClient], samples: Sequence[Sample]) -> None:
        self._clients = clients
        self._samples = itertools.cycle(samples)
        self._under_way: dict[str, tuple[Sample, float]] = {}
        self._selector = selectors.DefaultSelector()
        for client in clients:
            self._selector.register(client, selectors.EVENT_READ)

    def closed_loop(self, seconds: float, in_flight: int) -> list[float]:
        """Answers a second on each connection, with as many images on its way as there are `in_flight`, always."""
        answered = dict.fromkeys(self._clients, 0)
        begun = time.perf_counter()
        for client in self._clients:
            for _ in range(in_flight):
                self._send(client, begun)
        while time.perf_counter() < begun + seconds:
            for client, _ in self._answers(SECONDS):
                answered[client] += 1
                self._send(client, begun)
        took = time.perf_counter() - begun
        self._finish()
        return [count / took for count in answered.values()]

    def open_loop(self, rate: float, seconds: float) -> list[float]:
        """Send so many a second for so long, on one connection after another, whether or not answers come.

        Returns seconds for each, from when it was due to be sent to its answer.
        """
        turns = itertools.cycle(self._clients)
        times: list[float] = []
        begun = time.perf_counter()
        for number in range(max(1, round(rate * seconds))):
            due = begun + number / rate
            while (left := due - time.perf_counter()) > 0:
                times += [took for _, took in self._answers(left)]
            self._send(next(turns), due)
        return times + self._finish()

    def _finish(self) -> list[float]:
        times: list[float] = []
        while self._under_way:
            times += [took for _, took in self._answers(SECONDS)]
        return times

    def _send(self, client: RawClient, due: float) -> None:
        sample = next(self._samples)
        self._under_way[client.send(sample)] = sample, due

    def _answers(self, timeout: float) -> list[tuple[RawClient, float]]:
        """The answers that are there, or come within `timeout` seconds: the connection, and the seconds it took."""
        answers = []
        for key, _ in self._selector.select(timeout):
            client = key.fileobj
            assert isinstance(client, RawClient)
            for message in client.heard():
                assert not isinstance(message, Failure), message
                if isinstance(message, Success):
                    sample, due = self._under_way.pop(message.request_id)
                    answers.append((client, time.perf_counter() - due))
                    check(sample, message.ocr_result)
                    client.received(message.request_id)
        return answers
