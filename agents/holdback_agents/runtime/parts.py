"""Models to A2A parts and back; the messages that ask, answer, report and fail. Pure."""

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from a2a.types.a2a_pb2 import Artifact, Message, Role, Task
from a2a.types.a2a_pb2 import Part as WirePart
from google.protobuf.json_format import MessageToDict, MessageToJson
from google.protobuf.struct_pb2 import Struct, Value
from holdback_base.problem import Problem
from holdback_trust.tasks import ids_told
from holdback_trust.untrusted.marking import UNTRUSTED, paths, spots
from pydantic import BaseModel, ValidationError

from holdback_agents.contracts import PROGRESS_EXTENSION, SKILL_EXTENSION, Part, ProblemPart, Progress

P = TypeVar("P", bound=BaseModel)

SCHEMA = "schema"
"""Part metadata that names the schema of its data."""
JSON = "application/json"
QUESTION_EXTENSION = "urn:holdback:question"
"""Message metadata of a question: `path`, the chain of agents from the one that shows it to the one that asks."""


MOST_THINGS = 2000


def data_part(model: BaseModel) -> WirePart:
    """A model as a data part that names its schema, and where in it other people's words stand."""
    shape = model.model_dump(mode="json", exclude_none=True)
    value = Value()
    value.struct_value.update(shape)
    part = WirePart(data=value, media_type=JSON)
    if words := paths(shape, spots(type(model))):
        part.metadata.update({UNTRUSTED: list(words)})
    if isinstance(model, Part) and model.schema_name:
        part.metadata[SCHEMA] = model.schema_uri()
    return part


def text_part(text: str) -> WirePart:
    """Words as a part; they are data to whoever reads them, whoever wrote them."""
    part = WirePart(text=text, media_type="text/plain")
    part.metadata.update({UNTRUSTED: ["$"]})
    return part


def wire_parts(parts: Iterable[BaseModel | str]) -> list[WirePart]:
    """Models and words as parts, in order."""
    return [text_part(part) if isinstance(part, str) else data_part(part) for part in parts]


def words_of(parts: Iterable[WirePart]) -> str:
    """All words, one part a line."""
    return "\n".join(part.text for part in parts if part.WhichOneof("content") == "text").strip()


def things_in(asked: Message) -> tuple[str, ...]:
    """The ids and media that a message names, also in its statements, each once, in order; no more than the first
    2,000."""
    found: dict[str, None] = {}
    for part in asked.parts:
        text = part.text if part.WhichOneof("content") == "text" else MessageToJson(part.data, indent=None)
        found |= dict.fromkeys(ids_told(text))
    return tuple(found)[:MOST_THINGS]


def schema_of(part: WirePart) -> str:
    """The schema URI of a data part, or nothing."""
    return str(part.metadata[SCHEMA]) if part.HasField("data") and SCHEMA in part.metadata else ""


def find_part(parts: Iterable[WirePart], model: type[P], schema: str) -> P | None:
    """The first data part of that schema, read as the model; None when there is none.

    Raises:
        Problem: MESSAGE_MALFORMED when it is there but does not fit; `details.errors` says where.
    """
    for part in parts:
        if schema_of(part) == schema:
            return read_model(MessageToDict(part.data), model, schema)
    return None


def read_model(value: Any, model: type[P], what: str) -> P:
    """The JSON value as the model. Raises Problem MESSAGE_MALFORMED."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        errors = [
            {"at": ".".join(str(step) for step in each["loc"]), "message": each["msg"]}
            for each in error.errors(include_url=False, include_context=False, include_input=False)
        ]
        first = f"{errors[0]['at'] or 'it'}: {errors[0]['message']}"
        raise Problem(
            "MESSAGE_MALFORMED", f"The {what} part does not fit: {first}.", "Send what the schema asks.", errors=errors
        ) from error


def result_of(task: Task, model: type[P], schema: str) -> P | None:
    """The last data part of that schema among the task's artifacts."""
    for artifact in reversed(task.artifacts):
        found = find_part(reversed(artifact.parts), model, schema)
        if found is not None:
            return found
    return None


def problem_parts(problem: Problem) -> list[WirePart]:
    """A problem as a data part and one line of words."""
    return wire_parts((ProblemPart(**problem.as_dict()), problem.line()))


def problem_of(task: Task, otherwise: Problem) -> Problem:
    """The problem that a failed or rejected task names."""
    part = find_part(task.status.message.parts, ProblemPart, ProblemPart.schema_uri())
    return otherwise if part is None else Problem.from_dict(part.model_dump())


def message(
    parts: Sequence[WirePart], *, message_id: str, context_id: str = "", task_id: str = "", skill: str = ""
) -> Message:
    """A message to an agent; `skill` names the skill that is meant."""
    built = Message(role=Role.ROLE_USER, parts=parts, message_id=message_id, context_id=context_id, task_id=task_id)
    if skill:
        built.metadata[SKILL_EXTENSION] = skill
    return built


def artifact(parts: Iterable[BaseModel | str], *, artifact_id: str, name: str) -> Artifact:
    """Models and words as an artifact."""
    return Artifact(artifact_id=artifact_id, name=name, parts=wire_parts(parts))


def struct(values: dict[str, Any]) -> Struct:
    """A JSON object as protobuf."""
    built = Struct()
    built.update(values)
    return built


def progress_metadata(progress: Progress) -> Struct:
    """The metadata of a status update that reports progress; nothing is said about what is not known."""
    return struct({PROGRESS_EXTENSION: progress.model_dump(mode="json", exclude_defaults=True) | {"seq": progress.seq}})


def progress_of(metadata: Struct) -> Progress | None:
    """The progress in the metadata of a status update or of a task."""
    if PROGRESS_EXTENSION not in metadata:
        return None
    try:
        return Progress.model_validate(MessageToDict(metadata)[PROGRESS_EXTENSION])
    except ValidationError:
        return None


def skill_named(asked: Message) -> str:
    """The skill that the message names in its metadata, or nothing."""
    return str(asked.metadata[SKILL_EXTENSION]) if SKILL_EXTENSION in asked.metadata else ""
