"""The README's demo command, and what can be done with what it leaves."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import pytest

pytestmark = [pytest.mark.processes, pytest.mark.timeout(900)]
ROOT = Path(__file__).parents[2]


def test_the_demo_ends_well_and_leaves_all_that_it_promises(
    holdback: Callable[..., Any], tmp_path: Path, subtests: pytest.Subtests
) -> None:
    out = tmp_path / "out"
    ended = holdback("demo", "--yes", "--out", out)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    for check in (
        _tells_the_story_in_plain_lines,
        _holds_films_papers_and_a_page,
        _is_checked_again_and_any_edit_is_found,
    ):
        with subtests.test(check.__name__.replace("_", " ").strip()):
            check(holdback, ended.stdout, out)
    with subtests.test("a second demo takes the place of the first, but never of something else"):
        other = tmp_path / "other"
        other.mkdir()
        (other / "diary.txt").write_text("mine", encoding="utf-8")
        refused = holdback("demo", "--yes", "--out", other)
        assert refused.returncode == 1
        assert [each.name for each in other.iterdir()] == ["diary.txt"]


def _tells_the_story_in_plain_lines(_: Any, said: str, out: Path) -> None:
    assert "\x1b" not in said
    for words in (
        "compliance, for editing-assistant",
        "scheduler, for editing-assistant",
        "DENIED",
        "A person decides",
        "REFUSED: Use the clearance of v1 for v2",
        "REFUSED: Publish in US",
        "Audit log verified",
        str(out / "index.html"),
    ):
        assert words in said, words


def _holds_films_papers_and_a_page(_: Any, __: str, out: Path) -> None:
    outcome = json.loads((out / "outcome.json").read_text(encoding="utf-8"))
    assert outcome["state"] == "scheduled"
    assert outcome["audit"]["ok"] is True
    assert {each["code"] for each in outcome["refusals"]} == {
        "SEPARATION_OF_DUTIES",
        "APPROVAL_REQUIRED",
        "CLEARANCE_HASH_MISMATCH",
        "OUTSIDE_CLEARED_WINDOW",
        "TERRITORY_NOT_CLEARED",
        "APPROVAL_HASH_MISMATCH",
        "ALREADY_COMMITTED",
    }
    assert all((out / name).is_file() for name in outcome["files"].values())
    assert all((out / name).is_file() for name in ("index.html", "v1.mp4", "v2.mp4", "schedule.ics"))
    assert {each.suffix for each in out.iterdir()} >= {".edl", ".otio", ".ics", ".html", ".json", ".mp4"}
    page = (out / "index.html").read_text(encoding="utf-8")
    assert 'src="v1.mp4"' in page
    assert 'src="v2.mp4"' in page
    with av.open(str(out / "v2.mp4")) as film:
        stream = film.streams.video[0]
        assert (stream.width, stream.height) == (720, 1280)
        assert sum(1 for _ in film.decode(video=0)) == 360


def _is_checked_again_and_any_edit_is_found(holdback: Callable[..., Any], _: str, out: Path) -> None:
    good = holdback("audit", "verify", "--out", out)
    assert (good.returncode, "ok" in good.stdout.lower() or "verified" in good.stdout.lower()) == (0, True)
    shown = holdback("audit", "show", "--out", out)
    assert "person:alex" in shown.stdout
    for place in ("audit", "home/audit"):
        chain = out / place / "gateway.jsonl"
        kept = chain.read_bytes()
        lines = kept.splitlines(keepends=True)
        lines[41] = lines[41].replace(b'"action":"', b'"action":"x', 1)
        chain.write_bytes(b"".join(lines))
        bad = holdback("audit", "verify", "--out", out)
        chain.write_bytes(kept)
        assert bad.returncode == 1, place
        assert "row 42: edited" in bad.stdout, bad.stdout
    assert holdback("audit", "verify", "--out", out).returncode == 0
    shutil.rmtree(out / "home")
    assert holdback("audit", "verify", "--out", out).returncode == 0


def test_with_neither_a_terminal_nor_yes_it_says_so_before_any_work(
    holdback: Callable[..., Any], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    for arguments in (("demo",), ("run", ROOT / "examples" / "butterfly" / "brief.toml", "--home", tmp_path / "home")):
        ended = holdback(*arguments, "--out", out)
        assert ended.returncode == 1
        assert "--yes" in ended.stderr
        assert ended.stdout == ""
        assert list(tmp_path.iterdir()) == []


def test_run_drives_a_house_that_is_up_and_prints_one_json_object(
    holdback: Callable[..., Any], bring_up: Callable[..., Any], tmp_path: Path
) -> None:
    house = bring_up(tmp_path / "home")
    brief = ROOT / "examples" / "butterfly" / "brief.toml"
    given = ("--gateway", house.url, "--home", house.home, "--out", tmp_path / "out", "--yes", "--json")
    ended = holdback("run", brief, *given)
    assert ended.returncode == 0, ended.stderr
    outcome = json.loads(ended.stdout)
    assert ended.stdout.count("\n") == 1
    assert outcome == json.loads((tmp_path / "out" / "outcome.json").read_text(encoding="utf-8"))
    assert (outcome["state"], outcome["audit"]["ok"], len(outcome["versions"])) == ("scheduled", True, 2)
    assert "editing-assistant" in ended.stderr
    assert house.process.poll() is None
    assert holdback("audit", "verify", "--home", house.home).returncode == 0


def test_run_without_a_house_says_that_none_answers(
    holdback: Callable[..., Any], tmp_path: Path, free_port: int
) -> None:
    brief = ROOT / "examples" / "butterfly" / "brief.toml"
    given = ("--gateway", f"http://127.0.0.1:{free_port}", "--home", tmp_path / "home", "--out", tmp_path / "out")
    ended = holdback("run", brief, *given, "--yes")
    assert ended.returncode == 1
    assert "does not answer" in ended.stderr
    assert "Traceback" not in ended.stderr
