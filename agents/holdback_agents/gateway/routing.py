"""Which skill a message means, and which task a request is about. Pure: values in, values out."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast
from urllib.parse import unquote

from a2a.types.a2a_pb2 import AgentSkill
from holdback_base.problem import Problem

from holdback_agents.contracts import (
    SKILL_EXTENSION,
    Brief,
    ClearanceRequest,
    CommitRequest,
    PublicationRequest,
)
from holdback_agents.publishing_parts import ExpiryWatch, PublicationCheck, RescheduleRequest, SlotQuestion, WeekRequest

SKILL_OF_SCHEMA: Mapping[str, str] = {
    Brief.schema_uri(): "make-highlight",
    ClearanceRequest.schema_uri(): "clear-rights",
    PublicationRequest.schema_uri(): "plan-publication",
    CommitRequest.schema_uri(): "commit-publication",
    PublicationCheck.schema_uri(): "check-publication",
    ExpiryWatch.schema_uri(): "watch-expiry",
    WeekRequest.schema_uri(): "plan-week",
    RescheduleRequest.schema_uri(): "reschedule",
    SlotQuestion.schema_uri(): "explain",
}
"""The skill that a typed part asks for when the message names none."""

MAX_ID = 200
"""Characters of a task id; a longer one is refused unread."""

_MESSAGE_METHODS = frozenset({"SendMessage", "SendStreamingMessage", "message/send", "message/stream"})
_TASK_METHODS: Mapping[str, str] = {
    "GetTask": "id",
    "CancelTask": "id",
    "SubscribeToTask": "id",
    "CreateTaskPushNotificationConfig": "taskId",
    "GetTaskPushNotificationConfig": "taskId",
    "ListTaskPushNotificationConfigs": "taskId",
    "DeleteTaskPushNotificationConfig": "taskId",
    "tasks/get": "id",
    "tasks/cancel": "id",
    "tasks/resubscribe": "id",
    "tasks/pushNotificationConfig/set": "taskId",
    "tasks/pushNotificationConfig/get": "id",
    "tasks/pushNotificationConfig/list": "id",
    "tasks/pushNotificationConfig/delete": "id",
}
_TASK_PATH = re.compile(r"/tasks/([^/:]+)(:cancel|:subscribe|/pushNotificationConfigs(/[^/:]+)?)?")
_SMALL = frozenset({"the", "and", "for", "what"})
"""Words that say nothing of a skill."""
_TIME = re.compile(r"\b(?:for|in|within|over|during)\s+(?:the\s+)?(?:next|coming)\s+(?:\d+\s+)?\w+", re.IGNORECASE)
"""A time asked for, such as *for the next month*."""


@dataclass(frozen=True)
class Wanted:
    """What a request asks the gateway to reach: the agent of a skill, or the agent that holds a task."""

    kind: Literal["skill", "task"]
    name: str


def is_request(body: object) -> bool:
    """Whether the body is one JSON-RPC 2.0 request; a batch is not."""
    fields = _mapping(body)
    return fields.get("jsonrpc") == "2.0" and isinstance(fields.get("method"), str)


def wanted_by_rpc(body: object, skills: Sequence[AgentSkill]) -> Wanted:
    """Read a JSON-RPC request (`is_request`) of A2A 1.0 or 0.3.

    Raises:
        Problem: MESSAGE_MALFORMED for a message or an id that is missing, INVALID_ARGUMENT for a method that only an
            agent's own address answers, NOBODY_OFFERS when no skill can be told.
    """
    request = _mapping(body)
    method, arguments = str(request.get("method")), _mapping(request.get("params"))
    if method in _MESSAGE_METHODS:
        return wanted_by_message(arguments.get("message"), skills)
    if method in _TASK_METHODS:
        return _task(arguments.get(_TASK_METHODS[method]))
    raise Problem(
        "INVALID_ARGUMENT",
        f"The gateway does not answer {method[:80]!r} for all agents at once.",
        "Ask at an agent's own address; GET /registry lists them.",
    )


def wanted_by_path(method: str, path: str, body: object, skills: Sequence[AgentSkill]) -> Wanted:
    """Read an HTTP+JSON request; `path` is what follows `/v1`. Raises as `wanted_by_rpc`."""
    if method == "POST" and path in ("/message:send", "/message:stream"):
        message = cast(dict[str, Any], body).get("message") if isinstance(body, dict) else None
        return wanted_by_message(message, skills)
    match = _TASK_PATH.fullmatch(path)
    if match is None:
        raise Problem(
            "INVALID_ARGUMENT",
            "The gateway does not answer this path for all agents at once.",
            "Ask at an agent's own address; GET /registry lists them.",
        )
    return _task(unquote(match.group(1)))


def wanted_by_message(message: object, skills: Sequence[AgentSkill]) -> Wanted:
    """The task that the message goes on with, else the skill it means. Raises as `wanted_by_rpc`."""
    if not isinstance(message, dict):
        raise Problem("MESSAGE_MALFORMED", "There is no message.", "Put an A2A message under `message`.")
    fields = cast(dict[str, Any], message)
    if fields.get("taskId"):
        return _task(fields["taskId"])
    named = _mapping(fields.get("metadata")).get(SKILL_EXTENSION)
    if isinstance(named, str):
        return Wanted("skill", _known(named, skills))
    parts = [_mapping(part) for part in _list(fields.get("parts"))]
    for part in parts:
        schema = _mapping(part.get("metadata")).get("schema")
        if isinstance(schema, str) and schema in SKILL_OF_SCHEMA:
            return Wanted("skill", _known(SKILL_OF_SCHEMA[schema], skills))
    words = " ".join(text for part in parts if isinstance(text := part.get("text"), str))
    return Wanted("skill", skill_of_words(words, skills))


def skill_of_words(words: str, skills: Sequence[AgentSkill]) -> str:
    """The one skill whose id, name and tags share most words with what was said. Of skills that share as many, the one
    that also does when the time asked for, such as *for the next month*, is left aside: any request may name one.

    Raises:
        Problem: NOBODY_OFFERS, with all skills, when no skill or more than one fits best.
    """
    if len(skills) == 1 and _tokens(words):
        return skills[0].id
    fitting = _fitting(words, skills)
    if len(fitting) > 1:
        fitting = _fitting(_TIME.sub(" ", words), skills)
    if len(fitting) != 1:
        raise _unclear("It cannot be told which skill the message means.", skills)
    return fitting[0]


def _fitting(words: str, skills: Sequence[AgentSkill]) -> list[str]:
    """The skills that share most words, none when no skill shares any."""
    said = _tokens(words) - _SMALL
    scores = {skill.id: len(said & _tokens(" ".join((skill.id, skill.name, *skill.tags)))) for skill in skills}
    best = max(scores.values(), default=0)
    return [skill for skill, score in scores.items() if score == best] if best else []


def _task(given: object) -> Wanted:
    if not isinstance(given, str) or not given or len(given) > MAX_ID:
        raise Problem("MESSAGE_MALFORMED", "The id of the task is missing or no text.", "Send the id of a task.")
    return Wanted("task", given)


def _known(skill: str, skills: Sequence[AgentSkill]) -> str:
    if all(each.id != skill for each in skills):
        raise _unclear(f"No agent offers the skill {skill[:80]!r}.", skills)
    return skill


def _unclear(message: str, skills: Sequence[AgentSkill]) -> Problem:
    return Problem(
        "NOBODY_OFFERS",
        message,
        f"Name the skill in the message's metadata under {SKILL_EXTENSION}, or ask at an agent's own address.",
        skills=[{"id": skill.id, "name": skill.name} for skill in skills],
    )


def _tokens(text: str) -> set[str]:
    return {word.removesuffix("s") for word in re.findall(r"[a-z0-9]+", text.lower()) if len(word) > 2}


def _mapping(value: object) -> dict[str, Any]:
    return cast(dict[str, Any], value) if isinstance(value, dict) else {}


def _list(value: object) -> list[object]:
    return cast(list[object], value) if isinstance(value, list) else []
