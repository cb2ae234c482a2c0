"""The tool that tells of watched folders."""

from typing import Annotated

from holdback_base.problem import Problem
from holdback_base.vocabulary import Noun
from pydantic import Field
from sqlalchemy import Connection

from holdback_servers.assets.watching import Watcher, files
from holdback_servers.assets.watching.files import WatchedFile, WatchedState
from holdback_servers.services import Call
from holdback_servers.serving import Door
from holdback_servers.wire import cursor_part, decode_cursor, encode_cursor


class WatchedFolder(Noun):
    """A watched folder: how many of its files are in each state; `problem` is why it cannot be watched now."""

    watch: str
    folder: str
    still_seconds: float
    files: dict[str, int]
    problem: str | None = None


class WatchedList(Noun):
    """The watched folders, and a page of their files."""

    watches: tuple[WatchedFolder, ...]
    items: tuple[WatchedFile, ...]
    next_cursor: str | None = None


def offer_watched(door: Door, watcher: Watcher) -> None:
    """Offer `list_watched`."""
    services = door.services

    @door.tool(title="List watched folders", scope="assets:read")
    async def list_watched(
        call: Call,
        *,
        states: Annotated[tuple[WatchedState, ...], Field(description="Only files in these; else all")] = (),
        limit: Annotated[int, Field(ge=1, le=200)] = 50,
        cursor: Annotated[str | None, Field(description="next_cursor of the page before")] = None,
    ) -> WatchedList:
        """The folders whose files are taken in by themselves (`watch` in holdback.toml), and how each file stands.

        A file waits until it has stood still, is queued, then taken or failed. What failed is tried again when the file
        or its sheet changes, or with retry_ingest and its job_id.
        """
        given = decode_cursor(cursor)
        after = (cursor_part(given, "watch", ""), cursor_part(given, "file", ""))

        troubles = {name: await watcher.problem_of(name) for name in services.settings.watch}

        def unit(c: Connection) -> WatchedList:
            found = files.list_watched(c, states, after, limit + 1)
            last = found[limit - 1] if len(found) > limit else None
            more = None if last is None else encode_cursor({"watch": last.watch, "file": last.file})
            return WatchedList(
                watches=_folders(files.counts(c), troubles), items=tuple(found[:limit]), next_cursor=more
            )

        return await services.database.read(unit)

    def _folders(counted: dict[str, dict[str, int]], troubles: dict[str, Problem | None]) -> tuple[WatchedFolder, ...]:
        return tuple(
            WatchedFolder(
                watch=name,
                folder=str(each.folder),
                still_seconds=each.still_seconds,
                files=counted.get(name, {}),
                problem=trouble.line() if (trouble := troubles[name]) is not None else None,
            )
            for name, each in services.settings.watch.items()
        )
