"""Judges each call before it is made. One a process, asked by the enforcement point after policy has allowed."""

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from holdback_base.ids import Clock, NewId

from holdback_trust.guardian.acting import Acting, Finding
from holdback_trust.guardian.incidents import Incident, IncidentBook
from holdback_trust.guardian.limits import LIMITS, SEVERITY, Limits, Reached, Signal, judged
from holdback_trust.guardian.reading import Said, made, made_media, named_within, prose_about, read_call
from holdback_trust.guardian.watching import LONGEST_RESULT, AgentWatch, Call, RootWatch, Watched
from holdback_trust.identity import Caller
from holdback_trust.policy import Action, Decision, denied
from holdback_trust.standing import Entry, Standing

GRAVE = frozenset({"rights:clear", "schedule:commit", "approval:ask"})
"""Scopes of calls that lead to something being published: words in metadata must not have asked for them."""
_REFUSED = frozenset({"PERMISSION_DENIED", "SEPARATION_OF_DUTIES", "WRITE_NOT_ALLOWED", "STATEMENT_INVALID"})
_OWN = frozenset(
    {"AGENT_SUSPENDED", "TASK_ENDED", "UNAUTHENTICATED", "GUARDIAN_BLOCKED", "PERSON_NEEDED", "QUARANTINED"}
)
"""Refusals that follow from what is decided already."""
_WORDS: Mapping[Signal, str] = {
    "off-plan": "it tries what its task's plan does not have",
    "escalation": "it asks for tokens that are not its to have",
    "denials": "it is refused again and again",
    "probing": "it names things that are not there for it",
    "pace": "it calls faster than any work of this house",
    "volume": "it goes through more things in a minute than any work of this house",
    "loop": "it makes the same call again and again and gets the same answer",
    "delegation": "the agents give each other more tasks than any work of this house takes",
    "hosts": "it names an address that this house does not reach",
    "instructions": "it does what words in the metadata ask for",
    "calls": "the work takes more calls than any of this house",
    "jobs": "the work starts more jobs than any of this house",
    "work": "the work takes longer than any of this house",
    "person": "a person suspended it",
}


class _Scene(NamedTuple):
    """A call, who makes it, and what is remembered of both."""

    caller: Caller
    action: Action
    watch: AgentWatch
    root: RootWatch
    at: datetime
    now: float


class Guardian:
    """Watches agents, and takes away what they may do when it must. People it lets be, but for what is held back.

    Args:
        standing: where suspending, narrowing and holding back is written down.
        incidents: where the evidence is kept.
        new_id: names incidents (`evt_`).
        hosts: the only hosts that an agent may name in an argument that is wholly an address, `*.example.com` being
            all below one.
        tell: is told of each incident: for the audit log.
    """

    def __init__(
        self,
        standing: Standing,
        incidents: IncidentBook,
        *,
        clock: Clock,
        new_id: NewId,
        hosts: Collection[str] = (),
        limits: Limits = LIMITS,
        tell: Callable[[Incident], None] | None = None,
    ) -> None:
        self.incidents = incidents
        self.limits = limits
        self.highest: dict[Signal, int] = {}
        """The highest count of each signal that was ever seen here."""
        self._standing, self._clock, self._hosts = standing, clock, frozenset(hosts)
        self._watched, self._stopped = Watched(clock), frozenset[Entry]()
        self._acting = Acting(standing, incidents, self._watched, new_id, tell)

    @property
    def limits(self) -> Limits:
        """How much of what is too much."""
        return self._limits

    @limits.setter
    def limits(self, limits: Limits) -> None:
        self._limits, self._first = limits, limits.first()

    def judge(
        self, caller: Caller, action: Action, arguments: Mapping[str, Any], said: Said | None, at: datetime
    ) -> Decision | None:
        """The guardian's own decision on a call that policy allows, or None when it lets it go on; `said` is what its
        arguments say, where they were read already, and `at` the present instant."""
        if caller.agent is None:
            return self._held_back(action, arguments, self._standing.quarantine) if action.kind == "write" else None
        scene = self._scene(caller, caller.agent, action, at)
        counted = self._counts(scene, said or read_call(arguments), bool(arguments.get("wait_seconds")))
        worst = self._worst(scene, counted)
        scene.watch.calls.append(Call(scene.now, action.name, "" if worst is None else "GUARDIAN_BLOCKED"))
        if worst is not None:
            return self._acting.follow(worst, scene.at, scene.watch, scene.root)
        return self._taken_away(caller, action, arguments) if action.kind != "read" else None

    def settled(
        self, caller: Caller, action: Action, arguments: Mapping[str, Any], code: str, result: bytes | None
    ) -> None:
        """What came of a call, also of one that was refused: the code of its problem, or nothing and its result."""
        if caller.agent is None or code in _OWN:
            return
        root = self._watched.root(root_of(caller))
        if code:
            scene = self._scene(caller, caller.agent, action, self._clock())
            scene.watch.calls.append(Call(scene.now, action.name, code))
            self._failed(scene, code)
        elif result and action.kind == "read":
            if len(result) <= LONGEST_RESULT:
                root.results.append(result)
            self._read_job(root, caller, arguments.get("job_id"), result)
        elif result and action.kind == "write":
            new = made(result, read_call(arguments), root.began)
            now = self._clock().timestamp()
            root.jobs.update((each, now) for each in new if each.startswith("job_"))
            root.keep(caller.chain, new)
        if root.same >= 3:  # only then is it worth reading the answer
            answer = hash((code, result))
            root.same, root.answer = (root.same if answer == root.answer else 3), answer

    def refused(self, agent: str, person: str, what: str, root: str = "", *, own: bool = False) -> None:
        """The token door refused an agent; `what` in words.

        `own` says that it asked for what agents of its kind have, and it is the person who has not; else it asked for
        more than is its to have.
        """
        at = self._clock()
        now = at.timestamp()
        watch, watched = self._watched.agent(agent), self._watched.root(root or agent)
        watch.calls.append(Call(now, what[:100], "PERMISSION_DENIED"))
        signal: Signal = "denials" if own else "escalation"
        step = self._step(signal, (watched.refused if own else watch).count(signal, now), watched)
        if step is not None:
            who = Finding(agent, person, (agent,), root, "", signal, step.verdict, _WORDS[signal], "token")
            self._acting.follow(who.reached(step), at, watch, watched)

    def stop(self, agent: str, *, by: str, why: str) -> Incident:
        """A person suspends an agent: the same evidence is kept, and what it made is held back as well.

        Raises Problem PERMISSION_DENIED where this process may stop nobody, UNAVAILABLE for a broken book.
        """
        words = why or f"{by} suspended it"
        finding = Finding(agent, "", (), "", "", "person", "suspend", words[:500], "suspend")
        return self._acting.suspend(finding, self._clock(), self._watched.agent(agent), by)

    def follow(self) -> None:
        """Look in the book who was suspended or restored, here or in another process: what a suspended agent made is
        held back as far as it was seen here, and a restored one is counted anew.

        Raises Problem as `stop` does.
        """
        stopped = self._standing.suspensions()
        for agent in {each.name for each in self._stopped} - {each.name for each in stopped}:
            self.forget(agent)
        for entry in sorted(stopped - self._stopped, key=lambda each: each.at):
            new = set(self._acting.made_by(entry.name)) - self._standing.held_by(entry.incident or entry.by)
            if new:
                self._standing.hold_back(new, by=entry.by, why=entry.why, incident=entry.incident)
        self._stopped = stopped

    def forget(self, agent: str) -> None:
        """A person restored the agent: what was counted against it counts no more; what it made is still known."""
        self._watched.forget(agent)
        self._acting.forget(agent)

    def _scene(self, caller: Caller, agent: str, action: Action, at: datetime) -> _Scene:
        watch, root = self._watched.agent(agent), self._watched.root(root_of(caller))
        return _Scene(caller, action, watch, root, at, at.timestamp())

    def _failed(self, scene: _Scene, code: str) -> None:
        """A call was refused or failed: act when it was one too many."""
        caller, action, watch, now = scene.caller, scene.action, scene.watch, scene.now
        if code == "NOT_FOUND":
            counted: list[tuple[Signal, int]] = [("probing", scene.root.refused.count("probing", now))]
        elif code in _REFUSED:
            counted = [("denials", scene.root.refused.count("denials", now))]
        else:
            return
        task, texts = caller.task, ()
        if code in _REFUSED and task is not None and action.name not in task.tools:
            counted.append(("off-plan", watch.count("off-plan", now)))
            if texts := self._orders(scene.root, action):  # asked for, and then tried
                counted.append(("instructions", watch.count("instructions", now) + 2))
        worst = self._worst(scene, counted)
        if worst is not None:
            self._acting.follow(worst, scene.at, watch, scene.root, texts)

    def _read_job(self, root: RootWatch, caller: Caller, job: object, result: bytes) -> None:
        if isinstance(job, str) and job in root.jobs and (new := made_media(result)):
            now = self._clock().timestamp()
            root.job_seconds += max(0.0, now - root.jobs[job])
            root.jobs[job] = now
            root.keep(caller.chain, new)

    def _counts(self, scene: _Scene, said: Said, waits: bool) -> Iterator[tuple[Signal, int]]:
        """Each signal of this call with its count."""
        root, watch, now = scene.root, scene.watch, scene.now
        root.touch(now)
        yield "pace", root.pace.add(now)
        if said.names and scene.action.kind == "read":
            yield "volume", root.things.add(now, said.names)
        if scene.caller.audience.startswith("agent:"):
            root.delegations += 1
            yield "delegation", root.delegations
        elif (scene.action.name, said.text) != root.latest or waits:
            root.latest, root.same, root.answer = (scene.action.name, said.text), 1, None
        else:
            root.same += 1
            yield "loop", root.same
        if said.hosts and not all(map(self._may_name, said.hosts)):
            yield "hosts", watch.count("hosts", now)
        if scene.action.scope in GRAVE and self._asked_for(said, root):
            yield "instructions", watch.count("instructions", now)
        yield "calls", root.calls
        yield "jobs", len(root.jobs)
        yield "work", root.work()

    def _step(self, signal: Signal, count: int, root: RootWatch) -> Reached | None:
        """The step that a count has reached, less what a person permitted."""
        if count > self.highest.get(signal, 0):
            self.highest[signal] = count
        if count < self._first[signal]:
            return None
        incident = root.asked.get(signal)
        if incident is not None and self._standing.permitted(incident):
            del root.asked[signal]
            root.permitted[signal] = count
        reached = judged(self._limits.of(signal), count - root.permitted.get(signal, 0))
        return None if reached.verdict == "allow" else reached

    def _worst(self, scene: _Scene, counted: Iterable[tuple[Signal, int]]) -> Finding | None:
        worst: Finding | None = None
        for signal, count in counted:
            step = self._step(signal, count, scene.root)
            if step is None or (worst is not None and SEVERITY[step.verdict] <= SEVERITY[worst.verdict]):
                continue
            caller, task = scene.caller, scene.caller.task
            who = (caller.agent or "", caller.person, caller.chain, root_of(caller), task.id if task else "")
            worst = Finding(*who, signal, step.verdict, _WORDS[signal], scene.action.name).reached(step)
        return worst

    def _taken_away(self, caller: Caller, action: Action, arguments: Mapping[str, Any]) -> Decision | None:
        narrowed, quarantine = self._standing.taken_away(root_of(caller))
        if narrowed is not None:
            return denied(
                "GUARDIAN_BLOCKED",
                f"The guardian lets this task only read: {narrowed.why}.",
                "guardian:narrow",
                "Begin a new task, or ask a person with the role security.",
                incident=narrowed.incident,
            )
        return self._held_back(action, arguments, quarantine) if action.kind == "write" else None

    def _held_back(self, action: Action, arguments: Mapping[str, Any], quarantine: frozenset[str]) -> Decision | None:
        held = sorted(quarantine & named_within(read_call(arguments))) if quarantine else ()
        if not held:
            return None
        return denied(
            "QUARANTINED",
            f"{held[0]} was made by a task that the guardian stopped; it cannot be used for {action.name}.",
            "guardian:quarantine",
            "A person with the role security releases it: holdback guardian release.",
            held=held,
        )

    def _may_name(self, host: str) -> bool:
        return host in self._hosts or any(host.endswith(each[1:]) for each in self._hosts if each.startswith("*."))

    def _asked_for(self, said: Said, root: RootWatch) -> bool:
        """Whether words in the metadata, in the manner of an order, speak of what this call is about."""
        if not said.names or not root.results:
            return False
        from holdback_trust.untrusted import suspicions

        return any(suspicions(text) for text in prose_about(said.names, list(root.results)))

    def _orders(self, root: RootWatch, action: Action) -> tuple[str, ...]:
        """Words in what this task was shown that ask for a deed of this kind."""
        from holdback_trust.untrusted import suspicions_in

        deeds = deeds_of(action)
        shown = (each for result in root.results for _, each in suspicions_in(json.loads(result)))
        found = (each for each in shown if each.asks & deeds)
        return tuple(dict.fromkeys(each.words for each in found))[:10]


def root_of(caller: Caller) -> str:
    """The root task of a call; that of one without a task is its token."""
    return caller.task.root if caller.task else caller.token_id


def deeds_of(action: Action) -> frozenset[str]:
    """What an order would call this action."""
    scope, deeds = action.scope, {"call"}
    deeds |= {"read": {"reveal", "send"}, "write": {"change", "grant"}, "destroy": {"delete"}}[action.kind]
    if "approval" in scope:
        deeds.add("approve")
    if "clear" in scope or scope.startswith("rights"):
        deeds |= {"clear", "grant"}
    if scope.startswith("schedule") or "publication" in scope:
        deeds.add("publish")
    return frozenset(deeds)
