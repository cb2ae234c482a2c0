"""A table with a header, as people make one: columns in any order, cells by field, and their places. Pure."""

import difflib
import re
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Final, TypeVar

from holdback_base.problem import Problem
from pydantic import ValidationError

from holdback_servers.rights.interchange.batch import Remark
from holdback_servers.rights.interchange.sheet_columns import Column, known_headers, plain_header
from holdback_servers.workbooks.cells import Cell, Sheet, cell_name

T = TypeVar("T")

_LOOKED_AT: Final = 30
"""Lines above which a header is looked for."""
_ENOUGH: Final = 3
"""Headers that must be known for a line to be the header."""
_LIMITS: Final = {
    r"^until|^till|end(s|date|day)?$|expir": "Until",
    r"notbefore|startsafter": "From",
    r"(exclu|except|not|prohibit)\w*(platform|media|channel)": "Platforms, as those that are left",
    r"(exclu|except|not|prohibit)\w*lang": "Languages, as those that are left",
    r"excl(usions?)?$|except|exclu\w*(territor|countr)|(territor|countr)\w*(exclu|except|restrict)": "Except",
    r"holdback|blackout|embargo": "a line of its own, of that Kind",
    r"restrict|prohibit|notallowed": "the columns of the template",
}
"""What unknown headers that limit a right look like, plain, and where to write it instead."""
_MOST_REMARKS: Final = 500
EXAMPLE: Final = "EXAMPLE"
"""What the reference of a line begins with that only shows how to fill the sheet; it is left out."""


@dataclass(frozen=True)
class Line:
    """One line: its cells by field, and where they are."""

    sheet: str
    row: int
    cells: dict[str, Cell]
    columns: dict[str, tuple[int, str]]

    @property
    def place(self) -> str:
        """The line's first cell, such as `Rights!A12`."""
        return f"{self.sheet}!{cell_name(self.row, 0)}"

    def at(self, name: str, header: str = "") -> str:
        """The place of one cell, such as `Rights!G12 (Where)`; the line's where the column is missing."""
        if name in self.columns:
            column, written = self.columns[name]
            return f"{self.sheet}!{cell_name(self.row, column)} ({written})"
        return f"{self.place} ({header})" if header else self.place

    def take(self, name: str, read: Callable[[Cell], T], ledger: "Ledger") -> T | None:
        """What a cell says. None when it cannot be read, which is told, or when `read` makes nothing of it."""
        cell = self.cells.get(name)
        try:
            return read(cell)
        except Problem as problem:
            ledger.refused(self.at(name), problem, "" if cell is None else str(cell))
            return None


@dataclass
class Ledger:
    """Mistakes and losses while a file is read, in order."""

    mistakes: list[Remark] = field(default_factory=list[Remark])
    losses: list[Remark] = field(default_factory=list[Remark])
    unsaid: int = 0

    @property
    def count(self) -> int:
        """How many mistakes there are."""
        return len(self.mistakes) + self.unsaid

    def wrong(self, place: str, message: str, hint: str, given: str = "") -> None:
        """One mistake more; after many only their number grows."""
        if len(self.mistakes) < _MOST_REMARKS:
            self.mistakes.append(Remark(place=place, message=message, hint=hint, given=given[:200]))
        else:
            self.unsaid += 1

    def refused(self, place: str, problem: Problem, given: str = "") -> None:
        """A mistake that a rule has named."""
        self.wrong(place, problem.message, problem.hint, given)

    def invalid(self, line: Line, error: ValidationError, fields: dict[str, str]) -> None:
        """What the model refused; `fields` are the sheet's names of the model's fields."""
        for each in error.errors():
            name = str(each["loc"][0]) if each["loc"] else ""
            message = f"{str(each['input'])[:80]!r} does not fit: {each['msg']}."
            self.wrong(line.at(fields.get(name, name)), message, "Shorten or correct the cell.")

    def lost(self, place: str, message: str, hint: str = "", given: str = "") -> None:
        """Something that the file says and that is not kept, or not decided by."""
        if len(self.losses) < _MOST_REMARKS:
            self.losses.append(Remark(place=place, message=message, hint=hint, given=given[:200]))

    def all_mistakes(self) -> tuple[Remark, ...]:
        """The mistakes, with how many more there are."""
        if not self.unsaid:
            return tuple(self.mistakes)
        more = Remark(place="", message=f"{self.unsaid} more mistakes.", hint="Correct these, and look again.")
        return (*self.mistakes, more)


def has_header(sheet: Sheet, columns: tuple[Column, ...]) -> bool:
    """Whether a line near the top has headers of this table."""
    return _header_row(sheet, columns) is not None


def holds_lines(sheet: Sheet, columns: tuple[Column, ...], telling: AbstractSet[str]) -> bool:
    """Whether a sheet has headers of this table, one of the fields `telling` among them, and lines below."""
    header = _header_row(sheet, columns)
    if header is None:
        return False
    known = known_headers(columns)
    names = {known[name].field for name in map(_plain, sheet.rows[header]) if name in known}
    return bool(names & telling) and any(any(map(_filled, row)) for row in sheet.rows[header + 1 :])


def lines(sheet: Sheet, columns: tuple[Column, ...], ledger: Ledger) -> Iterator[Line]:
    """The lines below the header that hold anything and are no examples.

    A column that is not known is told; one that nearly has a known name is a mistake, since it may limit a right. So
    are two columns for one field.
    """
    header = _header_row(sheet, columns)
    if header is None:
        raise Problem(
            "INVALID_ARGUMENT",
            f"The sheet {sheet.name} has no line of headers.",
            "Start from the template: its first line names the columns.",
        )
    places = _placed(sheet, header, columns, ledger)
    for row, cells in enumerate(sheet.rows[header + 1 :], header + 1):
        found = {name: cells[at] for name, (at, _) in places.items() if at < len(cells) and _filled(cells[at])}
        if not found:
            continue
        first = found.get("ref") or found.get("title") or found.get("name")
        if isinstance(first, str) and first.strip().upper().startswith(EXAMPLE):
            ledger.lost(f"{sheet.name}!{cell_name(row, 0)}", "An example line; it is left out.")
            continue
        yield Line(sheet.name, row, found, places)


def _filled(cell: Cell) -> bool:
    return cell is not None and (not isinstance(cell, str) or bool(cell.strip()))


def _header_row(sheet: Sheet, columns: tuple[Column, ...]) -> int | None:
    known = known_headers(columns)
    for row, cells in enumerate(sheet.rows[:_LOOKED_AT]):
        if len({known[name].field for name in map(_plain, cells) if name in known}) >= _ENOUGH:
            return row
    return None


def _plain(cell: Cell) -> str:
    return plain_header(cell) if isinstance(cell, str) else ""


def _placed(sheet: Sheet, header: int, columns: Sequence[Column], ledger: Ledger) -> dict[str, tuple[int, str]]:
    known = known_headers(tuple(columns))
    places: dict[str, tuple[int, str]] = {}
    for at, cell in enumerate(sheet.rows[header]):
        if not isinstance(cell, str) or not cell.strip():
            continue
        place, column = f"{sheet.name}!{cell_name(header, at)}", known.get(plain_header(cell))
        if column is None:
            _unknown(place, cell.strip(), known, ledger)
        elif column.field in places:
            other = places[column.field][1]
            ledger.wrong(place, f"{cell.strip()!r} and {other!r} are the same column.", "Keep one of them.")
        else:
            places[column.field] = (at, cell.strip())
    return places


def _unknown(place: str, header: str, known: dict[str, Column], ledger: Ledger) -> None:
    limits = next((meant for pattern, meant in _LIMITS.items() if re.search(pattern, plain_header(header))), None)
    near = difflib.get_close_matches(plain_header(header), list(known), n=1, cutoff=0.75)
    if limits is not None:
        told = f"There is no column {header!r}, and it may limit a right."
        ledger.wrong(place, told, f"Write it in {limits}; else give the column another name.")
    elif near:
        meant = known[near[0]].header
        ledger.wrong(place, f"There is no column {header!r}.", f"Did you mean {meant}? Else give it another name.")
    else:
        ledger.lost(place, f"The column {header!r} is not known; nothing in it is read.", "See the sheet Read me.")
