"""What an XLSX file says of itself before it is read: how large it gets, and which cells have no value. Pure.

A workbook is a zip of XML. A small one may unpack to more than the machine has, and two cells far apart may make a
sheet of a billion; both are refused here. Cells whose formula failed are found here too, because the reader of values
takes them for empty.
"""

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import unescape
from typing import Final

from holdback_base.problem import Problem

OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""How encrypted workbooks and those of Excel 97 to 2003 begin."""
MAX_UNPACKED_BYTES: Final = 1 << 30
MAX_RATIO: Final = 200
"""Unpacked to packed bytes; real workbooks stay under 60. Small files are let through."""
MAX_CELL_CHARACTERS: Final = 32_767
"""What Excel lets a cell hold."""
_TEXTS: Final = "xl/sharedStrings.xml"
_SMALL: Final = 32 << 20
_MAX_FILES: Final = 2_000
_CHUNK: Final = 1 << 20
_MAX_PIECE: Final = 64 << 20

_RANGE = re.compile(rb"<(?:\w+:)?dimension\s[^>]*>(?:</(?:\w+:)?dimension>)?")
_ROW_END = re.compile(rb"</(?:\w+:)?row>")
_TEXT_END = re.compile(rb"</(?:\w+:)?si>")
_CELL = re.compile(rb"<(?:\w+:)?c\s[^>]*?\br=\"([A-Z]{1,3})(\d{1,7})\"")
_FAULT = re.compile(
    rb"<(?:\w+:)?c\s(?=[^>]*?\br=\"([A-Z]{1,3})(\d{1,7})\")(?=[^>]*?\bt=\"e\")[^>]*>(?:(?!</(?:\w+:)?c>).)*?"
    rb"<(?:\w+:)?v>([^<]*)<",
    re.DOTALL,
)
_UNWORKED = re.compile(
    rb"<(?:\w+:)?c\s(?=[^>]*?\br=\"([A-Z]{1,3})(\d{1,7})\")(?![^>]*?\bt=\"str\")[^>]*>\s*"
    rb"<(?:\w+:)?f[^>]*>([^<]*)</(?:\w+:)?f>\s*(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v></(?:\w+:)?v>)?\s*</"
)


@dataclass
class SheetFacts:
    """The valued part of a sheet, and its cells without a value by (row, column) from 0, with what to show there."""

    rows: int = 0
    columns: int = 0
    faults: dict[tuple[int, int], str] = field(default_factory=dict[tuple[int, int], str])


def look_into(data: bytes, name: str, max_cells: int) -> dict[str, SheetFacts]:
    """What each sheet of the workbook holds, by the sheet's name.

    Raises:
        Problem: INVALID_ARGUMENT for a zip that is damaged or no XLSX workbook; TOO_LARGE for one that unpacks to too
            much or has sheets of too many cells.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as pack:
            _check_size(pack, name)
            _check_kind(pack, name)
            known = set(pack.namelist())
            for text in _pieces(pack, _TEXTS, _TEXT_END) if _TEXTS in known else ():
                _check_length(text, name)
            found = {sheet: _facts(pack, part, name) for sheet, part in _parts(pack).items() if part in known}
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, UnicodeDecodeError) as error:
        raise Problem(
            "INVALID_ARGUMENT",
            f"{name} is damaged: it begins as a workbook and cannot be unpacked.",
            "Copy it again, or open and save it as .xlsx in a spreadsheet program.",
        ) from error
    cells = sum(each.rows * each.columns for each in found.values())
    if cells > max_cells:
        largest = max(found, key=lambda sheet: found[sheet].rows * found[sheet].columns)
        raise Problem(
            "TOO_LARGE",
            f"The sheets of {name} span {cells} cells ({largest}: {found[largest].rows} rows of "
            f"{found[largest].columns} columns); {max_cells} are read.",
            "Delete stray cells far below or beside the table, or split the file.",
        )
    return found


def without_ranges(data: bytes) -> bytes:
    """The same workbook without the range that each sheet claims for itself.

    Some programs write whole rows there (`1:65536`), which readers stumble over, and nobody needs it.
    """
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as pack, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        sheets = set(_parts(pack).values())
        for each in pack.infolist():
            content = pack.read(each)
            new.writestr(each.filename, _RANGE.sub(b"", content, count=1) if each.filename in sheets else content)
    return made.getvalue()


def _check_size(pack: zipfile.ZipFile, name: str) -> None:
    entries = pack.infolist()
    unpacked, packed = sum(each.file_size for each in entries), sum(each.compress_size for each in entries)
    if len(entries) > _MAX_FILES or unpacked > MAX_UNPACKED_BYTES:
        raise Problem(
            "TOO_LARGE",
            f"{name} unpacks to {unpacked >> 20} MB in {len(entries)} files.",
            f"A workbook may unpack to {MAX_UNPACKED_BYTES >> 20} MB; take pictures and other sheets out, or split it.",
        )
    if unpacked > _SMALL and unpacked > MAX_RATIO * max(packed, 1):
        raise Problem(
            "TOO_LARGE",
            f"{name} unpacks to {unpacked // max(packed, 1)} times its size, as no workbook of a person does.",
            "Open it in a spreadsheet program, copy the table into a new workbook, and give that.",
        )


def _check_kind(pack: zipfile.ZipFile, name: str) -> None:
    names = set(pack.namelist())
    if "xl/workbook.xml" in names:
        return
    kinds = {
        "xl/workbook.bin": "a binary Excel workbook (.xlsb)",
        "word/document.xml": "a Word document",
        "content.xml": "an OpenDocument file",
        "Index/Document.iwa": "a Numbers file",
    }
    what = next((kind for part, kind in kinds.items() if part in names), "a zip file without a workbook")
    raise Problem("INVALID_ARGUMENT", f"{name} is {what}.", "Save the sheet as Excel Workbook (.xlsx) or as CSV UTF-8.")


def _parts(pack: zipfile.ZipFile) -> dict[str, str]:
    """Which file of the zip each sheet is in."""
    links = pack.read("xl/_rels/workbook.xml.rels").decode() if "xl/_rels/workbook.xml.rels" in pack.namelist() else ""
    targets: dict[str, str] = {}
    for tag in re.findall(r"<(?:\w+:)?Relationship\s[^>]*>", links):
        given = dict(re.findall(r"(\w+)=\"([^\"]*)\"", tag))
        target = given.get("Target", "")
        targets[given.get("Id", "")] = target.removeprefix("/") if target.startswith("/") else f"xl/{target}"
    sheets: dict[str, str] = {}
    for tag in re.findall(r"<(?:\w+:)?sheet\s[^>]*>", pack.read("xl/workbook.xml").decode()):
        given = dict(re.findall(r"([\w:]+)=\"([^\"]*)\"", tag))
        link = next((value for key, value in given.items() if key.endswith(":id")), "")
        sheets[unescape(given.get("name", ""))] = targets.get(link, "")
    return sheets


def _facts(pack: zipfile.ZipFile, part: str, name: str) -> SheetFacts:
    facts, count = SheetFacts(), 0
    for row in _pieces(pack, part, _ROW_END):
        count += 1
        _check_length(row, name)
        last = _last_cell(row)
        if last is not None:
            facts.columns = max(facts.columns, column_number(last[1]))
            count = max(count, int(last[2]))
        if b't="e"' in row:
            for match in _FAULT.finditer(row):
                facts.faults[int(match[2]) - 1, column_number(match[1]) - 1] = unescape(match[3].decode())
        if b"<f" in row or b":f" in row:
            for match in _UNWORKED.finditer(row):
                facts.faults[int(match[2]) - 1, column_number(match[1]) - 1] = "=" + unescape(match[3].decode())
    facts.rows = count
    return facts


def _last_cell(row: bytes) -> re.Match[bytes] | None:
    """The last cell with a value; empty ones that only have a style close themselves."""
    end = row.rfind(b"</")
    start = row.rfind(b"<c ", 0, max(end, 0))
    if start < 0:
        start = row.rfind(b"<", 0, max(row.rfind(b":c ", 0, max(end, 0)), 0))
    return _CELL.match(row, start) if start >= 0 else None


def _check_length(piece: bytes, name: str) -> None:
    if len(piece) <= MAX_CELL_CHARACTERS:
        return
    for found in re.finditer(rb">([^<]{%d,})<" % (MAX_CELL_CHARACTERS + 1), piece):
        text = found[1].decode()
        if len(text) > MAX_CELL_CHARACTERS:
            raise Problem(
                "TOO_LARGE",
                f"A cell of {name} has more than {MAX_CELL_CHARACTERS} characters; it begins {unescape(text[:40])!r}.",
                "Shorten it.",
            )


def column_number(letters: bytes) -> int:
    """A is 1, Z is 26, AA is 27."""
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def _pieces(pack: zipfile.ZipFile, part: str, end: re.Pattern[bytes]) -> Iterator[bytes]:
    rest = b""
    with pack.open(part) as file:
        while chunk := file.read(_CHUNK):
            *whole, rest = end.split(rest + chunk)
            yield from whole
            if len(rest) > _MAX_PIECE:
                raise zipfile.BadZipFile("a row or a text without an end")
