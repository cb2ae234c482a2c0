"""Runs the lifespan of apps that stand in this process: each in a task of its own, as a server would."""

import asyncio
import logging
from typing import Any

from holdback_base.problem import Problem
from starlette.types import ASGIApp, Message

_log = logging.getLogger(__name__)


class Lifespan:
    """One app's lifespan (ASGI lifespan 2.0). An app that knows of none is left alone."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._ending = asyncio.Event()
        self._ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._begun = False
        self._task = asyncio.create_task(self._run())

    async def start(self) -> None:
        """Return when the app is ready. Raises Problem UNAVAILABLE when it says that it failed."""
        failure = await asyncio.shield(self._ready)
        if failure:
            await self.stop()
            raise Problem("UNAVAILABLE", f"An app of the house did not start: {failure}", "See the log.")

    async def stop(self) -> None:
        """Tell the app to end, and wait for it."""
        self._ending.set()
        await asyncio.wait((self._task,))

    async def _run(self) -> None:
        state: dict[str, Any] = {}
        try:
            await self._app(
                {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": state},
                self._receive,
                self._send,
            )
        except Exception:
            if self._ready.done():
                _log.exception("an app of the house failed at its end")
        finally:
            if not self._ready.done():
                self._ready.set_result("")

    async def _receive(self) -> Message:
        if not self._begun:
            self._begun = True
            return {"type": "lifespan.startup"}
        await self._ending.wait()
        return {"type": "lifespan.shutdown"}

    async def _send(self, message: Message) -> None:
        if message["type"] == "lifespan.startup.complete" and not self._ready.done():
            self._ready.set_result("")
        elif message["type"] == "lifespan.startup.failed" and not self._ready.done():
            self._ready.set_result(message.get("message", "") or "no reason was given")
