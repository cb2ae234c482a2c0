"""What an import did, or would do: counts, a table of changes in words, mistakes with their cures, losses. Pure."""

from collections.abc import Mapping
from typing import Any, Final, Literal

from holdback_base.vocabulary import Noun

from holdback_servers.rights.answers import StaleClearance
from holdback_servers.rights.interchange.batch import Format, Remark

SHOWN: Final = 50
"""Changes of each sort that are shown."""
_TOLD: Final = 100
_IDS: Final = ("id", "contract", "external_key")
_WORDS: Final = {
    "ref": "reference", "element_kinds": "elements", "media": "platforms", "territories": "where",
    "excluded_territories": "except", "first_day": "from", "start": "from", "start_event": "from",
    "last_day": "until", "end": "until", "end_event": "until", "derivative_allowed": "may be cut",
    "max_duration_seconds": "max seconds", "max_excerpt_percent": "max percent", "work_seconds": "length of the work",
    "window_max_days": "max days up",
}  # fmt: skip


class Counts(Noun):
    """How many of each."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    withdrawn: int = 0

    def text(self) -> str:
        """For people: `3 new, 1 changed, 10 as they are, 2 withdrawn`."""
        parts = ((self.created, "new"), (self.updated, "changed"), (self.unchanged, "as before"))
        told = [f"{count} {word}" for count, word in (*parts, (self.withdrawn, "withdrawn")) if count]
        return ", ".join(told) or "none"


class FieldChange(Noun):
    """One field of a right that is no longer what it was, in words; empty where there is nothing."""

    field: str
    before: str
    after: str


class RightChange(Noun):
    """What becomes of one right. `place` is where the file says so; `fields` are told of an updated one."""

    change: Literal["created", "updated", "withdrawn"]
    key: str
    right: str
    place: str = ""
    fields: tuple[FieldChange, ...] = ()

    def text(self) -> str:
        """One line for people."""
        what = {"created": "new", "updated": "changed", "withdrawn": "withdrawn"}[self.change]
        where = f" ({self.place})" if self.place else ""
        told = "; ".join(f"{each.field}: {each.before or 'none'} -> {each.after or 'none'}" for each in self.fields)
        return f"  {what:<9} {self.right}{where}" + (f"\n            {told}" if told else "")


class ContractChange(Noun):
    """A contract on record that is told otherwise now: all its rights follow, those of other files too."""

    contract: str
    place: str
    fields: tuple[FieldChange, ...]

    def text(self) -> str:
        """Two lines for people."""
        told = "; ".join(f"{each.field}: {each.before or 'none'} -> {each.after or 'none'}" for each in self.fields)
        return f"  changed   contract with {self.contract} ({self.place}); all its rights follow\n            {told}"


class ContractStays(Noun):
    """A contract of another rights sheet, or of an earlier issue of this one: the file does not name it."""

    contract: str
    rights: int

    def text(self) -> str:
        """One line for people."""
        rights = "its right stays" if self.rights == 1 else f"its {self.rights} rights stay"
        return f"  stays     {self.contract} is not in this file; {rights}"


class ImportReport(Noun):
    """What an import did, or, not `applied`, what it would do.

    Of each sort of change the first fifty are in `changes` and `contract_changes`; `rights` and `contracts` count all.
    With a mistake nothing is recorded. `withdrawn` are rights that an earlier issue of the file held, or that it takes
    back. `staying` are contracts with rights that came with rights sheets and that this one does not name: the first
    fifty of `staying_in_all`. `refs` is how many references are concerned, `stale` which clearances no longer stand
    because of it.
    """

    file: str
    format: Format
    applied: bool
    contracts: Counts = Counts()
    rights: Counts = Counts()
    refs: int = 0
    contract_changes: tuple[ContractChange, ...] = ()
    changes: tuple[RightChange, ...] = ()
    mistakes: tuple[Remark, ...] = ()
    losses: tuple[Remark, ...] = ()
    mistakes_in_all: int = 0
    losses_in_all: int = 0
    staying: tuple[ContractStays, ...] = ()
    staying_in_all: int = 0
    stale: tuple[StaleClearance, ...] = ()

    def text(self) -> str:
        """Counts, changes, mistakes by place with their cures, losses."""
        return "\n".join([self._verdict(), *self._changes(), *self._remarks(), *self._stale()])

    def _verdict(self) -> str:
        if self.mistakes:
            count = self.mistakes_in_all
            return f"{self.file}: {count} mistake{'s' * (count != 1)}; nothing is recorded."
        counts = f"contracts: {self.contracts.text()}; rights: {self.rights.text()}."
        if self.applied:
            return f"{self.file} is imported: {counts}"
        return f"{self.file} can be imported; nothing is recorded yet. It would make {counts}"

    def _changes(self) -> list[str]:
        lines = [each.text() for each in self.contract_changes]
        more = self.contracts.updated - len(lines)
        lines += [f"  ... and {more} more contracts changed"] if more > 0 and lines else []
        for change in ("created", "updated", "withdrawn"):
            shown = [each for each in self.changes if each.change == change]
            lines += [each.text() for each in shown]
            more = getattr(self.rights, change) - len(shown)
            lines += [f"  ... and {more} more {'new' if change == 'created' else change}"] if more > 0 and shown else []
        lines += [each.text() for each in self.staying]
        more = self.staying_in_all - len(self.staying)
        return lines + ([f"  ... and {more} more contracts stay"] if more > 0 else [])

    def _remarks(self) -> list[str]:
        lines = [_line(each) for each in self.mistakes]
        more = self.mistakes_in_all - len(self.mistakes)
        lines += [f"  ... and {more} more mistakes"] if more > 0 else []
        if self.losses:
            lines += ["Told by the file, and not decided by:", *(_line(each) for each in self.losses)]
            more = self.losses_in_all - len(self.losses)
            lines += [f"  ... and {more} more"] if more > 0 else []
        return lines

    def _stale(self) -> list[str]:
        return [f"The clearance {each.clearance} no longer stands: {each.reason}" for each in self.stale]


def told(remarks: tuple[Remark, ...]) -> tuple[Remark, ...]:
    """As many as are shown."""
    return remarks[:_TOLD]


def right_words(body: Mapping[str, Any]) -> str:
    """A right in a line: `grant of film:a (programme): GB, IE on web, from 2026-11-24 until 2027-11-23`."""
    kinds = f" ({', '.join(body['element_kinds'])})" if body.get("element_kinds") else ""
    out = f" except {_say(body['excluded_territories'])}" if body.get("excluded_territories") else ""
    where = f"{_say(body.get('territories', ()))}{out} on {_say(body.get('media', ()))}"
    begins, ends = _end(body, "first_day", "start_event", "start"), _end(body, "last_day", "end_event", "end")
    when = (f", from {begins}" if begins else "") + (f" until {ends}" if ends else "")
    return f"{str(body['kind']).replace('_', ' ')} of {body['ref']}{kinds}: {where}{when}"


def field_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[FieldChange, ...]:
    """Where two records of a right differ, in the words of the rights sheet. What follows from a day is left out."""
    names = [name for name in {**before, **after} if name not in _IDS and before.get(name) != after.get(name)]
    hidden = {"start"} if {"first_day", "start_event"} & set(names) else set[str]()
    hidden |= {"end"} if {"last_day", "end_event"} & set(names) else set()
    if "carried" in names:
        before, after = _differing(before, after), _differing(after, before)
    return tuple(
        FieldChange(
            field=_WORDS.get(name, name.replace("_", " ")), before=_say(before.get(name)), after=_say(after.get(name))
        )
        for name in names
        if name not in hidden and (name != "carried" or before[name] or after[name])
    )


def _differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """A record with those carried fields alone that the other has not."""
    theirs = other.get("carried", ())
    return {
        **one,
        "carried": [f"{name}: {text}" for name, text in one.get("carried", ()) if [name, text] not in theirs],
    }


def _end(body: Mapping[str, Any], *names: str) -> str:
    return next((_say(body[name]) for name in names if body.get(name)), "")


def _say(value: Any) -> str:
    if value is None or value in ((), [], ""):
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(_say(each) for each in value)  # pyright: ignore[reportUnknownVariableType] - JSON
    if isinstance(value, dict):
        return " ".join(_say(each) for each in value.values() if each)  # pyright: ignore[reportUnknownVariableType] - JSON
    text = str(value)
    return text if len(text) <= 120 else text[:117] + "..."


def _line(remark: Remark) -> str:
    place = f"{remark.place}: " if remark.place else ""
    return f"  {place}{remark.message}" + (f" {remark.hint}" if remark.hint else "")
