"""Rights go out as EBUCorePlus 2.0 in Turtle, in a fixed order.

A grant or a licence out is `ec:UsageRights`, a restriction `ec:UsageRestrictions`; each applies to an
`ec:EditorialObject` and originates from an `ec:Contract`. Territories, instants, platforms and runs have properties of
their own; what has none stands in words in `ec:rightsUsageRestrictions`, and the losses say so.
Source: the EBUCorePlus ontology 2.0.0 (EBU, MIT licence); `USED` lists every term of it that is written here.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final
from urllib.parse import quote

from holdback_base.vocabulary import instant_text, is_group, media_tree

from holdback_servers.rights.interchange.batch import Exported, Remark
from holdback_servers.rights.interchange.odrl_turtle import text_literal
from holdback_servers.rights.model import Condition, Contract, Right

_NAMESPACES: Final = {
    "ec": "http://www.ebu.ch/metadata/ontologies/ebucoreplus#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "time": "http://www.w3.org/2006/time#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
CLASSES: Final = (
    "UsageRights UsageRestrictions EditorialObject Contract Agent CountryCode PublicationService ExclusivityType "
    "RightsType ContractType Identifier"
)
LINKS: Final = (
    "applyTo originatesFrom hasUsageRights hasUsageRestrictions hasContractualParty hasIdentifier hasObjectType "
    "hasStartDateTime hasEndDateTime hasRightsTerritoryIncludes hasRightsTerritoryExcludes hasRightsTargetService"
)
TEXTS: Final = "name description identifierValue publishingEventsLeft rightsExpression rightsUsageRestrictions"
USED: Final = {"class": CLASSES.split(" "), "object": LINKS.split(" "), "data": TEXTS.split(" ")}
"""Terms of the ontology that are written: classes, object properties and datatype properties."""
_GIVES: Final = ("grant", "licence_out")
Line = tuple[str, str]


def write(rights: Sequence[tuple[Right, Contract]]) -> Exported:
    """The rights with their contracts, works, parties, platforms and places."""
    ordered = sorted(rights, key=lambda pair: (pair[1].id, pair[0].id))
    blocks: dict[str, list[Line]] = {}
    lost: Counter[str] = Counter()
    for right, contract in ordered:
        blocks[_right_iri(right)] = _right(right, contract, blocks, lost)
        _work(right, blocks)
        if _contract_iri(contract) not in blocks:
            blocks[_contract_iri(contract)] = _contract(contract, blocks)
    head = "".join(f"@prefix {name}: <{iri}> .\n" for name, iri in _NAMESPACES.items())
    return Exported(
        format="ebucore_turtle",
        file_name="rights.ttl",
        media_type="text/turtle",
        content=head + "".join(_block(iri, lines) for iri, lines in sorted(blocks.items())),
        rights=len(ordered),
        losses=tuple(
            Remark(place=f"{count} of {len(ordered)} rights", message=message, hint="Keep the record or send ODRL too.")
            for message, count in sorted(lost.items())
        ),
    )


def _block(iri: str, lines: Iterable[Line]) -> str:
    return f"\n<{iri}>\n    " + " ;\n    ".join(f"{name} {value}" for name, value in lines) + " .\n"


def _right(right: Right, contract: Contract, blocks: dict[str, list[Line]], lost: Counter[str]) -> list[Line]:
    lines: list[Line] = [
        ("a", "ec:UsageRights" if right.kind in _GIVES else "ec:UsageRestrictions"),
        ("ec:hasIdentifier", _identifier(right.id)),
        ("ec:hasObjectType", _concept("RightsType", right.kind, blocks)),
        ("ec:applyTo", f"<{_work_iri(right)}>"),
        ("ec:originatesFrom", f"<{_contract_iri(contract)}>"),
    ]
    if right.kind in _GIVES:
        exclusivity = "exclusive" if right.exclusive else "non-exclusive"
        lines.append(("ec:hasObjectType", _concept("ExclusivityType", exclusivity, blocks)))
    for name, moment in (("ec:hasStartDateTime", right.start), ("ec:hasEndDateTime", right.end)):
        if moment is not None:
            stamp = f'"{instant_text(moment)}"^^xsd:dateTimeStamp'
            lines.append((name, f"[ a time:Instant ; time:inXSDDateTimeStamp {stamp} ]"))
    lines += _places(right, blocks, lost)
    if right.media != ("all",):
        lines += [("ec:hasRightsTargetService", _service(node, blocks)) for node in right.media]
    if right.max_runs is not None:
        lines.append(("ec:publishingEventsLeft", str(right.max_runs)))
        lost["max_runs is written as publishing events left; runs that were used are not counted off."] += 1
    words = _words(right, contract, lost)
    if words:
        lines.append(("ec:rightsUsageRestrictions", text_literal(" ".join(words))))
    if right.clause:
        lines.append(("ec:rightsExpression", text_literal(right.clause)))
    return lines


def _places(right: Right, blocks: dict[str, list[Line]], lost: Counter[str]) -> list[Line]:
    """Countries and subdivisions; groups as their members on the day that counts, the world as no limit at all."""
    lines: list[Line] = []
    sides = (("Includes", right.territories), ("Excludes", right.excluded_territories))
    for side, codes in sides:
        if any(is_group(code) for code in codes):
            lost["A group of territories is written as its members of one day."] += 1
        if "WORLD" in codes and side == "Includes":
            lost["The whole world is written by including no territory."] += 1
            continue
        for code in sorted(right.meant(codes, out=side == "Excludes")):
            iri = f"urn:holdback:territory:{code}"
            blocks[iri] = [("a", "ec:CountryCode"), ("skos:notation", text_literal(code))]
            lines.append((f"ec:hasRightsTerritory{side}", f"<{iri}>"))
    return lines


def _words(right: Right, contract: Contract, lost: Counter[str]) -> list[str]:
    """What has no property, in words for people."""
    found = dict(_told(right))
    if contract.status != "active":
        found["status"] = f"Not in force: the contract is {contract.status}."
    for name in found:
        lost[f"{name} stands in words only."] += 1
    if right.carried or right.source:
        lost["carried fields and the source are left out."] += 1
    return list(found.values())


def _told(right: Right) -> Iterable[tuple[str, str]]:
    for name in ("purposes", "languages", "element_kinds"):
        values: tuple[str, ...] = getattr(right, name)
        if values:
            yield name, f"{name.replace('_', ' ').capitalize()}: {', '.join(values)}."
    if not right.purposes and right.kind == "grant":
        yield "training", "Not for training models."
    if right.kind in _GIVES and not right.derivative_allowed:
        yield "derivative_allowed", "Not to be re-edited."
    for name, lag in (("start_event", right.start_event), ("end_event", right.end_event)):
        if lag is not None:
            yield name, f"{'From' if name == 'start_event' else 'Until'} {lag.text()}."
    yield from _limits(right)
    if right.licence_type is not None:
        yield "licence_type", f"Licence type {right.licence_type}."
    if right.conditions:
        yield "conditions", f"Conditions: {'; '.join(map(_condition, right.conditions))}."


def _limits(right: Right) -> Iterable[tuple[str, str]]:
    if right.max_excerpt_percent is not None:
        yield "max_excerpt_percent", f"At most {right.max_excerpt_percent} % of {right.work_seconds} s."
    if right.max_duration_seconds is not None:
        yield "max_duration_seconds", f"At most {right.max_duration_seconds} s in a cut."
    if right.window_max_days is not None:
        yield "window_max_days", f"At most {right.window_max_days} days at a time."
    if right.reruns is not None:
        yield "reruns", f"{right.reruns.repeats} repeats within {right.reruns.hours} hours count as one run."


def _condition(condition: Condition) -> str:
    seconds = f"{condition.min_seconds} s" if condition.min_seconds else None
    return " ".join(each for each in (condition.type, condition.ref, condition.text, seconds) if each)


def _work(right: Right, blocks: dict[str, list[Line]]) -> None:
    lines = blocks.setdefault(
        _work_iri(right),
        [
            ("a", "ec:EditorialObject"),
            ("ec:name", text_literal(right.ref)),
            ("ec:hasIdentifier", _identifier(right.ref)),
        ],
    )
    name = "ec:hasUsageRights" if right.kind in _GIVES else "ec:hasUsageRestrictions"
    lines.append((name, f"<{_right_iri(right)}>"))


def _contract(contract: Contract, blocks: dict[str, list[Line]]) -> list[Line]:
    party = f"urn:holdback:party:{quote(contract.counterparty, safe='')}"
    blocks[party] = [("a", "ec:Agent"), ("ec:name", text_literal(contract.counterparty))]
    words = f"Direction {contract.direction}, status {contract.status}, days of {contract.time_zone}. {contract.note}"
    return [
        ("a", "ec:Contract"),
        ("ec:name", text_literal(contract.title or contract.id)),
        ("ec:hasIdentifier", _identifier(contract.id)),
        ("ec:hasObjectType", _concept("ContractType", f"licence {contract.direction}", blocks)),
        ("ec:hasContractualParty", f"<{party}>"),
        ("ec:description", text_literal(words.strip())),
    ]


def _identifier(value: str) -> str:
    return f"[ a ec:Identifier ; ec:identifierValue {text_literal(value)} ]"


def _concept(kind: str, word: str, blocks: dict[str, list[Line]]) -> str:
    iri = f"urn:holdback:{kind}:{quote(word)}"
    blocks[iri] = [("a", f"ec:{kind}"), ("skos:prefLabel", text_literal(word))]
    return f"<{iri}>"


def _service(node: str, blocks: dict[str, list[Line]]) -> str:
    iri = f"urn:holdback:medium:{node}"
    blocks[iri] = [
        ("a", "ec:PublicationService"),
        ("ec:name", text_literal(media_tree()[node])),
        ("ec:hasIdentifier", _identifier(node)),
    ]
    return f"<{iri}>"


def _right_iri(right: Right) -> str:
    return f"urn:holdback:right:{right.id}"


def _work_iri(right: Right) -> str:
    return f"urn:holdback:ref:{right.ref}"


def _contract_iri(contract: Contract) -> str:
    return f"urn:holdback:contract:{contract.id}"
