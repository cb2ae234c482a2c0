"""What a room is given to stand on, and what one call brings with it."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from holdback_base.canonical import bytes_sha256
from holdback_base.database import STRANGER, Database, Sight, StoryTables, put_into_story, stories_of
from holdback_base.elements import CutFacts
from holdback_base.ids import Clock, NewId
from holdback_base.problem import Problem
from holdback_trust.audit import AuditLog
from holdback_trust.enforcing import Enforcement
from holdback_trust.identity import Caller
from holdback_trust.keys import KeyPair, KeyRing
from holdback_trust.policy import Action
from holdback_trust.statements import SignedCut, read_cut
from sqlalchemy import Connection, MetaData, Table, delete, insert, select

from holdback_servers.idempotency import idempotency_table, kept, once
from holdback_servers.jobs import Jobs, jobs_table
from holdback_servers.media_store import MediaStore
from holdback_servers.settings import Settings

log = logging.getLogger(__name__)
Cut = TypeVar("Cut", bound=CutFacts)


@dataclass(frozen=True)
class RoomTables:
    """What the door keeps in each room's own store."""

    idempotency: Table
    jobs: Table


def room_tables(metadata: MetaData) -> RoomTables:
    """Add the door's tables to a room's metadata."""
    return RoomTables(idempotency=idempotency_table(metadata), jobs=jobs_table(metadata))


@dataclass(frozen=True)
class Services:
    """What a room is given."""

    database: Database
    tables: RoomTables
    media: MediaStore
    clock: Clock
    new_id: NewId
    keys: KeyPair
    ring: KeyRing
    jobs: Jobs
    audit: AuditLog
    settings: Settings
    enforcement: Enforcement

    def as_known_now(self, cut: Cut) -> Cut:
        """A cut as it was told of, with what its bytes became since: of a closed story, of more value."""
        media = self.media
        return cut.model_copy(
            update={"story": media.story(cut.media) or cut.story, "tier": max(cut.tier, media.tier(cut.media))}
        )

    def follow_stories(self, tables: StoryTables, follow: "Follow") -> None:
        """Have what a room keeps belong to the closed stories of the bytes it is of, as they are whenever somebody
        looks: bytes may be closed or opened long after something was made of them."""
        self.database.listen(_StoriesOfBytes(self.media, tables, follow))


@dataclass(frozen=True)
class Call:
    """One call of a tool: who asks, under which idempotency key, and with which arguments, as JSON in one order."""

    caller: Caller
    key: str | None
    form: bytes
    tool: str
    services: Services

    def require(self, action: Action) -> None:
        """That the caller may do this as well, which the tool does only sometimes.

        Raises:
            Problem: of the decision's code, such as PERMISSION_DENIED, when not.
        """
        self.services.enforcement.judge(self.caller, action, {}).require()

    def knows(self, story: str | None) -> bool:
        """Whether the caller may know of what belongs to a closed story; always for what belongs to none."""
        return story is None or sight_of(self.services.enforcement, self.caller).knows(story)

    def read_cut(self, statement: str) -> SignedCut:
        """The cut that a cut statement tells of, with what its bytes became since: of a closed story, of more value.

        Raises:
            Problem: STATEMENT_INVALID; NOT_FOUND for a cut that the caller may not know of, whoever handed them the
                statement.
        """
        services = self.services
        cut = services.as_known_now(read_cut(statement, services.ring, services.clock()))
        if not self.knows(cut.story):
            raise Problem("NOT_FOUND", f"There is no cut {cut.media}.", "Pass the statement of a cut that is there.")
        return cut

    def require_reach(self, tier: int, what: str, *media: str) -> None:
        """That the caller may use material of a value tier, 1 to 3: cut, render, clear or publish it.

        Args:
            what: it is, for people, such as its title.
            media: the names of its bytes; what has come to be of a higher tier since its papers were signed counts so.

        Raises:
            Problem: PERMISSION_DENIED for an agent whose security level is too low for it.
        """
        tier = max([tier, *(self.services.media.tier(each) for each in media)])
        decision = self.services.enforcement.reaches(self.caller, tier)
        if not decision.allowed:
            raise Problem(
                "PERMISSION_DENIED",
                f"{what} is of value tier {tier}: {decision.reason}",
                "Let a person do this, or an agent of a higher security level; its facts may be read.",
                policy=decision.policy,
                tier=tier,
            )

    def once(self, connection: Connection, effect: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Do the effect in this transaction, or give what it gave when the key was used before.

        Raises:
            Problem: CONFLICT when the key was used for another request.
        """
        table, now = self.services.tables.idempotency, self.services.clock()
        return once(connection, table, key=self._key, request_sha256=self._request, now=now, effect=effect)

    def kept(self, connection: Connection) -> dict[str, Any] | None:
        """What the same call gave when its key was used before; what was true then need not be true now.

        Raises:
            Problem: CONFLICT when the key was used for another request.
        """
        if self._key is None:
            return None
        return kept(connection, self.services.tables.idempotency, key=self._key, request_sha256=self._request)

    @property
    def _key(self) -> str | None:
        return None if self.key is None else f"{self.caller.person}/{self.key}"

    @property
    def _request(self) -> str:
        return f"{self.tool}/{bytes_sha256(self.form)}"


Follow = Callable[[Connection, str], None]
"""Has what a room keeps of these bytes, which came to belong to another story, belong to it too."""


@dataclass(frozen=True)
class _StoriesOfBytes:
    """What the media store tells of closed stories, as news for a room's store."""

    media: MediaStore
    tables: StoryTables
    follow: Follow

    def told(self) -> int:
        return self.media.told()

    def hear(self, connection: Connection) -> None:
        heard = self.tables.heard
        place = connection.execute(select(heard.c.told)).scalar_one_or_none() or 0
        names, now = self.media.told_since(place)
        for name in names:
            put_into_story(connection, self.tables, name, self.media.story(name))
            self.follow(connection, name)
        if now != place:
            connection.execute(delete(heard))
            connection.execute(insert(heard).values(told=now))


def stories_of_cuts(connection: Connection, tables: StoryTables, cuts: Iterable[CutFacts]) -> frozenset[str]:
    """The closed stories that cuts belong to: each to that of its bytes, as the room has heard, or else as it was told
    of."""
    found: set[str] = set()
    for cut in cuts:
        told = () if cut.story is None else (cut.story,)
        found.update(stories_of(connection, tables, cut.media) or told)
    return frozenset(found)


def sight_of(enforcement: Enforcement, caller: Caller | None) -> Sight:
    """The eyes of a caller: closed stories that cannot be judged are not known."""
    if caller is None:
        return STRANGER

    def knows(story: str) -> bool:
        try:
            return enforcement.knows(caller, story)
        except Exception:
            log.exception("it could not be judged whether %s may know of a story", caller.text())
            return False

    def reaches(tier: int) -> bool:
        return enforcement.reaches(caller, tier).allowed

    return Sight(knows=knows, stories=caller.stories, reaches=reaches)


def open_services(
    database: Database,
    tables: RoomTables,
    *,
    settings: Settings,
    clock: Clock,
    new_id: NewId,
    keys: KeyPair,
    ring: KeyRing,
    audit: AuditLog,
    enforcement: Enforcement | None = None,
) -> Services:
    """Put together what a room is given, around its open store. The media store is the house's."""
    return Services(
        database=database,
        tables=tables,
        media=MediaStore(settings.home / "media"),
        clock=clock,
        new_id=new_id,
        keys=keys,
        ring=ring,
        jobs=Jobs(database, tables.jobs, clock, new_id),
        audit=audit,
        settings=settings,
        enforcement=enforcement or Enforcement(clock=clock),
    )
