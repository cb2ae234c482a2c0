"""Avails out: an XML document of version 2.7, or a workbook of template 1.9, of rights on record."""

import base64
import io
import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Final

from holdback_servers.rights.interchange.avails_columns import MOVIE_COLUMNS, TV_COLUMNS
from holdback_servers.rights.interchange.avails_document import document
from holdback_servers.rights.interchange.avails_said import Said, say
from holdback_servers.rights.interchange.avails_words import major_units, text_of
from holdback_servers.rights.interchange.batch import Exported
from holdback_servers.rights.model import Contract, Right

XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
SHEET: Final = "Avails"
_REQUIRED: Final = frozenset(
    ["DisplayName", "Territory", "WorkType", "EntryType", "LicenseType", "FormatProfile", "Start", "End", "ALID"]
)
_ALWAYS: Final = _REQUIRED | {"ContentID", "TitleInternalAlias", "AvailID", "PriceType", "PriceValue", "ContractID"}
_COLUMNS: Final = {each.partition("/")[2]: each.partition("/")[0] for each in (*MOVIE_COLUMNS, *TV_COLUMNS)}
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_EPOCH: Final = datetime(2000, 1, 1)


def write_xml(rights: Sequence[tuple[Right, Contract]], licensor: str = "") -> Exported:
    """An AvailList of version 2.7. The same rights give the same bytes, in whatever order they come.

    Args:
        rights: each with its contract.
        licensor: who licenses what is licensed out; without a name those rights are left out.
    """
    said = say(rights, licensor)
    content = document(_clean(said.transactions), said)
    return Exported(
        format="avails_xml",
        file_name="avails.xml",
        media_type="application/xml",
        content=content,
        rights=said.rights,
        losses=said.told(),
    )


def write_workbook(rights: Sequence[tuple[Right, Contract]], licensor: str = "") -> Exported:
    """A workbook of template 1.9 with one sheet for all kinds of titles. Arguments as for `write_xml`."""
    said = say(rights, licensor)
    transactions = _clean(said.transactions)
    content = base64.b64encode(_workbook([_priced(each) for each in transactions], said)).decode()
    return Exported(
        format="avails_xlsx",
        file_name="avails.xlsx",
        media_type=XLSX,
        content=content,
        base64=True,
        rights=said.rights,
        losses=said.told(),
    )


def _clean(transactions: Iterable[Mapping[str, str]]) -> list[dict[str, str]]:
    """Without signs that neither XML nor a workbook can hold, in an order of their own."""
    cleaned = ({name: _CONTROL.sub(" ", text) for name, text in each.items()} for each in transactions)
    return sorted(cleaned, key=lambda each: (each["DisplayName"], each["ALID"], sorted(each.items())))


def _priced(fields: dict[str, str]) -> dict[str, str]:
    """Money as the spreadsheet has it: an amount, and one currency for the row."""
    priced = dict(fields)
    for name in list(fields):
        _, *term = name.split(":")
        if len(term) == 2 and term[1] == "Money" and term[0] not in ("SRP",) and "PriceType" not in priced:
            priced |= {"PriceType": term[0], "PriceValue": priced.pop(name)}
    for name in ("PriceValue", "SRP"):
        money = major_units(priced.get(name, ""))
        if money is not None and priced.get("PriceCurrency", money[1]) == money[1]:
            priced[name], priced["PriceCurrency"] = money
    return priced


def _workbook(transactions: list[dict[str, str]], said: Said) -> bytes:
    from openpyxl import Workbook

    used = {name for each in transactions for name in each}
    for each in transactions:
        for name in sorted(each.keys() - _COLUMNS.keys()):
            said.lose_field(each, name, f"The template has no column for {name}")
    names = [name for name in _COLUMNS if name in _ALWAYS | used]
    book = Workbook(write_only=True)
    sheet = book.create_sheet(SHEET)
    notes = [_cell(sheet, "//REQ" if name in _REQUIRED else "//Opt") for name in names]
    notes[0] = _cell(sheet, 1.9)
    sheet.append([_cell(sheet, _COLUMNS[name]) for name in names])
    sheet.append([_cell(sheet, name) for name in names])
    sheet.append(notes)
    for each in transactions:
        sheet.append([_cell(sheet, _value(name, each[name])) if name in each else None for name in names])
    made = io.BytesIO()
    book.save(made)
    return _without_times(made.getvalue())


def _value(name: str, text: str) -> str | float | date:
    """Days as days, and as numbers the prices that read back alike; all else is text, so that an id keeps its zeros."""
    if name in ("Start", "End") and re.fullmatch(r"\d{4}-\d\d-\d\d", text) and text >= "1901":
        return date.fromisoformat(text)
    if name in ("PriceValue", "SRP") and re.fullmatch(r"\d{1,9}(\.\d{1,3})?", text) and text_of(float(text)) == text:
        return float(text)
    return text


def _cell(sheet: object, value: str | float | date) -> object:
    from openpyxl.cell import WriteOnlyCell

    cell = WriteOnlyCell(sheet, value)  # pyright: ignore[reportArgumentType]  # its stub asks for a worksheet of another kind
    if isinstance(value, str):
        cell.data_type = "s"  # what begins with = is text, not a formula
    elif isinstance(value, date):
        cell.number_format = "yyyy-mm-dd"
    return cell


def _without_times(data: bytes) -> bytes:
    """The same workbook without the moment it was made: the same rights give the same bytes."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for info in sorted(old.infolist(), key=lambda each: each.filename != "[Content_Types].xml"):
            content = old.read(info)
            if info.filename == "docProps/core.xml":
                content = re.sub(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", b"2000-01-01T00:00:00Z", content)
            new.writestr(zipfile.ZipInfo(info.filename, _EPOCH.timetuple()[:6]), content, zipfile.ZIP_DEFLATED)
    return made.getvalue()
