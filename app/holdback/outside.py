"""What the schedule of a home asks of the world outside: the rights of the same home, and whoever delivers."""

from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING

from holdback_base.problem import Problem

from holdback.foundation import Foundation

if TYPE_CHECKING:
    from holdback_base.database import Database
    from holdback_servers.schedule.ports import Outside, Transmission


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
                lambda c: running.reserve_transmissions(
                    c, store.Shelf(), publication, clearance, asked, now=now, by="mcp:schedule"
                )
            )

    async def settle(self, publication: str, action: str) -> None:
        from holdback_servers.rights import runs

        if action not in ("use", "release"):
            raise Problem("INVALID_ARGUMENT", f"Runs are not settled by {action!r}.", "Say use or release.")
        settling: runs.Settling = action
        now = self._foundation.clock()
        with self._open() as rights:
            await rights.write(lambda c: runs.settle(c, publication, settling, None, now=now, by="mcp:schedule"))
