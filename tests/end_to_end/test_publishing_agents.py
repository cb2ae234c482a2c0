"""Compliance and the scheduler over what is published: checked again, watched, planned in weeks, and mended."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import av
import numpy as np
import pytest
import pytest_asyncio
from a2a.types.a2a_pb2 import Task, TaskState
from holdback.desk import Desk
from holdback.foundation import Foundation
from holdback.people import LOADER
from holdback.story import decide
from holdback_agents.contracts import (
    ApprovalQuestion,
    CommitReport,
    CommitRequest,
    Part,
    Progress,
    PublicationPlan,
    PublicationRequest,
    Question,
)
from holdback_agents.gateway import store as gateway
from holdback_agents.gateway.store import Approval
from holdback_agents.publishing_parts import (
    ExpiryReport,
    ExpiryWatch,
    PublicationCheck,
    PublicationStanding,
    RescheduleReport,
    RescheduleRequest,
    ScheduleEvent,
    SlotExplanation,
    WeekItem,
    WeekPlan,
    WeekRequest,
)
from holdback_agents.runtime.parts import data_part, find_part, message, problem_of, result_of, text_part
from holdback_agents.runtime.peers import Listener
from holdback_base.database import Database
from holdback_base.ids import system_clock
from holdback_base.problem import Problem
from holdback_base.vocabulary import TimeRange, instant_text
from holdback_servers.schedule import tables as schedule_tables
from holdback_servers.serving import Door
from holdback_servers.settings import PersonSetting, Settings
from holdback_trust import statements
from sqlalchemy import select

pytestmark = pytest.mark.asyncio(loop_scope="module")
P = TypeVar("P", bound=Part)
SAM = PersonSetting(id="person:sam", name="Sam", roles=frozenset({"editor"}))
ALEX = PersonSetting(id="person:alex", name="Alex", roles=frozenset({"approver"}))
PAT = PersonSetting(id="person:pat", name="Pat", roles=frozenset({"planner"}))
RUTH = PersonSetting(id="person:ruth", name="Ruth", roles=frozenset({"rights-manager"}))
PLACES = ("DE", "FR", "GB")


def _film(path: Path, seed: int) -> None:
    """A second of noise."""
    chance = np.random.default_rng(seed)
    with av.open(str(path), "w") as out:
        picture = out.add_stream("mpeg4", rate=12)
        picture.width, picture.height, picture.pix_fmt = 64, 36, "yuv420p"
        for _ in range(12):
            image = chance.integers(0, 255, (36, 64, 3), dtype=np.uint8)
            out.mux(picture.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        out.mux(picture.encode())


@dataclass
class Cut:
    """A cut of the library under a licence of its own."""

    key: str
    asset: str
    media: str
    elements: str
    statement: str


@dataclass
class Outcome:
    """How a task ended or what it asks."""

    task: Task
    progress: list[Progress]

    @property
    def state(self) -> str:
        return TaskState.Name(self.task.status.state).removeprefix("TASK_STATE_")

    @property
    def problem(self) -> Problem:
        return problem_of(self.task, Problem("INTERNAL", "no problem"))

    def result(self, model: type[P]) -> P:
        found = result_of(self.task, model, model.schema_uri())
        assert found is not None, (self.state, self.problem.line())
        return found

    def asked(self, model: type[P]) -> P:
        found = find_part(self.task.status.message.parts, model, model.schema_uri())
        assert found is not None, (self.state, self.problem.line())
        return found


@dataclass
class Town:
    """A house with two channels, and the people who work with it."""

    foundation: Foundation
    folder: Path
    now: datetime
    desks: dict[str, Desk]
    doors: dict[str, Door]
    ahead: list[timedelta]
    """By how much its clocks are ahead of the world's."""
    cuts: dict[str, Cut] = field(default_factory=dict[str, Cut])

    def at(self, days: float) -> datetime:
        """So many days from now, on the full hour."""
        return self.now + timedelta(days=days)

    async def ask(
        self, agent: str, skill: str, part: Part | str, who: str = "sam", task: str = "", into: Outcome | None = None
    ) -> Outcome:
        """Send a request, or the answer to what was asked; until the task ends or waits."""
        desk, told = self.desks[who], into or Outcome(Task(), [])

        async def begun(identity: str) -> None:
            told.task.id = identity

        async def heard(progress: Progress) -> None:
            told.progress.append(progress)

        wire = text_part(part) if isinstance(part, str) else data_part(part)
        sent = message([wire], message_id=self.foundation.new_id("evt"), task_id=task, skill=skill)
        told.task = await desk.peers.converse(desk.peer(agent), sent, Listener(begun, heard))
        return told

    async def followed(self, agent: str, told: Outcome, who: str = "sam") -> Outcome:
        """Once somebody else, such as the approver, has moved it on."""

        async def begun(_identity: str) -> None:
            return None

        async def heard(progress: Progress) -> None:
            told.progress.append(progress)

        desk = self.desks[who]
        told.task = await desk.peers.follow(desk.peer(agent), told.task.id, Listener(begun, heard))
        return told

    async def licence(self, key: str, until: datetime, since: datetime | None = None) -> dict[str, Any]:
        """Record, or change, the one licence of a cut."""
        return await self.desks["loader"].tool(
            "rights.record_right",
            contract={
                "external_key": f"{key}-licence",
                "counterparty": "Northern Film (invented)",
                "direction": "in",
                "status": "active",
                "title": f"Licence of {key}",
            },
            rights=[
                {
                    "external_key": f"{key}-grant",
                    "ref": f"film:{key}",
                    "kind": "grant",
                    "media": ["social"],
                    "territories": list(PLACES),
                    "start": instant_text(since or self.at(-30)),
                    "end": instant_text(until),
                    "clause": "2.1: social media.",
                }
            ],
        )

    async def cut(self, key: str, until: datetime, since: datetime | None = None) -> Cut:
        """A new cut in the library, licensed until then."""
        number = len(self.cuts)
        _film(self.folder / f"{key}.mov", number)
        loader = self.desks["loader"]
        job = await loader.tool(
            "assets.ingest_media",
            path=str(self.folder / f"{key}.mov"),
            title=key,
            kind="master",
            elements=[{"id": key, "kind": "programme", "ref": f"film:{key}", "name": key}],
        )
        asset = (await loader.job("assets", job))["asset_id"]
        version = (await loader.tool("assets.get_asset", asset_id=asset, include_statements=True))["versions"][0]
        await self.licence(key, until, since)
        made = Cut(key, asset, version["media"], version["elements_sha256"], version["statement"])
        self.cuts[key] = made
        return made

    async def cleared(self, cut: Cut, until: datetime, platform: str = "social.youtube") -> dict[str, Any]:
        """A clearance of the cut from now until then."""
        issued = await self.desks["sam"].tool(
            "rights.issue_clearance",
            cut_statements=[cut.statement],
            territories=list(PLACES),
            platforms=[platform],
            start=instant_text(self.now),
            end=instant_text(until),
            accept_partial=True,
        )
        assert issued["clearance"], issued
        return issued

    def approval(self, cut: Cut, clearance: str) -> str:
        """What the gateway signs, and keeps, once Alex has approved what Sam asked."""
        now = self.foundation.clock()
        issued = int(now.timestamp())
        claims = {
            "iss": "gateway",
            "sub": cut.media,
            "elements": cut.elements,
            "clearance": clearance,
            "question": "sha256:" + "0" * 64,
            "decision": "approved",
            "by": "person:alex",
            "for": "person:sam",
            "iat": issued,
            "exp": issued + 86400,
            "jti": self.foundation.new_id("apr"),
        }
        kept = Approval(
            id=claims["jti"],
            asker="person:sam",
            scopes=(),
            agent="scheduler",
            task="another",
            context="",
            question={},
            question_sha256=claims["question"],
            asked=now,
            expires=now,
            tier=1,
            decision="approved",
            decided_by="person:alex",
            decided=now,
        )
        with closing(Database(self.foundation.settings.home / "db" / "gateway.sqlite", gateway.METADATA)) as store:
            store.submit(lambda c: gateway.insert(c, kept)).result()
        return statements.sign(self.foundation.keys("gateway"), statements.APPROVAL, claims)

    async def planned(self, cut: Cut, clearance: str, start: datetime, end: datetime) -> PublicationPlan:
        """Slots held by the scheduler."""
        request = PublicationRequest(
            title=cut.key,
            clearance=clearance,
            asset=cut.asset,
            seconds=1,
            platforms=("social.youtube",),
            window=TimeRange(start=start, end=end),
        )
        return (await self.ask("scheduler", "plan-publication", request)).result(PublicationPlan)

    async def published(self, cut: Cut, until: datetime) -> tuple[str, str]:
        """The ids of a scheduled publication of the cut and of the clearance it stands on."""
        issued = await self.cleared(cut, until)
        plan = await self.planned(cut, issued["clearance"], self.at(1), until)
        told = await self.commit(plan, issued, cut)
        return told.result(CommitReport).publications[0].id, issued["clearance"]

    async def commit(self, plan: PublicationPlan, issued: dict[str, Any], cut: Cut) -> Outcome:
        request = CommitRequest(
            holds=tuple(slot.hold for slot in plan.slots),
            clearance_statement=issued["statement"],
            approval_statement=self.approval(cut, issued["clearance"]),
        )
        return await self.ask("scheduler", "commit-publication", request)

    async def publication(self, identity: str) -> dict[str, Any]:
        return (await self.desks["sam"].tool("schedule.get_schedule", publications=[identity]))["items"][0]


def _channel(name: str, platform: str, **rules: Any) -> dict[str, Any]:
    return {
        "name": name,
        "title": name,
        "kind": "social",
        "platform": platform,
        "territories": list(PLACES),
        "grid_minutes": 60,
        "reach": {"source": "invented for this test", "hours": {"all": [20] * 18 + [100] * 4 + [50] * 2}},
    } | rules


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(opened: Any, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Town]:
    """The house, up, with its channels."""
    home, folder = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("library")
    settings = Settings(home=home, library_roots=(folder.resolve(),))
    ahead = [timedelta()]
    people = (LOADER, SAM, ALEX, PAT, RUTH)
    async with opened(settings, *people, clock=lambda: system_clock() + ahead[0]) as up:
        desks = {who.id.removeprefix("person:"): desk for who, desk in zip(people, up.desks, strict=True)}
        await desks["loader"].tool("schedule.record_channel", channel=_channel("north-one", "social.youtube"))
        now = up.foundation.clock().replace(minute=0, second=0, microsecond=0)
        yield Town(up.foundation, folder, now, desks, up.doors, ahead)


@pytest.mark.processes
async def test_what_no_longer_stands_is_refused_at_commit_told_when_checked_and_found_by_the_watch(town: Town) -> None:
    cut = await town.cut("lantern", town.at(60))
    issued = await town.cleared(cut, town.at(50))
    early = await town.planned(cut, issued["clearance"], town.at(1), town.at(50))
    late = await town.planned(cut, issued["clearance"], town.at(5), town.at(50))
    told = await town.commit(early, issued, cut)
    assert ("scheduler", "compliance") in {each.path for each in told.progress}
    publication = told.result(CommitReport).publications[0]
    good = await town.ask("compliance", "check-publication", f"Does {publication.id} still stand?", who="ruth")
    assert good.result(PublicationStanding).stands

    changed = await town.licence("lantern", town.at(20))
    assert [each["clearance"] for each in changed["stale"]] == [issued["clearance"]]
    checked = (await town.ask("compliance", "", f"Does {publication.id} still stand?", who="pat")).result(
        PublicationStanding
    )
    assert not checked.stands
    findings = {each.code: each for each in checked.items[0].findings}
    assert set(findings) == {"CLEARANCE_STALE", "OUTSIDE_CLEARED_WINDOW"}
    lost = findings["OUTSIDE_CLEARED_WINDOW"]
    assert (lost.territories, lost.windows) == (PLACES, (TimeRange(start=town.at(20), end=town.at(50)),))
    refused = await town.commit(late, issued, cut)
    assert (refused.state, refused.problem.code) == ("FAILED", "CLEARANCE_STALE")
    assert (await town.publication(late.slots[0].hold))["state"] == "held"

    watch = await town.ask("compliance", "", "What expires in the next 90 days?", who="ruth")
    report = watch.result(ExpiryReport)
    assert {each.publication for each in report.at_risk} >= {publication.id}
    ending = next(each for each in report.endings if each.publication == publication.id)
    assert (ending.days_left, ending.within_days, ending.territories) == (49, 90, PLACES)
    denied = await town.ask("compliance", "watch-expiry", ExpiryWatch(days=90, act=True), who="ruth")
    assert (denied.state, denied.problem.code) == ("FAILED", "PERMISSION_DENIED")


async def test_a_shortened_right_is_found_by_the_watch_and_mended_under_a_fresh_clearance(town: Town) -> None:
    cut = await town.cut("harbour", town.at(60))
    publication, clearance = await town.published(cut, town.at(50))
    await town.licence("harbour", town.at(20))
    lost = RescheduleRequest(event=ScheduleEvent(kind="clearance_lost", clearance=clearance))
    before = await town.publication(publication)
    shown = await town.ask("scheduler", "", f"Only show what would change: {clearance} is stale", who="pat")
    preview = shown.result(RescheduleReport)
    assert [(each.publication, each.action, each.applied) for each in preview.changes] == [
        (publication, "shorten", False)
    ]
    assert (await town.publication(publication)) == before

    told = await town.ask("compliance", "watch-expiry", ExpiryWatch(days=90, act=True))
    report = told.result(ExpiryReport)
    mended = next(each for each in report.rescheduled if each.event.clearance == clearance)
    change = next(each for each in mended.changes if each.publication == publication)
    assert (change.action, change.applied) == ("shorten", True)
    assert {piece.end for piece in change.after} == {town.at(20)}
    assert {("compliance",), ("compliance", "scheduler"), ("compliance", "scheduler", "compliance")} <= {
        each.path for each in told.progress
    }
    after = await town.publication(publication)
    assert after["clearance"] == mended.clearance != clearance
    check = await town.ask("compliance", "check-publication", PublicationCheck(publications=(publication,)))
    assert check.result(PublicationStanding).stands
    again = await town.ask("scheduler", "reschedule", lost)
    assert again.result(RescheduleReport).changes == ()


@pytest.mark.processes
async def test_what_is_shown_longer_waits_for_a_person_and_what_is_valid_is_not_taken_for_lost(town: Town) -> None:
    cut = await town.cut("meadow", town.at(20), town.at(6))
    publication, clearance = await town.published(cut, town.at(20))
    sound = await town.ask("scheduler", "", f"{clearance} was revoked")
    assert (sound.state, sound.problem.code) == ("FAILED", "CONFLICT")
    await town.licence("meadow", town.at(20))
    lifted = RescheduleRequest(event=ScheduleEvent(kind="embargo_lifted", media=cut.media))
    waiting = await town.ask("scheduler", "reschedule", lifted)
    assert waiting.state == "INPUT_REQUIRED", waiting.result(RescheduleReport)
    question = waiting.asked(ApprovalQuestion)
    assert (question.media, question.elements) == (cut.media, cut.elements)
    assert "extend" in question.text
    await decide(town.desks["alex"], question, "approved", "longer is fine")
    told = (await town.followed("scheduler", waiting)).result(RescheduleReport)
    assert [(each.publication, each.action, each.applied) for each in told.changes] == [(publication, "extend", True)]
    assert told.approvals == (question.approval,)


async def test_a_week_is_planned_followed_held_and_explained(town: Town) -> None:
    cut = await town.cut("lighthouse", town.at(20))
    issued = await town.cleared(cut, town.at(20))
    clearance = issued["clearance"]
    window = TimeRange(start=town.at(1), end=town.at(3))
    items = [WeekItem(title=f"Part {number}", clearance=clearance, asset=cut.asset, seconds=1) for number in range(3)]
    crowded = WeekItem(title="Too late", clearance=clearance, seconds=1, earliest=town.at(2), until=town.at(2.02))
    told = await town.ask("scheduler", "plan-week", WeekRequest(items=(*items, crowded), window=window))
    week = told.result(WeekPlan)
    held = {each.title: each for each in week.placements}
    assert set(held) >= {"Part 0", "Part 1", "Part 2"}
    assert all(each.hold and each.reach == 100 for each in held.values() if each.title != "Too late")
    steps = [each.text for each in told.progress]
    assert steps[0].startswith("Reading clr_")
    assert steps.index("Planning 4 items") < steps.index("Holding 4 placements")
    first = await town.publication(held["Part 0"].hold or "")
    assert (first["state"], first["asset"], first["title"]) == ("held", cut.asset, "Part 0")

    why = await town.ask("scheduler", "", f"Why is {first['id']} there under {clearance}?", who="ruth")
    explained = why.result(SlotExplanation)
    assert (explained.free, explained.channel, explained.publication) == (True, "north-one", first["id"])
    assert all(each.kept for each in explained.rules)
    past = instant_text(town.at(-1))
    refused = await town.ask("scheduler", "", f"Why not {first['id']} at {past} under {clearance}?", who="ruth")
    answer = refused.result(SlotExplanation)
    assert not answer.free
    assert "IN_THE_PAST" in {each.rule for each in answer.rules if not each.kept}
    assert "broken" in answer.text.splitlines()[1]


@pytest.mark.processes
async def test_a_week_in_words_asks_for_what_is_missing_and_a_lost_clearance_is_not_planned(town: Town) -> None:
    cut = await town.cut("windmill", town.at(20))
    clearance = (await town.cleared(cut, town.at(20)))["clearance"]
    waiting = await town.ask("scheduler", "", f"Plan the week: {clearance}, only plan", who="pat")
    assert set(waiting.asked(Question).missing) == {"items", "window"}
    told = await town.ask("scheduler", "", "for the next week, 2 s each", who="pat", task=waiting.task.id, into=waiting)
    again = told.result(WeekPlan)
    assert [(each.hold, each.channel) for each in again.placements] == [(None, "north-one")]
    await town.desks["sam"].tool("rights.revoke_clearance", clearance=clearance, reason="a test")
    lost = await town.ask("scheduler", "plan-week", f"Plan for the next week: {clearance} 2 s", who="pat")
    assert (lost.state, lost.problem.code) == ("FAILED", "CLEARANCE_REVOKED")


@pytest.mark.processes
async def test_what_is_locked_is_left_to_a_person_and_what_is_pulled_comes_off_the_books(town: Town) -> None:
    cut = await town.cut("belfry", town.at(60))
    publication, clearance = await town.published(cut, town.at(50))
    sam = town.desks["sam"]
    await sam.tool("schedule.lock_publication", publication=publication, locked=True, reason="sponsored")
    await town.licence("belfry", town.at(60), since=town.at(30))
    told = await town.ask("scheduler", "", f"{clearance} is stale")
    report = told.result(RescheduleReport)
    assert [(each.action, each.needs_person, each.applied) for each in report.changes] == [("keep", True, False)]
    assert any(f"See to {publication}" in note and "locked" in note for note in report.notes)
    pulled = await town.ask("scheduler", "", f"Pull {cut.media}")
    done = pulled.result(RescheduleReport)
    assert [(each.publication, each.action, each.applied) for each in done.changes] == [(publication, "cancel", True)]
    assert (await town.publication(publication))["state"] == "cancelled"
    gone = (await town.ask("scheduler", "", f"Pull {cut.media}")).result(RescheduleReport)
    assert gone.changes == ()
    assert "see whether the hash is right" in gone.text


@pytest.mark.processes
async def test_breaking_news_makes_room_and_keeps_its_slot_and_a_planner_may_not_have_a_clearance_issued(
    town: Town,
) -> None:
    cut = await town.cut("flood", town.at(60))
    publication, clearance = await town.published(cut, town.at(50))
    start = datetime.fromisoformat((await town.publication(publication))["start"])
    event = ScheduleEvent(
        kind="breaking_news", channel="north-one", start=start, duration_seconds=60, title="The flood", media=cut.media
    )
    told = await town.ask("scheduler", "reschedule", RescheduleRequest(event=event))
    report = told.result(RescheduleReport)
    assert report.hold is not None
    assert (await town.publication(report.hold))["start"] == instant_text(start)
    await town.desks["sam"].tool("schedule.cancel_publication", publication=report.hold, reason="a test")
    await town.licence("flood", town.at(20))
    mended = await town.ask("scheduler", "", f"{clearance} is stale", who="pat")
    answer = mended.result(RescheduleReport)
    assert answer.clearance is None
    assert any("PERMISSION_DENIED" in note for note in answer.notes)
    assert [(each.action, each.applied) for each in answer.changes] == [("shorten", True)]


@pytest.mark.processes
async def _two_held(town: Town, name: str) -> tuple[CommitRequest, tuple[str, str]]:
    """A commit of two slots of a cut, and the ids of the slots."""
    cut = await town.cut(name, town.at(30))
    issued = await town.cleared(cut, town.at(30))
    plans = [await town.planned(cut, issued["clearance"], town.at(day), town.at(day + 1)) for day in (21, 23)]
    first, second = (plan.slots[0].hold for plan in plans)
    request = CommitRequest(
        holds=(first, second, first),
        clearance_statement=issued["statement"],
        approval_statement=town.approval(cut, issued["clearance"]),
    )
    return request, (first, second)


@pytest.mark.processes
async def test_a_commit_that_is_cancelled_half_way_leaves_nothing_committed(town: Town) -> None:
    request, (first, second) = await _two_held(town, "halfway")
    sam, told = town.desks["sam"], Outcome(Task(), [])
    reached = asyncio.Event()

    async def begun(identity: str) -> None:
        told.task.id = identity

    async def heard(progress: Progress) -> None:
        if progress.text == f"Committing {second}":
            reached.set()

    sent = message([data_part(request)], message_id=town.foundation.new_id("evt"), skill="commit-publication")
    task = asyncio.create_task(sam.peers.converse(sam.peer("scheduler"), sent, Listener(begun, heard)))
    await reached.wait()
    await sam.peers.cancel(sam.peer("scheduler"), told.task.id)
    assert TaskState.Name((await task).status.state) == "TASK_STATE_CANCELED"
    assert {(await town.publication(each))["state"] for each in (first, second)} == {"cancelled"}


async def test_of_a_commit_one_slot_of_which_is_refused_the_others_are_taken_back(town: Town) -> None:
    request, (first, second) = await _two_held(town, "refused")
    await town.desks["sam"].tool("schedule.cancel_publication", publication=second, reason="a test")
    told = await town.ask("scheduler", "commit-publication", request)
    assert (told.state, told.problem.code) == ("FAILED", "CONFLICT")
    assert (await town.publication(first))["state"] == "cancelled"


@pytest.mark.usefixtures("planning_stands")
async def test_cancelling_while_a_month_is_planned_stops_the_job_and_holds_nothing(town: Town) -> None:
    cut = await town.cut("ferry", town.at(20))
    clearance = (await town.cleared(cut, town.at(20), "social.instagram"))["clearance"]
    names = tuple(f"ferry-{number}" for number in range(12))
    for name in names:
        await town.desks["loader"].tool("schedule.record_channel", channel=_channel(name, "social.instagram"))
    items = tuple(WeekItem(title=f"Ferry {number}", clearance=clearance, seconds=1) for number in range(100))
    told = Outcome(Task(), [])
    window = TimeRange(start=town.at(1), end=town.at(20))
    request = WeekRequest(items=items, window=window, channels=names)
    asking = asyncio.create_task(town.ask("scheduler", "plan-week", request, into=told))
    while not any(each.unit == "items" for each in told.progress):
        await asyncio.wait([asking], timeout=0.01)
        assert not asking.done(), told.state
    sam = town.desks["sam"]
    await sam.peers.cancel(sam.peer("scheduler"), told.task.id)
    assert (await asking).state == "CANCELED"
    held = (await sam.tool("schedule.get_schedule", states=["held"], limit=200))["items"]
    assert not [each for each in held if each["title"].startswith("Ferry")]
    jobs = schedule_tables.TABLES.jobs
    database = town.doors["schedule"].services.database
    state = select(jobs.c.state).order_by(jobs.c.id.desc()).limit(1)
    async with asyncio.timeout(100):
        while await database.read(lambda c: c.execute(state).scalar_one()) == "running":  # it stops at its next look
            await asyncio.wait([asking], timeout=0.05)
    assert await database.read(lambda c: c.execute(state).scalar_one()) == "cancelled"


@pytest.mark.processes
async def test_what_outlives_its_paper_stands_as_long_as_the_rights_give_it(town: Town) -> None:
    cut = await town.cut("mooring", town.at(60))
    issued = await town.cleared(cut, town.at(50))
    plan = await town.planned(cut, issued["clearance"], town.at(12), town.at(50))
    publication = (await town.commit(plan, issued, cut)).result(CommitReport).publications[0].id

    async def check() -> PublicationStanding:
        asked = PublicationCheck(publications=(publication,))
        return (await town.ask("compliance", "check-publication", asked)).result(PublicationStanding)

    other = await town.cut("jetty", town.at(60))
    paper = await town.cleared(other, town.at(50))
    window = TimeRange(start=town.at(14), end=town.at(50))
    wish = PublicationRequest(
        title="jetty", clearance=paper["clearance"], seconds=1, platforms=("social.youtube",), window=window
    )
    unentered = (await town.ask("scheduler", "plan-publication", wish)).result(PublicationPlan)
    left = (await town.commit(unentered, paper, other)).result(CommitReport).publications[0].id

    town.ahead[0] = timedelta(days=8)
    said = await town.ask("scheduler", "", f"{paper['clearance']} was revoked")
    assert said.result(RescheduleReport).changes == ()  # it only expired, and nobody can clear it again
    assert (await town.publication(left))["state"] == "scheduled"
    assert ((await check()).items[0].status, (await check()).stands) == ("expired", True)
    await town.licence("mooring", town.at(70))
    assert (await check()).stands  # decided anew
    await town.licence("mooring", town.at(20))
    told = await check()
    assert {each.code for each in told.items[0].findings} == {"CLEARANCE_STALE", "OUTSIDE_CLEARED_WINDOW"}
