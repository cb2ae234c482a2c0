"""Timelines for other people's programs, and theirs for this room. No path leaves the house, and none is believed.

A timeline becomes a `Sheet`, a sheet a file; a file becomes a sheet, a sheet a timeline. Media is named by its hash and
by names that a person knows; what a format cannot say is told with the export, what a file says that this room cannot
do, with the import.
"""

from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple, get_args

from holdback_base.problem import Problem
from holdback_base.vocabulary import Rate

from holdback_servers.editing.interchange import (
    edl_reading,
    edl_writing,
    fcp7_reading,
    fcp7_writing,
    fcpxml_reading,
    fcpxml_writing,
    otio_reading,
    otio_writing,
)
from holdback_servers.editing.interchange.aaf_files import opened, written
from holdback_servers.editing.interchange.conforming import Conformed, conform
from holdback_servers.editing.interchange.laying import sheet_of
from holdback_servers.editing.interchange.losses import losses
from holdback_servers.editing.interchange.naming import slug
from holdback_servers.editing.interchange.sheet import LARGEST_FILE, Remark, Sheet, Unreadable
from holdback_servers.editing.model import Timeline
from holdback_servers.media_worker import Limits

Format = Literal["otio", "edl", "fcp7", "fcpxml"]
FileFormat = Literal[Format, "aaf"]
"""With the one that is no text."""
__all__ = [
    "LARGEST_FILE",
    "Conformed",
    "Exported",
    "FileFormat",
    "Format",
    "Remark",
    "Sheet",
    "conform",
    "export",
    "export_aaf",
    "file_stem",
    "opened",
    "read",
]


class Exported(NamedTuple):
    """A text to save under a name, or bytes as base64, and in sentences what the format could not say."""

    filename: str
    media_type: str
    text: str
    losses: tuple[str, ...] = ()
    base64: bool = False


_WRITERS: dict[str, tuple[str, str, Callable[[Sheet], str]]] = {
    "otio": (".otio", "application/json", otio_writing.write),
    "edl": (".edl", "text/plain", edl_writing.write),
    "fcp7": (".xml", "application/xml", fcp7_writing.write),
    "fcpxml": (".fcpxml", "application/xml", fcpxml_writing.write),
}


def export(timeline: Timeline, form: Format, record_start: str, starts: Mapping[str, str]) -> Exported:
    """The timeline in another format. The timeline must have frames.

    Args:
        record_start: timecode of the first frame of the cut: 10:00:00:00 in Europe, 01:00:00:00 in America; `;` before
            the frames counts drop-frame.
        starts: timecode of the first frame of each media; 00:00:00:00 where none is named.

    Raises:
        Problem: TIMECODE_INVALID; TOO_LARGE for an EDL of more than 999 events.
    """
    sheet = sheet_of(timeline, record_start, starts)
    ending, media_type, write = _WRITERS[form]
    return Exported(f"{file_stem(timeline)}{ending}", media_type, write(sheet), losses(sheet, form))


async def export_aaf(timeline: Timeline, record_start: str, starts: Mapping[str, str], limits: Limits) -> Exported:
    """The timeline as AAF, written in the media worker; its bytes in base64. As `export`.

    Raises:
        Problem: TIMECODE_INVALID; as `media_worker.run`.
    """
    sheet = sheet_of(timeline, record_start, starts)
    content = await written(sheet, timeline.made, limits)
    return Exported(f"{file_stem(timeline)}.aaf", "application/octet-stream", content, losses(sheet, "aaf"), True)


def read(text: str, form: Format, rate: Rate | None) -> Sheet:
    """A file of another program as a sheet.

    Args:
        rate: frames a second, for an EDL, which does not say it.

    Raises:
        Problem: INVALID_ARGUMENT for what is no such file, naming the line, event or clip; TIMECODE_INVALID, TOO_LARGE.
    """
    if len(text) > LARGEST_FILE:
        raise Problem("TOO_LARGE", f"The file has {len(text)} characters; {LARGEST_FILE} are read.", "Export one cut.")
    if not text.strip():
        raise Unreadable("The file", "it is empty.", "Export it again.")
    if form == "edl":
        if rate is None:
            raise Problem("INVALID_ARGUMENT", "An EDL does not say its frame rate.", "Give rate.")
        return edl_reading.read(text, rate)
    return _READERS[form](text)


_READERS: dict[str, Callable[[str], Sheet]] = {
    "otio": otio_reading.read,
    "fcp7": fcp7_reading.read,
    "fcpxml": fcpxml_reading.read,
}
assert set(_WRITERS) == set(get_args(Format))


def file_stem(timeline: Timeline) -> str:
    """A name for files of this timeline, without its ending: words of the title and the revision."""
    return f"{slug(timeline.title) or 'timeline'}-r{timeline.revision}"
