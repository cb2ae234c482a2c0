"""Tools of other systems, over MCP; nothing else in an agent speaks it.

One connection a server and person is kept open by a task of its own (a client's cancel scopes must be opened and closed
in the same task) and used by all workflows. Each call carries its own token: the sender's context travels with the
request to the HTTP client, whose auth hook reads the token there; without one nothing is sent.
"""

import asyncio
import json
from collections.abc import Generator, Mapping
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, cast

import httpx2
from holdback_base.problem import Problem
from mcp import MCPError
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.types import (
    CONNECTION_CLOSED,
    INVALID_PARAMS,
    METHOD_NOT_FOUND,
    CallToolResult,
    Implementation,
    TextContent,
)

from holdback_agents.runtime.tls import trusted_tls

KEY_META = "urn:holdback:idempotency-key"
"""Request `_meta` that names task and step, so that a call made twice has its effect once."""
CALL_SECONDS = 90.0
"""Longest wait for one answer; long work is a job, asked for in turns."""
OPEN_SECONDS = 20.0
_TRIES = 3


@dataclass(frozen=True)
class ToolCall:
    """One call: of which tool, where, with what, for whom. `key` makes an effect safe to repeat; reading needs none."""

    url: str
    tool: str
    arguments: Mapping[str, Any]
    person: str
    token: str
    key: str = ""


@dataclass
class _Sent:
    token: str
    status: int = 0


_sent: ContextVar[_Sent | None] = ContextVar("holdback_sent", default=None)


class _Bearer(httpx2.Auth):
    """Puts the token of whoever sends this very request on it, and remembers how it was received."""

    def auth_flow(self, request: httpx2.Request) -> Generator[httpx2.Request, httpx2.Response, None]:
        sent = _sent.get()
        if sent is None:
            raise httpx2.RequestError("no token for this call", request=request)
        request.headers["authorization"] = f"Bearer {sent.token}"
        response = yield request
        sent.status = response.status_code


class _Connection:
    """One open client, kept by its own task until it is closed or breaks."""

    def __init__(self, url: str, http: httpx2.AsyncClient, name: str) -> None:
        self._url, self._http, self._name = url, http, name
        self._ready: asyncio.Future[Client] = asyncio.get_running_loop().create_future()
        self._over = asyncio.Event()
        self._keeper = asyncio.create_task(self._keep(), name=f"mcp:{url}")

    @property
    def broken(self) -> bool:
        return self._keeper.done()

    async def client(self) -> Client:
        return await asyncio.wait_for(asyncio.shield(self._ready), OPEN_SECONDS)

    async def close(self) -> None:
        self._over.set()
        with suppress(Exception):
            await self._keeper

    async def _keep(self) -> None:
        try:
            transport = streamable_http_client(self._url, http_client=self._http)
            async with Client(transport, client_info=Implementation(name=self._name, version="1")) as client:
                self._ready.set_result(client)
                await self._over.wait()
        except BaseException as error:
            if not self._ready.done():
                failure = error if isinstance(error, Exception) else ConnectionError("the connection was not opened")
                self._ready.set_exception(failure)
                self._ready.exception()  # whoever waits gets it; nobody waiting is no news
            if not isinstance(error, Exception):
                raise


class Toolbox:
    """Calls tools for one agent.

    Args:
        name: what the client says it is.
        transport: how to reach servers; None for the network.
    """

    def __init__(self, name: str, transport: httpx2.AsyncBaseTransport | None = None) -> None:
        self._name = name
        self._http = httpx2.AsyncClient(
            transport=transport,
            verify=trusted_tls(),
            auth=_Bearer(),
            timeout=httpx2.Timeout(10.0, read=CALL_SECONDS + 10.0),
            limits=httpx2.Limits(max_connections=64, max_keepalive_connections=32),
        )
        self._open: dict[tuple[str, str], _Connection] = {}

    async def call(self, call: ToolCall) -> dict[str, Any]:
        """The structured answer of a tool.

        A connection that breaks is opened again and the call repeated: its key makes that safe.

        Raises:
            Problem: what the tool said went wrong; UNAVAILABLE when the server cannot be reached.
        """
        sent = _Sent(call.token)
        mark = _sent.set(sent)
        try:
            for attempt in range(1, _TRIES):
                try:
                    return await self._try(call, sent)
                except Problem as problem:
                    if problem.code != "UNAVAILABLE":
                        raise
                await asyncio.sleep(0.05 * 4 ** (attempt - 1))
            return await self._try(call, sent)
        finally:
            _sent.reset(mark)

    async def aclose(self) -> None:
        """Close every connection."""
        connections, self._open = list(self._open.values()), {}
        await asyncio.gather(*(each.close() for each in connections))
        await self._http.aclose()

    async def _try(self, call: ToolCall, sent: _Sent) -> dict[str, Any]:
        connection = self._open.get((call.url, call.person))
        if connection is None or connection.broken:
            connection = _Connection(call.url, self._http, self._name)
            self._open[call.url, call.person] = connection
        try:
            client = await connection.client()
            meta = cast(Any, {KEY_META: call.key}) if call.key else None
            result = await client.call_tool(call.tool, dict(call.arguments), CALL_SECONDS, meta=meta)
        except MCPError as error:
            if error.error.code == CONNECTION_CLOSED:
                await self._drop(call, connection)
            raise _problem(error, call.tool, sent.status) from error
        except Exception as error:  # whatever the transport's task group made of a lost connection
            await self._drop(call, connection)
            raise _unreachable(call.tool) from error
        return _structured(result, call.tool)

    async def _drop(self, call: ToolCall, connection: _Connection) -> None:
        if self._open.get((call.url, call.person)) is connection:
            del self._open[call.url, call.person]
        await connection.close()


def _structured(result: CallToolResult, tool: str) -> dict[str, Any]:
    structured = result.structured_content
    text = "\n".join(each.text for each in result.content if isinstance(each, TextContent))
    if structured is None and text:
        with suppress(ValueError):
            structured = json.loads(text)
    shape = cast(dict[str, Any], structured) if isinstance(structured, dict) else {"result": structured or text}
    if not result.is_error:
        return shape
    if isinstance(shape.get("code"), str):
        raise Problem.from_dict(shape)
    raise Problem("INTERNAL", f"{tool} failed: {text or 'no reason given'}.")


def _unreachable(tool: str) -> Problem:
    return Problem("UNAVAILABLE", f"The server of {tool} does not answer.", "Start it, or try again.", tool=tool)


def _problem(error: MCPError, tool: str, status: int) -> Problem:
    data, code = error.error.data, error.error.code
    if isinstance(data, dict):
        shape = cast(dict[str, Any], data)
        if isinstance(shape.get("code"), str):
            return Problem.from_dict(shape)
    if status in (401, 403):
        refused = "UNAUTHENTICATED" if status == 401 else "PERMISSION_DENIED"
        return Problem(refused, f"The server of {tool} refused the token.", "Ask for what the tool's scope allows.")
    if code in (INVALID_PARAMS, METHOD_NOT_FOUND):
        return Problem("INVALID_ARGUMENT" if code == INVALID_PARAMS else "NOT_FOUND", f"{tool}: {error.error.message}")
    return Problem("UNAVAILABLE", f"{tool}: {error.error.message}", "Try again.", tool=tool)
