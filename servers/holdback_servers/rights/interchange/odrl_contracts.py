"""A policy is a contract: its parties, its standing, its keys. Pure."""

from collections.abc import Iterable
from typing import Final

from holdback_base.canonical import canonical_sha256
from holdback_base.problem import Problem
from pydantic import ValidationError

from holdback_servers.rights.interchange.batch import ImportedContract, Remark
from holdback_servers.rights.interchange.odrl_model import Party, Policy
from holdback_servers.rights.model import ContractTerms, contract_on_record

SEPARATOR: Final = "|"
"""Between a policy's uid and a rule's in a key: no IRI holds it, so that one policy's keys never begin another's."""
_STATUS: Final = {"Agreement": "active", "Offer": "pending", "Set": "draft"}


def key_of(policy: Policy) -> str:
    """The key of the contract that a policy is."""
    return "odrl:" + shortened(policy.uid, 140)


def contracts_of(policy: Policy, mistakes: list[Remark]) -> list[ImportedContract]:
    """The contract, and one of its own for a reservation of training, which stands without anybody's consent."""
    place = f"policy {policy.uid}"
    outward = policy.detail("direction") == "out"
    assigners = _named(rule.assigner for rule in policy.rules)
    assignees = _named(rule.assignee for rule in policy.rules)
    others = assignees if outward else assigners
    for what in {"Set": (), "Offer": ("assigner",), "Agreement": ("assigner", "assignee")}[policy.type]:
        if any(getattr(rule, what) is None for rule in policy.rules):
            mistakes.append(
                remark(
                    place, f"A rule of the {policy.type} has no {what}.", f"Name the {what} on the policy or the rule."
                )
            )
    for what, found in (("assigners", assigners), ("assignees", assignees)):
        if len(found) > 1 and policy.type == "Agreement":
            mistakes.append(
                remark(place, f"The Agreement has {len(found)} {what}: {', '.join(found)}.", "Give each pair of "
                        "parties an Agreement of its own: whose right is it?")
            )  # fmt: skip
    try:
        terms = ContractTerms.model_validate(
            {
                "counterparty": (policy.detail("counterparty") or (others[0] if others else "(not named)"))[:200],
                "direction": "out" if outward else "in",
                "status": _status(policy),
                "title": (policy.detail("title") or "")[:200],
                "note": policy.detail("note") or "",
                "time_zone": policy.detail("timeZone") or "UTC",
            }
        )
        contract_on_record(key_of(policy), terms)
    except (Problem, ValidationError) as error:
        mistakes.append(refused(place, error))
        return []
    standing = terms.model_copy(update={"status": "active", "title": "Reservation of training"})
    return [
        ImportedContract(key=key_of(policy), terms=terms, place=place),
        ImportedContract(key=reservation_key(policy), terms=standing, place=place),
    ]


def reservation_key(policy: Policy) -> str:
    """The key of the contract that holds a reservation of training made without an agreement."""
    return key_of(policy) + SEPARATOR + "training"


def shortened(text: str, most: int) -> str:
    """The text, or as much of it as fits with a digest of the rest."""
    return text if len(text) <= most else text[: most - 33] + "~" + canonical_sha256(text)[7:39]


def remark(place: str, message: str, hint: str) -> Remark:
    """A remark on a place of the file."""
    return Remark(place=place, message=message, hint=hint)


def refused(place: str, error: Problem | ValidationError) -> Remark:
    """What was refused, as a remark on a place of the file."""
    if isinstance(error, Problem):
        return remark(place, error.message, error.hint)
    first = error.errors()[0]
    where = ".".join(map(str, first["loc"]))
    return Remark(place=place, message=f"{where}: {first['msg']}.", hint="Correct it.", given=str(first["input"])[:200])


def _named(parties: Iterable[Party | None]) -> list[str]:
    return sorted({each.name or each.uid or "" for each in parties if each is not None} - {""})


def _status(policy: Policy) -> str:
    """An Offer or a Set is never an active contract, whatever it says of itself."""
    told = policy.detail("status")
    return _STATUS[policy.type] if told is None or (told == "active" and policy.type != "Agreement") else told
