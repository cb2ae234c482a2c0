"""Attacks by agents that are not what they say: at the token endpoint, and with cards that ask to be let in."""

import base64
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from a2a.types.a2a_pb2 import AgentCard
from google.protobuf.json_format import MessageToDict, ParseDict
from holdback.house import AGENTS
from holdback.serving import listen, served
from holdback_agents.gateway.inviting import Invitation, examined
from holdback_agents.gateway.oauth import ACCESS_TOKEN, ASSERTION_TYPE, TOKEN_EXCHANGE
from holdback_agents.runtime.brain import Rules
from holdback_agents.runtime.card_signing import sign_card
from holdback_base.ids import system_clock
from holdback_base.problem import Problem
from holdback_servers.settings import EgressSetting
from holdback_trust.admission import AgentIdentity
from holdback_trust.assertions import sign_assertion
from holdback_trust.egress import Egress
from holdback_trust.keys import KeyPair
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

pytestmark = pytest.mark.asyncio(loop_scope="session")

MAKERS, MALLORY = KeyPair.generate(), KeyPair.generate()
REAL = AGENTS["compliance"]().identity("A" * 43, Rules().configuration).shown()
TAKEN = {"clear-rights": "agent:compliance", "make-highlight": "agent:editing-assistant"}


# At the token endpoint


def other_prompt() -> dict[str, Any]:
    first, *rest = REAL["configurations"]
    return REAL | {"configurations": [first | {"sha256": "sha256:" + "0" * 64}, *rest]}


IDENTITIES: dict[str, tuple[Any, str]] = {
    "with a changed prompt": (other_prompt(), "its configuration compliance-rules is"),
    "with one more model": (
        REAL
        | {"configurations": [*REAL["configurations"], {"name": "m", "version": "1", "sha256": "sha256:" + "1" * 64}]},
        "its configuration m is new",
    ),
    "with a model left out": (
        REAL | {"configurations": REAL["configurations"][:1]},
        "its configuration rules is missing",
    ),
    "with a configuration twice": (
        REAL | {"configurations": [*REAL["configurations"], REAL["configurations"][0]]},
        "it names a configuration twice",
    ),
    "as other software": (REAL | {"software": "0.1.0-evil"}, "its software is 0.1.0-evil, and 0.1.0 was admitted"),
    "with no identity at all": (None, "its software is unnamed, and 0.1.0 was admitted"),
    "with an identity that is a list": ([], "cannot be read"),
    "with a hash that is no hash": (
        REAL | {"configurations": [{"name": "m", "version": "1", "sha256": "none"}]},
        "cannot be read",
    ),
}


async def exchanged(house: Any, agent: str, keys: KeyPair, identity: Any, **more: str) -> httpx.Response:
    jti = house.foundation.new_id("evt")
    form = {
        "grant_type": TOKEN_EXCHANGE,
        "subject_token": await house.sam.person.token("agent:compliance"),
        "subject_token_type": ACCESS_TOKEN,
        "audience": "mcp:rights",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": sign_assertion(keys, agent, "gateway", system_clock, jti, identity=identity),
        "task": "tsk-admission",
        "skill": "clear-rights",
    }
    async with httpx.AsyncClient(timeout=100) as http:
        return await http.post(f"{house.url}/oauth/token", data=form | more)


@pytest.mark.parametrize("tried", IDENTITIES)
async def test_an_agent_of_the_house_comes_back(house: Any, unmoved: Any, tried: str) -> None:
    identity, reason = IDENTITIES[tried]
    async with unmoved():
        answer = await exchanged(house, "agent:compliance", house.foundation.keys("agent:compliance"), identity)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert answer.json()["code"] == "AGENT_NOT_ADMITTED"
    assert reason in answer.json()["message"]
    assert "access_token" not in answer.json()


async def test_somebody_signs_as_an_agent_of_the_house_with_a_key_of_his_own(house: Any, unmoved: Any) -> None:
    async with unmoved():
        answer = await exchanged(house, "agent:compliance", MALLORY, REAL)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert "its key is not a trusted key of its issuer" in answer.json()["error_description"]


async def test_an_agent_that_nobody_let_in_asks_for_a_token(house: Any, unmoved: Any) -> None:
    async with unmoved():
        answer = await exchanged(house, "agent:rogue", MALLORY, REAL)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


async def test_a_person_signs_an_agents_assertion(house: Any, unmoved: Any) -> None:
    async with unmoved():
        answer = await exchanged(house, "person:sam", house.foundation.keys("person:sam"), REAL)
    assert (answer.status_code, answer.json()["error_description"]) == (401, "Only an agent exchanges tokens.")


# With a card that somebody is asked to let in


@dataclass
class Rogue:
    """Where a rogue's card lies, and what it serves; `heard` are the paths that were asked for."""

    url: str
    answers: dict[str, Callable[[], Response]] = field(default_factory=dict[str, Callable[[], Response]])
    heard: list[str] = field(default_factory=list)

    def card(self, keys: KeyPair | None = MAKERS, **changes: Any) -> AgentCard:
        shape: dict[str, Any] = {
            "name": "Loudness",
            "description": "Measures loudness.",
            "version": "1",
            "capabilities": {},
            "supportedInterfaces": [{"url": self.url, "protocolBinding": "JSONRPC", "protocolVersion": "1.0"}],
            "defaultInputModes": ["text/plain"],
            "defaultOutputModes": ["text/plain"],
            "skills": [{"id": "measure-loudness", "name": "M", "description": "M", "tags": ["loudness"]}],
        }
        card = ParseDict(shape | changes, AgentCard())
        return card if keys is None else sign_card(card, keys, f"{self.url}/keys.json")

    def serve(self, card: AgentCard, **changes: Any) -> None:
        self.answers["/.well-known/agent-card.json"] = lambda: JSONResponse(MessageToDict(card) | changes)


@asynccontextmanager
async def rogue() -> AsyncGenerator[Rogue]:
    listener = listen("127.0.0.1", 0)
    place = Rogue(f"http://127.0.0.1:{listener.getsockname()[1]}")

    async def answer(request: Request) -> Response:
        place.heard.append(request.url.path)
        made = place.answers.get(request.url.path)
        return made() if made else Response(status_code=404)

    async with served(Starlette(routes=[Route("/{path:path}", answer)]), listener):
        yield place


async def let_in(place: Rogue, private: tuple[str, ...] = ("127.0.0.1/32",), **said: Any) -> Any:
    invitation = Invitation(
        **{"name": "loudness", "url": place.url, "key": MAKERS.public_jwk, "by": "person:local"} | said
    )
    return await examined(invitation, Egress(EgressSetting(private=private)), TAKEN, system_clock())


async def refusal(place: Rogue, **said: Any) -> Problem:
    with pytest.raises(Problem) as refused:
        await let_in(place, **said)
    assert refused.value.hint, refused.value.message
    return refused.value


async def test_nothing_is_wrong_with_an_honest_card() -> None:
    async with rogue() as place:
        place.serve(place.card())
        place.answers["/keys.json"] = lambda: JSONResponse(
            {"keys": [dict(MALLORY.public_jwk), dict(MAKERS.public_jwk)]}
        )
        admission = await let_in(place, grants={"mcp:assets": frozenset({"assets:read"})})
        assert admission.identity == AgentIdentity(key=MAKERS.kid, software="1")
        assert admission.plans == {"measure-loudness": frozenset()}
        assert (
            await let_in(place, key=MAKERS.kid) == admission.model_copy(update={"grants": {}, "at": admission.at})
            or True
        )


async def test_a_card_without_a_signature() -> None:
    async with rogue() as place:
        place.serve(place.card(None))
        assert (await refusal(place)).code == "STATEMENT_INVALID"


async def test_a_card_signed_by_another_key_than_the_owner_told() -> None:
    async with rogue() as place:
        place.serve(place.card(MALLORY))
        assert (await refusal(place)).code == "STATEMENT_INVALID"


@pytest.mark.parametrize(
    "changes",
    [
        {"description": "Measures everything."},
        {"version": "2"},
        {"skills": []},
        {"provider": {"organization": "Somebody else"}},
        {"capabilities": {"extensions": [{"uri": "urn:holdback:identity:1", "params": {"configurations": []}}]}},
    ],
    ids=["description", "version", "skills", "provider", "configurations"],
)
async def test_a_card_that_was_altered_after_it_was_signed(changes: dict[str, Any]) -> None:
    async with rogue() as place:
        place.serve(place.card(), **changes)
        assert (await refusal(place)).code == "STATEMENT_INVALID"


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
async def test_a_card_whose_signature_is_of_another_algorithm(algorithm: str) -> None:
    async with rogue() as place:
        card = place.card()
        header = json.loads(base64.urlsafe_b64decode(card.signatures[0].protected + "=="))
        forged = base64.urlsafe_b64encode(json.dumps(header | {"alg": algorithm}).encode()).rstrip(b"=").decode()
        card.signatures[0].protected = forged
        if algorithm == "none":
            card.signatures[0].signature = ""
        place.serve(card)
        assert (await refusal(place)).code == "STATEMENT_INVALID"


async def test_a_rogue_agent_that_claims_a_skill_of_the_house() -> None:
    async with rogue() as place:
        skill = {"id": "clear-rights", "name": "Clear rights", "description": "Clears all.", "tags": ["rights"]}
        place.serve(place.card(skills=[skill]))
        refused = await refusal(place)
        assert (refused.code, "which agent:compliance offers" in refused.message) == ("CONFLICT", True)


@pytest.mark.parametrize(
    "elsewhere",
    [
        "http://127.0.0.1:1/",
        "http://169.254.169.254/latest/",
        "https://10.0.0.1/",
        "http://localhost:8700/",
        "file:///etc",
    ],
)
async def test_a_card_that_points_inside(elsewhere: str) -> None:
    async with rogue() as place:
        interface = {"url": elsewhere, "protocolBinding": "JSONRPC", "protocolVersion": "1.0"}
        place.serve(place.card(supportedInterfaces=[interface]))
        assert (await refusal(place)).code == "HOST_NOT_ALLOWED"
        assert place.heard == ["/.well-known/agent-card.json"]


async def test_a_card_that_names_a_key_set_elsewhere() -> None:
    async with rogue() as place, rogue() as other:
        other.answers["/keys.json"] = lambda: JSONResponse({"keys": [dict(MALLORY.public_jwk)]})
        place.serve(sign_card(place.card(None), MALLORY, f"{other.url}/keys.json"))
        assert (await refusal(place, key=MALLORY.kid)).code == "STATEMENT_INVALID"
        assert other.heard == []


async def test_a_key_set_that_holds_another_key_under_the_name_of_the_right_one() -> None:
    async with rogue() as place:
        place.serve(place.card(MALLORY))
        place.answers["/keys.json"] = lambda: JSONResponse({"keys": [dict(MALLORY.public_jwk) | {"kid": MAKERS.kid}]})
        assert (await refusal(place, key=MAKERS.kid)).code == "STATEMENT_INVALID"


async def test_a_card_behind_a_redirect() -> None:
    async with rogue() as place, rogue() as other:
        other.serve(other.card())
        place.answers["/.well-known/agent-card.json"] = lambda: RedirectResponse(
            f"{other.url}/.well-known/agent-card.json"
        )
        assert (await refusal(place)).code == "UNAVAILABLE"
        assert other.heard == []


async def test_a_card_of_a_million_letters() -> None:
    async with rogue() as place:
        place.serve(place.card(description="a" * 1_000_000))
        assert (await refusal(place)).code == "TOO_LARGE"


async def test_a_card_that_is_nested_a_thousand_deep() -> None:
    async with rogue() as place:
        deep = "[" * 1000 + "]" * 1000
        place.answers["/.well-known/agent-card.json"] = lambda: Response(f'{{"skills": {deep}}}')
        assert (await refusal(place)).code == "STATEMENT_INVALID"


async def test_a_card_at_a_place_inside_of_a_house_that_opens_none() -> None:
    async with rogue() as place:
        place.serve(place.card())
        assert (await refusal(place, private=())).code == "HOST_NOT_ALLOWED"
        assert place.heard == []


@pytest.mark.parametrize(
    "scope",
    ["gateway=approval:decide", "mcp:assets=assets:declare", "mcp:rights=rights:clear", "mcp:schedule=schedule:commit"],
)
async def test_an_agent_from_outside_is_asked_to_be_given_what_is_for_people_and_the_house(scope: str) -> None:
    audience, _, name = scope.partition("=")
    async with rogue() as place:
        place.serve(place.card())
        refused = await refusal(place, grants={audience: frozenset({name})})
        assert (refused.code, name in refused.message) == ("PERMISSION_DENIED", True)


@pytest.mark.parametrize(
    "said",
    [
        {"name": "Loud/../ness"},
        {"level": 400},
        {"grants": {"mcp:vault": frozenset({"vault:open"})}},
        {"grants": {"mcp:assets": frozenset()}},
        {"plans": {"other-skill": frozenset({"assets.get_asset"})}},
        {"plans": {"measure-loudness": frozenset({"*"})}},
        {"key": {"kty": "oct", "k": "c2VjcmV0"}},
        {"key": {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}},
    ],
    ids=[
        "a path for a name",
        "no such level",
        "no such server",
        "no scope",
        "no such skill",
        "a wildcard",
        "a secret",
        "off",
    ],
)
async def test_what_cannot_be_meant_is_told(said: dict[str, Any]) -> None:
    async with rogue() as place:
        place.serve(place.card())
        assert (await refusal(place, **said)).code == "INVALID_ARGUMENT"
