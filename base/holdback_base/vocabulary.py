"""Words that every room shares: instants, windows, frames, timecode, territories, media, languages. Pure.

Sources: ISO 8601, SMPTE ST 12-1 (timecode), ISO 3166, BCP 47, and the agreements of `docs/architecture.md`.
"""

import functools
import json
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime
from fractions import Fraction
from importlib.resources import files
from typing import Annotated, Any, Self, cast

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainSerializer, StringConstraints, model_validator

from holdback_base.problem import Problem


class Noun(BaseModel):
    """A frozen value; unknown fields are an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


# --- instants and windows ------------------------------------------------------------------------------------------


def to_utc(moment: datetime) -> datetime:
    """The same instant in UTC.

    Raises ValueError for a time without an offset (whose time would it be?) and for one that UTC's calendar does not
    reach.
    """
    if moment.tzinfo is UTC:
        return moment
    if moment.tzinfo is None:
        raise ValueError(f"{moment.isoformat()} has no offset; write it as UTC with a Z")
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"{moment.isoformat()} is outside the years 1 to 9999 of UTC") from error


def instant_text(moment: datetime) -> str:
    """ISO 8601 with Z; microseconds only where there are any."""
    return _instant_text(to_utc(moment))


def new_instant_text(moment: datetime) -> str:
    """The same for an instant that is told once, such as the present one: it is not kept."""
    return _spelled(to_utc(moment))


@functools.lru_cache(maxsize=8192)
def _instant_text(moment: datetime) -> str:
    """An answer tells the same few instants hundreds of times. Only those in UTC may be kept by what they equal: of
    the two o'clocks when summer time ends, each equals the other."""
    return _spelled(moment)


def _spelled(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


Instant = Annotated[datetime, AfterValidator(to_utc), PlainSerializer(instant_text, return_type=str, when_used="json")]
"""A point in time, held in UTC, written with Z."""
Sha256 = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]
"""The name of some bytes: `sha256:` and 64 hex digits."""


class TimeRange(Noun):
    """Half-open `[start, end)`; an open end is absent. Raises ValueError when the end is not after the start."""

    start: Instant
    end: Instant | None = None

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> Self:
        if self.end is not None and self.end <= self.start:
            raise ValueError(f"the end {instant_text(self.end)} is not after the start {instant_text(self.start)}")
        return self

    def contains(self, moment: datetime) -> bool:
        """Whether the instant is in the range."""
        return self.start <= moment and (self.end is None or moment < self.end)

    def covers(self, other: "TimeRange") -> bool:
        """Whether all of the other range is in this one."""
        if other.start < self.start:
            return False
        return self.end is None or (other.end is not None and other.end <= self.end)

    def overlap(self, other: "TimeRange") -> "TimeRange | None":
        """What both share, if anything."""
        start = max(self.start, other.start)
        ends = [end for end in (self.end, other.end) if end is not None]
        end = min(ends) if ends else None
        return None if end is not None and end <= start else TimeRange(start=start, end=end)

    def text(self) -> str:
        """For people: `2026-11-24T19:00:00Z to 2026-12-24T00:00:00Z` or `... onwards`."""
        start = instant_text(self.start)
        return f"{start} onwards" if self.end is None else f"{start} to {instant_text(self.end)}"


def time_range(start: datetime, end: datetime | None = None) -> TimeRange:
    """A range, or Problem RANGE_INVALID naming both ends."""
    if end is not None and end <= start:
        raise Problem(
            "RANGE_INVALID",
            f"The end {instant_text(end)} is not after the start {instant_text(start)}.",
            "Give an end later than the start; ranges are half-open, the end itself is outside.",
        )
    return TimeRange(start=start, end=end)


def union(ranges: Iterable[TimeRange]) -> list[TimeRange]:
    """The same instants as disjoint ranges in order; touching ranges are joined."""
    joined: list[TimeRange] = []
    for each in sorted(ranges, key=lambda r: r.start):
        last = joined[-1] if joined else None
        if last is None or (last.end is not None and last.end < each.start):
            joined.append(each)
        elif last.end is not None and (each.end is None or each.end > last.end):
            joined[-1] = TimeRange(start=last.start, end=each.end)
    return joined


def intersection(left: Iterable[TimeRange], right: Iterable[TimeRange]) -> list[TimeRange]:
    """Instants that are in both."""
    others = list(right)
    return union(shared for a in left for b in others if (shared := a.overlap(b)) is not None)


def difference(left: Iterable[TimeRange], right: Iterable[TimeRange]) -> list[TimeRange]:
    """Instants of the left that are not in the right."""
    remaining = union(left)
    for cut in union(right):
        remaining = [piece for each in remaining for piece in _without(each, cut)]
    return remaining


def _without(whole: TimeRange, cut: TimeRange) -> Iterator[TimeRange]:
    if whole.overlap(cut) is None:
        yield whole
        return
    if whole.start < cut.start:
        yield TimeRange(start=whole.start, end=cut.start)
    if cut.end is not None and (whole.end is None or cut.end < whole.end):
        yield TimeRange(start=cut.end, end=whole.end)


# --- media time ----------------------------------------------------------------------------------------------------


class Rate(Noun):
    """Frames a second as a rational number: 24000/1001, 25/1."""

    num: int = Field(gt=0)
    den: int = Field(gt=0, default=1)

    @property
    def fraction(self) -> Fraction:
        """Frames a second."""
        return Fraction(self.num, self.den)

    @property
    def nominal(self) -> int:
        """The whole number that timecode counts in: 30 for 30000/1001."""
        return round(self.fraction)

    def seconds(self, frames: int) -> Fraction:
        """How long so many frames last, exactly."""
        return frames / self.fraction

    def text(self) -> str:
        """`24000/1001` or `25`."""
        return f"{self.num}/{self.den}" if self.den != 1 else str(self.num)


class Span(Noun):
    """Frames `[in_frame, out_frame)` of some media; at least one frame."""

    in_frame: int = Field(ge=0)
    out_frame: int = Field(gt=0)

    @model_validator(mode="after")
    def _holds_a_frame(self) -> Self:
        if self.out_frame <= self.in_frame:
            raise ValueError(f"out {self.out_frame} is not after in {self.in_frame}; out is exclusive")
        return self

    @property
    def frames(self) -> int:
        """How many frames."""
        return self.out_frame - self.in_frame

    def overlap(self, other: "Span") -> "Span | None":
        """The frames both share, if any."""
        start, end = max(self.in_frame, other.in_frame), min(self.out_frame, other.out_frame)
        return Span(in_frame=start, out_frame=end) if start < end else None


_TIMECODE = re.compile(r"(\d\d):(\d\d):(\d\d)([:;])(\d\d)")


def _dropped(rate: Rate) -> int:
    """How many frame numbers each minute skips, but for every tenth (ST 12-1)."""
    if rate.den != 1001 or rate.nominal not in (30, 60):
        raise Problem(
            "TIMECODE_INVALID",
            f"Drop-frame counting does not exist at {rate.text()} frames a second.",
            "Use `:` before the frames; drop-frame is for 30000/1001 and 60000/1001 only.",
        )
    return rate.nominal // 15


def frames_to_timecode(frame: int, rate: Rate, *, drop: bool = False) -> str:
    """The timecode of a frame counted from 00:00:00:00. Raises Problem for drop-frame at other rates."""
    nominal = rate.nominal
    if drop:
        skip = _dropped(rate)
        minute = nominal * 60 - skip
        tens, rest = divmod(frame, minute * 10 + skip)
        frame += skip * 9 * tens + (skip * ((rest - skip) // minute) if rest >= skip else 0)
    seconds, frames = divmod(frame, nominal)
    hours, minutes = seconds // 3600 % 24, seconds // 60 % 60
    return f"{hours:02}:{minutes:02}:{seconds % 60:02}{';' if drop else ':'}{frames:02}"


def timecode_to_frames(text: str, rate: Rate) -> int:
    """The frame that a timecode names, counted from 00:00:00:00; `;` before the frames means drop-frame.

    Raises:
        Problem: TIMECODE_INVALID for a code that does not exist, such as `00:01:00;00` (ST 12-1 skips it).
    """
    match = _TIMECODE.fullmatch(text)
    if match is None:
        raise Problem("TIMECODE_INVALID", f"{text!r} is not a timecode.", "Write HH:MM:SS:FF, or HH:MM:SS;FF.")
    hours, minutes, seconds, frames = (int(match.group(n)) for n in (1, 2, 3, 5))
    drop = match.group(4) == ";"
    nominal = rate.nominal
    skip = _dropped(rate) if drop else 0
    if (
        hours > 23
        or minutes > 59
        or seconds > 59
        or frames >= nominal
        or (drop and seconds == 0 and frames < skip and minutes % 10 != 0)
    ):
        raise Problem(
            "TIMECODE_INVALID",
            f"{text} does not exist at {rate.text()} frames a second.",
            "Check the fields; drop-frame skips the first numbers of each minute but the tenth.",
        )
    total_minutes = hours * 60 + minutes
    return (total_minutes * 60 + seconds) * nominal + frames - skip * (total_minutes - total_minutes // 10)


# --- territories ---------------------------------------------------------------------------------------------------

_MISTAKES = "UK=GB EN=GB ENG=GB ROI=IE EIRE=IE USA=US EL=GR GER=DE UAE=AE KSA=SA"
_COMMON_MISTAKES = {wrong: right for wrong, _, right in (each.partition("=") for each in _MISTAKES.split())}
_EXTRA = frozenset({"XK"})
"""User-assigned codes that real avails use: Kosovo."""
_MANY_MEANINGS = """
AFRICA AMERICAS APAC ASIA CEE CENTRAL_AMERICA EMEA EUROPE FRANCOPHONE IBERIA MENA NORTH_AMERICA OCEANIA ROW SCANDINAVIA
SOUTH_AMERICA SSA SUB_SAHARAN_AFRICA USCAN
"""
_OF_MANY_MEANINGS = frozenset(_MANY_MEANINGS.split())
"""What contracts call groups, each meaning something else by it."""
_MEMBER = re.compile(r"(?P<code>\S+)(?: from (?P<start>\S+))?(?: until (?P<end>\S+))?")


@functools.cache
def _data(name: str) -> Any:
    return json.loads(files("holdback_base").joinpath("data", name).read_text(encoding="utf-8"))


@functools.cache
def countries() -> frozenset[str]:
    """The ISO 3166-1 alpha-2 codes, and XK."""
    import pycountry

    return frozenset(country.alpha_2 for country in pycountry.countries) | _EXTRA


@functools.cache
def _subdivisions() -> frozenset[str]:
    import pycountry

    return frozenset(str(each.code) for each in pycountry.subdivisions)  # pyright: ignore


@functools.cache
def _groups() -> dict[str, tuple[tuple[str, date, date], ...]]:
    """Territory groups: each member with the days `[start, end)` on which it is one."""
    found: dict[str, tuple[tuple[str, date, date], ...]] = {}
    for name, group in _data("territory_groups.json").items():
        members = [match for each in group["members"] if (match := _MEMBER.fullmatch(each))]
        found[name] = tuple(
            (m["code"], date.fromisoformat(m["start"] or "0001-01-01"), date.fromisoformat(m["end"] or "9999-12-31"))
            for m in members
        )
    return found


def groups() -> tuple[str, ...]:
    """The names of all territory groups but WORLD."""
    return tuple(_groups())


def is_group(code: str) -> bool:
    """Whether the name is a territory group, such as EU or DACH."""
    return code in _groups()


@functools.cache
def group_members(name: str, on: date) -> frozenset[str]:
    """The members of a group on a day; `date.max` stands for today's and all days to come.

    Raises:
        Problem: TERRITORY_UNKNOWN.
    """
    if name not in _groups():
        raise Problem("TERRITORY_UNKNOWN", f"{name!r} is not a group.", f"Use one of {', '.join(_groups())}.")
    return frozenset(code for code, start, end in _groups()[name] if start <= on and (on < end or end == date.max))


def parse_territory(text: str) -> str:
    """One ISO 3166-1 or -2 code, in upper case.

    Raises:
        Problem: TERRITORY_UNKNOWN, with the code that was probably meant when there is one.
    """
    code = text.strip().upper()
    if code in countries() or ("-" in code and code in _subdivisions()):
        return code
    meant = _COMMON_MISTAKES.get(code) or _named(text.strip())
    raise Problem(
        "TERRITORY_UNKNOWN", f"{text!r} is not an ISO 3166 territory.", _cure(code, meant), given=text, meant=meant
    )


def _cure(code: str, meant: str | None) -> str:
    name = re.sub(r"[\s-]+", "_", code)
    if is_group(code):
        return f"{code} is a group of territories; name its members or use it where groups are allowed."
    if is_group(name) or name == "WORLD":
        return f"Did you mean the group {name}?"
    if name in _OF_MANY_MEANINGS:
        return f"Contracts mean different places by it; list their codes, or use groups: {', '.join(_groups())}, WORLD."
    return f"Did you mean {meant}?" if meant else "Use an ISO 3166 code, such as GB, DE or US-CA."


def _named(text: str) -> str | None:
    import pycountry

    try:
        return pycountry.countries.lookup(text).alpha_2
    except LookupError:
        return None


def expand_territories(codes: Iterable[str], on: date) -> frozenset[str]:
    """Countries and subdivisions named, with groups (EU, DACH, WORLD ...) replaced by their members on that date.

    Raises:
        Problem: TERRITORY_UNKNOWN.
    """
    return _expanded(codes, lambda name: group_members(name, on))


def expand_territories_ever(codes: Iterable[str]) -> frozenset[str]:
    """The same, with groups replaced by all that are or ever were members. Raises Problem TERRITORY_UNKNOWN."""
    return _expanded(codes, lambda name: frozenset(code for code, _, _ in _groups()[name]))


def expand_territories_always(codes: Iterable[str]) -> frozenset[str]:
    """The same, with groups replaced by those that were members all along. Raises Problem TERRITORY_UNKNOWN."""
    always = (date.min, date.max)
    return _expanded(codes, lambda name: frozenset(code for code, *days in _groups()[name] if tuple(days) == always))


def _expanded(codes: Iterable[str], members: Callable[[str], frozenset[str]]) -> frozenset[str]:
    named: set[str] = set()
    for text in codes:
        code = text.strip().upper()
        if code == "WORLD":
            named |= countries()
        elif is_group(code):
            named |= members(code)
        else:
            named.add(parse_territory(text))
    return frozenset(named)


@functools.cache
def groups_with(code: str) -> tuple[str, ...]:
    """The groups that the territory is, was or will be a member of; WORLD is none of them."""
    return tuple(name for name, members in _groups().items() if any(each == code for each, _, _ in members))


def membership_since(names: Iterable[str], on: date) -> date:
    """The earliest day since when these groups have had the members that they have on that day; other names count for
    nothing."""
    changes = (day for name in names for _, start, end in _groups().get(name, ()) for day in (start, end))
    return max((day for day in changes if day <= on and day != date.max), default=date.min)


def territory_within(code: str, places: frozenset[str]) -> bool:
    """Whether a place, or the country it is a subdivision of, is among expanded places."""
    return code in places or code.split("-")[0] in places


# --- media and languages -------------------------------------------------------------------------------------------


@functools.cache
def media_tree() -> dict[str, str]:
    """Every node of the media tree, `all` first, with its name for people; a node's parent is what stands before its
    last dot, and `all` stands above the top ones."""
    return _data("media_tree.json")


def parse_medium(text: str) -> str:
    """A node of the media tree. Raises Problem MEDIUM_UNKNOWN with near nodes."""
    node = text.strip().lower()
    if node in media_tree():
        return node
    near = [each for each in media_tree() if each.split(".")[-1] == node.split(".")[-1]]
    hint = f"Did you mean {near[0]}?" if near else "Use a node such as social.youtube, linear or vod.svod."
    raise Problem("MEDIUM_UNKNOWN", f"{text!r} is not in the media tree.", hint, given=text)


def medium_within(node: str, ancestor: str) -> bool:
    """Whether the node is the ancestor or lies below it; `all` holds everything."""
    return ancestor in ("all", node) or node.startswith(ancestor + ".")


_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z]{4})?(-([A-Za-z]{2}|\d{3}))?(-[A-Za-z0-9]{5,8})*")


_WITHDRAWN_CODES = {"iw": "he", "in": "id", "ji": "yi", "mo": "ro"}
_PRIVATE_CODE = re.compile(r"q[a-t][a-z]")


@functools.cache
def _languages() -> dict[str, str]:
    """ISO 639 codes, each with the shortest for its language, which is the one that BCP 47 uses."""
    import pycountry

    found = dict(_WITHDRAWN_CODES)
    for each in cast(Iterable[object], pycountry.languages):
        names = [getattr(each, name, None) for name in ("alpha_2", "alpha_3", "bibliographic")]
        codes = [str(code) for code in names if code]
        found.update(dict.fromkeys(codes, codes[0]))
    return found


@functools.lru_cache(maxsize=4096)
def parse_language(text: str) -> str:
    """A BCP 47 tag in its usual case (`de`, `es-419`, `zh-Hant-TW`), with the shortest ISO 639 code: `ger` is `de`.

    Raises Problem LANGUAGE_UNKNOWN for what is no tag, and for a language or a country that does not exist.
    """
    if _LANGUAGE.fullmatch(text.strip()) is None:
        raise Problem("LANGUAGE_UNKNOWN", f"{text!r} is not a BCP 47 tag.", "Write it as de, en-GB or es-419.")
    first, *rest = text.strip().split("-")
    code = _languages().get(first.lower()) or (first.lower() if _PRIVATE_CODE.fullmatch(first.lower()) else None)
    if code is None:
        raise Problem("LANGUAGE_UNKNOWN", f"{text!r}: no language has the code {first}.", "Use an ISO 639 code, as de.")
    cased = [part.upper() if len(part) == 2 else part.title() if len(part) == 4 else part for part in rest]
    if wrong := next((part for part in cased if len(part) == 2 and part not in countries()), None):
        meant = _COMMON_MISTAKES.get(wrong)
        cure = f"Did you mean {code}-{meant}?" if meant else "Use an ISO 3166 code, as en-GB."
        raise Problem("LANGUAGE_UNKNOWN", f"{text!r}: no country has the code {wrong}.", cure)
    return "-".join([code, *cased])
