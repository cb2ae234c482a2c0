"""An audit log told as a story: who asked whom to do what, for whom, what was done, what was refused. Pure.

Rows are not verified here (`audit_check`). An agent's own account of a call and the row of the door that it went
through are told as one; what a door decided stands, for it is the door that lets in.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from holdback_base.vocabulary import Instant, Noun
from pydantic import Field

from holdback_trust.audit_check import AuditRow

Outcome = Literal["done", "failed", "refused", "asked", "began", "ended"]
ROUTINE = frozenset({"token.issue", "gateway.pass", "registry.read"})
"""Rows that every hop leaves; told only when they were refused."""
_LOOKS = frozenset({"get_job"})
Row = tuple[str, AuditRow]


class Line(Noun):
    """One line of a story: what somebody did in one task between two instants.

    `depth` is how many tasks this one is below the first. `what` are names of tools or acts and how often each, `with_`
    the ids that were named. `policies` spoke, `code` says why something failed or was refused. `rows` is the first and
    the last row, as `chain:number`.
    """

    at: Instant
    until: Instant
    depth: int
    task: str
    who: str
    outcome: Outcome
    where: str = ""
    what: tuple[tuple[str, int], ...] = ()
    things: tuple[str, ...] = ()
    policies: tuple[str, ...] = ()
    code: str = ""
    configuration: str = ""
    rows: tuple[str, str]


class TaskTold(Noun):
    """A task: which agent did what for whom, given by which task, and how it ended (`` while it has not).

    `skill` is empty where only doors tell of it: an agent from outside keeps its own account elsewhere.
    """

    id: str
    agent: str
    skill: str
    person: str
    given_by: str = ""
    began: Instant
    ended: Instant | None = None
    how: str = ""


class Story(Noun):
    """The tasks that came of one, in order of their beginning, and what was done in them, in order of time."""

    tasks: tuple[TaskTold, ...]
    lines: tuple[Line, ...]
    rows: int = Field(ge=0)

    @property
    def refusals(self) -> int:
        """How many lines tell of something that was refused."""
        return sum(line.outcome == "refused" for line in self.lines)


def tasks_of(rows: Iterable[Row]) -> tuple[TaskTold, ...]:
    """Every task that an agent took or acted in, in order of its beginning."""
    told: dict[str, TaskTold] = {}
    for _, row in rows:
        verb, _, skill = row.action.partition(" ")
        known = told.get(row.task)
        if verb == "accept" and (known is None or not known.skill):
            giver = row.resource or _given_by(row, told.values())
            told[row.task] = _begun(row, skill, giver)
        elif known is None and row.task and row.actor.startswith("agent:"):
            told[row.task] = _begun(row, "", _given_by(row, told.values()))
        elif verb == "end" and known is not None:
            told[row.task] = told[row.task].model_copy(
                update={"ended": row.at, "how": f"{row.resource} {row.policy}".strip()}
            )
    return tuple(told.values())


def _begun(row: AuditRow, skill: str, giver: str) -> TaskTold:
    return TaskTold(id=row.task, agent=row.actor, skill=skill, person=row.on_behalf_of, given_by=giver, began=row.at)


def tell(rows: Sequence[Row], task: str) -> Story:
    """The story of a task and of all that came of it. Empty when no row names it."""
    tasks = tasks_of(rows)
    below = _below(tasks, task)
    depths = {each.id: _depth(each, tasks, task) for each in tasks if each.id in below}
    own = [(chain, row) for chain, row in rows if row.task in below or row.task == task]
    doors = Counter((row.task, row.action) for _, row in own if row.resource.startswith("mcp:"))
    lines = _merged(_line(chain, row, depths.get(row.task, 0)) for chain, row in _once(own, doors))
    return Story(tasks=tuple(each for each in tasks if each.id in below), lines=tuple(lines), rows=len(own))


def _given_by(row: AuditRow, earlier: Iterable[TaskTold]) -> str:
    """For rows that do not say it: the newest open task of the agent that asked, for the same person."""
    if len(row.chain) < 2:
        return ""
    asking = [each for each in earlier if each.agent == row.chain[1] and each.person == row.on_behalf_of]
    return next((each.id for each in reversed(asking) if each.ended is None), "")


def _below(tasks: Sequence[TaskTold], task: str) -> set[str]:
    found = {task}
    for each in tasks:  # in order of their beginning: whoever gives a task began before it
        if each.given_by in found:
            found.add(each.id)
    return found


def _depth(told: TaskTold, tasks: Sequence[TaskTold], top: str) -> int:
    by_id, depth = {each.id: each for each in tasks}, 0
    while told.id != top and told.given_by in by_id and depth < len(tasks):
        told, depth = by_id[told.given_by], depth + 1
    return depth


def _once(rows: Iterable[Row], doors: Counter[tuple[str, str]]) -> Iterator[Row]:
    """Without what every hop leaves, and without an agent's own account of what a door's row tells too."""
    for chain, row in rows:
        verb, _, name = row.action.partition(" ")
        if row.action in ROUTINE and not row.decision.startswith("denied"):
            continue
        if verb in ("approval", "delegate", "job") and name and row.decision == "allowed":
            continue  # told by the gateway's row of the question, the other agent's of its task, the looks at the job
        if verb == "tool" and doors[row.task, name] > 0:
            doors[row.task, name] -= 1
            continue
        yield chain, row


def _line(chain: str, row: AuditRow, depth: int) -> Line:
    verb, _, name = row.action.partition(" ")
    decision, _, code = row.decision.partition(":")
    at_door = row.resource == f"mcp:{row.action.partition('.')[0]}"
    outcome, where, what = _told(row, verb, name, at_door=at_door)
    if decision == "denied":
        outcome, code = "refused", code or (row.policy if row.policy.isupper() else "")
    elif decision == "failed" or (verb in ("tool", "job", "delegate", "ask") and row.policy.isupper()):
        outcome, code = "failed", code or row.policy
    return Line(
        at=row.at,
        until=row.at,
        depth=depth,
        task=row.task,
        who=row.actor,
        outcome=outcome,
        where=where,
        what=((what, 1),),
        things=row.things if at_door else ((row.resource,) if row.resource and outcome == "done" else row.things),
        policies=(row.policy,) if row.policy and row.policy != code else (),
        code=code,
        configuration=row.configuration,
        rows=(f"{chain}:{row.seq}", f"{chain}:{row.seq}"),
    )


def _told(row: AuditRow, verb: str, name: str, *, at_door: bool) -> tuple[Outcome, str, str]:
    if verb == "accept":
        return "began", "", name
    if verb == "end":
        return "ended", row.resource, name
    if verb == "ask" and name:
        return "asked", "", name
    if at_door:
        return "done", row.resource.removeprefix("mcp:"), row.action.partition(".")[2]
    if verb in ("tool", "job"):
        server, _, rest = name.partition(".")
        return "done", server, rest if verb == "tool" else "job"
    return "done", "", row.action


def _merged(lines: Iterable[Line]) -> Iterator[Line]:
    """Runs of what one agent did at one server in one task as one line; looks at a running job count for nothing."""
    held: Line | None = None
    for line in lines:
        if held is not None and _goes_on(held, line):
            held = _together(held, line)
            continue
        if held is not None:
            yield held
        held = line
    if held is not None:
        yield held


def _goes_on(held: Line, line: Line) -> bool:
    same = (held.task, held.who, held.where, held.policies) == (line.task, line.who, line.where, line.policies)
    return same and held.outcome == line.outcome == "done" and bool(line.where)


def _together(held: Line, line: Line) -> Line:
    counts = Counter(dict(held.what))
    for name, times in line.what:
        counts[name] += times
    things = tuple(dict.fromkeys((*held.things, *(line.things if line.what[0][0] not in _LOOKS else ()))))
    return held.model_copy(
        update={
            "until": line.until,
            "what": tuple(counts.items()),
            "things": things,
            "rows": (held.rows[0], line.rows[1]),
        }
    )
