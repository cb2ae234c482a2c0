"""What the gateway keeps: approvals, what is still to be delivered of them, and which scopes stood behind it."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Literal

from holdback_base.database import load_instant, store_instant
from holdback_base.vocabulary import Instant, Noun
from sqlalchemy import JSON, Column, Connection, Index, Integer, MetaData, String, Table, delete, func, select, update

METADATA = MetaData(info={"version": 3})
"""The gateway's tables: hand it to `Database`."""

_approvals = Table(
    "approvals",
    METADATA,
    Column("id", String, primary_key=True),
    Column("asker", String, nullable=False),
    Column("scopes", JSON, nullable=False),
    Column("agent", String, nullable=False),
    Column("task", String, nullable=False),
    Column("context", String, nullable=False),
    Column("question", JSON, nullable=False),
    Column("question_sha256", String, nullable=False),
    Column("asked", String, nullable=False),
    Column("expires", String, nullable=False),
    Column("decision", String),
    Column("decided_by", String),
    Column("decided", String),
    Column("comment", String, nullable=False, default=""),
    Column("statement", String),
    Column("tier", Integer, nullable=False),
    Column("story", String),
    Column("revoked", String),
    Column("revoked_by", String),
    Column("revoked_why", String, nullable=False, default=""),
    Index("approvals_by_question", "agent", "task", "question_sha256"),
    Index("approvals_by_decider", "decided_by", "decided"),
)
_deliveries = Table(
    "deliveries",
    METADATA,
    Column("approval", String, primary_key=True),
    Column("state", String, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("last_error", String, nullable=False),
    Index("deliveries_by_state", "state"),
)
_lent = Table(
    "lent_scopes",
    METADATA,
    Column("token", String, primary_key=True),
    Column("scopes", JSON, nullable=False),
    Column("until", String, nullable=False, index=True),
)


_undelivered = _deliveries.c.state == "pending"
_on_delivery = (_deliveries, _deliveries.c.approval == _approvals.c.id)
_INSTANTS = ("asked", "expires", "decided", "revoked")


class Approval(Noun):
    """A question that an agent asked for a person, and what another person decided.

    `scopes` are what the asker had delegated to the agent when it asked; the task goes on with these. Undecided, it
    lapses at `expires`. `tier` is the value tier of the cut and `story` the closed story that it belongs to, as rights
    signed them. `decided_by` is `policy:<name>` where policy passed it. What was approved may be `revoked`, for good.
    """

    id: str
    asker: str
    scopes: tuple[str, ...]
    agent: str
    task: str
    context: str
    question: dict[str, Any]
    question_sha256: str
    asked: Instant
    expires: Instant
    decision: Literal["approved", "rejected"] | None = None
    decided_by: str | None = None
    decided: Instant | None = None
    comment: str = ""
    statement: str | None = None
    tier: int
    story: str | None = None
    revoked: Instant | None = None
    revoked_by: str | None = None
    revoked_why: str = ""

    def state(self, now: datetime) -> str:
        """`open`, `lapsed`, `approved`, `rejected` or `revoked`."""
        if self.revoked is not None:
            return "revoked"
        return self.decision or ("open" if now < self.expires else "lapsed")


def insert(c: Connection, approval: Approval) -> None:
    """Keep a new question."""
    row = approval.model_dump()
    for name in _INSTANTS:
        row[name] = store_instant(row[name]) if row[name] else None
    c.execute(_approvals.insert().values(row | {"scopes": list(approval.scopes)}))


def find(c: Connection, identity: str) -> Approval | None:
    """The approval of that id."""
    row = c.execute(select(_approvals).where(_approvals.c.id == identity)).mappings().one_or_none()
    return _approval(dict(row)) if row else None


def find_asked(c: Connection, agent: str, task: str, question_sha256: str, now: datetime) -> Approval | None:
    """The same question of the same task, asked before, not lapsed and not taken back."""
    row = (
        c.execute(
            select(_approvals)
            .where(
                _approvals.c.agent == agent,
                _approvals.c.task == task,
                _approvals.c.question_sha256 == question_sha256,
                _approvals.c.revoked.is_(None),
                (_approvals.c.expires > store_instant(now)) | _approvals.c.decision.is_not(None),
            )
            .order_by(_approvals.c.id.desc())
            .limit(1)
        )
        .mappings()
        .one_or_none()
    )
    return _approval(dict(row)) if row else None


def page(
    c: Connection, asker: str | None, before: str | None, limit: int, known: Callable[[Approval], bool]
) -> list[Approval]:
    """Those approvals that are `known`, the newest first: all, or those that one person asked; `before` is the id to go
    on from."""
    query = select(_approvals).order_by(_approvals.c.id.desc()).limit(limit)
    if asker is not None:
        query = query.where(_approvals.c.asker == asker)
    found: list[Approval] = []
    while len(found) < limit:
        following = query if before is None else query.where(_approvals.c.id < before)
        read = [_approval(dict(row)) for row in c.execute(following).mappings()]
        found += [each for each in read if known(each)]
        if len(read) < limit:
            break
        before = read[-1].id
    return found[:limit]


def count_open(c: Connection, asker: str, now: datetime) -> int:
    """How many questions of a person wait for a decision."""
    return c.execute(
        select(func.count())
        .select_from(_approvals)
        .where(_approvals.c.asker == asker, _approvals.c.decision.is_(None), _approvals.c.expires > store_instant(now))
    ).scalar_one()


def count_decided(c: Connection, by: str, since: datetime) -> int:
    """How often somebody has decided since an instant."""
    return c.execute(
        select(func.count())
        .select_from(_approvals)
        .where(_approvals.c.decided_by == by, _approvals.c.decided >= store_instant(since))
    ).scalar_one()


def settle(c: Connection, approval: Approval) -> None:
    """Keep the decision of a person, and that it is to be delivered; both or neither."""
    assert approval.decided is not None
    c.execute(
        update(_approvals)
        .where(_approvals.c.id == approval.id)
        .values(
            decision=approval.decision,
            decided_by=approval.decided_by,
            decided=store_instant(approval.decided),
            comment=approval.comment,
            statement=approval.statement,
        )
    )
    c.execute(_deliveries.insert().values(approval=approval.id, state="pending", attempts=0, last_error=""))


def revoke(c: Connection, approval: Approval) -> None:
    """Keep that an approval was taken back."""
    assert approval.revoked is not None
    c.execute(
        update(_approvals)
        .where(_approvals.c.id == approval.id)
        .values(
            revoked=store_instant(approval.revoked),
            revoked_by=approval.revoked_by,
            revoked_why=approval.revoked_why,
        )
    )


def approval_status(c: Connection, identity: str) -> Literal["valid", "revoked", "unknown"]:
    """Whether the gateway gave this approval and nobody has taken it back; validity in time is in the statement."""
    columns = (_approvals.c.decision, _approvals.c.revoked)
    row = c.execute(select(*columns).where(_approvals.c.id == identity)).first()
    if row is None or row.decision != "approved":
        return "unknown"
    return "revoked" if row.revoked else "valid"


def waiting(c: Connection) -> dict[str, tuple[int, str]]:
    """The agents to whom decisions are still to be delivered: how many, and when the newest was made."""
    facts = (_approvals.c.agent, func.count(), func.max(_approvals.c.decided))
    rows = c.execute(select(*facts).join(*_on_delivery).where(_undelivered).group_by(_approvals.c.agent))
    return {agent: (count, newest) for agent, count, newest in rows}


def pending(c: Connection, agent: str) -> list[tuple[Approval, int]]:
    """Decisions still to be delivered to an agent, the oldest first, with how often it was tried."""
    rows = c.execute(
        select(_approvals, _deliveries.c.attempts)
        .join(*_on_delivery)
        .where(_undelivered, _approvals.c.agent == agent)
        .order_by(_approvals.c.decided)
    ).mappings()
    found: list[tuple[Approval, int]] = []
    for row in rows:
        fields = dict(row)
        attempts: int = fields.pop("attempts")
        found.append((_approval(fields), attempts))
    return found


def delivery_state(c: Connection, identity: str) -> str | None:
    """`pending`, `delivered`, `given-up`, or None for what is undecided."""
    return c.execute(select(_deliveries.c.state).where(_deliveries.c.approval == identity)).scalar_one_or_none()


def note_delivery(c: Connection, identity: str, state: str, error: str = "") -> None:
    """One more attempt, and where it ended."""
    c.execute(
        update(_deliveries)
        .where(_deliveries.c.approval == identity)
        .values(state=state, attempts=_deliveries.c.attempts + 1, last_error=error[:500])
    )


def lend(c: Connection, token: str, scopes: list[str], until: datetime, now: datetime) -> None:
    """Remember, for as long as the token lives, which scopes stood behind a narrower one that asks for an approval."""
    c.execute(delete(_lent).where(_lent.c.until <= store_instant(now)))
    c.execute(_lent.insert().values(token=token, scopes=scopes, until=store_instant(until)))


def lent(c: Connection, token: str) -> list[str] | None:
    """The scopes behind a token, if it came out of an exchange."""
    return c.execute(select(_lent.c.scopes).where(_lent.c.token == token)).scalar_one_or_none()


def _approval(row: dict[str, Any]) -> Approval:
    for name in _INSTANTS:
        row[name] = load_instant(row[name]) if row[name] else None
    return Approval.model_validate(row)
