"""The plain rights sheet that a small company fills: one line a right, on XLSX or CSV. Pure.

`sheet_columns` says what each column means and what a blank cell stands for. Mistakes are told all in one go, each with
its cell and its cure; with one of them nothing is recorded. The sheet is all there is of each contract it names: a
right that came with an earlier issue and is no longer on it is withdrawn. Contracts it does not name stay as they are.
"""

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from holdback_base.elements import is_ref
from holdback_base.problem import Problem
from pydantic import ValidationError

from holdback_servers.rights.interchange.batch import Batch, ImportedRight
from holdback_servers.rights.interchange.sheet_columns import ELEMENT_WORDS, KIND_WORDS, RIGHTS
from holdback_servers.rights.interchange.sheet_conditions import read_conditions
from holdback_servers.rights.interchange.sheet_contracts import PREFIX, Party, gather, imported
from holdback_servers.rights.interchange.sheet_table import Ledger, Line, has_header, holds_lines, lines
from holdback_servers.rights.interchange.sheet_words import (
    When,
    day,
    each_of,
    longest,
    medium,
    number,
    percent,
    place,
    places,
    reruns,
    said,
    tongue,
    when,
    whole_seconds,
    word_of,
    words_of,
    wrong,
    yes,
)
from holdback_servers.rights.model import RightTerms
from holdback_servers.workbooks.cells import Cell, Sheet, read_workbook

CARRIED: Final = {"title": "Title", "note": "Note"}
"""Columns for people, and the names under which they are carried."""
_REFS: Final = {"programme": "film", "talent": "talent", "third_party_clip": "clip", "location": "place"}
_ELEMENTS: Final = ELEMENT_WORDS | {
    "programme": "programme", "master": "music_master", "publishing": "music_publishing", "voice": "talent",
    "talent": "talent", "performance": "music_performance", "performer": "talent", "movie": "programme",
    "photo": "still", "third party clip": "third_party_clip",
}  # fmt: skip
_KINDS: Final = KIND_WORDS | {"licence": "grant", "license": "grant", "licence in": "grant",
                              "license out": "licence_out", "sublicence": "licence_out"}  # fmt: skip
_PURPOSES: Final = {name: name for name in ("editorial", "news", "promotion", "advertising", "training")} | {
    "promotion only": "promotion", "promo": "promotion"}  # fmt: skip
_FIELDS: Final = {"element_kinds": "element", "excluded_territories": "excluded", "max_duration_seconds": "max_seconds",
                  "max_excerpt_percent": "max_percent", "window_max_days": "window_days"}  # fmt: skip
_OTHER_SHEETS: Final = frozenset({"elements", "read me"})
_OF_RIGHTS: Final = frozenset({"kind", "territories", "excluded", "media"})
"""Columns that tell lines of rights from other tables."""
_READERS: Final[dict[str, tuple[str, Callable[[Cell], Any]]]] = {
    "element": ("element_kinds", lambda cell: words_of(cell, _ELEMENTS, "an element")),
    "languages": ("languages", lambda cell: each_of(cell, tongue)),
    "purposes": ("purposes", lambda cell: words_of(cell, _PURPOSES, "a purpose")),
    "exclusive": ("exclusive", lambda cell: yes(cell, False)),
    "derivative": ("derivative_allowed", lambda cell: yes(cell, True)),
    "max_seconds": ("max_duration_seconds", longest),
    "max_percent": ("max_excerpt_percent", percent),
    "work_seconds": ("work_seconds", whole_seconds),
    "max_runs": ("max_runs", number),
    "reruns": ("reruns", reruns),
    "window_days": ("window_max_days", number),
    "conditions": ("conditions", read_conditions),
    "clause": ("clause", said),
    "source": ("source", said),
    "groups_on": ("groups_on", day),
    "licence_type": ("licence_type", said),
}
"""Columns that say one field of a right by themselves."""


@dataclass
class _Reading:
    """A sheet while it is read."""

    ledger: Ledger = field(default_factory=Ledger)
    rights: dict[str, ImportedRight] = field(default_factory=dict[str, ImportedRight])
    same: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])
    counts: dict[str, int] = field(default_factory=dict[str, int])
    named: set[str] = field(default_factory=set[str])
    counted: list[str] = field(default_factory=list[str])


def read(data: bytes, name: str, time_zone: str = "UTC") -> Batch:
    """What a rights sheet says.

    Args:
        data: XLSX or CSV; a CSV is the sheet Rights alone.
        name: what people call the file, for messages.
        time_zone: IANA zone of the days of contracts that name none.

    Raises:
        Problem: INVALID_ARGUMENT or TOO_LARGE for a file that cannot be read, or without such a sheet. Mistakes in
            cells are in the batch.
    """
    return read_sheets(read_workbook(data, name), name, time_zone)


def read_sheets(sheets: list[Sheet], name: str, time_zone: str = "UTC") -> Batch:
    """The same for a workbook whose cells are read already."""
    sheet = _rights_sheet(sheets, name)
    reading = _Reading()
    ledger = reading.ledger
    ledger.losses.extend(sheet.remarks)
    _tell_others(sheets, sheet, ledger)
    table = list(lines(sheet, RIGHTS, ledger))
    parties = gather(table, ledger, time_zone)
    contracts = imported(list({party.key: party for party in parties.values()}.values()), ledger)
    reading.named = {said(line.cells["right_record"]) for line in table if "right_record" in line.cells}
    for line in table:
        party = parties.get(line.row)
        terms = _terms(line, party.fact("time_zone") if party else time_zone, ledger)
        if terms is not None and party is not None:
            _add(reading, line, party, terms)
    if not table:
        ledger.wrong(f"{sheet.name}!A1", "The sheet has no lines.", "Fill in a line for each right.")
    return Batch(
        format="sheet",
        contracts=contracts,
        rights=tuple(reading.rights.values()),
        replaces=tuple(f"{each.key}/" for each in contracts if each.key.startswith(PREFIX)),
        counted=tuple(reading.counted),
        mistakes=ledger.all_mistakes(),
        losses=tuple(ledger.losses),
    )


def is_rights_sheet(sheets: list[Sheet]) -> bool:
    """Whether a workbook has a sheet with the headers of the rights sheet."""
    return any(has_header(each, RIGHTS) for each in sheets)


def reference(given: str, title: str, kinds: tuple[str, ...]) -> str:
    """The reference that a line means: as given, or made of the first element and the title.

    Raises Problem INVALID_ARGUMENT for one that is no reference, with the one that was probably meant.
    """
    if given:
        if is_ref(given):
            return given
        head, colon, rest = given.partition(":")
        meant = f"{_slug(head, '_')}:{_slug(rest)}" if colon else f"{_prefix(kinds)}:{_slug(given)}"
        hint = f"Did you mean {meant}?" if is_ref(meant) else "Write kind:name in lower case, such as film:night-train."
        raise wrong(f"{given!r} is not a reference.", hint)
    made = f"{_prefix(kinds)}:{_slug(title)}"
    if not title or not kinds or not is_ref(made):
        raise wrong("The line does not say what it is about.", "Fill Reference, such as film:night-train, or Element "
                    "and Title.")  # fmt: skip
    return made


def element_kind(cell: Cell) -> str:
    """The one kind of element that a cell names. Raises Problem."""
    return word_of(said(cell), _ELEMENTS, "an element")


def _prefix(kinds: tuple[str, ...]) -> str:
    kind = kinds[0] if kinds else "programme"
    return "music" if kind.startswith("music") else _REFS.get(kind, kind)


def _slug(text: str, sign: str = "-") -> str:
    return re.sub(r"[^a-z0-9._]+", sign, text.strip().lower()).strip("-_.")


def _rights_sheet(sheets: list[Sheet], name: str) -> Sheet:
    with_header = [each for each in sheets if has_header(each, RIGHTS)]
    named = [each for each in with_header if each.name.strip().casefold() == "rights"]
    if not with_header:
        raise Problem(
            "INVALID_ARGUMENT",
            f"{name} has no sheet with the headers of the rights sheet (Reference, From whom, Where, Platforms ...).",
            "Start from the template; its first line names the columns.",
        )
    return (named or with_header)[0]


def _tell_others(sheets: list[Sheet], read_one: Sheet, ledger: Ledger) -> None:
    """Tells sheets that are not read. One that has lines of rights is a mistake: they may take something away."""
    for each in sheets:
        if each is read_one or each.name.strip().casefold() in _OTHER_SHEETS:
            continue
        if holds_lines(each, RIGHTS, _OF_RIGHTS):
            ledger.wrong(
                f"{each.name}!A1",
                f"The sheet {each.name} has lines of rights too, and only {read_one.name} is read.",
                f"Move its lines to the sheet {read_one.name}, or take the sheet out of the file.",
            )
        elif any(any(cell is not None for cell in row) for row in each.rows):
            ledger.lost(each.name, f"The sheet {each.name} is not read.")


def _terms(line: Line, time_zone: str, ledger: Ledger) -> RightTerms | None:
    """The terms of a line; None when it has a mistake, which is told."""
    told = ledger.count
    shape: dict[str, Any] = {}
    for column, (name, take) in _READERS.items():
        if column in line.cells and (value := line.take(column, take, ledger)) is not None:
            shape[name] = value
    kinds, title = shape.get("element_kinds", ()), said(line.cells.get("title"))
    shape["ref"] = line.take("ref", lambda cell: reference(said(cell), title, kinds), ledger)
    shape["kind"] = line.take("kind", _kind, ledger)
    shape |= _scope(line, shape["kind"], ledger) | _window(line, time_zone, shape["kind"], ledger)
    carried = line.take("carried", _carried, ledger) or ()
    shape["carried"] = carried + tuple(
        (name, said(line.cells[column])) for column, name in CARRIED.items() if column in line.cells
    )
    if ledger.count > told:
        return None
    try:
        return RightTerms.model_validate(shape)
    except ValidationError as error:
        ledger.invalid(line, error, _FIELDS)
        return None


def _kind(cell: Cell) -> str:
    return "grant" if cell is None else word_of(said(cell), _KINDS, "a kind of right")


def _scope(line: Line, kind: str | None, ledger: Ledger) -> dict[str, Any]:
    """Where and on what. A blank cell stands for everything in what takes away; in a grant it is a mistake."""
    named, out = line.take("territories", places, ledger) or ((), ())
    out += line.take("excluded", lambda cell: each_of(cell, place), ledger) or ()
    media = line.take("media", lambda cell: each_of(cell, medium), ledger) or ()
    if kind == "grant" and "territories" not in line.cells:
        where = line.at("territories", "Where")
        ledger.wrong(where, "A grant must say where.", "Fill Where; WORLD means everywhere.")
    if kind == "grant" and "media" not in line.cells:
        where = line.at("media", "Platforms")
        ledger.wrong(where, "A grant must say on which platforms.", "Fill Platforms; all means every one.")
    return {"territories": named or ("WORLD",), "excluded_territories": out, "media": media or ("all",)}


def _window(line: Line, time_zone: str, kind: str | None, ledger: Ledger) -> dict[str, Any]:
    start: When | None = line.take("start", lambda cell: when(cell, time_zone), ledger)
    end: When | None = line.take("end", lambda cell: when(cell, time_zone), ledger)
    if start == When() and kind in ("grant", "licence_out"):
        ledger.wrong(line.at("start", "From"), f"A {kind.replace('_', ' ')} needs its first day.", "Fill From.")
    start, end = start or When(), end or When()
    return {
        "first_day": start.day, "start": start.at, "start_event": start.event,
        "last_day": end.day, "end": end.at, "end_event": end.event,
    }  # fmt: skip


def _carried(cell: Cell) -> tuple[tuple[str, str], ...]:
    if cell is None:
        return ()
    try:
        pairs: Any = json.loads(said(cell))
        return tuple((str(name), str(value)) for name, value in pairs)
    except (ValueError, TypeError) as error:
        raise wrong("Carried holds something else than Holdback wrote.", "Leave it as it was, or blank.") from error


def _add(reading: _Reading, line: Line, party: Party, terms: RightTerms) -> None:
    """Keep a right under its key. A line that says the same as another counts once and is told; one that says something
    else under the same name is a mistake."""
    ledger, own = reading.ledger, said(line.cells.get("right_record"))
    if not own and "key" in line.cells:
        own = f"{party.key}/line/{' '.join(said(line.cells['key']).split()).casefold()}"
        own = own if len(own) <= 200 else f"{party.key}/line/{_short(own)}"
    about = (party.key, terms.model_dump_json())
    known = reading.rights.get(own) if own else None
    if known is not None and known.terms != terms:
        name = "right_record" if "right_record" in line.cells else "key"
        ledger.wrong(
            line.at(name),
            f"{said(line.cells[name])!r} names the right of {known.place} already, with other terms.",
            "Give each line a name of its own, or leave Line blank.",
        )
        return
    if known is not None or (not own and about in reading.same):
        where = known.place if known is not None else reading.same[about]
        ledger.lost(line.place, f"The line says the same as {where}; it counts once.")
        return
    reading.same.setdefault(about, line.place)
    key = own or _next_key(reading, party, terms)
    reading.rights[key] = ImportedRight(key=key, contract=party.key, terms=terms, place=line.place)


def _next_key(reading: _Reading, party: Party, terms: RightTerms) -> str:
    base = f"{terms.kind}/{'+'.join(terms.element_kinds) or 'all'}/{terms.ref}"
    if len(party.key) + len(base) > 185:
        base = _short(base)
    while True:
        count = reading.counts[party.key + base] = reading.counts.get(party.key + base, 0) + 1
        prefix = party.key if party.key.startswith(PREFIX) else f"{PREFIX}of/{_short(party.key)}"
        key = f"{prefix}/{base}/{count}"
        if key not in reading.rights and key not in reading.named:
            reading.counted.append(key)
            return key


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:24]
