"""Seventy-seven ways to give orders in other people's fields: marked, fenced, and mostly recognised; none gets out."""

import re
import tomllib
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from a2a.types.a2a_pb2 import Part as WirePart
from google.protobuf.json_format import MessageToDict
from google.protobuf.struct_pb2 import Value
from holdback_agents.compliance import compliance
from holdback_agents.contracts import Answer
from holdback_agents.editing_assistant import editing_assistant
from holdback_agents.runtime.parts import SCHEMA, data_part, message, text_part
from holdback_agents.runtime.understanding import skill_for
from holdback_agents.scheduler import scheduler
from holdback_base.problem import Problem
from holdback_base.vocabulary import Noun
from holdback_servers.wire import answer_result, problem_result
from holdback_trust.untrusted import suspicions
from holdback_trust.untrusted.facts import Facts
from holdback_trust.untrusted.marking import UNTRUSTED, word
from mcp_types import TextContent
from pydantic import BaseModel

INJECTIONS: list[dict[str, Any]] = tomllib.loads(
    (Path(__file__).parent / "data" / "injections.toml").read_text(encoding="utf-8")
)["injections"]


class Shot(Noun):
    id: str
    title: str
    tags: tuple[str, ...] = ()
    fields: dict[str, str] | None = None


class Found(Noun):
    items: tuple[Shot, ...]
    note: str = ""


class Prose(Noun):
    title: str
    clause: str

    def text(self) -> str:
        return f"'{self.title}' is not cleared.\n- {self.clause}"


def _found(words: str) -> Found:
    return Found(items=(Shot(id="a", title=words, tags=(words, "x"), fields={words: words}),), note=words)


def _text(answer: BaseModel) -> str:
    content = answer_result(answer).content[0]
    assert isinstance(content, TextContent)
    return content.text


def test_it_is_recognised_or_known_to_be_missed() -> None:
    for injection in INJECTIONS:
        assert bool(suspicions(injection["text"])) is not bool(injection.get("missed")), injection["name"]


def test_an_answer_marks_every_field_in_which_it_stands() -> None:
    for injection in INJECTIONS:
        meta = answer_result(_found(injection["text"])).meta
        assert meta is not None
        assert {"$.items[*].title", "$.items[*].tags[*]", "$.items[*].fields", "$.note"} <= set(meta[UNTRUSTED])


def test_it_writes_no_line_of_its_own_and_ends_no_quotation() -> None:
    for injection in INJECTIONS:
        told, harmless = _text(_found(injection["text"])), _text(_found("two words"))
        one_word = injection["text"] if word(injection["text"]) == injection["text"] else "none"
        assert _outside(told.replace(one_word, "")) == _outside(harmless), injection["name"]
        assert _is_seen(told), injection["name"]


def test_prose_that_quotes_it_has_its_own_lines_only() -> None:
    for injection in INJECTIONS:
        told = _text(Prose(title=injection["text"], clause=injection["text"]))
        assert len(told.splitlines()) == 2


def test_in_a_prompt_it_stays_between_the_marks() -> None:
    for injection in INJECTIONS:
        facts = Facts({"shots": [Shot(id="a", title=injection["text"])], "wish": injection["text"]})
        lines = facts.text().splitlines()
        assert (lines[1], lines[3], len(lines)) == ("<data>", "</data>", 4)
        assert "<" not in lines[2]
        assert set(facts.words) >= {"$.shots[*].title", "$.wish"}
        assert facts["wish"] == injection["text"]


def test_between_agents_it_is_marked_and_arrives_whole() -> None:
    for injection in INJECTIONS:
        data = WirePart.FromString(data_part(Answer(text=injection["text"])).SerializeToString())
        assert MessageToDict(data.metadata)[UNTRUSTED] == ["$.text"], injection["name"]
        assert MessageToDict(data.data)["text"] == injection["text"]
        words = WirePart.FromString(text_part(injection["text"]).SerializeToString())
        assert (words.text, MessageToDict(words.metadata)[UNTRUSTED]) == (injection["text"], ["$"])


def test_an_error_that_names_it_shows_what_nobody_sees() -> None:
    for injection in INJECTIONS:
        content = problem_result(Problem("NOT_FOUND", f"There is no {injection['text']}.")).content[0]
        assert isinstance(content, TextContent)
        assert _is_seen(content.text), injection["name"]


AGENTS = {each.name: each for each in (editing_assistant(), compliance(), scheduler())}
SKILLS = [(agent.name, skill.id) for agent in AGENTS.values() for skill in agent.skills]


@pytest.mark.parametrize(("agent", "skill"), SKILLS)
def test_beside_a_request_it_asks_for_no_other_skill(agent: str, skill: str) -> None:
    schema = AGENTS[agent].by_id[skill].request.schema_uri()
    for injection in INJECTIONS:
        data = Value()
        data.struct_value.update({"text": injection["text"], "skill": injection["text"], "schema": injection["text"]})
        request = WirePart(data=data)
        request.metadata.update({SCHEMA: schema})
        asked = message([text_part(injection["text"]), request], message_id="1")
        assert skill_for(AGENTS[agent], asked) is AGENTS[agent].by_id[skill], injection["name"]


def test_named_as_a_skill_it_is_none() -> None:
    for injection in INJECTIONS:
        for agent in AGENTS.values():
            assert skill_for(agent, message([], message_id="1", skill=injection["text"])) is None


def _is_seen(text: str) -> bool:
    """Whether there is nothing in it that nobody sees, joiners that shape letters aside."""
    return all(
        each in "\n\t\u200c\u200d" or unicodedata.category(each) not in ("Cc", "Cf", "Zl", "Zp") for each in text
    )


def _outside(told: str) -> str:
    """The text with every quotation taken out, and how it is laid out."""
    kept, quoted, escaped = "", False, False
    for each in told:
        if escaped:
            escaped = False
        elif quoted and each == "\\":
            escaped = True
        elif each == '"':
            quoted = not quoted
        elif not quoted:
            kept += each
    return re.sub(r"[\s{}\[\],-]", "", kept)
