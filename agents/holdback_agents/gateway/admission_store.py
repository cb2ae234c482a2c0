"""What the gateway keeps of the agents that a person let in."""

import json

from holdback_base.database import load_instant, store_instant
from holdback_trust.admission import Admission
from sqlalchemy import JSON, Column, Connection, String, Table, delete, select, type_coerce
from sqlalchemy.dialects.sqlite import insert

from holdback_agents.gateway.store import METADATA

_admissions = Table(
    "admissions",
    METADATA,
    Column("agent", String, primary_key=True),
    Column("at", String, nullable=False),
    Column("admission", JSON, nullable=False),
)
Stored = tuple[tuple[str, str, str], ...]
"""Who was let in, when, and the rest as JSON."""


def put_admission(c: Connection, admission: Admission) -> None:
    """Let an agent in, or write down anew as what."""
    shape = admission.model_dump(mode="json", exclude={"agent", "at"})
    row = {"agent": admission.agent, "at": store_instant(admission.at), "admission": shape}
    statement = insert(_admissions).values(row)
    changed = {name: statement.excluded[name] for name in ("at", "admission")}
    c.execute(statement.on_conflict_do_update(index_elements=["agent"], set_=changed))


_all = select(
    _admissions.c.agent, _admissions.c.at, type_coerce(_admissions.c.admission, String).label("admission")
).order_by(_admissions.c.agent)


def stored_admissions(c: Connection) -> Stored:
    """Every agent that was let in as it stands in the store, in order of the ids: `read_admissions` reads it."""
    return tuple((agent, at, shape) for agent, at, shape in c.execute(_all))


def read_admissions(stored: Stored) -> dict[str, Admission]:
    """Every agent that was let in, by its id, in order of the ids."""
    return {
        agent: Admission.model_validate({**json.loads(shape), "agent": agent, "at": load_instant(at)})
        for agent, at, shape in stored
    }


def admission_stamp(c: Connection) -> tuple[tuple[str, str], ...]:
    """Who was let in, and when last: what tells one state of the admissions from another."""
    rows = c.execute(select(_admissions.c.agent, _admissions.c.at).order_by(_admissions.c.agent))
    return tuple((agent, at) for agent, at in rows)


def drop_admission(c: Connection, agent: str) -> bool:
    """Let an agent in no more; whether it had been."""
    return c.execute(delete(_admissions).where(_admissions.c.agent == agent)).rowcount > 0
