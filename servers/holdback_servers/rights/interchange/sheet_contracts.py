"""The contracts that lines of the rights sheet speak of: each said once, on whichever of its lines. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from holdback_base.problem import Problem
from pydantic import ValidationError

from holdback_servers.rights.interchange.batch import ImportedContract
from holdback_servers.rights.interchange.sheet_columns import KIND_WORDS
from holdback_servers.rights.interchange.sheet_table import Ledger, Line
from holdback_servers.rights.interchange.sheet_words import said, word_of
from holdback_servers.rights.model import ContractTerms
from holdback_servers.rights.moments import zone_of

PREFIX: Final = "sheet:"
_LONGEST: Final = 120
_STATUSES: Final = {name: name for name in ("draft", "pending", "active", "rejected", "inactive")} | {
    "signed": "active"
}
_DIRECTIONS: Final = {"in": "in", "out": "out"}
_FACTS: Final = {
    "party": "From whom",
    "status": "Contract status",
    "direction": "In or out",
    "time_zone": "Time zone",
    "contract_title": "Contract title",
    "contract_note": "Contract note",
}


_UNREAD: Final = {"status": "draft", "direction": "in", "time_zone": "UTC"}


@dataclass
class Party:
    """A contract while its lines are read: each fact with the line that said it first."""

    key: str
    name: str
    first: Line
    facts: dict[str, tuple[str, Line]] = field(default_factory=dict[str, tuple[str, Line]])
    sells: bool = False

    def fact(self, name: str) -> str:
        """What was said, or nothing."""
        return self.facts[name][0] if name in self.facts else ""

    def spoken_title(self) -> str:
        """The name on the sheet, unless it was made of the party's, or Holdback knows the contract by another one."""
        return self.name if self.key == contract_key(self.name) and "contract" in self.first.cells else ""


def contract_key(name: str) -> str:
    """The key of a contract by its name: case and spaces do not matter, and no name is the beginning of another's."""
    plain = " ".join(name.split()).casefold()
    return PREFIX + plain.replace("%", "%25").replace("/", "%2F")


def gather(table: Sequence[Line], ledger: Ledger, time_zone: str) -> dict[int, Party]:
    """The contract of each line, by the line's row. A line that names none is a mistake; so are two lines of one
    contract that say different things of it."""
    records = _records(table)
    found: dict[str, Party] = {}
    of_line: dict[int, Party] = {}
    for line in table:
        name = _name(line)
        if not name:
            ledger.wrong(line.at("party", "From whom"), "The line names no contract.", "Fill From whom or Contract.")
            continue
        key = said(line.cells.get("contract_record")) or records.get(contract_key(name)) or contract_key(name)
        if len(key) > _LONGEST and key.startswith(PREFIX):
            ledger.wrong(
                line.at("contract"), "The name of the contract is too long.", "Give it a number or short name."
            )
            continue
        party = found.setdefault(key, Party(key, name, line))
        party.sells |= _kind(line) == "licence_out"
        of_line[line.row] = party
        _take(party, line, ledger)
    for party in found.values():
        party.facts.setdefault("time_zone", (time_zone, party.first))
    return of_line


def imported(parties: Sequence[Party], ledger: Ledger) -> tuple[ImportedContract, ...]:
    """The contracts to record; what one of them lacks is a mistake."""
    made: list[ImportedContract] = []
    for party in parties:
        for name in ("party", "status"):
            if name not in party.facts:
                ledger.wrong(
                    party.first.at(name, _FACTS[name]),
                    f"No line of the contract {party.name!r} fills {_FACTS[name]}.",
                    "Fill it on one of its lines." + (" Only active contracts clear." if name == "status" else ""),
                )
        if "party" not in party.facts or "status" not in party.facts:
            continue
        shape = {
            "counterparty": party.fact("party"),
            "direction": party.fact("direction") or ("out" if party.sells else "in"),
            "status": party.fact("status"),
            "title": party.fact("contract_title") or party.spoken_title(),
            "note": party.fact("contract_note"),
            "time_zone": party.fact("time_zone"),
        }
        try:
            terms = ContractTerms.model_validate(shape)
        except ValidationError as error:
            ledger.invalid(party.first, error, {"counterparty": "party", "title": "contract", "note": "contract_note"})
            continue
        made.append(ImportedContract(key=party.key, terms=terms, place=party.first.place))
    return tuple(made)


def _records(table: Sequence[Line]) -> dict[str, str]:
    """Contracts that Holdback knows by another key, by their name on the sheet, where that is said without doubt."""
    known: dict[str, set[str]] = {}
    for line in table:
        record = said(line.cells.get("contract_record"))
        if record:
            known.setdefault(contract_key(_name(line)), set()).add(record)
    return {name: next(iter(records)) for name, records in known.items() if len(records) == 1}


def _name(line: Line) -> str:
    name = said(line.cells.get("contract")) or said(line.cells.get("contract_record"))
    if name:
        return name
    party = said(line.cells.get("party"))
    way = said(line.cells.get("direction")).casefold() or ("out" if _kind(line) == "licence_out" else "in")
    return f"{party} ({way})" if party else ""


def _kind(line: Line) -> str:
    plain = re.sub(r"[\W_]+", " ", said(line.cells.get("kind"))).strip().casefold()
    return KIND_WORDS.get(plain, plain)


def _take(party: Party, line: Line, ledger: Ledger) -> None:
    for name, header in _FACTS.items():
        text = said(line.cells.get(name))
        if not text:
            continue
        try:
            value = _read(name, text)
        except Problem as problem:
            ledger.refused(line.at(name), problem, text)
            party.facts.setdefault(name, (_UNREAD.get(name, text), line))  # told once, not again as missing
            continue
        known, where = party.facts.setdefault(name, (value, line))
        if known != value:
            ledger.wrong(
                line.at(name),
                f"{header} of the contract {party.name!r} is {value!r} here and {known!r} at {where.at(name)}.",
                "Say the same on all its lines, or leave all but one blank.",
                text,
            )


def _read(name: str, text: str) -> str:
    if name == "status":
        return word_of(text, _STATUSES, "a status of a contract")
    if name == "direction":
        return word_of(text, _DIRECTIONS, "a direction")
    if name == "time_zone":
        return zone_of(text).key
    return text
