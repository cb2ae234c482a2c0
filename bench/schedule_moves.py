"""What it costs to mend full books: 10,000 publications on four channels, and one clearance of some fifty is lost.

What takes its place opens three days later and closes before the last of them start, so that some move and some are
shortened. Timed is what the tools do: read the schedule from its file, plan, and apply with the newer clearance, in
one process with no network. Counted beside it, from the publications alone, is how many must leave their start.
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bench.figures import Figure
from bench.schedule_books import REACHED, TODAY, FullBooks

if TYPE_CHECKING:
    from holdback_servers.schedule.model import Publication
    from holdback_servers.schedule.ports import Transmission
    from holdback_servers.serving import Door
    from holdback_trust.keys import KeyPair

MEDIA: Final = "sha256:" + "5" * 64
_ELEMENTS: Final = "sha256:" + "e" * 64
_OPENS: Final = TODAY + timedelta(days=3)
_CLOSES: Final = TODAY + timedelta(days=30)
_SIZE: Final = "10,000 on the books"
_LOST, _NEWER = "clr_LOST", "clr_NEWER"


@dataclass(frozen=True)
class Found:
    """Seconds of wall and processor time for planning and applying, and what was done."""

    planned: tuple[float, float]
    applied: tuple[float, float]
    touched: int
    must_leave: int
    actions: dict[str, int]

    @property
    def left(self) -> int:
        """How many left their start."""
        return self.actions.get("move", 0) + self.actions.get("cancel", 0)


def measure(rounds: int = 3, books: FullBooks | None = None, concerned: int = 50) -> list[Found]:
    """Mend freshly built books several times."""
    return [asyncio.run(_round(books or FullBooks(), concerned)) for _ in range(rounds)]


def spread_over(books: FullBooks, concerned: int) -> "list[Publication]":
    """All publications; every so many of those still to come stand on the clearance that is lost."""
    everything = list(books.on_the_books())
    coming = [n for n, each in enumerate(everything) if each.start > TODAY + timedelta(hours=1)]
    chosen = frozenset(coming[:: max(1, len(coming) // concerned)][:concerned])
    stands = {"state": "scheduled", "clearance": _LOST, "approval": "apr_A", "media": MEDIA, "locked": False}
    return [
        each.model_copy(update=stands | {"approved_for": each.availability}) if n in chosen else each
        for n, each in enumerate(everything)
    ]


async def _round(books: FullBooks, concerned: int) -> Found:
    from holdback_servers.schedule import store
    from holdback_servers.schedule.books import Actor, save_channel
    from holdback_servers.schedule.tables import publications
    from holdback_trust.keys import KeyPair
    from sqlalchemy import insert

    rights, gateway = KeyPair.generate(), KeyPair.generate()
    actor, everything = Actor(by="person:bench", on_behalf_of="person:sam"), spread_over(books, concerned)
    papers = store.Papers(clearance=clearance(rights, _LOST, None), approval=_approval(gateway), approved_at=TODAY)
    with tempfile.TemporaryDirectory() as folder:
        door = _door(Path(folder), rights, gateway)
        for channel in books.channels():
            await door.services.database.write(lambda c, each=channel: save_channel(c, each, actor, TODAY))

        def fill(c: Any) -> None:
            c.execute(insert(publications), [_row(each) for each in everything if each.clearance != _LOST])
            for each in everything:
                if each.clearance == _LOST:
                    store.put(c, each, actor, "on the books", TODAY)
                    store.keep_papers(c, each.id, papers)

        await door.services.database.write(fill)
        event = {"kind": "clearance_lost", "clearance": _LOST, "cells": _cells()}
        await _timed(door, "plan_changes", event=event)  # a house at work has read its books before
        plan, planned = await _timed(door, "plan_changes", event=event)
        newer = [clearance(rights, _NEWER, _cells())]
        done, applied = await _timed(
            door, "apply_changes", changes=plan["changes"], reason="the licence was cut", clearances=newer
        )
        door.services.audit.close()
        door.services.database.close()
    actions = [each["action"] for each in done["changes"]]
    return Found(
        planned,
        applied,
        len(actions),
        sum(_must_leave(each) for each in everything if each.clearance == _LOST),
        {action: actions.count(action) for action in sorted(set(actions))},
    )


def _row(publication: "Publication") -> dict[str, Any]:
    """A row as the store writes it, without the history that is not looked at here."""
    from holdback_base.database import store_instant

    until = publication.end if publication.channel.endswith("-one") and publication.end else publication.start
    kept = ("id", "channel", "title", "state", "locked", "media", "clearance")
    return {name: getattr(publication, name) for name in kept} | {
        "start_at": store_instant(publication.start),
        "until_at": store_instant(until),
        "sponsor": publication.details.sponsor,
        "follows": publication.details.follows,
        "priority": publication.details.priority,
        "body": publication.model_dump(mode="json", exclude_none=True, exclude={"history"}),
    }


def _must_leave(publication: "Publication") -> bool:
    """Whether it cannot start when it was to: a transmission is cleared whole, anything else from its start on."""
    if publication.channel.endswith("-one"):
        return publication.start < _OPENS or publication.end is None or publication.end > _CLOSES
    return publication.start < _OPENS or publication.start >= _CLOSES


async def _timed(door: "Door", tool: str, **arguments: Any) -> tuple[dict[str, Any], tuple[float, float]]:
    wall, cpu = time.perf_counter(), time.process_time()
    result = await door.enter(tool, arguments, None)
    took = time.perf_counter() - wall, time.process_time() - cpu
    if result.is_error or result.structured_content is None:
        raise RuntimeError(f"{tool} failed: {result.structured_content}")
    return result.structured_content, took


def _cells() -> list[dict[str, Any]]:
    window = {"start": _OPENS.isoformat(), "end": _CLOSES.isoformat()}
    return [{"territories": list(REACHED), "platforms": ["all"], "verdict": "CLEARED", "windows": [window]}]


def clearance(keys: "KeyPair", name: str, cells: list[dict[str, Any]] | None) -> str:
    """A signed clearance of the media; without cells it opens everything."""
    from holdback_trust import statements

    always = {"territories": list(REACHED), "platforms": ["all"], "windows": [{"start": "2026-01-01T00:00:00Z"}]}
    return statements.sign(keys, statements.CLEARANCE, _claims("mcp:rights", name) | {"cells": cells or [always]})


def _approval(keys: "KeyPair") -> str:
    from holdback_trust import statements

    said = {"clearance": _LOST, "question": MEDIA, "decision": "approved", "by": "person:mia", "for": "person:eve"}
    return statements.sign(keys, statements.APPROVAL, _claims("gateway", "apr_A") | said)


def _claims(issuer: str, name: str) -> dict[str, Any]:
    now = int(TODAY.timestamp())
    about = {"sub": MEDIA, "elements": _ELEMENTS, "deliveries": [MEDIA]}
    return about | {"iss": issuer, "iat": now, "exp": now + 7 * 86400, "jti": name}


class _Rights:
    """A rights server that says at once that all is well; no right has a run limit."""

    async def status(self, clearance: str) -> str:
        return "valid"

    async def reserve(self, publication: str, clearance: str, transmissions: "Sequence[Transmission]") -> None: ...

    async def keep(self, publication: str, at: Sequence[datetime]) -> None: ...

    async def use(self, publication: str, at: Sequence[datetime]) -> None: ...


def _door(home: Path, rights: "KeyPair", gateway: "KeyPair") -> "Door":
    from holdback_base.database import Database
    from holdback_base.ids import id_maker
    from holdback_servers.schedule import server, store
    from holdback_servers.schedule.ports import Outside
    from holdback_servers.services import open_services
    from holdback_servers.settings import Settings
    from holdback_trust.audit import AuditLog
    from holdback_trust.keys import KeyPair, KeyRing
    from holdback_trust.policy import local_caller

    own, outside = KeyPair.generate(), _Rights()
    services = open_services(
        Database(home / "db" / "schedule.sqlite", store.METADATA),
        store.TABLES,
        settings=Settings(home=home),
        clock=lambda: TODAY,
        new_id=id_maker(lambda: TODAY),
        keys=own,
        ring=KeyRing({"gateway": [gateway.public_jwk], "mcp:rights": [rights.public_jwk]}),
        audit=AuditLog(home / "audit", own, lambda: TODAY),
    )
    local = local_caller("person:sam", True, "mcp:schedule")
    return server.build(
        services, Outside(outside.status, outside, approval_status=outside.status), local=local, ticking=False
    )


def figures() -> list[Figure]:
    """What it costs and whether it moves more than it must, with the bounds of both."""
    found = measure()
    figures = [
        Figure("schedule", f"{_SIZE}, one clearance of {found[0].touched} lost: planned", *_middle(found, 0), bound=1),
        Figure("schedule", "  the same in CPU seconds", *_middle(found, 1)),
        Figure("schedule", "  applied with the newer clearance", *_middle(found, 2)),
        Figure("schedule", "  the same in CPU seconds", *_middle(found, 3)),
    ]
    more = max(each.left - each.must_leave for each in found)
    told = ", ".join(f"{count} {action}" for action, count in found[0].actions.items())
    return [*figures, Figure("schedule", f"  moved or lost beyond what must be ({told})", more, "items", None, 0)]


def _middle(found: Sequence[Found], which: int) -> tuple[float, str, tuple[float, float]]:
    values = [(*each.planned, *each.applied)[which] for each in found]
    return statistics.median(values), "s", (min(values), max(values))
