"""Attacks on delegation by who holds an agent's own key: each is refused, says how, and changes nothing.

The house is one of its own, empty, for who asks for too much too often is suspended in it.
"""

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
import pytest_asyncio
from holdback.desk import Desk
from holdback.foundation import Foundation
from holdback.house import AGENTS
from holdback.people import LOADER
from holdback_agents.gateway.exchange import ACCESS_TOKEN, TASK
from holdback_agents.gateway.oauth import ASSERTION_TYPE, TOKEN_EXCHANGE
from holdback_agents.runtime.brain import Rules
from holdback_servers.settings import PersonSetting, Settings
from holdback_trust.assertions import sign_assertion
from holdback_trust.audit import AuditLog
from holdback_trust.grants import agent_scopes, person_scopes
from holdback_trust.guardian import Guardian
from holdback_trust.identity import GATEWAY, TaskClaim
from holdback_trust.keys import KeyPair, sign_jws
from holdback_trust.task_policy import mint, policy_sha256
from holdback_trust.tokens import TOKEN_TYPE, TokenAuthority

pytestmark = pytest.mark.asyncio(loop_scope="session")
EDITOR, COMPLIANCE, SCHEDULER = "agent:editing-assistant", "agent:compliance", "agent:scheduler"
SKILLS = {EDITOR: "make-highlight", COMPLIANCE: "clear-rights", SCHEDULER: "plan-publication"}
SAM = PersonSetting(id="person:sam", name="Sam", roles=frozenset({"editor", "approver"}))


@dataclass
class Empty:
    """An empty house, and one who asks in it."""

    url: str
    home: Path
    foundation: Foundation
    sam: Desk


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def house(opened: Any, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Empty]:
    home = tmp_path_factory.mktemp("delegating")
    async with opened(Settings(home=home), LOADER, SAM) as up:
        yield Empty(up.url, home, up.foundation, up.desks[1])


@pytest.fixture(autouse=True)
def forgiven(house: Empty) -> Iterator[None]:
    """Whom the guardian suspended for an attack is back for the next, and nothing is counted any more."""
    yield
    enforcement = house.foundation.enforcement
    for agent in SKILLS:
        if enforcement.standing.suspended(agent) is not None:
            enforcement.standing.restore(agent, by="person:sam")
        if isinstance(enforcement.guard, Guardian):
            enforcement.guard.forget(agent)


@dataclass
class Fooled:
    """Somebody with the keys of the house's own agents, who speaks to the gateway in their names."""

    house: Any
    http: httpx.AsyncClient
    own: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.foundation = self.house.foundation
        self.url = self.house.url

    def assertion(self, agent: str, keys: KeyPair | None = None) -> str:
        keys = keys or self.foundation.keys(agent)
        shown = AGENTS[agent.removeprefix("agent:")]().identity(self.foundation.keys(agent).kid, Rules().configuration)
        jti = self.foundation.new_id("evt")
        return sign_assertion(keys, agent, GATEWAY, self.foundation.clock, jti, identity=shown.shown())

    def task(self, agent: str) -> str:
        """The name of one task of the agent, the same for a whole test."""
        return self.own.setdefault(agent, self.foundation.new_id("evt"))

    def form(self, agent: str, subject: str, audience: str, **more: str) -> dict[str, str]:
        return {
            "grant_type": TOKEN_EXCHANGE,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self.assertion(agent),
            "subject_token": subject,
            "subject_token_type": ACCESS_TOKEN,
            "audience": audience,
            "task": self.task(agent),
            "skill": SKILLS[agent],
        } | more

    async def asks(self, agent: str, subject: str, audience: str, **more: str) -> httpx.Response:
        return await self.http.post(f"{self.url}/oauth/token", data=self.form(agent, subject, audience, **more))

    async def token(self, agent: str, subject: str, audience: str, **more: str) -> str:
        answer = await self.asks(agent, subject, audience, **more)
        assert answer.status_code == 200, answer.text
        await self.kept(f"id = '{more.get('task', self.task(agent))}'")
        return answer.json()["access_token"]

    async def kept(self, what: str) -> None:
        """Once a task of which this is true lies on the disk: the gateway answers before."""
        async with asyncio.timeout(100):
            with closing(sqlite3.connect(f"file:{self.house.home}/db/gateway.sqlite?mode=ro", uri=True)) as db:
                while not db.execute(f"select 1 from tasks where {what}").fetchone():
                    await self.http.get(f"{self.url}/health")

    async def calls(self, token: str, tool: str = "search_assets", server: str = "assets", **given: Any) -> Any:
        """What a tool answers to this token."""
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": given}}
        headers = {"authorization": f"Bearer {token}", "accept": "application/json, text/event-stream"}
        return await self.http.post(f"{self.url}/mcp/{server}", json=body, headers=headers)

    def gateway_token(self, *, ago: timedelta = timedelta(), **claims: Any) -> str:
        """A token that the gateway itself would have signed, of a while ago: for what only time could bring."""
        clock = self.foundation.clock
        authority = TokenAuthority(
            GATEWAY, self.foundation.keys(GATEWAY), lambda: clock() - ago, lambda: self.foundation.new_id("evt")
        )
        usual = {"person": "person:sam", "roles": ["editor"], "audience": EDITOR}
        return authority.issue(**{**usual, "scopes": person_scopes(["editor"], EDITOR), **claims})


@pytest_asyncio.fixture(loop_scope="session")
async def fooled(house: Any) -> AsyncGenerator[Fooled]:
    async with httpx.AsyncClient(timeout=100) as http:
        yield Fooled(house, http)


async def sams(house: Any, agent: str = EDITOR) -> str:
    return await house.sam.person.token(agent)


def refused(answer: httpx.Response, error: str, words: str, status: int = 400) -> None:
    """Refused with this error, in these words, and without any token."""
    assert (answer.status_code, answer.json()["error"]) == (status, error), answer.text
    assert words in answer.json()["error_description"], answer.text
    assert "access_token" not in answer.json()


async def test_an_agent_trades_a_token_that_was_meant_for_another_agent(fooled: Fooled, house: Any, unmoved) -> None:
    subject = await sams(house)
    async with unmoved():
        answer = await fooled.asks(COMPLIANCE, subject, "mcp:rights")
    refused(answer, "invalid_grant", "was meant for agent:editing-assistant")


async def test_an_agent_trades_a_token_of_an_hour_ago(fooled: Fooled, unmoved) -> None:
    old = fooled.gateway_token(ago=timedelta(hours=1))
    async with unmoved():
        answer = await fooled.asks(EDITOR, old, "mcp:assets")
    refused(answer, "invalid_grant", "it has expired")


async def test_an_agent_joins_a_token_of_an_hour_ago_to_a_task_that_lives(fooled: Fooled, house: Any, unmoved) -> None:
    await fooled.token(EDITOR, await sams(house), "mcp:assets")
    old = fooled.gateway_token(ago=timedelta(hours=1))
    async with unmoved():
        answer = await fooled.asks(EDITOR, old, "mcp:assets")
    refused(answer, "invalid_grant", "it has expired")


async def test_an_agent_asks_for_a_scope_that_no_agent_is_ever_given(fooled: Fooled, house: Any, unmoved) -> None:
    subject = await sams(house)
    await fooled.token(EDITOR, subject, "mcp:assets")
    async with unmoved():
        for scope in ("assets:hold", "assets:read assets:declare"):
            answer = await fooled.asks(EDITOR, subject, "mcp:assets", scope=scope)
            refused(answer, "invalid_scope", scope.split()[-1])


async def test_an_agent_asks_for_more_than_its_person_gave_it(fooled: Fooled, house: Any, unmoved) -> None:
    subject = await house.sam.person.token(EDITOR, "agent:editing-assistant:make-highlight assets:read")
    await fooled.token(EDITOR, subject, "mcp:assets")
    async with unmoved():
        answer = await fooled.asks(EDITOR, subject, "mcp:assets", scope="assets:write")
    refused(answer, "invalid_scope", "assets:write")


async def test_an_agent_asks_to_decide_the_approval_that_it_wants(fooled: Fooled, house: Any, unmoved) -> None:
    subject = await sams(house)
    await fooled.token(EDITOR, subject, GATEWAY, scope="registry:read")
    async with unmoved():
        answer = await fooled.asks(EDITOR, subject, GATEWAY, scope="approval:decide")
    refused(answer, "invalid_scope", "approval:decide")


async def test_an_agent_goes_where_it_has_nothing_to_do(fooled: Fooled, house: Any, unmoved) -> None:
    subject = await sams(house)
    async with unmoved():
        rights = await fooled.asks(EDITOR, subject, "mcp:rights")
        outside = await fooled.asks(EDITOR, subject, "https://evil.example/mcp")
    refused(rights, "invalid_target", "nothing to do at mcp:rights")
    refused(outside, "invalid_target", "no such audience")


async def test_a_fifth_agent_puts_itself_into_the_chain(fooled: Fooled, unmoved) -> None:
    agents = (EDITOR, COMPLIANCE, SCHEDULER, EDITOR)
    scopes = agent_scopes(SCHEDULER, COMPLIANCE)
    full = fooled.gateway_token(audience=COMPLIANCE, chain=agents, scopes=scopes)
    deeper = sign_jws(
        fooled.foundation.keys(GATEWAY),
        TOKEN_TYPE,
        {**jwt.decode(full, options={"verify_signature": False}), "act": _nested((COMPLIANCE, *agents))},
    )
    async with unmoved():
        for subject, words in ((full, "no task"), (deeper, "chain of actors is too long")):
            refused(await fooled.asks(COMPLIANCE, subject, "mcp:rights"), "invalid_grant", words)


def _nested(agents: tuple[str, ...]) -> dict[str, Any]:
    first, *rest = agents
    return {"sub": first, "act": _nested(tuple(rest))} if rest else {"sub": first}


async def test_an_agent_writes_another_actor_into_its_token(fooled: Fooled, house: Any, unmoved) -> None:
    token = await fooled.token(EDITOR, await sams(house), "mcp:assets", scope="assets:read")
    said = jwt.decode(token, options={"verify_signature": False})
    changed = {
        "a person acts": {name: value for name, value in said.items() if name not in ("act", "task")},
        "another agent acts": {**said, "act": {"sub": COMPLIANCE}},
        "more scopes": {**said, "scope": "assets:read assets:write assets:declare"},
        "another task": {**said, "task": {**said["task"], "root": "another"}},
        "a longer life": {**said, "exp": said["exp"] + 250},
    }
    async with unmoved():
        for claims in changed.values():
            for forged in (
                sign_jws(fooled.foundation.keys(EDITOR), TOKEN_TYPE, claims),
                _with_payload(token, claims),
                jwt.encode(claims, None, algorithm="none", headers={"typ": TOKEN_TYPE}),
            ):
                answer = await fooled.calls(forged)
                assert (answer.status_code, answer.json()["code"]) == (401, "UNAUTHENTICATED")


def _with_payload(token: str, claims: dict[str, Any]) -> str:
    """The token's own header and signature around other claims."""
    header, _, signature = token.split(".")
    payload = sign_jws(KeyPair.generate(), TOKEN_TYPE, claims).split(".")[1]
    return f"{header}.{payload}.{signature}"


async def test_an_agent_asks_for_a_token_and_names_no_task(fooled: Fooled, house: Any, unmoved) -> None:
    subject = await sams(house)
    async with unmoved():
        for missing in ("task", "skill"):
            form = fooled.form(EDITOR, subject, "mcp:assets")
            del form[missing]
            answer = await fooled.http.post(f"{fooled.url}/oauth/token", data=form)
            refused(answer, "invalid_request", f"the field {missing}")


async def test_a_token_of_an_agent_without_a_task_opens_nothing(fooled: Fooled, unmoved) -> None:
    token = fooled.gateway_token(audience="mcp:assets", actor=EDITOR, scopes=["assets:read", "assets:write"])
    async with unmoved():
        answer = await fooled.calls(token)
    assert _code(answer) == "PERMISSION_DENIED"
    assert "items" not in answer.text


async def test_an_agent_calls_a_tool_that_its_plan_does_not_have(fooled: Fooled, house: Any, unmoved) -> None:
    token = await fooled.token(EDITOR, await sams(house), "mcp:assets", scope="assets:read assets:write")
    async with unmoved():
        answer = await fooled.calls(token, "update_metadata", asset_id="ast_01K9Z3N4V5W6X7Y8Z9A0B1C2D3", title="Mine")
    assert _code(answer) == "PERMISSION_DENIED"
    assert "Mine" not in answer.text


async def test_an_agent_writes_itself_a_wider_plan(fooled: Fooled, unmoved) -> None:
    clock = fooled.foundation.clock
    tools = frozenset({"rights.issue_clearance", "rights.import_rights"})
    until = (clock() + timedelta(hours=1)).replace(microsecond=0)
    claim = TaskClaim(id="mine", root="mine", skill="make-highlight", tools=tools, expires=until)
    honest = claim.model_copy(update={"tools": frozenset({"rights.get_clearance"})})
    claim = claim.model_copy(update={"policy": policy_sha256(mint(honest, EDITOR, "person:sam"))})
    token = fooled.gateway_token(audience="mcp:rights", actor=EDITOR, scopes=["rights:read"], task=claim)
    async with unmoved():
        answer = await fooled.calls(token, "report_expiring", "rights")
    assert _code(answer) == "PERMISSION_DENIED"


async def test_an_agent_begins_a_skill_that_nobody_asked_it_for(fooled: Fooled, house: Any, unmoved) -> None:
    subject = await house.sam.person.token(COMPLIANCE, "agent:compliance:check-publication rights:read")
    async with unmoved():
        answer = await fooled.asks(COMPLIANCE, subject, "mcp:rights", skill="clear-rights")
    refused(answer, "invalid_grant", "did not ask agent:compliance for clear-rights")


async def test_an_agent_asks_another_for_a_skill_that_its_plan_does_not_have(
    fooled: Fooled, house: Any, unmoved
) -> None:
    middle = await fooled.token(EDITOR, await sams(house), COMPLIANCE)
    async with unmoved():
        answer = await fooled.asks(COMPLIANCE, middle, "mcp:rights", skill="watch-expiry")
    refused(answer, "invalid_grant", "does not ask anybody for watch-expiry")


async def test_an_agent_takes_the_name_of_another_agents_task(fooled: Fooled, house: Any, unmoved) -> None:
    middle = await fooled.token(EDITOR, await sams(house), COMPLIANCE)
    async with unmoved():
        answer = await fooled.asks(COMPLIANCE, middle, "mcp:rights", task=fooled.task(EDITOR))
    refused(answer, "invalid_grant", "has no task")


async def test_an_agent_carries_a_task_of_one_person_on_for_another(fooled: Fooled, house: Any, unmoved) -> None:
    await fooled.token(EDITOR, await sams(house), "mcp:assets")
    other = fooled.gateway_token(person="person:alex", scopes=person_scopes(["editor"], EDITOR))
    async with unmoved():
        answer = await fooled.asks(EDITOR, other, "mcp:assets")
    refused(answer, "invalid_grant", "for person:alex")


async def test_an_agent_goes_on_after_its_task_has_ended(fooled: Fooled, house: Any, tmp_path: Path, unmoved) -> None:
    subject = await sams(house)
    token = await fooled.token(EDITOR, subject, "mcp:assets", scope="assets:read")
    assert _code(await fooled.calls(token)) == ""
    assert (await _end(fooled, EDITOR, tmp_path)).status_code == 202
    async with unmoved():
        used = await fooled.calls(token)
        renewed = await fooled.asks(EDITOR, subject, "mcp:assets")
        resumed = await fooled.asks(EDITOR, fooled.task(EDITOR), EDITOR, subject_token_type=TASK)
        delegated = await fooled.asks(EDITOR, subject, COMPLIANCE)
    assert _code(used) == "TASK_ENDED"
    assert "items" not in used.text
    for answer in (renewed, resumed, delegated):
        refused(answer, "invalid_grant", "has ended")


async def test_an_agent_goes_on_below_a_task_that_has_ended(
    fooled: Fooled, house: Any, tmp_path: Path, unmoved
) -> None:
    middle = await fooled.token(EDITOR, await sams(house), COMPLIANCE)
    last = await fooled.token(COMPLIANCE, middle, "mcp:rights", scope="rights:read")
    await _end(fooled, EDITOR, tmp_path)
    async with unmoved():
        used = await fooled.calls(last, "get_clearance", "rights", clearance_id="clr_01K9Z3N4V5W6X7Y8Z9A0B1C2D3")
        more = await fooled.asks(COMPLIANCE, middle, "mcp:assets")
        asked = await fooled.http.post(
            f"{fooled.url}/agents/compliance",
            json={"jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": {"message": _request()}},
            headers={"authorization": f"Bearer {middle}", "a2a-version": "1.0"},
        )
    assert _code(used) == "TASK_ENDED"
    refused(more, "invalid_grant", "has ended")
    assert "TASK_ENDED" in asked.text


def _request() -> dict[str, Any]:
    return {
        "messageId": "attack-1",
        "role": "ROLE_USER",
        "parts": [{"text": "clear everything"}],
        "metadata": {"urn:holdback:skill": "clear-rights"},
    }


async def test_an_agent_takes_up_a_task_of_another_by_its_name(fooled: Fooled, house: Any, unmoved) -> None:
    await fooled.token(EDITOR, await sams(house), "mcp:assets")
    async with unmoved():
        answer = await fooled.asks(COMPLIANCE, fooled.task(EDITOR), COMPLIANCE, subject_token_type=TASK)
    refused(answer, "invalid_grant", "no such task")


async def test_an_agent_ends_the_task_of_another(fooled: Fooled, house: Any, tmp_path: Path, unmoved) -> None:
    subject = await sams(house)
    await fooled.token(EDITOR, subject, "mcp:assets")
    client = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": fooled.assertion(COMPLIANCE)}
    asked = {"token": fooled.task(EDITOR), "token_type_hint": TASK}
    async with unmoved():
        with AuditLog(tmp_path, fooled.foundation.keys(COMPLIANCE), fooled.foundation.clock, "forged") as log:
            head = log.sign_head(fooled.task(EDITOR))
        await fooled.http.post(f"{fooled.url}/audit/heads", json={"head": head})
        taken = await fooled.http.post(f"{fooled.url}/oauth/revoke", data=client | asked)
    refused(taken, "unauthorized_client", "not this client's")
    assert (await fooled.asks(EDITOR, subject, "mcp:assets")).status_code == 200


@pytest.mark.parametrize(
    ("change", "error", "status"),
    [
        (lambda f: {"client_assertion": f.assertion(EDITOR, KeyPair.generate())}, "invalid_client", 401),
        (lambda f: {"client_assertion": f.assertion(EDITOR, f.foundation.keys(COMPLIANCE))}, "invalid_client", 401),
        (lambda f: {"client_id": COMPLIANCE}, "invalid_client", 401),
        (lambda f: {"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"}, "*", 401),
        (lambda f: {"actor_token": "x", "actor_token_type": ACCESS_TOKEN}, "invalid_request", 400),
        (lambda f: {"subject_token_type": "urn:ietf:params:oauth:token-type:jwt"}, "invalid_request", 400),
        (
            lambda f: {"requested_token_type": "urn:ietf:params:oauth:token-type:refresh_token"},
            "invalid_request",
            400,
        ),
    ],
    ids=["a made-up key", "another agent's key", "another name", "saml", "an actor token", "a jwt", "a refresh token"],
)
async def test_an_agent_is_not_who_it_says_or_asks_for_what_is_not_given(
    fooled: Fooled, house: Any, unmoved, change: Callable[[Fooled], dict[str, str]], error: str, status: int
) -> None:
    subject = await sams(house)
    async with unmoved():
        answer = await fooled.asks(EDITOR, subject, "mcp:assets", **change(fooled))
    refused(answer, answer.json()["error"] if error == "*" else error, "", status)


async def test_an_assertion_that_was_overheard_is_sent_again(fooled: Fooled, house: Any, unmoved) -> None:
    form = fooled.form(EDITOR, await sams(house), "mcp:assets")
    assert (await fooled.http.post(f"{fooled.url}/oauth/token", data=form)).status_code == 200
    await fooled.kept(f"id = '{fooled.task(EDITOR)}'")
    async with unmoved():
        answer = await fooled.http.post(f"{fooled.url}/oauth/token", data=form)
    refused(answer, "invalid_client", "it was used before", 401)


async def test_a_stranger_asks_what_a_token_says_and_takes_it_back(fooled: Fooled, house: Any, unmoved) -> None:
    token = await fooled.token(EDITOR, await sams(house), "mcp:assets", scope="assets:read")
    async with unmoved():
        bare = await fooled.http.post(f"{fooled.url}/oauth/introspect", data={"token": token})
        client = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": fooled.assertion(SCHEDULER)}
        asked = await fooled.http.post(f"{fooled.url}/oauth/introspect", data=client | {"token": token})
        taken = await fooled.http.post(f"{fooled.url}/oauth/revoke", data={"token": token})
    refused(bare, "invalid_client", "Prove who asks", 401)
    assert asked.json() == {"active": False}
    refused(taken, "unauthorized_client", "not this client's")
    assert _code(await fooled.calls(token)) == ""


async def test_a_token_that_was_taken_back_opens_nothing_in_the_same_second(
    fooled: Fooled, house: Any, unmoved
) -> None:
    token = await house.sam.person.token("mcp:assets", "assets:read")
    assert _code(await fooled.calls(token)) == ""
    assert (await fooled.http.post(f"{fooled.url}/oauth/revoke", data={"token": token})).status_code == 200
    async with unmoved():
        answer = await fooled.calls(token)
    assert _code(answer) == "UNAUTHENTICATED"
    assert "items" not in answer.text


async def _end(fooled: Fooled, agent: str, folder: Path) -> httpx.Response:
    with AuditLog(folder, fooled.foundation.keys(agent), fooled.foundation.clock, "own") as log:
        head = log.sign_head(fooled.task(agent))
    answer = await fooled.http.post(f"{fooled.url}/audit/heads", json={"head": head})
    await fooled.kept(f"id = '{fooled.task(agent)}' and ended is not null")
    return answer


def _code(answer: httpx.Response) -> str:
    """The code of a refused call, at whatever layer; empty for one that was answered."""
    shape = answer.json()
    if "code" in shape:
        return shape["code"]
    result = shape.get("result", {})
    return result["structuredContent"]["code"] if result.get("isError") else ""
