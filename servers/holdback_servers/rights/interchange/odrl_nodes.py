"""Looking things up in a graph of ODRL, and noting what is wrong there: the ground `odrl_parsing` walks on."""

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Final, cast

from holdback_base.problem import Problem

from holdback_servers.rights.interchange import odrl_terms as terms
from holdback_servers.rights.interchange.batch import Remark
from holdback_servers.rights.interchange.odrl_graph import BASE
from holdback_servers.rights.interchange.odrl_model import (
    AnyConstraint,
    Constraint,
    Logic,
    LogicalConstraint,
    Operand,
)

if TYPE_CHECKING:
    from rdflib import Graph
    from rdflib.term import Node

_RDF: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_NAMES: Final = (
    "http://www.w3.org/2006/vcard/ns#fn",
    "http://www.w3.org/2006/vcard/ns#organization-name",
    "http://xmlns.com/foaf/0.1/name",
    "http://schema.org/name",
    "http://www.w3.org/2000/01/rdf-schema#label",
    "http://purl.org/dc/terms/title",
)
_CONSTRAINT: Final = {
    "leftOperand",
    "operator",
    "rightOperand",
    "rightOperandReference",
    "unit",
    "dataType",
    "datatype",
    "status",
    *terms.LOGICAL,
}
_DEEPEST: Final = 20
_MOST_STEPS: Final = 100_000


class Nodes:
    """A graph, and remarks on it."""

    def __init__(self, graph: "Graph") -> None:
        from rdflib import BNode, Literal, URIRef

        self.graph, self.mistakes, self.losses = graph, list[Remark](), list[Remark]()
        self._uri, self._literal, self._blank = URIRef, Literal, BNode
        self._steps = 0

    def step(self) -> None:
        """Count a duty or a constraint that is looked at; shared and circling ones can be looked at without end."""
        self._steps += 1
        if self._steps > _MOST_STEPS:
            raise Problem(
                "TOO_LARGE", f"The policies hold over {_MOST_STEPS} constraints.", "Split the file by policy."
            )

    def wrong(self, place: str, message: str, hint: str) -> None:
        """Note a mistake; the same one once."""
        remark = Remark(place=place, message=message, hint=hint)
        if remark not in self.mistakes:
            self.mistakes.append(remark)

    def typed(self, kind: str) -> "Iterator[Node]":
        """Everything of a class of ODRL."""
        return self.graph.subjects(self._uri(_RDF + "type"), self._uri(terms.ODRL + kind))

    def is_a(self, node: "Node", kind: str) -> bool:
        """Whether it is of that class of ODRL."""
        return (node, self._uri(_RDF + "type"), self._uri(terms.ODRL + kind)) in self.graph

    def subjects(self, name: str) -> "Iterator[Node]":
        """Everything that has this property of ODRL."""
        return self.graph.subjects(self._uri(terms.ODRL + name), None)

    def values(self, node: "Node", name: str) -> "list[Node]":
        """The values of a property of ODRL in a fixed order; a list counts as its members."""
        return self._values(node, terms.ODRL + name)

    def rdf_values(self, node: "Node") -> "list[Node]":
        """The values of `rdf:value`: the action that a node with refinements is about."""
        return self._values(node, _RDF + "value")

    def own(self, node: "Node", name: str) -> str | None:
        """A property of Holdback's profile, which may stand once."""
        found = sorted({str(each) for each in self._values(node, terms.OWN + name)})
        if len(found) > 1:
            self.wrong(self.label(node), f"holdback:{name} is {' and '.join(found)} at once.", "Give it once.")
        return found[0] if found else None

    def _values(self, node: "Node", iri: str) -> "list[Node]":
        found: list[Node] = []
        for each in self.graph.objects(node, self._uri(iri)):
            first = (each, self._uri(_RDF + "first"), None)
            found += list(self.graph.items(each)) if first in self.graph else [each]
        return sorted(found, key=lambda each: (isinstance(each, self._blank), str(each)))

    def iri(self, node: "Node") -> str | None:
        """Its IRI, if it has a whole one."""
        text = str(node)
        return text if isinstance(node, self._uri) and ":" in text and not text.startswith(BASE) else None

    def is_text(self, node: "Node") -> bool:
        """Whether it is a literal."""
        return isinstance(node, self._literal)

    def is_told(self, node: "Node") -> bool:
        """Whether the file says anything of it; a blank node may be empty, an address alone tells nothing."""
        return isinstance(node, self._blank) or (node, None, None) in self.graph

    def label(self, node: "Node") -> str:
        """How a person finds it: its IRI, else what it says."""
        if not isinstance(node, self._blank):
            return str(node).removeprefix(BASE)[:300]
        said = [
            self.told(terms.short(str(each))) for name in ("action", "target", "leftOperand") for each in
            self.values(node, name) if not isinstance(each, self._blank)
        ]  # fmt: skip
        return " ".join(said) or "(without uid)"

    def name(self, node: "Node") -> str:
        """The name of a party for people."""
        return next((str(each) for iri in _NAMES for each in self._values(node, iri)), "")

    def told(self, term: str) -> str:
        """A term as the file had it."""
        return term.removeprefix(terms.UNKNOWN).removeprefix(BASE)

    def choice(self, node: "Node", name: str, allowed: Collection[str], place: str) -> str | None:
        """The one value of a property, of those that ODRL allows."""
        found = [terms.short(str(each)) for each in self.values(node, name)]
        if not found:
            return None
        if len(found) > 1 or found[0] not in allowed:
            given = ", ".join(map(self.told, found))
            self.wrong(place, f"{name} is {given!r}.", f"Use one of {', '.join(sorted(allowed))}.")
            return None
        return found[0]

    def check(self, node: "Node", place: str, allowed: Collection[str], *, strict: bool = True) -> None:
        """Tell properties that have no meaning here.

        On a rule or a constraint (`strict`) a property of a foreign vocabulary is a mistake too: it may be a limit.
        """
        if isinstance(node, self._literal):
            return
        for predicate in sorted({str(each) for each in self.graph.predicates(node, None)}):
            term = terms.short(predicate)
            prefix, _, word = term.rpartition(":")
            if term in allowed or term == "uid" or predicate.startswith(_RDF) or terms.describes(predicate):
                continue
            if prefix == "holdback" and word in terms.OWN_TERMS:
                continue
            if strict or predicate.startswith((terms.ODRL, terms.UNKNOWN, terms.OWN)):
                self.wrong(
                    place,
                    f"{self.told(term)!r} has no meaning here.",
                    "Check its spelling against ODRL 2.2, or take it out: a limit that nobody reads would be lost.",
                )
            else:
                self.losses.append(Remark(place=place, message=f"{term} is not read."))


def details_of(nodes: Nodes, node: "Node") -> tuple[tuple[str, str], ...]:
    """What the node says in Holdback's profile, in a fixed order."""
    if nodes.is_text(node):
        return ()
    said = ((str(predicate), str(value)) for predicate, value in nodes.graph.predicate_objects(node))
    found = sorted((name[len(terms.OWN) :], value) for name, value in said if name.startswith(terms.OWN))
    for name in {name for name, _ in found} - {"carried", "approved"}:
        nodes.own(node, name)
    return tuple(found)


def constraints_of(nodes: Nodes, node: "Node", name: str, place: str) -> tuple[AnyConstraint, ...]:
    """The constraints that hang on a node by `constraint` or `refinement`, in a fixed order."""
    if nodes.is_text(node):
        return ()
    found = (_constraint(nodes, each, f"{place} / {name}", 0) for each in nodes.values(node, name))
    return tuple(sorted((each for each in found if each is not None), key=lambda each: each.model_dump_json()))


def _constraint(nodes: Nodes, node: "Node", place: str, depth: int) -> AnyConstraint | None:
    nodes.step()
    if depth > _DEEPEST:
        nodes.wrong(place, f"Logical constraints are nested in a circle or over {_DEEPEST} deep.", "Flatten them.")
        return None
    nodes.check(node, place, _CONSTRAINT)
    logic = [each for each in terms.LOGICAL if nodes.values(node, each)]
    plain = nodes.values(node, "leftOperand")
    if len(logic) + bool(plain) != 1:
        nodes.wrong(
            place, "The constraint is neither one comparison nor one of and, or, xone, andSequence.",
            "Give it a leftOperand, an operator and a rightOperand, or one logical operand.",
        )  # fmt: skip
        return None
    if plain:
        return _comparison(nodes, node, place)
    parts = [_constraint(nodes, each, place, depth + 1) for each in nodes.values(node, logic[0])]
    known = [each for each in parts if each is not None]
    if logic[0] != "andSequence":
        known.sort(key=lambda each: each.model_dump_json())
    return LogicalConstraint(uid=nodes.iri(node), logic=cast(Logic, logic[0]), parts=tuple(known))


def _comparison(nodes: Nodes, node: "Node", place: str) -> Constraint | None:
    left = nodes.choice(node, "leftOperand", terms.OPERANDS, place)
    operator = nodes.choice(node, "operator", terms.OPERATORS, place)
    right, reference = nodes.values(node, "rightOperand"), nodes.values(node, "rightOperandReference")
    if bool(right) == bool(reference) or (operator is None and not nodes.values(node, "operator")):
        nodes.wrong(
            place, "The constraint lacks its operator or its rightOperand.",
            "Give an operator and either a rightOperand or a rightOperandReference.",
        )  # fmt: skip
        return None
    if left is None or operator is None:
        return None
    return Constraint(
        uid=nodes.iri(node),
        left=left,
        operator=operator,
        right=tuple(_operand(nodes, each) for each in right),
        reference=str(reference[0]) if reference else None,
        unit=next(iter(map(str, nodes.values(node, "unit"))), None),
        status=next(iter(map(str, nodes.values(node, "status"))), None),
    )


def _operand(nodes: Nodes, node: "Node") -> Operand:
    datatype = getattr(node, "datatype", None)
    return Operand(
        value=terms.short(nodes.told(str(node))),
        datatype=None if datatype is None else str(datatype).rpartition("#")[2],
        iri=nodes.iri(node) is not None,
    )
