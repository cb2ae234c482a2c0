"""What a plan of changes is made from, and the changes themselves as they are written down. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property

from holdback_servers.schedule.broadcast_time import local_text
from holdback_servers.schedule.change_nouns import Action, Change
from holdback_servers.schedule.channel import Channel
from holdback_servers.schedule.cleared import ClearedCell
from holdback_servers.schedule.constraints import Books
from holdback_servers.schedule.impact.remaining import (
    Windows,
    cleared_windows,
    movable,
    on_air,
    own_windows,
    what_is_lost,
)
from holdback_servers.schedule.model import Availability, Publication

WITHIN = timedelta(days=14)
"""How much farther than to the nearest possible start anything is moved."""


@dataclass(frozen=True)
class World:
    """The schedule that an event meets.

    `publications` are all that the event can touch and all that follow them; `books` hold, for each of their channels,
    what is on it as far as anything may be moved. `cleared` is what the kept clearance of a publication opens, where it
    can be read.
    """

    books: Mapping[str, Books]
    publications: Mapping[str, Publication]
    now: datetime
    cleared: Mapping[str, tuple[ClearedCell, ...]] = field(default_factory=dict[str, tuple[ClearedCell, ...]])
    within: timedelta = WITHIN

    def channel(self, publication: Publication) -> Channel:
        """The channel that it is on."""
        return self.books[publication.channel].channel

    @cached_property
    def _followers(self) -> Mapping[str, list[Publication]]:
        found: dict[str, list[Publication]] = {}
        for each in sorted(self.publications.values(), key=lambda each: (each.start, each.id)):
            if each.details.follows is not None:
                found.setdefault(each.details.follows, []).append(each)
        return found

    def followers(self, publication: Publication) -> list[Publication]:
        """What starts at its end because it ends then, and has not begun."""
        waiting = ("held", "approved", "scheduled")
        found = self._followers.get(publication.id, ())
        return [each for each in found if each.state in waiting and not on_air(each, self.now)]

    def moving_along(self, publication: Publication) -> Iterator[Publication]:
        """Everything movable that follows it, and what follows that."""
        for each in self.followers(publication):
            if movable(each, self.now):
                yield each
                yield from self.moving_along(each)

    def windows(self, publication: Publication) -> Windows | None:
        """When it is cleared, as far as is known: by its kept clearance, or else when it is to be on show now.

        A transmission that is only held is cleared when it is committed; until then nothing is known, and None.
        """
        channel, cells = self.channel(publication), self.cleared.get(publication.id)
        if cells is not None:
            return cleared_windows(channel, publication, cells)
        if publication.state == "held" and channel.kind == "linear":
            return None
        return own_windows(publication)


def changed(
    world: World,
    publication: Publication,
    action: Action,
    after: tuple[Availability, ...],
    *reasons: str,
    needs_person: bool = False,
    fixes_start: bool = False,
) -> Change:
    """The change of a publication: what it loses is told after the reasons, and when it must be ordered down."""
    channel = world.channel(publication)
    lost, ends = what_is_lost(channel, publication.availability, after) if action != "move" else ((), None)
    due = None
    if action == "take_down":
        due = world.now
    elif action == "shorten" and ends is not None:
        due = max(world.now, ends - timedelta(minutes=channel.takedown_lead_minutes))
    shift = min(piece.start for piece in after) - publication.start if action in ("move", "extend") else timedelta()
    return Change(
        publication=publication.id,
        channel=publication.channel,
        title=publication.title,
        state=publication.state,
        action=action,
        before=publication.availability,
        after=after,
        due=due,
        moved_seconds=int(shift.total_seconds()),
        fixes_start=fixes_start,
        needs_person=needs_person,
        reasons=(*reasons, *(lost if action == "shorten" else ())),
    )


def start_text(channel: Channel, start: datetime) -> str:
    """A start on the channel's own clocks."""
    return local_text(start, channel.zone)
