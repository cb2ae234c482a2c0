"""Rights written as the plain rights sheet, and the template that people start from. Pure.

Whatever a right says, the sheet can say: what it writes is read back to the same terms. Cells are text, never formulas.
"""

import base64
import csv
import io
import json
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, Literal

from holdback_base.vocabulary import instant_text

from holdback_servers.rights.interchange.batch import Exported, Remark
from holdback_servers.rights.interchange.sheet_columns import ELEMENT_WORDS, ELEMENTS, KIND_WORDS, RIGHTS, Column
from holdback_servers.rights.interchange.sheet_conditions import write_conditions
from holdback_servers.rights.interchange.sheet_table import EXAMPLE
from holdback_servers.rights.model import Contract, Right, RightTerms, terms_of
from holdback_servers.rights.moments import EventLag
from holdback_servers.workbooks.cells import Cell, cell_name
from holdback_servers.workbooks.packing import MAX_CELL_CHARACTERS

if TYPE_CHECKING:
    from openpyxl import Workbook

Form = Literal["xlsx", "csv"]

_XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_CSV: Final = "text/csv; charset=utf-8"
_ELEMENT_OF: Final = {kind: word for word, kind in ELEMENT_WORDS.items()}
_KIND_OF: Final = {kind: word for word, kind in KIND_WORDS.items()}
_UNSEEN: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_VALIDATED: Final = 5_000
"""Lines of the template that have drop-downs."""
_READ_ME: Final = (
    "Fill the sheet Rights: one line for each right. Then look at what it would change, before anything is recorded:",
    "holdback rights import FILE.xlsx",
    "and record it with: holdback rights import FILE.xlsx --apply",
    f"Lines whose reference begins with {EXAMPLE} are examples; they are left out. Delete them when you like.",
    "Headers may stand in any order. Days are written 2026-11-24, or are dates of the spreadsheet program.",
    "The sheet is all there is of each contract it names: a line that you delete is withdrawn with the next import. "
    "Contracts that it does not name stay as they are.",
    "Nothing is guessed that would give a right: what is not on the sheet, or not clear, is not cleared.",
    "The sheet Elements says what a film is made of, for: holdback try FILM --rights FILE.xlsx",
)


def write(rights: Sequence[tuple[Right, Contract]], form: Form = "xlsx") -> Exported:
    """The rights as a sheet, each line with how Holdback finds it again.

    `losses` are signs that a workbook cannot hold and cells over its limit; where there are none, the sheet read back
    gives the same terms.
    """
    losses: list[Remark] = []
    table = [_line(right, contract) for right, contract in rights]
    columns = tuple(each for each in RIGHTS if each.usual or any(each.field in line for line in table))
    rows = [
        [_kept(line.get(each.field), row, at, losses) for at, each in enumerate(columns)]
        for row, line in enumerate(table, 1)
    ]
    if form == "csv":
        return _exported(_csv(columns, rows), "rights.csv", "csv", len(rows), losses)
    book = _book()
    _page(book, "Rights", columns, rows)
    return _exported(_bytes(book), "rights.xlsx", "xlsx", len(rows), losses)


def template(form: Form = "xlsx") -> Exported:
    """An empty sheet to fill, with two example lines that are left out when it is read."""
    columns = tuple(each for each in RIGHTS if each.usual)
    first = {each.field: each.example for each in columns} | {"ref": f"{EXAMPLE} film:night-train", "note": ""}
    second = {
        "ref": f"{EXAMPLE} film:night-train", "title": "Night Train", "kind": "blackout", "contract": "NF-2026-014",
        "territories": "IE", "media": "social", "start": "2026-12-24", "end": "2026-12-26", "clause": "9 Christmas",
    }  # fmt: skip
    rows: list[list[Cell]] = [[line.get(each.field) or None for each in columns] for line in (first, second)]
    if form == "csv":
        return _exported(_csv(columns, rows), "rights-template.csv", "csv", 0, [])
    book = _book()
    _page(book, "Rights", columns, rows)
    examples: list[list[Cell]] = [
        ["film", f"{EXAMPLE} film:night-train", "Night Train", None, None, None],
        [f"{EXAMPLE} {each.example}" if each.field == "ref" else each.example for each in ELEMENTS],
    ]
    _page(book, "Elements", ELEMENTS, examples)
    _read_me(book, columns)
    return _exported(_bytes(book), "rights-template.xlsx", "xlsx", 0, [])


# --- a right as cells -----------------------------------------------------------------------------------------------


def _line(right: Right, contract: Contract) -> dict[str, Cell]:
    """What the cells of a line hold, by field; blank ones are absent."""
    terms = terms_of(right)
    rest, title, note = _for_people(terms)
    cells: dict[str, Cell] = {
        "ref": terms.ref,
        "title": title,
        "element": ", ".join(_ELEMENT_OF[each] for each in terms.element_kinds),
        "party": contract.counterparty,
        "contract": contract.title or contract.external_key or contract.id,
        "status": contract.status,
        "direction": contract.direction,
        "kind": _KIND_OF[terms.kind],
        "territories": ", ".join(terms.territories),
        "excluded": ", ".join(terms.excluded_territories),
        "media": ", ".join(terms.media),
        "time_zone": contract.time_zone,
        "languages": ", ".join(terms.languages),
        "purposes": ", ".join(terms.purposes),
        "exclusive": "yes" if terms.exclusive else "no",
        "derivative": "yes" if terms.derivative_allowed else "no",
        "max_seconds": terms.max_duration_seconds,
        "max_percent": terms.max_excerpt_percent,
        "work_seconds": terms.work_seconds,
        "max_runs": terms.max_runs,
        "reruns": f"{terms.reruns.repeats} within {terms.reruns.hours} hours" if terms.reruns else None,
        "window_days": terms.window_max_days,
        "conditions": write_conditions(terms.conditions),
        "clause": terms.clause,
        "note": note,
        "source": terms.source,
        "groups_on": terms.groups_on.isoformat() if terms.groups_on and terms.groups_on != terms.first_day else None,
        "licence_type": terms.licence_type,
        "contract_title": contract.title,
        "contract_note": contract.note,
        "carried": json.dumps(rest, ensure_ascii=False) if rest else None,
        "contract_record": contract.external_key or contract.id,
        "right_record": right.external_key or right.id,
    }
    return {name: value for name, value in (cells | _window(terms)).items() if value is not None and value != ""}


def _window(terms: RightTerms) -> dict[str, Cell]:
    def end(day: Any, at: Any, event: EventLag | None) -> str | None:
        if event is not None:
            return f"event {event.event}" if event.lag == "P0D" else f"{event.event} {event.lag}"
        return day.isoformat() if day else instant_text(at) if at else None

    return {
        "start": end(terms.first_day, terms.start, terms.start_event),
        "end": end(terms.last_day, terms.end, terms.end_event),
    }


def _for_people(terms: RightTerms) -> tuple[list[tuple[str, str]], str | None, str | None]:
    """What is carried, without the title and the note that have columns of their own."""
    rest = list(terms.carried)
    note = rest.pop()[1] if rest and rest[-1][0] == "Note" else None
    title = rest.pop()[1] if rest and rest[-1][0] == "Title" else None
    return rest, title, note


def _kept(cell: Cell, row: int, column: int, losses: list[Remark]) -> Cell:
    if not isinstance(cell, str):
        return cell
    place = f"Rights!{cell_name(row, column)}"
    text = _UNSEEN.sub("", cell)
    if text != cell:
        losses.append(Remark(place=place, message="Signs that a workbook cannot hold are left out.", given=cell[:200]))
    if len(text) > MAX_CELL_CHARACTERS:
        losses.append(Remark(place=place, message="The cell is longer than a workbook allows; it is left blank."))
        return None
    return text


# --- files ----------------------------------------------------------------------------------------------------------


def _csv(columns: Sequence[Column], rows: Sequence[Sequence[Cell]]) -> bytes:
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow([each.header for each in columns])
    writer.writerows([[_guarded(cell, "csv") for cell in row] for row in rows])
    return file.getvalue().encode("utf-8-sig")


def _guarded(cell: Cell, form: Form) -> Cell:
    """Text that a spreadsheet program would take for a formula, made plain by a quotation mark before it. A workbook
    says itself what is text; only what looks guarded already is guarded there."""
    pattern = r"'*[=+@-]" if form == "csv" else r"'+[=+@-]"
    return f"'{cell}" if isinstance(cell, str) and re.match(pattern, cell) else cell


def _book() -> "Workbook":
    from openpyxl import Workbook

    return Workbook(write_only=True)


def _page(book: "Workbook", title: str, columns: Sequence[Column], rows: Sequence[Sequence[Cell]]) -> None:
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.comments import Comment
    from openpyxl.styles import Alignment, Font, PatternFill
    from openpyxl.utils import get_column_letter

    page: Any = book.create_sheet(title)  # its types leave out what a sheet that is only written can do
    page.freeze_panes = "B2"
    for at, each in enumerate(columns, 1):
        page.column_dimensions[get_column_letter(at)].width = each.width
    _choices(page, columns)
    header: list[Any] = []
    for each in columns:
        cell = WriteOnlyCell(page, each.header)
        cell.font, cell.fill = Font(bold=True, color="FFFFFF"), PatternFill("solid", fgColor="1F3A5F")
        cell.alignment = Alignment(vertical="top", wrap_text=True)
        cell.comment = Comment(f"{each.explains}\n\nBlank: {each.blank}", "Holdback", width=320, height=160)
        header.append(cell)
    page.append(header)
    for row in rows:
        example = any(isinstance(cell, str) and cell.startswith(EXAMPLE) for cell in row)
        made: list[Any] = []
        for given in row:
            value: Any = _guarded(given, "xlsx")
            cell = WriteOnlyCell(page, value)
            if isinstance(value, str):
                cell.data_type = "s"  # never a formula
            if example:
                cell.font = Font(italic=True, color="808080")
            made.append(cell)
        page.append(made)


def _choices(page: Any, columns: Sequence[Column]) -> None:
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.datavalidation import DataValidation

    for at, each in enumerate(columns, 1):
        if each.choices:
            # Nothing is forbidden: some cells hold several words, and synonyms are understood.
            offered: Any = DataValidation("list", formula1=f'"{",".join(each.choices)}"', showErrorMessage=False)
            letter = get_column_letter(at)
            offered.add(f"{letter}2:{letter}{_VALIDATED}")
            page.data_validations.append(offered)


def _read_me(book: "Workbook", columns: Sequence[Column]) -> None:
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Alignment, Font

    page = book.create_sheet("Read me")
    for letter, width in (("A", 20), ("B", 80), ("C", 60), ("D", 30)):
        page.column_dimensions[letter].width = width

    def line(*texts: str, bold: bool = False) -> None:
        cells = [WriteOnlyCell(page, text) for text in texts]
        for cell in cells:
            cell.data_type, cell.font = "s", Font(bold=bold)
            cell.alignment = Alignment(vertical="top", wrap_text=len(cells) > 1)
        page.append(cells)

    line("The plain rights sheet of Holdback", bold=True)
    for text in _READ_ME:
        line(text)
    others = tuple(each for each in RIGHTS if not each.usual)
    for heading, told in (
        ("Rights", columns), ("Elements", ELEMENTS), ("Rights, where needed", others),
    ):  # fmt: skip
        page.append([])
        line(heading, "What to write", "If blank", "Example", bold=True)
        for each in told:
            line(each.header, each.explains, each.blank, each.example)


def _bytes(book: "Workbook") -> bytes:
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def _exported(data: bytes, name: str, form: Form, count: int, losses: Sequence[Remark]) -> Exported:
    return Exported(
        format="sheet",
        file_name=name,
        media_type=_XLSX if form == "xlsx" else _CSV,
        content=base64.b64encode(data).decode() if form == "xlsx" else data.decode("utf-8-sig"),
        base64=form == "xlsx",
        rights=count,
        losses=tuple(losses),
    )
