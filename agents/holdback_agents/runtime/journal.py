"""The step journal: what a workflow has done, so that a task taken up again replays it and goes on with the rest.

A step is a call of a tool, a delegation, a job, a question. It is `open` from the moment there is something elsewhere
to cancel, then `done` with its result or `failed` with its problem; both are on disk before the workflow hears of them.
"""

import json
from dataclasses import dataclass, field
from typing import Any, Literal

from holdback_base.database import Database
from holdback_base.problem import Problem
from sqlalchemy import bindparam, select
from sqlalchemy.dialects.sqlite import insert

from holdback_agents.runtime.tables import steps

Kind = Literal["tool", "job", "delegate", "ask", "approval", "propose"]
State = Literal["open", "done", "failed"]

_put = insert(steps)
_put = _put.on_conflict_do_update(
    index_elements=["task_id", "step"], set_={name: _put.excluded[name] for name in ("state", "body")}
)
_of_task = select(steps).where(steps.c.task_id == bindparam("task_id")).order_by(steps.c.step)


@dataclass(frozen=True)
class Step:
    """One step of a task: what was asked, and what came of it.

    `body` is the result of a done step, the problem of a failed one, and for an open one what it takes to cancel it.
    """

    number: int
    kind: Kind
    name: str
    args_sha256: str
    state: State = "open"
    body: dict[str, Any] = field(default_factory=dict[str, Any])

    def replay(self, kind: Kind, name: str, args_sha256: str) -> dict[str, Any] | None:
        """The result to give again; None when the step is still open.

        Raises:
            Problem: what the step failed with, again; INTERNAL when the workflow asks for another step than it did
                then, for then it is not the same story.
        """
        if (self.kind, self.name, self.args_sha256) != (kind, name, args_sha256):
            raise Problem(
                "INTERNAL",
                f"Step {self.number} was {self.kind} {self.name} and is now {kind} {name}: the workflow has changed.",
                "Ask again with a new task.",
            )
        if self.state == "failed":
            raise Problem.from_dict(self.body)
        return self.body if self.state == "done" else None


class Journal:
    """The steps of one agent's tasks."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of_task(self, task_id: str) -> dict[int, Step]:
        """What is known of a task, by step number."""
        rows = await self._database.read(lambda c: c.execute(_of_task, {"task_id": task_id}).all())
        return {
            row.step: Step(row.step, row.kind, row.name, row.args_sha256, row.state, json.loads(row.body))
            for row in rows
        }

    async def put(self, task_id: str, step: Step) -> None:
        """Keep the step as it stands; returns once it is on disk."""
        row = {
            "task_id": task_id,
            "step": step.number,
            "kind": step.kind,
            "name": step.name,
            "args_sha256": step.args_sha256,
            "state": step.state,
            "body": json.dumps(step.body, separators=(",", ":"), ensure_ascii=False),
        }
        await self._database.write(lambda c: c.execute(_put, row))
