"""A channel's grid, or what it really aired, out of a CSV file. Pure.

The first line names the columns, in any order: `start` (or `date` and `time`), `end` or `duration`, `title`, and as far
as there are any `publication`, `reference` (`house_number`, `house_id`), `media`, `description`, `audience`, `status`,
`channel`. Others are told and not read. Separators are comma, semicolon or tab.
"""

import csv
import io
import math
from typing import Final

from pydantic import ValidationError

from holdback_servers.schedule.asrun_nouns import FileContents, ListedItem, Remark
from holdback_servers.schedule.channel import Channel
from holdback_servers.schedule.interchange.gathering import Gathering
from holdback_servers.schedule.interchange.markup import MAX_ITEMS, UnreadableError, check_size
from holdback_servers.schedule.interchange.table import unguarded
from holdback_servers.schedule.interchange.wall import BadTimeError, Dates, WallClock, clock_of, duration_of
from holdback_servers.schedule.interchange.written import one_line

_MAX_COLUMNS: Final = 100
_MAX_CELL: Final = 32_767
_NAMES: Final = {
    "start": "start", "start_time": "start", "actual_start": "start",
    "date": "date", "time": "time",
    "end": "end", "stop": "end", "end_time": "end", "actual_end": "end",
    "duration": "duration", "length": "duration",
    "title": "title", "name": "title", "programme": "title", "program": "title",
    "publication": "publication", "media": "media", "channel": "channel", "description": "description",
    "reference": "reference", "house_number": "reference", "house_id": "reference",
    "audience": "audience", "status": "status",
}  # fmt: skip
_NOT_AIRED: Final = frozenset({"not aired", "did not air", "missed", "skipped", "cancelled", "canceled"})


def read(content: str, name: str, channel: Channel, dates: Dates = "calendar") -> FileContents:
    """The lines of a table; mistakes by row and column. Times without a zone are on the channel's own clocks."""
    try:
        rows = _rows(content, name)
        columns = _columns(rows[0][1])
    except UnreadableError as error:
        return error.contents
    found, clock = Gathering(), clock_of(channel, dates)
    for other in sorted({cell.strip() for cell in rows[0][1] if cell.strip() and _plain(cell) not in _NAMES}):
        found.lose(other, f"The column {other} is not read.")
    for line, row in rows[1:]:
        cells = {what: unguarded(row[at]).strip() for what, at in columns.items() if at < len(row)}
        if any(cells.values()):
            _read_row(f"row {line}", cells, channel, clock, found)
    return found.contents()


def _rows(content: str, name: str) -> list[tuple[int, list[str]]]:
    """The rows, each with the number of its line as a person counts."""
    text = content.removeprefix("\ufeff")
    check_size(text, name)
    first = text.lstrip().splitlines()[0]
    separator = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    rows: list[tuple[int, list[str]]] = []
    hint = "Save it as CSV in UTF-8 again."
    try:
        for row in reader:
            if len(row) > _MAX_COLUMNS or any(len(cell) > _MAX_CELL for cell in row):
                message = f"It has more than {_MAX_COLUMNS} cells, or one of more than {_MAX_CELL} characters."
                raise UnreadableError(Remark(place=f"row {len(rows) + 1}", message=message, hint="Take them out."))
            if len(rows) > MAX_ITEMS:
                message = f"There are more than {MAX_ITEMS:,} rows."
                raise UnreadableError(Remark(place=name, message=message, hint="Split the file, by days."))
            rows.append((len(rows) + 1, row))
    except csv.Error as error:
        remark = Remark(place=f"line {reader.line_num}", message=f"It is not CSV: {error}.", hint=hint)
        raise UnreadableError(remark) from error
    filled = [each for each in rows if any(cell.strip() for cell in each[1])]
    if not filled:
        raise UnreadableError(Remark(place=name, message="All its cells are empty.", hint=hint))
    return filled


def _columns(header: list[str]) -> dict[str, int]:
    """Where each column stands that is read. Raises UnreadableError for one that is there twice or missing."""
    columns: dict[str, int] = {}
    for at, cell in enumerate(header):
        what = _NAMES.get(_plain(cell))
        if what in columns:
            message = f"Two columns are the {what}."
            raise UnreadableError(
                Remark(place="row 1", message=message, hint="Rename or take out one of them.", given=cell)
            )
        if what is not None:
            columns[what] = at
    missing = [what for what, there in {
        "title": "title" in columns,
        "start (or date and time)": "start" in columns or {"date", "time"} <= columns.keys(),
        "end or duration": "end" in columns or "duration" in columns,
    }.items() if not there]  # fmt: skip
    if missing:
        message = f"There is no column {', no column '.join(missing)}."
        raise UnreadableError(Remark(place="row 1", message=message, hint="Name the columns in the first row."))
    return columns


def _plain(cell: str) -> str:
    return "_".join(cell.strip().lower().replace("-", " ").replace("_", " ").split())


def _read_row(place: str, cells: dict[str, str], channel: Channel, clock: WallClock, found: Gathering) -> None:
    if cells.get("channel") and cells["channel"].casefold() not in (channel.name, channel.title.casefold()):
        hint = f"Take out the rows of other channels; this import is for {channel.name}."
        found.mistake(f"{place}, channel", "It is of another channel.", hint, cells["channel"])
        return
    if cells.get("status", "").lower() in _NOT_AIRED:
        found.lose(place, f"{cells.get('title', '')!r} did not air ({cells['status']}).")
        return
    start_text = cells.get("start") or f"{cells.get('date', '')} {cells.get('time', '')}".strip()
    where, given = "start", start_text
    try:
        start = clock.instant(start_text)
        if cells.get("end"):
            where, given = "end", cells["end"]
            end = clock.instant(given)
        else:
            where, given = "duration", cells.get("duration", "")
            end = start + duration_of(given, clock.rate)
        where, given = "audience", cells.get("audience", "")
        audience = _number(given)
    except BadTimeError as error:
        found.mistake(f"{place}, {where}", str(error) if given else "It is missing.", error.hint, given)
        return
    fields = {what: cells.get(what, "") for what in ("publication", "reference", "description", "status")}
    fields["title"] = one_line(cells.get("title", ""))
    known = {"place": place, "start": start, "end": end, "audience": audience, "media": cells.get("media") or None}
    try:
        found.add(ListedItem.model_validate(fields | known))
    except ValidationError as error:
        found.refuse(place, error)


def _number(text: str) -> float | None:
    if not text:
        return None
    try:
        number = float(text.replace(" ", "").replace("\u00a0", ""))
    except ValueError:
        number = math.nan
    if not math.isfinite(number) or number < 0:
        raise BadTimeError(f"{text!r} is no number.", "Write it as 125000 or 12.5, without separators of thousands.")
    return number
