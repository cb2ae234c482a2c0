"""How everybody stands now: what every enforcement point asks before it asks anything else."""

import threading
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

from holdback_base.ids import Clock, system_clock
from holdback_base.problem import Problem

from holdback_trust.identity import Caller
from holdback_trust.keys import KeyPair, KeyRing
from holdback_trust.standing.book import Book, News, StandingBroken
from holdback_trust.standing.meaning import quarantine_meant, suspension_meant, told
from holdback_trust.standing.state import DISMISSED, EVERYBODY, Entry, Kind, State

TOKEN_LIFE = timedelta(seconds=300)
"""The longest that a token lives; `tokens` says so, and is slow to load for a word."""
TASK_WINDOW = timedelta(hours=24)
"""How long a task's tokens can be renewed: an ended task need not be remembered longer, but for one token's life."""
WORTH_BEGINNING_AGAIN = 64
"""Lines from which on a book of which most has lapsed is begun again."""


class Standing:
    """How everybody stands now. One a process; all of a house's processes see the same.

    Without a book it holds for this process only.

    Args:
        book: the file that the processes of a house share, or None.
        clock: the present instant.
    """

    def __init__(self, book: Book | None = None, clock: Clock = system_clock) -> None:
        self._book, self.clock = book, clock
        self._state, self._lock = State(), threading.RLock()

    @classmethod
    def of_home(cls, home: Path, party: str, keys: KeyPair, ring: KeyRing, clock: Clock) -> "Standing":
        """That of a home, as one party of its house reads it and adds to it. Nothing is read yet."""
        return cls(Book(home / "trust" / "standing.jsonl", party, keys, ring), clock)

    def refusal(self, caller: Caller) -> Problem | None:
        """Why nothing of this caller counts any more, or None. Asked before every call; costs microseconds.

        AGENT_SUSPENDED when an agent of its chain is stopped, or all are; UNAUTHENTICATED for a revoked token;
        TASK_ENDED when the task it acts in, or the one that this came from, is over; UNAVAILABLE for every agent when
        the book cannot be believed.
        """
        try:
            self._look()
        except StandingBroken as broken:
            return broken if caller.agent is not None or caller.chain else None
        state = self._state
        if caller.token_id in state.revoked:
            return Problem(
                "UNAUTHENTICATED",
                "The token is refused: it was revoked.",
                "Get a new token for this audience from the gateway.",
            )
        return self._agents_refusal(caller, state) if caller.chain or caller.agent else None

    def _agents_refusal(self, caller: Caller, state: State) -> Problem | None:
        if state.killed is not None:
            return told(state.killed)
        if state.suspended:
            for agent in (caller.agent, *caller.chain):
                if agent is not None and (found := state.suspended.get(agent)):
                    return told(found[0])
        task = caller.task
        if task is not None and (task.id in state.ended or task.root in state.ended):
            return Problem(
                "TASK_ENDED", f"The task {task.id} is over, and with it what it may do.", "Begin a new task."
            )
        return None

    def suspended(self, agent: str) -> Entry | None:
        """Why this agent may do nothing, the oldest of several reasons, or None; one that is dismissed, or stopped with
        all others, counts too."""
        self._look()
        found = self._state.suspended.get(agent)
        return found[0] if found else self._state.killed

    def stopped(self, agent: str) -> Problem | None:
        """The same as it is told: AGENT_SUSPENDED with the cure."""
        entry = self.suspended(agent)
        return None if entry is None else told(entry)

    def suspensions(self) -> frozenset[Entry]:
        """Every suspension and dismissal that counts now: of those there are few, when thousands of tasks have ended.

        Raises StandingBroken.
        """
        self._look()
        with self._lock:
            return frozenset(each for several in self._state.suspended.values() for each in several)

    def ended(self, task: str) -> bool:
        """Whether a task is over."""
        self._look()
        return task in self._state.ended

    def revoked(self, token_id: str) -> bool:
        """Whether a token was revoked by its id."""
        self._look()
        return token_id in self._state.revoked

    def narrowed(self, root: str) -> Entry | None:
        """Why this root task may only read from now on, or None."""
        self._look()
        return self._state.narrowed.get(root)

    def permitted(self, incident: str) -> bool:
        """Whether a person has permitted what the guardian asked about."""
        self._look()
        return incident in self._state.permitted

    def quarantined(self, name: str) -> Entry | None:
        """Why a thing (a sha256 name, an id of a timeline, clearance, publication, job) may not be used, the oldest of
        several reasons, or None.

        When the book cannot be believed, everything is held back (Raises StandingBroken).
        """
        self._look()
        found = self._state.quarantined.get(name)
        return found[0] if found else None

    def held_by(self, mark: str) -> frozenset[str]:
        """What one incident holds back, or a person who named none. Raises StandingBroken."""
        self._look()
        with self._lock:
            several = tuple(self._state.quarantined.items())
        return frozenset(name for name, entries in several if any(each.mark == mark for each in entries))

    @property
    def quarantine(self) -> frozenset[str]:
        """Everything that is held back."""
        self._look()
        return frozenset(self._state.quarantined)

    def taken_away(self, root: str) -> tuple[Entry | None, frozenset[str]]:
        """`narrowed` for a root task and the `quarantine`, in one look."""
        self._look()
        state = self._state
        return state.narrowed.get(root), frozenset(state.quarantined)

    def entries(self) -> tuple[Entry, ...]:
        """All that counts now, the oldest first. Raises StandingBroken."""
        self._look()
        with self._lock:
            now = self.clock()
            found = [each for each in self._state.entries() if each.until is None or each.until > now]
        return tuple(sorted(found, key=lambda each: (each.at, each.kind, each.name)))

    def suspend(self, agent: str, *, by: str, why: str, incident: str = "") -> None:
        """Nothing of this agent counts any more, nor what others do through it, until a person restores it.

        Each suspension stands for itself: the agent acts again when none is left.
        """
        self._add([self._entry("suspend", agent, by, why=why, incident=incident)])

    def restore(self, agent: str, *, by: str, which: str = "", why: str = "") -> Entry:
        """Lift one suspension of an agent, and that only: one that another person makes meanwhile stands. Tasks that
        were ended stay ended. Only the gateway can, for a person.

        Args:
            which: the suspension's mark, its incident; needed where several stand.

        Returns:
            The suspension that was lifted.

        Raises:
            Problem: PERMISSION_DENIED; CONFLICT when there is no such suspension, or several and none is named.
        """
        self._look()
        entry = suspension_meant(agent, self._state, which)
        self._add([self._entry("restore", agent, by, why=why, lifts=entry.mark)])
        return entry

    def dismiss(self, agent: str, *, by: str) -> None:
        """Nothing of this agent counts any more, until it is let in again (`admit`). Only the gateway can."""
        self._add([self._entry("dismiss", agent, by)])

    def admit(self, agent: str, *, by: str) -> None:
        """Take back a dismissal, where there is one; suspensions stand. Only the gateway can, for a person."""
        self._look()
        if any(each.kind == "dismiss" for each in self._state.suspended.get(agent, ())):
            self._add([self._entry("restore", agent, by, why="let in again", lifts=DISMISSED)])

    def kill(self, *, by: str, why: str, incident: str = "") -> None:
        """No agent of the house may do anything, until a person resumes."""
        self._add([self._entry("kill", EVERYBODY, by, why=why, incident=incident)])

    def resume(self, *, by: str, why: str = "") -> None:
        """Let agents act again; those that are suspended by name stay so. Raises Problem PERMISSION_DENIED."""
        self._add([self._entry("resume", EVERYBODY, by, why=why)])

    def end_task(self, task: str, *, by: str, until: datetime | None = None, why: str = "", incident: str = "") -> None:
        """All tokens of a task, and of the tasks that came from it, are worthless from now on.

        `until` is when none of them can live any more; by default the longest that a task may last, and one token.
        """
        end = until or self.clock() + TASK_WINDOW + TOKEN_LIFE
        self._add([self._entry("end", task, by, until=end, why=why, incident=incident)], durable=bool(why))

    def end_tasks(self, ends: Iterable[tuple[str, str]], *, why: str = "") -> None:
        """The same for several tasks, each with whoever ends it: they share a look at the book."""
        until = self.clock() + TASK_WINDOW + TOKEN_LIFE
        entries = [self._entry("end", task, by, until=until, why=why) for task, by in ends]
        if entries:
            self._add(entries, durable=bool(why))

    def revoke(self, token_id: str, *, by: str, until: datetime | None = None, why: str = "") -> None:
        """This token counts no more; `until` is when it would have expired, by default the longest that one lives."""
        end = until or self.clock() + TOKEN_LIFE
        self._add([self._entry("revoke", token_id, by, until=end, why=why)])

    def narrow(self, root: str, *, by: str, why: str, incident: str = "") -> None:
        """A root task may only read from now on."""
        end = self.clock() + TASK_WINDOW + TOKEN_LIFE
        self._add([self._entry("narrow", root, by, until=end, why=why, incident=incident)])

    def permit(self, incident: str, *, by: str, why: str = "") -> None:
        """Let go on what the guardian asked about. Only the gateway can, for a person. Raises PERMISSION_DENIED."""
        end = self.clock() + TASK_WINDOW
        self._add([self._entry("permit", incident, by, until=end, why=why)])

    def hold_back(self, names: Iterable[str], *, by: str, why: str, incident: str = "") -> None:
        """Put things into quarantine: they may not be cleared, approved, committed or published."""
        self._add([self._entry("quarantine", name, by, why=why, incident=incident) for name in sorted(set(names))])

    def release(self, names: Iterable[str], *, by: str, which: str = "", why: str = "") -> list[Entry]:
        """Take things out of one quarantine, and that only: another incident's stands. All of them or none. Only the
        gateway can, for a person.

        Args:
            which: the mark of what holds them back, its incident; needed where several hold one of them.

        Returns:
            What holds some of them back still, the oldest reason of each.

        Raises:
            Problem: PERMISSION_DENIED; NOT_FOUND for what is not held back, or not by that; CONFLICT where several hold
                it and none is named.
        """
        self._look()
        meant = [quarantine_meant(name, self._state, which) for name in sorted(set(names))]
        if meant:
            self._add([self._entry("release", each.name, by, why=why, lifts=each.mark) for each in meant])
        return [entry for each in meant if (entry := self.quarantined(each.name)) is not None]

    def tidy(self) -> None:
        """Begin the book again without what has lapsed, where that is most of it. For the gateway."""
        if self._book is None:
            return
        self._look()
        with self._lock:
            self._state.drop_lapsed(self.clock())
            kept = sorted(self._state.entries(), key=lambda each: each.at)
            if self._book.lines >= WORTH_BEGINNING_AGAIN and len(kept) * 2 < self._book.lines:
                self._take(self._book.begin_again(kept))

    def _entry(
        self,
        kind: Kind,
        name: str,
        by: str,
        *,
        why: str = "",
        incident: str = "",
        until: datetime | None = None,
        lifts: str = "",
    ) -> Entry:
        at = self.clock()
        return Entry(kind=kind, name=name, at=at, by=by, why=why[:500], incident=incident, until=until, lifts=lifts)

    def _add(self, entries: list[Entry], durable: bool = True) -> None:
        with self._lock:
            self._take(News(tuple(entries)) if self._book is None else self._book.add(entries, durable))

    def _look(self) -> None:
        if self._book is not None and not self._book.quiet:
            with self._lock:  # what is told first must count first
                self._take(self._book.news())

    def _take(self, news: News) -> None:
        with self._lock:
            state = State() if news.afresh else self._state
            for entry in news.entries:
                state.take(entry)
            self._state = state
