"""An audit log is told as a story: the chain of tasks, who for whom, what, which rule, and what was refused."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from holdback.records import show_audit
from holdback_base.problem import Problem
from holdback_trust.audit import AuditLog
from holdback_trust.audit_check import rows
from holdback_trust.audit_story import Row, tasks_of, tell
from holdback_trust.keys import KeyPair

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
EDIT, CLEAR = "11111111-aaaa", "22222222-bbbb"
RULES = "editing-rules@1 sha256:1f0c1f0c1f0c"


def _row(actor: str, action: str, **more: Any) -> dict[str, Any]:
    return {"actor": actor, "action": action, "on_behalf_of": "person:sam", **more}


def _edit(action: str, **more: Any) -> dict[str, Any]:
    return _row("agent:editing-assistant", action, task=EDIT, chain=("agent:editing-assistant",), **more)


def _clear(action: str, **more: Any) -> dict[str, Any]:
    chain = ("agent:compliance", "agent:editing-assistant")
    return _row("agent:compliance", action, task=CLEAR, chain=chain, root=EDIT, **more)


WRITTEN = [
    _row("person:sam", "token.issue", resource="agent:editing-assistant", policy="role-scopes"),
    _edit("accept make-highlight", policy="scope-held", configuration=RULES),
    _edit("assets.search_assets", resource="mcp:assets", policy="task"),
    _edit("tool assets.search_assets"),
    _edit("assets.get_asset", resource="mcp:assets", policy="task", things=("ast_1",)),
    _edit("tool assets.get_asset"),
    _clear("accept clear-rights", policy="scope-held", resource=EDIT),
    _clear("rights.issue_clearance", resource="mcp:rights", policy="task"),
    _clear("tool rights.issue_clearance"),
    _clear(
        "rights.record_right", resource="mcp:rights", decision="denied:PERMISSION_DENIED", policy="outside-the-task"
    ),
    _clear("end clear-rights", decision="recorded", resource="failed", policy="PERMISSION_DENIED"),
    _edit("delegate clear-rights", decision="denied", policy="PERMISSION_DENIED"),
    _edit("token.issue", decision="denied:PERMISSION_DENIED", policy="wider-scope", resource="mcp:rights"),
    _edit("schedule.commit_publication", resource="mcp:schedule", decision="failed:APPROVAL_REQUIRED", policy="task"),
    _edit("end make-highlight", decision="recorded", resource="completed"),
    _row("person:eve", "rights.record_right", resource="mcp:rights", decision="denied:UNAUTHENTICATED", task=""),
]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    moments = (NOON + timedelta(seconds=number) for number in range(100))
    with AuditLog(folder / "audit", KeyPair.generate(), lambda: next(moments), "gateway") as log:
        for each in WRITTEN:
            log.append(**each)
    return folder


@pytest.fixture(scope="module")
def found(home: Path) -> list[Row]:
    return list(rows(home / "audit"))


def test_each_task_is_told_with_its_agent_its_giver_and_its_end(found: list[Row]) -> None:
    edit, clear = tasks_of(found)
    assert (edit.id, edit.agent, edit.skill, edit.given_by, edit.how) == (
        EDIT,
        "agent:editing-assistant",
        "make-highlight",
        "",
        "completed",
    )
    assert (clear.given_by, clear.how) == (EDIT, "failed PERMISSION_DENIED")


def test_the_story_of_the_first_task_holds_all_that_came_of_it_in_order(found: list[Row]) -> None:
    story = tell(found, EDIT)
    assert [each.id for each in story.tasks] == [EDIT, CLEAR]
    assert [(line.depth, line.outcome) for line in story.lines] == [
        (0, "began"),
        (0, "done"),
        (1, "began"),
        (1, "done"),
        (1, "refused"),
        (1, "ended"),
        (0, "refused"),
        (0, "refused"),
        (0, "failed"),
        (0, "ended"),
    ]


def test_a_call_is_told_once_though_agent_and_door_both_wrote_it_down(found: list[Row]) -> None:
    done = next(line for line in tell(found, EDIT).lines if line.outcome == "done")
    assert done.what == (("search_assets", 1), ("get_asset", 1))
    assert (done.policies, done.things, done.rows) == (("task",), ("ast_1",), ("gateway:3", "gateway:5"))


def test_the_story_of_a_task_that_was_given_leaves_out_what_is_above_it(found: list[Row]) -> None:
    story = tell(found, CLEAR)
    assert {line.task for line in story.lines} == {CLEAR}
    assert [line.depth for line in story.lines] == [0, 0, 0, 0]


def test_what_every_hop_leaves_is_told_only_when_it_was_refused(found: list[Row]) -> None:
    issues = [line for line in tell(found, EDIT).lines if line.what[0][0] == "token.issue"]
    assert [(line.outcome, line.code) for line in issues] == [("refused", "PERMISSION_DENIED")]


def test_a_task_that_an_older_row_gives_no_giver_is_put_under_the_one_that_asked(found: list[Row]) -> None:
    bare = [(chain, row.model_copy(update={"resource": ""}) if "accept" in row.action else row) for chain, row in found]
    assert tasks_of(bare)[1].given_by == EDIT


def test_a_task_of_an_agent_from_outside_is_told_by_the_doors_that_it_went_through(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    guide = {"task": "33333333-cccc", "chain": ("agent:channel-guide",), "resource": "mcp:schedule"}
    moments = (NOON + timedelta(seconds=number) for number in range(9))
    with AuditLog(tmp_path / "audit", KeyPair.generate(), lambda: next(moments), "gateway") as log:
        log.append(**_row("agent:channel-guide", "token.issue", **guide))
        log.append(**_row("agent:channel-guide", "schedule.list_channels", policy="task", **guide))
        log.append(**_row("agent:channel-guide", "schedule.hold_slot", decision="denied:PERMISSION_DENIED", **guide))
    show_audit(None, tmp_path, None, whole=False)
    assert "channel-guide: a task for person:sam: its end is not told here; 1 refused" in capsys.readouterr().out
    show_audit("333333", tmp_path, None, whole=False)
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "a task by channel-guide for person:sam: its end is not told here"
    assert told[-1] == "12:00:02 ✗ REFUSED channel-guide: schedule: hold_slot: PERMISSION_DENIED"


def test_a_task_that_nobody_knows_has_no_story(found: list[Row]) -> None:
    assert tell(found, "33333333").lines == ()


def test_a_reader_sees_who_for_whom_and_every_refusal_stands_out(home: Path, capsys: Any) -> None:
    show_audit("11111111", home, None, whole=False)
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "make-highlight by editing-assistant for person:sam: completed after 13.0 s"
    assert told[2] == f"decided with {RULES}"
    assert "12:00:01   person:sam asks editing-assistant: make-highlight  [scope-held]" in told
    assert "12:00:06     editing-assistant asks compliance: clear-rights  [scope-held]" in told
    assert "12:00:09 ✗   REFUSED compliance: rights: record_right: PERMISSION_DENIED  [outside-the-task]" in told
    assert "12:00:13 ! FAILED editing-assistant: schedule: commit_publication: APPROVAL_REQUIRED  [task]" in told


def test_without_a_task_all_are_listed_and_what_was_refused_outside_any(home: Path, capsys: Any) -> None:
    show_audit(None, home, None, whole=False)
    told = capsys.readouterr().out
    assert f"{EDIT}  editing-assistant: make-highlight for person:sam: completed after 13.0 s; 3 refused" in told
    assert CLEAR not in told
    assert "✗ person:eve: rights.record_right mcp:rights: denied:UNAUTHENTICATED" in told


def test_the_beginning_of_an_id_that_none_or_two_tasks_have_is_refused(home: Path) -> None:
    with pytest.raises(Problem, match="No row names a task"):
        show_audit("99999999", home, None, whole=False)
    with pytest.raises(Problem, match="No row names a task"):
        show_audit("111", home, None, whole=False)


def test_words_in_a_row_cannot_draw_lines_of_their_own(tmp_path: Path, capsys: Any) -> None:
    with AuditLog(tmp_path / "audit", KeyPair.generate(), lambda: NOON, "gateway") as log:
        log.append(actor="unknown\n12:00:00   person:alex: approved", action="token.issue", decision="denied")
    show_audit(None, tmp_path, None, whole=True)
    assert len(capsys.readouterr().out.splitlines()) == 1
