"""Cells of workbooks and CSV files that somebody else made, as plain values. Pure.

XLSX is read with calamine after `packing` has looked into the zip; CSV is read as text. Nothing here knows what the
columns mean. Whoever reads an untrusted file does so in the media worker, whose limits stand behind these.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

from holdback_base.problem import Problem

from holdback_servers.workbooks.packing import MAX_CELL_CHARACTERS, OLE, SheetFacts, look_into, without_ranges
from holdback_servers.workbooks.remarks import Remark

Cell = str | int | float | bool | date | datetime | time | None
"""What a cell holds. An empty one is None, a whole number an int; a day without a time is a date. A cell whose formula
failed, or was never worked out, holds the text of the fault (`#N/A`) or of the formula (`=B3+90`), never nothing."""

MAX_FILE_BYTES: Final = 64 << 20
MAX_SHEETS: Final = 50
MAX_CELLS: Final = 12_000_000
"""Rows times columns, over all sheets."""
MAX_MERGED: Final = 1_000_000
"""Cells that stand in merged ranges of one sheet."""
_LETTERS: Final = 26


@dataclass(frozen=True)
class Sheet:
    """One sheet. `rows` start at the sheet's first row and first column, so that places are as a person finds them;
    rows may differ in length. `remarks` tell how a file was read where that was not certain."""

    name: str
    rows: list[list[Cell]]
    remarks: tuple[Remark, ...] = ()


def cell_name(row: int, column: int) -> str:
    """The name of a cell, both counted from 0: `cell_name(6, 2)` is `C7`."""
    letters, column = "", column + 1
    while column:
        column, rest = divmod(column - 1, _LETTERS)
        letters = chr(ord("A") + rest) + letters
    return f"{letters}{row + 1}"


def read_workbook(data: bytes, name: str, *, csv_sheet: str = "Rights") -> list[Sheet]:
    """The sheets of an XLSX workbook in its order, hidden ones too, or the one sheet of a CSV file.

    Args:
        data: the whole file.
        name: what people call it, for messages.
        csv_sheet: what the sheet of a CSV file is called.

    Raises:
        Problem: TOO_LARGE over a limit; INVALID_ARGUMENT for a file that is no workbook, is encrypted, is of an older
            format or is damaged. Each says what to do.
    """
    if len(data) > MAX_FILE_BYTES:
        raise Problem(
            "TOO_LARGE",
            f"{name} has {len(data) / 2**20:.0f} MB; a workbook may have {MAX_FILE_BYTES >> 20} MB.",
            "Split it into several files; each is imported by itself.",
        )
    if not data.strip():
        raise Problem("INVALID_ARGUMENT", f"{name} is empty.", "Copy the file again; it has no bytes.")
    if data.startswith(OLE):
        raise _old_or_locked(data, name)
    if data.startswith(b"PK"):
        return _read_xlsx(data, name)
    return [_read_csv(data, name, csv_sheet)]


def _old_or_locked(data: bytes, name: str) -> Problem:
    if "EncryptedPackage".encode("utf-16-le") in data:
        return Problem(
            "INVALID_ARGUMENT",
            f"{name} is protected with a password.",
            "Open it, take the password off (File, Info, Protect Workbook), and save it again.",
        )
    return Problem(
        "INVALID_ARGUMENT", f"{name} is in the format of Excel 97 to 2003 (.xls).", "Save it as Excel Workbook (.xlsx)."
    )


# --- XLSX ----------------------------------------------------------------------------------------------------------


def _read_xlsx(data: bytes, name: str) -> list[Sheet]:
    from python_calamine import CalamineError

    facts = look_into(data, name, MAX_CELLS)
    try:
        try:
            return _sheets(data, name, facts)
        except CalamineError as error:
            if not _first_line(error).startswith("Range is"):
                raise
            return _sheets(without_ranges(data), name, facts)
    except CalamineError as error:
        raise Problem(
            "INVALID_ARGUMENT",
            f"{name} is damaged and cannot be read as a workbook ({_first_line(error)}).",
            "Open it in a spreadsheet program, save it again as .xlsx, and give the new file.",
        ) from error


def _sheets(data: bytes, name: str, facts: Mapping[str, SheetFacts]) -> list[Sheet]:
    from python_calamine import CalamineWorkbook, SheetTypeEnum

    sheets: list[Sheet] = []
    with CalamineWorkbook.from_filelike(io.BytesIO(data)) as book:
        listed = [each for each in book.sheets_metadata if each.typ == SheetTypeEnum.WorkSheet]
        if len(listed) > MAX_SHEETS:
            raise Problem(
                "TOO_LARGE", f"{name} has {len(listed)} sheets; {MAX_SHEETS} are read.", "Take the others out."
            )
        for each in listed:
            sheet = book.get_sheet_by_name(each.name)
            left_out: list[Cell] = [None] * (sheet.start or (0, 0))[1]
            rows = [left_out + _values(row) for row in sheet.iter_rows()]
            _put_back(rows, facts.get(each.name))
            _spread(rows, sheet.merged_cell_ranges or (), f"{name}, sheet {each.name}")
            sheets.append(Sheet(each.name, rows))
    return sheets


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or ["no reason given"])[0][:200]


def _values(row: list[int | float | str | bool | time | date | datetime | timedelta]) -> list[Cell]:
    """One row as cells; this runs for each of millions of cells."""
    return [None if value == "" else value if isinstance(value, str) else _value(value) for value in row]


def _value(value: int | float | str | bool | time | date | datetime | timedelta) -> Cell:
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, timedelta):
        if timedelta() <= value < timedelta(days=1):
            return (datetime.min + value).time()
        return str(value)
    return value


def _put_back(rows: list[list[Cell]], facts: SheetFacts | None) -> None:
    """Faults and formulas without a value read as empty; an empty end would be an open one, so they are put back."""
    for (row, column), text in facts.faults.items() if facts else ():
        rows.extend([] for _ in range(row + 1 - len(rows)))
        rows[row].extend(None for _ in range(column + 1 - len(rows[row])))
        if rows[row][column] is None:
            rows[row][column] = text


def _spread(rows: list[list[Cell]], merged: Sequence[tuple[tuple[int, int], tuple[int, int]]], name: str) -> None:
    """Merged cells hold their value in the first only; it stands for each line that they reach over.

    A line that nothing else stands in stays empty. Without this a merged end or exclusion would count for its first
    line alone, and widen the others.
    """
    left = MAX_MERGED
    for (top, first), (bottom, last) in merged:
        value = rows[top][first] if top < len(rows) and first < len(rows[top]) else None
        for row in rows[top : bottom + 1] if value is not None else ():
            end = min(last + 1, len(row))
            left -= max(end - first, 0) + 1
            if left < 0:
                raise Problem("TOO_LARGE", f"{name}, has more than {MAX_MERGED} merged cells.", "Take the merging off.")
            if any(cell is not None for cell in row):
                row[first:end] = [value if cell is None else cell for cell in row[first:end]]


# --- CSV -----------------------------------------------------------------------------------------------------------


def _read_csv(data: bytes, name: str, sheet: str) -> Sheet:
    text, remarks = _decoded(data, name)
    if text.lstrip()[:1] in ("<", "{"):
        raise _no_workbook(name)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_separator(text), strict=True)
    rows: list[list[Cell]] = []
    cells = 0
    try:
        for row in reader:
            cells += len(row)
            if cells > MAX_CELLS:
                raise Problem("TOO_LARGE", f"{name} has more than {MAX_CELLS} cells.", "Split it into several files.")
            for column, value in enumerate(row):
                if len(value) > MAX_CELL_CHARACTERS:
                    raise Problem(
                        "TOO_LARGE",
                        f"{name}, cell {cell_name(len(rows), column)}, has more than {MAX_CELL_CHARACTERS} characters.",
                        "Shorten it.",
                    )
            rows.append([value if value.strip() else None for value in row])
    except csv.Error as error:
        raise Problem(
            "INVALID_ARGUMENT",
            f"{name} cannot be read as CSV at line {reader.line_num}: {error}.",
            'Close every quotation mark, and write one inside a cell twice (""), or save the sheet as .xlsx.',
        ) from error
    return Sheet(sheet, rows, remarks)


def _decoded(data: bytes, name: str) -> tuple[str, tuple[Remark, ...]]:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return data.decode("utf-16"), ()
        except UnicodeDecodeError as error:
            raise _no_workbook(name) from error
    if b"\0" in data[: 1 << 16]:
        raise _no_workbook(name)
    try:
        return data.decode("utf-8-sig"), ()
    except UnicodeDecodeError:
        pass
    try:
        text = data.decode("cp1252")
    except UnicodeDecodeError as error:
        raise _no_workbook(name) from error
    told = "The file is not UTF-8; it was read as Windows-1252 (Western European)."
    hint = "If names look wrong, save it as CSV UTF-8, or as .xlsx."
    return text, (Remark(place=name, message=told, hint=hint),)


def _no_workbook(name: str) -> Problem:
    return Problem(
        "INVALID_ARGUMENT",
        f"{name} is neither an Excel workbook nor CSV text.",
        "Save it as Excel Workbook (.xlsx) or as CSV UTF-8.",
    )


def _separator(text: str) -> str:
    """The sign that stands most often outside quotation marks in the first line that has any: a comma, a semicolon or
    a tab."""
    for line in text[: 1 << 16].splitlines():
        outside = "".join(line.split('"')[::2])
        counts = {sign: outside.count(sign) for sign in (",", ";", "\t")}
        if any(counts.values()):
            return max(counts, key=lambda sign: counts[sign])
    return ","
