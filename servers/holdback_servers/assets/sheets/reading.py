"""From the cells of a sidecar sheet to what it says of each file. Runs in the media worker: a sheet may be hostile."""

import difflib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from holdback_base.elements import ElementKind
from holdback_base.problem import Problem
from holdback_base.vocabulary import Span, parse_language
from pydantic import TypeAdapter, ValidationError

from holdback_servers.assets.identifiers import checked
from holdback_servers.assets.model import KINDS, FieldName, Identifier, LogEntry
from holdback_servers.assets.papers import DeclaredElement
from holdback_servers.assets.sheets.rows import FIELD, SHEETS, SheetRead, SheetRow, ref_mistake, sheet_path
from holdback_servers.workbooks.cells import Cell, Sheet, cell_name, read_workbook
from holdback_servers.workbooks.remarks import Remark

_FIELD_NAME: TypeAdapter[str] = TypeAdapter(FieldName)
_LONGEST = {"title": 500, "description": 4000, "work": 500, "name": 500}
_MOST_ROWS = 20_000
_TIMECODE = re.compile(r"\d{1,2}:\d{2}:\d{2}[:;]\d{2,3}")
_FAULTS = ("#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NUM!", "#NULL!")


def read(arguments: dict[str, Any], report: Callable[[int, int, str], None]) -> dict[str, Any]:
    """In the media worker: the sheet at `path`, called `name`, as JSON of a `SheetRead`."""
    del report
    data = Path(arguments["path"]).read_bytes()
    return read_sheet(data, arguments["name"]).model_dump(mode="json")


def read_sheet(data: bytes, name: str) -> SheetRead:
    """What a workbook or a CSV file says of files.

    Raises:
        Problem: TOO_LARGE; INVALID_ARGUMENT for a file that is no workbook, or has no column `file`.
    """
    book = {each.name.strip().casefold(): each for each in read_workbook(data, name, csv_sheet="Assets")}
    main = book.get("assets") or next(iter(book.values()), None)
    if main is None:
        raise Problem("INVALID_ARGUMENT", f"{name} has no sheet.", "Start from get_sheet_template.")
    table = _Table(name, main, "Assets")
    if "file" not in table.columns:
        raise Problem(
            "INVALID_ARGUMENT",
            f"{name} has no column file in its first line.",
            "Name the columns in the first line, as get_sheet_template does; file is the one that is needed.",
        )
    log, log_of = _entries(name, book.get("log"), "Log", _log_entry)
    elements, elements_of = _entries(name, book.get("elements"), "Elements", _element)
    loose = [*table.mistakes, *log.mistakes, *elements.mistakes]
    rows: dict[str, SheetRow] = {}
    spelt: dict[str, str] = {}
    for number in table.filled():
        row = _one_spelling(_row(table, number), spelt)
        if row.file in rows:
            twice = table.mistake(number, "file", f"{row.file} stands in {rows[row.file].place} already.", "Keep one.")
            rows[row.file] = rows[row.file].model_copy(update={"mistakes": (*rows[row.file].mistakes, twice)})
        else:
            told = (*log_of.get(row.file, ()), *elements_of.get(row.file, ()))
            rows[row.file] = _joined(row, told)
    for sheet, told_of in (("Log", log_of), ("Elements", elements_of)):
        for file in told_of.keys() - rows.keys():
            rows[file] = _joined(SheetRow(file=file, place=f"{name}, {sheet}"), told_of[file])
    return SheetRead(rows=tuple(rows.values()), mistakes=tuple(loose), remarks=main.remarks)


Told = LogEntry | DeclaredElement | Remark


def _joined(row: SheetRow, told: Sequence[Told]) -> SheetRow:
    return row.model_copy(
        update={
            "log": tuple(each for each in told if isinstance(each, LogEntry)),
            "elements": tuple(each for each in told if isinstance(each, DeclaredElement)),
            "mistakes": (*row.mistakes, *(each for each in told if isinstance(each, Remark))),
        }
    )


@dataclass
class _Table:
    """One sheet by its headers; `mistakes` are those of its first line."""

    file: str
    sheet: Sheet
    kind: str
    columns: dict[str, int] = field(default_factory=dict[str, int])
    mistakes: list[Remark] = field(default_factory=list[Remark])

    def __post_init__(self) -> None:
        known = [each.header for each in SHEETS[self.kind]]
        for at, cell in enumerate(self.sheet.rows[0] if self.sheet.rows else ()):
            header = str(cell or "").strip().casefold()
            if not header:
                continue
            own = self.kind == "Assets" and header.startswith(FIELD)
            if own:
                header = FIELD + header.removeprefix(FIELD).strip()
            if header in self.columns:
                self.mistakes.append(self._at(0, at, f"The column {header} stands twice.", "Keep one.", header))
            elif header in known or (own and _is_field(header.removeprefix(FIELD))):
                self.columns[header] = at
            else:
                near = difflib.get_close_matches(header, known, 1)
                cure = f"Did you mean {near[0]}?" if near else f"For a field of your own write {FIELD} and its name."
                self.mistakes.append(self._at(0, at, f"{header[:60]!r} is no column of this sheet.", cure, header))
        if len(self.sheet.rows) > _MOST_ROWS:
            raise Problem(
                "TOO_LARGE", f"{self.file} has more than {_MOST_ROWS} lines.", "Split it into several sheets."
            )

    def filled(self) -> list[int]:
        """The rows below the first that hold anything, counted from 0."""
        return [n for n, row in enumerate(self.sheet.rows) if n and any(cell not in (None, "") for cell in row)]

    def text(self, row: int, column: str) -> str:
        """What stands in a cell, as text without spaces around it and without a guard against being a formula; empty
        where the column or the cell is."""
        text = self.raw(row, column)
        return text.removeprefix("'") if re.match(r"'+[=+@-]", text) else text

    def raw(self, row: int, column: str) -> str:
        """The same with its guard."""
        at = self.columns.get(column)
        cells = self.sheet.rows[row]
        value: Cell = None if at is None or at >= len(cells) else cells[at]
        return "" if value is None else str(value).strip()

    def mistake(self, row: int, column: str, message: str, hint: str) -> Remark:
        """What is wrong in a cell."""
        return self._at(row, self.columns.get(column, 0), message, hint, self.text(row, column))

    def place(self, row: int) -> str:
        """A row as a person finds it."""
        return f"{self.file}, {self.sheet.name} row {row + 1}"

    def _at(self, row: int, column: int, message: str, hint: str, given: str) -> Remark:
        place = f"{self.file}, {self.sheet.name}!{cell_name(row, column)}"
        return Remark(place=place, message=message, hint=hint, given=given[:200])


def _row(table: _Table, number: int) -> SheetRow:
    mistakes: list[Remark] = []

    def text(column: str) -> str | None:
        return _checked_text(table, number, column, mistakes)

    file = sheet_path(text("file") or "")
    if file is None:
        hint = "Write its name, and its folder below that of the sheet, such as day-1/A001.mov."
        mistakes.append(table.mistake(number, "file", "This names no file below the folder of the sheet.", hint))
    kind = (text("kind") or "").casefold() or None
    if kind is not None and kind not in KINDS:
        mistakes.append(table.mistake(number, "kind", f"{kind[:60]!r} is no kind.", f"Write {', '.join(KINDS)}."))
    ref = text("ref")
    if ref is not None and (wrong := ref_mistake(ref)):
        mistakes.append(table.mistake(number, "ref", wrong, "Write kind:name, such as film:meadow."))
    identifiers = _identifiers(table, number, text("identifiers") or "", mistakes)
    work = text("work")
    if identifiers and work is None:
        hint = "Name the work that they are of."
        mistakes.append(table.mistake(number, "identifiers", "Identifiers belong to a work, and none is named.", hint))
    told = SheetRow(
        file=file or f"row {number + 1}",
        place=table.place(number),
        title=text("title"),
        kind=kind if kind in KINDS else None,
        ref=ref,
        tags=_words(text("tags")),
        description=text("description"),
        work=work,
        identifiers=identifiers,
        fields=_fields(table, number, text, mistakes),
    )
    return told.model_copy(update={"mistakes": tuple(sorted(mistakes, key=lambda each: each.place))})


def _one_spelling(row: SheetRow, spelt: dict[str, str]) -> SheetRow:
    """The row with its work as the sheet first spells it: which of its files comes in first is chance."""
    if row.work is None:
        return row
    return row.model_copy(update={"work": spelt.setdefault(row.work.casefold(), row.work)})


def _checked_text(table: _Table, number: int, column: str, mistakes: list[Remark]) -> str | None:
    """What stands in a cell; a formula without its value, and what is too long, is a mistake."""
    text = table.text(number, column)
    if table.raw(number, column).startswith("=") or text in _FAULTS:
        hint = "Save the sheet with its values (copy, paste as values)."
        mistakes.append(table.mistake(number, column, "This is a formula whose value is not known.", hint))
        return None
    longest = _LONGEST.get(column, 2000)
    if len(text) > longest:
        mistakes.append(
            table.mistake(number, column, f"This has {len(text)} characters.", f"Write {longest} or fewer.")
        )
        return None
    return text or None


def _fields(
    table: _Table, number: int, text: Callable[[str], str | None], mistakes: list[Remark]
) -> dict[str, str | int]:
    found: dict[str, str | int] = {}
    for column in (each for each in table.columns if each.startswith(FIELD)):
        if (value := text(column)) is not None:
            found[column.removeprefix(FIELD)] = int(value) if re.fullmatch(r"-?\d{1,15}", value) else value
    if (language := text("language")) is not None:
        try:
            found["language"] = parse_language(language)
        except Problem as problem:
            mistakes.append(table.mistake(number, "language", problem.message, problem.hint))
    return found


def _identifiers(table: _Table, number: int, text: str, mistakes: list[Remark]) -> tuple[Identifier, ...]:
    found: list[Identifier] = []
    for each in _words(text):
        scope, _, value = each.partition(" ")
        try:
            found.append(checked(Identifier(scope=scope, value=value.strip())))
        except ValidationError:
            hint = "Write its scope, a blank, and its value: EIDR 10.5240/..., house 4711."
            mistakes.append(table.mistake(number, "identifiers", f"{each[:80]!r} is no identifier.", hint))
        except Problem as problem:
            mistakes.append(table.mistake(number, "identifiers", problem.message, problem.hint))
    return tuple(found)


def _entries(
    name: str, sheet: Sheet | None, kind: str, entry: "Callable[[_Table, int], Told]"
) -> tuple[_Table, dict[str, list[Told]]]:
    """The lines of a further sheet, by the file that each is of."""
    table = _Table(name, sheet or Sheet(kind, []), kind)
    found: dict[str, list[Told]] = {}
    for number in table.filled():
        file = sheet_path(table.text(number, "file"))
        if file is None:
            hint = "Write the file as the sheet Assets does."
            table.mistakes.append(table.mistake(number, "file", "This names no file.", hint))
        else:
            found.setdefault(file, []).append(entry(table, number))
    return table, found


def _log_entry(table: _Table, number: int) -> Told:
    for column in ("in", "out"):
        if not _TIMECODE.fullmatch(table.text(number, column)):
            hint = "Write hours:minutes:seconds:frames as text, with ; before the frames for drop-frame."
            return table.mistake(number, column, "This is no timecode.", hint)
    wrong: list[Remark] = []
    description = _checked_text(table, number, "description", wrong) or ""
    if wrong:
        return wrong[0]
    return LogEntry(
        in_timecode=table.text(number, "in"),
        out_timecode=table.text(number, "out"),
        description=description,
        tags=_words(table.text(number, "tags")),
    )


def _element(table: _Table, number: int) -> Told:
    kind, ref = table.text(number, "kind").casefold(), table.text(number, "ref")
    if kind not in get_args(ElementKind):
        return table.mistake(number, "kind", f"{kind[:60]!r} is no kind.", f"Write {', '.join(get_args(ElementKind))}.")
    if wrong := ref_mistake(ref):
        return table.mistake(number, "ref", wrong, "Write kind:name, such as music:meadow-waltz.")
    ends = table.text(number, "in"), table.text(number, "out")
    if ends == ("", ""):
        spans: tuple[Span, ...] = ()
    elif all(re.fullmatch(r"\d{1,12}", each) for each in ends) and int(ends[0]) < int(ends[1]):
        spans = (Span(in_frame=int(ends[0]), out_frame=int(ends[1])),)
    else:
        hint = "Write two frames, the second after the first, or leave both out for all of the file."
        return table.mistake(number, "in", f"{ends[0]!r} to {ends[1]!r} are no frames.", hint)
    name = table.text(number, "name") or ref
    return DeclaredElement.model_validate({"kind": kind, "ref": ref, "name": name[:500], "spans": spans})


def _words(text: str | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word for part in re.split(r"[,;\n]", text or "") if (word := part.strip())))


def _is_field(name: str) -> bool:
    try:
        _FIELD_NAME.validate_python(name)
    except ValidationError:
        return False
    return True
