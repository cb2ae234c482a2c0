"""What a proposal costs with 10,000 publications on the books of four channels, asked for four weeks on all of them.

Timed is what the tool does inside the server, in CPU of its own thread, which waits for nothing: the channels and their
books from the store, the proposal, and the wire form with its text. A server that has been asked for a while keeps the
books it read; before every fifth question another publication is put on the books, as somebody holds a slot, and those
must be seen. `first` questions come to a server that has read nothing. `through the door` is the time by the clock of a
whole call of an in-memory MCP client. The books span 56 days: half of what is on them lies in the weeks asked about.
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from holdback_servers.schedule.ports import Transmission

from bench.figures import Figure
from bench.rights_speed import p95
from bench.schedule_books import TODAY, FullBooks, requests

if TYPE_CHECKING:
    from holdback_base.database import Database
    from holdback_servers.schedule.books import Shelf
    from holdback_servers.schedule.model import Publication
    from holdback_servers.schedule.proposal import SlotRequest

_BOUND: Final = 50
"""Milliseconds that 19 of 20 proposals stay within."""
_CALLS: Final = 150
Found = dict[str, list[float]]
"""Milliseconds of each call, by what was measured."""


def figures() -> list[Figure]:
    """Fill a store and measure; the bound is on a server that has been asked for a while."""
    full = FullBooks()
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Path(folder), full)
    told: list[Figure] = []
    for what, values in found.items():
        text = f"{full.publications:,} publications, a proposal {what}, p95"
        bound = _BOUND if what == "asked for a while" else None
        spread = (statistics.median(values), max(values))
        told.append(Figure("schedule", text, p95(values), "ms", spread, bound))
    return told


def measure(folder: Path, full: FullBooks) -> Found:
    """Fill a store and ask it."""
    from holdback_base.database import Database
    from holdback_servers.schedule import store
    from holdback_servers.schedule.books import Shelf

    database = Database(folder / "schedule.sqlite", store.METADATA)
    fill(database, full)
    shelf, asked, more = Shelf(), requests(2 * _CALLS), _more(full)
    found: Found = {"asked for a while": [], "first": []}
    for request in islice(asked, 10):
        _proposed(database, shelf, request)
    for number, request in enumerate(islice(asked, _CALLS)):
        if number % 5 == 0:
            _put(database, next(more))
        found["asked for a while"].append(_timed(database, shelf, request))
    found["first"] = [_timed(database, Shelf(), request) for request in islice(asked, 20)]
    found["through the door"] = asyncio.run(_through_the_door(folder, database))
    database.close()
    return found


def fill(database: "Database", full: FullBooks) -> None:
    """Record the channels and put the publications on their books, as the room does it."""
    from holdback_servers.schedule import books, store

    bench = books.Actor(by="agent:bench", on_behalf_of="person:bench")

    def write(c: Any) -> None:
        for channel in full.channels():
            books.save_channel(c, channel, bench, TODAY)
        for publication in full.on_the_books():
            store.put(c, publication, bench, "on the books", TODAY)

    database.submit(write).result()


def _more(full: FullBooks) -> "Iterator[Publication]":
    """Publications that come while the house is asked: copies of some, half a minute later."""
    for publication in full.on_the_books():
        if publication.start > TODAY and publication.channel.endswith("youtube"):
            start = publication.start + timedelta(seconds=30)
            pieces = tuple(each.model_copy(update={"start": start}) for each in publication.availability)
            update = {"id": f"{publication.id}_more", "start": start, "availability": pieces}
            yield publication.model_copy(update=update)


def _put(database: "Database", publication: "Publication") -> None:
    from holdback_servers.schedule import books, store

    bench = books.Actor(by="agent:bench", on_behalf_of="person:bench")
    database.submit(lambda c: store.put(c, publication, bench, "held", TODAY)).result()


def _timed(database: "Database", shelf: "Shelf", request: "SlotRequest") -> float:
    began = time.thread_time()
    _proposed(database, shelf, request)
    return (time.thread_time() - began) * 1000


def _proposed(database: "Database", shelf: "Shelf", request: "SlotRequest") -> None:
    from holdback_base.vocabulary import TimeRange
    from holdback_servers.schedule.arguments import chosen
    from holdback_servers.schedule.planning import propose
    from holdback_servers.schedule.proposal import SlotProposal
    from holdback_servers.wire import answer_result

    window = TimeRange(start=request.earliest, end=request.latest)

    def unit(c: Any) -> SlotProposal:
        known = chosen(c, None, None)
        found = tuple(propose(shelf.books(c, channel, window, TODAY), request, TODAY) for channel in known)
        return SlotProposal(title=request.title, media=request.media or "", channels=found)

    answer_result(database.read_now(unit))


async def _through_the_door(folder: Path, database: "Database") -> list[float]:
    """Whole calls of an in-memory client."""
    from holdback_base.ids import id_maker
    from holdback_servers.schedule import server, store
    from holdback_servers.schedule.ports import Outside
    from holdback_servers.services import open_services
    from holdback_servers.settings import Settings
    from holdback_trust.audit import AuditLog
    from holdback_trust.keys import KeyPair, KeyRing
    from holdback_trust.policy import local_caller
    from mcp.client import Client

    keys = KeyPair.generate()
    services = open_services(
        database,
        store.TABLES,
        settings=Settings(home=folder),
        clock=lambda: TODAY,
        new_id=id_maker(lambda: TODAY),
        keys=keys,
        ring=KeyRing({}),
        audit=AuditLog(folder / "audit", keys, lambda: TODAY),
    )
    local = local_caller("person:bench", False, "mcp:schedule")
    door = server.build(services, Outside(_unasked, _NoRuns(), approval_status=_unasked), local=local)
    taken: list[float] = []
    async with Client(door.mcp) as client:
        for request in requests(40):
            asked = request.model_dump(mode="json", exclude_none=True, exclude={"details"})
            asked["territories"] = sorted(asked["territories"])
            began = time.perf_counter()
            answer = await client.call_tool("propose_slots", asked)
            taken.append((time.perf_counter() - began) * 1000)
            assert not answer.is_error, answer.content
    services.audit.close()
    return taken[5:]


async def _unasked(clearance: str) -> str:
    raise AssertionError(f"a proposal asks nobody whether {clearance} stands")


class _NoRuns:
    """A proposal reserves nothing."""

    async def reserve(self, publication: str, clearance: str, transmissions: Sequence[Transmission]) -> None:
        """Nothing is reserved."""

    async def keep(self, publication: str, at: Sequence[datetime]) -> None:
        """Nothing is kept."""

    async def use(self, publication: str, at: Sequence[datetime]) -> None:
        """Nothing is used."""


if __name__ == "__main__":
    from bench.figures import table

    print(table(figures()))
