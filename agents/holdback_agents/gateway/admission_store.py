"""What the gateway keeps of the agents that a person let in."""

from holdback_base.database import load_instant, store_instant
from holdback_trust.admission import Admission
from sqlalchemy import JSON, Column, Connection, String, Table, delete, select
from sqlalchemy.dialects.sqlite import insert

from holdback_agents.gateway.store import METADATA

_admissions = Table(
    "admissions",
    METADATA,
    Column("agent", String, primary_key=True),
    Column("at", String, nullable=False),
    Column("admission", JSON, nullable=False),
)


def put_admission(c: Connection, admission: Admission) -> None:
    """Let an agent in, or write down anew as what."""
    shape = admission.model_dump(mode="json", exclude={"agent", "at"})
    row = {"agent": admission.agent, "at": store_instant(admission.at), "admission": shape}
    statement = insert(_admissions).values(row)
    changed = {name: statement.excluded[name] for name in ("at", "admission")}
    c.execute(statement.on_conflict_do_update(index_elements=["agent"], set_=changed))


def all_admissions(c: Connection) -> dict[str, Admission]:
    """Every agent that was let in, by its id, in order of the ids."""
    rows = c.execute(select(_admissions).order_by(_admissions.c.agent)).mappings()
    return {
        row["agent"]: Admission.model_validate(
            {**row["admission"], "agent": row["agent"], "at": load_instant(row["at"])}
        )
        for row in rows
    }


def admission_stamp(c: Connection) -> tuple[tuple[str, str], ...]:
    """Who was let in, and when last: what tells one state of the admissions from another."""
    rows = c.execute(select(_admissions.c.agent, _admissions.c.at).order_by(_admissions.c.agent))
    return tuple((agent, at) for agent, at in rows)


def drop_admission(c: Connection, agent: str) -> bool:
    """Let an agent in no more; whether it had been."""
    return c.execute(delete(_admissions).where(_admissions.c.agent == agent)).rowcount > 0
