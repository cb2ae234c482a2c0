"""Tasks that an earlier process of an agent left in the middle: taken up again when the agent starts.

Nothing of a token lies on the disk. The gateway knows for whom the task acts, and gives its agent a token anew while
the task lives; one whose window is over, or that was ended meanwhile, has failed. One for which there is no token tells
why, and what whoever began it can do.
"""

import asyncio
import logging

from a2a.auth.user import User
from a2a.server.context import ServerCallContext
from holdback_base.ids import Clock
from holdback_base.problem import Problem
from holdback_trust.standing.standing import TASK_WINDOW
from holdback_trust.tokens import TokenVerifier

from holdback_agents.runtime.executor import SESSION
from holdback_agents.runtime.handler import AgentRequestHandler
from holdback_agents.runtime.house import House, Session
from holdback_agents.runtime.task_store import WAITING, TaskStore
from holdback_agents.runtime.understanding import is_root, started_of

_log = logging.getLogger(__name__)
_PAUSES = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
"""Seconds until the gateway is asked again when it does not answer; the last for ever."""


class Person(User):
    """Somebody for whom a call is made."""

    def __init__(self, person: str) -> None:
        self._person = person

    @property
    def is_authenticated(self) -> bool:
        """Always: the guard checked, or the gateway said so."""
        return True

    @property
    def user_name(self) -> str:
        """Such as `person:sam`."""
        return self._person


class Leftovers:
    """What one agent finds at its start.

    Args:
        verifier: for tokens whose audience is this agent.
    """

    def __init__(
        self, store: TaskStore, house: House, handler: AgentRequestHandler, *, verifier: TokenVerifier, clock: Clock
    ) -> None:
        self._store, self._house, self._handler = store, house, handler
        self._verifier, self._clock = verifier, clock
        self._going: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Take up, beside the requests, all that is not settled. For before the first request."""
        self._going = [
            asyncio.create_task(self._take_up(task, owner), name=f"leftover:{task}")
            for task, owner in self._store.unsettled()
        ]

    async def aclose(self) -> None:
        """Leave what has not been taken up; it is there at the next start."""
        for each in self._going:
            each.cancel()
        if self._going:
            await asyncio.wait(self._going)

    async def _take_up(self, task: str, owner: str) -> None:
        try:
            session = await self._session(task)
        except Problem as problem:
            await self._leave(task, problem, ServerCallContext(user=Person(owner)))
            return
        if session.caller.person != owner:
            _log.error("task %s is of %s, but the gateway has it for another person", task, owner)
            return
        _log.warning("task %s was left in the middle by an earlier process; it goes on", task)
        try:
            await self._handler.take_up(task, ServerCallContext(user=Person(owner), state={SESSION: session}))
        except Exception:
            _log.exception("task %s could not be taken up again", task)

    async def _leave(self, identity: str, problem: Problem, context: ServerCallContext) -> None:
        """Nobody goes on with it by himself: whoever began it may, with a token of their own, as long as it lives."""
        task, now = await self._store.get(identity, context), self._clock()
        if task is None:
            return
        over = now - started_of(task) >= TASK_WINDOW
        if over or problem.code == "TASK_ENDED":
            ended = Problem("TASK_ENDED", f"The task {identity} has ended: its window is over.", "Begin a new one.")
            if await self._handler.tell_left(identity, ended if over else problem, now, context, failed=True):
                _log.warning("task %s was left in the middle and can not go on: %s", identity, problem.line())
            return
        _log.warning("task %s was left in the middle and waits for who began it: %s", identity, problem.line())
        if is_root(task) and task.status.state not in WAITING:  # an agent that gave it takes it up with its own task
            left = _unknown(identity) if problem.code == "NOT_FOUND" else problem
            await self._handler.tell_left(identity, left, now, context, failed=False)

    async def _session(self, task: str) -> Session:
        tried = 0
        while True:
            try:
                return await self._house.resumed(task, self._verifier)
            except Problem as problem:
                if problem.code != "UNAVAILABLE":
                    raise
            await asyncio.sleep(_PAUSES[min(tried, len(_PAUSES) - 1)])
            tried += 1


def _unknown(task: str) -> Problem:
    return Problem(
        "UNAUTHENTICATED",
        f"The task {task} was left in the middle, and the gateway knows nothing of it: its agent has no token for it.",
        "Follow it (subscribe), or send the message that began it once more: it goes on with your token. Or cancel it.",
    )
