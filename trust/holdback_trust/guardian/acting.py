"""What follows when a limit is reached: evidence is kept, and something is taken away."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

from holdback_base.ids import NewId
from holdback_base.problem import Problem

from holdback_trust.guardian.incidents import Incident, IncidentBook, SeenCall
from holdback_trust.guardian.limits import WINDOW_SECONDS, Reached, Signal, Verdict
from holdback_trust.guardian.watching import AgentWatch, RootWatch, Watched
from holdback_trust.policy import Decision, denied
from holdback_trust.standing import Standing

BY = "guardian"
_HINTS = {
    "block": "Go on without this call.",
    "ask": "A person with the role security looks at it, and may let it go on: holdback guardian permit.",
    "narrow": "Begin a new task, or ask a person with the role security.",
    "suspend": "A person with the role security restores it: holdback guardian restore.",
}


class Finding(NamedTuple):
    """A signal that reached a limit, in a call of this agent for this person."""

    agent: str
    person: str
    chain: tuple[str, ...]
    root: str
    task: str
    signal: Signal
    verdict: Verdict
    words: str
    action: str
    seen: int = 0
    limit: int = 0

    def reached(self, step: Reached) -> "Finding":
        """The same with the count of the signal and the limit that it reached."""
        return self._replace(seen=step.seen, limit=step.limit)


class Acting:
    """Makes verdicts true: in the standing book where they outlast the call, and in the incidents always."""

    def __init__(
        self,
        standing: Standing,
        incidents: IncidentBook,
        watched: Watched,
        new_id: NewId,
        tell: Callable[[Incident], None] | None,
    ) -> None:
        self._standing, self._incidents, self._watched = standing, incidents, watched
        self._new_id, self._tell = new_id, tell
        self._lately: dict[tuple[str, str, str, str], tuple[float, Incident]] = {}

    def follow(
        self, finding: Finding, at: datetime, watch: AgentWatch, root: RootWatch, texts: tuple[str, ...] = ()
    ) -> Decision:
        """Do what the verdict says, and the decision on the call. The same again within ten minutes is one incident."""
        key = (finding.agent, finding.root, finding.signal, finding.verdict)
        now = at.timestamp()
        before = self._lately.get(key)
        if before is not None and now - before[0] < WINDOW_SECONDS:
            return _decision(finding, before[1])
        incident = self._incident(finding, at, watch, texts)
        self._lately = {each: held for each, held in self._lately.items() if now - held[0] < WINDOW_SECONDS}
        self._lately[key] = (now, incident)
        self._incidents.add(incident)
        if finding.verdict == "ask":
            root.asked[finding.signal] = incident.id
        decision = _decision(finding, incident)
        try:
            self._take_away(incident, BY)
        except Problem:  # an agent's own process may stop nobody else; a broken book stops everybody already
            decision = _blocked(finding, incident)
        if self._tell is not None:
            self._tell(incident)
        return decision

    def suspend(self, finding: Finding, at: datetime, watch: AgentWatch, by: str) -> Incident:
        """What a person asks for. Raises Problem."""
        incident = self._incident(finding, at, watch, ())
        self._take_away(incident, by)
        self._incidents.add(incident)
        if self._tell is not None:
            self._tell(incident)
        return incident

    def _incident(self, finding: Finding, at: datetime, watch: AgentWatch, texts: tuple[str, ...]) -> Incident:
        calls = (
            SeenCall(at=datetime.fromtimestamp(each.at, UTC), action=each.action, code=each.code)
            for each in watch.calls
        )
        made = self.made_by(finding.agent) if finding.verdict == "suspend" else ()
        identity = self._new_id("evt")
        return Incident(id=identity, at=at, **finding._asdict(), calls=tuple(calls), texts=texts, made=made)

    def forget(self, agent: str) -> None:
        """The next thing that the agent does is an incident of its own."""
        self._lately = {key: held for key, held in self._lately.items() if key[0] != agent}

    def made_by(self, agent: str) -> tuple[str, ...]:
        """What any task made through this agent, while it was watched."""
        found = (root.made.get(agent, ()) for root in self._watched.roots())
        return tuple(sorted({name for names in found for name in names}))

    def _take_away(self, incident: Incident, by: str) -> None:
        """Write the verdict down where it outlasts the call. Raises Problem where this process may not."""
        why, agent = incident.words, incident.agent
        if incident.verdict == "narrow":
            self._standing.narrow(incident.root, by=by, why=why, incident=incident.id)
        elif incident.verdict == "suspend":
            self._standing.suspend(agent, by=by, why=why, incident=incident.id)
            if incident.task:
                self._standing.end_task(incident.task, by=by, why=why, incident=incident.id)
            if incident.made:
                self._standing.hold_back(incident.made, by=by, why=why, incident=incident.id)


def _decision(finding: Finding, incident: Incident) -> Decision:
    policy, details = f"guardian:{finding.signal}", {"incident": incident.id}
    hint = _HINTS[finding.verdict]
    match finding.verdict:
        case "suspend":
            return denied("AGENT_SUSPENDED", f"{finding.agent} is suspended: {finding.words}.", policy, hint, **details)
        case "ask":
            words = f"The guardian stopped {finding.action} until a person permits it: {finding.words}."
            return denied("PERSON_NEEDED", words, policy, hint, **details)
        case _:
            return _blocked(finding, incident)


def _blocked(finding: Finding, incident: Incident) -> Decision:
    return denied(
        "GUARDIAN_BLOCKED",
        f"The guardian stopped {finding.action}: {finding.words}.",
        f"guardian:{finding.signal}",
        _HINTS["narrow" if finding.verdict == "narrow" else "block"],
        incident=incident.id,
    )
