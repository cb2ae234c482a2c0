"""Looks at the watched folders again and again. It keeps nothing in memory that matters: a process that was killed, or
is one of two, loses nothing and takes nothing twice."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from holdback_base.problem import Problem
from pydantic import ValidationError
from sqlalchemy import Connection

from holdback_servers.assets.batches.folders import FoundFile, find_folder, look_into
from holdback_servers.assets.batches.orders import FileOrder, Ways, order_of
from holdback_servers.assets.batches.planning import read_in_worker, rows_by_name, sheet_of
from holdback_servers.assets.sheets.rows import SheetRow
from holdback_servers.assets.watching import files
from holdback_servers.assets.watching.files import WATCHED
from holdback_servers.services import Services
from holdback_servers.settings import WatchSetting

log = logging.getLogger(__name__)
_POLL = 2.0
"""Seconds between two looks. Looking is level-triggered: what no event told of is found all the same."""
_REST = 20
"""How many times as long as a look took the next one waits: large folders are looked at less often."""


@dataclass(frozen=True)
class _Sheet:
    """A sheet as it was read, and what tells this state of it from another."""

    stamp: str = ""
    rows: dict[str, SheetRow] | None = None


class Watcher:
    """Takes in what lies still in the watched folders of the settings.

    Raises:
        Problem: INVALID_ARGUMENT for a kind in the settings that is none.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._ways = {name: _ways(name, each) for name, each in services.settings.watch.items()}
        self._sheets: dict[str, _Sheet] = {}
        self._logged: set[str] = set()

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Look again and again until this is left."""
        loop = asyncio.create_task(self._run(), name="watching")
        try:
            yield
        finally:
            loop.cancel()
            await asyncio.gather(loop, return_exceptions=True)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            try:
                await self.look(self._services.clock())
            except Exception:
                log.exception("the watched folders could not be looked at; they are looked at again")
            await asyncio.sleep(max(_POLL, _REST * (loop.time() - began)))

    async def look(self, now: datetime) -> int:
        """Look at every watched folder once, and queue what has stood still; how many files were queued."""
        database, jobs = self._services.database, self._services.tables.jobs
        if await database.read(lambda c: files.ended(c, jobs)):
            await database.write(lambda c: files.settle(c, jobs, now))
        queued = 0
        for name, setting in self._services.settings.watch.items():
            try:
                queued += await self._look_at(name, setting, now)
                self._logged.discard(name)
            except Problem as problem:
                if name not in self._logged:
                    log.warning("the watched folder %s: %s", name, problem.line())
                self._logged.add(name)
        if queued:
            await self._services.jobs.wake()
        return queued

    async def problem_of(self, name: str) -> Problem | None:
        """Why a folder, by its name in the settings, cannot be watched as it is now."""
        setting = self._services.settings.watch[name]
        try:
            folder = await asyncio.to_thread(find_folder, str(setting.folder), self._services.settings)
            await asyncio.to_thread(look_into, folder, below=setting.below)
            await self._sheet(name, folder, setting)
        except Problem as problem:
            return problem
        return None

    async def _look_at(self, name: str, setting: WatchSetting, now: datetime) -> int:
        settings = self._services.settings
        folder = await asyncio.to_thread(find_folder, str(setting.folder), settings)
        contents = await asyncio.to_thread(look_into, folder, below=setting.below)
        sheet = await self._sheet(name, folder, setting)
        rows = rows_by_name((sheet.rows or {}).values(), {each.name for each in contents.files})
        listed = [each for each in contents.files if each.name in rows or not setting.only_listed]
        database, still = self._services.database, timedelta(seconds=setting.still_seconds)
        told = await database.read(lambda c: files.news(c, name, listed, sheet.stamp, now=now, still=still))
        if told.fresh or told.changed:
            await database.write(lambda c: files.keep(c, name, listed, sheet.stamp, now=now, still=still))
        queued = 0
        for file in told.due:
            order = order_of(str(file.path), rows.get(file.name), self._ways[name])
            queued += await database.write(lambda c, f=file, o=order: self._queue(c, name, f, o, now))
        return queued

    def _queue(self, connection: Connection, watch: str, file: FoundFile, order: FileOrder, now: datetime) -> bool:
        job_id = self._services.new_id("job")
        if not files.claim(connection, watch, file, job_id, now):
            return False
        request = order.model_dump(mode="json", exclude_none=True)
        self._services.jobs.submit(connection, WATCHED, request, f"watch:{watch}", job_id=job_id)
        return True

    async def _sheet(self, name: str, folder: Path, setting: WatchSetting) -> _Sheet:
        """The folder's sheet; read anew only when it has changed. Raises Problem when it cannot be trusted."""
        place = await asyncio.to_thread(sheet_of, folder, setting.sheet, self._services.settings)
        if place is None:
            return _Sheet()
        about = place.stat()
        stamp = f"{place.name}/{about.st_size}/{about.st_mtime_ns}"
        known = self._sheets.get(name)
        if known is not None and known.stamp == stamp:
            return known
        told = await read_in_worker(place, self._services.settings)
        if told.mistakes:
            first = told.mistakes[0]
            raise Problem("INVALID_ARGUMENT", f"{first.place}: {first.message}", first.hint)
        sheet = _Sheet(stamp, {each.file: each for each in told.rows})
        self._sheets[name] = sheet
        return sheet


def _ways(name: str, setting: WatchSetting) -> Ways:
    try:
        return Ways.model_validate({"kind": setting.kind, "tags": setting.tags, "by": f"watch:{name}"})
    except ValidationError as error:
        raise Problem(
            "INVALID_ARGUMENT",
            f"The setting watch.{name}.kind is not valid: {setting.kind[:60]!r} is no kind of asset.",
            "Correct it in holdback.toml: master, clip, music, voice, still, logo or document.",
        ) from error
