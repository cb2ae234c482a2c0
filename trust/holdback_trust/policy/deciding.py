"""The decision point: Cedar policies, evaluated for one caller and one action. Whatever nothing permits is denied, and
so is whatever could not be evaluated: a `forbid` that errors would otherwise be passed over.

Policies are parsed at the first decision, a caller becomes an entity once.
"""

import logging
import re
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from importlib import resources
from types import MappingProxyType
from typing import Any, Literal

from holdback_trust.identity import Caller
from holdback_trust.policy import engine
from holdback_trust.policy.asking import APPROVE, Action, Decision, allowed, denied
from holdback_trust.policy.principals import Uid, address, entities, entity, moment, plan, principal, seconds, uid
from holdback_trust.task_policy import mint, policy_sha256

log = logging.getLogger(__name__)

CALLERS_KEPT = 2048
ANSWERS_KEPT = 512
TASKS_KEPT = 512
SEAL = "task-policy"
"""The name under which it is told that a task's policy is not the one its token was sealed with."""
_TIME = re.compile(r"\b(now|epoch)\b")
_TEXTS = resources.files(__package__ or __name__)
Verb = Literal["read", "write", "destroy", "approve", "know", "use"]
Circumstances = dict[str, Any]


@dataclass(frozen=True)
class Words:
    """What a policy says when it speaks, and its place among the others."""

    place: int
    code: str
    says: str
    cure: str


@dataclass
class _Known:
    """A caller, ready to be decided about; `refused` when its task's policy does not hold."""

    caller: Caller
    uid: Uid
    entities: engine.Entities
    policies: engine.PolicySet
    refused: Decision | None
    answers: dict[Action, Decision] = field(default_factory=dict[Action, Decision])


class Policies:
    """The policies of a house: those that every house has, and its own besides.

    Args:
        own: Cedar texts of the house by where they come from. They are taken as valid: `house_policies` checks them.

    `asks_where` says whether any of them looks at the address that somebody asks from.
    """

    def __init__(self, own: Mapping[str, str] = MappingProxyType({})) -> None:
        self.own = own
        self._timed = any(_TIME.search(text) for text in own.values())
        self.asks_where = any("network" in text for text in own.values())
        self._known: OrderedDict[int, _Known] = OrderedDict()
        self._minted: OrderedDict[str, engine.PolicySet] = OrderedDict()
        self._sound = set[frozenset[str]]()
        self._plans: dict[tuple[str, frozenset[str]], engine.Entities] = {}
        self._lock = threading.Lock()

    @cached_property
    def text(self) -> str:
        """All of them, in the order in which they give reasons."""
        return "\n".join((built_in(), *self.own.values()))

    @cached_property
    def _set(self) -> engine.PolicySet:
        return engine.parse_policies(self.text)

    @cached_property
    def words(self) -> Mapping[str, Words]:
        """What each policy says, by its id."""
        return read_words(self.text)

    @cached_property
    def schema(self) -> engine.Schema:
        """What policies can speak of."""
        return engine.parse_schema(schema_text())

    def decide(self, caller: Caller | None, action: Action, now: datetime) -> Decision:
        """Whether this caller may do this at this instant."""
        if caller is None:
            return denied("UNAUTHENTICATED", f"Nobody is named as asking for {action.name}.", "caller-known")
        try:
            known = self._caller(caller)
            if known.refused is not None:
                return known.refused
            stands = not self._timed and not _window_over(caller, now)
            answer = known.answers.get(action) if stands else None
            if answer is None:
                verb: Verb = "approve" if action.scope == APPROVE and action.kind != "read" else action.kind
                answer = self._ask(known, verb, uid("Capability", action.name), action, now)
                if stands and len(known.answers) < ANSWERS_KEPT:
                    known.answers[action] = answer
            return answer
        except Exception as error:
            return _broken(error)

    def knows(self, caller: Caller, story: str, now: datetime, network: str = "") -> Decision:
        """Whether the caller may know that a closed story is there."""
        action = Action(name="know", scope="", story=story, network=network)
        return self._asked(caller, "know", uid("Story", story), action, now)

    def reaches(self, caller: Caller, tier: int, now: datetime, network: str = "") -> Decision:
        """Whether the caller may cut, render, clear or publish material of a value tier (1 to 3)."""
        action = Action(name="use", scope="", tier=tier, network=network, kind="write")
        return self._asked(caller, "use", uid("Material", f"tier-{tier}"), action, now)

    def _asked(self, caller: Caller, verb: Verb, resource: Uid, action: Action, now: datetime) -> Decision:
        try:
            known = self._caller(caller)
            return known.refused or self._ask(known, verb, resource, action, now)
        except Exception as error:
            return _broken(error)

    def _ask(self, known: _Known, verb: Verb, resource: Uid, action: Action, now: datetime) -> Decision:
        request = {
            "principal": known.uid,
            "action": uid("Action", verb),
            "resource": resource,
            "context": _circumstances(known.caller, action, now, timed=self._timed),
        }
        answer = engine.ask(request, known.policies, known.entities)
        if answer.errors:
            return _broken(answer.errors)
        spoke = sorted(answer.spoke, key=self._place)
        policy = spoke[0] if spoke else "nothing-allows"
        words = self.words.get(policy, _TASK if policy == "task" else _NOTHING)
        said = _filled(words.says, known.caller, action)
        if answer.allowed:
            return allowed(said, policy)
        details = {"scope": action.scope} if policy == "scope-held" and action.scope else {}
        return denied(words.code, said, policy, words.cure, **details)

    def _place(self, policy: str) -> int:
        words = self.words.get(policy)
        return len(self.words) if words is None else words.place

    def _caller(self, caller: Caller) -> _Known:
        with self._lock:
            known = self._known.get(id(caller))
            if known is not None and known.caller is caller:
                return known
        known = self._introduced(caller)
        with self._lock:
            self._known[id(caller)] = known
            while len(self._known) > CALLERS_KEPT:
                self._known.popitem(last=False)
        return known

    def _introduced(self, caller: Caller) -> _Known:
        policies, refused = self._set, None
        if caller.task is not None and caller.agent is not None:
            text = mint(caller.task, caller.agent, caller.person)
            if policy_sha256(text) == caller.task.policy:
                policies = self._with_task(text, caller.task.tools)
            else:
                refused = denied("PERMISSION_DENIED", "The task's policy is not the one that was made for it.", SEAL)
        return _Known(caller, principal(caller), self._entities(caller), policies, refused)

    def _entities(self, caller: Caller) -> engine.Entities:
        """The caller's, and its task's plan, which is parsed once: all tasks of a skill have the same."""
        task = caller.task
        if task is None or caller.agent is None:
            return engine.parse_entities(entities(caller))
        name = task.skill, task.tools
        planned = self._plans.get(name)
        if planned is None:
            planned = engine.parse_entities(plan(task))
            if len(self._plans) < TASKS_KEPT:
                self._plans[name] = planned
        return engine.with_entities(planned, entities(caller))

    def _with_task(self, text: str, tools: frozenset[str]) -> engine.PolicySet:
        """All policies and one task's: its tokens at every audience have the same.

        Whether a text holds to the schema depends on its tools alone: all else that differs is quoted, and is parsed
        each time. Raises ValueError for one that does not.
        """
        with self._lock:
            known = self._minted.get(text)
        if known is None:
            if tools not in self._sound and (wrong := engine.mistakes(text, self.schema)):
                raise ValueError(f"a minted policy does not hold to the schema: {wrong[0][1]}")
            known = engine.with_policies(self._set, text)
            with self._lock:
                if len(self._sound) < TASKS_KEPT:
                    self._sound.add(tools)
                self._minted[text] = known
                while len(self._minted) > TASKS_KEPT:
                    self._minted.popitem(last=False)
        return known


OWN = Policies()
"""What every house has, with nothing of its own."""
_NOTHING = Words(0, "PERMISSION_DENIED", "Nothing allows {caller} {action}.", "")
_TASK = Words(0, "PERMISSION_DENIED", "The task {task} allows {agent} {action}.", "")


def decide(caller: Caller | None, action: Action, now: datetime) -> Decision:
    """Whether this caller may do this, by the policies that every house has. Doors ask `Enforcement.judge`."""
    return OWN.decide(caller, action, now)


def schema_text() -> str:
    """What policies can speak of, as Cedar writes a schema."""
    return _TEXTS.joinpath("schema.cedarschema").read_text(encoding="utf-8")


def built_in() -> str:
    """The policies that every house has."""
    return _TEXTS.joinpath("house.cedar").read_text(encoding="utf-8")


def read_words(text: str) -> dict[str, Words]:
    """What each policy of a text says, by its id, from its annotations `@id`, `@code`, `@says` and `@cure`."""
    found: dict[str, Words] = {}
    for place, each in enumerate(engine.told(text)):
        says = each.notes.get("says") or f"The policy {each.name} decides so."
        found[each.name] = Words(place, each.notes.get("code", "PERMISSION_DENIED"), says, each.notes.get("cure", ""))
    return found


def _circumstances(caller: Caller, action: Action, now: datetime, *, timed: bool) -> Circumstances:
    """`timed` adds the instant as Cedar's own type, which takes a third of a decision to read: where somebody looks."""
    context: Circumstances = {
        "person": entity("Person", caller.person),
        "audience": caller.audience,
        "scope": action.scope,
        "epoch": seconds(now),
        "factor_needed": action.factor_needed,
        "strange": action.strange,
    }
    if timed:
        context["now"] = moment(now)
    if network := action.network or caller.network:
        context["network"] = address(network)
    if action.resource:
        context["target"] = action.resource
    if action.asked_by is not None:
        context["asked_by"] = entity("Person", action.asked_by)
    if action.story is not None:
        context["story"] = entity("Story", action.story)
    if action.tier is not None:
        context["tier"] = action.tier
    return context


def _window_over(caller: Caller, now: datetime) -> bool:
    return caller.task is not None and now >= caller.task.expires


def _filled(says: str, caller: Caller, action: Action) -> str:
    if "{" not in says:
        return says
    facts = {
        "{caller}": caller.text(),
        "{person}": caller.person,
        "{agent}": caller.agent or caller.person,
        "{action}": action.name,
        "{scope}": action.scope or "(none is defined)",
        "{task}": caller.task.root if caller.task else "",
        "{asked_by}": action.asked_by or "",
        "{story}": action.story or "",
        "{tier}": str(action.tier or ""),
    }
    for name, value in facts.items():
        says = says.replace(name, value)
    return says


def _broken(error: object) -> Decision:
    log.error("a policy could not be evaluated, so the call is denied: %s", error)
    return denied("PERMISSION_DENIED", "A policy could not be evaluated, so this is not allowed.", "policy-error")
