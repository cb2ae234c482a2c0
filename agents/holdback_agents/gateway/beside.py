"""What runs beside the requests: again and again, at once when it is woken, and told to end before it is cancelled."""

import asyncio
import contextlib
from abc import ABC, abstractmethod

GRACE_SECONDS = 5.0
"""How long what is under way may take to end when the gateway stops."""


class Beside(ABC):
    """Runs beside the requests, from `start` to `stop`; what it does stands in `run`."""

    def __init__(self) -> None:
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.closing = False

    @abstractmethod
    async def run(self) -> None:
        """What it does: returns soon after `pause` has answered False."""

    def start(self) -> None:
        """Begin, or begin again after a stop."""
        self.closing = False
        self._task = asyncio.create_task(self.run())

    async def stop(self) -> None:
        """End after what is under way.

        It is told to end before it is cancelled: an app in this process may swallow a cancellation.
        """
        self.closing = True
        self._wake.set()
        if self._task is not None:
            await asyncio.wait((self._task,), timeout=GRACE_SECONDS)
            self._task.cancel()
            await asyncio.wait((self._task,), timeout=GRACE_SECONDS)

    def wake(self) -> None:
        """There is something new: go on now."""
        self._wake.set()

    async def pause(self, seconds: float | None) -> bool:
        """Wait, until woken at the latest; None waits for that alone. False when it is to end.

        What wakes it while it does something is not lost: the next pause is none.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        self._wake.clear()
        return not self.closing
