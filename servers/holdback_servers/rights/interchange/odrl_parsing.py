"""A graph becomes ODRL policies, written out, with every slip told by policy and rule. Nothing is guessed.

What ODRL 2.2 does not define in a place is a mistake there: a property that nobody reads may have been a limit.
"""

from collections.abc import Iterable, Iterator
from itertools import product
from typing import TYPE_CHECKING, NamedTuple, cast

from holdback_base.problem import Problem

from holdback_servers.rights.interchange import odrl_terms as terms
from holdback_servers.rights.interchange.batch import Remark
from holdback_servers.rights.interchange.odrl_graph import graph_of
from holdback_servers.rights.interchange.odrl_model import (
    Action,
    Asset,
    Conflict,
    Duty,
    Party,
    Policy,
    PolicyType,
    Rule,
    RuleKind,
)
from holdback_servers.rights.interchange.odrl_nodes import Nodes, constraints_of, details_of

if TYPE_CHECKING:
    from rdflib.term import Node

_RULE = {"action", "target", "assigner", "assignee", "constraint", "relation", "output", *terms.FUNCTIONS}
_RULES: dict[RuleKind, set[str]] = {
    "permission": _RULE | {"duty"},
    "prohibition": _RULE | {"remedy"},
    "obligation": _RULE | {"consequence"},
}
_AFTER: dict[RuleKind, str] = {"permission": "duty", "prohibition": "remedy", "obligation": "consequence"}
_SHARED = ("action", "target", "assigner", "assignee")
_POLICY = {"profile", "inheritFrom", "conflict", "permission", "prohibition", "obligation", *_SHARED, *terms.FUNCTIONS}
_DEEPEST = 8
_MOST_RULES = 20_000


class Reading(NamedTuple):
    """What a file holds. With a mistake in it its policies are not to be relied on."""

    policies: tuple[Policy, ...]
    mistakes: tuple[Remark, ...]
    losses: tuple[Remark, ...]


def read_policies(data: bytes, name: str) -> Reading:
    """The policies of a JSON-LD or Turtle file, compact ones written out, inheritance as it stands.

    Raises Problem as `graph_of` does, and INVALID_ARGUMENT where the file holds no policy.
    """
    reader = _Reader(Nodes(graph_of(data, name)))
    found = tuple(sorted(reader.policies(), key=lambda each: each.uid))
    if not found and not reader.nodes.mistakes:
        raise Problem(
            "INVALID_ARGUMENT",
            f"{name} holds no ODRL policy.",
            f'Give a Set, an Offer or an Agreement with "@context": "{terms.ODRL_CONTEXT}".',
        )
    reader.orphans()
    return Reading(found, tuple(reader.nodes.mistakes), tuple(reader.nodes.losses))


class _Reader:
    """Walks from policies to rules to what they are made of."""

    def __init__(self, nodes: Nodes) -> None:
        self.nodes = nodes
        self.reached: set[Node] = set()

    def policies(self) -> Iterator[Policy]:
        """Every policy of the graph that can be read."""
        nodes = self.nodes
        typed = {each for kind in (*terms.POLICY_TYPES, "Policy") for each in nodes.typed(kind)}
        for kind in terms.OTHER_POLICY_TYPES:
            for node in nodes.typed(kind):
                nodes.wrong(
                    nodes.label(node), f"It is a policy of type {kind}.", "Give a Set, an Offer or an Agreement."
                )
        holders = {each for kind in _RULES for each in nodes.subjects(kind)}
        others = {each for kind in terms.OTHER_POLICY_TYPES for each in nodes.typed(kind)}
        for node in sorted((typed | holders) - others, key=str):
            policy = self._policy(node)
            if policy is not None:
                yield policy

    def orphans(self) -> None:
        """Tell rules that belong to no policy: a prohibition that is not tied in would be lost in silence."""
        for kind in ("Permission", "Prohibition", "Duty"):
            for node in sorted(set(self.nodes.typed(kind)) - self.reached, key=str):
                self.nodes.wrong(
                    self.nodes.label(node),
                    f"This {kind.lower()} belongs to no policy.",
                    "Tie it to one or take it out.",
                )

    def _policy(self, node: "Node") -> Policy | None:
        nodes, place = self.nodes, f"policy {self.nodes.label(node)}"
        uid = nodes.iri(node)
        told = [str(each) for each in nodes.values(node, "uid")]
        if uid is None or any(each != uid for each in told):
            nodes.wrong(place, "The policy has no uid of its own.", 'Give it a "uid" that is a whole IRI.')
            return None
        kinds = [kind for kind in terms.POLICY_TYPES if nodes.is_a(node, kind)]
        if len(kinds) > 1:
            nodes.wrong(place, f"The policy is {' and '.join(kinds)} at once.", "Give it one type.")
            return None
        nodes.check(node, place, _POLICY, strict=False)
        rules = [rule for kind in _RULES for each in nodes.values(node, kind) for rule in self._rules(each, kind, node)]
        if not rules and not nodes.values(node, "inheritFrom"):
            nodes.wrong(place, "The policy has no rule.", "Give it a permission, a prohibition or an obligation.")
        if len(rules) > _MOST_RULES:
            raise Problem("TOO_LARGE", f"{place} has {len(rules)} rules.", f"{_MOST_RULES} are the limit.")
        conflict = nodes.choice(node, "conflict", terms.CONFLICTS, place)
        targets = {rule.target.uid for rule in rules if rule.target is not None}
        return Policy(
            uid=uid,
            type=cast(PolicyType, kinds[0] if kinds else "Set"),
            profiles=tuple(sorted(terms.full(str(each)) for each in nodes.values(node, "profile"))),
            conflict=cast(Conflict | None, conflict),
            inherits=tuple(sorted(str(each) for each in nodes.values(node, "inheritFrom"))),
            rules=tuple(sorted(rules, key=lambda each: (each.kind, each.uid or "", each.key()))),
            details=details_of(nodes, node),
            assets=tuple(self._members({each for each in targets if each})),
        )

    def _rules(self, node: "Node", kind: RuleKind, policy: "Node") -> list[Rule]:
        """A rule for each combination of action, target, assigner and assignee (Information Model 2.7.1)."""
        nodes = self.nodes
        self.reached.add(node)
        place = f"policy {nodes.label(policy)} / {kind} {nodes.label(node)}"
        if not nodes.is_told(node):
            nodes.wrong(place, f"The {kind} is only named here.", "Write it out in the file: nothing is fetched.")
            return []
        nodes.check(node, place, _RULES[kind])
        parts = {each: self._shared(node, policy, each, place) for each in _SHARED}
        constraints = constraints_of(nodes, node, "constraint", place)
        after = tuple(
            sorted(
                (self._duty(each, f"{place} / {_AFTER[kind]}", 0) for each in nodes.values(node, _AFTER[kind])),
                key=lambda each: each.key(),
            )
        )
        combined = product(
            [self._action(each, place) for each in parts["action"]] or [None],
            [self._asset(each, place) for each in parts["target"]] or [None],
            [self._party(each, place) for each in parts["assigner"]] or [None],
            [self._party(each, place) for each in parts["assignee"]] or [None],
        )
        return [
            Rule(
                uid=nodes.iri(node),
                kind=kind,
                action=action,
                target=target,
                assigner=assigner,
                assignee=assignee,
                constraints=constraints,
                duties=after,
                details=details_of(nodes, node),
            )
            for action, target, assigner, assignee in combined
        ]

    def _shared(self, node: "Node", policy: "Node", name: str, place: str) -> "list[Node]":
        own, above = self.nodes.values(node, name), self.nodes.values(policy, name)
        if own and above and set(map(str, own)) != set(map(str, above)):
            self.nodes.wrong(
                place, f"The rule and its policy both give {name}.", f"Write {name} in one of the two places."
            )
        return own or above

    def _action(self, node: "Node", place: str) -> Action:
        nodes = self.nodes
        values = nodes.rdf_values(node)
        term = terms.short(str(values[0] if values else node))
        refinements = constraints_of(nodes, node, "refinement", f"{place} / action")
        if term not in terms.ACTIONS:
            nodes.wrong(place, f"{nodes.told(term)!r} is not an action of ODRL 2.2.", "Use display, distribute, derive "
                        "or another action of ODRL, RightsML or the TDM profile.")  # fmt: skip
            return Action(term="use", refinements=refinements)
        return Action(term=terms.usual(term), refinements=refinements)

    def _asset(self, node: "Node", place: str) -> Asset:
        nodes = self.nodes
        nodes.check(node, place, {"partOf", "refinement", "source", "hasPolicy"}, strict=False)
        seconds = nodes.own(node, "workSeconds")
        if seconds is not None and not (seconds.isdigit() and 0 < int(seconds) < 10**9):
            nodes.wrong(place, f"workSeconds {seconds!r} is not a number of seconds.", "Write whole seconds, as 5400.")
            seconds = None
        return Asset(
            uid=nodes.iri(node) or self._source(node),
            collection=nodes.is_a(node, "AssetCollection"),
            part_of=self._part_of(node, place),
            refinements=constraints_of(nodes, node, "refinement", f"{place} / target"),
            ref=nodes.own(node, "ref"),
            work_seconds=int(seconds) if seconds else None,
        )

    def _party(self, node: "Node", place: str) -> Party:
        nodes = self.nodes
        nodes.check(node, place, {"partOf", "refinement", "source", "assigneeOf", "assignerOf"}, strict=False)
        return Party(
            uid=nodes.iri(node) or self._source(node),
            collection=nodes.is_a(node, "PartyCollection"),
            part_of=self._part_of(node, place),
            refinements=constraints_of(nodes, node, "refinement", f"{place} / party"),
            name=nodes.name(node) or ("" if nodes.iri(node) or not nodes.is_text(node) else str(node)),
        )

    def _source(self, node: "Node") -> str | None:
        return next((uid for each in self.nodes.values(node, "source") if (uid := self.nodes.iri(each))), None)

    def _duty(self, node: "Node", place: str, depth: int) -> Duty:
        nodes = self.nodes
        self.reached.add(node)
        nodes.step()
        if depth > _DEEPEST:
            raise Problem("INVALID_ARGUMENT", f"{place} has consequences in a circle or too deep.", "Flatten them.")
        nodes.check(node, place, _RULE | {"consequence"})
        actions = [self._action(each, place) for each in nodes.values(node, "action")]
        if len(actions) != 1:
            nodes.wrong(place, f"The duty has {len(actions)} actions.", "Give each duty one action, such as attribute.")
        targets = [self._asset(each, place) for each in nodes.values(node, "target")]
        functions = ("assigner", "assignee", *terms.FUNCTIONS)
        return Duty(
            uid=nodes.iri(node),
            action=actions[0] if actions else Action(term="use"),
            target=targets[0] if targets else None,
            constraints=constraints_of(nodes, node, "constraint", place),
            functions=tuple(
                (name, self._party(each, place)) for name in functions for each in nodes.values(node, name)
            ),
            consequences=tuple(
                self._duty(each, f"{place} / consequence", depth + 1) for each in nodes.values(node, "consequence")
            ),
            details=details_of(nodes, node),
        )

    def _part_of(self, node: "Node", place: str) -> tuple[str, ...]:
        """Every collection it is part of, and what those are part of."""
        found: dict[str, None] = {}

        def climb(each: "Node", path: tuple["Node", ...]) -> None:
            for above in self.nodes.values(each, "partOf"):
                if above in (*path, each):
                    self.nodes.wrong(
                        place, f"{self.nodes.label(above)} is part of itself by partOf.", "Take one partOf out."
                    )
                elif len(path) < _DEEPEST * 4 and str(above) not in found:
                    found[str(above)] = None
                    climb(above, (*path, each))

        climb(node, ())
        return tuple(sorted(found))

    def _members(self, targets: set[str]) -> Iterable[Asset]:
        for node in sorted(set(self.nodes.subjects("partOf")), key=str):
            if targets & set(self._part_of(node, self.nodes.label(node))):
                yield self._asset(node, self.nodes.label(node))
