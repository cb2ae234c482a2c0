"""Token exchange (RFC 8693): an agent goes on with the token that came with a message, for a task of its own."""

from collections.abc import Mapping
from typing import Any

from holdback_base.problem import Problem
from holdback_trust.guardian import Guardian
from holdback_trust.identity import GATEWAY, Caller
from holdback_trust.tokens import Granted

from holdback_agents.gateway import store
from holdback_agents.gateway.oauth_errors import OAuthError
from holdback_agents.gateway.registry import Registry
from holdback_agents.gateway.services import GatewayServices, Ledger
from holdback_agents.gateway.task_store import HeldTask
from holdback_agents.gateway.tasks import NamedTask, TaskBook

ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - a name, not a secret
TASK = "urn:holdback:token-type:task"
"""The subject of an agent whose process ended: the id of a task of its own that still lives."""


class Exchange:
    """Exchanges tokens for agents that have proved who they are."""

    def __init__(self, services: GatewayServices, registry: Registry, ledger: Ledger, tasks: TaskBook) -> None:
        self._services, self._registry, self._ledger, self._tasks = services, registry, ledger, tasks

    async def answer(self, form: Mapping[str, str], agent: str) -> dict[str, Any]:
        """The token response. Raises OAuthError."""
        if form.get("requested_token_type", ACCESS_TOKEN) != ACCESS_TOKEN or "actor_token" in form:
            raise OAuthError("invalid_request", "The actor is who signs client_assertion; it gets an access token.")
        if not form.get("subject_token"):
            raise OAuthError("invalid_request", f"subject_token of type {ACCESS_TOKEN} is needed.")
        try:
            if form.get("subject_token_type") == TASK:
                return self._resumed(form["subject_token"], agent)
            if form.get("subject_token_type") != ACCESS_TOKEN:
                raise OAuthError("invalid_request", f"subject_token of type {ACCESS_TOKEN} is needed.")
            return await self._exchanged(form, agent)
        except Problem as problem:
            if problem.code == "PERMISSION_DENIED":
                self._tell_guardian(form, agent)
            raise _oauth_error(problem) from None
        except OAuthError as error:
            if error.code == "invalid_target":
                self._tell_guardian(form, agent)
            raise

    def _tell_guardian(self, form: Mapping[str, str], agent: str) -> None:
        """An agent was refused: for want of a scope that the person has not, or for asking more than is its own."""
        guard = self._services.enforcement.guard
        if isinstance(guard, Guardian):
            audience, asked = form.get("audience", ""), frozenset(form.get("scope", "").split())
            allowed = self._registry.agent_scopes(agent, audience)
            own = bool(allowed) and asked <= allowed
            guard.refused(agent, "", f"token for {audience} {form.get('scope', '')}", form.get("task", ""), own=own)

    async def _exchanged(self, form: Mapping[str, str], agent: str) -> dict[str, Any]:
        audience = audience_of(form, self._registry)
        allowed = self._registry.agent_scopes(agent, audience)
        if not allowed:
            raise OAuthError("invalid_target", f"{agent} has nothing to do at {audience}.")
        subject = self._services.authority.read(form["subject_token"], even_expired=True)
        if self._services.enforcement.standing.revoked(subject.token_id):
            raise Problem("UNAUTHENTICATED", "The token is refused: it was revoked.", "Ask the person to ask again.")
        named = NamedTask.of_form(form)
        entered = self._tasks.enter(subject, agent, named)
        if entered.first and named.things and not subject.chain:
            # what an agent names itself, its task was shown before or may not show
            self._services.enforcement.shown(entered.held.claim.root, named.things)
        granted = self._services.authority.grant(
            self._as_of_now(subject) if entered.renewed else subject,
            agent,
            audience=audience,
            scopes=frozenset(form["scope"].split()) if form.get("scope") else None,
            allowed=allowed,
            stories=self._services.stories_of(agent),
            level=self._services.admissions.level(agent),
            task=entered.held.claim,
            renewed=entered.renewed,
        )
        self._check_standing(granted.caller)
        await self._lend(subject, granted.caller)
        return self._answer(granted, entered.held, "token.renew" if entered.renewed else "token.issue")

    def _as_of_now(self, session: Caller) -> Caller:
        """A session that outlives its token, without the scopes, roles and stories that the person has lost since.

        Raises Problem UNAUTHENTICATED for who is not of the house any more, or may ask for nothing of this any more.
        """
        person = self._registry.person(session.person)
        roles = session.roles & person.roles if person is not None else frozenset[str]()
        scopes = session.scopes & self._registry.person_scopes(roles, session.audience)
        if not scopes:
            raise Problem(
                "UNAUTHENTICATED",
                f"{session.person} may ask {session.audience} for none of this any more.",
                "Let somebody who may ask for it anew.",
            )
        stories = session.stories & self._services.stories_of(session.person)
        return session.model_copy(update={"roles": roles, "scopes": scopes, "stories": stories})

    def _check_standing(self, caller: Caller) -> None:
        refusal = self._services.enforcement.standing.refusal(caller)
        if refusal is not None:
            raise refusal

    async def _lend(self, subject: Caller, caller: Caller) -> None:
        """An agent asks for an approval with a narrow token; the task must later go on with what it was given."""
        if "approval:ask" not in caller.scopes or caller.audience != GATEWAY:
            return
        behind, now = sorted(subject.scopes), self._services.clock()
        await self._services.database.write(lambda c: store.lend(c, caller.token_id, behind, caller.expires, now))

    def _resumed(self, identity: str, agent: str) -> dict[str, Any]:
        """The token that the task came with, anew: the agent's process ended, and with it what it held in memory."""
        held = self._tasks.resume(agent, identity)
        self._check_standing(held.session.model_copy(update={"chain": (agent, *held.session.chain), "agent": agent}))
        granted = self._services.authority.again(self._as_of_now(held.session), held.claim.expires)
        held = self._tasks.joined(held, granted.caller)
        return self._answer(granted, held, "token.resume")

    def _answer(self, granted: Granted, held: HeldTask, action: str) -> dict[str, Any]:
        caller = granted.caller
        scope = " ".join(sorted(caller.scopes))
        self._ledger.record(caller, action, f"{caller.audience} {scope}", True, policy="role-scopes", task=held.id)
        seconds = int((caller.expires - self._services.clock()).total_seconds())
        return {
            "access_token": granted.text,
            "token_type": "Bearer",
            "expires_in": seconds,
            "scope": scope,
            "issued_token_type": ACCESS_TOKEN,
        }


def audience_of(form: Mapping[str, str], registry: Registry) -> str:
    """The audience that a token request names, by name or by address (RFC 8707). Raises OAuthError."""
    given = form.get("audience") or form.get("resource")
    if not given:
        raise OAuthError("invalid_request", "Name the audience.")
    audience = registry.audience(given)
    if audience is None:
        raise OAuthError("invalid_target", "There is no such audience in this house.")
    return audience


def _oauth_error(problem: Problem) -> OAuthError:
    if problem.code == "INVALID_ARGUMENT":
        return OAuthError("invalid_request", problem.message, problem)
    narrow = problem.code == "PERMISSION_DENIED" and "scopes" in problem.details
    return OAuthError("invalid_scope" if narrow else "invalid_grant", problem.message, problem)
