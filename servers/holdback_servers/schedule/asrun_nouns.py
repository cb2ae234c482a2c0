"""What other systems' files say of a channel: what is planned there, and what really aired. Pure."""

from typing import Annotated, Literal

from holdback_base.vocabulary import Instant, Noun, Sha256, TimeRange
from pydantic import Field

FileKind = Literal["as_run", "grid"]
"""What a file tells: what really aired, or what is planned to air."""
Outcome = Literal["as_planned", "shifted", "cut_short", "overran", "missing", "unplanned"]
"""What became of a plan; each is told apart by more than the tolerance."""


class Remark(Noun):
    """Something to tell a person about one place of a file, as they would find it: `row 7, start`, `line 12`."""

    place: str
    message: str
    hint: str = ""
    given: str = ""

    def text(self) -> str:
        """One line."""
        return f"{self.place}: {self.message}" + (f" {self.hint}" if self.hint else "")


class ListedItem(Noun):
    """One line of a file: a title that is planned, or that aired, from `start` until `end`.

    `reference` is the other system's own name for what is shown: a house number, a file. `publication` is ours, where
    the file gives it. `audience` is how many saw it, in the file's own unit.
    """

    place: str
    title: str = Field(min_length=1, max_length=300)
    start: Instant
    end: Instant
    reference: str = Field(default="", max_length=300)
    publication: str = Field(default="", max_length=60)
    media: Sha256 | None = None
    description: str = Field(default="", max_length=5000)
    audience: Annotated[float, Field(ge=0)] | None = None
    status: str = Field(default="", max_length=100)

    @property
    def window(self) -> TimeRange:
        """`[start, end)`."""
        return TimeRange(start=self.start, end=self.end)


class FileContents(Noun):
    """All that a file says of one channel. With a mistake in it nothing of it is recorded.

    `losses` are what the file says and the schedule has no place for.
    """

    items: tuple[ListedItem, ...] = ()
    mistakes: tuple[Remark, ...] = ()
    losses: tuple[Remark, ...] = ()


class AiredItem(ListedItem):
    """What aired, as it is on record: its own id, and the file that told of it."""

    id: str
    source: str


class ReachSample(Noun):
    """How many saw a channel at an instant, in the unit of its as-run files."""

    at: Instant
    audience: float = Field(ge=0)


class Difference(Noun):
    """What became of one publication, or what aired without one.

    `aired_seconds` is the sum of its parts where it aired in several. `text` says it in words.
    """

    outcome: Outcome
    title: str
    publication: str | None = None
    planned: TimeRange | None = None
    aired: TimeRange | None = None
    aired_seconds: float = 0
    aired_items: tuple[str, ...] = ()
    text: str


class Reconciliation(Noun):
    """A channel's plan against what really aired, in order of time; `counts` are of all, however few items are told.

    `covered` are the hours that as-run files told of: only in them something can be missing.
    """

    channel: str
    window: TimeRange
    covered: tuple[TimeRange, ...] = ()
    items: tuple[Difference, ...]
    counts: dict[Outcome, int]
    next_cursor: str | None = None

    def text(self) -> str:
        """The counts, and a line for each that did not go as planned."""
        told = ", ".join(f"{number} {outcome.replace('_', ' ')}" for outcome, number in self.counts.items() if number)
        lines = [f"{self.channel}, {self.window.text()}: {told or 'nothing to compare'}."]
        hours = "; ".join(each.text() for each in self.covered)
        lines.append(
            f"As-run covers {hours}." if hours else "No as-run file covers any of it; import_schedule takes one."
        )
        lines += [f"  {each.text}" for each in self.items if each.outcome != "as_planned"]
        lines += [f"next_cursor: {self.next_cursor}"] if self.next_cursor else []
        return "\n".join(lines)


class ImportReport(Noun):
    """What an import would do, or did. Nothing of a file with a mistake is recorded.

    `new` lines were not on record, `unchanged` ones are on record just so, `replaced` counts what is taken off the
    record for them. `differences` is the plan against what aired: all counts, and the first that did not go as planned.
    """

    kind: FileKind
    channel: str
    name: str
    applied: bool
    lines: int
    new: int
    unchanged: int
    replaced: int = 0
    mistakes: tuple[Remark, ...] = ()
    losses: tuple[Remark, ...] = ()
    differences: Reconciliation | None = None

    def text(self) -> str:
        """What is, or would be, recorded; every mistake; what is not kept; the differences."""
        done = "recorded" if self.applied else "to record" if not self.mistakes else "nothing is recorded"
        counts = f"{self.new} new, {self.unchanged} unchanged, {self.replaced} replaced"
        lines = [f"{self.name} for {self.channel}: {self.lines} lines read, {counts}; {done}."]
        lines += [f"  mistake: {each.text()}" for each in self.mistakes]
        lines += [f"  not kept: {each.text()}" for each in self.losses]
        lines += [self.differences.text()] if self.differences is not None else []
        if not self.applied and not self.mistakes:
            lines.append("This is a preview; the same call with preview=false records it.")
        return "\n".join(lines)
