"""The two tools: what an event changes, and doing it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any

from holdback_base.problem import Problem
from pydantic import Field
from sqlalchemy import Connection

from holdback_servers.schedule import run_orders, store
from holdback_servers.schedule.arguments import actor_of, story_for
from holdback_servers.schedule.books import Actor, find_channel
from holdback_servers.schedule.change_nouns import AppliedChanges, BreakingNews, Change, ChangeEvent, ChangePlan
from holdback_servers.schedule.changing.admitting import Statements, admissions_for
from holdback_servers.schedule.changing.judging import Step, judged
from holdback_servers.schedule.changing.looking import look
from holdback_servers.schedule.impact import plan_changes as planned
from holdback_servers.schedule.model import Availability, Details, Hold, Publication
from holdback_servers.schedule.ports import Outside
from holdback_servers.services import Call, Services
from holdback_servers.serving import Door

Event = Annotated[ChangeEvent, Field(description="What happened; its kind says which fields it has.")]


def offer_changing(door: Door, outside: Outside) -> None:
    """Add them to the schedule's door."""

    @door.tool(title="Plan changes", scope="schedule:read")
    async def plan_changes(call: Call, event: Event) -> ChangePlan:
        """Work out the least that an event changes: what comes down, is shortened, moves, may be extended, or is lost.

        Kinds: clearance_lost, rights_changed, embargo_lifted, asset_pulled (give as cells what is cleared now),
        breaking_news and channel_down. Nothing locked or on air is moved, nothing is changed by this. Give the changes
        to apply_changes; those with needs_person only after a person has decided.
        """
        return await _plan(call.services, event)

    @door.tool(title="Apply changes", scope="schedule:commit", kind="destroy", idempotent=True)
    async def apply_changes(
        call: Call,
        *,
        reason: Annotated[str, Field(description="Why; kept in the history.", min_length=1, max_length=400)],
        changes: Annotated[
            list[Change] | None, Field(description="As plan_changes gave them, all or some.", max_length=1000)
        ] = None,
        event: Annotated[
            ChangeEvent | None,
            Field(description="Instead of changes: all that it changes now. With them: it may change nothing else."),
        ] = None,
        clearances: Annotated[
            list[str] | None, Field(description="Newer signed clearances of the media concerned.", max_length=50)
        ] = None,
        approvals: Annotated[
            list[str] | None, Field(description="Signed approvals, for what is extended.", max_length=50)
        ] = None,
    ) -> AppliedChanges:
        """Make planned changes, all of them or none; what comes down or is shortened comes first and needs nobody.

        What moves must be cleared at its new time, by the clearance that it stands on or by a newer one; what is
        extended needs a newer clearance and a person's approval of it. When the schedule has changed since the plan,
        nothing is done and what changed is named. Made changes may be asked for again.
        """
        services, actor = call.services, actor_of(call)
        if (kept := await services.database.read(call.kept)) is not None:
            return AppliedChanges.model_validate(kept)
        chosen = await _chosen(services, changes, event)
        papers = Statements(clearances or (), approvals or ())
        now = services.clock()
        admissions = await admissions_for(call, outside, chosen, papers, now)

        def becoming(c: Connection) -> Sequence[Publication]:
            return [step.becomes for step in judged(c, chosen, admissions, now) if step.takes_runs]

        def effect(c: Connection, reservation: run_orders.Reservation) -> dict[str, Any]:
            steps = judged(c, chosen, admissions, now)
            done = [_made(c, step, actor, reason, reservation=reservation, now=now) for step in steps]
            hold = _held(c, event, services, actor, now)
            return AppliedChanges(changes=tuple(done), hold=hold).model_dump(mode="json", exclude_none=True)

        async with run_orders.secured(services.database, outside.runs, becoming, now) as reservation:
            result = await services.database.write(lambda c: call.once(c, lambda: effect(c, reservation)))
        await run_orders.settle(services.database, outside.runs, [each.publication for each in chosen], now)
        return AppliedChanges.model_validate(result)


async def _plan(services: Services, event: ChangeEvent) -> ChangePlan:
    now = services.clock()
    return planned(event, await services.database.read(lambda c: look(c, event, services.ring, now)))


async def _chosen(services: Services, changes: list[Change] | None, event: ChangeEvent | None) -> tuple[Change, ...]:
    """The changes to make.

    Raises:
        Problem: INVALID_ARGUMENT without both; SLOT_REFUSED when the event cannot be met; CONFLICT when by now it
            changes something that is not among the changes.
    """
    if event is None:
        if changes is None:
            raise Problem("INVALID_ARGUMENT", "Neither changes nor an event is given.", "Give what plan_changes gave.")
        return tuple(changes)
    plan = await _plan(services, event)
    if plan.refused:
        text = f"{event.text()}: this cannot be done: {'; '.join(plan.refused)}."
        raise Problem("SLOT_REFUSED", text, "Unlock or cancel what does not give way, or choose another time.")
    if changes is None:
        return plan.changes
    known = {each.publication for each in changes}
    if new := [each for each in plan.changes if each.publication not in known and each.action != "keep"]:
        told = ", ".join(f"{each.publication} ({each.action})" for each in new)
        raise Problem(
            "CONFLICT",
            f"The event concerns what is not among the changes: {told}.",
            "Plan the changes again, and apply those; or give the changes without the event.",
            publications=[each.publication for each in new],
        )
    return tuple(changes)


def _made(
    c: Connection, step: Step, actor: Actor, reason: str, *, reservation: run_orders.Reservation, now: datetime
) -> Change:
    """Write one step, and the change as it was made."""
    becomes = step.becomes
    after = () if becomes.state == "cancelled" else becomes.availability
    if not step.done and (step.admission is not None or store.find_publication(c, becomes.id, now) != becomes):
        if step.takes_runs:
            run_orders.confirm(c, becomes, reservation, now)
        if step.admission is not None:
            store.keep_papers(c, becomes.id, step.admission.papers)
        why = "; ".join((reason, step.change.action, *step.change.reasons[:1]))
        store.put(c, becomes, actor, why, now)
    return step.change.model_copy(update={"after": after})


def _held(c: Connection, event: ChangeEvent | None, services: Services, actor: Actor, now: datetime) -> Hold | None:
    """A slot for breaking news whose media is known."""
    if not isinstance(event, BreakingNews) or event.media is None:
        return None
    channel = find_channel(c, event.channel)
    end = event.start + timedelta(seconds=event.duration_seconds) if channel.kind == "linear" else None
    places = tuple(sorted(channel.reaches(event.start)))
    publication = Publication(
        id=services.new_id("pub"),
        channel=channel.name,
        platform=channel.platform,
        title=event.title,
        media=event.media,
        availability=(Availability(territories=places, start=event.start, end=end),),
        start=event.start,
        end=end,
        state="held",
        hold=services.new_id("hold"),
        expires=now + timedelta(minutes=services.settings.hold_minutes),
        by=actor.by,
        on_behalf_of=actor.on_behalf_of,
        details=Details(priority=event.priority, duration_seconds=event.duration_seconds),
        story=story_for(c, services.media, event.media),
    )
    return store.hold(c, publication, "held for breaking news", now)
