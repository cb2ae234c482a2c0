"""Steps of one task: numbered, journalled, counted, written into the audit log, and cancelled when the task is."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

import rfc8785
from holdback_base.canonical import bytes_sha256, canonical_sha256
from holdback_base.problem import Problem
from holdback_trust.audit import AuditLog
from holdback_trust.identity import Caller

from holdback_agents.runtime.journal import Journal, Kind, Step

_log = logging.getLogger(__name__)
STOP_SECONDS = 10.0
"""How long a cancelled task waits for those it cancels in turn."""
_DENIALS = frozenset({"UNAUTHENTICATED", "PERMISSION_DENIED", "SEPARATION_OF_DUTIES", "WRITE_NOT_ALLOWED"})

Effect = Callable[[int], Awaitable[dict[str, Any]]]
Stop = Callable[[], Awaitable[None]]


class Steps:
    """The steps of one task.

    Args:
        task_id: of the task.
        agent: who acts, such as `agent:compliance`.
        known: what the journal holds of an earlier run, by step number.
        most: steps a task may take.
    """

    def __init__(
        self, task_id: str, agent: str, journal: Journal, audit: AuditLog, *, known: Mapping[int, Step], most: int
    ) -> None:
        self._task_id, self._agent, self._journal, self._audit = task_id, agent, journal, audit
        self._known, self._most = dict(known), most
        self._number = 0
        self._running: dict[int, Step] = {}
        self._stops: dict[int | str, Stop] = {}
        self.took = False
        """Whether anything was written into the audit log."""

    def key(self, number: int) -> str:
        """What makes the step's effect safe to repeat."""
        return f"{self._task_id}/{number}"

    async def take(
        self,
        caller: Caller,
        kind: Kind,
        name: str,
        arguments: Mapping[str, Any],
        effect: Effect,
        *,
        configuration: str = "",
    ) -> dict[str, Any]:
        """Do the step, or give again what it gave before the task was taken up again.

        `configuration` names the AI system that decides in it, for the record.

        Raises:
            Problem: what the effect raises, now or then; BUDGET_EXCEEDED when there were too many steps.
        """
        self._number += 1
        number = self._number
        if number > self._most:
            raise Problem(
                "BUDGET_EXCEEDED", f"The task would take more than {self._most} steps.", "Ask for less in one task."
            )
        args_sha256 = digest(arguments)
        before = self._known.get(number)
        if before is not None:
            result = before.replay(kind, name, args_sha256)
            if result is not None:
                return result
        step = Step(number, kind, name, args_sha256)
        self._running[number] = step
        try:
            result = await effect(number)
        except Problem as problem:
            failed = replace(step, state="failed", body=problem.as_dict())
            await self._close(caller, failed, problem.code, configuration)
            raise
        await self._close(caller, replace(step, state="done", body=result), "", configuration)
        return result

    async def opened(self, number: int, note: dict[str, Any], stop: Stop) -> None:
        """There is now something elsewhere to cancel: keep what it takes to do so, here and on disk."""
        self._stops[number] = stop
        await self._journal.put(self._task_id, replace(self._running[number], state="open", body=note))

    def stoppable(self, what: int | str, stop: Stop) -> None:
        """There may be something elsewhere to cancel, though the journal has no name for it yet."""
        self._stops[what] = stop

    def over(self, what: str) -> None:
        """It has ended by itself."""
        self._stops.pop(what, None)

    def open_notes(self) -> dict[int, Step]:
        """Steps of an earlier run that were never closed, by number."""
        return {number: step for number, step in self._known.items() if step.state == "open"}

    async def stop(self) -> None:
        """Cancel everything that runs elsewhere for this task; what does not answer in time is left and logged."""
        stops, self._stops = list(self._stops.values()), {}
        outcomes = await asyncio.gather(
            *(asyncio.wait_for(stop(), STOP_SECONDS) for stop in stops), return_exceptions=True
        )
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                _log.warning("task %s: something it started could not be cancelled: %r", self._task_id, outcome)

    def record(self, caller: Caller, action: str, decision: str, policy: str = "", **more: Any) -> None:
        """A row in the audit log; `more` are fields of it."""
        self.took = True
        self._audit.append(
            actor=self._agent,
            on_behalf_of=caller.person,
            chain=(self._agent, *caller.chain),
            action=action,
            decision=decision,
            policy=policy,
            task=self._task_id,
            root=self._task_id if caller.task is None else caller.task.root,
            **more,
        )

    async def _close(self, caller: Caller, step: Step, failure: str, configuration: str) -> None:
        self._stops.pop(step.number, None)
        self._running.pop(step.number, None)
        decision = "denied" if failure in _DENIALS else "allowed" if not failure else "recorded"
        self.record(
            caller,
            f"{step.kind} {step.name}",
            decision,
            failure,
            args_sha256=step.args_sha256,
            result_sha256=digest(step.body),
            configuration=configuration,
        )
        await self._journal.put(self._task_id, step)


def digest(value: Any) -> str:
    """`sha256:<hex>` of a JSON value: of its RFC 8785 form, or of plain JSON for numbers that form refuses."""
    try:
        return canonical_sha256(value)
    except rfc8785.CanonicalizationError:
        plain = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return bytes_sha256(plain.encode())
