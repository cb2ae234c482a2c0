"""How the organising tools write: in one unit, once for a repeated call, by a caller who is named."""

from collections.abc import Callable
from typing import TypeVar

from holdback_base.problem import Problem
from holdback_base.vocabulary import Noun
from sqlalchemy import Connection

from holdback_servers.assets.edits import Editor
from holdback_servers.services import Call

Answer = TypeVar("Answer", bound=Noun)


def editor_of(call: Call) -> Editor:
    """Who changes things, now."""
    return Editor(call.caller.text(), call.services.clock(), call.services.new_id)


async def write(call: Call, answer: type[Answer], effect: Callable[[Connection, Editor], Answer]) -> Answer:
    """Do the effect in a unit of work, or give what the same call gave before."""
    editor = editor_of(call)
    kept = await call.services.database.write(
        lambda c: call.once(c, lambda: effect(c, editor).model_dump(mode="json", exclude_none=True))
    )
    return answer.model_validate(kept)


def require_person(call: Call, what: str) -> None:
    """Raises Problem PERMISSION_DENIED when an agent asks for what only a person may do."""
    if call.caller.agent is not None:
        raise Problem(
            "PERMISSION_DENIED",
            f"{call.caller.agent} is an agent; {what} is for a person.",
            "Ask a librarian to do it.",
        )
