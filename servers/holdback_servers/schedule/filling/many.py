"""Many items planned at once: a job that plans, and a tool that holds what it placed."""

import asyncio
import threading
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Final

from holdback_base.database import put_into_story
from holdback_base.problem import Problem
from holdback_base.vocabulary import Instant
from pydantic import Field
from sqlalchemy import Connection, select

from holdback_servers.jobs import Job, Report
from holdback_servers.schedule import books, plans, store
from holdback_servers.schedule.arguments import actor_of, bounded, chosen, following, story_for
from holdback_servers.schedule.constraints import Books
from holdback_servers.schedule.filling.holding import Wanted, held_publication
from holdback_servers.schedule.plan_nouns import HeldPlan, ManyPlan, NotHeld, PlanHold, PlanItem, PlanRequest
from holdback_servers.schedule.proposing.reaching import Curves
from holdback_servers.schedule.tables import STORIES
from holdback_servers.services import Call, Services
from holdback_servers.serving import Door

PLANNING: Final = "plan"
"""The kind of planning jobs."""
_LATE: Final = ("SLOT_TAKEN", "SLOT_REFUSED", "INVALID_ARGUMENT")
"""Refusals of a single slot, as opposed to those of the whole plan."""

Minutes = Annotated[
    int | None, Field(description="How long to keep it; as the house says when left out.", ge=1, le=24 * 60)
]


class Planning:
    """The handler of planning jobs; the plan is made in a thread, so that the door stays open.

    Reach is what proposals say as well: the channel's curve, refined by what really was seen.
    """

    def __init__(self, services: Services) -> None:
        self._services, self._curves = services, Curves()

    async def __call__(self, request: dict[str, Any], report: Report) -> dict[str, Any]:
        """Make one plan; the answer is a `ManyPlan`. Raises Problem as `plan` does."""
        asked = PlanRequest.model_validate(request)
        loop, stopped = asyncio.get_running_loop(), threading.Event()
        known = await self._services.database.read(lambda c: self._books(c, asked))

        def tell(done: int, total: int, text: str) -> None:
            if not stopped.is_set():
                loop.call_soon_threadsafe(report, done, total, "items", text)

        def work() -> dict[str, Any]:
            made = plans.plan(known, asked, self._services.clock(), tell, stopped.is_set)
            return made.model_dump(mode="json", exclude_none=True)

        try:
            return await asyncio.to_thread(work)
        finally:
            stopped.set()

    def _books(self, c: Connection, asked: PlanRequest) -> dict[str, Books]:
        now = self._services.clock()
        window = bounded(max(asked.start, now), asked.end, now)
        channels = chosen(c, list(asked.channels), None)
        return {each.name: books.read_books(c, self._curves.refine(c, each), window, now) for each in channels}


def offer_many(door: Door) -> None:
    """Add the tools that plan many items and hold the plan."""
    door.services.jobs.register(PLANNING, Planning(door.services))
    _offer_planning(door)
    _offer_holding(door)


def _offer_planning(door: Door) -> None:
    services = door.services

    @door.tool(title="Plan publications", scope="schedule:plan", kind="write")
    async def plan_publications(
        call: Call,
        *,
        items: Annotated[
            list[PlanItem],
            Field(description="What is to be published, each with its cells.", min_length=1, max_length=5000),
        ],
        start: Annotated[Instant | None, Field(description="Starts lie at or after this; now when left out.")] = None,
        end: Annotated[
            Instant | None, Field(description="Starts lie before this; 28 days on when left out, 92 at most.")
        ] = None,
        channels: Annotated[
            list[str] | None, Field(description="Names of channels; all when left out.", max_length=100)
        ] = None,
    ) -> Job:
        """Plan many items over all channels at once: every rule kept, as much reach times weight as can be found.

        Answers with a job. get_job gives, once it has succeeded, the placements with their reasons, and what did not
        fit with the rules that refuse it and the changes that would make room. Nothing is kept free until hold_plan.
        """
        now = services.clock()
        window = bounded(max(start or now, now), end, now)
        asked = _request(items, window.start, window.end or now, channels)

        def effect(c: Connection) -> dict[str, Any]:
            names = [each.name for each in chosen(c, channels, None)]
            if not names:
                raise Problem("CHANNEL_UNKNOWN", "No channel is recorded yet.", "record_channel adds one.")
            named = tuple(_named(c, each, now) for each in asked.items)
            body = asked.model_copy(update={"channels": tuple(names), "items": named}).model_dump(
                mode="json", exclude_none=True
            )
            job = services.jobs.submit(c, PLANNING, body, call.caller.person)
            put_into_story(c, STORIES, job.id, _story_of(c, services, asked.items))
            return job.model_dump(mode="json")

        job = Job.model_validate(await services.database.write(lambda c: call.once(c, lambda: effect(c))))
        await services.jobs.wake()
        return await services.jobs.get(job.id, call.caller.person)


def _story_of(c: Connection, services: Services, items: Sequence[PlanItem]) -> str | None:
    """The closed story of what is to be planned; who does not know of it sees nothing of the plan.

    Raises Problem NOT_FOUND for media that the caller may not know of, CONFLICT for items of two closed stories.
    """
    stories = {story_for(c, services.media, each.media) for each in items} - {None}
    if len(stories) > 1:
        raise Problem("CONFLICT", "The items belong to different closed stories.", "Plan those of each by themselves.")
    return next(iter(stories), None)


def _named(c: Connection, item: PlanItem, now: datetime) -> PlanItem:
    if item.details.follows is None:
        return item
    return item.model_copy(update={"details": following(c, item.details, now)})


def _request(items: list[PlanItem], start: datetime, end: datetime, channels: list[str] | None) -> PlanRequest:
    key, times = Counter(each.key for each in items).most_common(1)[0]
    if times > 1:
        raise Problem("INVALID_ARGUMENT", f"Two items have the key {key!r}.", "Give each item a key of its own.")
    return PlanRequest(items=tuple(items), start=start, end=end, channels=tuple(channels or ()))


def _offer_holding(door: Door) -> None:
    services = door.services

    @door.tool(title="Hold plan", scope="schedule:plan", kind="write")
    async def hold_plan(
        call: Call,
        *,
        job_id: Annotated[str, Field(description="The job of plan_publications, job_...")],
        minutes: Minutes = None,
        partial: Annotated[
            bool, Field(description="Hold what is still free when some slots are not; otherwise all or nothing.")
        ] = False,
    ) -> HeldPlan:
        """Keep every slot of a finished plan free, all in one step, until the holds lapse.

        Nothing is held when one of the slots was taken meanwhile, unless partial is set: then those are told.
        """
        now, actor = services.clock(), actor_of(call)
        expires = now + timedelta(minutes=minutes or services.settings.hold_minutes)

        def effect(c: Connection) -> dict[str, Any]:
            asked, made = _planned(c, services, job_id, call.caller.person)
            items = {each.key: each for each in asked.items}
            held: list[PlanHold] = []
            missed: list[NotHeld] = []
            for each in sorted(made.placements, key=lambda each: (each.channel, each.slot.start)):
                item, slot = items[each.item], each.slot
                wanted = Wanted(
                    each.channel, item.title, item.media, item.asset, slot.availability, slot.reasons,
                    item.after_watershed,
                    item.details.model_copy(update={"duration_seconds": item.duration_seconds}),
                )  # fmt: skip
                try:
                    publication = held_publication(c, services, wanted, actor, expires)
                    store.hold(c, publication, f"held with the plan {job_id}", now)
                except Problem as problem:
                    if not partial or problem.code not in _LATE:
                        raise
                    missed.append(
                        NotHeld(
                            item=each.item,
                            channel=each.channel,
                            start=slot.start,
                            code=problem.code,
                            text=problem.message,
                        )
                    )
                    continue
                held.append(
                    PlanHold(
                        item=each.item,
                        channel=each.channel,
                        hold=publication.hold or "",
                        publication=publication.id,
                        start=slot.start,
                        expires=expires,
                    )
                )
            return HeldPlan(held=tuple(held), not_held=tuple(missed)).model_dump(mode="json", exclude_none=True)

        result = await services.database.write(lambda c: call.once(c, lambda: effect(c)))
        return HeldPlan.model_validate(result)


def _planned(c: Connection, services: Services, job_id: str, owner: str) -> tuple[PlanRequest, ManyPlan]:
    """What a finished planning job was asked and answered. Raises Problem NOT_FOUND or CONFLICT."""
    jobs = services.tables.jobs
    query = select(jobs.c.state, jobs.c.request, jobs.c.result).where(
        jobs.c.id == job_id, jobs.c.owner == owner, jobs.c.kind == PLANNING
    )
    row = c.execute(query).first()
    if row is None:
        raise Problem("NOT_FOUND", f"There is no plan {job_id}.", "Use the id that plan_publications answered with.")
    if row.state != "succeeded":
        hint = "Follow it with get_job until it has succeeded; a plan that failed or was cancelled is made anew."
        raise Problem("CONFLICT", f"The plan {job_id} is {row.state}; there is nothing to hold.", hint)
    return PlanRequest.model_validate(row.request), ManyPlan.model_validate(row.result)
