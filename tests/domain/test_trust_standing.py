"""The standing book: who no longer counts, the same in all processes of a home, and not to be changed by hand."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from holdback_base.problem import Problem
from holdback_trust.identity import Caller, TaskClaim
from holdback_trust.keys import KeyPair, KeyRing, sign_jws
from holdback_trust.standing import Entry, Standing, StandingBroken
from holdback_trust.standing.standing import WORTH_BEGINNING_AGAIN
from holdback_trust.standing.state import State

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
KEYS = {party: KeyPair.generate() for party in ("gateway", "mcp:rights", "agent:compliance")}
RING = KeyRing({party: [keys.public_jwk] for party, keys in KEYS.items()})
ASSISTANT, COMPLIANCE = "agent:editing-assistant", "agent:compliance"


class Hands:
    """A clock that is set by hand."""

    now = NOW

    def __call__(self) -> datetime:
        return self.now


def _of(home: Path, party: str = "gateway", clock: Callable[[], datetime] = lambda: NOW) -> Standing:
    return Standing.of_home(home, party, KEYS[party], RING, clock)


def _caller(*chain: str, token: str = "t1", task: str = "task-1", root: str = "root-1") -> Caller:
    return Caller(
        person="person:sam",
        agent=chain[0] if chain else None,
        chain=chain,
        audience="mcp:rights",
        token_id=token,
        task=TaskClaim(id=task, root=root, skill="clear-rights", expires=NOW + timedelta(days=1)) if chain else None,
        expires=NOW + timedelta(minutes=5),
    )


def _code(standing: Standing, caller: Caller) -> str:
    problem = standing.refusal(caller)
    return problem.code if problem else ""


def _file(home: Path) -> Path:
    return home / "trust" / "standing.jsonl"


def test_nobody_is_refused_in_a_new_home_and_nothing_is_written_by_asking(tmp_path: Path) -> None:
    standing = _of(tmp_path)
    assert (_code(standing, _caller(COMPLIANCE)), _code(standing, _caller()), standing.entries()) == ("", "", ())
    assert list(tmp_path.iterdir()) == []


def test_a_suspended_agent_is_refused_in_every_process_at_once_and_others_are_not(tmp_path: Path) -> None:
    gateway, room = _of(tmp_path), _of(tmp_path, "mcp:rights")
    assert _code(gateway, _caller(COMPLIANCE)) == ""
    room.suspend(COMPLIANCE, by="guardian", why="It asked for what is not in its plan.", incident="evt_1")
    problem = gateway.refusal(_caller(COMPLIANCE, ASSISTANT))
    assert problem is not None
    assert problem.line() == (
        "AGENT_SUSPENDED: agent:compliance is suspended since 2026-11-22 12:00 UTC: It asked for what is not in its "
        "plan. Hint: A person with the role security restores it: holdback guardian restore."
    )
    assert _code(gateway, _caller(ASSISTANT)) == ""
    assert _code(gateway, _caller("agent:scheduler", COMPLIANCE)) == "AGENT_SUSPENDED"
    assert _code(gateway, _caller()) == ""


def test_a_person_restores_through_the_gateway_and_nobody_else_does(tmp_path: Path) -> None:
    gateway, room, agent = _of(tmp_path), _of(tmp_path, "mcp:rights"), _of(tmp_path, COMPLIANCE)
    gateway.suspend(COMPLIANCE, by="person:alex", why="looks wrong")
    for standing, by in ((room, "person:alex"), (agent, "person:alex"), (gateway, "guardian"), (gateway, COMPLIANCE)):
        with pytest.raises(Problem, match="only a person, through the gateway") as caught:
            standing.restore(COMPLIANCE, by=by)
        assert caught.value.code == "PERMISSION_DENIED"
    assert _code(room, _caller(COMPLIANCE)) == "AGENT_SUSPENDED"
    gateway.restore(COMPLIANCE, by="person:alex")
    assert _code(room, _caller(COMPLIANCE)) == ""


def test_a_restore_takes_back_the_suspension_that_was_seen_and_none_that_another_person_made_meanwhile(
    tmp_path: Path,
) -> None:
    gateway, elsewhere, room = _of(tmp_path), _of(tmp_path), _of(tmp_path, "mcp:rights")
    room.suspend(COMPLIANCE, by="guardian", why="off its plan", incident="evt_1")
    elsewhere.suspend(COMPLIANCE, by="person:kim", why="I look into it", incident="evt_2")
    with pytest.raises(Problem) as caught:
        gateway.restore(COMPLIANCE, by="person:alex")
    assert caught.value.code == "CONFLICT"
    assert "by guardian (evt_1: off its plan); by person:kim (evt_2: I look into it)" in caught.value.message
    assert gateway.restore(COMPLIANCE, by="person:alex", which="evt_1").by == "guardian"
    for each in (gateway, elsewhere, room, _of(tmp_path)):
        assert "I look into it" in str(each.refusal(_caller(COMPLIANCE)))
    with pytest.raises(Problem, match="none of it is evt_1"):
        gateway.restore(COMPLIANCE, by="person:alex", which="evt_1")
    elsewhere.restore(COMPLIANCE, by="person:kim")
    assert [_code(each, _caller(COMPLIANCE)) for each in (gateway, elsewhere, room)] == [""] * 3


def test_a_suspension_that_comes_between_looking_and_restoring_stands(tmp_path: Path) -> None:
    gateway, elsewhere = _of(tmp_path), _of(tmp_path)
    gateway.suspend(COMPLIANCE, by="guardian", why="", incident="evt_1")
    elsewhere.entries()
    clock = elsewhere.clock

    def late() -> datetime:  # asked for when the suspension to lift is chosen already, and before it is written
        elsewhere.clock = clock
        gateway.suspend(COMPLIANCE, by="person:kim", why="", incident="evt_2")
        return NOW

    elsewhere.clock = late
    elsewhere.restore(COMPLIANCE, by="person:alex")
    left = gateway.suspended(COMPLIANCE)
    assert left is not None
    assert left.incident == "evt_2"


def test_suspensions_stand_for_themselves_in_a_book_that_was_begun_again(tmp_path: Path) -> None:
    clock = Hands()
    gateway = _of(tmp_path, clock=clock)
    gateway.suspend(COMPLIANCE, by="guardian", why="", incident="evt_1")
    gateway.suspend(COMPLIANCE, by="person:kim", why="", incident="evt_2")
    gateway.dismiss(COMPLIANCE, by="person:alex")
    for number in range(WORTH_BEGINNING_AGAIN):
        gateway.revoke(f"old-{number}", by="gateway")
    clock.now += timedelta(minutes=6)
    gateway.tidy()
    afresh = _of(tmp_path)
    assert {(each.kind, each.incident) for each in afresh.entries()} == {
        ("suspend", "evt_1"),
        ("suspend", "evt_2"),
        ("dismiss", ""),
    }


def test_who_was_dismissed_is_told_to_be_let_in_again_and_is_not_restored(tmp_path: Path) -> None:
    gateway, room = _of(tmp_path), _of(tmp_path, "mcp:rights")
    gateway.dismiss(COMPLIANCE, by="person:alex")
    problem = room.refusal(_caller(COMPLIANCE))
    assert problem is not None
    assert problem.line() == (
        "AGENT_SUSPENDED: agent:compliance is dismissed since 2026-11-22 12:00 UTC. "
        "Hint: Whoever answers for the house lets it in again: holdback agents admit."
    )
    with pytest.raises(Problem, match="is dismissed") as caught:
        gateway.restore(COMPLIANCE, by="person:alex")
    assert (caught.value.code, caught.value.hint) == ("CONFLICT", problem.hint)
    gateway.suspend(COMPLIANCE, by="guardian", why="", incident="evt_1")
    gateway.admit(COMPLIANCE, by="person:alex")
    assert "guardian restore" in str(getattr(room.refusal(_caller(COMPLIANCE)), "hint", ""))
    gateway.restore(COMPLIANCE, by="person:alex")
    assert _code(room, _caller(COMPLIANCE)) == ""


def test_only_the_gateway_dismisses_and_only_a_person_lets_in_again(tmp_path: Path) -> None:
    gateway, room = _of(tmp_path), _of(tmp_path, "mcp:rights")
    with pytest.raises(Problem, match="for somebody else"):
        room.dismiss(COMPLIANCE, by="person:alex")
    gateway.dismiss(COMPLIANCE, by="person:alex")
    for standing, by in ((gateway, "guardian"), (room, "person:alex")):
        with pytest.raises(Problem, match="only a person, through the gateway"):
            standing.admit(COMPLIANCE, by=by)
    assert _code(room, _caller(COMPLIANCE)) == "AGENT_SUSPENDED"


def test_the_kill_switch_stops_all_agents_and_no_person(tmp_path: Path) -> None:
    gateway, room = _of(tmp_path), _of(tmp_path, "mcp:rights")
    gateway.suspend(ASSISTANT, by="person:alex", why="")
    gateway.kill(by="person:alex", why="fire drill")
    assert "guardian resume" in str(getattr(room.refusal(_caller(COMPLIANCE)), "hint", ""))
    with pytest.raises(Problem, match="All agents of this house are stopped"):
        gateway.restore(COMPLIANCE, by="person:alex")
    assert [_code(room, each) for each in (_caller(COMPLIANCE), _caller("agent:other"), _caller())] == [
        "AGENT_SUSPENDED",
        "AGENT_SUSPENDED",
        "",
    ]
    gateway.resume(by="person:alex")
    assert (_code(room, _caller(COMPLIANCE)), _code(room, _caller(ASSISTANT))) == ("", "AGENT_SUSPENDED")


def test_tasks_that_end_together_are_ended_in_every_process_each_by_its_agent(tmp_path: Path) -> None:
    gateway, room = _of(tmp_path), _of(tmp_path, "mcp:rights")
    gateway.end_tasks([])
    assert not _file(tmp_path).exists()
    gateway.end_tasks([("one", COMPLIANCE), ("two", ASSISTANT)])
    assert [(each.name, each.by) for each in room.entries()] == [("one", COMPLIANCE), ("two", ASSISTANT)]
    assert [_code(room, _caller(COMPLIANCE, task=each)) for each in ("one", "two", "three")] == [
        "TASK_ENDED",
        "TASK_ENDED",
        "",
    ]


def test_what_another_process_added_is_seen_by_who_adds_next(tmp_path: Path) -> None:
    gateway, other = _of(tmp_path), _of(tmp_path)
    for turn in range(3):
        gateway.end_task(f"a-{turn}", by=COMPLIANCE)
        other.end_task(f"b-{turn}", by=COMPLIANCE)
    afresh = _of(tmp_path)
    for each in (gateway, other, afresh):
        assert {entry.name for entry in each.entries()} == {f"{who}-{turn}" for who in "ab" for turn in range(3)}


def test_an_ended_task_takes_its_tokens_and_those_of_tasks_below_it_along(tmp_path: Path) -> None:
    agent, room = _of(tmp_path, COMPLIANCE), _of(tmp_path, "mcp:rights")
    agent.end_task("root-1", by=COMPLIANCE)
    assert _code(room, _caller(COMPLIANCE, task="root-1")) == "TASK_ENDED"
    assert _code(room, _caller("agent:scheduler", task="below", root="root-1")) == "TASK_ENDED"
    assert _code(room, _caller(COMPLIANCE, task="another", root="another")) == ""


def test_a_revoked_token_counts_for_nobody_not_even_a_person(tmp_path: Path) -> None:
    gateway, room = _of(tmp_path), _of(tmp_path, "mcp:rights")
    gateway.revoke("t1", by="person:sam")
    assert (_code(room, _caller()), _code(room, _caller(token="t2"))) == ("UNAUTHENTICATED", "")
    assert room.revoked("t1")


def test_what_is_held_back_is_held_back_until_a_person_releases_it(tmp_path: Path) -> None:
    gateway, room = _of(tmp_path), _of(tmp_path, "mcp:rights")
    room.hold_back(["sha256:aa", "tl_1"], by="guardian", why="made by a stopped task", incident="evt_1")
    assert gateway.quarantine == {"sha256:aa", "tl_1"}
    gateway.release(["tl_1"], by="person:alex")
    assert (room.quarantined("tl_1"), room.quarantined("sha256:bb")) == (None, None)
    held = room.quarantined("sha256:aa")
    assert held is not None
    assert (held.by, held.incident) == ("guardian", "evt_1")


def test_what_two_incidents_hold_back_is_held_back_until_both_are_released(tmp_path: Path) -> None:
    gateway, room = _of(tmp_path), _of(tmp_path, "mcp:rights")
    room.hold_back(["tl_1", "tl_2"], by="guardian", why="it looped", incident="evt_1")
    room.hold_back(["tl_1"], by="guardian", why="it obeyed a title", incident="evt_2")
    assert [gateway.held_by(each) for each in ("evt_1", "evt_2", "evt_3")] == [{"tl_1", "tl_2"}, {"tl_1"}, set()]
    with pytest.raises(Problem, match="evt_1: it looped and evt_2: it obeyed a title") as several:
        gateway.release(["tl_2", "tl_1"], by="person:alex")
    assert several.value.code == "CONFLICT"
    assert room.quarantine == {"tl_1", "tl_2"}
    [left] = gateway.release(gateway.held_by("evt_1"), by="person:alex", which="evt_1")
    assert (left.name, left.incident, room.quarantine) == ("tl_1", "evt_2", {"tl_1"})
    with pytest.raises(Problem, match="tl_1 is not held back by evt_1"):
        gateway.release(["tl_1"], by="person:alex", which="evt_1")
    assert gateway.release(["tl_1"], by="person:alex") == []
    assert room.quarantine == _of(tmp_path).quarantine == frozenset()


def test_a_release_that_an_earlier_version_wrote_frees_a_thing_from_all_that_held_it() -> None:
    state = State()
    for incident in ("evt_1", "evt_2"):
        state.take(Entry(kind="quarantine", name="tl_1", at=NOW, by="guardian", incident=incident))
    state.take(Entry(kind="release", name="tl_1", at=NOW, by="person:alex"))
    assert list(state.entries()) == []


def test_an_agents_signature_stops_nobody(tmp_path: Path) -> None:
    agent = _of(tmp_path, COMPLIANCE)
    for stop in (lambda: agent.suspend(ASSISTANT, by=COMPLIANCE, why=""), lambda: agent.kill(by=COMPLIANCE, why="")):
        with pytest.raises(Problem) as caught:
            stop()
        assert caught.value.code == "PERMISSION_DENIED"


def test_a_standing_without_a_book_holds_for_its_process() -> None:
    standing = Standing(clock=lambda: NOW)
    standing.suspend(COMPLIANCE, by="guardian", why="")
    assert _code(standing, _caller(COMPLIANCE)) == "AGENT_SUSPENDED"
    standing.restore(COMPLIANCE, by="person:alex")
    assert _code(standing, _caller(COMPLIANCE)) == ""


def _cut(path: Path) -> None:
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))


def _edit(path: Path) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    head, body, rest = lines[0].partition(b".")
    path.write_bytes(head + body + rest.replace(b"A", b"B", 1) + b"".join(lines[1:]))


def _swap(path: Path) -> None:
    one, two, *rest = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(two + one + b"".join(rest))


def _forge(path: Path) -> None:
    entry = {"kind": "restore", "name": COMPLIANCE, "at": "2026-11-22T12:00:00Z", "by": "person:alex"}
    stranger = KeyPair.generate()
    line = sign_jws(stranger, "standing+jwt", {"iss": "gateway", "seq": 3, "prev": "", "entry": entry})
    path.write_bytes(path.read_bytes() + line.encode() + b"\n")


def _by_an_agent(path: Path) -> None:
    entry = {"kind": "restore", "name": COMPLIANCE, "at": "2026-11-22T12:00:00Z", "by": "person:alex"}
    claims = {"iss": COMPLIANCE, "seq": 3, "prev": "", "entry": entry}
    path.write_bytes(path.read_bytes() + sign_jws(KEYS[COMPLIANCE], "standing+jwt", claims).encode() + b"\n")


def _again(path: Path) -> None:
    path.write_bytes(path.read_bytes() + path.read_bytes().splitlines(keepends=True)[0])


TAMPERING: dict[str, Callable[[Path], object]] = {
    "its end is cut off": _cut,
    "all of it is cut off": lambda path: path.write_bytes(b""),
    "it is taken away": lambda path: path.unlink(),
    "a line is edited": _edit,
    "two lines change places": _swap,
    "a line is said twice": _again,
    "a stranger signs as the gateway": _forge,
    "an agent restores itself": _by_an_agent,
    "it is garbage": lambda path: path.write_bytes(b"{}\n"),
}


@pytest.mark.parametrize("tamper", TAMPERING.values(), ids=TAMPERING.keys())
@pytest.mark.parametrize("when", ["while a process runs", "before it starts"])
def test_agents_are_refused_when_the_book_was_changed_by_hand(
    tmp_path: Path, tamper: Callable[[Path], object], when: str
) -> None:
    gateway = _of(tmp_path)
    gateway.end_task("t", by="gateway")
    gateway.suspend(COMPLIANCE, by="person:alex", why="")
    running = _of(tmp_path, "mcp:rights")
    if when == "while a process runs":
        assert _code(running, _caller(COMPLIANCE)) == "AGENT_SUSPENDED"
    tamper(_file(tmp_path))
    assert (_code(running, _caller(ASSISTANT)), _code(running, _caller())) == ("UNAVAILABLE", "")
    assert _code(running, _caller(ASSISTANT)) == "UNAVAILABLE"  # and it stays so
    with pytest.raises(StandingBroken, match=r"from a copy, or move both away|cannot be believed"):
        running.quarantined("sha256:aa")


def test_a_book_of_another_time_put_in_its_place_is_not_believed(tmp_path: Path) -> None:
    gateway, running = _of(tmp_path), _of(tmp_path, "mcp:rights")
    gateway.end_task("t", by="gateway")
    old = _file(tmp_path).read_bytes()
    gateway.suspend(COMPLIANCE, by="person:alex", why="")
    assert _code(running, _caller(COMPLIANCE)) == "AGENT_SUSPENDED"
    copy = tmp_path / "old"
    copy.write_bytes(old)
    copy.replace(_file(tmp_path))
    assert [_code(each, _caller(ASSISTANT)) for each in (running, _of(tmp_path))] == ["UNAVAILABLE", "UNAVAILABLE"]


def test_the_torn_line_of_a_process_that_died_is_no_tampering(tmp_path: Path) -> None:
    gateway, room = _of(tmp_path), _of(tmp_path, "mcp:rights")
    gateway.suspend(COMPLIANCE, by="person:alex", why="")
    with _file(tmp_path).open("ab") as file:
        file.write(b"eyJhbGciOi")
    assert _code(room, _caller(ASSISTANT)) == ""
    room.end_task("t", by="mcp:rights")
    assert (_code(gateway, _caller(ASSISTANT, task="t")), _code(gateway, _caller(COMPLIANCE))) == (
        "TASK_ENDED",
        "AGENT_SUSPENDED",
    )
    assert _code(_of(tmp_path), _caller(ASSISTANT)) == ""


def test_a_book_of_which_most_has_lapsed_is_begun_again_under_running_processes(tmp_path: Path) -> None:
    clock = Hands()
    gateway, room, late = (_of(tmp_path, party, clock) for party in ("gateway", "mcp:rights", "gateway"))
    gateway.suspend(COMPLIANCE, by="person:alex", why="kept")
    for number in range(WORTH_BEGINNING_AGAIN):
        gateway.revoke(f"old-{number}", by="gateway")
    assert _code(room, _caller(token="old-7")) == "UNAUTHENTICATED"
    long = _file(tmp_path).stat().st_size
    clock.now += timedelta(minutes=6)
    gateway.tidy()
    assert _file(tmp_path).stat().st_size < long / 20
    room.end_task("after", by="mcp:rights")
    for each in (gateway, room, late, _of(tmp_path)):
        assert _code(each, _caller(COMPLIANCE)) == "AGENT_SUSPENDED"
        assert _code(each, _caller(ASSISTANT, task="after")) == "TASK_ENDED"
        assert _code(each, _caller(ASSISTANT)) == ""


def test_a_process_that_fell_behind_a_book_begun_again_misses_nothing(tmp_path: Path) -> None:
    clock = Hands()
    gateway, slow = _of(tmp_path, clock=clock), _of(tmp_path, "mcp:rights", clock)
    gateway.revoke("first", by="gateway")
    assert slow.revoked("first")
    for number in range(WORTH_BEGINNING_AGAIN):
        gateway.revoke(f"old-{number}", by="gateway")
    clock.now += timedelta(minutes=6)
    gateway.suspend(COMPLIANCE, by="person:alex", why="")
    gateway.tidy()
    assert (_code(slow, _caller(COMPLIANCE)), slow.revoked("first")) == ("AGENT_SUSPENDED", False)


def test_a_token_lives_no_longer_than_what_is_revoked_is_remembered() -> None:
    from holdback_trust.standing.standing import TOKEN_LIFE
    from holdback_trust.tokens import LONGEST_LIFE

    assert timedelta(seconds=LONGEST_LIFE) == TOKEN_LIFE
