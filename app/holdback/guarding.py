"""`holdback guardian`: sees and changes, as the person at this machine, what the guardian of a home took away.

It writes the standing book of the home itself, so it works while the house runs, which obeys within a second, and while
it does not. People elsewhere use the gateway's `/guardian`.
"""

import json
import os
import sys
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from holdback_base.ids import system_clock
from holdback_base.problem import Problem
from holdback_base.vocabulary import instant_text
from holdback_servers.settings import default_home, load_settings
from holdback_trust.guardian import Guardian, Incident, IncidentBook
from holdback_trust.identity import AGENTS, GATEWAY
from holdback_trust.standing import Entry, Standing, StandingBroken

from holdback.admitting import open_admissions
from holdback.foundation import INCIDENTS, Foundation, check_house, house_ring, lay_foundation, party_keys
from holdback.people import home_credentials
from holdback.rooms import room_store

_SHOWN = 20
_KINDS = {
    "suspend": "suspended",
    "dismiss": "dismissed",
    "kill": "stopped",
    "quarantine": "held back",
    "narrow": "only reads",
    "permit": "permitted",
}


def list_all(home: Path | None, *, as_json: bool) -> None:
    """Who is suspended, what is held back, and the latest incidents."""
    place = _place(home)
    ring = house_ring(place)
    incidents, wrong = IncidentBook(place / INCIDENTS).read(ring)
    trouble = ""
    entries: tuple[Entry, ...] = ()
    try:
        standing = Standing.of_home(place, GATEWAY, party_keys(place, GATEWAY), ring, system_clock)
        entries = tuple(each for each in standing.entries() if each.kind in _KINDS)
    except StandingBroken as broken:
        trouble = broken.line()
    if as_json:
        shape: dict[str, Any] = {
            "standing": [each.model_dump(mode="json", exclude_none=True) for each in entries],
            "incidents": [each.model_dump(mode="json") for each in incidents],
            "unreadable": wrong,
            "trouble": trouble,
        }
        sys.stdout.write(json.dumps(shape, indent=1) + "\n")
        return
    lines = [f"{trouble} Until then no agent may do anything."] if trouble else []
    lines += [_standing_line(each) for each in entries] or ["Nobody is suspended and nothing is held back."]
    lines += [_incident_line(each) for each in incidents[: -_SHOWN - 1 : -1]]
    lines += [f"{wrong} lines of the incidents were not written by this house."] if wrong else []
    sys.stdout.write("\n".join(lines) + "\n")


def show(incident: str, home: Path | None, *, as_json: bool) -> None:
    """The evidence of one incident. Raises Problem NOT_FOUND."""
    found = _incident(_place(home), incident)
    if as_json:
        sys.stdout.write(found.model_dump_json(indent=1) + "\n")
        return
    for_whom = f" for {found.person}" if found.person else ""
    lines = [
        f"{found.id}  {instant_text(found.at)}",
        f"  {found.agent}{for_whom}: {found.verdict}, because {found.words}",
        f"  signal     {found.signal}: {found.seen}, and {found.limit} is the limit",
        f"  chain      {' < '.join(found.chain)}",
        f"  task       {found.task} of {found.root}",
    ]
    lines += [f"  before     {instant_text(each.at)} {each.action} {each.code}".rstrip() for each in found.calls]
    lines += [f"  words      {each}" for each in found.texts]
    lines += [f"  held back  {each}" for each in found.made]
    sys.stdout.write("\n".join(lines) + "\n")


def suspend(agent: str, why: str, home: Path | None) -> None:
    """Nothing of this agent counts from now on. Raises Problem NOT_FOUND for one that there is not."""
    with _home(home) as foundation:
        _check_known(_agent(agent), foundation)
        incident = _guardian(foundation).stop(_agent(agent), by=foundation.settings.person, why=why)
    sys.stdout.write(f"{_agent(agent)} is suspended ({incident.id}).\n")


def restore(which: str, home: Path | None) -> None:
    """Take an agent back, or lift the suspension of one incident. Raises Problem CONFLICT, NOT_FOUND."""
    agent, incident = _agent(which), ""
    if which.startswith("evt_"):
        agent, incident = _incident(_place(home), which).agent, which
    done: list[str] = []

    def change(standing: Standing, by: str) -> None:
        lifted, left = standing.restore(agent, by=by, which=incident), standing.suspended(agent)
        done.append(f"Taken back: {_standing_line(lifted)}")
        if left is None:
            done.append(f"{agent} may act again; its tasks that were ended stay ended.")
        else:
            done.append(f"It may not act yet: {_standing_line(left)}")

    _give_back(home, "restore", agent, change)
    sys.stdout.write("\n".join(done) + "\n")


def kill(why: str, home: Path | None) -> None:
    """No agent of this house may do anything from now on."""
    with _home(home) as foundation:
        foundation.enforcement.standing.kill(by=foundation.settings.person, why=why)
        _record(foundation, "kill", "all agents")
    sys.stdout.write("All agents are stopped.\n")


def resume(home: Path | None) -> None:
    """Let agents act again."""
    _give_back(home, "resume", "all agents", lambda standing, by: standing.resume(by=by))
    sys.stdout.write("Agents may act again, but for those that are suspended by name.\n")


def release(names: list[str], home: Path | None, incident: str = "") -> None:
    """Let things be used again, by name or all of an incident; what another incident holds back, it still does.

    Args:
        incident: whose quarantine of the names is meant, where several hold them back.

    Raises:
        Problem: NOT_FOUND; CONFLICT where several hold a thing back and none is named.
    """
    lines: list[str] = []

    def change(standing: Standing, by: str) -> None:
        incidents = [each for each in names if each.startswith("evt_")]
        for each in incidents:
            if not standing.held_by(each):
                raise Problem("NOT_FOUND", f"Nothing is held back by {each}.", "See holdback guardian list.")
        single = frozenset(names).difference(incidents)  # first, for these may be refused, and then nothing was done
        for which in (incident, *incidents):
            things = standing.held_by(which) if which in incidents else single
            left = standing.release(things, by=by, which=which)
            free = sorted(things - {each.name for each in left})
            lines.extend([f"Released: {', '.join(free)}."] if free else [])
            lines.extend(f"Not yet: {_standing_line(each)}" for each in left)

    _give_back(home, "release", " ".join([*names, incident]).strip(), change)
    sys.stdout.write("\n".join(lines) + "\n")


def permit(incident: str, home: Path | None) -> None:
    """Let go on what the guardian asked about. Raises Problem NOT_FOUND, CONFLICT."""
    found = _incident(_place(home), incident)
    if found.verdict != "ask":
        raise Problem("CONFLICT", f"{found.id} waits for nobody.", "Restore the agent, or begin a new task.")
    _give_back(home, "permit", found.id, lambda standing, by: standing.permit(found.id, by=by))
    sys.stdout.write(f"{found.agent} may go on with what {found.id} stopped.\n")


def _give_back(home: Path | None, order: str, what: str, change: Callable[[Standing, str], None]) -> None:
    """What gives something back takes the second factor of the person at this machine, where there is one."""
    with _home(home) as foundation:
        person = foundation.settings.person
        credentials = home_credentials(foundation.settings.home, foundation.clock)
        if credentials.has_factor(person) and not credentials.use_factor(person, input("One-time code: ").strip()):
            raise Problem("SECOND_FACTOR_NEEDED", f"That is not the code of {person}.", "Type the six digits of now.")
        change(foundation.enforcement.standing, person)
        _record(foundation, order, what)


def _record(foundation: Foundation, order: str, what: str) -> None:
    person = foundation.settings.person
    foundation.audit.append(
        actor=person,
        on_behalf_of=person,
        action=f"guardian.{order}",
        resource=what,
        policy="person-at-this-machine",
    )
    foundation.audit.sign_head(f"guardian {order}")


@contextmanager
def _home(home: Path | None) -> Generator[Foundation]:
    foundation = lay_foundation(load_settings(home=_place(home)), "guardian")
    try:
        yield foundation
    finally:
        foundation.audit.close()


def _place(home: Path | None) -> Path:
    place = (home or default_home(os.environ)).expanduser().absolute()
    check_house(place)
    return place


def _guardian(foundation: Foundation) -> Guardian:
    guard = foundation.enforcement.guard
    assert isinstance(guard, Guardian)
    return guard


def _incident(home: Path, identity: str) -> Incident:
    incidents, _ = IncidentBook(home / INCIDENTS).read(house_ring(home))
    found = next((each for each in incidents if each.id == identity), None)
    if found is None:
        raise Problem("NOT_FOUND", f"There is no incident {identity}.", "See holdback guardian list.")
    return found


def _check_known(agent: str, foundation: Foundation) -> None:
    """Whoever slips in a name must not believe that an agent is stopped which goes on."""
    from holdback_agents.gateway.store import METADATA

    if agent in AGENTS:
        return
    with closing(room_store("gateway", foundation, METADATA)) as store:
        known = sorted({*AGENTS, *(each.agent for each in open_admissions(store, foundation).all())})
    if agent not in known:
        raise Problem(
            "NOT_FOUND",
            f"There is no {agent} here, so nobody was suspended.",
            f"Name one of {', '.join(known)}; `holdback guardian kill` stops them all.",
        )


def _agent(name: str) -> str:
    return name if name.startswith("agent:") else f"agent:{name}"


def _standing_line(entry: Entry) -> str:
    what = "all agents" if entry.kind == "kill" else entry.name
    why = f": {entry.why}" if entry.why else ""
    incident = f"  {entry.incident}" if entry.incident else ""
    return f"{_KINDS[entry.kind]:<10} {what}  since {instant_text(entry.at)} by {entry.by}{why}{incident}"


def _incident_line(incident: Incident) -> str:
    return f"{incident.id}  {instant_text(incident.at)}  {incident.verdict:<7} {incident.agent}: {incident.words}"
