"""Which skill a message means, and which task a request is about."""

import contextlib

import pytest
from a2a.types.a2a_pb2 import AgentSkill
from holdback_agents.contracts import part_models
from holdback_agents.gateway.routing import (
    SKILL_OF_SCHEMA,
    Wanted,
    is_request,
    skill_of_words,
    wanted_by_message,
    wanted_by_path,
    wanted_by_rpc,
)
from holdback_agents.runtime.agent import packed_card
from holdback_base.problem import Problem
from hypothesis import given
from hypothesis import strategies as st

SKILLS = [
    AgentSkill(id="make-highlight", name="Make a highlight", tags=["highlight", "trailer"]),
    AgentSkill(id="clear-rights", name="Clear rights", tags=["rights", "clearance"]),
    AgentSkill(id="plan-publication", name="Plan a publication", tags=["schedule", "slots"]),
    AgentSkill(id="commit-publication", name="Commit a publication", tags=["schedule", "publish"]),
]
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["message", "taskId", "parts", "metadata", "schema", "text", "id", "method", "params", "x"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


def test_the_brief_of_the_demo_means_a_highlight():
    brief = (
        "15 s vertical highlight of the butterfly scene for YouTube and Instagram in GB, DE and US for the next month; "
        "credit the film."
    )
    assert skill_of_words(brief, SKILLS) == "make-highlight"


def test_a_plural_means_the_same_as_its_singular():
    assert skill_of_words("two trailers", SKILLS) == "make-highlight"


def test_words_that_fit_two_skills_alike_are_not_guessed():
    with pytest.raises(Problem) as refusal:
        skill_of_words("the publication", SKILLS)
    assert refusal.value.code == "NOBODY_OFFERS"
    assert [each["id"] for each in refusal.value.details["skills"]] == [skill.id for skill in SKILLS]


def test_a_house_with_one_skill_means_it_whatever_is_said():
    assert skill_of_words("please", SKILLS[:1]) == "make-highlight"


def test_no_words_mean_nothing():
    with pytest.raises(Problem):
        skill_of_words("", SKILLS[:1])


def test_a_named_skill_counts_more_than_a_schema_and_a_schema_more_than_words():
    part = {"data": {}, "metadata": {"schema": "urn:holdback:clearance-request:1"}}
    said = {"text": "trailer"}
    message = {"parts": [said, part]}
    assert wanted_by_message(message, SKILLS) == Wanted("skill", "clear-rights")
    named = message | {"metadata": {"urn:holdback:skill": "plan-publication"}}
    assert wanted_by_message(named, SKILLS) == Wanted("skill", "plan-publication")
    assert wanted_by_message({"parts": [said]}, SKILLS) == Wanted("skill", "make-highlight")


def test_a_message_with_a_task_goes_on_with_that_task():
    assert wanted_by_message({"taskId": "t1", "parts": [{"text": "trailer"}]}, SKILLS) == Wanted("task", "t1")


def test_every_request_schema_is_one_of_the_contracts():
    assert set(SKILL_OF_SCHEMA) <= set(part_models())


def test_a_named_skill_that_nobody_offers_is_refused():
    with pytest.raises(Problem) as refusal:
        wanted_by_message({"metadata": {"urn:holdback:skill": "make-tea"}}, SKILLS)
    assert refusal.value.code == "NOBODY_OFFERS"


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("GetTask", {"id": "t1"}),
        ("CancelTask", {"id": "t1"}),
        ("SubscribeToTask", {"id": "t1"}),
        ("tasks/resubscribe", {"id": "t1"}),
        ("ListTaskPushNotificationConfigs", {"taskId": "t1"}),
    ],
)
def test_methods_about_a_task_name_it(method, params):
    assert wanted_by_rpc({"jsonrpc": "2.0", "method": method, "params": params}, SKILLS) == Wanted("task", "t1")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/tasks/t1"),
        ("POST", "/tasks/t1:cancel"),
        ("POST", "/tasks/t1:subscribe"),
        ("DELETE", "/tasks/t1/pushNotificationConfigs/p1"),
    ],
)
def test_paths_about_a_task_name_it(method, path):
    assert wanted_by_path(method, path, None, SKILLS) == Wanted("task", "t1")


@pytest.mark.parametrize("path", ["/tasks", "/tasks/", "/tasks/a/b", "/extendedAgentCard", "/message:send", ""])
def test_other_paths_are_for_an_agent_only(path):
    with pytest.raises(Problem) as refusal:
        wanted_by_path("GET", path, None, SKILLS)
    assert refusal.value.code == "INVALID_ARGUMENT"


@given(ANYTHING)
def test_whatever_comes_is_understood_or_refused_with_a_problem(body):
    for read in (
        lambda: wanted_by_rpc(body, SKILLS) if is_request(body) else None,
        lambda: wanted_by_rpc({"jsonrpc": "2.0", "method": "SendMessage", "params": body}, SKILLS),
        lambda: wanted_by_path("POST", "/message:send", body, SKILLS),
        lambda: wanted_by_message(body, SKILLS),
    ):
        with contextlib.suppress(Problem):
            wanted = read()
            assert wanted is None or wanted.name


@pytest.mark.parametrize(
    ("words", "skill"),
    [
        ("15 s highlight for YouTube in GB for the next month", "make-highlight"),
        ("15 s highlight for YouTube in GB for the next week", "make-highlight"),
        ("Plan the week", "plan-week"),
        ("Clear the rights for the coming 3 months", "clear-rights"),
        ("Commit the publication", "commit-publication"),
    ],
)
def test_words_find_the_skill_of_the_houses_own_agents_whatever_time_they_name(words: str, skill: str) -> None:
    cards = [packed_card(name) for name in ("editing-assistant", "compliance", "scheduler")]
    assert skill_of_words(words, [each for card in cards for each in card.skills]) == skill
