"""The columns of a sidecar sheet, and a row of it as it was understood. Pure."""

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from holdback_base.elements import is_ref
from holdback_base.vocabulary import Noun
from pydantic import Field

from holdback_servers.assets.model import FieldName, Identifier, LogEntry
from holdback_servers.assets.papers import DeclaredElement
from holdback_servers.workbooks.remarks import Remark

NAMES: Final = ("assets.xlsx", "assets.csv")
"""What a sheet is called that lies in a folder and is taken without being named."""
FIELD: Final = "field:"
"""What the header of a column begins with that holds a metadata field of the house's own."""


@dataclass(frozen=True)
class Column:
    """A column: its header, what to write in it, an example, and how wide it is in characters."""

    header: str
    explains: str
    example: str
    width: int = 20
    choices: tuple[str, ...] = ()


_KINDS = ("master", "clip", "highlight", "music", "voice", "still", "logo", "document")
COLUMNS: Final = (
    Column("file", "The file's name, with its folder below that of the sheet. Needed.", "day-1/A001_C003.mov", 32),
    Column("title", "What people call it. Blank: the file's name.", "Meadow at dawn", 28),
    Column("kind", "master, clip, music, voice, still, logo or document. Blank: master.", "clip", 12, _KINDS),
    Column("ref", "The name its rights are recorded under. Blank: made from the title.", "film:meadow", 22),
    Column("tags", "Words to find it by, with commas between.", "dawn, butterfly", 26),
    Column("description", "What is to be seen or heard.", "A butterfly wakes up", 40),
    Column("work", "The work it is of: its id (wrk_) or title; one not on record is made.", "Meadow", 24),
    Column("identifiers", "The work's, with commas between: EIDR, ISAN, ISRC, ISWC or another scope, then the value.",
           "EIDR 10.5240/7791-8534-2C23-9030-8610-5", 40),
    Column("language", "Of what is spoken, as BCP 47.", "en-GB", 10),
)  # fmt: skip
LOG_COLUMNS: Final = (
    Column("file", "The file that is told of, as in the sheet Assets.", "day-1/A001_C003.mov", 32),
    Column("in", "Where it begins, as timecode.", "10:00:00:00", 14),
    Column("out", "The first frame after it, as timecode.", "10:00:04:12", 14),
    Column("description", "What is to be seen there.", "A butterfly on a daisy", 40),
    Column("tags", "Words to find it by, with commas between.", "close-up", 26),
)
ELEMENT_COLUMNS: Final = (
    Column("file", "The file that is told of, as in the sheet Assets.", "day-1/A001_C003.mov", 32),
    Column("kind", "programme, music_master, talent, third_party_clip, logo ...", "music_master", 18),
    Column("ref", "The name its rights are recorded under.", "music:meadow-waltz", 24),
    Column("name", "What people call it.", "Meadow Waltz", 24),
    Column("in", "Its first frame, counted from 0. Blank with out: all of the file.", "0", 10),
    Column("out", "The first frame after it.", "240", 10),
)
SHEETS: Final = {"Assets": COLUMNS, "Log": LOG_COLUMNS, "Elements": ELEMENT_COLUMNS}


class SheetRow(Noun):
    """What a sheet says of one file. `place` is its row, such as `assets.xlsx, Assets row 3`; `mistakes` keep the file
    out until they are corrected."""

    file: str
    place: str
    title: str | None = None
    kind: str | None = None
    ref: str | None = None
    tags: tuple[str, ...] = ()
    description: str | None = None
    work: str | None = None
    identifiers: tuple[Identifier, ...] = ()
    fields: dict[FieldName, str | int] = Field(default={}, max_length=100)
    log: tuple[LogEntry, ...] = ()
    elements: tuple[DeclaredElement, ...] = ()
    mistakes: tuple[Remark, ...] = ()


class SheetRead(Noun):
    """A whole sheet as it was understood; `mistakes` are those that belong to no file."""

    rows: tuple[SheetRow, ...]
    mistakes: tuple[Remark, ...] = ()
    remarks: tuple[Remark, ...] = ()


def sheet_path(given: str) -> str | None:
    """A file's path as a sheet names it, below the folder of the sheet; None for one that leads out of it."""
    path = PurePosixPath(given.strip().replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or "\0" in given or not path.parts or ":" in path.parts[0]:
        return None
    return str(path)


def ref_mistake(given: str) -> str | None:
    """What is wrong with a ref."""
    return None if is_ref(given) else f"{given[:80]!r} is not a ref."
