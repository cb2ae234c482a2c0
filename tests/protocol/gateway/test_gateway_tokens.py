"""The token endpoint through HTTP: what it grants, and every refusal."""

import jwt
import pytest
from holdback_trust.audit import rows
from holdback_trust.keys import KeyPair

pytestmark = pytest.mark.asyncio


async def test_a_person_gets_a_token_of_the_role_for_an_agent(build_house):
    house = build_house()
    async with house.open() as client:
        answer = await client.post("/oauth/token", data=house.person_form("person:sam", "agent:editing-assistant"))
    body = answer.json()
    claims = jwt.decode(body["access_token"], options={"verify_signature": False})
    assert (answer.status_code, body["token_type"], body["expires_in"]) == (200, "Bearer", 300)
    assert (claims["sub"], claims["aud"], "act" in claims) == ("person:sam", "agent:editing-assistant", False)
    assert "agent:editing-assistant:make-highlight" in body["scope"].split()
    assert answer.headers["cache-control"] == "no-store"


async def test_the_resource_of_a_request_may_be_the_gateways_url_of_the_target(build_house):
    house = build_house()
    form = house.person_form("person:sam", "") | {"resource": "http://gateway.test/mcp/assets", "scope": "assets:read"}
    async with house.open() as client:
        answer = await client.post("/oauth/token", data=form)
    assert jwt.decode(answer.json()["access_token"], options={"verify_signature": False})["aud"] == "mcp:assets"


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"scope": "approval:decide"}, "invalid_scope"),
        ({"audience": "mcp:nowhere"}, "invalid_target"),
        ({"audience": ""}, "invalid_request"),
        ({"assertion": "a.b.c"}, "invalid_grant"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
    ],
)
async def test_a_persons_bad_request_is_told_what_is_wrong(build_house, change, error):
    house = build_house()
    async with house.open() as client:
        answer = await client.post("/oauth/token", data=house.person_form("person:sam", "gateway") | change)
    assert (answer.status_code, answer.json()["error"]) == (400, error)
    assert answer.json()["error_description"]


async def test_an_assertion_counts_once(build_house):
    house = build_house()
    form = house.person_form("person:sam", "gateway")
    async with house.open() as client:
        first, second = await client.post("/oauth/token", data=form), await client.post("/oauth/token", data=form)
    assert (first.status_code, second.status_code, second.json()["error"]) == (200, 400, "invalid_grant")


async def test_an_assertion_signed_with_another_key_is_refused(build_house):
    house = build_house()
    forged = house.assertion("person:sam", KeyPair.generate())
    theirs = house.assertion("person:sam", house.keys["person:kim"])
    async with house.open() as client:
        for assertion in (forged, theirs):
            form = house.person_form("person:sam", "gateway", assertion=assertion)
            assert (await client.post("/oauth/token", data=form)).json()["error"] == "invalid_grant"


async def test_an_assertion_for_another_audience_is_refused(build_house):
    house = build_house()
    form = house.person_form("person:sam", "gateway", assertion=house.assertion("person:sam", audience="elsewhere"))
    async with house.open() as client:
        assert (await client.post("/oauth/token", data=form)).json()["error"] == "invalid_grant"


async def test_a_field_given_twice_is_refused(build_house):
    house = build_house()
    async with house.open() as client:
        answer = await client.post(
            "/oauth/token",
            content="grant_type=a&grant_type=b",
            headers={"content-type": "application/x-www-form-urlencoded"},
        )
    assert answer.json()["error"] == "invalid_request"


async def test_an_agent_exchanges_its_token_for_a_narrower_one(build_house):
    house = build_house()
    async with house.open() as client:
        subject = await house.person_token(client, "person:sam", "agent:editing-assistant")
        form = house.agent_form("agent:editing-assistant", subject, "mcp:assets", scope="assets:read")
        body = (await client.post("/oauth/token", data=form)).json()
    claims = jwt.decode(body["access_token"], options={"verify_signature": False})
    assert (claims["sub"], claims["act"], claims["scope"]) == (
        "person:sam",
        {"sub": "agent:editing-assistant"},
        "assets:read",
    )
    assert body["issued_token_type"].endswith(":access_token")


async def test_an_agent_gets_no_scope_that_its_token_or_its_table_lacks(build_house):
    house = build_house()
    async with house.open() as client:
        subject = await house.person_token(
            client,
            "person:sam",
            "agent:editing-assistant",
            scope="agent:editing-assistant:make-highlight assets:read",
        )
        wider = house.agent_form("agent:editing-assistant", subject, "mcp:assets", scope="assets:write")
        nowhere = house.agent_form("agent:editing-assistant", subject, "mcp:schedule")
        assert (await client.post("/oauth/token", data=wider)).json()["error"] == "invalid_scope"
        answer = await client.post("/oauth/token", data=nowhere | {"audience": "mcp:assets", "scope": "rights:read"})
        assert answer.json()["error"] == "invalid_scope"


async def test_an_agent_cannot_exchange_a_token_that_was_meant_for_another(build_house):
    house = build_house()
    async with house.open() as client:
        subject = await house.person_token(client, "person:sam", "agent:editing-assistant")
        form = house.agent_form("agent:compliance", subject, "mcp:assets")
        assert (await client.post("/oauth/token", data=form)).json()["error"] == "invalid_grant"


async def test_an_expired_subject_token_is_refused(build_house):
    house = build_house()
    async with house.open() as client:
        subject = await house.person_token(client, "person:sam", "agent:editing-assistant")
        house.clock.forward(seconds=301)
        form = house.agent_form("agent:editing-assistant", subject, "mcp:assets")
        answer = await client.post("/oauth/token", data=form)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert "expired" in answer.json()["error_description"]


async def test_an_agent_must_prove_who_it_is(build_house):
    house = build_house()
    async with house.open() as client:
        subject = await house.person_token(client, "person:sam", "agent:editing-assistant")
        good = house.agent_form("agent:editing-assistant", subject, "mcp:assets")
        for change in (
            {"client_assertion": house.assertion("agent:editing-assistant", KeyPair.generate())},
            {"client_assertion": house.assertion("person:sam")},
            {"client_assertion_type": "secret"},
            {"client_id": "agent:compliance", "client_assertion": house.assertion("agent:editing-assistant")},
        ):
            answer = await client.post("/oauth/token", data=good | change)
            assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


async def test_the_metadata_names_the_endpoint_and_the_keys_verify_a_token(build_house):
    house = build_house()
    async with house.open() as client:
        metadata = (await client.get("/.well-known/oauth-authorization-server")).json()
        keys = (await client.get("/oauth/jwks.json")).json()
        token = await house.person_token(client, "person:sam", "gateway")
    assert metadata["token_endpoint"] == "http://gateway.test/oauth/token"
    key = jwt.PyJWK(keys["keys"][0]).key
    options = {"verify_exp": False, "verify_iat": False}
    assert jwt.decode(token, key, ["ES256"], audience="gateway", options=options)["sub"] == "person:sam"


async def test_grants_and_refusals_leave_audit_rows(build_house):
    house = build_house()
    async with house.open() as client:
        await house.person_token(client, "person:sam", "gateway")
        await client.post("/oauth/token", data=house.person_form("person:sam", "gateway", scope="approval:decide"))
        await client.get("/registry")
    house.services.audit.flush()
    seen = [(row.actor, row.action, row.decision) for _, row in rows(house.audit)]
    assert ("person:sam", "token.issue", "allowed") in seen
    assert ("unknown", "token.invalid_scope", "denied") in seen
    assert ("unknown", "gateway.enter", "denied") in seen
