"""What an ingest of a folder would do, before any of it is done: its files, their rows in a sheet, what is wrong."""

import asyncio
import difflib
import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from holdback_base.problem import Problem
from holdback_base.vocabulary import Noun

from holdback_servers import media_worker
from holdback_servers.assets.batches.folders import Contents, find_folder, look_into
from holdback_servers.assets.batches.orders import FileOrder, Ways, order_of
from holdback_servers.assets.ingest import find_in_library, limits_of
from holdback_servers.assets.sheets.rows import NAMES, SheetRead, SheetRow
from holdback_servers.settings import Settings
from holdback_servers.workbooks.remarks import Remark

_SHEET_BYTES = 64 << 20


class FolderRequest(Noun):
    """Which folder to take in, and how. Without `sheet` one called assets.xlsx or assets.csv in it is taken."""

    folder: str
    sheet: str | None = None
    below: bool = True
    only_listed: bool = False
    ways: Ways


@dataclass(frozen=True)
class Planned:
    """One file by its name in the folder: what to do with it, and its row in the sheet."""

    name: str
    order: FileOrder
    row: SheetRow | None


@dataclass(frozen=True)
class Plan:
    """What would be done with a folder; `mistakes` are those of the sheet that belong to no file."""

    folder: Path
    sheet: str | None
    files: tuple[Planned, ...]
    passed_over: tuple[tuple[str, str], ...]
    mistakes: tuple[Remark, ...]
    remarks: tuple[Remark, ...]


async def plan(request: FolderRequest, settings: Settings) -> Plan:
    """Look into the folder and read its sheet.

    Raises:
        Problem: as `find_folder` and `look_into`; for a sheet that cannot be read, as `read_sheet`.
    """
    folder = await asyncio.to_thread(find_folder, request.folder, settings)
    contents = await asyncio.to_thread(look_into, folder, below=request.below)
    place = await asyncio.to_thread(sheet_of, folder, request.sheet, settings)
    told = SheetRead(rows=()) if place is None else await read_in_worker(place, settings)
    passed = tuple(each for each in contents.passed_over if place is None or folder / each[0] != place)
    files = _planned(folder, contents, told, request)
    return Plan(folder, None if place is None else place.name, files, passed, told.mistakes, told.remarks)


def sheet_of(folder: Path, given: str | None, settings: Settings) -> Path | None:
    """The sheet that tells of a folder: the one given, from the folder or from a library root, or one in it by its
    usual name.

    Raises:
        Problem: PATH_OUTSIDE_LIBRARY, FILE_MISSING, TOO_LARGE; CONFLICT when there is a workbook and a CSV file.
    """
    if given is None:
        usual = [folder / name for name in NAMES if (folder / name).is_file()]
        if len(usual) > 1:
            raise Problem(
                "CONFLICT", f"{folder.name} holds {' and '.join(NAMES)}.", "Name the one that counts as sheet."
            )
        if not usual:
            return None
        given = str(usual[0])
    beside = folder / given
    place = find_in_library(str(beside) if beside.exists() else given, settings)
    if place.stat().st_size > _SHEET_BYTES:
        raise Problem("TOO_LARGE", f"{place.name} has over {_SHEET_BYTES >> 20} MB.", "Split the sheet.")
    return place


async def read_in_worker(place: Path, settings: Settings) -> SheetRead:
    """A sheet as it was understood, read where it can do no harm."""
    answer = await media_worker.run(
        "holdback_servers.assets.sheets.reading:read",
        {"path": str(place), "name": place.name},
        limits=limits_of(settings),
        roots=(place,),
    )
    return SheetRead.model_validate(answer)


def _planned(folder: Path, contents: Contents, told: SheetRead, request: FolderRequest) -> tuple[Planned, ...]:
    names = [each.name for each in contents.files]
    rows = rows_by_name(told.rows, set(names))
    planned = [
        Planned(name, order_of(str(folder / name), rows.get(name), request.ways), rows.get(name))
        for name in names
        if name in rows or not request.only_listed
    ]
    for missing in rows.keys() - set(names):
        row = rows[missing]
        order = order_of(str(folder / missing), row, request.ways)
        if order.problem is None:
            order = order.model_copy(update={"problem": _missing(row, names).as_dict()})
        planned.append(Planned(missing, order, row))
    return tuple(sorted(planned, key=lambda each: each.name))


def rows_by_name(rows: Iterable[SheetRow], names: Collection[str]) -> dict[str, SheetRow]:
    """The rows by the files they tell of. An accent that is a sign of its own in one of both (as on a Mac) is the same
    name; a row whose file is not there stands under the name it gives.
    """
    found = {each.file: each for each in rows}
    missing = found.keys() - set(names)
    if missing:
        forms = {unicodedata.normalize("NFC", name): name for name in names if name not in found}
        meant = {file: forms.get(unicodedata.normalize("NFC", file), file) for file in missing}
        found = {meant.get(file, file): row for file, row in found.items()}
    return found


def _missing(row: SheetRow, names: list[str]) -> Problem:
    near = [name for name in names if name.casefold() == row.file.casefold()]
    near += difflib.get_close_matches(row.file, names, 1)
    return Problem(
        "FILE_MISSING",
        f"{row.place}: there is no media file {row.file} in the folder.",
        f"Did you mean {near[0]}?" if near else "Copy it there, or take the line out of the sheet.",
    )
