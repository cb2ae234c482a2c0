"""What the rights room keeps: contracts, the rights in them, and the conditions on those rights. Pure.

A right says who may do what with an element (`ref`), where, on which media, when. Words follow MovieLabs Avails
(LicenseType, Territory, TerritoryExcluded, Start, End, AllowedLanguage) and ODRL (permission, prohibition, duty).
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from holdback_base.elements import ElementKind, is_ref
from holdback_base.problem import Problem
from holdback_base.vocabulary import (
    Instant,
    Noun,
    expand_territories,
    instant_text,
    is_group,
    parse_language,
    parse_medium,
    parse_territory,
)
from pydantic import Field

Direction = Literal["in", "out"]
ContractStatus = Literal["draft", "pending", "active", "rejected", "inactive"]
RightKind = Literal["grant", "licence_out", "holdback", "blackout", "embargo"]
Purpose = Literal["editorial", "news", "promotion", "advertising", "training"]
ConditionType = Literal["blur", "mute", "replace_music", "credit", "disclaimer", "age_gate", "approval"]

Key = Annotated[str, Field(max_length=200)]
Words = Annotated[str, Field(max_length=4000)]


class Condition(Noun):
    """What a grant asks for in return: a duty in ODRL.

    `text` is what a credit or disclaimer must contain, otherwise words for people; `min_seconds` is how long it must
    stand in all; `ref` is the element to treat when it is not the granted one (a film that asks for a logo's blur).
    """

    type: ConditionType
    text: Words = ""
    min_seconds: int | None = Field(default=None, ge=0, le=86_400)
    ref: Key | None = None


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
    WORLD ...); a group means its members on `groups_on`, else on the day the right begins. The window is half-open
    `[start, end)`, or contract days `first_day` to `last_day`, both included, in the contract's zone; an absent end is
    open. `purposes` and `languages` narrow it; empty means any, but `training` must always be named.
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
    exclusive: bool = False
    purposes: tuple[Purpose, ...] = ()
    languages: tuple[Key, ...] = ()
    derivative_allowed: bool = True
    max_duration_seconds: int | None = Field(default=None, ge=0)
    conditions: tuple[Condition, ...] = ()
    clause: Words = ""
    source: Words = ""


class Right(RightTerms):
    """A right on record, with its window worked out: `start` and `end` are always the instants that count."""

    id: str
    contract: str
    external_key: str | None = None

    def places(self) -> tuple[frozenset[str], frozenset[str]]:
        """Countries and subdivisions it names, and those it takes out, with dated groups replaced by members."""
        on = self.groups_on or (self.start.date() if self.start else date.max)
        return expand_territories(self.territories, on), expand_territories(self.excluded_territories, on)


def contract_on_record(contract_id: str, terms: ContractTerms, external_key: str | None = None) -> Contract:
    """The contract to keep. Raises Problem INVALID_ARGUMENT for a time zone that does not exist."""
    _zone(terms.time_zone)
    return Contract.model_validate(
        {**terms.model_dump(include=set(ContractTerms.model_fields)), "id": contract_id, "external_key": external_key}
    )


def right_on_record(right_id: str, terms: RightTerms, contract: Contract, external_key: str | None = None) -> Right:
    """The right to keep: codes in their usual case, contract days turned into instants.

    Raises:
        Problem: INVALID_ARGUMENT, TERRITORY_UNKNOWN, MEDIUM_UNKNOWN, LANGUAGE_UNKNOWN or RANGE_INVALID, each naming the
            place and the cure.
    """
    _check_shape(terms, contract)
    start, end = _window(terms, contract.time_zone)
    shape = terms.model_dump(include=set(RightTerms.model_fields)) | {
        "id": right_id,
        "contract": contract.id,
        "external_key": external_key,
        "element_kinds": sorted(set(terms.element_kinds)),
        "media": sorted({parse_medium(each) for each in terms.media}),
        "territories": _codes(terms.territories),
        "excluded_territories": _codes(terms.excluded_territories),
        "languages": sorted({parse_language(each) for each in terms.languages}),
        "purposes": sorted(set(terms.purposes)),
        "start": start,
        "end": end,
    }
    if shape["groups_on"] is None and terms.first_day is not None:
        shape["groups_on"] = terms.first_day
    return Right.model_validate(shape)


def terms_of(right: Right) -> RightTerms:
    """What somebody recorded, without what was worked out from contract days: for a contract whose zone changes."""
    worked_out = {"start"} if right.first_day else set[str]()
    worked_out |= {"end"} if right.last_day else set()
    return RightTerms.model_validate(right.model_dump(include=set(RightTerms.model_fields) - worked_out))


def day_start(day: date, time_zone: str) -> datetime:
    """The instant a contract day begins in its zone. Where clocks jump over midnight it is the instant of the jump."""
    return datetime(day.year, day.month, day.day, tzinfo=_zone(time_zone)).astimezone(UTC)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise Problem(
            "INVALID_ARGUMENT", f"time_zone {name!r} is not an IANA zone.", "Use a name such as Europe/Berlin or UTC."
        ) from error


def _codes(texts: Sequence[str]) -> list[str]:
    upper = (text.strip().upper() for text in texts)
    return sorted({code if code == "WORLD" or is_group(code) else parse_territory(code) for code in upper})


def _window(terms: RightTerms, time_zone: str) -> tuple[datetime | None, datetime | None]:
    if (terms.start and terms.first_day) or (terms.end and terms.last_day):
        raise Problem(
            "INVALID_ARGUMENT",
            f"The right for {terms.ref} gives both an instant and a contract day for one end of its window.",
            "Give start or first_day, and end or last_day.",
        )
    try:
        start = day_start(terms.first_day, time_zone) if terms.first_day else terms.start
        end = day_start(terms.last_day + timedelta(days=1), time_zone) if terms.last_day else terms.end
    except OverflowError as error:
        raise Problem(
            "RANGE_INVALID", f"A day of the right for {terms.ref} is out of range.", "Leave an open end out."
        ) from error
    if start and end and end <= start:
        raise Problem(
            "RANGE_INVALID",
            f"The right for {terms.ref} ends {instant_text(end)}, not after its start {instant_text(start)}.",
            "Give an end later than the start; last_day is included, end is not.",
        )
    return start, end


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
    if terms.kind in ("grant", "licence_out") and terms.start is None and terms.first_day is None:
        raise Problem("INVALID_ARGUMENT", f"The {terms.kind} for {terms.ref} has no start.", "Give start or first_day.")
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


def _contradiction(terms: RightTerms, what: str) -> Problem:
    return Problem(
        "INVALID_ARGUMENT", f"The right for {terms.ref} is {what}.", "Set the contract's direction or the right's kind."
    )
