"""From the fields of one Avails transaction to the terms of a right. Pure.

What decides (media, territories, window, languages, exclusivity) is worked out once for each distinct wording and then
only named anew for each work: a file repeats its wordings thousands of times.
"""

import re
from dataclasses import dataclass
from typing import Any, Final

from holdback_base.problem import Problem
from holdback_base.vocabulary import is_group, parse_language, parse_territory

from holdback_servers.rights.interchange.avails_windows import read_window
from holdback_servers.rights.interchange.avails_words import (
    FieldError,
    Fields,
    contract_status,
    licence,
    text_of,
    yes_or_no,
)
from holdback_servers.rights.model import Contract, ContractStatus, Right, RightTerms, right_on_record
from holdback_servers.rights.tongues import ANY_LANGUAGE

WORDED: Final = (
    "LicenseType",
    "Territory",
    "TerritoryExclusion",
    "AllowedLanguages",
    "HoldbackLanguage",
    "Exclusive",
    "ContractStatus",
    "TitleStatus",
)
"""The fields that a wording is made of."""
DATED: Final = ("Start", "StartLag", "End", "EndLag", "WindowDuration")
"""The fields that a window is made of."""
KEPT_ELSEWHERE: Final = frozenset({*WORDED, *DATED, "DisplayName", "EntryType"}) - {"ContractStatus", "TitleStatus"}
"""Fields that the terms, the contract or the key say already; all others are carried."""

_WORLD: Final = frozenset({"WORLD", "WORLDWIDE", "WW", "ZZ", "001"})
_USES: Final[dict[str, tuple[str, ...]]] = {
    "": ("",),
    "any": ("",),
    "audio": ("audio:",),
    "subtitle": ("subtitle:",),
    "subtitles": ("subtitle:",),
    "sub": ("subtitle:",),
    "dub": ("dub:",),
    "subdub": ("dub:", "subtitle:"),
}
"""AllowedLanguage and HoldbackLanguage `asset`: the uses of a language here."""
_SHAPE: Final = "film:shape"


@dataclass(frozen=True)
class Told:
    """What to tell about one field of a transaction."""

    field: str
    message: str
    hint: str = ""


@dataclass(frozen=True)
class Wording:
    """What one wording of the fields beside the window gives.

    `grant` and `holdback` are without a reference and a window; `grant` is absent when `faults` are told. `grouped`
    says that a territory is a group, whose members depend on the day it begins.
    """

    grant: RightTerms | None
    holdback: RightTerms | None
    status: ContractStatus
    grouped: bool
    faults: tuple[Told, ...]
    losses: tuple[Told, ...]


@dataclass(frozen=True)
class Dates:
    """What one wording of the window gives: fields of RightTerms, or a fault.

    `began` tells a start from others however it is spelled. `ended` says that the licensor takes the right back now
    (End is Immediate). `restricts` are the fields that a holdback has too.
    """

    terms: dict[str, Any]
    restricts: dict[str, Any]
    carried: tuple[tuple[str, str], ...]
    began: str
    ended: bool
    fault: Told | None
    losses: tuple[Told, ...]


def read_wording(fields: Fields) -> Wording:
    """The wording of these fields, with everything that is wrong in it, not only the first."""
    faults: list[Told] = []
    losses: list[Told] = []

    def attempt(read: Any, *arguments: Any) -> Any:
        try:
            return read(*arguments)
        except FieldError as error:
            faults.append(Told(error.field, error.message, error.hint))
            return None

    opens = attempt(licence, fields.get("LicenseType"))
    inside = attempt(_territories, fields, losses)
    allowed = attempt(read_tongues, "AllowedLanguages", text_of(fields.get("AllowedLanguages")))
    held = attempt(read_tongues, "HoldbackLanguage", text_of(fields.get("HoldbackLanguage")))
    exclusive = attempt(yes_or_no, "Exclusive", fields.get("Exclusive"))
    status = attempt(contract_status, fields) or "draft"
    if faults:
        return Wording(None, None, status, False, tuple(faults), tuple(losses))
    if opens[0] in ("Pre-Release", "Library"):
        losses.append(Told("LicenseType", f"LicenseType {opens[0]} is read as subscription VOD."))
    shape: dict[str, Any] = {"ref": _SHAPE, "media": opens[1], "territories": inside[0]}
    shape["excluded_territories"] = inside[1]
    grant = RightTerms(kind="grant", licence_type=opens[0], languages=allowed, exclusive=exclusive, **shape)
    holdback = RightTerms(kind="holdback", languages=held, **shape) if held else None
    grouped = any(is_group(each) for each in (*inside[0], *inside[1]))
    return Wording(grant, holdback, status, grouped, (), tuple(losses))


def read_dates(fields: Fields, time_zone: str) -> Dates:
    """The window of these fields, or what is wrong with it."""
    try:
        window = read_window(fields, time_zone)
        right = _right_of(window.terms, time_zone)
    except FieldError as error:
        return Dates({}, {}, (), "", False, Told(error.field, error.message, error.hint), ())
    terms = {**window.terms, "groups_on": right.groups_on}
    restricts = {name: value for name, value in terms.items() if name != "window_max_days"}
    began = right.first_day or right.start or (right.start_event.text() if right.start_event else "")
    losses = tuple(Told(field, text, "Correct it if it means something else.") for field, text in window.losses)
    return Dates(terms, restricts, tuple(window.carried.items()), str(began), window.ended, None, losses)


def _right_of(window: dict[str, Any], time_zone: str) -> Right:
    contract = Contract(id="ctr_shape", counterparty="x", direction="in", status="active", time_zone=time_zone)
    try:
        terms = RightTerms(ref=_SHAPE, kind="grant", media=("all",), territories=("WORLD",), **window)
        return right_on_record("rgt_shape", terms, contract)
    except Problem as problem:
        told = problem.message.replace(f"The right for {_SHAPE}", "The right")
        raise FieldError("End", told, problem.hint) from problem


def _territories(fields: Fields, losses: list[Told]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    inside = _codes("Territory", text_of(fields.get("Territory")))
    outside = _codes("TerritoryExclusion", text_of(fields.get("TerritoryExclusion")))
    if not inside and not outside:
        raise FieldError("Territory", "Territory is empty.", "Write ISO 3166 codes such as US, CA, or WORLD.")
    if not inside:
        losses.append(Told("TerritoryExclusion", "Only exclusions are given: read as the world without them."))
    if "WORLD" in outside:
        raise FieldError("TerritoryExclusion", "TerritoryExclusion is the world.", "Name what is left out.")
    return inside or ("WORLD",), outside


def _codes(field: str, text: str) -> tuple[str, ...]:
    found: set[str] = set()
    for each in filter(None, (part.strip().upper() for part in re.split(r"[,;\s]+", text))):
        try:
            found.add("WORLD" if each in _WORLD else each if is_group(each) else parse_territory(each))
        except Problem as problem:
            raise FieldError(field, problem.message, problem.hint) from problem
    return tuple(sorted(found))


def read_tongues(field: str, text: str) -> tuple[str, ...]:
    """Languages with their uses, of `es:subdub, fr` . Raises FieldError."""
    found: set[str] = set()
    for each in filter(None, re.split(r"[,;\s]+", text)):
        tag, _, asset = each.partition(":")
        if asset.lower() not in _USES:
            raise FieldError(
                field, f"{each!r} names the use {asset!r}.", "Write audio, subtitle, dub or subdub after the colon."
            )
        if tag.casefold() in ANY_LANGUAGE:
            raise FieldError(field, f"{tag!r} names no language.", "Leave the field empty, or name the languages.")
        if len(tag) > 60:
            raise FieldError(
                field, f"{tag[:60]}... is too long for a language tag.", "Write it as de, en-GB or es-419."
            )
        try:
            found |= {f"{use}{parse_language(tag)}" for use in _USES[asset.lower()]}
        except Problem as problem:
            raise FieldError(field, problem.message, problem.hint) from problem
    return tuple(sorted(found))


def say_tongues(tongues: tuple[str, ...]) -> list[tuple[str, str]]:
    """Language tags with their `asset` (empty for every use), such that `read_tongues` reads the same."""
    uses: dict[str, set[str]] = {}
    for each in tongues:
        use, _, tag = each.rpartition(":")
        uses.setdefault(tag, set()).add(use)
    said: list[tuple[str, str]] = []
    for tag, of in sorted(uses.items()):
        if {"dub", "subtitle"} <= of:
            said.append((tag, "subdub"))
            of = of - {"dub", "subtitle"}
        said += [(tag, use) for use in sorted(of)]
    return said
