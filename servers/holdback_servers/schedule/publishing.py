"""The tools about deliveries: what publishers were told and answered, and one more try."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from itertools import islice
from typing import Annotated, Any

from holdback_base.database import store_instant
from holdback_base.problem import Problem
from holdback_base.vocabulary import Instant, Noun, instant_text
from pydantic import Field
from sqlalchemy import Connection, Select, or_, select

from holdback_servers.schedule import showings, store
from holdback_servers.schedule.books import all_channels, find_channel
from holdback_servers.schedule.channel import Channel
from holdback_servers.schedule.model import Publication, State
from holdback_servers.schedule.playout import Receipt, Showing, owed, wanted
from holdback_servers.schedule.tables import publications
from holdback_servers.schedule.tables import showings as showings_table
from holdback_servers.services import Call
from holdback_servers.serving import Door
from holdback_servers.wire import decode_cursor, encode_cursor


class Delivery(Noun):
    """What the publisher of a channel was told of a publication, and what it still has to be told.

    `shown` are the territories in which it confirmed to show it, `unsure` those that it was told of without an answer.
    `waiting` says that it must still be told something; `attempts` counts how often that was tried, `failure` says how
    it failed or what it waits for, `next_look` is when the clock looks at it again.
    """

    publication: str
    title: str
    channel: str
    publisher: str
    state: State
    revision: int
    shown: tuple[str, ...]
    unsure: tuple[str, ...] = ()
    waiting: bool
    attempts: int = 0
    failure: str | None = None
    next_look: Instant | None = None
    receipts: tuple[Receipt, ...] = ()

    def text(self) -> str:
        """One line, and one for each receipt."""
        shown = ", ".join(self.shown) or "nowhere"
        line = f"{self.publication}  {self.title!r}  {self.channel} by {self.publisher}  {self.state}  on show: {shown}"
        if self.unsure:
            line += f"; perhaps: {', '.join(self.unsure)}"
        if self.waiting:
            line += f"; waiting after {self.attempts} tries: {self.failure or 'to be told'}"
        return "\n".join([line, *(_receipt_line(each) for each in self.receipts)])


class DeliveryList(Noun):
    """Deliveries by publication."""

    items: tuple[Delivery, ...]
    next_cursor: str | None = None

    def text(self) -> str:
        """Some lines a publication."""
        lines = [each.text() for each in self.items] or ["Nothing was delivered or waits to be."]
        return "\n".join(lines + ([f"next_cursor: {self.next_cursor}"] if self.next_cursor else []))


def offer_publishing(door: Door, wake: Callable[[], None]) -> None:
    """Add them to the schedule's door; `wake` has the clock look at once."""

    @door.tool(title="List deliveries", scope="schedule:read")
    async def list_deliveries(
        call: Call,
        *,
        publication: Annotated[str | None, Field(description="Id of one publication, pub_...")] = None,
        channel: Annotated[str | None, Field(description="Name of a channel.")] = None,
        waiting: Annotated[bool, Field(description="Only those whose publisher must still be told something.")] = False,
        limit: Annotated[int, Field(description="How many at most.", ge=1, le=200)] = 50,
        cursor: Annotated[str | None, Field(description="next_cursor of the page before.")] = None,
    ) -> DeliveryList:
        """List what publishers were told of publications: where each is on show, receipts, tries and failures."""
        place = decode_cursor(cursor)
        after = str(place.get("publication")) if place else ""

        now = call.services.clock()

        def unit(c: Connection) -> DeliveryList:
            if channel is not None:
                find_channel(c, channel)
            one = None if publication is None else store.find_publication(c, publication, now).id
            found = _find(c, _asked(one, channel, waiting, now).where(publications.c.id > after), now)
            shown = list(islice((each for each in found if each.waiting or not waiting), limit + 1))
            more = encode_cursor({"publication": shown[limit - 1].publication}) if len(shown) > limit else None
            return DeliveryList(items=tuple(shown[:limit]), next_cursor=more)

        return await call.services.database.read(unit)

    @door.tool(title="Retry delivery", scope="schedule:commit", kind="write", idempotent=True, open_world=True)
    async def retry_delivery(
        call: Call, publication: Annotated[str, Field(description="Id of a publication, pub_...")]
    ) -> Delivery:
        """Have the publisher told at once what it still has to be told, without waiting for the next try.

        Nothing is told that is not owed: not before a window opens, nor without a clearance that stands.
        """
        now = call.services.clock()

        def effect(c: Connection) -> dict[str, Any]:
            found = store.find_publication(c, publication, now)
            channel, showing = find_channel(c, found.channel, lock=True), showings.find(c, found.id)
            if showing is None or not _delivery(found, channel, showing, now).waiting:
                raise _nothing_owed(found)
            again = replace(showing, attempts=0, next_at=now)
            showings.save(c, again)
            return _delivery(found, channel, again, now).model_dump(mode="json", exclude_none=True)

        result = await call.services.database.write(lambda c: call.once(c, lambda: effect(c)))
        wake()
        return Delivery.model_validate(result)


def _asked(publication: str | None, channel: str | None, waiting: bool, now: datetime) -> Select[tuple[dict[str, Any]]]:
    """Publications that were told of or may have to be. What is owed is due, was begun, or has failed before."""
    s, p = showings_table.c, publications.c
    owing = or_(s.next_at <= store_instant(now), s.lease_until.is_not(None), s.failure.is_not(None))
    query = select(p.body).join(showings_table, p.id == s.publication).order_by(p.id)
    query = query.where(owing if waiting else or_(s.revision > 0, owing))
    if publication is not None:
        query = query.where(p.id == publication)
    return query if channel is None else query.where(p.channel == channel)


def _find(c: Connection, query: Select[tuple[dict[str, Any]]], now: datetime) -> Iterator[Delivery]:
    channels = {each.name: each for each in all_channels(c)}
    for body in c.execute(query).scalars():
        publication = Publication.model_validate(body)
        if (showing := showings.find(c, publication.id)) is not None:
            yield _delivery(publication, channels[publication.channel], showing, now)


def _delivery(publication: Publication, channel: Channel, showing: Showing, now: datetime) -> Delivery:
    return Delivery(
        publication=publication.id,
        title=publication.title,
        channel=publication.channel,
        publisher=channel.publisher,
        state=publication.state,
        revision=showing.revision,
        shown=tuple(sorted(showing.shown)),
        unsure=tuple(sorted(showing.perhaps.keys() - showing.shown.keys())),
        waiting=owed(showing, wanted(publication, channel, showing, now)),
        attempts=showing.attempts,
        failure=showing.failure,
        next_look=showing.next_at,
        receipts=showing.receipts,
    )


def _nothing_owed(publication: Publication) -> Problem:
    hint = "list_deliveries says what its publisher was told."
    if publication.state == "failed":
        hint = "Hold a slot again and commit it; what has failed is not taken up."
    return Problem(
        "CONFLICT", f"The publisher of {publication.id}, which is {publication.state}, has nothing to be told.", hint
    )


def _receipt_line(receipt: Receipt) -> str:
    where = ", ".join(receipt.territories) or "taken down"
    return f"  {instant_text(receipt.at)}  revision {receipt.revision}  {where}  {receipt.receipt}"
