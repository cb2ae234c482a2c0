"""`holdback guardian`, as the person at this machine uses it."""

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from holdback import guarding
from holdback.foundation import lay_foundation
from holdback.people import home_credentials
from holdback_base.ids import system_clock
from holdback_base.problem import Problem
from holdback_servers.settings import Settings
from holdback_trust.audit_check import rows, verify
from holdback_trust.guardian import Guardian
from holdback_trust.standing import Standing

Out = pytest.CaptureFixture[str]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    lay_foundation(Settings(home=tmp_path), "gateway").audit.close()
    return tmp_path


def _standing(home: Path) -> Standing:
    foundation = lay_foundation(Settings(home=home), "gateway")
    foundation.audit.close()
    return foundation.enforcement.standing


def test_an_agent_is_suspended_and_taken_back_and_a_running_house_sees_it(home: Path, capsys: Out) -> None:
    running = _standing(home)
    guarding.suspend("compliance", "a drill", home)
    entry = running.suspended("agent:compliance")
    assert entry is not None
    assert (entry.by, entry.why) == ("person:local", "a drill")
    guarding.list_all(home, as_json=False)
    assert "suspended  agent:compliance" in capsys.readouterr().out
    guarding.restore("compliance", home)
    assert running.suspended("agent:compliance") is None


def test_two_suspensions_are_taken_back_one_by_one(home: Path, capsys: Out) -> None:
    running = _standing(home)
    running.suspend("agent:compliance", by="person:kim", why="mine", incident="evt_1")
    guarding.suspend("compliance", "a drill", home)
    with pytest.raises(Problem, match="suspended by person:kim"):
        guarding.restore("compliance", home)
    mine = capsys.readouterr().out.partition("(")[2].partition(")")[0]
    guarding.restore(mine, home)
    assert "It may not act yet: suspended  agent:compliance" in capsys.readouterr().out
    entry = running.suspended("agent:compliance")
    assert entry is not None
    assert entry.by == "person:kim"
    guarding.restore("agent:compliance", home)
    assert "may act again" in capsys.readouterr().out
    assert running.suspended("agent:compliance") is None


def test_an_agent_that_there_is_not_is_not_said_to_be_suspended(home: Path, capsys: Out) -> None:
    with pytest.raises(Problem, match="nobody was suspended") as told:
        guarding.suspend("complianc", "", home)
    assert "agent:compliance" in told.value.hint
    assert "suspended" not in capsys.readouterr().out
    assert _standing(home).suspended("agent:complianc") is None


def test_the_kill_switch_works_while_no_house_runs(home: Path) -> None:
    guarding.kill("fire", home)
    guarding.suspend("scheduler", "", home)
    assert _standing(home).suspended("agent:compliance") is not None
    guarding.resume(home)
    assert _standing(home).suspended("agent:compliance") is None
    assert _standing(home).suspended("agent:scheduler") is not None


def test_every_order_is_on_record_with_its_person(home: Path) -> None:
    guarding.suspend("compliance", "a drill", home)
    guarding.kill("", home)
    guarding.resume(home)
    guarding.restore("compliance", home)
    found = [row.action for _, row in rows(home / "audit") if row.action.startswith("guardian.")]
    assert found == ["guardian.suspend", "guardian.kill", "guardian.resume", "guardian.restore"]
    assert verify(home / "audit").ok


def test_what_is_held_back_is_released_by_its_incident(home: Path, capsys: Out) -> None:
    foundation = lay_foundation(Settings(home=home), "gateway")
    guard = foundation.enforcement.guard
    assert isinstance(guard, Guardian)
    incident = guard.stop("agent:scheduler", by="person:local", why="")
    names = ["sha256:" + "a" * 64, foundation.new_id("hold")]
    foundation.enforcement.standing.hold_back(names, by="guardian", why="", incident=incident.id)
    foundation.audit.close()
    guarding.release([incident.id], home)
    assert capsys.readouterr().out == f"Released: {', '.join(sorted(names))}.\n"
    assert foundation.enforcement.standing.quarantine == frozenset()
    guarding.show(incident.id, home, as_json=True)
    assert json.loads(capsys.readouterr().out)["agent"] == "agent:scheduler"


def test_what_two_incidents_hold_back_is_released_one_by_one(home: Path, capsys: Out) -> None:
    running = _standing(home)
    for incident in ("evt_1", "evt_2"):
        running.hold_back(["tl_1", "tl_2"], by="guardian", why=f"why of {incident}", incident=incident)
    with pytest.raises(Problem, match="tl_1 is held back by evt_1") as several:
        guarding.release(["tl_1"], home)
    assert (several.value.code, running.quarantine) == ("CONFLICT", {"tl_1", "tl_2"})
    guarding.release(["tl_1"], home, "evt_2")
    guarding.release(["evt_1"], home)
    assert "Not yet: held back  tl_2" in (told := capsys.readouterr().out)
    assert told.endswith("why of evt_2  evt_2\n")
    assert "Released: tl_1" in told
    guarding.release(["tl_2"], home)
    assert (capsys.readouterr().out, running.quarantine) == ("Released: tl_2.\n", frozenset())


def test_a_person_with_a_second_factor_gives_nothing_back_without_it(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    guarding.suspend("compliance", "", home)
    home_credentials(home, system_clock).set_factor("person:local", "JBSWY3DPEHPK3PXP")
    monkeypatch.setattr(sys, "stdin", io.StringIO("000000\n"))
    with pytest.raises(Problem) as caught:
        guarding.restore("compliance", home)
    assert caught.value.code == "SECOND_FACTOR_NEEDED"
    assert _standing(home).suspended("agent:compliance") is not None


MISTAKES: dict[str, tuple[str, Callable[[Path], None]]] = {
    "restores who is not suspended": ("CONFLICT", lambda home: guarding.restore("compliance", home)),
    "releases what is not held back": ("NOT_FOUND", lambda home: guarding.release(["sha256:aa"], home)),
    "releases what no incident holds": ("NOT_FOUND", lambda home: guarding.release(["evt_1"], home)),
    "permits no incident": ("NOT_FOUND", lambda home: guarding.permit("evt_1", home)),
    "looks at no incident": ("NOT_FOUND", lambda home: guarding.show("evt_1", home, as_json=False)),
    "names no home": ("FILE_MISSING", lambda home: guarding.kill("", home / "elsewhere")),
}


@pytest.mark.parametrize(("code", "order"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_says_what_to_do(home: Path, code: str, order: Callable[[Path], None]) -> None:
    with pytest.raises(Problem) as caught:
        order(home)
    assert caught.value.code == code
    assert caught.value.hint
