"""How a token stands (RFC 7662), and taking one back (RFC 7009), for the parties of the house."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from holdback_base.problem import Problem
from holdback_trust.identity import GATEWAY, Caller
from holdback_trust.tokens.reading import told_of

from holdback_agents.gateway.exchange import TASK
from holdback_agents.gateway.oauth import ASSERTION_TYPE, TokenDoor, read_form
from holdback_agents.gateway.oauth_errors import OAuthError
from holdback_agents.gateway.services import GatewayServices, Ledger
from holdback_agents.gateway.task_ends import TaskEnds
from holdback_agents.gateway.tasks import TaskBook


class TokenStatus:
    """Answers `/oauth/introspect` and `/oauth/revoke`.

    Args:
        refresh: takes a refresh token back; whether it was one.
    """

    def __init__(
        self,
        services: GatewayServices,
        ledger: Ledger,
        door: TokenDoor,
        tasks: TaskBook,
        *,
        ends: TaskEnds,
        refresh: Callable[[str], Awaitable[bool]],
    ) -> None:
        self._services, self._ledger, self._door, self._tasks, self._ends = services, ledger, door, tasks, ends
        self._refresh = refresh

    def introspect(self, body: bytes) -> dict[str, Any]:
        """What a token says, for those whom it concerns; `{"active": false}` for all others and all else.

        It concerns whom it was meant for, the agent that acts with it, and the person it names. Raises OAuthError for
        who does not prove who it is.
        """
        form = read_form(body)
        client = self._client(form)
        if client is None:
            raise OAuthError("invalid_client", "Prove who asks with a client assertion (private_key_jwt).")
        caller = self._read(_text(form))
        if caller is None or client not in (caller.audience, caller.agent, caller.person):
            return {"active": False}
        if self._services.enforcement.standing.refusal(caller) is not None:
            return {"active": False}
        return {
            "active": True,
            "token_type": "Bearer",
            "iss": GATEWAY,
            "sub": caller.person,
            "aud": caller.audience,
            "client_id": caller.agent or caller.person,
            "scope": " ".join(sorted(caller.scopes)),
            "roles": sorted(caller.roles),
            "level": caller.level,
            "exp": int(caller.expires.timestamp()),
            "jti": caller.token_id,
            "chain": caller.text(),
        } | told_of(caller)

    async def revoke(self, body: bytes) -> None:
        """Take a token back, and end the task that it began; an agent may end a task of its own by its id.

        An agent takes back what it acts with or was given, a person every token that names them, and whoever holds a
        refresh token or a person's own token may take that one back without proving more. What is no token any
        more is left. Raises OAuthError for anybody else's.
        """
        form = read_form(body)
        client, text = self._client(form), _text(form)
        if form.get("token_type_hint") == TASK:
            await self._end_task(text, client)
            return
        if await self._refresh(text):
            return
        caller = self._read(text)
        if caller is None:
            return
        concerned = (caller.agent or caller.person, caller.audience, caller.person)
        if client not in concerned if client is not None else bool(caller.chain):
            raise OAuthError("unauthorized_client", "The token is not this client's to take back.")
        by = client or caller.person
        self._services.authority.revoke(caller.token_id)
        self._ledger.record(caller, "token.revoke", caller.audience, True, policy="token-concerns")
        standing = self._services.enforcement.standing
        await asyncio.to_thread(standing.revoke, caller.token_id, by=by, until=caller.expires)
        for held in self._tasks.begun_with(caller.token_id):
            await self._ends.end(held.id, by=by, why=f"{by} took back the token that it ran on")

    async def _end_task(self, identity: str, client: str | None) -> None:
        held = self._tasks.find(identity)
        if held is None:
            return
        if client not in (held.agent, held.session.person):
            raise OAuthError("unauthorized_client", "The task is not this client's to end.")
        assert client is not None
        self._ledger.record(held.session, "task.end", held.id, True, policy="task-concerns", task=held.id)
        await self._ends.end(held.id, by=client, why=f"{client} ended it")

    def _client(self, form: Mapping[str, str]) -> str | None:
        if "client_assertion" not in form:
            return None
        if form.get("client_assertion_type") != ASSERTION_TYPE:
            raise OAuthError("invalid_client", "A client proves who it is with a client assertion (private_key_jwt).")
        return self._door.client(form["client_assertion"])

    def _read(self, text: str) -> Caller | None:
        try:
            return self._services.authority.read(text)
        except Problem:
            return None


def _text(form: Mapping[str, str]) -> str:
    if not form.get("token"):
        raise OAuthError("invalid_request", "Name the token.")
    return form["token"]
