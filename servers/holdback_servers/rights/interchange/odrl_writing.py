"""Rights go out as ODRL 2.2: each contract a policy, each right a rule, in JSON-LD or Turtle, in a fixed order.

ODRL terms where there are any, places as RightsML has them, and Holdback's profile (`urn:holdback:odrl:`) for the
rest; the losses say what stands in the profile only. An active contract is an Agreement, any other an Offer, so that
nobody takes for agreed what is not.
"""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal
from urllib.parse import quote

from holdback_base.vocabulary import instant_text, is_group

from holdback_servers.rights.interchange.batch import Exported, Remark
from holdback_servers.rights.interchange.odrl_duties import ACTION_OF
from holdback_servers.rights.interchange.odrl_terms import ODRL_CONTEXT, OWN, RIGHTSML, TDM, context
from holdback_servers.rights.interchange.odrl_turtle import turtle
from holdback_servers.rights.model import Condition, Contract, Right, RightTerms, terms_of

Node = dict[str, Any]
OURS: Final = "urn:holdback:party:own"
"""Who exports: the licensee of what came in, the licensor of what goes out."""
_IRI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`]+")
_EXTRA: Final = {"holdback": OWN, "tdm": TDM}
_CLAIMED: Final = frozenset(context()) | frozenset(_EXTRA)
"""Prefixes that a JSON-LD reader would replace."""
_PROFILED: Final = {
    "kind": "kind",
    "element_kinds": "elementKind",
    "exclusive": "exclusive",
    "start_event": "startEvent",
    "end_event": "endEvent",
    "max_duration_seconds": "durationSeconds",
    "work_seconds": "workSeconds",
    "reruns": "reruns",
    "licence_type": "licenceType",
    "groups_on": "groupsOn",
    "clause": "clause",
    "source": "source",
    "carried": "carried",
}


def write(rights: Sequence[tuple[Right, Contract]], form: Literal["jsonld", "turtle"] = "jsonld") -> Exported:
    """The rights as policies. Reading them again gives the same terms."""
    ordered = sorted(rights, key=lambda pair: (pair[1].id, pair[0].id))
    grouped: dict[str, tuple[Contract, list[Right]]] = {}
    for right, contract in ordered:
        grouped.setdefault(contract.id, (contract, []))[1].append(right)
    policies = [_policy(contract, own) for contract, own in grouped.values()]
    if form == "turtle":
        content = turtle(policies)
    else:
        shape: Node = {"@context": [ODRL_CONTEXT, dict(_EXTRA)]}
        shape |= policies[0] if len(policies) == 1 else {"@graph": policies}
        content = json.dumps(shape, ensure_ascii=False, indent=2) + "\n"
    return Exported(
        format="odrl_turtle" if form == "turtle" else "odrl_jsonld",
        file_name="rights.ttl" if form == "turtle" else "rights.jsonld",
        media_type="text/turtle" if form == "turtle" else "application/ld+json",
        content=content,
        rights=len(ordered),
        losses=_losses([terms_of(right) for right, _ in ordered]),
    )


def policy_uid(contract: Contract) -> str:
    """The uid it came in with, else one of its own."""
    uid = (contract.external_key or "").removeprefix("odrl:")
    came = (contract.external_key or "").startswith("odrl:") and "|" not in uid and "~" not in uid
    return uid if came and _IRI.fullmatch(uid) else f"urn:holdback:contract:{contract.id}"


def _policy(contract: Contract, rights: Sequence[Right]) -> Node:
    other, ours = _party(contract.counterparty), {"uid": OURS}
    inward = contract.direction == "in"
    policy: Node = {
        "@type": "Agreement" if contract.status == "active" else "Offer",
        "uid": policy_uid(contract),
        "profile": [OWN, RIGHTSML],
        "conflict": "prohibit",
        "assigner": other if inward else ours,
        "assignee": ours if inward else other,
        "holdback:counterparty": contract.counterparty,
        "holdback:direction": contract.direction,
        "holdback:status": contract.status,
        "holdback:timeZone": contract.time_zone,
    }
    for name in ("title", "note"):
        if getattr(contract, name):
            policy[f"holdback:{name}"] = getattr(contract, name)
    rules = [(_side(right), _rule(right)) for right in rights]
    for side in ("permission", "prohibition"):
        found = [rule for where, rule in rules if where == side]
        if found:
            policy[side] = found
    return policy


def _side(right: Right) -> str:
    return "permission" if right.kind in ("grant", "licence_out") else "prohibition"


def _rule(right: Right) -> Node:
    terms = terms_of(right)
    rule: Node = {
        "uid": f"urn:holdback:right:{right.id}",
        "target": _target(terms),
        "action": _actions(terms),
    }
    constraints = _constraints(terms)
    if constraints:
        rule["constraint"] = constraints
    if terms.conditions:
        rule["duty"] = [_duty(each) for each in terms.conditions]
    if terms.kind not in ("grant", "blackout"):
        rule["holdback:kind"] = terms.kind
    if terms.exclusive:
        rule["holdback:exclusive"] = True
    for field, name in (("licence_type", "licenceType"), ("clause", "clause"), ("source", "source")):
        if getattr(terms, field):
            rule[f"holdback:{name}"] = getattr(terms, field)
    if terms.groups_on is not None:
        rule["holdback:groupsOn"] = terms.groups_on.isoformat()
    if terms.work_seconds is not None:
        rule["holdback:workSeconds"] = str(terms.work_seconds)
    if terms.reruns is not None:
        rule["holdback:reruns"] = f"{terms.reruns.repeats}/{terms.reruns.hours}"
    if terms.carried:
        rule["holdback:carried"] = [
            f"{number:03} {quote(name)}={value}" for number, (name, value) in enumerate(terms.carried)
        ]
    return rule


def _target(terms: RightTerms) -> Any:
    """The reference itself where it is an IRI that no prefix of the context claims."""
    prefix = terms.ref.partition(":")[0]
    if "_" not in prefix and prefix not in _CLAIMED:
        return terms.ref
    return {"uid": f"urn:holdback:ref:{terms.ref}", "holdback:ref": terms.ref}


def _actions(terms: RightTerms) -> list[str]:
    trains = terms.purposes == ("training",)
    if _is_restriction(terms):
        return ["tdm:mine" if trains else "use"]
    return ["tdm:mine" if trains else "distribute", *(["derive"] if terms.derivative_allowed else [])]


def _is_restriction(terms: RightTerms) -> bool:
    return terms.kind not in ("grant", "licence_out")


def _constraints(terms: RightTerms) -> list[Node]:
    return [*_where(terms), *_what(terms), *_when(terms), *_limits(terms)]


def _limit(left: str, operator: str, value: object, kind: str = "") -> Node:
    right = {"@value": str(value), "@type": f"xsd:{kind}"} if kind else value
    return {"leftOperand": left, "operator": operator, "rightOperand": right}


def _of(left: str, values: Sequence[Any], operator: str = "isAnyOf") -> list[Node]:
    return [{"leftOperand": left, "operator": operator, "rightOperand": list(values)}] if values else []


def _where(terms: RightTerms) -> list[Node]:
    included = () if terms.territories == ("WORLD",) else terms.territories
    media = () if terms.media == ("all",) else terms.media
    return [
        *_of("spatial", [_place(each) for each in included]),
        *_of("spatial", [_place(each) for each in terms.excluded_territories], "isNoneOf"),
        *_of("deliveryChannel", [{"@id": f"holdback:medium:{each}"} for each in media]),
    ]


def _what(terms: RightTerms) -> list[Node]:
    purposes = () if terms.purposes == ("training",) else terms.purposes
    tongues = [{"@id": f"holdback:language:{each}"} if ":" in each else each for each in terms.languages]
    return [
        *_of("purpose", [{"@id": f"holdback:purpose:{each}"} for each in purposes]),
        *_of("language", tongues),
        *_of("holdback:elementKind", [{"@id": f"holdback:element:{each}"} for each in terms.element_kinds]),
    ]


def _when(terms: RightTerms) -> list[Node]:
    found: list[Node] = []
    if terms.start is not None:
        found.append(_limit("dateTime", "gteq", instant_text(terms.start), "dateTime"))
    if terms.first_day is not None:
        found.append(_limit("dateTime", "gteq", terms.first_day.isoformat(), "date"))
    if terms.start_event is not None:
        found.append(_limit("holdback:startEvent", "gteq", f"{terms.start_event.event} {terms.start_event.lag}"))
    if terms.end is not None:
        found.append(_limit("dateTime", "lt", instant_text(terms.end), "dateTime"))
    if terms.last_day is not None:
        found.append(_limit("dateTime", "lteq", terms.last_day.isoformat(), "date"))
    if terms.end_event is not None:
        found.append(_limit("holdback:endEvent", "lt", f"{terms.end_event.event} {terms.end_event.lag}"))
    return found


def _limits(terms: RightTerms) -> list[Node]:
    numbers = {
        "count": terms.max_runs,
        "percentage": terms.max_excerpt_percent,
        "holdback:durationSeconds": terms.max_duration_seconds,
    }
    found = [_limit(left, "lteq", value, "integer") for left, value in numbers.items() if value is not None]
    if terms.window_max_days is not None:
        found.append(_limit("elapsedTime", "lteq", f"P{terms.window_max_days}D", "duration"))
    return found


def _place(code: str) -> Node:
    """As RightsML names countries; subdivisions and groups in Holdback's profile."""
    if "-" not in code and code != "WORLD" and not is_group(code):
        import pycountry

        found = pycountry.countries.get(alpha_2=code)
        if found is not None:
            return {"@id": f"http://cvx.iptc.org/iso3166-1a3/{found.alpha_3}"}
    return {"@id": f"holdback:territory:{code}"}


def _duty(condition: Condition) -> Node:
    duty: Node = {"action": ACTION_OF[condition.type]}
    if condition.text:
        duty["holdback:text"] = condition.text
    if condition.min_seconds is not None:
        duty["holdback:minSeconds"] = str(condition.min_seconds)
    if condition.ref is not None:
        duty["target"] = {"uid": f"urn:holdback:ref:{condition.ref}", "holdback:ref": condition.ref}
    if condition.approved:
        duty["holdback:approved"] = list(condition.approved)
    return duty


def _party(name: str) -> Node:
    if _IRI.fullmatch(name) and name.partition(":")[0] not in _CLAIMED:
        return {"uid": name}
    return {"uid": f"urn:holdback:party:{quote(name, safe='')}", "vcard:fn": name}


def _losses(rights: Sequence[RightTerms]) -> tuple[Remark, ...]:
    """What stands in Holdback's profile only: a reader without it will not know."""
    found: Counter[str] = Counter()
    for terms in rights:
        found.update(field for field in _PROFILED if _said(terms, field))
        found.update(
            {"conditions"} if any(each.type not in ("credit", "approval") for each in terms.conditions) else ()
        )
    names: Mapping[str, str] = {**_PROFILED, "conditions": "blur, mute and the other conditions"}
    return tuple(
        Remark(
            place=f"{count} of {len(rights)} rights",
            message=f"{field} stands in Holdback's profile only ({OWN}{names[field]}).",
            hint="Tell whoever reads the file with other software.",
        )
        for field, count in sorted(found.items())
    )


def _said(terms: RightTerms, field: str) -> bool:
    value = getattr(terms, field)
    return value not in ("grant", "blackout") if field == "kind" else bool(value)
