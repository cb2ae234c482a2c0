"""What a story is made of while it is told, and the plain voice: one line a thing, as a pipe or a log wants it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TextIO

from holdback import wording

Mark = Literal["step", "done", "refused", "note", "CLEARED", "PARTIAL", "CONDITIONAL", "NEEDS_HUMAN", "DENIED"]
"""What kind of thing happened; a verdict is one as well."""


@dataclass(frozen=True, slots=True)
class Line:
    """Something that happened: `at` and `took` are seconds; `whom` is the agent that `who` works for, if any."""

    mark: Mark
    text: str
    at: float
    who: str = ""
    whom: str = ""
    took: float | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """What an agent does just now; `depth` is how many agents stand above it, `since` seconds from the beginning."""

    depth: int
    who: str
    text: str
    since: float
    done: int | None = None
    total: int | None = None
    unit: str = ""


@dataclass(frozen=True, slots=True)
class LastWords:
    """How it ended: a verdict's name for the sign, a title, sentences, and files with what they are."""

    sign: str
    title: str
    sentences: tuple[str, ...]
    files: tuple[tuple[str, str], ...]


class Voice(Protocol):
    """How a story is told. Everything it is given has been cleaned."""

    def start(self) -> None:
        """Begin."""
        ...

    def stop(self) -> None:
        """Leave the terminal as it was; more lines may follow."""
        ...

    def heading(self, text: str) -> None:
        """A part of the story begins."""
        ...

    def begun(self, line: Line) -> None:
        """A step has begun."""
        ...

    def ended(self, line: Line) -> None:
        """A step is over."""
        ...

    def line(self, line: Line) -> None:
        """Something happened."""
        ...

    def rows(self, rows: Sequence[Row]) -> None:
        """What is going on now, from the top agent down."""
        ...

    def lines(self, lines: Sequence[str]) -> None:
        """Text that was set for a fixed width."""
        ...

    def table(self, headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """A table; short rows are filled up."""
        ...

    def question(self, lines: Sequence[str], options: Sequence[str]) -> None:
        """A question, up to where the answer is written."""
        ...

    def last(self, words: LastWords) -> None:
        """The end."""
        ...


class PlainVoice:
    """Plain lines without control characters; what the encoding of `out` cannot say becomes a question mark."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def start(self) -> None:
        """Nothing to do."""

    def stop(self) -> None:
        """Nothing to do."""

    def heading(self, text: str) -> None:
        """The text under an empty line."""
        self._write(f"\n{text}\n")

    def begun(self, line: Line) -> None:
        """A line, so that a log shows what was going on when it breaks off."""
        self.line(line)

    def ended(self, line: Line) -> None:
        """Nothing: it was told when it began."""

    def line(self, line: Line) -> None:
        """`[  3.2 s] compliance, for editing-assistant: ...`."""
        who = line.who + (f", for {line.whom}" if line.whom else "")
        mark = {"done": "done: ", "refused": "REFUSED: "}.get(line.mark, "")
        self._write(f"[{wording.took(line.at):>8}] {who + ': ' if who else ''}{mark}{line.text}\n")

    def rows(self, rows: Sequence[Row]) -> None:
        """Nothing: a pipe has no place that changes."""

    def lines(self, lines: Sequence[str]) -> None:
        """The lines, as they are."""
        self._write("".join(f"{each}\n" for each in lines))

    def table(self, headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Columns set with blanks."""
        full = [[*row, *[""] * (len(headers) - len(row))] for row in (headers, *rows)]
        widths = [max(len(row[column]) for row in full) for column in range(len(headers))]
        self.lines(
            ["  ".join(text.ljust(width) for text, width in zip(r, widths, strict=False)).rstrip() for r in full]
        )

    def question(self, lines: Sequence[str], options: Sequence[str]) -> None:
        """The question, and the options before the answer."""
        self._write("\n" + "".join(f"{each}\n" for each in lines) + f"{_choices(options)}> ")

    def last(self, words: LastWords) -> None:
        """Title, sentences and files, a line each."""
        width = max((len(what) for what, _ in words.files), default=0)
        files = [f"  {what:<{width}}  {file}" for what, file in words.files]
        self._write("".join(f"{each}\n" for each in ("", words.title, *words.sentences, *files)))

    def _write(self, text: str) -> None:
        encoding = getattr(self._out, "encoding", None) or "utf-8"
        self._out.write(text.encode(encoding, "replace").decode(encoding))
        self._out.flush()


def _choices(options: Sequence[str]) -> str:
    return f"{' / '.join(options)} " if options else ""
