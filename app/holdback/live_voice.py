"""The voice for a terminal: what is over scrolls by above, what is going on stands below with its bars.

Only this module needs rich. Nothing that is told is read as markup, and no verdict is told by colour alone.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import TextIO

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.live import Live
from rich.padding import Padding
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from holdback import wording
from holdback.voice import LastWords, Line, Row

_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_STYLES = {
    "CLEARED": "bold green",
    "PARTIAL": "bold yellow",
    "CONDITIONAL": "bold magenta",
    "NEEDS_HUMAN": "bold magenta",
    "DENIED": "bold red",
}
_MARKS = {"step": ("✓", "green"), "done": ("✔", "bold green"), "refused": ("✗", "bold red"), "note": ("·", "dim")}
_NARROW = 72
"""Columns below which bars and clock times are left out."""


class LiveVoice:
    """Tells on a terminal; `now` gives seconds since the beginning, `width` forces the columns."""

    def __init__(self, out: TextIO, now: Callable[[], float], width: int | None = None) -> None:
        self._console = Console(
            file=out,
            width=width,
            force_terminal=True,
            markup=False,
            highlight=False,
            emoji=False,
            legacy_windows=False,
        )
        self._now = now
        self._rows: Sequence[Row] = ()
        self._on_terminal = out.isatty()
        self._live: Live | None = None

    def start(self) -> None:
        """Show the place where what is going on stands."""
        if self._live is None:
            self._live = Live(
                self,
                console=self._console,
                auto_refresh=self._on_terminal,
                refresh_per_second=8,
                transient=True,
                redirect_stdout=self._on_terminal,
                redirect_stderr=self._on_terminal,
            )
            self._live.start()

    def stop(self) -> None:
        """Take that place away and give the cursor back."""
        live, self._live = self._live, None
        if live is not None:
            live.stop()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """What is going on now."""
        if self._rows:
            yield Text()
            yield self._going_on(options.max_width)

    def heading(self, text: str) -> None:
        """The text, bold, under an empty line."""
        self._print(Text(), Text(text, style="bold"))

    def begun(self, line: Line) -> None:
        """Nothing: it stands below while it goes on."""

    def ended(self, line: Line) -> None:
        """A tick, and how long it took."""
        self.line(line)

    def line(self, line: Line) -> None:
        """A sign, when, who, what."""
        sign, style = _MARKS.get(line.mark) or (wording.SIGNS[line.mark], _STYLES[line.mark])
        wide = self._console.width >= _NARROW
        grid = Table.grid(padding=(0, 1, 0, 0), expand=True)
        cells: list[RenderableType] = [Text(sign, style=style)]
        grid.add_column(width=1)
        if wide:
            grid.add_column(width=8, justify="right", no_wrap=True)
            grid.add_column(width=18, overflow="ellipsis", no_wrap=True)
            cells += [Text(wording.took(line.at), style="dim"), Text(line.who, style="cyan")]
        grid.add_column(ratio=1, overflow="fold")
        text = self._told(line)
        cells.append(text if wide or not line.who else Text.assemble((f"{line.who}: ", "cyan"), text))
        grid.add_row(*cells)
        self._print(grid)

    def rows(self, rows: Sequence[Row]) -> None:
        """Show these from now on."""
        self._rows = tuple(rows)
        if self._live is not None and not self._on_terminal:
            self._live.refresh()

    def lines(self, lines: Sequence[str]) -> None:
        """The lines with their verdicts coloured."""
        self._print(*(_verdicts(Text(each)) for each in lines))

    def table(self, headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """A table with its verdicts coloured; where there is no room for columns, a paragraph a row."""
        if self._console.width < _NARROW:
            for row in rows:
                self._print(Padding(_verdicts(Text(", ".join(each for each in row if each))), (0, 0, 0, 2)))
            return
        table = Table(show_edge=False, pad_edge=False, header_style="dim", border_style="dim")
        for header in headers:
            table.add_column(Text(header), overflow="fold")
        for row in rows:
            table.add_row(*(_verdicts(Text(each)) for each in row))
        self._print(Padding(table, (0, 0, 0, 2)))

    def question(self, lines: Sequence[str], options: Sequence[str]) -> None:
        """The question in a frame, and the options before the answer."""
        self._print(Text(), Panel(Text("\n".join(lines)), title=Text("A person decides"), border_style="yellow"))
        choices = f"{' / '.join(options)} " if options else ""
        self._console.print(Text.assemble((choices, "bold"), ("> ", "bold yellow")), end="")

    def last(self, words: LastWords) -> None:
        """Everything in a frame."""
        style = _STYLES.get(words.sign, "bold")
        files = Table.grid(padding=(0, 2, 0, 0))
        files.add_column(style="dim", no_wrap=True)
        files.add_column(overflow="fold")
        for what, file in words.files:
            files.add_row(Text(what), Text(file, style="cyan"))
        body = Table.grid()
        body.add_row(Text(f"{wording.SIGNS.get(words.sign, '·')} {words.title}", style=style))
        body.add_row(_verdicts(Text("\n".join(words.sentences))))
        body.add_row(Text())
        body.add_row(files)
        self._print(Text(), Panel(body, border_style=style, padding=(1, 2)))

    def _print(self, *things: RenderableType) -> None:
        for thing in things:
            self._console.print(thing)

    def _told(self, line: Line) -> Text:
        text = _verdicts(Text(line.text, style="dim" if line.mark == "note" else ""))
        if line.whom and self._console.width >= _NARROW:
            text.append(f"  for {line.whom}", style="dim")
        if line.took is not None and line.took >= 0.1:
            text.append(f"  {wording.took(line.took)}", style="dim")
        return text

    def _going_on(self, width: int) -> Table:
        wide = width >= _NARROW
        grid = Table.grid(padding=(0, 1, 0, 0), expand=True)
        grid.add_column(no_wrap=True)
        grid.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
        if wide:
            grid.add_column(width=20)
        grid.add_column(no_wrap=True, justify="right")
        now = self._now()
        for row in self._rows:
            grid.add_row(*self._cells(row, now, wide))
        return grid

    def _cells(self, row: Row, now: float, wide: bool) -> Iterator[RenderableType]:
        spinner = _SPINNER[int(now * 8) % len(_SPINNER)]
        branch = "   " * (row.depth - 1) + "└─ " if row.depth else ""
        yield Text.assemble((branch, "dim"), (f"{spinner} ", "yellow"), (row.who, "bold cyan"))
        yield _verdicts(Text(row.text))
        if wide:
            yield ProgressBar(total=row.total, completed=min(row.done or 0, row.total)) if row.total else Text()
        if row.total:
            yield Text(f"{row.done or 0}/{row.total} {row.unit if wide else ''}".rstrip(), style="dim")
        else:
            yield Text(wording.took(max(now - row.since, 0)), style="dim")


def _verdicts(text: Text) -> Text:
    for name, style in _STYLES.items():
        text.highlight_words([name, wording.VERDICTS[name]], style)
    return text
