import json
from pathlib import Path

import pytest
from holdback.policies import Question, tell_check, tell_decision, tell_policies
from holdback_base.problem import Problem

STUDIO = """
@id("from-the-studio")
@says("{action} is done from the studio only.")
forbid (principal, action, resource == Capability::"schedule.commit_publication")
unless { context has network && context.network.isInRange(ip("10.0.0.0/8")) };
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "studio.cedar").write_text(STUDIO, encoding="utf-8")
    (tmp_path / "holdback.toml").write_text(
        '[[people]]\nid = "person:sam"\nname = "Sam"\nroles = ["editor"]\n', encoding="utf-8"
    )
    return tmp_path


def test_the_check_tells_what_holds_and_stops_at_what_does_not(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tell_check(home)
    assert capsys.readouterr().out == f"{home / 'policies' / 'studio.cedar'}: 1 policy holds.\n"
    (home / "policies" / "worse.cedar").write_text('@id("x") permit (principal action);', encoding="utf-8")
    with pytest.raises(Problem, match=r"worse\.cedar, line 1: unexpected token"):
        tell_check(home)


def test_a_policy_and_the_schema_are_shown_and_a_name_that_none_has_is_told(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tell_policies(home, "from-the-studio", schema=False)
    assert capsys.readouterr().out.strip() == STUDIO.strip()
    tell_policies(home, "", schema=True)
    assert "entity Agent" in capsys.readouterr().out
    with pytest.raises(Problem, match="No policy is called nobody"):
        tell_policies(home, "nobody", schema=False)


def test_a_policy_is_found_by_its_name_however_that_is_written(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "policies" / "more.cedar").write_text(
        '@id("one") // unlike @id("two")\nforbid (principal, action == Action::"know", resource);\n'
        '@id ( "tw\\u{6f}" )\nforbid (principal, action, resource == Material::"x");\n',
        encoding="utf-8",
    )
    tell_policies(home, "two", schema=False)
    assert 'Material::"x"' in capsys.readouterr().out


def told(home: Path, capsys: pytest.CaptureFixture[str], question: Question) -> tuple[bool, str]:
    tell_decision(home, question, as_json=True)
    shape = json.loads(capsys.readouterr().out)
    return shape["allowed"], shape["policy"]


def test_a_decision_is_explained_as_the_tokens_would_be_made(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    commit = Question("agent:scheduler", "schedule.commit_publication", "person:sam", "commit-publication")
    assert told(home, capsys, commit) == (False, "from-the-studio")
    near = Question(commit.who, commit.what, commit.on_behalf, commit.skill, network="10.1.2.3")
    assert told(home, capsys, near) == (True, "task")
    assert told(home, capsys, Question(commit.who, commit.what, "person:sam")) == (False, "task-needed")
    clear = Question("agent:scheduler", "clear-rights", "person:sam", "commit-publication")
    assert told(home, capsys, clear) == (False, "task-plan")
    assert told(home, capsys, Question("person:sam", "clear-rights")) == (True, "person-may")
    short = Question("scheduler", commit.what, "sam", commit.skill, network="10.1.2.3")
    assert told(home, capsys, short) == (True, "task")
    tell_decision(home, near, as_json=False)
    assert 'principal == Agent::"agent:scheduler"' in capsys.readouterr().out


def test_a_task_is_explained_with_the_whole_of_its_window(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "policies" / "studio.cedar").write_text(
        '@id("hurry") forbid (principal is Agent, action, resource) '
        "when { principal has task && principal.task.until - context.epoch < 86000 };",
        encoding="utf-8",
    )
    clear = Question("agent:compliance", "rights.issue_clearance", "person:sam", "clear-rights")
    assert told(home, capsys, clear)[1] != "hurry"


@pytest.mark.parametrize(
    ("question", "what"),
    [
        (Question("person:bob", "clear-rights"), "person:bob is no person of this house"),
        (Question("person:sam", "rights.nothing"), "There is no tool or skill rights.nothing"),
        (Question("agent:scheduler", "clear-rights", "person:sam", "make-highlight"), "has no plan for make-highlight"),
        (Question("person:sam", "clear-rights", network="10.1.2"), r"10\.1\.2 is no address of a machine"),
    ],
)
def test_who_or_what_there_is_not_is_told(home: Path, question: Question, what: str) -> None:
    with pytest.raises(Problem, match=what):
        tell_decision(home, question, as_json=False)


def test_a_home_without_people_of_its_own_is_explained_for_the_examples(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert told(tmp_path, capsys, Question("person:sam", "clear-rights")) == (True, "person-may")
