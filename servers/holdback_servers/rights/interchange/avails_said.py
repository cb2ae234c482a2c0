"""From rights on record to the fields of Avails transactions, and what those cannot say. Pure.

An Avail grants: what it has no word for and would grant too much without (a promotion-only right, a blackout) is left
out and told; what it can say in words only (a credit, a longest duration) goes into OtherInstructions and is told.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from holdback_base.vocabulary import is_group, medium_within

from holdback_servers.rights.interchange.avails_intake import HOLDBACK_KEY
from holdback_servers.rights.interchange.avails_names import LEVEL_ALIASES, reference
from holdback_servers.rights.interchange.avails_terms import say_tongues
from holdback_servers.rights.interchange.avails_windows import say_window
from holdback_servers.rights.interchange.avails_words import (
    LICENCES,
    STATUSES,
    FieldError,
    contract_status,
)
from holdback_servers.rights.interchange.batch import Remark
from holdback_servers.rights.model import Contract, Right, RightTerms, terms_of

_OPENS: Final = {"EST": "vod.est", "VOD": "vod.tvod", "SVOD": "vod.svod", "AVOD": "vod.avod"}
"""The LicenseType that says a leaf of the media tree."""
_WORK_TYPES: Final = {
    "film": "Movie",
    "episode": "Episode",
    "season": "Season",
    "series": "Series",
    "volume": "Volume",
    "collection": "Collection",
    "supplement": "Supplemental",
    "promotion": "Promotion",
    "clip": "Excerpt",
}
_WORKED_OUT: Final = frozenset({"Start", "End", "WindowDuration"})
_DROPPED: Final = "It is left out: without it the Avail would grant more than the right does."


@dataclass
class Said:
    """Transactions as fields, and what could not be said. `rights` is how many are in them."""

    transactions: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    rights: int = 0
    _losses: list[Remark] = field(default_factory=list[Remark])
    _fields: dict[str, tuple[str, str, int]] = field(default_factory=dict[str, tuple[str, str, int]])

    def lose(self, right: Right | str, message: str, hint: str = "") -> None:
        """Tells what the file cannot say of a right."""
        place = right if isinstance(right, str) else right.external_key or right.id
        self._losses.append(Remark(place=place, message=message, hint=hint))

    def lose_field(self, fields: Mapping[str, str], name: str, why: str) -> None:
        """Tells that a carried field is not written: once for all transactions, with how many."""
        place, text, times = self._fields.get(why, (fields["ALID"], fields[name], 0))
        self._fields[why] = (place, text, times + 1)

    def told(self) -> tuple[Remark, ...]:
        """All that could not be said."""
        carried = (
            Remark(place=place, message=f"{why}: not written, {times} times; this is the first.", given=text[:200])
            for why, (place, text, times) in self._fields.items()
        )
        return (*self._losses, *carried)


def say(rights: Sequence[tuple[Right, Contract]], licensor: str) -> Said:
    """The transactions of these rights, each a mapping from field to text.

    Args:
        rights: each with its contract.
        licensor: who licenses what is licensed out; without a name those rights are left out.
    """
    said = Said()
    held = {
        right.external_key.removesuffix(HOLDBACK_KEY): right
        for right, _ in rights
        if right.kind == "holdback" and right.external_key is not None and right.external_key.endswith(HOLDBACK_KEY)
    }
    spoken: set[str] = set()
    zones: set[str] = set()
    for right, contract in sorted(rights, key=lambda pair: (pair[0].external_key or "", pair[0].id)):
        if right.kind not in ("grant", "licence_out"):
            continue
        before = len(said.transactions)
        holdback = held.get(right.external_key or "")
        _say_right(right, contract, holdback, licensor, said)
        if len(said.transactions) > before:
            said.rights += 1
            spoken |= {holdback.id} if holdback is not None else set()
            zones |= {contract.time_zone} if right.first_day or right.last_day else set()
    for right, _ in rights:
        if right.kind not in ("grant", "licence_out") and right.id not in spoken:
            said.lose(right, f"Avails have no word for a {right.kind}: it is left out.")
        said.rights += right.id in spoken
    for zone in sorted(zones - {"UTC"}):
        said.lose(zone, f"Days are days of {zone}; Avails name no time zone.", "Tell the receiver the zone.")
    return said


def _say_right(right: Right, contract: Contract, holdback: Right | None, licensor: str, said: Said) -> None:
    terms = terms_of(right)
    kind = right.ref.partition(":")[0]
    owner = contract.counterparty if right.kind == "grant" else licensor
    if not owner:
        said.lose(right, "It is licensed out, and no licensor was named: it is left out.", "Name the licensor.")
    elif kind not in _WORK_TYPES and not any(name == "WorkType" for name, _ in right.carried):
        said.lose(right, f"Avails are for titles; {right.ref} is none: it is left out.")
    elif right.purposes:
        said.lose(right, f"Avails cannot say that it is only for {', '.join(right.purposes)}. {_DROPPED}")
    elif right.element_kinds and "programme" not in right.element_kinds:
        said.lose(right, f"Avails cannot say that it is only for {', '.join(right.element_kinds)}. {_DROPPED}")
    else:
        fields = _fields(right, terms, contract, said) | {"DisplayName": owner}
        if right.kind == "licence_out":
            fields["Licensee"] = contract.counterparty
        if holdback is not None:
            fields["HoldbackLanguage"] = _tongues_text(holdback.languages)
        _by_licence(right, fields, said)


def _by_licence(right: Right, fields: dict[str, str], said: Said) -> None:
    """One transaction for each LicenseType that the media come to."""
    own = right.licence_type
    if own is not None and set(right.media) == set(LICENCES[own.lower()][1]):
        said.transactions.append({**fields, "LicenseType": own})
        return
    licences = [name for name, leaf in _OPENS.items() if any(medium_within(leaf, node) for node in right.media)]
    unsaid = [node for node in right.media if node not in _OPENS.values()]
    if unsaid:
        said.lose(right, f"Avails have no LicenseType for {', '.join(unsaid)}; "
                  + (f"of it only {', '.join(licences)} is said." if licences else "it is left out."))  # fmt: skip
    for name in licences:
        several = {"AvailID": f"{fields['AvailID']}-{name}"} if len(licences) > 1 and "AvailID" in fields else {}
        said.transactions.append({**fields, **several, "LicenseType": name})


def _fields(right: Right, terms: RightTerms, contract: Contract, said: Said) -> dict[str, str]:
    fields = {name: text for name, text in right.carried if name not in _WORKED_OUT}
    fields |= say_window(terms)
    fields["EntryType"] = "Full Extract"
    fields["Territory"] = ", ".join(_places(right, right.territories, said))
    if right.excluded_territories:
        fields["TerritoryExclusion"] = ", ".join(_places(right, right.excluded_territories, said, out=True))
    if right.languages:
        fields["AllowedLanguages"] = _tongues_text(right.languages)
    if right.exclusive:
        fields["Exclusive"] = "Yes"
    _name(right, fields)
    _say_status(fields, contract)
    instructions = _in_words(right)
    if instructions:
        text = "; ".join(instructions)
        fields["OtherInstructions"] = "; ".join(filter(None, (fields.get("OtherInstructions"), text)))
        said.lose(right, f"Avails say this in OtherInstructions only: {text}.")
    return fields


def _name(right: Right, fields: dict[str, str]) -> None:
    """Ids such that the reader comes to the same reference."""
    kind = right.ref.partition(":")[0]
    own = "ALID" not in fields
    fields.setdefault("WorkType", _WORK_TYPES.get(kind, kind))
    if own:
        fields["ALID"] = right.ref
        fields.setdefault("AvailID", right.external_key or right.id)
    try:
        named = reference(fields)
    except FieldError:
        named = ""
    if named != right.ref:
        fields[LEVEL_ALIASES.get(kind, "AltID")] = right.ref


def _say_status(fields: dict[str, str], contract: Contract) -> None:
    try:
        told = contract_status(fields)
    except FieldError:
        told = None
    if told != contract.status:
        fields.pop("TitleStatus", None)
        fields.pop("ContractStatus", None)
        if contract.status != "active":
            fields["ContractStatus"] = next(
                word for word, means in STATUSES.items() if means == contract.status
            ).title()


def _places(right: Right, codes: Sequence[str], said: Said, *, out: bool = False) -> list[str]:
    written: set[str] = set()
    for code in codes:
        if is_group(code):
            members = right.meant((code,), out=out)
            said.lose(right, f"Avails have no word for {code}: written as its {len(members)} members.")
            written |= members
        else:
            written.add(code)
    return sorted(written)


def _tongues_text(tongues: tuple[str, ...]) -> str:
    return ", ".join(f"{tag}:{asset}" if asset else tag for tag, asset in say_tongues(tongues))


def _in_words(right: Right) -> list[str]:
    """Limits and duties that Avails have no field for."""
    words: list[str] = []
    if right.max_duration_seconds is not None:
        words.append(f"at most {right.max_duration_seconds} seconds may be used")
    if right.max_excerpt_percent is not None:
        words.append(f"at most {right.max_excerpt_percent} percent of the work may be used")
    if right.max_runs is not None:
        words.append(f"at most {right.max_runs} runs")
    if right.reruns is not None:
        words.append(f"{right.reruns.repeats} repeats within {right.reruns.hours} hours count as the same run")
    if not right.derivative_allowed:
        words.append("it may not be cut or changed")
    for each in right.conditions:
        what = each.type.replace("_", " ") + (f" {each.ref}" if each.ref else "")
        words.append(f"condition: {what}" + (f" ({each.text})" if each.text else ""))
    return words
