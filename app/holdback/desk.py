"""A person at work with a house over HTTP: tools through MCP, agents through A2A, approvals at the gateway."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from holdback_agents.runtime.lines import TIMEOUT
from holdback_agents.runtime.peers import Peer, Peers
from holdback_agents.runtime.tls import trusted_tls
from holdback_agents.runtime.toolbox import Toolbox, ToolCall
from holdback_base.ids import Clock, NewId
from holdback_base.problem import Problem
from holdback_servers.settings import PersonSetting
from holdback_trust.keys import KeyPair

from holdback.people import Person


class Desk:
    """One person's way to a house. Open it with `desk(...)`."""

    def __init__(self, person: Person, toolbox: Toolbox, peers: Peers) -> None:
        self.person, self.peers = person, peers
        self._toolbox = toolbox

    async def tool(self, capability: str, key: str = "", /, **arguments: Any) -> dict[str, Any]:
        """Call a tool such as `assets.ingest_media`; its structured answer. Raises Problem."""
        server, _, tool = capability.partition(".")
        token = await self.person.token(f"mcp:{server}")
        url = f"{self.person.gateway}/mcp/{server}"
        given = {name: value for name, value in arguments.items() if value is not None}
        return await self._toolbox.call(ToolCall(url, tool, given, self.person.facts.id, token, key))

    async def job(self, server: str, started: dict[str, Any]) -> dict[str, Any]:
        """Follow a job to its end and give its result. Raises Problem with what it failed of."""
        job = started
        while job["state"] in ("queued", "running"):
            job = await self.tool(f"{server}.get_job", job_id=job["id"], wait_seconds=10, after_seq=job["seq"])
        if job["state"] != "succeeded":
            raise Problem.from_dict(job["problem"])
        return dict(job["result"])

    def peer(self, agent: str) -> Peer:
        """An agent, as this person reaches it."""
        url = f"{self.person.gateway}/agents/{agent}"
        return Peer(agent, url, lambda: self.person.token(f"agent:{agent}", ""))


@asynccontextmanager
async def open_desk(
    facts: PersonSetting, keys: KeyPair, gateway: str, *, clock: Clock, new_id: NewId
) -> AsyncGenerator[Desk]:
    """A person's desk at a house; its connections are closed at the end."""
    async with httpx.AsyncClient(timeout=TIMEOUT, verify=trusted_tls()) as http:
        person = Person(facts, keys, gateway=gateway, http=http, clock=clock, new_id=new_id)
        toolbox = Toolbox("holdback")
        try:
            yield Desk(person, toolbox, Peers(http))
        finally:
            await toolbox.aclose()
