"""What a message means: which skill, and which request; from data where there is some, else from words."""

from datetime import datetime

from a2a.types.a2a_pb2 import Message, Task
from google.protobuf.json_format import MessageToDict
from holdback_base.problem import Problem
from holdback_trust.identity import Caller

from holdback_agents.contracts import SKILL_EXTENSION, Part, Question
from holdback_agents.runtime.agent import Agent, Skill
from holdback_agents.runtime.parts import find_part, schema_of, skill_named, words_of
from holdback_agents.runtime.run import Run

STARTED = "urn:holdback:started"
"""Task metadata: the instant the task was asked for."""
ROOT = "urn:holdback:root"
"""Task metadata: the root task that the task came from, its own id where a person asked for it."""


class Rejected(Exception):  # noqa: N818 - a verdict on the request, not an error here
    """The request cannot be understood, or may not be done; no work was begun."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


def skill_for(agent: Agent, asked: Message) -> Skill | None:
    """The skill a first message means: its metadata, then the schema of its data, then its words."""
    if named := skill_named(asked):
        return agent.by_id.get(named)
    for part in asked.parts:
        if (schema := schema_of(part)) in agent.by_schema:
            return agent.by_schema[schema]
    return agent.skill_of_words(words_of(asked.parts))


def skill_of(task: Task | None) -> str:
    """The skill that a task is for."""
    return "" if task is None else str(MessageToDict(task.metadata).get(SKILL_EXTENSION, ""))


def asked_of(task: Task) -> Message:
    """The message that a task began with."""
    return task.history[0]


def started_of(task: Task) -> datetime:
    """The instant a task was asked for."""
    return datetime.fromisoformat(str(MessageToDict(task.metadata)[STARTED]))


def is_root(task: Task) -> bool:
    """Whether a person began the task, and no agent gave it."""
    return MessageToDict(task.metadata).get(ROOT) == task.id


def is_seen_by(caller: Caller, task: Task) -> bool:
    """Whether a task is the caller's to look at: a person sees all of their own, an agent that acts for them those of
    the root task that it acts in."""
    if caller.agent is None:
        return True
    return caller.task is not None and MessageToDict(task.metadata).get(ROOT) == caller.task.root


async def read_request(run: Run, skill: Skill, asked: Message) -> Part:
    """The request, from a data part or from words; what words leave open is asked."""
    try:
        found = find_part(asked.parts, skill.request, skill.request.schema_uri())
        if found is not None:
            return found
        words = " ".join(words_of(asked.parts).split())
        if skill.words is None or not words:
            raise Problem(
                "MESSAGE_MALFORMED",
                f"{skill.id} needs a data part {skill.request.schema_uri()}.",
                "Send application/json with that schema in the part's metadata.",
            )
        read = skill.words(words, run.started)
    except Problem as problem:
        raise Rejected(problem) from problem
    while isinstance(read, Question):
        answer = await run.ask(read)
        words = f"{words}\n{' '.join(answer.text.split())}"
        try:
            read = skill.words(words, run.started)
        except Problem as problem:
            raise Rejected(problem) from problem
    return read
