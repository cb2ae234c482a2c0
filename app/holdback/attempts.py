"""What must not work, tried for real: each attempt goes through the same doors as the work itself."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from holdback_agents.contracts import ApprovalQuestion, CutVersion, Highlight, Slot
from holdback_base.problem import Problem
from holdback_base.vocabulary import Instant, instant_text

from holdback.desk import Desk
from holdback.outcome import Refusal
from holdback.story import decide, revoke
from holdback.telling import Teller

_STEP = timedelta(hours=5)
_MOST_STEPS = 48
"""How far from the time that was meant a free slot is looked for: ten days."""

Attempt = Callable[[], Awaitable[Any]]


@dataclass
class Attempts:
    """Tries things as one person and keeps how they were refused."""

    desk: Desk
    teller: Teller
    refusals: list[Refusal]

    async def try_this(self, tried: str, attempt: Attempt) -> None:
        """Try; keep and tell the refusal. Raises RuntimeError when it worked, for then the house does not hold."""
        try:
            await attempt()
        except Problem as problem:
            who = self.desk.person.facts.name
            kept = Refusal(tried=tried, by=who, code=problem.code, message=problem.message, hint=problem.hint)
            self.refusals.append(kept)
            self.teller.refused(tried, problem.code, problem.message)
            return
        raise RuntimeError(f"It should have been refused, and was not: {tried}")

    async def own_approval(self, question: ApprovalQuestion) -> None:
        """Who asked tries to approve."""
        await self.try_this(
            "Approve what I asked for myself", lambda: decide(self.desk, question, "approved", "looks fine")
        )

    async def without_approval(self, question: ApprovalQuestion) -> None:
        """Commit a held slot with a clearance alone."""
        record = await self.desk.tool("rights.get_clearance", clearance=question.clearance)
        await self.try_this(
            "Publish before anybody has approved",
            lambda: self.desk.tool(
                "schedule.commit_publication", hold=question.slots[0].hold, clearance=record["statement"]
            ),
        )

    async def old_clearance(self, first: CutVersion, final: CutVersion) -> None:
        """The clearance of the first cut, shown for the final one."""
        clearance = first.report.clearance if first.report else None
        await self.try_this(
            f"Use the clearance of {first.name} for {final.name}",
            lambda: self.desk.tool(
                "rights.get_clearance", clearance=clearance, media=final.media, elements=final.elements
            ),
        )

    async def other_places_and_times(self, told: Highlight) -> None:
        """Publish before the embargo ends, and in a territory that is not cleared, with genuine papers."""
        slot = _first(told)
        opening = min(slot.availability, key=lambda piece: piece.start)
        included = {territory for slot in told.slots for piece in slot.availability for territory in piece.territories}
        final, clearance = told.versions[-1].media, told.clearance_statement
        territory = opening.territories[0]
        early = _opens(told, territory, slot.platform) - timedelta(days=1)
        if early > told.brief.window.start:
            name = f"Publish in {territory} before the embargo ends"
            await self._hold_and_commit(name, told, _Publication(final, territory, early, clearance), -_STEP)
        for territory in told.brief.territories:
            if territory not in included:
                name = f"Publish in {territory}, with the papers of {', '.join(sorted(included))}"
                later = opening.start + timedelta(days=3)
                await self._hold_and_commit(name, told, _Publication(final, territory, later, clearance), _STEP)

    async def changed_cut(self, told: Highlight) -> None:
        """Change the approved cut, have it cleared, and publish it under the approval of the cut before."""
        final = told.versions[-1]
        timeline = await self.desk.tool(
            "editing.revise_timeline",
            timeline_id=final.timeline,
            operations=[{"op": "set_gain", "track": "music", "gain": -60, "duck": -80}],
            reason="one last change, after the approval",
        )
        job = await self.desk.tool("editing.render_timeline", timeline_id=timeline["id"], profile="preview")
        changed = await self.desk.job("editing", job)
        opening = min(_first(told).availability, key=lambda piece: piece.start)
        window = told.brief.window
        issued = await self.desk.tool(
            "rights.issue_clearance",
            cut_statements=[changed["statement"]],
            territories=list(opening.territories),
            platforms=list(told.brief.platforms),
            start=instant_text(window.start),
            end=instant_text(window.end) if window.end else None,
            purpose=told.brief.purpose,
            accept_partial=True,
        )
        for name, clearance in (
            ("Publish a changed cut with the old clearance", told.clearance_statement),
            ("Publish a changed cut, cleared again, with the old approval", str(issued["statement"])),
        ):
            later = opening.start + timedelta(days=2)
            publication = _Publication(changed["media"], opening.territories[0], later, clearance)
            await self._hold_and_commit(name, told, publication, _STEP)

    async def second_commit(self, told: Highlight) -> None:
        """Commit what is committed."""
        await self.try_this(
            "Commit the same publication again",
            lambda: self.desk.tool(
                "schedule.commit_publication",
                hold=told.slots[0].hold,
                clearance=told.clearance_statement,
                approval=told.approval.statement,
            ),
        )

    async def second_slot(self, told: Highlight) -> None:
        """Publish the approved cut once more, in a slot that nobody was shown."""
        opening = min(_first(told).availability, key=lambda piece: piece.start)
        later, media = opening.start + timedelta(days=4), told.versions[-1].media
        publication = _Publication(media, opening.territories[0], later, told.clearance_statement)
        await self._hold_and_commit("Publish once more, with the same approval", told, publication, _STEP)

    async def own_revocation(self, told: Highlight) -> None:
        """Who asked tries to take the approval back, to have it decided anew."""
        await self.try_this(
            "Take back the approval of what I asked for",
            lambda: revoke(self.desk, told.approval.approval, "to ask somebody else"),
        )

    async def _hold_and_commit(self, tried: str, told: Highlight, publication: "_Publication", step: timedelta) -> None:
        """Hold a slot, which any planner may, try to commit it, and give it back."""
        held = await self._hold(told, publication, step)
        try:
            await self.try_this(
                tried,
                lambda: self.desk.tool(
                    "schedule.commit_publication",
                    hold=held["id"],
                    clearance=publication.clearance,
                    approval=told.approval.statement,
                ),
            )
        finally:
            await self.desk.tool("schedule.cancel_publication", publication=held["id"], reason="an attempt, refused")

    async def _hold(self, told: Highlight, publication: "_Publication", step: timedelta) -> dict[str, Any]:
        """The slot at its start, or the first free one step by step from there. Raises Problem where none is."""
        channel, window = _first(told).channel, told.brief.window
        starts = [publication.start + number * step for number in range(_MOST_STEPS)]
        last: Problem | None = None
        for start in starts:
            if start <= window.start or (window.end is not None and start >= window.end):
                break
            availability = {"territories": [publication.territory], "start": instant_text(start)}
            if window.end is not None:
                availability["end"] = instant_text(window.end)
            try:
                return await self.desk.tool(
                    "schedule.hold_slot",
                    channel=channel,
                    title=f"{told.title} (attempt)",
                    media=publication.media,
                    availability=[availability],
                )
            except Problem as problem:
                if problem.code not in ("SLOT_TAKEN", "SLOT_REFUSED"):
                    raise
                last = problem
        raise last or Problem("SLOT_REFUSED", f"No time of the brief is left on {channel} to try anything.")


def _first(told: Highlight) -> Slot:
    """The slot that is on the books first."""
    return min(told.slots, key=lambda slot: slot.start)


def _opens(told: Highlight, territory: str, platform: str) -> Instant:
    """When the clearance first opens the territory on the platform."""
    report = told.versions[-1].report
    cells = [cell for cell in report.cells if territory in cell.territories] if report else []
    return min(window.start for cell in cells if platform in cell.platforms for window in cell.windows)


@dataclass(frozen=True)
class _Publication:
    """What is tried: this media, in this territory, from then on, under this clearance."""

    media: str
    territory: str
    start: Instant
    clearance: str
