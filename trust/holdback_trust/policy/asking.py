"""What is asked of policy, and what it answers. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from holdback_base.problem import Problem
from holdback_base.vocabulary import Noun
from pydantic import Field

from holdback_trust.grants import AUDIENCE_SCOPES
from holdback_trust.identity import Caller, StoryName

Kind = Literal["read", "write", "destroy"]
APPROVE = "approval:decide"
LOCAL_READER, LOCAL_WRITER = "local-reader", "local-writer"
"""Roles of the person at a stdio server, without and with `--allow-write`."""

_HINTS = {
    "UNAUTHENTICATED": "Send a token of the gateway as a bearer token.",
    "PERMISSION_DENIED": "Ask somebody who may do this, or for a token that holds the scope.",
    "WRITE_NOT_ALLOWED": "Start the server with --allow-write if changes are meant.",
    "SEPARATION_OF_DUTIES": "Let another person decide.",
    "NOT_FOUND": "Look for what there is, and name one of those.",
    "TASK_ENDED": "Begin a new task.",
    "SECOND_FACTOR_NEEDED": "Sign in again with a second factor.",
}


class Action(Noun):
    """What somebody wants to do.

    `name` is the tool or skill, `resource` what it is done to, `scope` what it takes; a `write` or `destroy` has
    effects. `asked_by` is the person for whom an approval was asked, when the action is to decide one. `story` is the
    closed story of what it is done to, `tier` its value tier (1 to 3), `network` the address it is asked from,
    `factor_needed` whether it takes a person with a proved second factor, `strange` whether it names what the caller's
    task was never shown.
    """

    name: str
    scope: str
    resource: str = ""
    kind: Kind = "read"
    asked_by: str | None = None
    story: StoryName | None = None
    tier: int | None = Field(default=None, ge=1, le=3)
    network: str = ""
    factor_needed: bool = False
    strange: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether, and why: `policy` names the rule that spoke, `code` is empty when allowed.

    `hint` is the cure where the code's own would not do, `details` what a program may act on.
    """

    allowed: bool
    code: str
    reason: str
    policy: str
    hint: str = ""
    details: dict[str, Any] = field(default_factory=dict[str, Any])

    def problem(self) -> Problem:
        """What is told to whoever was denied. Raises ValueError when it is allowed."""
        if self.allowed:
            raise ValueError("what is allowed is no problem")
        code = self.code or "PERMISSION_DENIED"
        return Problem(code, self.reason, self.hint or _HINTS.get(code, ""), policy=self.policy, **self.details)

    def require(self) -> None:
        """Nothing when allowed; else raises the Problem of the code."""
        if not self.allowed:
            raise self.problem()


def allowed(reason: str, policy: str) -> Decision:
    """A decision that allows."""
    return Decision(allowed=True, code="", reason=reason, policy=policy)


def denied(code: str, reason: str, policy: str, hint: str = "", **details: Any) -> Decision:
    """A decision that denies."""
    return Decision(allowed=False, code=code, reason=reason, policy=policy, hint=hint, details=details)


def local_caller(person: str, allow_write: bool, audience: str, stories: Iterable[str] = ()) -> Caller:
    """The person at a stdio server of this machine: all its scopes, but only to read unless writing is allowed, and the
    closed stories that the house's settings give that person.

    There is no token, so nothing expires; the same policy and the same audit apply.
    """
    return Caller(
        person=person,
        scopes=AUDIENCE_SCOPES.get(audience, frozenset()),
        roles=frozenset({LOCAL_WRITER if allow_write else LOCAL_READER}),
        audience=audience,
        token_id="local",  # noqa: S106 - there is none
        stories=frozenset(stories),
        expires=datetime.max.replace(tzinfo=UTC),
    )
