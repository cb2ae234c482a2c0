"""A house of its own for attacks on approvals: two channels, and an agent of it in the attacker's hands."""

import asyncio
import itertools
from collections.abc import AsyncGenerator, Awaitable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from holdback.desk import Desk
from holdback.foundation import Foundation
from holdback.outside import home_outside
from holdback.people import LOADER
from holdback_agents.editing_assistant import editing_assistant
from holdback_agents.runtime.brain import Rules
from holdback_agents.runtime.house import House as AgentsWay
from holdback_agents.runtime.house import Session, Work
from holdback_agents.runtime.lines import OverNetwork
from holdback_base.elements import CutFacts, Element, ElementList
from holdback_base.ids import system_clock
from holdback_base.problem import Problem
from holdback_base.vocabulary import Rate, Span, instant_text
from holdback_servers.media_store import MediaStore
from holdback_servers.schedule.ticking import Playout
from holdback_servers.serving import Door
from holdback_servers.settings import AgentSetting, AutonomySetting, PersonSetting, Settings, StorySetting
from holdback_trust.statements import sign_cut
from holdback_trust.tokens import TokenVerifier

pytestmark = pytest.mark.asyncio(loop_scope="module")
SAM = PersonSetting(id="person:sam", name="Sam", roles=frozenset({"editor", "approver", "planner"}))
ALEX = PersonSetting(id="person:alex", name="Alex", roles=frozenset({"approver"}))
AGENT, SKILL = "editing-assistant", "make-highlight"
STORY = "court-ruling"


@dataclass
class Story:
    """A cut that was cleared and held, and about which a question waits; `statement` once it was approved."""

    cut: CutFacts
    issued: dict[str, Any]
    held: dict[str, Any]
    identity: str = ""
    statement: str = ""


def question_of(story: Story) -> dict[str, Any]:
    """What an honest agent asks."""
    slot = story.held["publication"]
    shown = {"hold": story.held["id"], "platform": "social.youtube", "expires": story.held["expires"]}
    shown |= {name: slot[name] for name in ("channel", "start", "availability")}
    return {
        "title": "A highlight",
        "media": story.cut.media,
        "elements": story.cut.element_list.sha256(),
        "clearance": story.issued["clearance"],
        "clearance_statement": story.issued["statement"],
        "slots": [shown],
    }


@dataclass
class Court:
    """A house with two channels of its own, and an agent of it in the attacker's hands."""

    url: str
    home: Path
    foundation: Foundation
    sam: Desk
    alex: Desk
    loader: Desk
    way: AgentsWay
    http: httpx.AsyncClient
    ahead: list[timedelta]
    doors: dict[str, Door]
    numbers: Any = field(default_factory=itertools.count)

    async def refused(self, attempt: Awaitable[Any]) -> Problem:
        """What is said to an attempt; it has a hint."""
        with pytest.raises(Problem) as problem:
            await attempt
        assert problem.value.hint
        return problem.value

    @property
    def now(self) -> datetime:
        return self.foundation.clock().replace(minute=0, second=0, microsecond=0)

    def cut(self, tier: int = 1, story: str | None = None) -> CutFacts:
        """A cut as the cutting room signs it, whose bytes are in the media store."""
        media = MediaStore(self.home / "media").put(f"cut {next(self.numbers)}".encode())
        film = Element(id="e", kind="programme", ref="film:harbour", name="f", spans=(Span(in_frame=0, out_frame=24),))
        listed = ElementList(rate=Rate(num=24, den=1), frames=24, elements=(film,))
        return CutFacts(media=media, element_list=listed, width=16, height=16, tier=tier, story=story)

    async def cleared(self, cut: CutFacts) -> dict[str, Any]:
        keys = self.foundation.keys("mcp:editing")
        issued = await self.sam.tool(
            "rights.issue_clearance",
            cut_statements=[sign_cut(keys, "mcp:editing", cut, self.foundation.clock())],
            territories=["GB"],
            platforms=["social.youtube"],
            start=instant_text(self.now),
            end=instant_text(self.now + timedelta(days=30)),
        )
        assert issued.get("statement"), issued
        return issued

    async def held(self, cut: CutFacts, channel: str = "asked") -> dict[str, Any]:
        """A slot of Sam's for the cut: the next free hour, and no sooner than in two days."""
        start = self.now + timedelta(hours=48 + next(self.numbers))
        return await self.sam.tool(
            "schedule.hold_slot",
            channel=channel,
            title=f"cut {cut.media[7:13]}",
            media=cut.media,
            availability=[{"territories": ["GB"], "start": instant_text(start), "end": instant_text(self.until)}],
            minutes=600,
        )

    @property
    def until(self) -> datetime:
        return self.now + timedelta(days=20)

    async def session(self, task: str) -> Session:
        token = await self.sam.person.token(f"agent:{AGENT}")
        verifier = TokenVerifier(self.foundation.ring, "gateway", f"agent:{AGENT}", self.foundation.clock)
        return Session(verifier.verify(token), token, Work(task, SKILL))

    async def token(self, scope: str, task: str = "") -> str:
        return await self.way.token(await self.session(task or self.task()), "gateway", scope)

    def task(self) -> str:
        return f"task-{next(self.numbers)}"

    async def post(self, path: str, body: Any, token: str) -> httpx.Response:
        return await self.http.post(path, json=body, headers={"authorization": f"Bearer {token}"})

    async def ask(self, question: dict[str, Any], **more: Any) -> httpx.Response:
        task = self.task()
        token = await self.token("approval:ask", task)
        return await self.post("/approvals", {"question": question, "task": task} | more, token)

    async def asked(self, question: dict[str, Any]) -> str:
        answer = await self.ask(question)
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]

    async def decide(self, who: Desk, identity: str, decision: str = "approved") -> str:
        """The signed decision of a person, once the gateway has done with telling it to the task."""
        body = {"decision": decision}
        told = await who.person.ask("POST", f"/approvals/{identity}", "approval:decide", json=body)
        await self.told(identity)
        return str(told["statement"])

    async def told(self, identity: str) -> None:
        """Until the gateway has done with telling a decision to the task; each look lets it work."""
        async with asyncio.timeout(100):
            while (await self.sam.person.ask("GET", f"/approvals/{identity}", ""))["delivery"] == "pending":
                pass

    async def commit(self, held: dict[str, Any], clearance: str, approval: str | None = None) -> dict[str, Any]:
        return await self.sam.tool(
            "schedule.commit_publication", hold=held["id"], clearance=clearance, approval=approval
        )

    async def ready(self, tier: int = 1, **more: Any) -> Story:
        """A cut that is cleared and held, about which nobody was asked."""
        cut = self.cut(tier, **more)
        return Story(cut, await self.cleared(cut), await self.held(cut))

    async def waiting(self, tier: int = 1, **more: Any) -> Story:
        """A cut that is cleared and held, and a question about it."""
        story = await self.ready(tier, **more)
        story.identity = await self.asked(question_of(story))
        return story

    async def approved(self) -> Story:
        """The same, and Alex said yes."""
        story = await self.waiting()
        story.statement = await self.decide(self.alex, story.identity)
        return story

    async def looked_at(self, publication: str, was: str) -> dict[str, Any]:
        """A publication with its history, once a clock of the schedule has moved it on from that state or said why it
        cannot; the house's own clock may be at it as well."""
        clock = Playout(self.doors["schedule"].services, home_outside(self.foundation))
        async with asyncio.timeout(100):
            while True:
                await clock.tick(self.foundation.clock())
                found = await self.sam.tool("schedule.get_schedule", publications=[publication], history=True)
                deliveries = (await self.sam.tool("schedule.list_deliveries", publication=publication))["items"]
                if found["items"][0]["state"] != was or any(each.get("failure") for each in deliveries):
                    return found["items"][0]

    async def revoke(self, who: Desk, identity: str, reason: str) -> dict[str, Any]:
        """A person takes an approval back."""
        path = f"/approvals/{identity}/revoke"
        return await who.person.ask("POST", path, "approval:decide", json={"reason": reason})

    def question(self, story: Story, **more: Any) -> dict[str, Any]:
        """What an agent asks about a story."""
        return question_of(story) | more


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(opened: Any, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Court]:
    """The house, up, where policy passes what is of tier 1 or 2 on the channel `passed`."""
    home = tmp_path_factory.mktemp("home")
    settings = Settings(
        home=home,
        autonomy=AutonomySetting(tier=2, channels=frozenset({"passed"}), most_a_day=100),
        agents={AGENT: AgentSetting(level=300)},
        stories={
            STORY: StorySetting(people=frozenset({SAM.id}), agents=frozenset({f"agent:{AGENT}", "agent:compliance"})),
            "merger": StorySetting(people=frozenset({SAM.id, ALEX.id})),
        },
    )
    ahead = [timedelta()]
    async with AsyncExitStack() as stack:
        desks = opened(settings, LOADER, SAM, ALEX, clock=lambda: system_clock() + ahead[0])
        up = await stack.enter_async_context(desks)
        (loader, sam, alex), url, foundation = up.desks, up.url, up.foundation
        http = await stack.enter_async_context(httpx.AsyncClient(base_url=url, timeout=100))
        way = AgentsWay(
            OverNetwork(url, http),
            f"agent:{AGENT}",
            keys=foundation.keys(f"agent:{AGENT}"),
            clock=foundation.clock,
            new_id=foundation.new_id,
            identity=editing_assistant().identity(foundation.keys(f"agent:{AGENT}").kid, Rules().configuration),
        )
        court = Court(url, home, foundation, sam, alex, loader, way, http, ahead, up.doors)
        for name in ("asked", "passed"):
            await loader.tool("schedule.record_channel", channel=_channel(name))
        await _licence(court)
        yield court


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def open_one(house: Court) -> Story:
    """A question that waits all along, for every attack on it is refused."""
    return await house.waiting()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def given(house: Court) -> Story:
    """An approval that nobody ever manages to use."""
    return await house.approved()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def another(house: Court) -> Story:
    """Another cut, cleared and held, about which nobody was asked."""
    return await house.ready()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def valuable(house: Court) -> Story:
    """A cut of the highest tier, held on the channel for which policy passes what is not."""
    cut = house.cut(tier=3)
    return Story(cut, await house.cleared(cut), await house.held(cut, "passed"))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def second(house: Court, given: Story) -> dict[str, Any]:
    """A second slot for the cut that was approved."""
    return await house.held(given.cut)


def _channel(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "title": name,
        "kind": "social",
        "platform": "social.youtube",
        "territories": ["GB"],
        "reach": {"source": "invented for this test", "hours": {"all": [50] * 24}},
    }


async def _licence(court: Court) -> None:
    grant = {"ref": "film:harbour", "kind": "grant", "media": ["social"], "territories": ["GB"], "clause": "1"}
    window = {"start": instant_text(court.now - timedelta(days=9)), "end": instant_text(court.now + timedelta(days=90))}
    contract = {"counterparty": "Heron Films (invented)", "direction": "in", "status": "active", "title": "Harbour"}
    await court.loader.tool("rights.record_right", contract=contract, rights=[grant | window])
