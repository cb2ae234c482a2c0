"""Tokens for tasks through HTTP: renewed, taken up again, asked about, taken back, and ended."""

from dataclasses import replace
from typing import Any

import httpx
import jwt
import pytest
from holdback_agents.gateway.app import build_gateway
from holdback_agents.gateway.exchange import TASK
from holdback_agents.gateway.oauth import ASSERTION_TYPE
from holdback_agents.gateway.registry import PersonEntry
from holdback_trust.audit import AuditLog, rows

pytestmark = pytest.mark.asyncio
EDITOR, COMPLIANCE = "agent:editing-assistant", "agent:compliance"


def claims(token: str) -> dict[str, Any]:
    return jwt.decode(token, options={"verify_signature": False})


def client_form(house, who: str, **more: str) -> dict[str, str]:
    return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": house.assertion(who)} | more


async def asks(
    house, client: httpx.AsyncClient, agent: str, subject: str, audience: str, **more: str
) -> httpx.Response:
    return await client.post("/oauth/token", data=house.agent_form(agent, subject, audience, **more))


async def chain(house, client: httpx.AsyncClient) -> tuple[str, str]:
    """A person's token for the assistant, and the token with which that one goes to compliance."""
    subject = await house.person_token(client, "person:sam", EDITOR)
    return subject, await house.agent_token(client, EDITOR, subject, COMPLIANCE)


async def test_a_token_says_for_which_task_of_whom_through_whom(build_house):
    house = build_house()
    async with house.open() as client:
        _, middle = await chain(house, client)
        last = await house.agent_token(client, COMPLIANCE, middle, "mcp:assets", scope="assets:read")
    above, below = claims(middle)["task"], claims(last)["task"]
    assert claims(last)["act"] == {"sub": COMPLIANCE, "act": {"sub": EDITOR}}
    assert (above["id"], above["root"]) == ("task-of-editing-assistant", "task-of-editing-assistant")
    assert (below["id"], below["root"]) == ("task-of-compliance", "task-of-editing-assistant")
    assert "clear-rights" in above["tools"]
    assert "clear-rights" not in below["tools"]
    assert below["policy"].startswith("sha256:")
    assert below["policy"] != above["policy"]
    assert below["expires"] == above["expires"]


async def test_a_token_lives_no_longer_than_the_one_it_came_of_until_the_task_renews_it(build_house):
    house = build_house()
    async with house.open() as client:
        subject = await house.person_token(client, "person:sam", EDITOR)
        end = claims(subject)["exp"]
        house.clock.forward(seconds=200)
        first = await asks(house, client, EDITOR, subject, "mcp:assets")
        house.clock.forward(seconds=90)
        renewed = await asks(house, client, EDITOR, subject, "mcp:assets")
        house.clock.forward(hours=3)
        later = await asks(house, client, EDITOR, subject, "mcp:assets")
    assert claims(first.json()["access_token"])["exp"] == end
    assert claims(renewed.json()["access_token"])["exp"] == end - 10 + 300
    assert later.json()["expires_in"] == 300
    house.services.audit.flush()
    said = [row.action for _, row in rows(house.audit) if row.task == "task-of-editing-assistant"]
    assert said == ["token.issue", "token.renew", "token.renew"]


async def test_a_renewed_token_holds_no_more_than_the_one_it_came_of(build_house):
    house = build_house()
    held = "agent:editing-assistant:make-highlight assets:read"
    async with house.open() as client:
        subject = await house.person_token(client, "person:sam", EDITOR, scope=held)
        await asks(house, client, EDITOR, subject, "mcp:assets")
        house.clock.forward(minutes=10)
        renewed = await asks(house, client, EDITOR, subject, "mcp:assets")
        wider = await asks(house, client, EDITOR, subject, "mcp:assets", scope="assets:read assets:write")
    assert renewed.json()["scope"] == "assets:read"
    assert (wider.status_code, wider.json()["error"]) == (400, "invalid_scope")


async def test_an_agent_that_starts_again_gets_the_token_its_task_came_with_and_goes_on(build_house):
    house = build_house()
    async with house.open() as client:
        _, middle = await chain(house, client)
        await asks(house, client, COMPLIANCE, middle, "mcp:assets")
        house.clock.forward(minutes=10)
        form = house.agent_form(COMPLIANCE, "task-of-compliance", COMPLIANCE, subject_token_type=TASK)
        session = (await client.post("/oauth/token", data=form)).json()["access_token"]
        goes_on = await asks(house, client, COMPLIANCE, session, "mcp:assets")
    before, after = claims(middle), claims(session)
    same = ("sub", "aud", "act", "scope", "roles", "task", "level")
    assert {name: after[name] for name in same} == {name: before[name] for name in same}
    assert after["jti"] != before["jti"]
    assert claims(goes_on.json()["access_token"])["act"] == {"sub": COMPLIANCE, "act": {"sub": EDITOR}}


async def test_another_agent_cannot_take_a_task_up(build_house):
    house = build_house()
    async with house.open() as client:
        await chain(house, client)
        form = house.agent_form(COMPLIANCE, "task-of-editing-assistant", COMPLIANCE, subject_token_type=TASK)
        answer = await client.post("/oauth/token", data=form)
    assert (answer.status_code, answer.json()["error"], answer.json()["code"]) == (400, "invalid_grant", "NOT_FOUND")


async def test_the_signed_head_of_an_agents_log_ends_its_task_and_is_kept(build_house, tmp_path):
    house = build_house()
    async with house.open() as client:
        subject = await house.person_token(client, "person:sam", EDITOR)
        token = (await asks(house, client, EDITOR, subject, "mcp:assets")).json()["access_token"]
        with AuditLog(tmp_path / "own", house.keys[EDITOR], house.clock, "assistant") as log:
            head = log.sign_head("task-of-editing-assistant")
        kept = await client.post("/audit/heads", json={"head": head})
        more = await asks(house, client, EDITOR, subject, "mcp:assets")
        active = await client.post("/oauth/introspect", data=client_form(house, EDITOR, token=token))
    assert kept.status_code == 202
    assert (more.status_code, more.json()["code"]) == (400, "TASK_ENDED")
    assert active.json() == {"active": False}
    assert head in next(house.audit.glob("*.anchors.jsonl")).read_text()


async def test_tasks_that_end_together_with_their_root_are_worthless_by_its_end(build_house, tmp_path):
    house = build_house()
    async with house.open() as client:
        _, middle = await chain(house, client)
        below = await house.agent_token(client, COMPLIANCE, middle, "mcp:assets", scope="assets:read")
        heads = []
        for agent in (COMPLIANCE, EDITOR):
            with AuditLog(tmp_path / agent[-6:], house.keys[agent], house.clock, "own") as log:
                heads.append(log.sign_head(f"task-of-{agent.removeprefix('agent:')}"))
        assert (await client.post("/audit/heads", json={"heads": heads})).status_code == 202
        told = [
            (await client.post("/oauth/introspect", data=client_form(house, who, token=token))).json()
            for who, token in ((EDITOR, middle), (COMPLIANCE, below))
        ]
        more = await asks(house, client, COMPLIANCE, middle, "mcp:assets")
    assert told == [{"active": False}, {"active": False}]
    assert (more.status_code, more.json()["code"]) == (400, "TASK_ENDED")


async def test_a_head_that_another_party_signed_ends_nothing(build_house, tmp_path):
    house = build_house()
    async with house.open() as client:
        subject = await house.person_token(client, "person:sam", EDITOR)
        await asks(house, client, EDITOR, subject, "mcp:assets")
        for party in (COMPLIANCE, "mcp:assets"):
            with AuditLog(tmp_path / party[-6:], house.keys[party], house.clock, "other") as log:
                head = log.sign_head("task-of-editing-assistant")
            assert (await client.post("/audit/heads", json={"head": head})).status_code == 202
        assert (await asks(house, client, EDITOR, subject, "mcp:assets")).status_code == 200


async def test_whom_a_token_concerns_may_ask_what_it_says(build_house):
    house = build_house()
    async with house.open() as client:
        _, middle = await chain(house, client)
        last = await house.agent_token(client, COMPLIANCE, middle, "mcp:assets", scope="assets:read")
        told = {
            who: (await client.post("/oauth/introspect", data=client_form(house, who, token=last))).json()
            for who in ("mcp:assets", COMPLIANCE, "person:sam", EDITOR, "person:kim")
        }
    said = told["mcp:assets"]
    assert said == told[COMPLIANCE] == told["person:sam"]
    assert (said["active"], said["sub"], said["aud"], said["client_id"]) == (
        True,
        "person:sam",
        "mcp:assets",
        COMPLIANCE,
    )
    assert said["chain"] == "agent:compliance < agent:editing-assistant for person:sam"
    assert said["task"]["root"] == "task-of-editing-assistant"
    assert told[EDITOR] == told["person:kim"] == {"active": False}


async def test_nobody_asks_about_tokens_without_proving_who_they_are(build_house):
    house = build_house()
    async with house.open() as client:
        token = await house.person_token(client, "person:sam", "mcp:assets")
        bare = await client.post("/oauth/introspect", data={"token": token})
        forged = client_form(house, "mcp:assets", token=token)
        forged["client_assertion"] = house.assertion("mcp:assets", house.keys["person:kim"])
        other = await client.post("/oauth/introspect", data=forged)
    for answer in (bare, other):
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize("token", ["nonsense", "a.b.c", ""])
async def test_what_is_no_token_is_not_active(build_house, token):
    house = build_house()
    async with house.open() as client:
        answer = await client.post("/oauth/introspect", data=client_form(house, "mcp:assets", token=token or "x"))
    assert answer.json() == {"active": False}


async def test_a_person_takes_back_the_token_of_an_agent(build_house):
    house = build_house()
    async with house.open() as client:
        _, middle = await chain(house, client)
        await asks(house, client, COMPLIANCE, middle, "mcp:assets")
        answer = await client.post("/oauth/revoke", data=client_form(house, "person:sam", token=middle))
        after = await asks(house, client, COMPLIANCE, middle, "mcp:assets")
        form = house.agent_form(COMPLIANCE, "task-of-compliance", COMPLIANCE, subject_token_type=TASK)
        again = await client.post("/oauth/token", data=form)
    assert (answer.status_code, answer.json()) == (200, {})
    assert (after.status_code, after.json()["error"]) == (400, "invalid_grant")
    assert again.json()["code"] == "TASK_ENDED"
    assert "person:sam took back" in again.json()["message"]


async def test_who_holds_a_persons_own_token_may_take_it_back_and_that_ends_what_it_began(build_house):
    house = build_house()
    async with house.open() as client:
        subject, middle = await chain(house, client)
        assert (await client.post("/oauth/revoke", data={"token": subject})).status_code == 200
        above = await asks(house, client, EDITOR, subject, "mcp:assets")
        form = house.agent_form(EDITOR, "task-of-editing-assistant", EDITOR, subject_token_type=TASK)
        again = await client.post("/oauth/token", data=form)
        below = await asks(house, client, COMPLIANCE, middle, "mcp:assets")
    assert "it was revoked" in above.json()["message"]
    assert [each.json()["code"] for each in (again, below)] == ["TASK_ENDED", "TASK_ENDED"]


async def test_what_is_another_clients_cannot_be_taken_back(build_house):
    house = build_house()
    async with house.open() as client:
        subject, middle = await chain(house, client)
        last = await house.agent_token(client, COMPLIANCE, middle, "mcp:assets")
        tries = [
            {"token": middle},
            client_form(house, "person:kim", token=subject),
            client_form(house, EDITOR, token=last),
            client_form(house, COMPLIANCE, token="task-of-editing-assistant", token_type_hint=TASK),
            {"token": "task-of-compliance", "token_type_hint": TASK},
        ]
        for form in tries:
            answer = await client.post("/oauth/revoke", data=form)
            assert (answer.status_code, answer.json()["error"]) == (400, "unauthorized_client"), form
        assert (await asks(house, client, COMPLIANCE, middle, "mcp:assets")).status_code == 200


async def test_what_is_no_token_any_more_needs_no_taking_back(build_house):
    house = build_house()
    async with house.open() as client:
        subject = await house.person_token(client, "person:sam", EDITOR)
        house.clock.forward(seconds=301)
        for text in (subject, "nonsense"):
            assert (await client.post("/oauth/revoke", data={"token": text})).status_code == 200


async def test_an_agent_without_a_log_of_this_house_ends_its_task_by_its_id(build_house):
    house = build_house()
    async with house.open() as client:
        subject, middle = await chain(house, client)
        await asks(house, client, COMPLIANCE, middle, "mcp:assets")
        form = client_form(house, COMPLIANCE, token="task-of-compliance", token_type_hint=TASK)
        ended = await client.post("/oauth/revoke", data=form)
        below = await asks(house, client, COMPLIANCE, middle, "mcp:assets")
        above = await asks(house, client, EDITOR, subject, "mcp:assets")
    assert ended.status_code == 200
    assert below.json()["code"] == "TASK_ENDED"
    assert above.status_code == 200


async def test_the_metadata_names_where_to_ask_about_tokens_and_take_them_back(build_house):
    house = build_house()
    async with house.open() as client:
        metadata = (await client.get("/.well-known/oauth-authorization-server")).json()
    assert metadata["introspection_endpoint"] == "http://gateway.test/oauth/introspect"
    assert metadata["revocation_endpoint"] == "http://gateway.test/oauth/revoke"


BOTH = frozenset({"person:sam", EDITOR, COMPLIANCE})


def stories_in(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return claims(answer.json()["access_token"]).get("stories", [])


async def test_an_agent_knows_the_stories_that_both_it_and_the_person_may_know(build_house):
    house = build_house(
        stories={
            "court-ruling": BOTH,
            "merger": frozenset({"person:sam"}),
            "verdict": frozenset({EDITOR}),
        }
    )
    async with house.open() as client:
        subject = await house.person_token(client, "person:sam", EDITOR)
        assert claims(subject)["stories"] == ["court-ruling", "merger"]
        assert stories_in(await asks(house, client, EDITOR, subject, "mcp:assets")) == ["court-ruling"]
        house.clock.forward(minutes=10)
        assert stories_in(await asks(house, client, EDITOR, subject, "mcp:assets")) == ["court-ruling"]
        form = house.agent_form(EDITOR, "task-of-editing-assistant", EDITOR, subject_token_type=TASK)
        session = (await client.post("/oauth/token", data=form)).json()["access_token"]
        assert stories_in(await asks(house, client, EDITOR, session, "mcp:assets")) == ["court-ruling"]


@pytest.mark.parametrize("outside", [EDITOR, COMPLIANCE])
async def test_a_chain_knows_no_more_than_each_agent_in_it(build_house, outside):
    house = build_house(stories={"court-ruling": BOTH - {outside}, "merger": BOTH})
    async with house.open() as client:
        _, middle = await chain(house, client)
        assert stories_in(await asks(house, client, COMPLIANCE, middle, "mcp:assets")) == ["merger"]
        house.clock.forward(minutes=10)
        assert stories_in(await asks(house, client, COMPLIANCE, middle, "mcp:assets")) == ["merger"]
        form = house.agent_form(COMPLIANCE, "task-of-compliance", COMPLIANCE, subject_token_type=TASK)
        session = (await client.post("/oauth/token", data=form)).json()["access_token"]
        assert stories_in(await asks(house, client, COMPLIANCE, session, "mcp:assets")) == ["merger"]


async def test_a_task_that_lives_on_loses_what_its_person_has_lost(build_house, tmp_path):
    before, now = {"court-ruling": BOTH, "merger": BOTH}, {"court-ruling": BOTH - {"person:sam"}, "merger": BOTH}
    house = build_house(home=tmp_path, stories=before, roles={"person:sam": {"editor", "approver"}})
    async with house.open() as client:
        subject = await house.person_token(client, "person:sam", EDITOR)
        first = claims((await asks(house, client, EDITOR, subject, "mcp:assets")).json()["access_token"])
    assert (first["stories"], first["roles"]) == (["court-ruling", "merger"], ["approver", "editor"])
    house.clock.forward(minutes=10)
    later = build_house(home=tmp_path, clock=house.clock, stories=now)
    async with later.open() as client:
        renewed = await asks(later, client, EDITOR, subject, "mcp:assets")
        form = later.agent_form(EDITOR, "task-of-editing-assistant", EDITOR, subject_token_type=TASK)
        resumed = await client.post("/oauth/token", data=form)
    for after in (claims(each.json()["access_token"]) for each in (renewed, resumed)):
        assert (after["stories"], after["roles"]) == (["merger"], ["editor"])


@pytest.mark.parametrize("left", [frozenset[str](), None])
async def test_a_task_has_no_more_tokens_when_its_person_may_ask_for_none_of_it_any_more(build_house, tmp_path, left):
    house = build_house(home=tmp_path)
    async with house.open() as client:
        subject = await house.person_token(client, "person:sam", EDITOR)
        await asks(house, client, EDITOR, subject, "mcp:assets")
        await house.services.database.write(lambda _: None)  # what was written before is on disk
    house.clock.forward(minutes=10)
    others = [each for each in house.services.people if each.id != "person:sam"]
    sam = [PersonEntry("person:sam", "Sam", left, house.keys["person:sam"].public_jwk)] if left is not None else []
    later = replace(house, gateway=build_gateway(replace(house.services, people=[*others, *sam])))
    async with later.open() as client:
        renewed = await asks(later, client, EDITOR, subject, "mcp:assets")
        form = later.agent_form(EDITOR, "task-of-editing-assistant", EDITOR, subject_token_type=TASK)
        resumed = await client.post("/oauth/token", data=form)
    for answer in (renewed, resumed):
        assert (answer.status_code, answer.json()["code"]) == (400, "UNAUTHENTICATED"), answer.text


async def test_a_token_that_another_process_took_back_begins_no_task(build_house):
    house = build_house()
    async with house.open() as client:
        subject = await house.person_token(client, "person:sam", EDITOR)
        house.services.enforcement.standing.revoke(claims(subject)["jti"], by="person:sam")
        answer = await asks(house, client, EDITOR, subject, COMPLIANCE)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert "revoked" in answer.json()["error_description"]


async def test_a_token_that_was_meant_for_another_goes_into_no_task_and_comes_out_of_none(build_house):
    house = build_house(roles={"person:sam": {"editor", "approver"}})
    async with house.open() as client:
        subject = await house.person_token(client, "person:sam", EDITOR)
        below = (await asks(house, client, EDITOR, subject, "mcp:assets")).json()["access_token"]
        stolen = await house.person_token(client, "person:sam", "gateway", scope="approval:decide")
        other = await house.person_token(client, "person:sam", EDITOR, scope="assets:read")
        for each in (below, stolen, other):
            refused = await asks(house, client, EDITOR, each, "mcp:assets")
            assert (refused.status_code, refused.json()["code"]) == (400, "PERMISSION_DENIED")
        form = house.agent_form(EDITOR, "task-of-editing-assistant", EDITOR, subject_token_type=TASK)
        resumed = claims((await client.post("/oauth/token", data=form)).json()["access_token"])
    assert (resumed["aud"], resumed["scope"]) == (EDITOR, claims(subject)["scope"])
