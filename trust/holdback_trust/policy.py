"""The one function that allows. Pure; whatever it does not allow is denied.

Whether a token is genuine, alive and meant for this audience was decided before, when `tokens` made it a `Caller`.
"""

from datetime import UTC, datetime
from typing import Literal

from holdback_base.problem import Problem
from holdback_base.vocabulary import Noun

from holdback_trust.grants import AGENT_ALLOWED, AUDIENCE_SCOPES, ROLE_SCOPES, agent_scopes, person_scopes, role_scopes
from holdback_trust.identity import Caller

__all__ = [
    "AGENT_ALLOWED",
    "AUDIENCE_SCOPES",
    "ROLE_SCOPES",
    "Action",
    "Decision",
    "agent_scopes",
    "decide",
    "local_caller",
    "person_scopes",
    "role_scopes",
]

DecisionCode = Literal["", "UNAUTHENTICATED", "PERMISSION_DENIED", "WRITE_NOT_ALLOWED", "SEPARATION_OF_DUTIES"]
APPROVE = "approval:decide"
LOCAL_READER, LOCAL_WRITER = "local-reader", "local-writer"
"""Roles of the person at a stdio server, without and with `--allow-write`."""

_HINTS = {
    "UNAUTHENTICATED": "Send a token of the gateway as a bearer token.",
    "PERMISSION_DENIED": "Ask somebody who may do this, or for a token that holds the scope.",
    "WRITE_NOT_ALLOWED": "Start the server with --allow-write if changes are meant.",
    "SEPARATION_OF_DUTIES": "Let another person decide.",
}


class Action(Noun):
    """What somebody wants to do.

    `name` is the tool or skill, `resource` what it is done to, `scope` what it takes; a `write` or `destroy` has
    effects. `asked_by` is the person for whom an approval was asked, when the action is to decide one.
    """

    name: str
    scope: str
    resource: str = ""
    kind: Literal["read", "write", "destroy"] = "read"
    asked_by: str | None = None


class Decision(Noun):
    """Whether, and why: `policy` names the rule that spoke, `code` is empty when allowed."""

    allowed: bool
    code: DecisionCode
    reason: str
    policy: str

    def require(self) -> None:
        """Nothing when allowed; else raises the Problem of the code."""
        if not self.allowed:
            raise Problem(self.code or "PERMISSION_DENIED", self.reason, _HINTS.get(self.code, ""), policy=self.policy)


def decide(caller: Caller | None, action: Action) -> Decision:
    """Whether this caller may do this. Every tool, skill and route asks here, and nowhere else."""
    if caller is None:
        return _deny("UNAUTHENTICATED", f"Nobody is named as asking for {action.name}.", "caller-known")
    if not action.scope or action.scope not in caller.scopes:
        what = f"{action.name} needs the scope {action.scope or '(none is defined)'}"
        return _deny("PERMISSION_DENIED", f"{what}, which {caller.text()} does not hold.", "scope-held")
    if action.kind != "read" and LOCAL_READER in caller.roles:
        return _deny(
            "WRITE_NOT_ALLOWED", f"{action.name} changes something; this is for reading only.", "local-reading"
        )
    if action.scope == APPROVE:
        return _decide_approval(caller, action)
    if LOCAL_READER in caller.roles or LOCAL_WRITER in caller.roles:
        return _allow(f"The local person {caller.person} may {action.kind} here.", "local-person")
    return _allow(f"{caller.text()} holds {action.scope}.", "scope-held")


def _decide_approval(caller: Caller, action: Action) -> Decision:
    if caller.agent is not None:
        return _deny("PERMISSION_DENIED", f"Only a person decides; {caller.agent} is an agent.", "person-decides")
    if action.kind == "read":
        return _allow(f"{caller.person} may see what waits for a decision.", "person-decides")
    if action.asked_by is None:
        return _deny("SEPARATION_OF_DUTIES", "It is not known who asked for this approval.", "separation-of-duties")
    if action.asked_by == caller.person:
        return _deny(
            "SEPARATION_OF_DUTIES", f"{caller.person} asked for this and may not decide it.", "separation-of-duties"
        )
    return _allow(f"{caller.person} decides what {action.asked_by} asked.", "separation-of-duties")


def local_caller(person: str, allow_write: bool, audience: str) -> Caller:
    """The person at a stdio server of this machine: all its scopes, but only to read unless writing is allowed.

    There is no token, so nothing expires; the same `decide` and the same audit apply.
    """
    return Caller(
        person=person,
        scopes=AUDIENCE_SCOPES.get(audience, frozenset()),
        roles=frozenset({LOCAL_WRITER if allow_write else LOCAL_READER}),
        audience=audience,
        token_id="local",  # noqa: S106 - there is none
        expires=datetime.max.replace(tzinfo=UTC),
    )


def _allow(reason: str, policy: str) -> Decision:
    return Decision(allowed=True, code="", reason=reason, policy=policy)


def _deny(code: DecisionCode, reason: str, policy: str) -> Decision:
    return Decision(allowed=False, code=code, reason=reason, policy=policy)
