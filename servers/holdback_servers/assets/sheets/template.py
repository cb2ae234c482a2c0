"""The sidecar sheet to start from, as a workbook or as CSV. Nothing in it is ever a formula."""

import csv
import io
import re
from typing import Any, Literal

from holdback_servers.assets.sheets.rows import COLUMNS, SHEETS, Column

Form = Literal["xlsx", "csv"]


def template(form: Form, files: tuple[str, ...] = ()) -> bytes:
    """An empty sheet, or one with a line for each of these files; a workbook also explains every column."""
    if form == "csv":
        made = io.StringIO(newline="")
        writer = csv.writer(made)
        writer.writerow([each.header for each in COLUMNS])
        writer.writerows([[guarded(file)] for file in files])
        return made.getvalue().encode("utf-8-sig")
    return _workbook(files)


def guarded(text: str) -> str:
    """Text that a spreadsheet program would take for a formula, made plain by a quotation mark before it."""
    return f"'{text}" if re.match(r"'*[=+@-]", text) else text


def _workbook(files: tuple[str, ...]) -> bytes:
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    for name, columns in SHEETS.items():
        _page(book.create_sheet(name), columns, files if name == "Assets" else ())
    page: Any = book.create_sheet("Read me")
    page.column_dimensions["A"].width, page.column_dimensions["B"].width = 24, 90
    for name, columns in SHEETS.items():
        page.append([f"Sheet {name}"])
        for each in columns:
            page.append([each.header, f"{each.explains} Example: {each.example}"])
    page.append(["field: genre", "In Assets: a column for a metadata field of your own, as field: and its name."])
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def _page(page: Any, columns: tuple[Column, ...], files: tuple[str, ...]) -> None:
    """A sheet of a workbook that is only written; its types leave out what such a sheet can do."""
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.comments import Comment
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.datavalidation import DataValidation

    page.freeze_panes = "B2"
    header: list[Any] = []
    for at, each in enumerate(columns, 1):
        letter = get_column_letter(at)
        page.column_dimensions[letter].width = each.width
        cell = WriteOnlyCell(page, each.header)
        cell.font, cell.comment = Font(bold=True), Comment(f"{each.explains}\n\nExample: {each.example}", "Holdback")
        header.append(cell)
        if each.choices:
            offered: Any = DataValidation("list", formula1=f'"{",".join(each.choices)}"', showErrorMessage=False)
            offered.add(f"{letter}2:{letter}5000")
            page.data_validations.append(offered)
    page.append(header)
    for file in files:
        named = WriteOnlyCell(page, guarded(file))
        named.data_type = "s"
        page.append([named])
