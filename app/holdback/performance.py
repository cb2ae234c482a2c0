"""A pack's brief performed at a house that answers: loaded, told, approved, and what must not work tried."""

import asyncio
import shutil
import sys
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

from holdback_agents.contracts import ApprovalQuestion, Highlight
from holdback_base.ids import NewId, id_maker, system_clock
from holdback_servers.media_store import MediaStore
from holdback_servers.settings import PersonSetting

from holdback.attempts import Attempts
from holdback.desk import Desk, open_desk
from holdback.foundation import party_keys
from holdback.loading import load
from holdback.pack_model import Pack
from holdback.people import LOADER
from holdback.results import Finished
from holdback.story import Told, decide, tell_brief
from holdback.telling import Teller


@dataclass(frozen=True)
class Performance:
    """Who plays: the pack with its two people, at the house of this home and URL, told to the teller.

    Args:
        home: of the house; the people's keys are there, and its media to look at before the approval.
        folder: where what comes out is put.
        yes: answers the approval as the pack's second person.
        tries: whether what must not work is tried too; it leaves cancelled holds and one more render behind.
        began: of the whole, on `time.monotonic`.
    """

    pack: Pack
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
        return _setting(self.pack, "requester")

    @property
    def approver(self) -> PersonSetting:
        """Who may approve; never who asks."""
        return _setting(self.pack, "approver")

    async def play(self) -> Finished:
        """From the pack to the outcome. Raises Problem with whatever a server or an agent refused."""
        started = system_clock()
        async with self._desk(LOADER) as loader:
            await load(self.pack, loader, lambda text: self.teller.done("library", text))
        async with self._desk(self.asker) as desk, self._desk(self.approver) as second:
            attempts = Attempts(desk, self.teller, [])
            told = await self._told(desk, second, attempts)
            if self.tries:
                self.teller.heading("What must not work")
                await _try(attempts, told.highlight)
        return Finished(
            highlight=told.highlight,
            story=told.story,
            asked_by=self.asker.name,
            approved_by=self.approver.name,
            source=self.pack.media[0].title,
            notice=self.pack.notice,
            started=started,
            began=self.began,
            refusals=attempts.refusals,
        )

    async def _told(self, desk: Desk, second: Desk, attempts: Attempts) -> Told:
        self.teller.heading("The agents at work")

        async def approve(question: ApprovalQuestion) -> None:
            await self._approve(question, second, attempts)

        told = await tell_brief(desk, self.pack.brief.text, self.teller, self._new_id, approve, asks=sys.stdin.isatty())
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
        lines = [question.text, *(f"  not included: {line}" for line in question.not_included)]
        lines.append(f"{name}, do you approve?")
        said = await asyncio.to_thread(self.teller.ask, "\n".join(lines), ("yes", "no"))
        decision = "approved" if said == "yes" else "rejected"
        await decide(second, question, decision, "answered at the terminal")
        self.teller.done(name, f"{decision} {question.media[:19]}...")

    def _desk(self, person: PersonSetting) -> AbstractAsyncContextManager[Desk]:
        keys = party_keys(self.home, person.id)
        return open_desk(person, keys, self.url, clock=system_clock, new_id=self._new_id)

    @property
    def _new_id(self) -> NewId:
        return id_maker(system_clock)


async def _try(attempts: Attempts, highlight: Highlight) -> None:
    await attempts.old_clearance(highlight.versions[0], highlight.versions[-1])
    await attempts.other_places_and_times(highlight)
    await attempts.changed_cut(highlight)
    await attempts.second_commit(highlight)


def _setting(pack: Pack, part: str) -> PersonSetting:
    person = pack.brief.requester if part == "requester" else pack.brief.approver
    return PersonSetting(id=person.person, name=f"{person.name}, {person.title}", roles=frozenset(person.roles))
