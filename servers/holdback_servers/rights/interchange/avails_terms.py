"""From the fields of one Avails transaction to the terms of a right. Pure.

What decides (media, territories, window, languages, exclusivity) is worked out once for each distinct wording and then
only named anew for each work: a file repeats its wordings thousands of times.
"""

import re
from dataclasses import dataclass
from typing import Any, Final

from holdback_base.problem import Problem
from holdback_base.vocabulary import is_group, parse_language, parse_territory

from holdback_servers.rights.interchange.avails_windows import FROM_EVER, read_window
from holdback_servers.rights.interchange.avails_words import (
    FieldError,
    Fields,
    contract_status,
    licence,
    text_of,
    yes_or_no,
)
from holdback_servers.rights.model import Contract, ContractStatus, RightTerms, right_on_record

DECIDING: Final = (
    "LicenseType",
    "Territory",
    "TerritoryExclusion",
    "Start",
    "StartLag",
    "End",
    "EndLag",
    "WindowDuration",
    "AllowedLanguages",
    "HoldbackLanguage",
    "Exclusive",
    "ContractStatus",
    "TitleStatus",
)
"""The fields that a wording is made of."""
KEPT_ELSEWHERE: Final = frozenset({*DECIDING, "DisplayName", "EntryType"}) - {"ContractStatus", "TitleStatus"}
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
    """What one wording of the deciding fields gives.

    `grant` and `holdback` are for a reference that has still to be put in; `grant` is absent when `faults` are told.
    `ended` says that the licensor takes it back now (End is Immediate).
    """

    grant: RightTerms | None
    holdback: RightTerms | None
    status: ContractStatus
    carried: tuple[tuple[str, str], ...]
    ended: bool
    faults: tuple[Told, ...]
    losses: tuple[Told, ...]


def read_wording(fields: Fields, time_zone: str) -> Wording:
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
    window = attempt(read_window, fields, time_zone)
    allowed = attempt(read_tongues, "AllowedLanguages", text_of(fields.get("AllowedLanguages")))
    held = attempt(read_tongues, "HoldbackLanguage", text_of(fields.get("HoldbackLanguage")))
    exclusive = attempt(yes_or_no, "Exclusive", fields.get("Exclusive"))
    status = attempt(contract_status, fields) or "draft"
    shape: dict[str, Any] = {}
    if not faults:
        losses += [Told(field, message, "Correct it if it means something else.") for field, message in window.losses]
        if opens[0] in ("Pre-Release", "Library"):
            losses.append(Told("LicenseType", f"LicenseType {opens[0]} is read as subscription VOD."))
        shape = {"media": opens[1], "territories": inside[0], "excluded_territories": inside[1], **window.terms}
        _check_shape(shape, exclusive, faults, time_zone)
    if faults:
        return Wording(None, None, status, (), False, tuple(faults), tuple(losses))
    own = {"licence_type": opens[0], "languages": allowed, "exclusive": exclusive}
    grant = RightTerms(ref=_SHAPE, kind="grant", **shape, **own)
    shape.pop("window_max_days", None)
    holdback = RightTerms(ref=_SHAPE, kind="holdback", languages=held, **shape) if held else None
    return Wording(grant, holdback, status, tuple(window.carried.items()), window.ended, (), tuple(losses))


def _check_shape(shape: dict[str, Any], exclusive: bool, faults: list[Told], time_zone: str) -> None:
    contract = Contract(id="ctr_shape", counterparty="x", direction="in", status="active", time_zone=time_zone)
    try:
        terms = RightTerms(ref=_SHAPE, kind="grant", exclusive=exclusive, **shape)
        right = right_on_record("rgt_shape", terms, contract)
        shape["groups_on"] = right.groups_on
    except Problem as problem:
        field = "End" if problem.code == "RANGE_INVALID" else "Territory"
        faults.append(Told(field, problem.message.replace(f"The right for {_SHAPE}", "The right"), problem.hint))
        return
    if shape.get("first_day") == FROM_EVER and any(is_group(each) for each in shape["territories"]):
        faults.append(
            Told("Start", "A group of territories needs a start day, and Start names none.", "Give a day in Start.")
        )


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
