"""What the gateway keeps of tasks: for whom, for what, under which policy, until when, and how they ended."""

import json
import sqlite3
from collections.abc import Iterable
from datetime import datetime
from typing import Any, cast

from holdback_base.database import load_instant, store_instant
from holdback_base.vocabulary import Instant, Noun
from holdback_trust.identity import AgentId, Caller, TaskClaim
from sqlalchemy import JSON, Column, Connection, String, Table, delete, select

from holdback_agents.gateway.store import METADATA

_tasks = Table(
    "tasks",
    METADATA,
    Column("id", String, primary_key=True),
    Column("root", String, nullable=False),
    Column("agent", String, nullable=False),
    Column("parent", String, nullable=False),
    Column("context", String, nullable=False),
    Column("claim", JSON, nullable=False),
    Column("session", JSON, nullable=False),
    Column("subjects", JSON, nullable=False),
    Column("began", String, nullable=False),
    Column("expires", String, nullable=False, index=True),
    Column("ended", String),
    Column("why", String, nullable=False),
)
MOST_SUBJECTS = 64
"""Tokens that a task may have come with: one for each message of who asked for it; of more, the newest count."""


MOST_IDS = 250_000
"""Tasks that are known by name without asking the disk; with more than that it is asked each time."""


class HeldTask(Noun):
    """A task of an agent, as the gateway knows it.

    `claim` is what its tokens say. `session` is whom the newest token that came with a message for it named, before the
    agent took it on: for whom, through whom, with which scopes. `subjects` are the ids of all such tokens. `parent` is
    the task that gave it, empty when a person did. Once it has `ended`, `why` says how.
    """

    agent: AgentId
    claim: TaskClaim
    session: Caller
    subjects: tuple[str, ...]
    parent: str = ""
    context: str = ""
    began: Instant
    ended: Instant | None = None
    why: str = ""

    @property
    def id(self) -> str:
        """Of the task, unique in the house."""
        return self.claim.id

    def lives(self, now: datetime) -> bool:
        """Whether tokens may still be given for it."""
        return self.ended is None and now < self.claim.expires


_PUT = """INSERT INTO tasks
(id, root, agent, parent, context, claim, session, subjects, began, expires, ended, why)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET
session = excluded.session, subjects = excluded.subjects, ended = excluded.ended, why = excluded.why"""
_END = "UPDATE tasks SET ended = ?, why = ? WHERE id = ? AND subjects = ?"
"""Of a row in which only that is new: `session` changes with the last of the `subjects`."""


def put_tasks(c: Connection, tasks: Iterable[HeldTask]) -> None:
    """Keep tasks as they stand."""
    driver = cast(sqlite3.Connection, c.connection.driver_connection)  # at each token: it alone is four times as fast
    for each in tasks:
        ended = store_instant(each.ended) if each.ended else None
        subjects = json.dumps(each.subjects)
        if ended and driver.execute(_END, (ended, each.why, each.id, subjects)).rowcount:
            continue
        claim, session = each.claim.model_dump_json(), each.session.model_dump_json()
        began, expires = store_instant(each.began), store_instant(each.claim.expires)
        names = (each.id, each.claim.root, each.agent, each.parent, each.context)
        driver.execute(_PUT, (*names, claim, session, subjects, began, expires, ended, each.why))


def find_task(c: Connection, identity: str) -> HeldTask | None:
    """The task of that id."""
    row = c.execute(select(_tasks).where(_tasks.c.id == identity)).mappings().one_or_none()
    return _task(dict(row)) if row else None


def living_at(c: Connection, moment: datetime) -> list[HeldTask]:
    """The tasks that have not ended by themselves or by their window."""
    open_ones = select(_tasks).where(_tasks.c.ended.is_(None), _tasks.c.expires > store_instant(moment))
    return [_task(dict(row)) for row in c.execute(open_ones).mappings()]


def all_ids(c: Connection) -> list[str]:
    """The ids of all tasks that are kept, no more than `MOST_IDS`."""
    return list(c.execute(select(_tasks.c.id).limit(MOST_IDS)).scalars())


def forget_before(c: Connection, moment: datetime) -> None:
    """Forget the tasks whose window was over by then."""
    c.execute(delete(_tasks).where(_tasks.c.expires < store_instant(moment)))


def _task(row: dict[str, Any]) -> HeldTask:
    return HeldTask(
        agent=row["agent"],
        claim=TaskClaim.model_validate(row["claim"]),
        session=Caller.model_validate(row["session"]),
        subjects=tuple(row["subjects"]),
        parent=row["parent"],
        context=row["context"],
        began=load_instant(row["began"]),
        ended=load_instant(row["ended"]) if row["ended"] else None,
        why=row["why"],
    )
