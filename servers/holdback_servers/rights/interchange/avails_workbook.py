"""Avails as a spreadsheet: templates 1.6 to 1.9 for movies and television, one transaction a row.

A sheet has three header rows (group, field, whether it is required); its columns may stand in any order, and unknown
ones are left out. Rows that are empty or begin with `//` are comments.
"""

import re
from collections.abc import Sequence
from typing import Final

from holdback_servers.rights.interchange.avails_columns import FIELD_OF, joint, meant
from holdback_servers.rights.interchange.avails_intake import Intake
from holdback_servers.rights.interchange.avails_words import text_of
from holdback_servers.rights.interchange.batch import Batch
from holdback_servers.workbooks.cells import Cell, Sheet, cell_name, read_workbook

_REQUIRED: Final = ("EntryType", "LicenseType", "Territory", "Start", "End", "WorkType", "DisplayName")
_HEADER_ROWS: Final = 10
_NOTE: Final = re.compile(r"/*\s*(req|opt|required|optional)\b.*|//.*|\d(\.\d)*", re.IGNORECASE | re.DOTALL)


def read(data: bytes, name: str, time_zone: str = "UTC") -> Batch:
    """The rights that a workbook (or CSV) of Avails gives.

    Args:
        data: the whole file.
        name: what people call it, for messages.
        time_zone: the IANA zone of its days; the template names none.

    Raises:
        Problem: INVALID_ARGUMENT or TOO_LARGE for a file that is no workbook; INVALID_ARGUMENT for the zone. What is
            wrong inside it is told in the batch.
    """
    return read_sheets(read_workbook(data, name), name, time_zone)


def read_sheets(sheets: Sequence[Sheet], name: str, time_zone: str = "UTC") -> Batch:
    """The same of sheets that are read already. Raises Problem INVALID_ARGUMENT for the zone."""
    intake = Intake(time_zone)
    read_any = False
    for sheet in sheets:
        found = _header(sheet)
        if found is None:
            if any(any(cell is not None for cell in row) for row in sheet.rows):
                intake.remarks.lose(sheet.name, f"The sheet {sheet.name} has no Avails header and is not read.")
            continue
        read_any = True
        for remark in sheet.remarks:
            intake.remarks.lose(remark.place, remark.message, remark.hint)
        _read_sheet(sheet, found, intake)
    if not read_any:
        names = ", ".join(sheet.name for sheet in sheets)
        intake.remarks.mistake(
            name,
            f"No sheet of {name} ({names}) has the header row of an Avails template.",
            "Use template 1.6 to 1.9, with the fields LicenseType, Territory, Start and End in its second row.",
        )
    return intake.batch("avails_xlsx")


def is_avails(sheets: Sequence[Sheet]) -> bool:
    """Whether any of the sheets has the header row of an Avails template."""
    return any(_header(sheet) is not None for sheet in sheets)


def _header(sheet: Sheet) -> int | None:
    """The row of the field names, counted from 0."""
    for number, row in enumerate(sheet.rows[:_HEADER_ROWS]):
        names = {FIELD_OF.get(joint(_field_name(cell))) for cell in row if isinstance(cell, str)}
        if len(names & {"LicenseType", "Territory", "Start", "End", "EntryType", "ALID", "AvailID"}) >= 4:
            return number
    return None


def _field_name(cell: str) -> str:
    return re.split(r"[/:]", cell.strip())[-1]


def _read_sheet(sheet: Sheet, header: int, intake: Intake) -> None:
    columns = _columns(sheet, header, intake)
    missing = [name for name in _REQUIRED if name not in columns.values()]
    for name in missing:
        intake.remarks.mistake(f"{sheet.name}!{header + 1}", f"The sheet {sheet.name} has no column {name}.", "Add it.")
    if missing:
        return
    first = header + 1
    if first < len(sheet.rows) and _is_notes(sheet.rows[first]):
        first += 1
    names = [columns.get(at) for at in range(max(columns) + 1)]
    for number in range(first, len(sheet.rows)):
        row = sheet.rows[number]
        fields = {name: value for name, value in zip(names, row, strict=False) if value is not None and name}
        if not fields:
            continue
        if any(isinstance(value, str) for value in fields.values()):
            opening = next((cell for cell in row if cell is not None), None)
            if isinstance(opening, str) and opening.lstrip().startswith("//"):
                continue
        intake.add(fields, _Row(sheet.name, number, columns))


class _Row:
    """Where the fields of one row stand: `Movies!V12 (Start)`, or `Movies!12` for the row."""

    __slots__ = ("_columns", "_number", "_sheet")

    def __init__(self, sheet: str, number: int, columns: dict[int, str]) -> None:
        self._sheet, self._number, self._columns = sheet, number, columns

    def __call__(self, field: str) -> str:
        if not field:
            return f"{self._sheet}!{self._number + 1}"
        for at, name in self._columns.items():
            if name == field:
                return f"{self._sheet}!{cell_name(self._number, at)} ({field})"
        return f"{self._sheet}!{self._number + 1} ({field})"


def _columns(sheet: Sheet, header: int, intake: Intake) -> dict[int, str]:
    """The field of each column that has one. A field that stands twice is a mistake where it decides."""
    columns: dict[int, str] = {}
    unknown: list[str] = []
    for at, cell in enumerate(sheet.rows[header]):
        text = text_of(cell)
        name = FIELD_OF.get(joint(_field_name(text))) if text else None
        place = f"{sheet.name}!{cell_name(header, at)}"
        if name is None and text and (limit := meant(text)) is not None:
            intake.remarks.mistake(
                place, f"There is no column {text!r}, and it may limit rights.", f"Call it {limit}, or take it out."
            )
        elif name is None:
            unknown += [text] if text and not text.startswith("//") else []
        elif name in columns.values():
            first = next(other for other, known in columns.items() if known == name)
            if any(_differ(row, first, at) for row in sheet.rows[header + 2 :]):
                intake.remarks.mistake(
                    place, f"The column {name} stands twice, with different values.", "Keep one.", text
                )
        else:
            columns[at] = name
    if unknown:
        intake.remarks.lose(
            f"{sheet.name}!{header + 1}", f"Columns that no template has are not read: {', '.join(unknown)[:500]}."
        )
    return columns


def _differ(row: list[Cell], first: int, second: int) -> bool:
    return second < len(row) and row[second] is not None and row[second] != row[first]


def _is_notes(row: list[Cell]) -> bool:
    """Whether this is the third header row: //REQ, //Opt, the version of the template, or nothing."""
    texts = [text for cell in row if (text := text_of(cell))]
    return not texts or sum(_NOTE.fullmatch(text) is not None for text in texts) * 2 > len(texts)
