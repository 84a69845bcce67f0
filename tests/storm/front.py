"""What clients connect to: a proxy that hands each new connection to the next gateway that is up, and cuts some."""

import itertools
import random

from tests.faults.proxy import Proxy


class Front(Proxy):
    """As a load balancer in front of gateways, whose ports are in `up`."""

    def __init__(self) -> None:
        self.up: list[int] = []
        self._turns = itertools.count()
        super().__init__(0)

    @property
    def target_port(self) -> int:
        """The next gateway's; with none up, a port where nobody listens: the client hears it, and tries again."""
        up = list(self.up)
        return up[next(self._turns) % len(up)] if up else 1

    @target_port.setter
    def target_port(self, port: int) -> None:
        pass  # whoever asks decides

    def cut_some(self, chance: random.Random) -> int:
        """End some of the connections, at least one if there is one: by a reset, or by an end like any other.

        Returns how many.
        """
        is_reset = chance.random() < 0.5

        def end() -> int:
            connections = [(task, one) for task, one in self._connections.items() if one is not None]
            chosen = chance.sample(connections, chance.randint(min(1, len(connections)), len(connections)))
            for task, connection in chosen:
                connection.prepare_end(reset=is_reset)
                task.cancel()
            return len(chosen)

        return self._call(end)
