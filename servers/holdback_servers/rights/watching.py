"""What follows a change of rights: clearances that stand on them are looked at again, and whoever listens hears of it.

A door that changes rights does it through `changing`: the change, and the second look at the clearances, are one
transaction; subscribers of `clearance://{id}` and `right://{id}` are told once it is over.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, Final, Protocol, Self

from holdback_base.database import hides, store_instant, stories_of
from sqlalchemy import Connection, or_, select

from holdback_servers.rights import clearances, runs, store
from holdback_servers.rights.answers import StaleClearance
from holdback_servers.rights.store import Shelf
from holdback_servers.rights.tables import STORIES, contracts, rights
from holdback_servers.services import Call
from holdback_servers.serving import Door

CLEARANCE_URI: Final = "clearance://"
RIGHT_URI: Final = "right://"
_AT_ONCE: Final = 500


class Answer(Protocol):
    """What a change answers with: a noun that tells the clearances gone stale by it."""

    @property
    def stale(self) -> tuple[StaleClearance, ...]:
        """Clearances that lost something by the change."""
        ...

    def model_copy(self, *, update: dict[str, Any]) -> Self:
        """A copy with these fields."""
        ...

    def model_dump(self, *, mode: str) -> dict[str, Any]:
        """The noun as JSON."""
        ...


async def changing(
    call: Call, door: Door, shelf: Shelf, change: Callable[[Connection], tuple[Answer, Iterable[str]]]
) -> dict[str, Any]:
    """Change rights once, in one transaction with what follows from it, and tell those who listen.

    Args:
        change: makes the change and gives the answer with the references concerned; it must stamp what it writes with
            the instant that the call's clock shows.

    Returns:
        The answer as JSON, `stale` filled in.
    """
    now, heard = call.services.clock(), list[str]()

    def unit(c: Connection) -> dict[str, Any]:
        heard.clear()

        def effect() -> dict[str, Any]:
            answer, refs = change(c)
            stale = look_again(c, refs, shelf, now)
            heard.extend(news(c, door, stale, now))
            return answer.model_copy(update={"stale": stale}).model_dump(mode="json")

        return call.once(c, effect)

    result = await call.services.database.write(unit)
    await door.listeners.tell_changed(heard)
    return result


def look_again(c: Connection, refs: Iterable[str], shelf: Shelf, now: datetime) -> tuple[StaleClearance, ...]:
    """Count the runs of these references again and make clearances stale that lost anything by a change to them; in the
    transaction of the change.

    Returns:
        Those of them that whoever makes the change may know of.
    """
    refs = tuple(refs)
    runs.count_again(c, refs, now)
    stale = clearances.look_again(c, refs, lambda names: store.books(c, names, shelf), now)
    return tuple(each for each in stale if not hides(c, STORIES, each.clearance))


def news(c: Connection, door: Door, stale: Sequence[StaleClearance], now: datetime) -> list[str]:
    """The resources that a change made now concerns, out of those that somebody listens to. What belongs to a closed
    story is not announced: who listens is not known here, so whoever knows of it asks again."""
    listened = door.listeners.listened
    found = [CLEARANCE_URI + each.clearance for each in stale if not stories_of(c, STORIES, each.clearance)]
    watched = sorted(uri.removeprefix(RIGHT_URI) for uri in listened if uri.startswith(RIGHT_URI))
    at = store_instant(now)
    for begin in range(0, len(watched), _AT_ONCE):
        query = (
            select(rights.c.id)
            .join(contracts, contracts.c.id == rights.c.contract)
            .where(rights.c.id.in_(watched[begin : begin + _AT_ONCE]))
            .where(or_(rights.c.changed_at == at, rights.c.withdrawn_at == at, contracts.c.changed_at == at))
        )
        found += [RIGHT_URI + identity for identity in c.execute(query).scalars()]
    return [uri for uri in found if uri in listened]


def offer_watching(door: Door, shelf: Shelf) -> None:
    """Offer `clearance://{id}` and `right://{id}` as resources that can be listened to."""
    services = door.services

    @door.mcp.resource(
        CLEARANCE_URI + "{clearance}",
        title="A clearance",
        description="A clearance as get_clearance gives it. Listen to it to hear when it goes stale or is revoked.",
        mime_type="application/json",
    )
    async def clearance_resource(clearance: str) -> str:  # pyright: ignore[reportUnusedFunction] - a resource
        now = services.clock()
        record = await services.database.read(
            lambda c: clearances.read(c, clearance, now, lambda refs: store.books(c, refs, shelf))
        )
        return record.model_dump_json(exclude_none=True)

    @door.mcp.resource(
        RIGHT_URI + "{right}",
        title="A right",
        description="A right with its contract and its history. Listen to it to hear when it or its contract changes.",
        mime_type="application/json",
    )
    async def right_resource(right: str) -> str:  # pyright: ignore[reportUnusedFunction] - a resource
        listed = await services.database.read(lambda c: store.the_right(c, right))
        return listed.model_dump_json(exclude_none=True)
