"""Parts, steps and skills of the agents' runtime, by value."""

from datetime import UTC, datetime

import pytest
from a2a.types.a2a_pb2 import Artifact, Message, Role, Task
from google.protobuf.json_format import MessageToDict
from holdback_agents.contracts import Part, ProblemPart, Progress, Question
from holdback_agents.runtime.agent import Agent, Reply, Skill, plain_reply
from holdback_agents.runtime.errands import started_job
from holdback_agents.runtime.journal import Step
from holdback_agents.runtime.parts import (
    data_part,
    find_part,
    problem_of,
    problem_parts,
    progress_metadata,
    progress_of,
    result_of,
    wire_parts,
    words_of,
)
from holdback_agents.runtime.parts import message as message_of
from holdback_agents.runtime.serving.app import complete_card
from holdback_agents.runtime.steps import digest
from holdback_agents.runtime.understanding import skill_for
from holdback_base.problem import Problem

NOW = datetime(2026, 11, 22, tzinfo=UTC)


class Wish(Part):
    schema_name = "test-wish"
    text: str = ""
    frames: int = 0


class Other(Part):
    schema_name = "test-other"


async def nothing(_run: object, _request: object) -> Wish:
    return Wish()


def agent(*skills: Skill) -> Agent:
    card = {"name": "a", "skills": [{"id": each.id} for each in skills]}
    from a2a.types.a2a_pb2 import AgentCard
    from google.protobuf.json_format import ParseDict

    return Agent("tester", ParseDict(card, AgentCard()), skills)


def read(words: str, _now: datetime) -> Wish:
    return Wish(text=words)


MAKE = Skill("make", Wish, nothing, read)
CHECK = Skill("check", Other, nothing)


def test_whole_numbers_survive_the_way_through_a_data_part() -> None:
    part = data_part(Wish(text="x", frames=2**40))
    assert find_part([part], Wish, Wish.schema_uri()) == Wish(text="x", frames=2**40)
    assert MessageToDict(part.metadata) == {"schema": "urn:holdback:test-wish:1", "urn:holdback:untrusted": ["$.text"]}


def test_a_part_of_another_schema_is_not_found_and_one_that_does_not_fit_says_where() -> None:
    assert find_part([data_part(Other())], Wish, Wish.schema_uri()) is None
    bad = data_part(Wish(text="x"))
    bad.data.struct_value["frames"] = "many"
    with pytest.raises(Problem) as caught:
        find_part([bad], Wish, Wish.schema_uri())
    assert caught.value.code == "MESSAGE_MALFORMED"
    assert caught.value.details["errors"][0]["at"] == "frames"


def test_words_are_all_text_parts_one_a_line() -> None:
    assert words_of(wire_parts(("one", Wish(), "two"))) == "one\ntwo"


def test_the_result_of_a_task_is_the_last_part_of_its_schema() -> None:
    artifacts = [Artifact(parts=wire_parts((Wish(text=text), "said"))) for text in ("early", "late")]
    assert result_of(Task(artifacts=artifacts), Wish, Wish.schema_uri()) == Wish(text="late")


def test_a_problem_goes_out_as_data_and_words_and_comes_back_whole() -> None:
    problem = Problem("NOT_CLEARED", "Not in the US.", "Drop it.", territory="US")
    task = Task()
    task.status.message.CopyFrom(Message(parts=problem_parts(problem)))
    back = problem_of(task, Problem("INTERNAL", "nothing said"))
    assert back.as_dict() == problem.as_dict()
    assert problem_of(Task(), Problem("INTERNAL", "nothing said")).code == "INTERNAL"
    assert find_part(problem_parts(problem), ProblemPart, ProblemPart.schema_uri()) is not None


def test_progress_comes_back_as_it_was_and_strange_metadata_is_no_progress() -> None:
    progress = Progress(seq=3, done=0, total=7, unit="shots", text="t", path=("a", "b"))
    assert progress_of(progress_metadata(progress)) == progress
    strange = progress_metadata(progress)
    strange["urn:holdback:progress"] = "soon"
    assert progress_of(strange) is None


def test_metadata_then_schema_then_words_choose_the_skill() -> None:
    both = agent(MAKE, CHECK)
    by_name = message_of([data_part(Wish())], message_id="1", skill="check")
    assert skill_for(both, by_name) is CHECK
    assert skill_for(both, message_of([data_part(Other())], message_id="1")) is CHECK
    assert skill_for(both, message_of(wire_parts(("please",)), message_id="1")) is MAKE
    assert skill_for(both, message_of([data_part(Question(text="?"))], message_id="1", skill="other")) is None
    assert skill_for(agent(CHECK), Message(role=Role.ROLE_USER, parts=wire_parts(("please",)))) is None


def test_a_card_that_offers_other_skills_than_there_are_is_refused() -> None:
    card = agent(MAKE).card
    with pytest.raises(ValueError, match="make"):
        Agent("tester", card, [CHECK])


def test_a_card_is_completed_with_addresses_extensions_and_the_scopes_it_takes() -> None:
    card = complete_card(agent(MAKE), "http://h/agents/tester/")
    assert [(each.url, each.protocol_binding, each.protocol_version) for each in card.supported_interfaces] == [
        ("http://h/agents/tester", "JSONRPC", "1.0"),
        ("http://h/agents/tester/v1", "HTTP+JSON", "1.0"),
        ("http://h/agents/tester", "JSONRPC", "0.3"),
    ]
    assert {each.uri for each in card.capabilities.extensions} == {"urn:holdback:skill", "urn:holdback:progress"}
    assert list(card.security_requirements[0].schemes["bearer"].list) == ["agent:tester:make"]


def test_a_plain_reply_is_the_result_and_its_text() -> None:
    assert plain_reply(Wish(text="done")) == Reply((Wish(text="done"), "done"))
    assert plain_reply(Wish()).parts == (Wish(),)


def test_a_step_gives_again_what_it_gave_and_only_to_the_same_question() -> None:
    done = Step(2, "tool", "assets.get_asset", "sha256:1", "done", {"id": "x"})
    assert done.replay("tool", "assets.get_asset", "sha256:1") == {"id": "x"}
    for kind, name, args in (
        ("job", "assets.get_asset", "sha256:1"),
        ("tool", "x", "sha256:1"),
        ("tool", done.name, ""),
    ):
        with pytest.raises(Problem, match="the workflow has changed"):
            done.replay(kind, name, args)
    still_open = Step(2, "tool", "t", "a", "open", {"task": "x"})
    assert still_open.replay("tool", "t", "a") is None
    failed = Step(2, "tool", "t", "a", "failed", Problem("NOT_FOUND", "gone").as_dict())
    with pytest.raises(Problem) as caught:
        failed.replay("tool", "t", "a")
    assert caught.value.code == "NOT_FOUND"


def test_a_job_is_recognised_in_a_tools_answer() -> None:
    job_id = "job_01K9Z3N4V5W6X7Y8Z9A0B1C2D3"
    for answer in ({"job_id": job_id}, {"job": {"id": job_id}}, {"job": job_id}, {"id": job_id, "state": "queued"}):
        assert started_job(answer) == job_id
    for answer in ({}, {"id": "ast_1"}, {"job": None}, {"job_id": 5}):
        assert started_job(answer) == ""


def test_a_digest_takes_any_json_value_and_does_not_depend_on_order() -> None:
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    assert digest({"ns": 2**60}) == digest({"ns": 2**60}) != digest({"ns": 2**60 + 1})
