"""Who is there: the registry, the cards, the catalogue, and what is open to everybody."""

import pytest
from a2a.client.card_resolver import A2ACardResolver
from a2a.utils.signing import create_signature_verifier
from jwt import PyJWK

pytestmark = pytest.mark.asyncio


async def test_a_skill_is_found_with_the_token_it_takes(build_house):
    house = build_house()
    async with house.open() as client:
        headers = await house.bearer(client, "person:vic", "gateway")
        answer = await client.get("/registry", params={"skill": "clear-rights"}, headers=headers)
    assert answer.json() == {
        "agent": "compliance",
        "url": "http://gateway.test/agents/compliance",
        "audience": "agent:compliance",
        "scope": "agent:compliance:clear-rights",
    }


async def test_a_capability_is_found_with_the_token_it_takes(build_house):
    house = build_house()
    async with house.open() as client:
        headers = await house.bearer(client, "person:vic", "gateway")
        answer = await client.get("/registry", params={"capability": "assets.search_assets"}, headers=headers)
    assert answer.json() == {
        "server": "assets",
        "url": "http://gateway.test/mcp/assets",
        "audience": "mcp:assets",
        "scope": "assets:read",
    }


async def test_what_nobody_offers_is_a_problem_that_lists_what_is_offered(build_house):
    house = build_house()
    async with house.open() as client:
        headers = await house.bearer(client, "person:vic", "gateway")
        for query in ({"skill": "make-tea"}, {"capability": "assets.drink"}, {"capability": "tea.search_assets"}):
            answer = await client.get("/registry", params=query, headers=headers)
            body = answer.json()
            assert (answer.status_code, body["code"], body["status"]) == (404, "NOBODY_OFFERS", 404)
            assert answer.headers["content-type"] == "application/problem+json"
            assert body["hint"]
        skills = await client.get("/registry", params={"skill": "make-tea"}, headers=headers)
        assert skills.json()["details"]["skills"] == ["clear-rights", "make-highlight"]


async def test_the_whole_registry_lists_agents_and_servers(build_house):
    house = build_house()
    async with house.open() as client:
        body = (await client.get("/registry", headers=await house.bearer(client, "person:vic", "gateway"))).json()
    assert [agent["name"] for agent in body["agents"]] == ["editing-assistant", "compliance"]
    assert body["servers"][0]["tools"] == [{"name": "search_assets", "scope": "assets:read"}]


async def test_the_registry_is_closed_without_a_token_for_the_gateway(build_house):
    house = build_house()
    async with house.open() as client:
        nobody = await client.get("/registry")
        other = await client.get("/registry", headers=await house.bearer(client, "person:sam", "mcp:assets"))
        lacking = await client.get(
            "/registry", headers=await house.bearer(client, "person:sam", "gateway", scope="approval:ask")
        )
    assert (nobody.status_code, nobody.json()["code"]) == (401, "UNAUTHENTICATED")
    assert "oauth-protected-resource" in nobody.headers["www-authenticate"]
    assert (other.status_code, other.json()["code"]) == (401, "UNAUTHENTICATED")
    assert (lacking.status_code, lacking.json()["code"]) == (403, "PERMISSION_DENIED")


async def test_an_agents_card_names_the_gateways_addresses_and_is_signed_by_it(build_house):
    house = build_house()
    async with house.open() as client:
        keys = (await client.get("/oauth/jwks.json")).json()["keys"]
        verify = create_signature_verifier(
            lambda kid, _: PyJWK(next(key for key in keys if key["kid"] == kid)), ["ES256"]
        )
        card = await A2ACardResolver(client, "http://gateway.test/agents/compliance").get_agent_card(
            signature_verifier=verify
        )
    assert [(each.url, each.protocol_binding) for each in card.supported_interfaces] == [
        ("http://gateway.test/agents/compliance", "JSONRPC"),
        ("http://gateway.test/agents/compliance/v1", "HTTP+JSON"),
    ]
    assert [skill.id for skill in card.skills] == ["clear-rights"]


async def test_the_gateways_own_card_lists_all_skills(build_house):
    house = build_house()
    async with house.open() as client:
        card = await A2ACardResolver(client, "http://gateway.test").get_agent_card()
    assert [skill.id for skill in card.skills] == ["make-highlight", "clear-rights"]
    assert [each.url for each in card.supported_interfaces] == ["http://gateway.test", "http://gateway.test/v1"]


async def test_a_card_that_is_known_already_is_not_sent_again(build_house):
    house = build_house()
    async with house.open() as client:
        path = "/.well-known/agent-card.json"
        tag = (await client.get(path)).headers["etag"]
        again = await client.get(path, headers={"if-none-match": tag})
    assert (again.status_code, again.content) == (304, b"")


async def test_the_catalogue_and_health_are_open(build_house):
    house = build_house()
    async with house.open() as client:
        entries = (await client.get("/.well-known/ai-catalog.json")).json()["entries"]
        health = (await client.get("/health")).json()
    assert [entry["identifier"] for entry in entries] == [
        "urn:holdback:gateway",
        "urn:holdback:agent:editing-assistant",
        "urn:holdback:agent:compliance",
        "urn:holdback:server:assets",
    ]
    assert health == {"status": "ok", "ready": True}


async def test_requests_are_counted_by_route_and_status(build_house):
    house = build_house()
    async with house.open() as client:
        await client.get("/health")
        await client.get("/made/up/path")
        text = (await client.get("/metrics")).text
    assert 'holdback_gateway_requests_total{route="/health",status="200"} 1' in text
    assert "made" not in text


async def test_a_signed_audit_head_is_kept_and_a_forged_one_is_not(build_house):
    house = build_house()
    head = house.services.audit.sign_head("task-1")
    async with house.open() as client:
        kept = await client.post("/audit/heads", json={"head": head})
        forged = await client.post("/audit/heads", json={"head": head[:-8] + "AAAAAAAA"})
        empty = await client.post("/audit/heads", json={})
    assert (kept.status_code, forged.status_code, empty.status_code) == (202, 400, 400)
    assert forged.json()["code"] == "STATEMENT_INVALID"
    assert [head in path.read_text() for path in house.audit.glob("*.anchors.jsonl")] == [True]
