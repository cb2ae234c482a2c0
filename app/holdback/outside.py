"""What the schedule of a home asks of the world outside: the rights of the same home, and whoever delivers."""

from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING

from holdback.foundation import Foundation

if TYPE_CHECKING:
    from datetime import datetime

    from holdback_base.database import Database
    from holdback_servers.schedule.ports import Outside, Transmission
    from sqlalchemy import Connection

_SCHEDULE = "mcp:schedule"


def home_outside(foundation: Foundation) -> "Outside":
    """The rights store of this home answers; it is opened for each question."""
    from holdback_servers.schedule.ports import Outside

    rights = _HomeRights(foundation)
    return Outside(clearance_status=rights.clearance_status, runs=rights)


class _HomeRights:
    """The rights of this home, asked without a server in between: one store, one truth, several processes."""

    def __init__(self, foundation: Foundation) -> None:
        self._foundation = foundation

    def _open(self) -> "closing[Database]":
        from holdback_base.database import Database
        from holdback_servers.rights import store

        return closing(Database(self._foundation.settings.home / "db" / "rights.sqlite", store.METADATA))

    async def clearance_status(self, clearance: str) -> str:
        from holdback_servers.rights import store

        with self._open() as rights:
            return await rights.read(lambda c: store.clearance_status(c, clearance))

    async def reserve(self, publication: str, clearance: str, transmissions: "Sequence[Transmission]") -> None:
        from holdback_servers.rights import running, store

        asked = [running.Transmission(territories=t.territories, platform=t.platform, at=t.at) for t in transmissions]
        now = self._foundation.clock()
        with self._open() as rights:
            await rights.write(
                lambda c: running.keep_transmissions(
                    c, store.Shelf(), publication, clearance, asked, now=now, by=_SCHEDULE
                )
            )

    async def keep(self, publication: str, at: "Sequence[datetime]") -> None:
        from holdback_servers.rights import running

        now = self._foundation.clock()
        with self._open() as rights:
            await rights.write(lambda c: running.keep_instants(c, publication, at, now=now, by=_SCHEDULE))

    async def use(self, publication: str, at: "Sequence[datetime]") -> None:
        from holdback_servers.rights import runs

        now = self._foundation.clock()

        def unit(c: "Connection") -> None:
            if due := runs.reserved_at(c, publication) & set(at):
                runs.use(c, publication, due, now=now, by=_SCHEDULE)

        with self._open() as rights:
            await rights.write(unit)
