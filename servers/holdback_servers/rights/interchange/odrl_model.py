"""ODRL 2.2 as frozen nouns: policies, rules, duties, constraints, assets and parties. Pure.

Compact policies are written out: every rule has at most one action, target, assigner and assignee (Information Model
2.7.1). Terms are in short form (see `odrl_terms`). A rule without target, action or assignee leaves it open.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from holdback_base.canonical import canonical_sha256
from holdback_base.problem import Problem
from holdback_base.vocabulary import Noun

PolicyType = Literal["Set", "Offer", "Agreement"]
Conflict = Literal["perm", "prohibit", "invalid"]
RuleKind = Literal["permission", "prohibition", "obligation"]
Logic = Literal["and", "or", "xone", "andSequence"]


class Operand(Noun):
    """A right operand or a value of the world: a text with its XSD datatype, or an IRI."""

    value: str
    datatype: str | None = None
    iri: bool = False


class Constraint(Noun):
    """leftOperand operator rightOperand. `reference` is an address whose content would be the right operand: nothing is
    fetched, so it is never known. `status` is what the left operand stood at when the policy was made."""

    uid: str | None = None
    left: str
    operator: str
    right: tuple[Operand, ...] = ()
    reference: str | None = None
    unit: str | None = None
    status: str | None = None

    def text(self) -> str:
        """For people: `dateTime lt 2026-12-01`."""
        right = ", ".join(each.value for each in self.right) or self.reference or ""
        return " ".join(each for each in (self.left, self.operator, right, self.unit) if each)


class LogicalConstraint(Noun):
    """Constraints joined by `and`, `or`, `xone` or `andSequence`."""

    uid: str | None = None
    logic: Logic
    parts: "tuple[Constraint | LogicalConstraint, ...]"

    def text(self) -> str:
        """For people; of many parts the first ones."""
        shown = [each.text() for each in self.parts[:4]] + ["..."] * (len(self.parts) > 4)
        return "(" + f" {self.logic} ".join(shown) + ")"


AnyConstraint = Constraint | LogicalConstraint


class Action(Noun):
    """What is done, narrowed by refinements."""

    term: str
    refinements: tuple[AnyConstraint, ...] = ()


class Asset(Noun):
    """What it is done to. `ref` is Holdback's name of it, where the policy tells it (`holdback:ref`).

    `part_of` are collections it belongs to; `work_seconds` is how long the work lasts (`holdback:workSeconds`).
    """

    uid: str | None = None
    collection: bool = False
    part_of: tuple[str, ...] = ()
    refinements: tuple[AnyConstraint, ...] = ()
    ref: str | None = None
    work_seconds: int | None = None


class Party(Noun):
    """Who does it or lets it be done."""

    uid: str | None = None
    collection: bool = False
    part_of: tuple[str, ...] = ()
    refinements: tuple[AnyConstraint, ...] = ()
    name: str = ""


class Duty(Noun):
    """What must be done: the duty of a permission, an obligation, a consequence or a remedy.

    `functions` are its parties by function (`attributedParty` ...), `details` the properties of Holdback's profile.
    """

    uid: str | None = None
    action: Action
    target: Asset | None = None
    constraints: tuple[AnyConstraint, ...] = ()
    functions: tuple[tuple[str, Party], ...] = ()
    consequences: "tuple[Duty, ...]" = ()
    details: tuple[tuple[str, str], ...] = ()

    def key(self) -> str:
        """Its uid, or a digest of what it says: how a state names it."""
        return self.uid or canonical_sha256(self.model_dump(mode="json"))[7:39]

    def detail(self, term: str) -> str | None:
        """A property of Holdback's profile."""
        return dict(self.details).get(term)


class Rule(Noun):
    """A permission, a prohibition (with its remedies) or an obligation of the policy (with its consequences)."""

    uid: str | None = None
    kind: RuleKind
    action: Action | None = None
    target: Asset | None = None
    assigner: Party | None = None
    assignee: Party | None = None
    constraints: tuple[AnyConstraint, ...] = ()
    duties: tuple[Duty, ...] = ()
    details: tuple[tuple[str, str], ...] = ()

    def key(self) -> str:
        """Its uid, or a digest of what it says."""
        return self.uid or canonical_sha256(self.model_dump(mode="json"))[7:39]

    def detail(self, term: str) -> str | None:
        """A property of Holdback's profile; the first where it stands several times."""
        return next((value for name, value in self.details if name == term), None)

    def text(self) -> str:
        """For people: `permission display of film:a`, with its uid where it has one."""
        action = self.action.term if self.action else "anything"
        target = (self.target.uid if self.target else None) or "anything"
        return f"{self.kind} {self.uid or f'{action} of {target}'}"


class Policy(Noun):
    """A policy with its rules written out. `conflict` absent means `invalid`, as ODRL has it."""

    uid: str
    type: PolicyType
    profiles: tuple[str, ...] = ()
    conflict: Conflict | None = None
    inherits: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()
    details: tuple[tuple[str, str], ...] = ()
    assets: tuple[Asset, ...] = ()
    """Assets of the file that are part of a collection that a rule is about."""

    def detail(self, term: str) -> str | None:
        """A property of Holdback's profile."""
        return dict(self.details).get(term)


def with_inherited(policies: Sequence[Policy]) -> tuple[Policy, ...]:
    """The policies, each with the rules of those it inherits from, and theirs (Information Model 2.9).

    Raises Problem INVALID_ARGUMENT for a parent that is not here and for policies that inherit in a circle.
    """
    by_uid = {each.uid: each for each in policies}
    return tuple(
        each.model_copy(update={"rules": unique(_rules(each, by_uid, (), set())), "inherits": ()})
        if each.inherits
        else each
        for each in policies
    )


def unique(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    """The rules, equal ones once."""
    return tuple(dict.fromkeys(rules))


def _rules(policy: Policy, by_uid: Mapping[str, Policy], path: tuple[str, ...], seen: set[str]) -> list[Rule]:
    if policy.uid in path:
        raise Problem(
            "INVALID_ARGUMENT",
            f"Policies inherit in a circle: {' -> '.join([*path, policy.uid])}.",
            "Take one inheritFrom out.",
        )
    if policy.uid in seen:
        return []
    found = list(policy.rules)
    for uid in policy.inherits:
        parent = by_uid.get(uid)
        if parent is None:
            raise Problem(
                "INVALID_ARGUMENT",
                f"Policy {policy.uid} inherits from {uid}, which is not in the file.",
                "Put the parent policy into the same file: nothing is fetched.",
            )
        found += _rules(parent, by_uid, (*path, policy.uid), seen)
    seen.add(policy.uid)
    return found
