"""What agents of too low a security level try to have made of valuable material, through the real doors.

The tokens are signed with the gateway's own key: each room looks at the level that stands in them.
"""

import itertools
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any

import pytest
from holdback_base.vocabulary import instant_text
from holdback_servers.media_store import MediaStore
from holdback_trust.identity import TaskClaim
from holdback_trust.statements import sign_cut
from holdback_trust.task_policy import mint, policy_sha256
from holdback_trust.tasks import ids_told
from holdback_trust.tokens import TokenAuthority

pytestmark = pytest.mark.asyncio(loop_scope="module")
AGENT, SAM = "agent:scheduler", "person:sam"
TOOLS = frozenset(
    {
        "editing.create_timeline",
        "editing.revise_timeline",
        "editing.render_timeline",
        "rights.issue_clearance",
        "schedule.commit_publication",
        "schedule.move_publication",
        "schedule.apply_changes",
    }
)
SCOPES = ["editing:read", "editing:write", "rights:clear", "schedule:plan", "schedule:commit"]
LOW = [(100, 2), (100, 3), (200, 3)]
Ask = Callable[..., Coroutine[Any, Any, dict[str, Any]]]
_numbers = itertools.count()


@pytest.fixture
def ask(house: Any) -> Ask:
    """`await ask(capability, level, **arguments)`: what a tool answers an agent of a level, in a task that was shown
    all that it names."""

    async def asked(capability: str, level: int, **arguments: Any) -> dict[str, Any]:
        room, _, tool = capability.partition(".")
        task, now = f"valued-{next(_numbers)}", house.foundation.clock()
        house.foundation.enforcement.shown(task, ids_told(repr(arguments)))
        claim = TaskClaim(id=task, root=task, skill="publish", tools=TOOLS, expires=now + timedelta(hours=1))
        sealed = claim.model_copy(update={"policy": policy_sha256(mint(claim, AGENT, SAM))})
        token = _authority(house).issue(
            audience=f"mcp:{room}", person=SAM, roles=["editor"], scopes=SCOPES, actor=AGENT, task=sealed, level=level
        )
        headers = {"accept": "application/json, text/event-stream", "mcp-protocol-version": "2025-06-18"}
        shape = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}
        answer = await house.http.post(
            f"/mcp/{room}", json=shape, headers=headers | {"authorization": f"Bearer {token}"}
        )
        return answer.json()["result"]["structuredContent"]

    return asked


def _authority(house: Any) -> TokenAuthority:
    foundation = house.foundation
    return TokenAuthority("gateway", foundation.keys("gateway"), foundation.clock, lambda: foundation.new_id("evt"))


async def _approved(house: Any, identity: str) -> str:
    """The signed approval of Alex, who proved a second factor."""
    token = _authority(house).issue(
        audience="gateway", person="person:alex", roles=["approver"], scopes=["approval:decide"], factors=["otp"]
    )
    answer = await house.post(f"/approvals/{identity}", {"decision": "approved"}, token)
    await house.told(identity)
    return answer.json()["statement"]


def _refused(told: dict[str, Any], tier: int) -> None:
    assert told.get("code") == "PERMISSION_DENIED", told
    assert (
        f"is of value tier {tier}: Material of value tier {tier} takes a security level that {AGENT}" in told["message"]
    )
    assert told["details"]["policy"] == "tier-reached"


def _signed(house: Any, tier: int) -> tuple[str, str]:
    cut = house.cut(tier)
    statement = sign_cut(house.foundation.keys("mcp:editing"), "mcp:editing", cut, house.foundation.clock())
    return cut.media, statement


def _timeline(house: Any, tier: int) -> dict[str, Any]:
    media, statement = _signed(house, tier)
    clips = [{"media": media, "in_frame": 0, "out_frame": 12}]
    return {"title": "Of value", "sources": [statement], "clips": clips}


@pytest.mark.parametrize(("level", "tier"), LOW)
async def test_an_agent_cuts_what_is_above_its_level(house: Any, unmoved: Any, ask: Ask, level: int, tier: int) -> None:
    wanted = _timeline(house, tier)
    async with unmoved():
        _refused(await ask("editing.create_timeline", level, **wanted), tier)


@pytest.mark.parametrize(("level", "tier"), LOW)
async def test_an_agent_recuts_and_renders_a_persons_cut_above_its_level(
    house: Any, unmoved: Any, ask: Ask, level: int, tier: int
) -> None:
    made = await house.sam.tool("editing.create_timeline", **_timeline(house, tier))
    operations = [{"op": "trim_clip", "clip": made["clips"][0]["id"], "out_frame": 6}]
    async with unmoved():
        _refused(await ask("editing.revise_timeline", level, timeline_id=made["id"], operations=operations), tier)
        _refused(await ask("editing.render_timeline", level, timeline_id=made["id"]), tier)


@pytest.mark.parametrize(("level", "tier"), LOW)
async def test_an_agent_clears_what_is_above_its_level_among_what_is_not(
    house: Any, unmoved: Any, ask: Ask, level: int, tier: int
) -> None:
    statements = [_signed(house, 1)[1], _signed(house, tier)[1]]
    question = {"territories": ["GB"], "platforms": ["social.youtube"], "start": instant_text(house.now)}
    question["end"] = instant_text(house.now + timedelta(days=1))
    async with unmoved():
        _refused(await ask("rights.issue_clearance", level, cut_statements=statements, **question), tier)


@pytest.mark.parametrize(("level", "tier"), LOW)
async def test_an_agent_publishes_what_is_above_its_level_though_a_person_cleared_and_approved_it(
    house: Any, unmoved: Any, ask: Ask, level: int, tier: int
) -> None:
    story = await house.waiting(tier=tier)
    approval = await _approved(house, story.identity)
    papers = {"hold": story.held["id"], "clearance": story.issued["statement"], "approval": approval}
    async with unmoved():
        _refused(await ask("schedule.commit_publication", level, **papers), tier)
    done = await ask("schedule.commit_publication", tier * 100, **papers)
    assert done["state"] == "scheduled"
    await _moves_it(ask, unmoved, done, level, tier)


async def _moves_it(ask: Ask, unmoved: Any, scheduled: dict[str, Any], level: int, tier: int) -> None:
    """By hand, and as a change of plan; who has the level may."""
    [slot] = scheduled["availability"]
    start, five = datetime.fromisoformat(slot["start"]), timedelta(minutes=5)
    there = [slot | {"end": instant_text(datetime.fromisoformat(slot["end"]) - five)}]
    change = {each: scheduled[each] for each in ("channel", "title", "state")} | {"publication": scheduled["id"]}
    change |= {"action": "move", "before": [slot], "after": [slot | {"start": instant_text(start - five)}]}
    move = {"publication": scheduled["id"], "availability": there, "reason": "five minutes less"}
    async with unmoved():
        _refused(await ask("schedule.move_publication", level, **move), tier)
        _refused(await ask("schedule.apply_changes", level, changes=[change], reason="earlier"), tier)
    moved = await ask("schedule.move_publication", tier * 100, **move)
    assert moved["publications"][0]["availability"] == there, moved


async def test_an_agent_of_the_level_cuts_and_clears_material_of_the_tier(house: Any, ask: Ask) -> None:
    for tier in (1, 2, 3):
        made = await ask("editing.create_timeline", tier * 100, **_timeline(house, tier))
        assert made["id"]
        issued = await ask(
            "rights.issue_clearance",
            tier * 100,
            cut_statements=[_signed(house, tier)[1]],
            territories=["GB"],
            platforms=["social.youtube"],
            start=instant_text(house.now),
            end=instant_text(house.now + timedelta(days=1)),
        )
        assert issued["statement"]


async def test_an_agent_uses_the_old_papers_of_what_has_become_valuable_since(
    house: Any, unmoved: Any, ask: Ask
) -> None:
    wanted, (media, statement) = _timeline(house, 1), _signed(house, 1)
    made = await house.sam.tool("editing.create_timeline", **wanted)
    story = await house.waiting()
    approval = await _approved(house, story.identity)
    store = MediaStore(house.home / "media")
    for each in (wanted["clips"][0]["media"], media, story.cut.media):
        store.value(each, 3)
    question = {"territories": ["GB"], "platforms": ["social.youtube"], "start": instant_text(house.now)}
    papers = {"hold": story.held["id"], "clearance": story.issued["statement"], "approval": approval}
    async with unmoved():
        _refused(await ask("editing.create_timeline", 200, **wanted), 3)
        _refused(await ask("editing.render_timeline", 200, timeline_id=made["id"]), 3)
        _refused(await ask("rights.issue_clearance", 200, cut_statements=[statement], **question), 3)
        _refused(await ask("schedule.commit_publication", 200, **papers), 3)
