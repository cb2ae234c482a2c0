"""The decision point: Cedar policies, evaluated for one caller and one action. Whatever nothing permits is denied, and
so is whatever could not be evaluated: a `forbid` that errors would otherwise be passed over.

Policies are parsed at the first decision, and cut down to those that a type of principal and a verb can concern; a
caller becomes an entity once, and not at all where all that policies look at was asked about before.
"""

import logging
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from importlib import resources
from types import MappingProxyType
from typing import NamedTuple

from pydantic_core import to_json

from holdback_trust.identity import Caller
from holdback_trust.policy import engine, principals
from holdback_trust.policy.asking import APPROVE, Action, Decision, allowed, denied
from holdback_trust.policy.principals import CIRCUMSTANCES, Uid, circumstances, uid
from holdback_trust.policy.slices import Actor, Verb, cut, looked_at, names_type
from holdback_trust.policy.wording import NOTHING, TASK, Words, filled, read_words
from holdback_trust.task_policy import POLICY_ID, mint, policy_sha256, task_name, template, until

log = logging.getLogger(__name__)

CALLERS_KEPT = 1024
KEPT = 512
"""Of what each house keeps besides: a caller's answers, slices, tasks' policies, what lasts of callers, questions."""
SEAL = "task-policy"
"""The name under which it is told that a task's policy is not the one its token was sealed with."""
_NEVER = datetime.max.replace(tzinfo=UTC)
_TIME = frozenset({"now", "epoch"})
_ONE_TASK = frozenset({"id", "root", "policy", "until"})
"""What tells one task from another that an agent has with the same skill and tools."""
_TEXTS = resources.files(__package__ or __name__)


class _Part(NamedTuple):
    """The policies that a caller's verb concerns, and what is told them of a request."""

    policies: engine.PolicySet
    told: tuple[str, ...]


@dataclass
class _Known:
    """A caller, ready to be decided about; `refused` when its task's policy does not hold.

    `slotted` is the template of its task's policy, and `task` what fills it; both are empty where there is no task.
    `said` was said of it or of others of whom policies are told the same, which all have this one dictionary.
    """

    caller: Caller
    uid: Uid
    slotted: str
    task: str
    refused: Decision | None
    ends: datetime
    said: "_Said"
    entities: engine.Entities | None = None
    answers: dict[tuple[Verb, Action], Decision] = field(default_factory=dict[tuple[Verb, Action], Decision])


_Said = dict[tuple[Verb, Action], tuple[bool, str]]
"""Whether, and the name of the policy that gave the reason."""


class _Like(NamedTuple):
    """All that policies are told of a caller but the instant and which task it is."""

    lasting: principals.Lasting
    audience: str
    network: str


class Policies:
    """The policies of a house: those that every house has, and its own besides.

    Args:
        own: Cedar texts of the house by where they come from. They are taken as valid: `house_policies` checks them.
    """

    def __init__(self, own: Mapping[str, str] = MappingProxyType({})) -> None:
        self.own = own
        self._known: OrderedDict[int, _Known] = OrderedDict()
        self._lock = threading.Lock()
        self._slice = lru_cache(maxsize=KEPT)(self._cut)
        self._part = lru_cache(maxsize=KEPT)(self._filled_in)
        self._template = lru_cache(maxsize=KEPT)(self._checked)
        self._lasting = lru_cache(maxsize=KEPT)(self._parsed)
        self._said = lru_cache(maxsize=KEPT)(_said_of)

    @cached_property
    def text(self) -> str:
        """All of them, in the order in which they give reasons."""
        return "\n".join((built_in(), *self.own.values()))

    @cached_property
    def _told(self) -> list[engine.Told]:
        return engine.told(self.text)

    @cached_property
    def words(self) -> Mapping[str, Words]:
        """What each policy says, by its id."""
        return read_words(self._told)

    @cached_property
    def schema(self) -> engine.Schema:
        """What policies can speak of."""
        return engine.parse_schema(schema_text())

    @cached_property
    def asks_where(self) -> bool:
        """Whether any of the house's own looks at the address that somebody asks from."""
        return "network" in self._own_look_at

    @cached_property
    def _timed(self) -> bool:
        return not _TIME.isdisjoint(self._own_look_at)

    @cached_property
    def _one_task(self) -> bool:
        """Whether any of the house's own can tell one task from another of the same agent, skill and tools."""
        return not _ONE_TASK.isdisjoint(self._own_look_at) or names_type(self._own_told, "Task")

    @cached_property
    def _own_told(self) -> list[engine.Told]:
        return [each for text in self.own.values() for each in engine.told(text)]

    @cached_property
    def _own_look_at(self) -> frozenset[str]:
        return looked_at(self._own_told)

    @cached_property
    def _look_at(self) -> frozenset[str]:
        return looked_at(self._told)

    def decide(self, caller: Caller | None, action: Action, now: datetime) -> Decision:
        """Whether this caller may do this at this instant."""
        if caller is None:
            return denied("UNAUTHENTICATED", f"Nobody is named as asking for {action.name}.", "caller-known")
        verb: Verb = "approve" if action.scope == APPROVE and action.kind != "read" else action.kind
        return self._answer(caller, verb, ("Capability", action.name), action, now)

    def knows(self, caller: Caller, story: str, now: datetime, network: str = "") -> Decision:
        """Whether the caller may know that a closed story is there."""
        return self._answer(caller, "know", ("Story", story), _knowing(story, network), now)

    def reaches(self, caller: Caller, tier: int, now: datetime, network: str = "") -> Decision:
        """Whether the caller may cut, render, clear or publish material of a value tier (1 to 3)."""
        return self._answer(caller, "use", ("Material", f"tier-{tier}"), _using(tier, network), now)

    def _answer(self, caller: Caller, verb: Verb, resource: tuple[str, str], action: Action, now: datetime) -> Decision:
        """What is answered; it stays the same for this caller until the window of its task is over, where none of the
        house's own policies looks at the time."""
        try:
            known = self._caller(caller)
            if known.refused is not None:
                return known.refused
            before, open_now = known.answers.get((verb, action)), now < known.ends
            lasts = open_now and not self._timed
            if before is not None and lasts:
                return before
            ask = self._said_before if lasts and not self._one_task else self._ask
            yes, policy = ask(known, verb, resource, action, now)
            if before is not None and (before.allowed, before.policy) == (yes, policy):
                return before  # in the same words
            answer = self._worded(yes, policy, caller, action)
            if open_now and len(known.answers) < KEPT:
                known.answers[verb, action] = answer
            return answer
        except Exception as error:
            return _broken(error)

    def _said_before(
        self, known: _Known, verb: Verb, resource: tuple[str, str], action: Action, now: datetime
    ) -> tuple[bool, str]:
        """The same as `_ask`: what was said of somebody of whom policies are told the same, or else asked now."""
        said = known.said.get((verb, action))
        if said is None:
            said = self._ask(known, verb, resource, action, now)
            if len(known.said) >= KEPT:
                known.said.clear()
            known.said[verb, action] = said
        return said

    def _ask(
        self, known: _Known, verb: Verb, resource: tuple[str, str], action: Action, now: datetime
    ) -> tuple[bool, str]:
        """Whether, and the name of the policy that gives the reason. Raises ValueError for what cannot be evaluated."""
        if known.entities is None:
            known.entities = self._entities(known.caller)
        part = self._part("Person" if known.caller.agent is None else "Agent", verb, known.slotted, known.task)
        request = {
            "principal": known.uid,
            "action": uid("Action", verb),
            "resource": uid(*resource),
            "context": to_json(circumstances(known.caller, action, now, part.told)).decode(),
        }
        answer = engine.ask(request, part.policies, known.entities)
        if answer.errors:
            raise ValueError(answer.errors)
        return answer.allowed, min(answer.spoke, key=self._place, default="nothing-allows")

    def _place(self, policy: str) -> int:
        words = self.words.get(policy)
        return len(self.words) if words is None else words.place

    def _worded(self, yes: bool, policy: str, caller: Caller, action: Action) -> Decision:
        words = self.words.get(policy, TASK if policy == POLICY_ID else NOTHING)
        said = filled(words.says, caller, action)
        if yes:
            return allowed(said, policy)
        details = {"scope": action.scope} if policy == "scope-held" and action.scope else {}
        return denied(words.code, said, policy, words.cure, **details)

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
        said = self._said(_Like(principals.lasting(caller), caller.audience, caller.network))
        if caller.task is None or caller.agent is None:
            return _Known(caller, principals.principal(caller), "", "", None, _NEVER, said)
        claim, refused = caller.task, None
        if policy_sha256(mint(claim, caller.agent, caller.person)) != claim.policy:
            refused = denied("PERMISSION_DENIED", "The task's policy is not the one that was made for it.", SEAL)
        slotted, task = template(caller.agent, claim.tools), task_name(claim, caller.person)
        return _Known(
            caller,
            principals.principal(caller),
            slotted,
            task,
            refused,
            datetime.fromtimestamp(until(claim), UTC),
            said,
        )

    def _entities(self, caller: Caller) -> engine.Entities:
        lasting = self._lasting(principals.lasting(caller))
        if caller.task is None or caller.agent is None:
            return lasting
        return engine.with_entities(lasting, principals.task_entity(caller.task, caller.person, self._look_at))

    def _parsed(self, lasting: principals.Lasting) -> engine.Entities:
        return engine.parse_entities(principals.lasting_entities(lasting, self._look_at))

    def _filled_in(self, actor: Actor, verb: Verb, slotted: str, task: str) -> _Part:
        """What concerns these of the house's policies and the task's own, which its tokens at all audiences share."""
        part, has_template = self._slice(actor, verb, slotted)
        if not has_template:
            return part
        return part._replace(policies=engine.with_link(part.policies, POLICY_ID, uid("Task", task)))

    def _cut(self, actor: Actor, verb: Verb, slotted: str) -> tuple[_Part, bool]:
        """What of the house's policies and a task's template concerns these, and whether the template does."""
        found = cut([*self._told, *self._template(slotted)], actor, verb, POLICY_ID)
        told = tuple(sorted(found.looks_at & CIRCUMSTANCES))
        return _Part(found.policies, told), found.template

    def _checked(self, slotted: str) -> list[engine.Told]:
        """A task's template, if there is one: all tasks of an agent with the same tools have the same. Raises
        ValueError for one that does not hold to the schema."""
        if wrong := engine.mistakes(slotted, self.schema) if slotted else []:
            raise ValueError(f"a minted policy does not hold to the schema: {wrong[0][1]}")
        return engine.told(slotted)


def _said_of(_like: _Like) -> _Said:
    return {}


@lru_cache(maxsize=KEPT)
def _knowing(story: str, network: str) -> Action:
    return Action(name="know", scope="", story=story, network=network)


@lru_cache(maxsize=KEPT)
def _using(tier: int, network: str) -> Action:
    return Action(name="use", scope="", tier=tier, network=network, kind="write")


OWN = Policies()
"""What every house has, with nothing of its own."""


def decide(caller: Caller | None, action: Action, now: datetime) -> Decision:
    """Whether this caller may do this, by the policies that every house has. Doors ask `Enforcement.judge`."""
    return OWN.decide(caller, action, now)


def schema_text() -> str:
    """What policies can speak of, as Cedar writes a schema."""
    return _TEXTS.joinpath("schema.cedarschema").read_text(encoding="utf-8")


def built_in() -> str:
    """The policies that every house has."""
    return _TEXTS.joinpath("house.cedar").read_text(encoding="utf-8")


def _broken(error: object) -> Decision:
    log.error("a policy could not be evaluated, so the call is denied: %s", error)
    return denied("PERMISSION_DENIED", "A policy could not be evaluated, so this is not allowed.", "policy-error")
