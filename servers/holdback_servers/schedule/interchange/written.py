"""A schedule written for another system: the files, and what its format cannot say. Pure."""

import re
from typing import Literal

from holdback_base.vocabulary import Noun

from holdback_servers.schedule.model import State

Format = Literal["ical", "xmltv", "bxf", "ffplayout", "csv"]
FIRM: frozenset[State] = frozenset({"scheduled", "live", "expired"})
"""States of what is, or was, sure to be shown: what is only held is nothing for a listing or for playout."""
_SHOWN = 20
_READABLE = 200_000
"""Characters of a file that anybody reads as text."""
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


class ScheduleFile(Noun):
    """One file; `content` is its text."""

    name: str
    media_type: str
    content: str


class Loss(Noun):
    """What a format cannot say, and of which publications: their number, and the first of them."""

    message: str
    count: int
    publications: tuple[str, ...] = ()


class Losses:
    """Gathers what a format cannot say, each thing once."""

    def __init__(self) -> None:
        self._found: dict[str, list[str]] = {}

    def add(self, message: str, publication: str = "") -> None:
        """Something is not said, of this publication."""
        self._found.setdefault(message, []).append(publication)

    def told(self) -> tuple[Loss, ...]:
        """All of it, in the order it was met."""
        return tuple(
            Loss(message=message, count=len(ids), publications=tuple(each for each in ids[:_SHOWN] if each))
            for message, ids in self._found.items()
        )


class Written(Noun):
    """The files of one export; `publications` counts those that are in them."""

    files: tuple[ScheduleFile, ...]
    publications: int
    losses: tuple[Loss, ...] = ()


def plain(text: str) -> str:
    """Text without control characters; line breaks and tabs stay."""
    return _CONTROL.sub(" ", text)


def one_line(text: str) -> str:
    """Text for an element that may not hold line breaks, nor what XML has no way to write."""
    return " ".join(plain(text).split())


class ScheduleExport(Written):
    """The schedule as files for another system; `complete` is no when there was more than an export holds."""

    format: Format
    complete: bool

    def text(self) -> str:
        """What was written, what is not said, and the files; of a long one only that it is in `files`."""
        lines = [f"{self.publications} publications as {self.format}, in {len(self.files)} files."]
        lines += [] if self.complete else ["There are more; ask for a shorter time."]
        lines += [f"  {each.message} ({each.count})" for each in self.losses]
        for file in self.files:
            whole = len(file.content) <= _READABLE
            lines += [f"--- {file.name}", file.content if whole else f"{len(file.content):,} characters, in `files`"]
        return "\n".join(lines)
