"""The nouns of the schedule: publications, holds and what happened to them. Pure."""

from datetime import datetime, timedelta
from typing import Annotated, Literal, Self

from holdback_base.vocabulary import Instant, Noun, Sha256, TimeRange, territory_within, time_range, union
from pydantic import Field, StringConstraints, model_validator

State = Literal["proposed", "held", "approved", "scheduled", "live", "expired", "taken_down", "failed", "cancelled"]

OCCUPYING: frozenset[State] = frozenset({"held", "approved", "scheduled", "live", "expired", "taken_down"})
"""States that take up room on a channel; what has been up still counts for caps and separation."""


Named = Annotated[str, StringConstraints(strip_whitespace=True)]
"""A title or a sponsor: what is kept apart by it must not differ by a blank that nobody sees."""
_NEVER = timedelta()


class Availability(Noun):
    """Territories in which a publication can be seen from `start` until `end`; an open end is absent.

    Raises Problem RANGE_INVALID when the end is not after the start.
    """

    territories: tuple[str, ...] = Field(min_length=1)
    start: Instant
    end: Instant | None = None

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> Self:
        time_range(self.start, self.end)
        return self

    @property
    def window(self) -> TimeRange:
        """`[start, end)`."""
        return TimeRange(start=self.start, end=self.end)

    def text(self) -> str:
        """`DE, GB 2026-11-24T19:00:00Z to ...`."""
        return f"{', '.join(self.territories)} {self.window.text()}"


def windows_of(pieces: tuple[Availability, ...]) -> dict[str, list[TimeRange]]:
    """When each territory sees it: disjoint windows in order, by the territories' codes."""
    windows: dict[str, list[TimeRange]] = {}
    for piece in pieces:
        for territory in piece.territories:
            windows.setdefault(territory, []).append(piece.window)
    return {territory: union(windows[territory]) for territory in sorted(windows)}


def arranged(pieces: tuple[Availability, ...]) -> tuple[Availability, ...]:
    """The same availability in one form: touching windows joined, territories with equal windows together, in order."""
    together: dict[tuple[datetime, datetime | None], list[str]] = {}
    for territory, windows in windows_of(pieces).items():
        for window in windows:
            together.setdefault((window.start, window.end), []).append(territory)
    made = [Availability(territories=tuple(t), start=start, end=end) for (start, end), t in together.items()]
    return tuple(sorted(made, key=lambda piece: (piece.start, piece.territories)))


def extends(approved: tuple[Availability, ...], after: tuple[Availability, ...]) -> tuple[str, ...]:
    """The territories that would see more than was approved: new ones, and those with more time on show in all.

    An open end is longer than any other. What merely moves, or shrinks, extends nothing. A part of a country counts as
    approved as long as the country is.
    """
    given, wanted = _time_on_show(approved), _time_on_show(after)
    return tuple(
        territory
        for territory, long in sorted(wanted.items())
        if long > max((given[each] for each in given if territory_within(territory, frozenset({each}))), default=_NEVER)
    )


def _time_on_show(pieces: tuple[Availability, ...]) -> dict[str, timedelta]:
    found: dict[str, timedelta] = {}
    for territory, windows in windows_of(pieces).items():
        lengths = [each.end - each.start for each in windows if each.end is not None]
        found[territory] = sum(lengths, timedelta()) if len(lengths) == len(windows) else timedelta.max
    return found


class SecondaryEvent(Noun):
    """Something that goes out over or beside a transmission: a logo, a crawl, a rating card.

    `offset_seconds` counts from the start of the publication, or before its end when it is negative.
    """

    kind: Literal["logo", "crawl", "rating", "caption", "sponsor", "other"]
    offset_seconds: int = Field(default=0, ge=-24 * 3600, le=24 * 3600)
    duration_seconds: int | None = Field(default=None, ge=1, le=24 * 3600)
    text: str = Field(default="", max_length=300)


class CaptionFile(Noun):
    """Captions that are delivered with a publication: a stored file in the language (BCP 47)."""

    language: str = Field(min_length=2, max_length=35)
    media: Sha256


class Details(Noun):
    """What else is known of a publication.

    `priority` runs from 0 to 100; what is higher may displace what is lower. `sponsor` is the category in which
    sponsors compete, such as `cars`. A `follow` start begins when the publication that it `follows`, on the same linear
    channel, ends (SMPTE ST 2021 StartModeType); a `fixed` one at its own time. `duration_seconds` is the length of the
    media.
    """

    priority: int = Field(default=50, ge=0, le=100)
    sponsor: Named = Field(default="", max_length=60)
    start_mode: Literal["fixed", "follow"] = "fixed"
    follows: str | None = Field(default=None, max_length=60)
    secondary: tuple[SecondaryEvent, ...] = Field(default=(), max_length=50)
    duration_seconds: int | None = Field(default=None, ge=1, le=24 * 3600)
    description: str = Field(default="", max_length=5000)
    captions: tuple[CaptionFile, ...] = Field(default=(), max_length=50)

    @model_validator(mode="after")
    def _follows_something(self) -> Self:
        if (self.start_mode == "follow") != (self.follows is not None):
            raise ValueError("a follow start names the publication that it follows, a fixed one names none")
        return self


class HistoryRow(Noun):
    """One change of a publication: what it became, who did it, for whom, and why."""

    at: Instant
    state: State
    by: str
    on_behalf_of: str
    why: str


class Publication(Noun):
    """A title on a channel from `start`; in each territory as long as `availability` says.

    `start` is the earliest of the availability and `end` the latest, absent when one is open. `media` names the exact
    bytes; what was taken over from another system's grid has none, and is never committed or delivered. `expires` is
    when a hold lapses. `locked` items are changed by nobody silently. `approved_for` is the availability that a person
    approved: it may shrink and move without asking again, never grow. `story` is the closed story that it belongs to.
    """

    id: str
    channel: str
    platform: str
    title: Named
    media: Sha256 | None = None
    asset: str | None = None
    availability: tuple[Availability, ...]
    start: Instant
    end: Instant | None = None
    after_watershed: bool = False
    state: State
    hold: str | None = None
    expires: Instant | None = None
    clearance: str | None = None
    approval: str | None = None
    by: str
    on_behalf_of: str
    reasons: tuple[str, ...] = ()
    locked: bool = False
    details: Details = Details()
    story: str | None = Field(default=None, max_length=60)
    approved_for: tuple[Availability, ...] = ()
    history: tuple[HistoryRow, ...] = ()

    @property
    def territories(self) -> tuple[str, ...]:
        """Everywhere it will be seen at some time."""
        return tuple(sorted({territory for piece in self.availability for territory in piece.territories}))

    def lapsed(self, now: datetime) -> bool:
        """Whether it is a hold whose time is over."""
        return self.state == "held" and self.expires is not None and self.expires <= now


class Hold(Noun):
    """A slot kept free for somebody until `expires`."""

    id: str
    publication: Publication
    expires: Instant


def availability_bounds(pieces: tuple[Availability, ...]) -> tuple[datetime, datetime | None]:
    """The earliest start, and the latest end or None when one is open."""
    ends = [piece.end for piece in pieces]
    latest = None if None in ends else max(end for end in ends if end is not None)
    return min(piece.start for piece in pieces), latest
