"""What the rights room keeps: contracts, the rights in them, and the conditions on those rights. Pure.

A right says who may do what with an element (`ref`), where, on which media, when. Words follow MovieLabs Avails
(LicenseType, Territory, TerritoryExcluded, Start, End, AllowedLanguage) and ODRL (permission, prohibition, duty).
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Annotated, Any, Literal

from holdback_base.elements import ElementKind, is_ref
from holdback_base.problem import Problem
from holdback_base.vocabulary import (
    Instant,
    Noun,
    Sha256,
    expand_territories,
    expand_territories_always,
    expand_territories_ever,
    instant_text,
    is_group,
    parse_medium,
    parse_territory,
)
from pydantic import Field

from holdback_servers.rights.moments import Event, EventLag, Key, check_lag, day_of, day_start, moment, zone_of
from holdback_servers.rights.tongues import parse_tongue

Direction = Literal["in", "out"]
ContractStatus = Literal["draft", "pending", "active", "rejected", "inactive"]
RightKind = Literal["grant", "licence_out", "holdback", "blackout", "embargo"]
Purpose = Literal["editorial", "news", "promotion", "advertising", "training"]
ConditionType = Literal["blur", "mute", "replace_music", "credit", "disclaimer", "age_gate", "geo_block", "approval"]
LicenceType = Literal["EST", "POEST", "VOD", "SVOD", "AVOD", "FVOD", "Library", "Pre-Release"]
"""LicenseType of MovieLabs Avails, where a right came from one; `media` says what counts."""

Words = Annotated[str, Field(max_length=4000)]


class Condition(Noun):
    """What a grant asks for in return: a duty in ODRL.

    `text` is what a credit or disclaimer must contain, otherwise words for people; `min_seconds` is how long it must
    stand at a stretch; `ref` is the element to treat when it is not the granted one (a film that asks for a logo's
    blur).
    An age gate and a geo-block are kept where it is delivered: whoever asks undertakes them. An approval is given for
    exact bytes: `approved` names the cuts that the licensor has approved, by sha256.
    """

    type: ConditionType
    text: Words = ""
    min_seconds: int | None = Field(default=None, ge=0, le=86_400)
    ref: Key | None = None
    approved: tuple[Sha256, ...] = Field(default=(), max_length=1000)


class Reruns(Noun):
    """So many repeats within so many hours of a run count as that run."""

    repeats: int = Field(ge=1, le=1000)
    hours: int = Field(ge=1, le=24 * 366)


class ContractTerms(Noun):
    """A contract as somebody records it. Only an active one counts. `time_zone` is the IANA zone of its days."""

    counterparty: Key = Field(min_length=1)
    direction: Direction
    status: ContractStatus
    title: Key = ""
    note: Words = ""
    time_zone: Key = "UTC"


class Contract(ContractTerms):
    """A contract on record."""

    id: str
    external_key: str | None = None


class RightTerms(Noun):
    """A right as somebody records it.

    `element_kinds` narrows it (music: `music_master`, `music_publishing`); empty means every kind of the element.
    `media` are nodes of the media tree, each with all below it. Territories are ISO 3166 codes or groups (EU, UKI,
    WORLD ...); a group means its members on `groups_on`, else on the day the right begins. A restriction without either
    bars all that ever were members, and of what it takes out spares those that always were. The window is half-open
    `[start, end)`, or contract days `first_day` to `last_day`, both included, in the contract's zone, or moments that
    hang on an event of the same reference; an absent end is open. `purposes` and `languages` narrow it; empty means
    any, but `training` must always be named, and promotion only is `("promotion",)`. A language may name its use:
    `subtitle:de`.

    Limits of a grant: `max_runs` in all, with `reruns` that are not counted; `window_max_days` that one use may stay up
    (24 hours each); `max_duration_seconds` that the element may last in a cut, and `max_excerpt_percent` of the
    `work_seconds` that the work lasts. `exclusive` is said of a grant or a licence out. `carried` are fields of the
    format it came from that decide nothing here, kept for the way back.
    """

    ref: Key
    kind: RightKind
    element_kinds: tuple[ElementKind, ...] = ()
    media: tuple[Key, ...] = Field(min_length=1)
    territories: tuple[Key, ...] = Field(min_length=1)
    excluded_territories: tuple[Key, ...] = ()
    groups_on: date | None = None
    start: Instant | None = None
    end: Instant | None = None
    first_day: date | None = None
    last_day: date | None = None
    start_event: EventLag | None = None
    end_event: EventLag | None = None
    exclusive: bool = False
    purposes: tuple[Purpose, ...] = ()
    languages: tuple[Key, ...] = ()
    derivative_allowed: bool = True
    max_duration_seconds: int | None = Field(default=None, ge=0)
    max_excerpt_percent: int | None = Field(default=None, ge=1, le=100)
    work_seconds: int | None = Field(default=None, ge=1)
    max_runs: int | None = Field(default=None, ge=0)
    reruns: Reruns | None = None
    window_max_days: int | None = Field(default=None, ge=1, le=36_600)
    licence_type: LicenceType | None = None
    conditions: tuple[Condition, ...] = ()
    clause: Words = ""
    source: Words = ""
    carried: tuple[tuple[Key, Words], ...] = Field(default=(), max_length=200)


class Right(RightTerms):
    """A right on record, with its window worked out: `start` and `end` are the instants that count. Where an event has
    put the end before the start, or on it, the window is empty: the right speaks at no time.

    `unresolved` are the events that an end of the window hangs on and that nobody has recorded: that end is absent, and
    not open. `groups_follow` says that nobody gave `groups_on`: it was worked out from the start, whose day in the
    contract's zone is another than in UTC.
    """

    id: str
    contract: str
    external_key: str | None = None
    unresolved: tuple[str, ...] = ()
    groups_follow: bool = False

    def longest_seconds(self) -> int | None:
        """How long the element may last in a cut: the smaller of the limit in seconds and the share of the work."""
        limits = [self.max_duration_seconds]
        if self.max_excerpt_percent is not None and self.work_seconds is not None:
            limits.append(self.work_seconds * self.max_excerpt_percent // 100)
        return min((each for each in limits if each is not None), default=None)

    def places(self) -> tuple[frozenset[str], frozenset[str]]:
        """Countries and subdivisions it names, and those it takes out, with dated groups replaced by members."""
        return self.meant(self.territories), self.meant(self.excluded_territories, out=True)

    def meant(self, codes: Iterable[str], *, out: bool = False) -> frozenset[str]:
        """What some codes mean in it, with dated groups replaced by members; `out` of those that it takes out."""
        return meant(codes, groups_day(self), out=out)


def groups_day(right: Right) -> date | None:
    """The day on which its groups of territories are read; nothing for a restriction that no day is known of."""
    begins = right.groups_on or (right.start.date() if right.start else None)
    return begins or (date.max if right.kind == "grant" else None)


def meant(codes: Iterable[str], on: date | None, *, out: bool = False) -> frozenset[str]:
    """What codes mean in a right whose groups are read on that day. Without a day it is a restriction, which never
    gives: it names all that ever were members, and takes `out` only those that always were.

    Raises Problem TERRITORY_UNKNOWN.
    """
    if on is not None:
        return expand_territories(codes, on)
    return expand_territories_always(codes) if out else expand_territories_ever(codes)


def contract_on_record(contract_id: str, terms: ContractTerms, external_key: str | None = None) -> Contract:
    """The contract to keep. Raises Problem INVALID_ARGUMENT for a time zone that does not exist."""
    zone_of(terms.time_zone)
    return Contract.model_validate(
        {**terms.model_dump(include=set(ContractTerms.model_fields)), "id": contract_id, "external_key": external_key}
    )


def right_on_record(
    right_id: str,
    terms: RightTerms,
    contract: Contract,
    external_key: str | None = None,
    events: Mapping[str, Event] | None = None,
) -> Right:
    """The right to keep: codes in their usual case, contract days and known events turned into instants.

    Args:
        events: what is known to happen to the right's reference, by name.

    Raises:
        Problem: INVALID_ARGUMENT, TERRITORY_UNKNOWN, MEDIUM_UNKNOWN, LANGUAGE_UNKNOWN or RANGE_INVALID, each naming the
            place and the cure. A window that an event makes empty is no mistake: when it happens is nobody's choice.
    """
    _check_shape(terms, contract)
    start, end, unresolved = _window(terms, contract.time_zone, events or {})
    shape: dict[str, Any] = terms.__dict__ | {
        "id": right_id,
        "contract": contract.id,
        "external_key": external_key,
        "element_kinds": sorted(set(terms.element_kinds)),
        "media": _media(terms.media),
        "territories": _codes(terms.territories),
        "excluded_territories": _codes(terms.excluded_territories),
        "languages": sorted({parse_tongue(each) for each in terms.languages}),
        "purposes": sorted(set(terms.purposes)),
        "start": start,
        "end": end,
        "unresolved": unresolved,
    }
    if terms.groups_on is None and terms.first_day is not None:
        shape["groups_on"] = terms.first_day
    elif terms.groups_on is None and start is not None and _names_groups(terms):
        begins = day_of(start, contract.time_zone)
        shape |= {"groups_on": begins, "groups_follow": True} if begins != start.date() else {}
    return Right.model_validate(shape)


def check_places(right: Right) -> None:
    """Refuse a right that takes out all that it names: it would say nothing, and a restriction would seem to stand.

    Raises Problem INVALID_ARGUMENT.
    """
    if right.excluded_territories and _nowhere(right.territories, right.excluded_territories, groups_day(right)):
        raise Problem(
            "INVALID_ARGUMENT",
            f"The {right.kind} for {right.ref} takes out every territory that it names.",
            "Correct the territories or those taken out (excluded_territories), or leave the right out.",
        )


def terms_of(right: Right) -> RightTerms:
    """What somebody recorded, without what was worked out from days and events: for when a zone or an event changes."""
    worked_out = {"start"} if right.first_day or right.start_event else set[str]()
    worked_out |= {"end"} if right.last_day or right.end_event else set()
    worked_out |= {"groups_on"} if right.groups_follow else set()
    return RightTerms.model_validate(right.model_dump(include=set(RightTerms.model_fields) - worked_out))


@lru_cache(maxsize=4096)
def _codes(texts: tuple[str, ...]) -> tuple[str, ...]:
    upper = (text.strip().upper() for text in texts)
    return tuple(sorted({code if code == "WORLD" or is_group(code) else parse_territory(code) for code in upper}))


@lru_cache(maxsize=4096)
def _media(nodes: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted({parse_medium(each) for each in nodes}))


def _window(
    terms: RightTerms, time_zone: str, events: Mapping[str, Event]
) -> tuple[datetime | None, datetime | None, tuple[str, ...]]:
    for ways in ((terms.start, terms.first_day, terms.start_event), (terms.end, terms.last_day, terms.end_event)):
        if sum(each is not None for each in ways) > 1:
            raise Problem(
                "INVALID_ARGUMENT",
                f"The right for {terms.ref} gives one end of its window in two ways.",
                "Give start, first_day or start_event, and end, last_day or end_event.",
            )
    try:
        start = day_start(terms.first_day, time_zone) if terms.first_day else terms.start
        end = day_start(terms.last_day + timedelta(days=1), time_zone) if terms.last_day else terms.end
    except OverflowError as error:
        raise Problem(
            "RANGE_INVALID", f"A day of the right for {terms.ref} is out of range.", "Leave an open end out."
        ) from error
    start, end = (
        _counted(terms.start_event, start, time_zone, events),
        _counted(terms.end_event, end, time_zone, events),
    )
    outright = terms.start_event is None and terms.end_event is None
    if outright and start and end and end <= start:
        raise Problem(
            "RANGE_INVALID",
            f"The right for {terms.ref} ends {instant_text(end)}, not after its start {instant_text(start)}.",
            "Give an end later than the start; last_day is included, end is not.",
        )
    lags = (each for each in (terms.start_event, terms.end_event) if each is not None)
    return start, end, tuple(sorted({each.event for each in lags} - set(events)))


def _counted(
    lag: EventLag | None, otherwise: datetime | None, time_zone: str, events: Mapping[str, Event]
) -> datetime | None:
    if lag is None:
        return otherwise
    known = events.get(lag.event)
    check_lag(lag.lag)
    return None if known is None else moment(known, lag.lag, time_zone)


def _check_shape(terms: RightTerms, contract: Contract) -> None:
    refs = [terms.ref, *(condition.ref for condition in terms.conditions if condition.ref is not None)]
    for ref in refs:
        if not is_ref(ref):
            raise Problem("INVALID_ARGUMENT", f"ref {ref!r} is not an element reference.", "Write kind:name in lower "
                          "case, such as film:big-buck-bunny or music:meadow-waltz.")  # fmt: skip
    if terms.kind == "grant" and contract.direction != "in":
        raise _contradiction(terms, "a grant, which belongs to a contract of direction in")
    if terms.kind == "licence_out" and contract.direction != "out":
        raise _contradiction(terms, "a licence out, which belongs to a contract of direction out")
    begins = terms.start or terms.first_day or terms.start_event
    if terms.kind in ("grant", "licence_out") and begins is None:
        raise Problem(
            "INVALID_ARGUMENT",
            f"The {terms.kind} for {terms.ref} has no start.",
            "Give start, first_day or start_event.",
        )
    if (terms.max_excerpt_percent is None) != (terms.work_seconds is None):
        raise Problem(
            "INVALID_ARGUMENT",
            f"The right for {terms.ref} gives one of max_excerpt_percent and work_seconds.",
            "A share needs the length of the work: give both or neither.",
        )
    _check_limits(terms)
    if terms.conditions and terms.kind != "grant":
        raise Problem(
            "INVALID_ARGUMENT", f"The {terms.kind} for {terms.ref} has conditions.", "Put conditions on grants."
        )
    for condition in terms.conditions:
        if condition.type in ("credit", "disclaimer") and not condition.text.strip():
            raise Problem(
                "INVALID_ARGUMENT",
                f"A {condition.type} condition of the right for {terms.ref} has no text.",
                "Give the words that must be shown.",
            )


def _names_groups(terms: RightTerms) -> bool:
    return any(is_group(each.strip().upper()) for each in (*terms.territories, *terms.excluded_territories))


@lru_cache(maxsize=4096)
def _nowhere(included: tuple[str, ...], excluded: tuple[str, ...], on: date | None) -> bool:
    outside = meant(excluded, on, out=True)
    inside = meant(included, on)
    return all(each in outside or each.partition("-")[0] in outside for each in inside)


def _check_limits(terms: RightTerms) -> None:
    limits = ("max_duration_seconds", "max_excerpt_percent", "max_runs", "reruns", "window_max_days")
    named = [name for name in limits if getattr(terms, name) is not None]
    if named and terms.kind != "grant":
        raise Problem("INVALID_ARGUMENT", f"The {terms.kind} for {terms.ref} has {named[0]}.", "Put limits on grants.")
    if terms.reruns is not None and terms.max_runs is None:
        raise Problem(
            "INVALID_ARGUMENT",
            f"The right for {terms.ref} has reruns without max_runs.",
            "Say how many runs it gives, or leave reruns out.",
        )


def _contradiction(terms: RightTerms, what: str) -> Problem:
    return Problem(
        "INVALID_ARGUMENT", f"The right for {terms.ref} is {what}.", "Set the contract's direction or the right's kind."
    )
