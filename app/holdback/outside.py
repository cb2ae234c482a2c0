"""What the schedule of a home asks of the world outside: rights and gateway of the same home, and whoever delivers."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from holdback_servers.settings import PublisherSetting

from holdback.foundation import Foundation

if TYPE_CHECKING:
    from datetime import datetime

    from holdback_base.database import Database
    from holdback_servers.schedule.ports import Outside, Publisher, Transmission
    from sqlalchemy import Connection

_SCHEDULE = "mcp:schedule"
_OWN_FOLDER = Path("published")
"""Where, in the home, channels are published that name no publisher of the settings."""


def home_outside(foundation: Foundation) -> "Outside":
    """The stores of this home's rights and gateway answer, opened for each question; those in its settings deliver."""
    from holdback_servers.schedule.ports import Outside, Publisher

    class Publishers(Mapping[str, Publisher]):
        """Those of the settings, each made when it is first needed: the code of some takes long to read."""

        def __init__(self) -> None:
            self._settings = {
                "folder": PublisherSetting(kind="folder", folder=_OWN_FOLDER),
                **foundation.settings.publishers,
            }
            self._made: dict[str, Publisher] = {}

        def __getitem__(self, name: str) -> Publisher:
            if name not in self._made:
                self._made[name] = _publisher(self._settings[name], foundation)
            return self._made[name]

        def __iter__(self) -> Iterator[str]:
            return iter(self._settings)

        def __len__(self) -> int:
            return len(self._settings)

    rights = _HomeRights(foundation)
    approvals = _HomeApprovals(foundation)
    return Outside(
        clearance_status=rights.clearance_status,
        approval_status=approvals.status,
        runs=rights,
        publishers=Publishers(),
    )


def _publisher(setting: PublisherSetting, foundation: Foundation) -> "Publisher":
    if setting.kind == "folder":
        from holdback_servers.schedule.publishers.folder import FolderPublisher

        return FolderPublisher(foundation.settings.home / (setting.folder or _OWN_FOLDER).expanduser())
    from holdback_servers.schedule.publishers.webhook import SIGNATURE_TYPE, WebhookPublisher
    from holdback_trust.keys import sign_jws

    keys = foundation.keys(_SCHEDULE)
    return WebhookPublisher(
        setting.url or "",
        sign=lambda claims: sign_jws(keys, SIGNATURE_TYPE, claims),
        clock=foundation.clock,
        key=None if setting.key is None else setting.key.get_secret_value(),
        timeout=setting.timeout_seconds,
        deadline=setting.deadline_seconds,
    )


class _HomeApprovals:
    """The approvals of this home's gateway, asked without a gateway in between."""

    def __init__(self, foundation: Foundation) -> None:
        self._foundation = foundation

    async def status(self, approval: str) -> str:
        from holdback_agents.gateway import store
        from holdback_base.database import Database

        path = self._foundation.settings.home / "db" / "gateway.sqlite"
        if not path.exists():  # only the gateway makes its store, with all its tables
            return "unknown"
        with closing(Database(path, store.METADATA)) as kept:
            return await kept.read(lambda c: store.approval_status(c, approval))


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
