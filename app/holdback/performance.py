"""A brief performed at a house that answers: loaded, told, approved, and what must not work tried."""

import asyncio
import shutil
import sys
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

from holdback_agents.contracts import ApprovalQuestion, Highlight
from holdback_base.ids import NewId, id_maker, system_clock
from holdback_base.problem import Problem
from holdback_servers.media_store import MediaStore
from holdback_servers.settings import PersonSetting

from holdback.attempts import Attempts
from holdback.desk import Desk, open_desk
from holdback.foundation import party_keys
from holdback.outcome import Refusal
from holdback.pack_model import PackBrief
from holdback.people import LOADER
from holdback.results import Finished
from holdback.story import Told, Unfinished, decide, tell_brief
from holdback.telling import Teller


@dataclass(frozen=True)
class Performance:
    """Who plays: the brief with its two people, at the house of this home and URL, told to the teller.

    Args:
        load: puts the material, its rights and the channels into the house, at the desk of a loader.
        source: what the highlight is made of, in words.
        notice: what of it all is invented, for the foot of the page.
        home: of the house; the people's keys are there, and its media to look at before the approval.
        folder: where what comes out is put.
        yes: answers the approval as the pack's second person.
        tries: whether what must not work is tried too; it leaves cancelled holds and one more render behind.
        began: of the whole, on `time.monotonic`.
    """

    brief: PackBrief
    load: Callable[[Desk], Awaitable[object]]
    source: str
    notice: str
    home: Path
    url: str
    teller: Teller
    folder: Path
    yes: bool
    tries: bool
    began: float

    @property
    def asker(self) -> PersonSetting:
        """Who asks."""
        return self.brief.requester.setting()

    @property
    def approver(self) -> PersonSetting:
        """Who may approve; never who asks."""
        return self.brief.approver.setting()

    async def play(self) -> Finished:
        """From the material to the outcome, also where that is a no.

        Raises Problem with whatever a server refused before the agents were at work.
        """
        started = system_clock()
        async with self._desk(LOADER) as loader:
            await self.load(loader)
        refusals: list[Refusal] = []
        told = await self._followed(refusals)
        return Finished(
            brief=self.brief.text,
            made=told.highlight if isinstance(told, Told) else told.draft,
            problem=None if isinstance(told, Told) else told.problem,
            story=told.story,
            asked_by=self.asker.name,
            approved_by=_decider(told, self.approver),
            source=self.source,
            notice=self.notice,
            started=started,
            began=self.began,
            refusals=refusals,
        )

    async def _followed(self, refusals: list[Refusal]) -> Told | Unfinished:
        async with self._desk(self.asker) as desk, self._desk(self.approver) as second:
            attempts = Attempts(desk, self.teller, refusals)
            told = await self._told(desk, second, attempts)
            if self.tries and isinstance(told, Told):
                self.teller.heading("What must not work")
                await _try(attempts, told.highlight)
            return told

    async def _told(self, desk: Desk, second: Desk, attempts: Attempts) -> Told | Unfinished:
        self.teller.heading("The agents at work")

        async def approve(question: ApprovalQuestion) -> None:
            await self._approve(question, second, attempts)

        told = await tell_brief(desk, self.brief.text, self.teller, self._new_id, approve, asks=sys.stdin.isatty())
        if isinstance(told, Told):
            self.teller.done("editing-assistant", told.highlight.text)
        return told

    async def _approve(self, question: ApprovalQuestion, second: Desk, attempts: Attempts) -> None:
        """The second person decides: at the terminal, or as `yes` says. The one who asked tries first."""
        self.teller.heading("A person decides")
        if self.tries:
            await attempts.own_approval(question)
            await attempts.without_approval(question)
        film = self.folder / "for-approval.mp4"
        shutil.copyfile(MediaStore(self.home / "media").path(question.media), film)
        self.teller.note(f"The film to decide about: {film}")
        name = self.approver.name
        if self.yes:
            await decide(second, question, "approved", "approved by --yes, as the brief's second person")
            self.teller.done(name, f"approves {question.media[:19]}... (answered by --yes)")
            return
        lines = [question.text, *(f"  not included: {line}" for line in question.not_included), *question.notes]
        lines.append(f"{name}, do you approve?")
        said = await asyncio.to_thread(self.teller.ask, "\n".join(lines), ("yes", "no"))
        decision = "approved" if said == "yes" else "rejected"
        await self._decide(second, question, decision)
        self.teller.done(name, f"{decision} {question.media[:19]}...")

    async def _decide(self, second: Desk, question: ApprovalQuestion, decision: str) -> None:
        comment = "answered at the terminal"
        try:
            await decide(second, question, decision, comment)
        except Problem as problem:
            if problem.code != "SECOND_FACTOR_NEEDED":
                raise
            self.teller.note(problem.message)
            digits = await asyncio.to_thread(self.teller.ask, "The six digits of your authenticator?")
            await decide(second, question, decision, comment, digits)

    def _desk(self, person: PersonSetting) -> AbstractAsyncContextManager[Desk]:
        keys = party_keys(self.home, person.id)
        return open_desk(person, keys, self.url, clock=system_clock, new_id=self._new_id)

    @property
    def _new_id(self) -> NewId:
        return id_maker(system_clock)


def _decider(told: Told | Unfinished, approver: PersonSetting) -> str:
    """Who decided, for people: the approver's name, or the policy that passed it."""
    by = told.highlight.approval.by if isinstance(told, Told) else approver.id
    return by if by.startswith("policy:") else approver.name


async def _try(attempts: Attempts, highlight: Highlight) -> None:
    await attempts.old_clearance(highlight.versions[0], highlight.versions[-1])
    await attempts.other_places_and_times(highlight)
    await attempts.changed_cut(highlight)
    await attempts.second_commit(highlight)
    await attempts.second_slot(highlight)
    await attempts.own_revocation(highlight)
