"""Conflicts in words: what meets what, where and when, and what to change. Pure."""

from holdback_base.vocabulary import instant_text

from holdback_servers.rights.answers import Conflict, ConflictSide
from holdback_servers.rights.book import Entry
from holdback_servers.rights.conflicts.finding import Clash
from holdback_servers.rights.windows import instant
from holdback_servers.rights.wording import scope_text

_BARS = {"HOLDBACK": "holds it back", "BLACKOUT": "blacks it out", "EMBARGO": "embargoes it"}


def tell(clash: Clash) -> Conflict:
    """The conflict for the wire, with both rights as they are on record."""
    entry, other = clash.entry, clash.other
    return Conflict(
        code=clash.code,
        ref=entry.right.ref,
        right=_side(entry),
        other=None if other is None else _side(other),
        scopes=clash.scopes,
        element_kinds=clash.kinds,
        purposes=clash.purposes,
        languages=clash.languages,
        text=_text(clash) + _waiting(clash),
        change=_change(clash),
    )


def _side(entry: Entry) -> ConflictSide:
    right, contract = entry.right, entry.contract
    return ConflictSide(
        right=right.id,
        kind=right.kind,
        exclusive=right.exclusive,
        contract=contract.id,
        contract_status=contract.status,
        counterparty=contract.counterparty,
        clause=right.clause or None,
        gives=scope_text(right),
    )


def _text(clash: Clash) -> str:
    entry, other = clash.entry, clash.other
    if clash.code in ("NO_RIGHTS_IN", "PARTIAL_RIGHTS_IN"):
        part = "none of it" if clash.code == "NO_RIGHTS_IN" else "not all of it"
        nearest = ""
        if other is not None:
            unknown = f" from an event that is not known yet ({other.unresolved[0]})" if other.unresolved else ""
            status = "" if other.status == "active" else f", of a contract that is {other.status},"
            nearest = f" The nearest, {other.id}{status} gives {scope_text(other.right)}{unknown}."
        return f"{_sale(entry)}; {part} is held{_points(clash)}.{nearest}"
    if clash.code == "NO_EXCLUSIVE_RIGHTS_IN" or other is None:
        held = f", as {other.id} gives it" if other else ""
        return f"{_sale(entry)}; it is held{held}, but not exclusively{_points(clash)}."
    if clash.code == "RIGHTS_IN_OVERLAP":
        mine, theirs = entry.contract.counterparty, other.contract.counterparty
        return f"{entry.id} has {mine} and {other.id} has {theirs} give the same exclusively: only one of them can."
    if clash.code == "RIGHTS_OUT_OVERLAP":
        return f"{_sale(entry)}; {_sale(other)}."
    sale, bar = (other, entry) if other.kind == "licence_out" else (entry, other)
    return f"{_sale(sale)}; {bar.id} of {bar.contract.counterparty} {_BARS[clash.code]}."


def _sale(entry: Entry) -> str:
    how = "exclusively " if entry.exclusive else ""
    return f"{entry.id} licenses it {how}to {entry.contract.counterparty}"


def _points(clash: Clash) -> str:
    named = [each.replace("_", " ") for each in (*clash.kinds, *clash.purposes, *clash.languages)]
    return f" for {', '.join(named)}" if named else ""


def _waiting(clash: Clash) -> str:
    """An end that hangs on an event counts as open, and that must be said."""
    events = sorted({*clash.entry.unresolved, *(clash.other.unresolved if clash.other else ())})
    return f" Nobody has recorded yet when {', '.join(events)} is, so that end counts as open." if events else ""


def _change(clash: Clash) -> str:
    entry, other = clash.entry, clash.other
    out = f"take it out of {entry.id}"
    if clash.code in ("NO_RIGHTS_IN", "PARTIAL_RIGHTS_IN"):
        if other is not None and other.status not in ("active", "inactive"):
            return (
                f"Have {other.contract_id} made active, if {other.id} covers it; or acquire what is missing, or {out}."
            )
        return f"Acquire what is missing from {other.contract.counterparty if other else 'who holds it'}, or {out}."
    if clash.code == "NO_EXCLUSIVE_RIGHTS_IN" or other is None:
        return f"License it without exclusivity in {entry.id}, acquire it exclusively, or {out}."
    ways = [*_other_times(entry, other), out]
    if clash.code == "RIGHTS_IN_OVERLAP":
        ways.append(f"find out which of {entry.contract_id} and {other.contract_id} is right")
    elif clash.code == "RIGHTS_OUT_OVERLAP":
        firm = [each.id for each in (entry, other) if each.exclusive]
        ways.append(f"agree with {other.contract.counterparty} that {' and '.join(firm)} no longer exclude the other")
    else:
        ways.append(f"agree an exception with {other.contract.counterparty}")
    text = ", ".join(ways[:-1]) + f", or {ways[-1]}"
    return f"{text[0].upper()}{text[1:]}."


def _other_times(entry: Entry, other: Entry) -> list[str]:
    """How the first right could keep out of the other's way in time."""
    ways: list[str] = []
    (start, end), (from_, until) = entry.window, other.window
    if until < end and (later := instant(until)) is not None:
        ways.append(f"begin {entry.id} at {instant_text(later)}")
    if start < from_ and (sooner := instant(from_)) is not None:
        ways.append(f"end {entry.id} at {instant_text(sooner)}")
    return ways
