"""The story as it is told: plain in a pipe, live on a terminal, and never driven by what others wrote."""

import io
import re
from pathlib import Path

import pytest
from holdback.outcome import Outcome
from holdback.telling import Teller
from holdback_agents.contracts import Progress
from holdback_base.problem import Problem

OUTCOME = Outcome.model_validate_json(
    Path(__file__).with_name("data").joinpath("butterfly_outcome.json").read_text(encoding="utf-8")
)
ASSISTANT = ("editing-assistant",)
COMPLIANCE = ("editing-assistant", "compliance")
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Clock:
    """Seconds that only pass when told."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def plain(answers: str = "") -> tuple[Teller, io.StringIO, Clock]:
    out, clock = io.StringIO(), Clock()
    return Teller(out, clock=clock, answers=io.StringIO(answers)), out, clock


def live(width: int = 100, answers: str = "") -> tuple[Teller, io.StringIO, Clock]:
    out, clock = io.StringIO(), Clock()
    return Teller(out, live=True, clock=clock, answers=io.StringIO(answers), width=width), out, clock


def screen(written: str) -> list[str]:
    """What stands on a terminal in the end: lines, with the cursor movements that a live display makes obeyed."""
    lines, row = [""], 0
    for token in re.findall(r"\x1b\[[0-9;?]*[A-Za-z]|\n|\r|[^\x1b\n\r]+", written):
        if token == "\n":
            row += 1
            lines += [""] * (row + 1 - len(lines))
        elif token.endswith("A") and token.startswith("\x1b"):
            row -= int(token[2:-1] or 1)
        elif token == "\x1b[2K":
            lines[row] = ""
        elif not token.startswith("\x1b") and token != "\r":
            lines[row] += token
    return [line.rstrip() for line in lines]


def test_in_a_pipe_each_thing_is_one_line_without_control_characters() -> None:
    teller, out, clock = plain()
    with teller:
        teller.heading("First cut")
        clock.seconds = 1.5
        teller.progress(Progress(path=ASSISTANT, text="Cutting 5 shots"))
        clock.seconds = 2.25
        teller.progress(Progress(path=COMPLIANCE, text="GB on social.youtube: DENIED R1", done=1, total=6))
        teller.done("compliance", "v1 judged")
        teller.refused("Publish in the US", "TERRITORY_NOT_CLEARED", "Not before 2026-11-24T19:00:00Z.")
        teller.note("Alex Brandt is asked")
    assert out.getvalue() == (
        "\nFirst cut\n"
        "[   1.5 s] editing-assistant: Cutting 5 shots\n"
        "[   2.2 s] compliance, for editing-assistant: GB on social.youtube: DENIED R1\n"
        "[   2.2 s] compliance: done: v1 judged\n"
        "[   2.2 s] REFUSED: Publish in the US: Territory not cleared (TERRITORY_NOT_CLEARED). "
        "Not before Tue 24 Nov 2026, 19:00 UTC.\n"
        "[   2.2 s] Alex Brandt is asked\n"
    )


def test_in_a_pipe_a_step_that_only_counts_on_is_told_once() -> None:
    teller, out, _ = plain()
    with teller:
        for number in range(1000):
            text = f"rendering frame {number} of 1000"
            teller.progress(Progress(path=ASSISTANT, text=text, done=number, total=1000, unit="frames"))
    assert out.getvalue().count("\n") == 1


def test_every_verdict_is_told_even_where_only_its_numbers_differ() -> None:
    teller, out, _ = plain()
    with teller:
        for reasons in ("R1", "R2", "R2"):
            teller.progress(Progress(path=COMPLIANCE, text=f"GB: DENIED {reasons}"))
    assert out.getvalue().count("DENIED") == 2


def test_a_pipe_that_is_no_utf_8_gets_question_marks_and_no_crash() -> None:
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding="ascii", write_through=True)
    Teller(out, clock=Clock()).note("Straße ✓")
    assert raw.getvalue().endswith(b"Stra?e ?\n")


@pytest.mark.parametrize("make", [plain, live])
def test_texts_of_others_neither_drive_the_terminal_nor_speak_markup(make: type) -> None:
    teller, out, _ = make()
    attack = "\x1b[2J\x1b]0;owned\x07[bold red]x[/] :warning: \u202egnp\r\nnext"
    with teller:
        teller.heading(attack)
        teller.progress(Progress(path=(attack, attack), text=attack, unit=attack, done=1, total=2))
        teller.done(attack, attack)
        teller.refused(attack, attack, attack)
        teller.matrix(attack)
        teller.table([attack], [[attack]])
        teller.note(attack)
    written = out.getvalue()
    assert "\x1b[2J" not in written
    assert "\x1b]" not in written
    assert "\x07" not in written
    assert "\u202e" not in written
    told = " ".join(ESCAPE.sub("", written).split())
    assert "[bold red]x[/] :warning:" in told


def test_no_peer_can_flood_the_terminal_with_one_text() -> None:
    teller, out, _ = plain()
    teller.progress(Progress(path=ASSISTANT, text="x" * 100_000))
    assert len(out.getvalue()) < 500


def test_on_a_terminal_what_is_over_stands_above_with_a_tick_and_its_time() -> None:
    teller, out, clock = live()
    with teller:
        teller.progress(Progress(path=ASSISTANT, text="rendering v1", done=0, total=360, unit="frames"))
        clock.seconds = 3.0
        teller.progress(Progress(path=ASSISTANT, text="asking for the rights"))
        clock.seconds = 4.0
        teller.progress(
            Progress(path=COMPLIANCE, text="GB on social.youtube: DENIED R2", done=1, total=6, unit="cells")
        )
        standing = screen(out.getvalue())
    assert standing[:2] == [
        "✓    3.0 s editing-assistant  rendering v1  3.0 s",
        "✗    4.0 s compliance         GB on social.youtube: DENIED R2  for editing-assistant",
    ]
    below = standing[2:]
    assert re.search(r"\S editing-assistant asking for the rights +1\.0 s", below[1])
    assert re.search(r"└─ \S compliance +GB on social.youtube: DENIED R2 .*━.* 1/6 cells", below[2])


def test_on_a_terminal_nothing_is_left_below_at_the_end_and_the_cursor_is_back() -> None:
    teller, out, _ = live()
    with teller:
        teller.progress(Progress(path=COMPLIANCE, text="looking", done=1, total=2))
        teller.finish(OUTCOME, Path("holdback-demo"))
    standing = screen(out.getvalue())
    assert standing[0].startswith("✓    0.0 s compliance         looking")
    assert not any("└─" in line for line in standing)
    assert out.getvalue().rindex("\x1b[?25h") > out.getvalue().rindex("\x1b[?25l")


def test_the_terminal_is_given_back_when_the_work_fails() -> None:
    teller, out, _ = live()

    def failing_work() -> None:
        with teller:
            teller.progress(Progress(path=ASSISTANT, text="cutting"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        failing_work()
    assert out.getvalue().rindex("\x1b[?25h") > out.getvalue().rindex("\x1b[?25l")


def test_what_an_agent_did_for_another_ends_before_the_other_goes_on() -> None:
    teller, out, _ = live()
    with teller:
        teller.progress(Progress(path=ASSISTANT, text="asking"))
        teller.progress(Progress(path=COMPLIANCE, text="judging"))
        teller.progress(Progress(path=ASSISTANT, text="cutting again"))
        standing = screen(out.getvalue())
    assert [line.split()[4] for line in standing[:2]] == ["judging", "asking"]
    assert not any("judging" in line for line in standing[2:])


@pytest.mark.parametrize("width", [30, 54, 71, 72, 200])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    teller, out, _ = live(width, "approve\n")
    with teller:
        teller.heading(OUTCOME.brief)
        teller.progress(Progress(path=ASSISTANT, text="rendering " * 9, done=3, total=360, unit="frames"))
        teller.progress(Progress(path=COMPLIANCE, text="GB on social.youtube: CONDITIONAL R1 R2 R3"))
        teller.verdicts(OUTCOME.versions[1].cells)
        teller.refused("Publish in the US", "TERRITORY_NOT_CLEARED", "US is not among the territories.")
        teller.ask("May it be published?", ("approve", "reject"))
        teller.finish(OUTCOME, Path("holdback-demo"))
    assert max(len(line) for line in ESCAPE.sub("", out.getvalue()).replace("\r", "\n").split("\n")) <= width


def test_verdicts_have_a_sign_and_a_word_beside_their_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    teller, out, _ = live(140)
    with teller:
        teller.verdicts(OUTCOME.versions[1].cells)
    written = out.getvalue()
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]m", written), "NO_COLOR takes the colours away"
    assert "◐ Partly cleared" in ESCAPE.sub("", written)
    assert "24 Nov 2026 19:00 to 22 Dec 2026 12:00 UTC" in ESCAPE.sub("", written)


@pytest.mark.parametrize(
    ("typed", "answer"), [("approve\n", "approve"), ("REJ\n", "reject"), ("\nmaybe\n a \n", "approve")]
)
def test_an_answer_is_one_of_the_options_however_it_is_typed(typed: str, answer: str) -> None:
    teller, _, _ = plain(typed)
    assert teller.ask("May v2 be published?", ("approve", "reject")) == answer


def test_a_start_that_fits_two_options_is_asked_again() -> None:
    teller, out, _ = plain("a\nabort\n")
    assert teller.ask("Well?", ("approve", "abort")) == "abort"
    assert "Please answer approve or abort." in out.getvalue()


def test_without_options_any_words_are_an_answer() -> None:
    teller, _, _ = plain("\nthe butterfly scene\n")
    assert teller.ask("What shall it show?") == "the butterfly scene"


@pytest.mark.parametrize("make", [plain, live])
def test_an_input_that_ends_is_no_answer(make: type) -> None:
    teller, _, _ = make()
    with teller, pytest.raises(Problem) as caught:
        teller.ask("May v2 be published?", ("approve", "reject"))
    assert caught.value.code == "CANCELLED"


def test_what_happens_while_a_question_is_open_is_told_afterwards() -> None:
    class Slow(io.StringIO):
        def readline(self, size: int | None = -1, /) -> str:
            teller.note("meanwhile")
            assert "meanwhile" not in out.getvalue()
            return "approve\n"

    out = io.StringIO()
    teller = Teller(out, clock=Clock(), answers=Slow())
    assert teller.ask("May it?", ("approve", "reject")) == "approve"
    assert out.getvalue().endswith("approve / reject > approve\n[   0.0 s] meanwhile\n")


def test_the_last_words_name_the_verdict_the_refusals_and_the_page_first() -> None:
    teller, out, _ = plain()
    with teller:
        teller.finish(OUTCOME, Path("holdback-demo"))
    lines = out.getvalue().splitlines()
    assert lines[1] == "Butterfly scene, 15 s highlight: approved and scheduled"
    assert "v2  ◐ Partly cleared  15.0 s, 720x1280" in lines
    assert "5 attempts were refused, as they must be." in lines
    assert "Audit log verified: 214 rows, 9 signed heads." in lines
    early = OUTCOME.model_copy(update={"audit": OUTCOME.audit.model_copy(update={"heads": 1})})
    teller.finish(early, Path("holdback-demo"))
    assert "Audit log verified: 214 rows, 1 signed head." in out.getvalue().splitlines()
    files = [line for line in lines if "holdback-demo/" in line]
    assert files[0].split() == ["look", "at", "first", "holdback-demo/index.html"]
    assert len(files) == len(OUTCOME.files)
