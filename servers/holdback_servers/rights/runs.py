"""Runs as they are kept: reserved for a publication, then used or released. Plain transactions.

Each of these is one unit of a store with one writer at a time, and looks at what stands before it adds to it: two
callers never take the same last run. All of a call is done or nothing.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from holdback_base.database import hidden_stories, hides, load_instant, store_instant
from holdback_base.problem import Problem
from holdback_base.vocabulary import instant_text, to_utc
from sqlalchemy import Connection, RowMapping, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from holdback_servers.rights import writing
from holdback_servers.rights.counting import RunCount, RunListed, RunsAnswer, RunState, counted, exhausted, taken
from holdback_servers.rights.model import Reruns, Right
from holdback_servers.rights.rows import read_right
from holdback_servers.rights.tables import STORIES, contracts, publications, rights, runs

Settling = Literal["use", "release"]
_AT_ONCE = 500
"""References in one query."""
_BECOMES: Mapping[Settling, RunState] = {"use": "used", "release": "released"}
_REFUSED: Mapping[Settling, tuple[RunState, str, str]] = {
    "use": ("released", "was released", "Reserve it again, then use it."),
    "release": (
        "used",
        "has gone out, and is used for good",
        "Name only the instants that did not go out, in `at`.",
    ),
}


@dataclass(frozen=True, slots=True)
class _Limited:
    """What counting needs of a right."""

    right: Right
    status: str
    withdrawn: bool

    @property
    def limit(self) -> int:
        """Its runs; without a limit none can be reserved, but what was reserved before stays."""
        return self.right.max_runs or 0


def reserve(
    c: Connection, publication: str, wanted: Iterable[tuple[str, datetime]], *, now: datetime, by: str
) -> RunsAnswer:
    """Reserve a run, or a rerun where the right allows one, for each (right id, instant) of the publication.

    What stands already for the same publication, right and instant stays as it is; what was released is reserved anew.

    Raises:
        Problem: NOT_FOUND for a right not on record; INVALID_ARGUMENT for one without a run limit; NOT_CLEARED for one
            that is withdrawn or whose contract is not active; OUTSIDE_CLEARED_WINDOW for an instant outside its window;
            RUNS_EXHAUSTED, naming the right, its limit and who holds what is taken.
    """
    asked: dict[str, set[datetime]] = {}
    for right, at in wanted:
        asked.setdefault(right, set()).add(to_utc(at))
    known = _limited(c, asked)
    changed: list[str] = []
    for identity, instants in sorted(asked.items()):
        standing = [each for each in _of_right(c, identity) if each.state != "released"]
        kept = {each.at for each in standing if each.publication == publication}
        if more := sorted(instants - kept):
            _check_open(known[identity], more)
            _check_left(c, known[identity], standing, more)
            _write(c, (identity, publication), more, "reserved", _stamp(now, by))
            changed.append(identity)
    _count_again(c, {identity: known[identity] for identity in changed})
    return told(c, publication, asked)


def goes_out_under(c: Connection, publication: str, clearance: str) -> None:
    """Remember which clearance a publication goes out under: who may not know of that may not know of it."""
    row = upsert(publications).values(id=publication, clearance=clearance)
    c.execute(row.on_conflict_do_update(index_elements=["id"], set_={"clearance": clearance}))


def settle(
    c: Connection, publication: str, action: Settling, at: Iterable[datetime] | None, *, now: datetime, by: str
) -> RunsAnswer:
    """`use` or `release` what is reserved for a publication: all of it, or its transmissions at these instants.

    What stands so already stays; without `at`, using leaves alone what was released.

    Raises:
        Problem: NOT_FOUND when nothing is reserved for the publication, or at one of the instants; CONFLICT for the use
            of what was released, and for the release of what was used.
    """
    listed = [] if _hidden(c, publication) else _of_publication(c, publication)
    chosen = _chosen(publication, listed, None if at is None else {to_utc(each) for each in at})
    barred, how, cure = _REFUSED[action]
    refused = [each for each in chosen if each.state == barred]
    if refused and (at is not None or action == "release" or len(refused) == len(chosen)):
        named = ", ".join(sorted({instant_text(each.at) for each in refused}))
        raise Problem(
            "CONFLICT",
            f"{publication} at {named} {how}.",
            cure,
            publication=publication,
            at=sorted({instant_text(each.at) for each in refused}),
        )
    due = [each for each in chosen if each.state == "reserved"]
    for each in due:
        _write(c, (each.right, publication), [each.at], _BECOMES[action], _stamp(now, by))
    _count_again(c, _limited(c, {each.right for each in due}))
    return told(c, publication, {each.right for each in chosen})


def release_others(
    c: Connection, publication: str, kept: Callable[[RunListed], bool], *, now: datetime, by: str
) -> None:
    """Give back what is reserved for a publication but for what is kept; what was used stays used."""
    due = [each for each in _of_publication(c, publication) if each.state == "reserved" and not kept(each)]
    for each in due:
        _write(c, (each.right, publication), [each.at], "released", _stamp(now, by))
    _count_again(c, _limited(c, {each.right for each in due}))


def reserved_at(c: Connection, publication: str) -> set[datetime]:
    """The instants at which runs stand reserved for a publication."""
    return {each.at for each in _of_publication(c, publication) if each.state == "reserved"}


def use(c: Connection, publication: str, at: Iterable[datetime] | None = None, *, now: datetime, by: str) -> RunsAnswer:
    """The publication went out: see `settle`."""
    return settle(c, publication, "use", at, now=now, by=by)


def release(
    c: Connection, publication: str, at: Iterable[datetime] | None = None, *, now: datetime, by: str
) -> RunsAnswer:
    """The publication will not go out: see `settle`."""
    return settle(c, publication, "release", at, now=now, by=by)


def count_again(c: Connection, refs: Iterable[str], now: datetime) -> None:
    """Tell runs from reruns again for rights of these references: their limits may have changed."""
    names = sorted(set(refs))
    for begin in range(0, len(names), _AT_ONCE):
        query = (
            select(runs.c.right)
            .join(rights, rights.c.id == runs.c.right)
            .where(rights.c.ref.in_(names[begin : begin + _AT_ONCE]))
            .distinct()
        )
        if found := list(c.execute(query).scalars()):
            _count_again(c, _limited(c, found))


def counts(c: Connection, concerned: Iterable[str]) -> dict[str, RunCount]:
    """How each of these rights stands, by id; one without a run limit is absent."""
    return {
        identity: _count(each, _of_right(c, identity))
        for identity, each in _limited(c, concerned).items()
        if each.right.max_runs is not None
    }


def told(c: Connection, publication: str, concerned: Iterable[str]) -> RunsAnswer:
    """The publication's transmissions against these rights, and how the rights stand."""
    wanted = set(concerned)
    listed = tuple(each for each in _of_publication(c, publication) if each.right in wanted)
    known = _limited(c, wanted)
    stand = tuple(_count(known[identity], _of_right(c, identity)) for identity in sorted(wanted))
    return RunsAnswer(publication=publication, runs=listed, rights=stand)


def choose(
    c: Connection, publication: str, needs: Sequence[tuple[datetime, Sequence[str]]]
) -> list[tuple[str, datetime]]:
    """A right to reserve for each need, an instant with the rights any of which would do.

    One that stands already for the publication then, or serves another need then, is taken first; then one for which it
    is a rerun; otherwise the one with most runs left. Where none has any left, `reserve` refuses what is answered.
    """
    ids = {each for _, candidates in needs for each in candidates}
    known = _limited(c, ids)
    plan = {identity: [each for each in _of_right(c, identity) if each.state != "released"] for identity in ids}
    chosen: set[tuple[str, datetime]] = set()

    def burden(identity: str, at: datetime) -> tuple[bool, int, int, str]:
        standing, reruns = plan[identity], known[identity].right.reruns
        here = (identity, at) in chosen or any(each.publication == publication and each.at == at for each in standing)
        times = [*(each.at for each in standing), *(when for right, when in chosen if right == identity)]
        before, after = taken(times, reruns), taken([*times, at], reruns)
        return not here, after - before, after - known[identity].limit, identity

    for at, candidates in sorted(needs, key=lambda each: (len(each[1]), each[0])):
        chosen.add((min(candidates, key=lambda each: burden(each, to_utc(at))), to_utc(at)))
    return sorted(chosen)


def _check_open(known: _Limited, instants: Sequence[datetime]) -> None:
    right = known.right
    if right.max_runs is None:
        raise Problem(
            "INVALID_ARGUMENT",
            f"{right.id} of {right.ref} has no run limit.",
            "Leave it out: nothing is counted for it.",
        )
    if known.withdrawn or known.status != "active":
        why = "is withdrawn" if known.withdrawn else f"belongs to {right.contract}, which is {known.status}"
        raise Problem("NOT_CLEARED", f"{right.id} of {right.ref} {why}.", "Have the cut cleared again.")
    for at in instants:
        early = right.start is None or at < right.start
        if right.unresolved or early or (right.end is not None and at >= right.end):
            raise Problem(
                "OUTSIDE_CLEARED_WINDOW",
                f"{instant_text(at)} is outside the window of {right.id} of {right.ref}.",
                "Choose an instant in its window, or a right that covers it.",
            )


def _check_left(c: Connection, known: _Limited, standing: Sequence[RunListed], instants: Sequence[datetime]) -> None:
    reruns: Reruns | None = known.right.reruns
    if taken([*(each.at for each in standing), *instants], reruns) > known.limit:
        raise exhausted(_count(known, standing), instants, _told(c, standing))


def _chosen(publication: str, listed: Sequence[RunListed], at: set[datetime] | None) -> list[RunListed]:
    missing = (at or set()) - {each.at for each in listed}
    if not listed or missing:
        when = f" at {', '.join(instant_text(each) for each in sorted(missing))}" if missing else ""
        there = ", ".join(sorted({instant_text(each.at) for each in listed}))
        hint = f"Its transmissions are at {there}." if there else "Use the id that the runs were reserved for."
        raise Problem("NOT_FOUND", f"No run is reserved for {publication}{when}.", hint)
    return [each for each in listed if at is None or each.at in at]


def _write(
    c: Connection, runs_of: tuple[str, str], instants: Iterable[datetime], state: RunState, stamp: Mapping[str, str]
) -> None:
    """Transmissions of (right, publication) at these instants; which of them count is told afterwards."""
    right, publication = runs_of
    values = {"state": state, "counted": 0, **stamp}
    for at in instants:
        made = upsert(runs).values(right=right, publication=publication, at=store_instant(at), **values)
        c.execute(made.on_conflict_do_update(index_elements=["right", "publication", "at"], set_=values))


def _stamp(now: datetime, by: str) -> Mapping[str, str]:
    return {"changed_at": store_instant(now), "changed_by": by}


def _count_again(c: Connection, concerned: Mapping[str, _Limited]) -> None:
    """Mark again which transmissions are runs, and let whoever reads the books of these references see it."""
    for identity, known in concerned.items():
        listed = _of_right(c, identity)
        standing = [each for each in listed if each.state != "released"]
        marks = counted([each.at for each in standing], known.right.reruns)
        should = {(each.publication, each.at): mark for each, mark in zip(standing, marks, strict=True)}
        for each in listed:
            mark = should.get((each.publication, each.at), False)
            if mark != each.counted:
                key = (runs.c.right == identity, runs.c.publication == each.publication)
                c.execute(update(runs).where(*key, runs.c.at == store_instant(each.at)).values(counted=int(mark)))
    writing.count(c, {each.right.ref for each in concerned.values()})


def _limited(c: Connection, wanted: Iterable[str]) -> dict[str, _Limited]:
    ids = sorted(set(wanted))
    own = (rights.c.id, rights.c.contract, rights.c.external_key, rights.c.body, rights.c.withdrawn_at)
    query = select(*own, contracts.c.status).join(contracts, contracts.c.id == rights.c.contract)
    found = {
        row.id: _Limited(
            read_right(row.id, row.contract, row.external_key, row.body), row.status, row.withdrawn_at is not None
        )
        for row in c.execute(query.where(rights.c.id.in_(ids)))
    }
    if missing := [each for each in ids if each not in found]:
        raise Problem("NOT_FOUND", f"There is no right {missing[0]}.", "Use the ids that list_rights gives.")
    return found


def _of_right(c: Connection, right: str) -> list[RunListed]:
    query = select(runs).where(runs.c.right == right).order_by(runs.c.at, runs.c.publication)
    return [_listed(row) for row in c.execute(query).mappings()]


def _of_publication(c: Connection, publication: str) -> list[RunListed]:
    query = select(runs).where(runs.c.publication == publication).order_by(runs.c.at, runs.c.right)
    return [_listed(row) for row in c.execute(query).mappings()]


def _listed(row: RowMapping) -> RunListed:
    return RunListed.model_validate(
        {
            "right": row["right"],
            "publication": row["publication"],
            "at": load_instant(row["at"]),
            "state": row["state"],
            "counted": bool(row["counted"]),
        }
    )


def _count(known: _Limited, listed: Sequence[RunListed]) -> RunCount:
    counting = [each for each in listed if each.counted and each.state != "released"]
    return RunCount(
        right=known.right.id,
        contract=known.right.contract,
        ref=known.right.ref,
        clause=known.right.clause or None,
        limit=known.limit,
        taken=len(counting),
        used=sum(each.state == "used" for each in counting),
        left=max(0, known.limit - len(counting)),
    )


def _told(c: Connection, standing: Sequence[RunListed]) -> list[RunListed]:
    """By whom runs are taken, as whoever asks may know it; how many are, all are told."""
    return [
        each.model_copy(update={"publication": "another publication"}) if _hidden(c, each.publication) else each
        for each in standing
    ]


def _hidden(c: Connection, publication: str) -> bool:
    """Whether whoever asks may not know of a publication."""
    if not hidden_stories(c):
        return False
    under = c.execute(select(publications.c.clearance).where(publications.c.id == publication)).scalar_one_or_none()
    return under is not None and hides(c, STORIES, under)
