"""Tasks that nobody awaits: they are kept until they have ended, and a mistake in one is told."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

log = logging.getLogger("WebSocket server")


class BackgroundTasks:
    """Tasks that are under way."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Have this done soon."""
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("a mistake of the gateway's own", exc_info=task.exception())

    async def ended(self) -> None:
        """Wait until all have ended, those that are started meanwhile included."""
        while self._tasks:
            await asyncio.wait(self._tasks)
