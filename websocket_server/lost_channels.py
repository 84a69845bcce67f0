"""What aiormq does when a channel is lost, told in the way that everybody else does it."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")


async def or_lost(asked: Awaitable[T]) -> T:
    """Await something of the broker; raises ConnectionError where aiormq would cancel the task that waits.

    It cancels what a lost channel still owes. Unless somebody cancels us, that is no end of ours.
    """
    try:
        return await asked
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise ConnectionError("the connection was lost meanwhile") from error
