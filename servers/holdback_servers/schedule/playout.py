"""What is on show where and when, and what a publisher must be told next. Pure.

All of it follows from the publication and from what its publisher has confirmed, never from an alarm that may be
missed: whoever asks late, twice or after a crash gets the right answer. Where it is not known whether a publisher did
what it was told, it may be on show, and that counts when something must come down.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from holdback_base.vocabulary import Instant, Noun, TimeRange, union

from holdback_servers.schedule.channel import Channel
from holdback_servers.schedule.model import Publication

OnShow = Mapping[str, datetime | None]
"""Territories with the instant at which each comes down; None when its end is open."""

LEASE = timedelta(seconds=30)
"""How long whoever tells a publisher something has it for himself, unless he renews it."""
STANDING_PAUSE = timedelta(seconds=15)
"""How long to wait before a clearance's issuer that did not answer is asked again."""
_FIRST_PAUSE = timedelta(seconds=5)
_LONGEST_PAUSE = timedelta(minutes=5)


class Receipt(Noun):
    """What a publisher was told and answered: the territories on show from then on, none when it was taken down."""

    revision: int
    at: Instant
    territories: tuple[str, ...]
    receipt: str


@dataclass(frozen=True)
class Showing:
    """What a channel's publisher has been told of a publication.

    `shown` is what it confirmed last; `sending` was begun as `revision` and is not confirmed. `attempts` counts how
    often that was begun, `failure` says how it failed the last time. `seen_at` is the latest instant by which something
    was told: a clock that goes back behind it undoes nothing.
    """

    publication: str
    revision: int = 0
    shown: OnShow = field(default_factory=dict[str, datetime | None])
    sending: OnShow | None = None
    attempts: int = 0
    lease_until: datetime | None = None
    seen_at: datetime | None = None
    next_at: datetime | None = None
    failure: str | None = None
    receipts: tuple[Receipt, ...] = ()

    @property
    def perhaps(self) -> OnShow:
        """All that may be on show, confirmed or not."""
        return {**self.shown, **(self.sending or {})}

    def latest(self, now: datetime) -> datetime:
        """Now, or the latest instant by which something was told when the clock has gone back behind it."""
        return now if self.seen_at is None else max(now, self.seen_at)


@dataclass(frozen=True)
class Telling:
    """What the publisher is told: from now on these territories. What is repeated keeps its revision."""

    revision: int
    on: OnShow


@dataclass(frozen=True)
class Waiting:
    """Something is owed, but not before `until`: somebody else is at it, or `standing` must be known first."""

    reason: Literal["busy", "standing"]
    until: datetime


def windows(publication: Publication, channel: Channel) -> dict[str, tuple[TimeRange, ...]]:
    """Territory by territory when it is on show: each window of the availability without the channel's lead at its end.

    Touching windows are one. A window no longer than the lead is none. A publication that is not scheduled or live, or
    stands on no clearance, or names no media, has none.
    """
    if publication.state not in ("scheduled", "live") or publication.clearance is None or publication.media is None:
        return {}
    given: dict[str, list[TimeRange]] = {}
    for piece in publication.availability:
        for territory in piece.territories:
            given.setdefault(territory, []).append(piece.window)
    lead = timedelta(minutes=channel.takedown_lead_minutes)
    whole = {territory: union(each) if len(each) > 1 else each for territory, each in given.items()}
    cut = {territory: tuple(_without_lead(each, lead)) for territory, each in whole.items()}
    return {territory: each for territory, each in cut.items() if each}


def on_show(publication: Publication, channel: Channel, at: datetime) -> dict[str, datetime | None]:
    """Where it is to be seen at an instant, and until when in each territory."""
    found = windows(publication, channel)
    return {territory: window.end for territory in sorted(found) for window in found[territory] if window.contains(at)}


def desired(publication: Publication, channel: Channel, at: datetime) -> tuple[str, ...]:
    """The territories in which it is to be seen at an instant, in order."""
    return tuple(on_show(publication, channel, at))


def next_change(publication: Publication, channel: Channel, after: datetime) -> datetime | None:
    """The first instant after this one at which it goes up or comes down somewhere; None when there is none."""
    found = windows(publication, channel)
    edges = {edge for each in found.values() for window in each for edge in (window.start, window.end)}
    return min((edge for edge in edges if edge is not None and edge > after), default=None)


def wanted(publication: Publication, channel: Channel, showing: Showing, now: datetime) -> dict[str, datetime | None]:
    """What is to be on show now, given what was told before.

    When the clock has gone back behind what was told, what is up stays up and what came down stays down. What is not
    known to be up goes up only when its window is open by both readings of the clock.
    """
    latest = showing.latest(now)
    on = on_show(publication, channel, latest)
    if latest == now:
        return on
    opened = on_show(publication, channel, now)
    return {t: end for t, end in on.items() if t in showing.shown or (t in opened and opened[t] == end)}


def owed(showing: Showing, target: OnShow) -> bool:
    """Whether the publisher must still be told something so that this is on show."""
    return showing.sending is not None or dict(showing.shown) != dict(target)


def grows(showing: Showing, target: OnShow) -> bool:
    """Whether telling it would put something up that is not known to be up."""
    return bool(target.keys() - showing.shown.keys())


def judge(showing: Showing, target: OnShow, *, may_grow: bool, now: datetime) -> Telling | Waiting | None:
    """What to tell the publisher now so that `target` is on show, or what to wait for; None when it is.

    Args:
        may_grow: whether the clearance was just seen to stand. Without, nothing is put up; what must come down comes
            down anyway.
    """
    if not owed(showing, target):
        return None
    falls = bool(showing.perhaps.keys() - target.keys())
    chosen = dict(target)
    if grows(showing, target):
        if not may_grow and not falls:
            return Waiting("standing", now + STANDING_PAUSE)
        if falls:  # what comes down does not wait for what goes up
            chosen = {t: end for t, end in target.items() if t in showing.shown}
    again = showing.sending is not None and dict(showing.sending) == chosen
    free = _free_at(showing, now)
    if free > now and (again or not falls):
        return Waiting("busy", free)
    return Telling(showing.revision if again else showing.revision + 1, chosen)


def is_over(publication: Publication, channel: Channel, showing: Showing, now: datetime) -> bool:
    """Whether a scheduled or live publication has nothing on show, now or ever again."""
    latest = showing.latest(now)
    rests = not showing.perhaps and not on_show(publication, channel, latest)
    return rests and next_change(publication, channel, latest) is None


def next_look(publication: Publication, channel: Channel, showing: Showing, now: datetime) -> datetime | None:
    """When the clock must look at the publication: now when something is owed or it is over; None for nothing more."""
    if owed(showing, wanted(publication, channel, showing, now)):
        return now
    if publication.state not in ("scheduled", "live") or publication.clearance is None or publication.media is None:
        return None
    return now if is_over(publication, channel, showing, now) else next_change(publication, channel, now)


def pause(attempts: int) -> timedelta:
    """How long to wait after so many failures in a row: 5 s, twice as long each time, 5 minutes at most."""
    return min(_FIRST_PAUSE * 2 ** min(max(attempts, 1) - 1, 20), _LONGEST_PAUSE)


def _without_lead(whole: list[TimeRange], lead: timedelta) -> list[TimeRange]:
    if not lead:
        return whole
    cut = [(each.start, None if each.end is None else each.end - lead) for each in whole]
    return [TimeRange(start=start, end=end) for start, end in cut if end is None or end > start]


def _free_at(showing: Showing, now: datetime) -> datetime:
    """When others may tell it: a lease that ends later than any lease can is one of before the clock went back."""
    if showing.lease_until is None or showing.lease_until <= now:
        return now
    return min(showing.lease_until, now + LEASE)
