"""An agent of another maker, that a house of Holdback can let in: it tells which channels can be published on.

It stands on a2a-sdk, the MCP client, PyJWT and httpx, and on nothing of Holdback:

    python examples/vendor-agent/channel_guide.py --house http://127.0.0.1:8700 --port 9001
"""

import argparse
import base64
import hashlib
import json
import secrets
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import httpx
import httpx2
import jwt
import uvicorn
from a2a.helpers import new_data_part, new_task_from_user_message, new_text_part
from a2a.server.agent_execution import AgentExecutor, RequestContext
from a2a.server.events import EventQueue
from a2a.server.request_handlers import DefaultRequestHandler
from a2a.server.routes import create_agent_card_routes, create_jsonrpc_routes
from a2a.server.tasks import InMemoryTaskStore, TaskUpdater
from a2a.types.a2a_pb2 import AgentCard
from a2a.utils.signing import create_agent_card_signer
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from google.protobuf.json_format import ParseDict
from jwt.algorithms import ECAlgorithm
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

NAME, SKILL, VERSION = "channel-guide", "list-channels", "1.0.0"
ISSUER = "gateway"
"""Who signs the house's tokens."""
PROMPT = {"name": "channel-prompt", "version": "3", "sha256": "sha256:" + "5e" * 32}
"""What it decides with, by hash: with another prompt or model it is another agent, to be let in again."""
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - a name, not a secret
TASK = "urn:holdback:token-type:task"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class Key:
    """An ES256 key; its name is the RFC 7638 thumbprint."""

    def __init__(self, private: ec.EllipticCurvePrivateKey) -> None:
        self.pem = private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        self.public: dict[str, Any] = ECAlgorithm.to_jwk(private.public_key(), as_dict=True)
        members = {name: self.public[name] for name in ("crv", "kty", "x", "y")}
        digest = hashlib.sha256(json.dumps(members, separators=(",", ":")).encode()).digest()
        self.name = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

    @classmethod
    def kept_at(cls, path: Path) -> "Key":
        """The key in a file, made there when there is none."""
        if not path.exists():
            path.touch(mode=0o600)
            path.write_bytes(cls(ec.generate_private_key(ec.SECP256R1())).pem)
        return cls(cast(ec.EllipticCurvePrivateKey, serialization.load_pem_private_key(path.read_bytes(), None)))


def signed_card(url: str, key: Key) -> AgentCard:
    """The card, with its configurations declared and its signature (A2A 1.0, 8.4)."""
    shape = {
        "name": "Channel guide",
        "description": "Tells which channels can be published on.",
        "version": VERSION,
        "provider": {"organization": "Guide Ltd", "url": "https://guide.example"},
        "capabilities": {
            "streaming": True,
            "extensions": [{"uri": "urn:holdback:identity:1", "params": {"configurations": [PROMPT]}}],
        },
        "supportedInterfaces": [{"url": url, "protocolBinding": "JSONRPC", "protocolVersion": "1.0"}],
        "defaultInputModes": ["text/plain"],
        "defaultOutputModes": ["application/json", "text/plain"],
        "skills": [
            {
                "id": SKILL,
                "name": "List channels",
                "description": "Names every channel that can be published on, and its platform.",
                "tags": ["channels", "guide"],
            }
        ],
    }
    header: Any = {"kid": key.name, "alg": "ES256", "typ": "JOSE", "jku": f"{url}/keys.json"}
    return create_agent_card_signer(key.pem, header)(ParseDict(shape, AgentCard()))


class House:
    """The house that the agent works for: who calls, and tokens to go on with."""

    def __init__(self, url: str, key: Key, *, version: str = VERSION) -> None:
        self.url, self._key, self._version = url, key, version

    async def caller(self, token: str) -> dict[str, Any]:
        """What a token says, if it is the house's, for this agent, and asks for its skill. Raises PermissionError."""
        async with httpx.AsyncClient() as http:
            keys = jwt.PyJWKSet.from_dict((await http.get(f"{self.url}/oauth/jwks.json")).json())
        try:
            key = keys[jwt.get_unverified_header(token)["kid"]]
            claims: dict[str, Any] = jwt.decode(
                token, key, algorithms=["ES256"], audience=f"agent:{NAME}", issuer=ISSUER
            )
        except (jwt.PyJWTError, KeyError) as error:
            raise PermissionError("The token is not of this house, or not for this agent.") from error
        if f"agent:{NAME}:{SKILL}" not in claims["scope"].split():
            raise PermissionError("The token does not ask for this skill.")
        return claims

    async def token(self, subject: str, audience: str, task: str) -> str:
        """A token for the audience, for the person of the subject token (RFC 8693). Raises PermissionError."""
        form = {
            "grant_type": EXCHANGE,
            "subject_token": subject,
            "subject_token_type": ACCESS_TOKEN,
            "audience": audience,
            "task": task,
            "skill": SKILL,
        }
        async with httpx.AsyncClient() as http:
            answer = await http.post(f"{self.url}/oauth/token", data=form | self._proof())
        if answer.status_code != 200:
            raise PermissionError(f"{answer.json().get('code')}: {answer.json()['error_description']}")
        return str(answer.json()["access_token"])

    async def end(self, task: str) -> None:
        """Tell the house that a task is over: it gives no more tokens for it, and those that are out count no more."""
        form = {"token": task, "token_type_hint": TASK}
        async with httpx.AsyncClient() as http:
            await http.post(f"{self.url}/oauth/revoke", data=form | self._proof())

    def _proof(self) -> dict[str, str]:
        """Who asks, and with which software: an assertion that counts once."""
        now = int(time.time())  # noqa: TID251 - the edge of a program
        claims = {"iss": f"agent:{NAME}", "sub": f"agent:{NAME}", "aud": "gateway", "iat": now, "exp": now + 60}
        shown = {"software": self._version, "configurations": [PROMPT]}
        header = {"kid": self._key.name, "typ": "client-authentication+jwt"}
        claims |= {"jti": secrets.token_hex(16), "identity": shown}
        signed = jwt.encode(claims, self._key.pem, "ES256", headers=header)
        return {"client_assertion_type": ASSERTION, "client_assertion": signed}

    async def call(self, token: str, server: str, tool: str, arguments: dict[str, Any]) -> Any:
        """Call a tool of one of the house's servers. Raises PermissionError with what it answered."""
        answer, refusal = None, ""
        try:
            async with (
                httpx2.AsyncClient(headers={"authorization": f"Bearer {token}"}) as http,
                Client(streamable_http_client(f"{self.url}/mcp/{server}", http_client=http)) as mcp,
            ):
                answer = await mcp.call_tool(tool, arguments)
        except* MCPError as errors:  # what the token does not open, from the first request on; the client groups them
            refusal = _first(errors).message
        if answer is not None and answer.is_error:
            refusal = json.dumps(answer.structured_content)
        if answer is None or refusal:
            raise PermissionError(refusal)
        return answer.structured_content


def _first(errors: BaseExceptionGroup[MCPError]) -> MCPError:
    inner = errors.exceptions[0]
    return inner if isinstance(inner, MCPError) else _first(inner)


class ChannelGuide(AgentExecutor):
    """Asks the schedule for its channels, in the name of whoever asks."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def execute(self, context: RequestContext, event_queue: EventQueue) -> None:
        """One task from its beginning to its end."""
        assert context.message is not None
        assert context.call_context is not None
        token = context.call_context.state["headers"].get("authorization", "").removeprefix("Bearer ")
        task = context.current_task or new_task_from_user_message(context.message)
        await event_queue.enqueue_event(task)
        updater = TaskUpdater(event_queue, task.id, task.context_id)
        await updater.start_work()
        try:
            await self._house.caller(token)
            own = await self._house.token(token, "mcp:schedule", task.id)
            found = await self._house.call(own, "schedule", "list_channels", {})
        except PermissionError as refusal:
            await updater.failed(updater.new_agent_message([new_text_part(str(refusal))]))
            return
        finally:
            await self._house.end(task.id)
        names = [f"{each['name']} ({each['platform']})" for each in found["items"]]
        await updater.add_artifact([new_data_part({"channels": names}), new_text_part(", ".join(names) or "none")])
        await updater.complete()

    async def cancel(self, context: RequestContext, event_queue: EventQueue) -> None:
        """Nothing runs on."""
        assert context.task_id is not None
        assert context.context_id is not None
        await TaskUpdater(event_queue, context.task_id, context.context_id).cancel()


def build_app(url: str, house: House, key: Key) -> Starlette:
    """The agent: its card, its keys, and A2A in JSON-RPC."""
    card = signed_card(url, key)
    handler = DefaultRequestHandler(ChannelGuide(house), InMemoryTaskStore(), card)

    async def keys(_request: Request) -> JSONResponse:
        return JSONResponse({"keys": [key.public | {"kid": key.name}]})

    routes = [*create_agent_card_routes(card), Route("/keys.json", keys), *create_jsonrpc_routes(handler, "/")]

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncGenerator[None]:
        yield
        await handler.aclose()

    return Starlette(routes=routes, lifespan=lifespan)


def main() -> None:
    """Serve the agent until it is stopped."""
    options = argparse.ArgumentParser(description="An agent from outside.")
    options.add_argument("--house", required=True, help="Address of the house's gateway.")
    options.add_argument("--port", type=int, default=9001)
    options.add_argument("--key", type=Path, default=Path("channel-guide.pem"))
    said = options.parse_args()
    key = Key.kept_at(said.key)
    sys.stdout.write(f"{NAME} with key {key.name}\n")
    sys.stdout.flush()
    app = build_app(f"http://127.0.0.1:{said.port}", House(said.house, key), key)
    uvicorn.run(app, host="127.0.0.1", port=said.port, log_level="warning")


if __name__ == "__main__":
    main()
