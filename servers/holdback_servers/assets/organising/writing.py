"""How the organising tools write: in one unit, once for a repeated call, by a caller who is named."""

from collections.abc import Callable
from typing import TypeVar

from holdback_base.problem import Problem
from holdback_base.vocabulary import Noun
from holdback_trust.grants import DECLARE, HOLD
from holdback_trust.policy import Action
from sqlalchemy import Connection

from holdback_servers.assets.closing import story_named
from holdback_servers.assets.edits import Editor
from holdback_servers.assets.model import Value
from holdback_servers.services import Call

Answer = TypeVar("Answer", bound=Noun)


def editor_of(call: Call, *, may_close: bool = False) -> Editor:
    """Who changes things, now."""
    return Editor(
        call.caller.text(), call.services.clock(), call.services.new_id, may_close, call.services.media.made_of
    )


async def write(
    call: Call, answer: type[Answer], effect: Callable[[Connection, Editor], Answer], *, may_close: bool = False
) -> Answer:
    """Do the effect in a unit of work, or give what the same call gave before."""
    editor = editor_of(call, may_close=may_close)
    kept = await call.services.database.write(
        lambda c: call.once(c, lambda: effect(c, editor).model_dump(mode="json", exclude_none=True))
    )
    return answer.model_validate(kept)


def require_closing(call: Call, story: Value | None) -> None:
    """That the caller may say who may know of an asset, and how valuable it is.

    Args:
        story: that an asset is to belong to, if one is named.

    Raises:
        Problem: PERMISSION_DENIED without the scope, or for a story that the caller does not know, who would close the
            asset to themselves.
    """
    scope = HOLD if DECLARE not in call.caller.scopes and HOLD in call.caller.scopes else DECLARE
    call.require(Action(name=f"assets.{call.tool}", scope=scope, kind="write"))
    named = None if story is None else story_named(story)
    if named is not None and not call.knows(named):
        raise Problem(
            "PERMISSION_DENIED",
            f"{call.caller.text()} is not among those who know of a story {named}.",
            "Ask somebody who is; the house's settings say who knows of which story.",
        )


def require_person(call: Call, what: str) -> None:
    """Raises Problem PERMISSION_DENIED when an agent asks for what only a person may do."""
    if call.caller.agent is not None:
        raise Problem(
            "PERMISSION_DENIED",
            f"{call.caller.agent} is an agent; {what} is for a person.",
            "Ask a librarian to do it.",
        )
