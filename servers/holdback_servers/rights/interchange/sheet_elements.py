"""The sheet Elements: what a film is made of, and where in it. Pure.

With it a person who has a film and a rights sheet can have the film decided: each line is something that somebody may
own a right in. Times count from the start of the film.
"""

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, cast

from holdback_base.elements import Box, ElementKind
from holdback_base.problem import Problem
from pydantic import ValidationError

from holdback_servers.rights.interchange.sheet import element_kind, reference
from holdback_servers.rights.interchange.sheet_columns import ELEMENTS
from holdback_servers.rights.interchange.sheet_table import Ledger, Line, has_header, lines
from holdback_servers.rights.interchange.sheet_words import parts, said, seconds, wrong
from holdback_servers.workbooks.cells import Cell, read_workbook

_TOLD: Final = 20
_SHEET: Final = "elements"


@dataclass(frozen=True)
class SheetElement:
    """One thing in the film, from `start_seconds` up to, not including, `end_seconds`; None is the film's own start or
    end. `box` is in thousandths of the picture. `place` is the line, such as `Elements!A4`."""

    kind: ElementKind
    ref: str
    name: str
    start_seconds: Fraction | None
    end_seconds: Fraction | None
    box: Box | None
    place: str


def read_elements(data: bytes, name: str) -> tuple[SheetElement, ...]:
    """The lines of the sheet Elements of a workbook; none when there is no such sheet, as in a CSV.

    Args:
        data: the workbook.
        name: what people call it, for messages.

    Raises:
        Problem: INVALID_ARGUMENT for a file that cannot be read, and for mistakes in the sheet: all of them are in the
            message by cell and cure, and as `details["mistakes"]`.
    """
    sheet = next((each for each in read_workbook(data, name) if each.name.strip().casefold() == _SHEET), None)
    if sheet is None or not any(any(cell is not None for cell in row) for row in sheet.rows):
        return ()
    ledger = Ledger()
    if not has_header(sheet, ELEMENTS):
        ledger.wrong(
            f"{sheet.name}!A1", "There is no line of headers.", "Write Element, Reference, Name, From, To, Box."
        )
        raise _refusal(name, ledger)
    found = [each for line in lines(sheet, ELEMENTS, ledger) if (each := _element(line, ledger)) is not None]
    if ledger.count:
        raise _refusal(name, ledger)
    return tuple(found)


def _element(line: Line, ledger: Ledger) -> SheetElement | None:
    told = ledger.count
    kind = line.take("kind", element_kind, ledger)
    title = said(line.cells.get("name"))
    ref = line.take("ref", lambda cell: reference(said(cell), title, (kind,) if kind else ()), ledger)
    start, end = line.take("start", seconds, ledger), line.take("end", seconds, ledger)
    if end is not None and ledger.count == told and end <= (start or 0):
        ledger.wrong(
            line.at("end"), "It ends before it begins.", "Give To a later time than From.", said(line.cells["end"])
        )
    box = line.take("box", _box, ledger)
    if ledger.count > told or ref is None:
        return None
    return SheetElement(cast("ElementKind", kind), ref, title or ref, start, end, box, line.place)


def _box(cell: Cell) -> Box | None:
    if cell is None:
        return None
    found = parts(cell)
    hint = "Write left, top, width, height in thousandths of the picture: 820, 60, 140, 90; or each with %."
    if len(found) != 4 or not all(re.fullmatch(r"\d{1,4}|\d{1,3}(\.\d)?%", each) for each in found):
        raise wrong(f"{said(cell)!r} is not a box.", hint)
    x, y, width, height = (int(Fraction(each[:-1]) * 10) if each.endswith("%") else int(each) for each in found)
    if x + width > 1000 or y + height > 1000:
        raise wrong(f"The box {said(cell)!r} reaches beyond the picture.", hint)
    try:
        return Box(x=x, y=y, width=width, height=height)
    except ValidationError as error:
        raise wrong(f"{said(cell)!r} is not a box.", hint) from error


def _refusal(name: str, ledger: Ledger) -> Problem:
    mistakes = ledger.all_mistakes()
    told = [f"{each.place}: {each.message} {each.hint}".strip() for each in mistakes[:_TOLD]]
    more = f"\n... and {len(mistakes) - _TOLD} more." if len(mistakes) > _TOLD else ""
    return Problem(
        "INVALID_ARGUMENT",
        f"The sheet Elements of {name} has {ledger.count} mistake{'s' * (ledger.count > 1)}:\n"
        + "\n".join(told)
        + more,
        "Correct the cells and give the file again.",
        mistakes=[each.model_dump() for each in mistakes],
    )
