"""Which agents the gateway lets in, as what, and what happens when they change."""

import logging
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict, ParseDict
from holdback.admitting import open_admissions, settle
from holdback.foundation import lay_foundation
from holdback.house import AGENTS
from holdback_agents.gateway.admissions import Admissions, house_admission
from holdback_agents.gateway.app import build_gateway
from holdback_agents.gateway.registry import AgentEntry, Registry, Upstream
from holdback_agents.gateway.store import METADATA
from holdback_agents.runtime.brain import Rules
from holdback_agents.runtime.card_signing import declare, identity_of, sign_card, verified_card
from holdback_agents.runtime.serving.app import complete_card
from holdback_base.database import Database
from holdback_base.ids import system_clock
from holdback_base.problem import Problem
from holdback_servers.settings import AgentSetting, EgressSetting, Settings
from holdback_trust.admission import Admission, AgentIdentity, Configuration, differences
from holdback_trust.assertions import Proof, sign_assertion
from holdback_trust.audit import rows
from holdback_trust.egress import Egress
from holdback_trust.keys import KeyPair

KEYS = KeyPair.generate()
PROMPT = Configuration.of("prompt", "3", {"prompt": "Pick the calmest shot.", "model": "m-1"})
OPEN = Egress(EgressSetting(hosts=("guide.vendor.com",)))


def entry(name: str = "compliance", configuration: Configuration = PROMPT, keys: KeyPair = KEYS) -> AgentEntry:
    agent = AGENTS[name]()
    return AgentEntry(name, agent.card, Upstream(""), keys.public_jwk, agent.identity(keys.kid, configuration))


def vendor(keys: KeyPair = KEYS, **changes: Any) -> Admission:
    card = complete_card(AGENTS["compliance"](), "https://guide.vendor.com")
    card.ClearField("skills")
    ParseDict({"skills": [{"id": "list-channels", "name": "L", "description": "L", "tags": []}]}, card)
    signed = sign_card(card, keys)
    return Admission.model_validate(
        {
            "agent": "agent:guide",
            "identity": identity_of(signed, keys.public_jwk),
            "jwk": dict(keys.public_jwk),
            "by": "person:local",
            "at": system_clock(),
            "url": "https://guide.vendor.com",
            "card": MessageToDict(signed),
            "grants": {"mcp:schedule": ["schedule:read"]},
            "plans": {"list-channels": ["schedule.list_channels"]},
            "roles": ["editor"],
        }
        | changes
    )


@pytest.fixture
def admissions():
    database = Database(None, METADATA)
    yield Admissions(database, system_clock)
    database.close()


def test_a_new_home_lets_its_own_agents_in_and_never_again_by_itself(tmp_path: Path):
    settings = Settings(home=tmp_path, agents={"compliance": AgentSetting(level=300, owner="Legal")})
    foundation = lay_foundation(settings, "gateway")
    database = Database(tmp_path / "db" / "gateway.sqlite", METADATA)
    admissions = open_admissions(database, foundation)
    agents = [entry(name) for name in AGENTS]
    assert settle(admissions, agents, foundation) == {}
    assert [(each.name, each.level, each.owner) for each in admissions.all()] == [
        ("compliance", 300, "Legal"),
        ("editing-assistant", 200, ""),
        ("scheduler", 200, ""),
    ]
    changed = [entry(name, Rules().configuration) if name == "compliance" else entry(name) for name in AGENTS]
    assert settle(admissions, changed, foundation).keys() == {"compliance"}
    assert admissions.level("agent:compliance") == 300
    foundation.audit.close()
    database.close()
    admitted = [row for _, row in rows(tmp_path / "audit")]
    assert [row.resource.split()[0] for row in admitted if row.action == "agent.admit"] == [
        f"agent:{n}" for n in AGENTS
    ]


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (entry(configuration=Configuration.of("prompt", "3", "other")), "its configuration prompt is prompt@3"),
        (entry(configuration=Configuration.of("prompt-2", "1", "other")), "its configuration prompt is missing"),
        (entry(keys=KeyPair.generate()), "its key is"),
    ],
)
def test_a_changed_prompt_model_or_key_is_another_agent(admissions: Admissions, now: AgentEntry, said: str):
    admissions.admit(house_admission(entry(), by="person:local", now=system_clock()))
    assert admissions.changed([entry()]) == {}
    [reasons] = admissions.changed([now]).values()
    assert any(said in each for each in reasons)
    admissions.admit(house_admission(now, by="person:local", now=system_clock()))
    assert admissions.changed([now]) == {}


def test_what_was_the_same_once_is_not_the_same_when_the_agent_or_its_admission_changed(admissions: Admissions):
    def proof(now: AgentEntry) -> Proof:
        assert now.identity is not None
        return Proof(now.audience, now.identity.key, now.identity.shown())

    before, after = entry(), entry(configuration=Configuration.of("prompt", "3", "other"))
    admitted = house_admission(before, by="person:local", now=system_clock())
    admissions.admit(admitted)
    assert [admissions.require(proof(before)) for _ in range(2)] == [admitted, admitted]
    for other in (proof(after), proof(entry(keys=KeyPair.generate())), replace(proof(before), identity=None)):
        with pytest.raises(Problem, match="admitted"):
            admissions.require(other)
    assert admissions.require(proof(before)) == admitted
    admissions.admit(house_admission(after, by="person:local", now=system_clock()))
    with pytest.raises(Problem, match="its configuration prompt is"):
        admissions.require(proof(before))
    admissions.dismiss(before.audience)
    for each in (before, after):
        with pytest.raises(Problem, match="admitted"):
            admissions.require(proof(each))


def test_what_another_process_wrote_down_is_known_a_second_later():
    now, database = system_clock(), Database(None, METADATA)
    moments = iter((now, now + timedelta(milliseconds=999), now + timedelta(seconds=1), now + timedelta(seconds=2)))
    here, there = Admissions(database, lambda: next(moments)), Admissions(database, system_clock)
    one, other = (house_admission(entry(), by=f"person:{name}", now=now) for name in ("kim", "sam"))  # at one instant
    there.admit(one)
    assert here.find("agent:compliance") == one
    there.admit(other)
    assert [here.find("agent:compliance") for _ in range(2)] == [one, other]
    there.dismiss("agent:compliance")
    assert here.find("agent:compliance") is None
    database.close()


def test_the_order_of_configurations_does_not_matter_and_every_member_does():
    one, two = PROMPT, Configuration.of("rules", "1", [])
    base = AgentIdentity(key=KEYS.kid, software="1", configurations=(one, two))
    assert base.sha256 == AgentIdentity(key=KEYS.kid, software="1", configurations=(two, one)).sha256
    others = [
        base.model_copy(update={"software": "2"}),
        base.model_copy(update={"key": KeyPair.generate().kid}),
        base.model_copy(update={"configurations": (one,)}),
        base.model_copy(update={"configurations": (one, two.model_copy(update={"version": "2"}))}),
        base.model_copy(update={"configurations": (one, two, two)}),
    ]
    assert len({each.sha256 for each in (base, *others)}) == 6
    assert all(differences(base, each) for each in others)
    assert differences(base, base) == []


def test_a_card_tells_the_identity_that_its_key_has_signed():
    identity = entry().identity
    assert identity is not None
    card = sign_card(complete_card(AGENTS["compliance"](), "https://a.example", identity), KEYS)
    assert identity_of(verified_card(MessageToDict(card), KEYS.public_jwk), KEYS.public_jwk) == identity
    declare(card, identity)
    with pytest.raises(Problem) as refusal:
        verified_card(MessageToDict(card), KEYS.public_jwk)
    assert refusal.value.code == "STATEMENT_INVALID"


def test_what_an_agent_from_outside_may_stands_in_its_admission_and_nowhere_else(admissions: Admissions):
    admissions.admit(vendor())
    [guest] = admissions.vendors([entry()], OPEN)
    registry = Registry.of("http://gateway.test", [entry(), guest], [], [])
    assert registry.plan("agent:guide", "list-channels") == {"schedule.list_channels"}
    assert registry.agent_scopes("agent:guide", "mcp:schedule") == {"schedule:read"}
    assert registry.agent_scopes("agent:guide", "mcp:assets") == frozenset()
    assert registry.scopes_at("agent:guide") == {"agent:guide:list-channels"}
    scopes = registry.person_scopes(["editor"], "agent:guide")
    assert scopes == {"agent:guide:list-channels", "schedule:read"}
    assert registry.person_scopes(["viewer", "approver"], "agent:guide") == frozenset()
    assert admissions.level("agent:guide") == 200


@pytest.mark.parametrize(
    ("admission", "said"),
    [
        (vendor(card=vendor().card | {"description": "Does anything."}), "altered"),
        (vendor(url="https://127.0.0.1"), "not public"),
        (vendor(agent="agent:compliance"), "is taken"),
    ],
)
def test_one_that_does_not_hold_any_more_stays_outside_when_the_house_starts(
    admissions: Admissions, admission: Admission, said: str, caplog: pytest.LogCaptureFixture
):
    admissions.admit(admission)
    with caplog.at_level(logging.WARNING):
        assert admissions.vendors([entry()], OPEN) == []
    assert said in caplog.text


def test_a_skill_that_the_house_offers_by_now_is_the_houses(admissions: Admissions):
    own = entry()
    newer = replace(own, card=ParseDict({"skills": [{"id": "list-channels", "name": "L"}]}, type(own.card)()))
    admissions.admit(vendor())
    assert admissions.vendors([newer], OPEN) == []


@pytest.mark.asyncio
async def test_an_agent_let_in_again_gets_tokens_at_once_and_one_dismissed_none(build_house: Any):
    house = build_house()
    admissions, agent = house.services.admissions, "agent:editing-assistant"
    kept = admissions.find(agent)
    async with house.open() as client:
        subject = await house.person_token(client, "person:sam", agent)
        admissions.admit(kept.model_copy(update={"identity": kept.identity.model_copy(update={"software": "2"})}))
        answer = await client.post("/oauth/token", data=house.agent_form(agent, subject, "mcp:assets"))
        assert (answer.status_code, answer.json()["code"]) == (401, "AGENT_NOT_ADMITTED")
        assert answer.json()["hint"].endswith("holdback agents admit editing-assistant")
        admissions.admit(kept)
        assert await house.agent_token(client, agent, subject, "mcp:assets")
        admissions.dismiss(agent)
        answer = await client.post("/oauth/token", data=house.agent_form(agent, subject, "mcp:assets"))
        assert (answer.status_code, answer.json()["code"]) == (401, "AGENT_NOT_ADMITTED")
        assert "nobody let it in" in answer.json()["message"]


def guide_form(house: Any, subject: str, keys: KeyPair, software: str) -> dict[str, str]:
    """What the guide asks for a token with; its key and software are shown as they are."""
    shown = AgentIdentity(key=keys.kid, software=software).shown()
    assertion = sign_assertion(
        keys, "agent:guide", "gateway", house.clock, house.services.new_id("evt"), identity=shown
    )
    return house.agent_form("agent:compliance", subject, "gateway") | {
        "task": "task-1",
        "skill": "list-channels",
        "client_assertion": assertion,
        "scope": "registry:read",
    }


@pytest.mark.asyncio
async def test_an_agent_from_outside_is_known_to_a_gateway_that_runs_and_so_is_its_new_key(build_house: Any):
    house = build_house()
    gateway = build_gateway(replace(house.services, egress=OPEN))
    house, newer, may = replace(house, gateway=gateway), KeyPair.generate(), {"gateway": ["registry:read"]}
    async with house.open() as client:
        unknown = await client.get("/agents/guide/.well-known/agent-card.json")
        house.services.admissions.admit(vendor(at=house.clock(), grants=may))
        await gateway._newcomers.look()
        card = await client.get("/agents/guide/.well-known/agent-card.json")
        offer = await client.get(
            "/registry", params={"skill": "list-channels"}, headers=await house.bearer(client, "person:sam", "gateway")
        )
        subject = await house.person_token(client, "person:sam", "agent:guide")
        first = await client.post("/oauth/token", data=guide_form(house, subject, KEYS, "0.1.0"))
        house.clock.forward(seconds=1)
        house.services.admissions.admit(vendor(newer, at=house.clock(), grants=may))
        await gateway._newcomers.look()
        stolen = await client.post("/oauth/token", data=guide_form(house, subject, KEYS, "0.1.0"))
        second = await client.post("/oauth/token", data=guide_form(house, subject, newer, "0.1.0"))
    assert [each.status_code for each in (unknown, card, offer, first, stolen, second)] == [
        404,
        200,
        200,
        200,
        401,
        200,
    ]
    assert offer.json()["audience"] == "agent:guide"


@pytest.mark.asyncio
async def test_one_that_was_sent_away_is_told_of_until_another_offers_its_skill(build_house: Any):
    house = build_house()
    gateway = build_gateway(replace(house.services, egress=OPEN))
    house, admissions = replace(house, gateway=gateway), house.services.admissions
    async with house.open() as client:
        admissions.admit(vendor(at=house.clock()))
        await gateway._newcomers.look()
        headers = await house.bearer(client, "person:sam", "agent:guide")
        admissions.dismiss("agent:guide")
        await gateway._newcomers.look()
        told = await client.post("/agents/guide", headers=headers, json={})
        house.clock.forward(seconds=1)
        admissions.admit(vendor(agent="agent:other-guide", at=house.clock()))
        await gateway._newcomers.look()
        gone = await client.post("/agents/guide", headers=headers, json={})
        asking = await house.bearer(client, "person:sam", "gateway")
        offer = await client.get("/registry", params={"skill": "list-channels"}, headers=asking)
    assert (told.status_code, told.json()["code"]) == (403, "AGENT_NOT_ADMITTED")
    assert (gone.status_code, offer.json()["agent"]) == (404, "other-guide")
