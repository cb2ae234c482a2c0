"""Tells the story of a brief while it runs: live on a terminal, in plain lines anywhere else."""

import os
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import RLock
from types import TracebackType
from typing import Self, TextIO, cast

from holdback_agents.contracts import Cell, Progress
from holdback_base.problem import Problem

from holdback import wording
from holdback.outcome import Outcome
from holdback.voice import LastWords, Line, Mark, PlainVoice, Row, Voice

_LONGEST = 400
"""Characters of one text; what is longer is cut, so that no peer can flood the terminal."""
_PAGE = "index.html"
_NUMBERS = re.compile(r"\d+")
_VERDICT = re.compile(r"\b(CLEARED|PARTIAL|CONDITIONAL|NEEDS_HUMAN|DENIED)\b")


class Teller:
    """Who does what for whom, and how far it is. Use it as a context manager, so that the terminal is given back.

    Args:
        out: where to tell. For `--json` give `sys.stderr` and `live=False`: standard output is then left alone.
        live: whether `out` is a terminal to draw on; without it, whether it is one that can.
        clock: seconds, as of `time.monotonic`.
        answers: where answers are read; standard input.
        width: columns to draw in; the terminal's own.

    Texts are data of others: control characters are taken out, nothing is read as markup. All methods may be called
    from any thread; while a question is open, what happens meanwhile is kept and told afterwards.
    """

    def __init__(
        self,
        out: TextIO,
        *,
        live: bool | None = None,
        clock: Callable[[], float],
        answers: TextIO | None = None,
        width: int | None = None,
    ) -> None:
        self._clock = clock
        self._began = clock()
        self._open = False
        self._answers = answers
        self._rows: dict[tuple[str, ...], Row] = {}
        self._kept: list[Callable[[], None]] | None = None
        self._lock = RLock()
        self._voice: Voice = PlainVoice(out)
        if _can_draw(out) if live is None else live:
            from holdback.live_voice import LiveVoice  # rich costs time that a pipe need not pay

            self._voice = LiveVoice(out, self._now, width)

    def __enter__(self) -> Self:
        self._open = True
        self._voice.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open = False
        self._voice.stop()

    def heading(self, text: str) -> None:
        """A part of the story begins."""
        words = _short(text)
        self._tell(lambda: self._voice.heading(words))

    def progress(self, progress: Progress) -> None:
        """What an agent reported. Reports that differ in numbers only are one step; a verdict is told at once."""
        path = tuple(wording.clean(each) for each in progress.path) or ("",)
        with self._lock:
            now, text = self._now(), _short(progress.text or progress.step)
            old = self._rows.get(path)
            same = old is not None and _alike(old.text, text)
            row = Row(
                len(path) - 1,
                path[-1],
                text,
                old.since if old is not None and same else now,
                progress.done,
                progress.total,
                wording.clean(progress.unit),
            )
            if not same:
                self._end_from(path)
            self._rows[path] = row
            if old is None or old.text != text:
                self._begin(path, row, same)
            self._show()

    def done(self, who: str, text: str) -> None:
        """Somebody has finished something; what stood below for them is over."""
        name = wording.clean(who)
        with self._lock:
            for path in [each for each in self._rows if each[-1] == name]:
                self._rows.pop(path, None)
                self._end_from(path)
            self._line("done", text, who)
            self._show()

    def refused(self, tried: str, code: str, message: str) -> None:
        """Something was tried and refused."""
        self._line("refused", f"{tried}: {wording.code(code)} ({code}). {wording.instants_in_words(message)}")

    def note(self, text: str) -> None:
        """Something worth knowing."""
        self._line("note", text)

    def matrix(self, text: str) -> None:
        """Text of several lines, such as the rights matrix."""
        lines = wording.clean_lines(text)
        self._tell(lambda: self._voice.lines(lines))

    def table(self, headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """A table of texts."""
        head = [wording.clean(each) for each in headers]
        body = [[wording.clean(each) for each in row] for row in rows]
        self._tell(lambda: self._voice.table(head, body))

    def verdicts(self, cells: Sequence[Cell]) -> None:
        """The rights matrix of a report: where, on what, which verdict, when, and the keys of the reasons."""
        rows = [
            [
                wording.listed(wording.place(each) for each in cell.territories),
                wording.listed(wording.platform(each) for each in cell.platforms),
                f"{wording.SIGNS[cell.verdict]} {wording.verdict(cell.verdict)}",
                "; ".join(wording.short_window(each) for each in cell.windows),
                " ".join(cell.reasons),
            ]
            for cell in cells
        ]
        self.table(("where", "on", "verdict", "when", "why"), rows)

    def ask(self, question: str, options: Sequence[str] = ()) -> str:
        """Ask and wait for a line: one of the options, in whatever case or cut short, or any words without options.

        It blocks; call it in a thread of its own where an event loop runs.

        Raises:
            Problem: CANCELLED when the input ends without an answer.
        """
        with self._lock:
            self._kept = []
            self._voice.stop()
        try:
            lines = wording.clean_lines(question)
            while True:
                self._voice.question(lines, options)
                answer = _chosen(self._read(), options)
                if answer is not None:
                    return answer
                lines = [f"Please answer {' or '.join(options)}." if options else "Please write an answer."]
        finally:
            with self._lock:
                kept, self._kept = self._kept, None
                if self._open:
                    self._voice.start()
                for tell in kept or ():
                    tell()

    def finish(self, outcome: Outcome, folder: Path) -> None:
        """The last words: how it ended, what was cleared, what was refused, and the files to look at first."""
        with self._lock:
            self._end_from(())
            self._open = False
            self._voice.stop()
            self._voice.last(_last_words(outcome, folder))

    def _now(self) -> float:
        return self._clock() - self._began

    def _read(self) -> str:
        answers = self._answers or sys.stdin
        line = answers.readline()
        if not line:
            raise Problem(
                "CANCELLED", "Nobody answered: the input ended.", "Answer on a terminal, or let --yes answer."
            )
        answer = wording.clean(line).strip()
        if not answers.isatty():
            self._voice.lines([answer])  # a terminal shows what is typed, a pipe does not
        return answer

    def _tell(self, tell: Callable[[], None]) -> None:
        with self._lock:
            if self._kept is None:
                tell()
            else:
                self._kept.append(tell)

    def _line(self, mark: Mark, text: str, who: str = "", whom: str = "") -> None:
        line = Line(mark, _short(text), self._now(), wording.clean(who), whom)
        self._tell(lambda: self._voice.line(line))

    def _begin(self, path: tuple[str, ...], row: Row, same: bool) -> None:
        """Tell of a new text: a verdict stands as it is, a step that only counts on was told already."""
        whom = path[-2] if len(path) > 1 else ""
        verdict = _VERDICT.search(row.text)
        if verdict is not None:
            self._line(cast("Mark", verdict.group()), row.text, row.who, whom)
        elif not same and row.text:
            line = Line("step", row.text, self._now(), row.who, whom)
            self._tell(lambda: self._voice.begun(line))

    def _end_from(self, path: tuple[str, ...]) -> None:
        """The step of this path is over, and so is all that was done for it; the deepest first."""
        over = sorted((each for each in self._rows if each[: len(path)] == path), key=len, reverse=True)
        ended = [(each, self._rows.pop(each)) for each in over]
        if ended:
            self._show()  # what is told above must not stand below any more
        now = self._now()
        for each, row in ended:
            if row.text and _VERDICT.search(row.text) is None:
                whom = each[-2] if len(each) > 1 else ""
                line = Line("step", row.text, now, row.who, whom, now - row.since)
                self._tell(lambda line=line: self._voice.ended(line))

    def _show(self) -> None:
        """Give the voice what is going on; an agent that has said nothing yet stands above what was done for it."""
        above = {path[:depth] for path in self._rows for depth in range(1, len(path))}
        tree = {path: Row(len(path) - 1, path[-1], "", self._now()) for path in above} | self._rows
        rows = [tree[path] for path in sorted(tree)]
        self._tell(lambda: self._voice.rows(rows))


def _can_draw(out: TextIO) -> bool:
    """Whether it is a terminal that understands cursor movements and our signs."""
    encoding = (getattr(out, "encoding", None) or "").lower().replace("-", "")
    return out.isatty() and os.environ.get("TERM") != "dumb" and encoding == "utf8"


def _short(text: str) -> str:
    words = wording.clean(text).strip()
    return words if len(words) <= _LONGEST else f"{words[: _LONGEST - 1]}…"


def _alike(old: str, new: str) -> bool:
    """Whether two texts differ in their numbers only, and neither is a verdict."""
    if _VERDICT.search(old) or _VERDICT.search(new):
        return old == new
    return _NUMBERS.sub("#", old) == _NUMBERS.sub("#", new)


def _chosen(answer: str, options: Sequence[str]) -> str | None:
    if not options:
        return answer or None
    folded = answer.casefold()
    exact = [each for each in options if each.casefold() == folded]
    begun = [each for each in options if folded and each.casefold().startswith(folded)]
    found = exact or begun
    return found[0] if len(found) == 1 else None


def _last_words(outcome: Outcome, folder: Path) -> LastWords:
    sentences = [wording.headline(outcome), ""]
    for version in outcome.versions:
        verdict = f"{wording.SIGNS.get(version.verdict, '·')} {wording.verdict(version.verdict)}"
        sentences.append(f"{version.name}  {verdict}  {version.seconds} s, {version.width}x{version.height}")
    sentences += outcome.notes
    if outcome.state == "failed":
        sentences += _why(outcome)
    elif outcome.ended is not None:
        sentences.append(wording.instants_in_words(outcome.ended.message))
    if outcome.refusals:
        sentences.append(f"{len(outcome.refusals)} attempts were refused, as they must be.")
    approved = f"{'rejected' if outcome.state == 'rejected' else 'approved'} by {outcome.approved_by or 'nobody'}"
    sentences.append(f"Asked by {outcome.asked_by}; {approved}.")
    proof = "verified" if outcome.audit.ok else "DOES NOT VERIFY"
    heads = outcome.audit.heads
    sentences.append(f"Audit log {proof}: {outcome.audit.rows} rows, {heads} signed head{'' if heads == 1 else 's'}.")
    sentences.append(f"Done in {outcome.seconds_taken} s.")
    sign, title = {
        "scheduled": ("CLEARED", f"{outcome.title}: approved and scheduled"),
        "rejected": ("DENIED", f"{outcome.title}: rejected by a person"),
        "failed": (_verdict(outcome), f"{outcome.title}: not published"),
    }[outcome.state]
    files = [(name.replace("_", " "), str(folder / file)) for name, file in outcome.files.items() if file != _PAGE]
    files.insert(0, ("look at first", str(folder / _PAGE)))
    return LastWords(
        sign,
        wording.clean(title),
        tuple(wording.clean(each) for each in sentences),
        tuple((wording.clean(what), wording.clean(file)) for what, file in files),
    )


def _verdict(outcome: Outcome) -> Mark:
    """What was decided last; a denial where nothing was."""
    last = outcome.versions[-1].verdict if outcome.versions else ""
    return "NEEDS_HUMAN" if last == "NEEDS_HUMAN" else "DENIED"


def _why(outcome: Outcome) -> list[str]:
    """The reasons of the last cut, and what would clear it; without a cut what would cure the failure."""
    lines = [f"To go on: {outcome.ended.hint}"] if outcome.ended and outcome.ended.hint else []
    if not outcome.versions:
        return lines
    last = outcome.versions[-1]
    lines += ["", *(f"Why: {wording.instants_in_words(reason.text)}" for reason in last.reasons)]
    for plan in last.plans[:1]:
        lead = "What would clear it" if plan.verified else "Whom to ask"
        lines += [f"{lead}: {wording.instants_in_words(each.text)}" for each in plan.remedies]
    return [*lines, ""]
