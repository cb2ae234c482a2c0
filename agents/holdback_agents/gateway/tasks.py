"""The task book: agents act within tasks, and this is where a task begins, goes on and ends.

A task begins with the first token that its agent asks for: the skill must be one that it was asked for, and one that
the plan of the task before it may ask for. From then on its tokens can be renewed, though the one it came with has had
its time, until the task ends or its window is over.
"""

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any

from holdback_base.database import Database
from holdback_base.ids import Clock
from holdback_base.problem import Problem
from holdback_base.vocabulary import Noun
from holdback_trust.identity import AgentId, Caller, TaskClaim
from holdback_trust.task_policy import mint, policy_sha256
from pydantic import Field, StringConstraints, ValidationError
from sqlalchemy import Connection

from holdback_agents.gateway import task_store
from holdback_agents.gateway.task_store import MOST_SUBJECTS, HeldTask

_log = logging.getLogger(__name__)
WINDOW = timedelta(hours=24)
"""How long a task may take, however often its tokens are renewed."""
RENEWED_FROM = timedelta(seconds=60)
"""A subject token that has less than this left is renewed rather than followed to its end."""
_REMEMBERED = timedelta(days=30)
_KEPT = 4096

Plan = Callable[[str, str], frozenset[str]]
"""The capabilities and skills that an agent needs for a skill: `plan("agent:compliance", "clear-rights")`."""

Thing = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class NamedTask(Noun):
    """How an agent names its task when it asks for a token: `things` are the ids in the request that it was given."""

    id: str = Field(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]*$")
    skill: str = Field(min_length=1, max_length=100)
    context: str = Field(default="", max_length=200)
    things: tuple[Thing, ...] = Field(default=(), max_length=2000)

    @classmethod
    def of_form(cls, form: Mapping[str, str]) -> "NamedTask":
        """From the fields `task`, `skill`, `context` and `things` (ids with spaces between them).

        Raises Problem INVALID_ARGUMENT.
        """
        try:
            return cls(
                id=form.get("task", ""),
                skill=form.get("skill", ""),
                context=form.get("context", ""),
                things=tuple(form.get("things", "").split()),
            )
        except ValidationError as error:
            where = str(error.errors()[0]["loc"][0])
            raise Problem(
                "INVALID_ARGUMENT",
                f"An agent acts for a task only, and the field {'task' if where == 'id' else where} does not name it.",
                "Send task (its id), skill (what it was asked for), and context and things where there are any.",
            ) from None


@dataclass(frozen=True)
class Entered:
    """A task as it stands for the token that is asked for.

    `first` says that this is the first token that is asked for with this subject, and so that `things` are those of a
    message; `renewed` that the subject's own end no longer counts.
    """

    held: HeldTask
    first: bool
    renewed: bool


class TaskBook:
    """The tasks of a house. One a gateway; what it says is on disk a moment later.

    Args:
        plan: what an agent needs for a skill.
    """

    def __init__(self, database: Database, clock: Clock, plan: Plan) -> None:
        self._database, self._clock, self._plan = database, clock, plan
        self._living: dict[str, HeldTask] | None = None
        self._ended: OrderedDict[str, HeldTask] = OrderedDict()
        self._ids = set[int]()
        self._unsaved, self._saving = dict[str, HeldTask](), threading.Lock()
        self._write(lambda c: task_store.forget_before(c, clock() - _REMEMBERED))

    def find(self, identity: str) -> HeldTask | None:
        """The task of that id, ended or not; that an id is new, as nearly all are, is known without asking the disk."""
        held = self._alive().get(identity) or self._ended.get(identity)
        if held is None and self._may_be_stored(identity):
            held = self._database.read_now(lambda c: task_store.find_task(c, identity))
            if held is not None:
                self._remember(held)
        return held

    def enter(self, subject: Caller, agent: AgentId, named: NamedTask) -> Entered:
        """The task that an agent asks for a token for, begun now if it is new.

        Args:
            subject: whom the token names that came with a message to this agent; it may have expired.
            agent: who asks, proven.

        Raises:
            Problem: UNAUTHENTICATED for a token that has expired and did not come with this task; TASK_ENDED;
                PERMISSION_DENIED for a skill that the token does not ask for, for one that the task before may not ask
                for, for a task of another agent, person or root.
        """
        held = self.find(named.id)
        if held is None:
            return Entered(self._begin(subject, agent, named), first=True, renewed=False)
        self._check(held, subject, agent, named)
        if subject.token_id in held.subjects:
            return Entered(held, first=False, renewed=subject.expires - self._clock() < RENEWED_FROM)
        return Entered(self.joined(held, subject), first=True, renewed=False)

    def resume(self, agent: AgentId, identity: str) -> HeldTask:
        """The task that an agent takes up again after its process ended. Raises Problem NOT_FOUND, TASK_ENDED."""
        held = self.find(identity)
        if held is None or held.agent != agent:
            raise Problem("NOT_FOUND", f"{agent} has no such task.", "Begin a new one.")
        self._check_life(held)
        return held

    def living(self) -> list[HeldTask]:
        """The tasks for which tokens may still be given, the oldest first."""
        now = self._clock()
        return sorted((each for each in self._alive().values() if each.lives(now)), key=lambda each: each.began)

    def begun_with(self, token_id: str) -> list[HeldTask]:
        """The living tasks that came with this token."""
        return [each for each in self.living() if token_id in each.subjects]

    def joined(self, held: HeldTask, subject: Caller) -> HeldTask:
        """The task with one more token that came with a message for it; its session is that token's from now on."""
        subjects = (*held.subjects, subject.token_id)[-MOST_SUBJECTS:]
        held = held.model_copy(update={"session": subject, "subjects": subjects})
        self._keep(held)
        return held

    def open_of(self, agent: AgentId) -> list[HeldTask]:
        """The tasks of one agent that have not ended."""
        return [each for each in self._alive().values() if each.agent == agent]

    def ending(self, identity: str) -> list[HeldTask]:
        """What ends with a task: itself first, and all that it had given to others; nothing where it has ended."""
        held = self.find(identity)
        if held is None or held.ended is not None:
            return []
        below = {each.id: each for each in self._alive().values() if each.claim.root == held.claim.root}
        ending, names = [held], {identity}
        while found := [each for each in below.values() if each.parent in names and each.id not in names]:
            ending += [each for each in found if each.ended is None]
            names |= {each.id for each in found}
        return ending

    def end(self, identity: str, why: str) -> list[HeldTask]:
        """End a task, and with it all that it had given to others; those that ended now, itself first."""
        return self.close(self.ending(identity), why)

    def close(self, ending: Iterable[HeldTask], why: str) -> list[HeldTask]:
        """End those that `ending` found, as they stand now."""
        now = self._clock()
        ended = [each.model_copy(update={"ended": now, "why": why[:200]}) for each in ending]
        for each in ended:
            self._keep(each)
        return ended

    def _begin(self, subject: Caller, agent: AgentId, named: NamedTask) -> HeldTask:
        now = self._clock()
        self._check_subject(subject, agent, named)
        parent = subject.task
        if subject.chain and parent is None:
            raise _denied(f"{subject.text()} acts for no task.", "An agent asks another within a task of its own.")
        if parent is not None:
            self._check_parent(parent, subject, named)
        claim = TaskClaim(
            id=named.id,
            root=parent.root if parent else named.id,
            skill=named.skill,
            tools=self._plan(agent, named.skill),
            expires=(min(now + WINDOW, parent.expires) if parent else now + WINDOW).replace(microsecond=0),
        )
        claim = claim.model_copy(update={"policy": policy_sha256(mint(claim, agent, subject.person))})
        held = HeldTask(
            agent=agent,
            claim=claim,
            session=subject,
            subjects=(subject.token_id,),
            parent=parent.id if parent else "",
            context=named.context,
            began=now,
        )
        self._keep(held)
        return held

    def _check_subject(self, subject: Caller, agent: AgentId, named: NamedTask) -> None:
        """Only a token that came with a message to this agent, for this skill, begins a task or goes on with it."""
        if self._clock() >= subject.expires:
            raise Problem("UNAUTHENTICATED", "The token is refused: it has expired.", "Ask the person to ask again.")
        if subject.audience != agent:
            raise _denied(
                f"{agent} may not act in a task with a token that was meant for {subject.audience}.",
                "Exchange the token that came with the request to this agent.",
            )
        if f"{agent}:{named.skill}" not in subject.scopes:
            raise _denied(f"{subject.text()} did not ask {agent} for {named.skill}.", "Do what was asked for.")

    def _check_parent(self, parent: TaskClaim, subject: Caller, named: NamedTask) -> None:
        giver = self.find(parent.id)
        if giver is None or giver.agent != subject.agent or giver.claim != parent:
            raise _denied(f"{subject.text()} names a task that is not in the book.", "Ask within a task that lives.")
        self._check_life(giver)
        if named.skill not in parent.tools:
            raise _denied(
                f"The plan of {parent.skill} does not ask anybody for {named.skill}.", "Ask only for what the plan has."
            )

    def _check(self, held: HeldTask, subject: Caller, agent: AgentId, named: NamedTask) -> None:
        if held.agent != agent or held.session.person != subject.person:
            raise _denied(f"{agent} has no task {named.id} for {subject.person}.", "Name the task by its own id.")
        if held.claim.skill != named.skill:
            raise _denied(f"The task {named.id} is for {held.claim.skill}, not for {named.skill}.", "Begin another.")
        if subject.token_id not in held.subjects:
            self._check_subject(subject, agent, named)
            if subject.task is not None and subject.task.root != held.claim.root:
                raise _denied(f"The task {named.id} belongs to another root.", "Begin another task.")
        self._check_life(held)

    def _check_life(self, held: HeldTask) -> None:
        if not held.lives(self._clock()):
            why = held.why or "its window is over"
            raise Problem("TASK_ENDED", f"The task {held.id} has ended: {why}.", "Begin a new one.", task=held.id)

    def _alive(self) -> dict[str, HeldTask]:
        """All tasks that have not ended; read once, for this gateway alone writes them."""
        if self._living is None:
            now = self._clock()
            stored, ids = self._database.read_now(lambda c: (task_store.living_at(c, now), task_store.all_ids(c)))
            self._living = {each.id: each for each in stored}
            self._ids = {hash(each) for each in ids}
        return self._living

    def _may_be_stored(self, identity: str) -> bool:
        return hash(identity) in self._ids or len(self._ids) >= task_store.MOST_IDS

    def _keep(self, held: HeldTask) -> None:
        """Remember it, and have it written with all that come before the disk is free."""
        self._remember(held)
        with self._saving:
            first = not self._unsaved
            self._unsaved[held.id] = held
        if first:
            self._write(self._save)

    def _save(self, connection: Connection) -> None:
        with self._saving:
            unsaved, self._unsaved = self._unsaved, {}
        task_store.put_tasks(connection, unsaved.values())

    def _remember(self, held: HeldTask) -> None:
        living = self._alive()
        self._ids.add(hash(held.id))
        now = self._clock()
        if held.lives(now):
            living[held.id] = held
            if len(living) % _KEPT == 0:
                self._living = {name: each for name, each in living.items() if each.lives(now)}
            return
        living.pop(held.id, None)
        self._ended[held.id] = held
        if len(self._ended) > _KEPT:
            self._ended.popitem(last=False)

    def _write(self, unit: Callable[[Any], None]) -> None:
        """Nobody waits for the disk: a task that a crash loses is begun again by the next token asked for it."""
        self._database.submit(unit).add_done_callback(_tell_failure)


def _tell_failure(done: "Future[None]") -> None:
    failure = done.exception()
    if failure is not None:
        _log.error("the task book could not be written", exc_info=failure)


def _denied(message: str, hint: str) -> Problem:
    return Problem("PERMISSION_DENIED", message, hint)
