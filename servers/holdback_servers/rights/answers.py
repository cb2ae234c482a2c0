"""What the rights room's tools answer with, beside the clearance report. Pure."""

from datetime import date
from typing import Annotated, Literal

from holdback_base.elements import ElementKind
from holdback_base.vocabulary import Instant, Noun, Sha256, TimeRange, instant_text
from pydantic import Field

from holdback_servers.rights.matrix import places
from holdback_servers.rights.model import (
    Contract,
    ContractStatus,
    ContractTerms,
    Direction,
    Key,
    Right,
    RightKind,
    RightTerms,
)
from holdback_servers.rights.report import CellGroup, ClearanceReport, ConditionState, Verdict

ClearanceState = Literal["valid", "expired", "stale", "revoked"]
Change = Literal["created", "updated", "unchanged"]
Note = Annotated[str, Field(max_length=2000)]


class ContractGiven(ContractTerms):
    """A contract to record: the one with this `id` or `external_key` is replaced, otherwise a new one is made."""

    id: Key | None = None
    external_key: Key | None = None


class RightGiven(RightTerms):
    """A right to record under the contract: the one with this `id` or `external_key` is replaced."""

    id: Key | None = None
    external_key: Key | None = None


class RecordedContract(Noun):
    """The contract as it is now on record, and what happened to it."""

    id: str
    external_key: str | None = None
    status: ContractStatus
    change: Change


class RecordedRight(Noun):
    """One right as it is now on record, and what happened to it. `empty` says that an event on record makes its window
    end before it begins, so that it speaks at no time."""

    id: str
    external_key: str | None = None
    ref: str
    change: Change
    empty: bool | None = None


class Recorded(Noun):
    """What was recorded, in the order it was given, and the clearances that lost something by it."""

    contract: RecordedContract
    rights: tuple[RecordedRight, ...] = ()
    stale: "tuple[StaleClearance, ...]" = ()


class RecordedEvent(Noun):
    """An event as it is now on record, how many windows moved with it, and the clearances that lost something by it.

    `empty` are the rights whose window ends before it begins now that it is known: they are kept and speak at no time.
    """

    ref: str
    event: str
    at: Instant | None = None
    day: date | None = None
    windows_moved: int
    empty: tuple[str, ...] = ()
    stale: "tuple[StaleClearance, ...]" = ()


class RightBefore(Noun):
    """A right as it was until it was changed or withdrawn, and by whom."""

    until: Instant
    right: Right
    replaced_by: str


class RightListed(Noun):
    """A right with what matters of its contract.

    `runs_taken` are runs reserved or used, where it has a run limit. `withdrawn` is when it was taken back. The whole
    `contract` and the `history`, newest first, are there when one right is asked for.
    """

    right: Right
    counterparty: str
    direction: Direction
    contract_status: ContractStatus
    runs_taken: int | None = None
    withdrawn: Instant | None = None
    contract: Contract | None = None
    history: tuple[RightBefore, ...] | None = None


class RightsPage(Noun):
    """Rights in order of their ids. A page may be short and still have a `next_cursor`."""

    items: tuple[RightListed, ...]
    next_cursor: str | None = None


class AvailableCell(Noun):
    """Places and platforms where it may be shown alike; `windows_once_met` counts on the item's conditions."""

    territories: tuple[str, ...]
    platforms: tuple[str, ...]
    windows: tuple[TimeRange, ...] = ()
    windows_once_met: tuple[TimeRange, ...] | None = None


class OpenCondition(Noun):
    """Something a grant asks for."""

    type: str
    text: str
    min_seconds: int | None = None
    right: str


class Available(Noun):
    """One reference that may be shown in at least one cell for some of the window, at least once conditions are met.

    `max_duration_seconds` is how long it may last in a cut that is shown in all of the cells for all of their windows;
    it is absent where some grant gives the same without a limit.
    """

    ref: str
    kinds: tuple[ElementKind, ...]
    verdict: Verdict
    cells: tuple[AvailableCell, ...]
    conditions: tuple[OpenCondition, ...] = ()
    max_duration_seconds: int | None = None
    rights: tuple[str, ...]


class AvailablePage(Noun):
    """What may be shown there and then, in order of reference."""

    items: tuple[Available, ...]
    next_cursor: str | None = None

    def text(self) -> str:
        """A line for each reference and its cells."""
        lines: list[str] = []
        for item in self.items:
            asks = "; ".join(f"{each.type} {each.text}".strip() for each in item.conditions)
            lines.append(
                f"{item.ref} {item.verdict}" + (f" (asks: {asks})" if asks else "") + f" {' '.join(item.rights)}"
            )
            for cell in item.cells:
                when = "; ".join(each.text() for each in cell.windows_once_met or cell.windows)
                lines.append(f"  {places(cell.territories)} on {', '.join(cell.platforms)}: {when}")
        lines.append(f"next_cursor: {self.next_cursor}" if self.next_cursor else f"{len(self.items)} in all, no more.")
        return "\n".join(lines)


class IssuedClearance(Noun):
    """A signed clearance, or why none was signed, with the report that decided it.

    `statement` is a compact JWS of type `clearance+jwt`. It holds only cells with windows that are clear as the cut
    stands, and is bound to the sha256 and element list of every cut in `report.cuts`.
    """

    clearance: str | None = None
    statement: str | None = None
    expires: Instant | None = None
    not_issued: str | None = Field(default=None, description="Why there is no statement.")
    report: ClearanceReport

    def text(self) -> str:
        """Whether it was issued, then the report."""
        if self.clearance:
            return f"Issued {self.clearance}, valid to {self.expires:%Y-%m-%dT%H:%M:%SZ}.\n{self.report.text()}"
        return f"Not issued: {self.not_issued}\n{self.report.text()}"


class Delivery(Noun):
    """One cut that a clearance covers."""

    media: Sha256
    elements: Sha256


class ClearanceLoss(Noun):
    """Places and platforms that a clearance opened, and when they are no longer clear, with the reasons: each names
    the right, its contract and clause."""

    territories: tuple[str, ...]
    platforms: tuple[str, ...]
    windows: tuple[TimeRange, ...]
    reasons: tuple[str, ...]

    def text(self) -> str:
        """For people: where, when, why."""
        when = "; ".join(each.text() for each in self.windows)
        return f"{places(self.territories)} on {', '.join(self.platforms)}, {when}: {' '.join(self.reasons)}"


class StaleClearance(Noun):
    """A clearance with what it lost, or would lose, by a change of the rights under it."""

    clearance: str
    deliveries: tuple[Sha256, ...] = Field(description="The cuts it covers.")
    lost: tuple[ClearanceLoss, ...] = ()

    @property
    def reason(self) -> str:
        """What it lost, in words."""
        return "No longer clear: " + "\n".join(each.text() for each in self.lost)

    def text(self) -> str:
        """A line for the clearance, one for each loss."""
        lines = [f"{self.clearance} {'loses' if self.lost else 'relies on it and loses nothing'}"]
        return "\n".join([*lines, *(f"  {each.text()}" for each in self.lost)])


class ClearanceRecord(Noun):
    """A clearance as its issuer keeps it. Only a `valid` one may be relied on.

    It is `stale`, for good, since a change of the rights under it took away something that it opened: `stale_reason`
    says why, `lost` what. `advice` is what to do where it is not valid. `rights_changed` says that a right or contract
    it was decided on has changed since, whether or not it lost anything.
    """

    clearance: str
    status: ClearanceState
    deliveries: tuple[Delivery, ...]
    cells: tuple[CellGroup, ...]
    conditions: tuple[ConditionState, ...] = ()
    statement: str
    issued: Instant
    expires: Instant
    issued_by: str
    on_behalf_of: str
    revoked: Instant | None = None
    reason: str | None = None
    stale: Instant | None = None
    stale_reason: str | None = None
    lost: tuple[ClearanceLoss, ...] = ()
    advice: str | None = None
    rights_changed: bool


class Revoked(Noun):
    """A clearance that counts no more, from now on."""

    clearance: str
    status: Literal["revoked"] = "revoked"
    revoked: Instant
    reason: str


# --- conflicts between contracts -----------------------------------------------------------------------------------

ConflictCode = Literal[
    "NO_RIGHTS_IN",
    "PARTIAL_RIGHTS_IN",
    "NO_EXCLUSIVE_RIGHTS_IN",
    "RIGHTS_IN_OVERLAP",
    "RIGHTS_OUT_OVERLAP",
    "HOLDBACK",
    "BLACKOUT",
    "EMBARGO",
]


class RightsScope(Noun):
    """Places, media and time, written as a right writes them: what is named less what is taken out of it. WORLD is
    every country; windows are half-open."""

    territories: tuple[str, ...]
    excluded_territories: tuple[str, ...] = ()
    media: tuple[str, ...]
    excluded_media: tuple[str, ...] = ()
    windows: tuple[TimeRange, ...]

    def text(self) -> str:
        """For people: `linear in GB, IE from ... to ...`."""
        media = ", ".join(self.media) + (f" except {', '.join(self.excluded_media)}" if self.excluded_media else "")
        where = places(self.territories)
        where += f" except {places(self.excluded_territories)}" if self.excluded_territories else ""
        return f"{media} in {where}, {'; '.join(each.text() for each in self.windows)}"


class ConflictSide(Noun):
    """One of the rights in a conflict, with what matters of its contract."""

    right: str
    kind: RightKind
    exclusive: bool
    contract: str
    contract_status: ContractStatus
    counterparty: str
    clause: str | None = None
    gives: str = Field(description="Its media, territories and window, in words.")


class Conflict(Noun):
    """Two contracts that cannot both be kept, or a sale of what is not held.

    `right` is the one to change first. `other` is what it meets; for NO_RIGHTS_IN and PARTIAL_RIGHTS_IN it is the
    nearest grant there is, if any. `scopes` is what is in dispute or missing. Kinds, purposes and languages are there
    where only these are concerned.
    """

    code: ConflictCode
    ref: str
    right: ConflictSide
    other: ConflictSide | None = None
    scopes: tuple[RightsScope, ...]
    element_kinds: tuple[ElementKind, ...] = ()
    purposes: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    text: str
    change: str = Field(description="What would end the conflict.")


class ConflictsPage(Noun):
    """Conflicts in order of reference and right."""

    items: tuple[Conflict, ...]
    next_cursor: str | None = None

    def text(self) -> str:
        """Each conflict with both rights, their clauses, and what to change."""
        lines: list[str] = []
        for item in self.items:
            lines.append(f"{item.code} {item.ref}: {item.text}")
            for side in filter(None, (item.right, item.other)):
                clause = f": {side.clause}" if side.clause else ""
                lines.append(f"  {side.right} of {side.contract} ({side.contract_status}){clause}")
            lines += [f"  where: {scope.text()}" for scope in item.scopes]
            lines.append(f"  to change: {item.change}")
        found = f"{len(self.items)} conflict{'' if len(self.items) == 1 else 's'}"
        lines.append(f"next_cursor: {self.next_cursor}" if self.next_cursor else f"{found}, no more.")
        return "\n".join(lines)


# --- what ends soon ------------------------------------------------------------------------------------------------


class EndingRight(Noun):
    """A grant of an active contract that ends soon.

    `days_left` are whole days of 24 hours; `within_days` is the nearest of 7, 30 and 90 that it ends in, if any.
    `covered_on_by` are grants that give the same from its end on. `lost` is what none gives then, from that instant
    until another begins: where it is empty nothing really ends, but exclusivity if `exclusivity_ends`. `clearances`
    are valid ones that were decided on its reference.
    """

    right: str
    ref: str
    element_kinds: tuple[ElementKind, ...] = ()
    contract: str
    counterparty: str
    clause: str | None = None
    gives: str = Field(description="Its media, territories and window, in words.")
    exclusive: bool
    ends: Instant
    days_left: int
    within_days: int | None = None
    covered_on_by: tuple[str, ...] = ()
    lost: tuple[RightsScope, ...] = ()
    exclusivity_ends: bool = False
    clearances: tuple[str, ...] = ()


class EndingPage(Noun):
    """Grants in order of their ends."""

    items: tuple[EndingRight, ...]
    next_cursor: str | None = None

    def text(self) -> str:
        """A table with a line for each grant, then what goes on, what is lost, and which clearances rely on it."""
        if not self.items:
            on = f"None so far.\nnext_cursor: {self.next_cursor}"
            return on if self.next_cursor else "Nothing ends in this time."
        rows = [("ends", "days", "right", "reference", "contract")]
        rows += [
            (instant_text(each.ends), str(each.days_left), each.right, each.ref, f"{each.contract} {each.counterparty}")
            for each in self.items
        ]
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        lines = ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows]
        told = lines[:1]
        for line, item in zip(lines[1:], self.items, strict=True):
            told += [line, *(f"    {each}" for each in _ending_lines(item))]
        told.append(f"next_cursor: {self.next_cursor}" if self.next_cursor else f"{len(self.items)} in all, no more.")
        return "\n".join(told)


def _ending_lines(item: EndingRight) -> list[str]:
    marked = f"within {item.within_days} days; " if item.within_days else ""
    lines = [f"{marked}gives {'exclusively ' if item.exclusive else ''}{item.gives}"]
    lines += [f"clause {item.clause}"] if item.clause else []
    if item.covered_on_by:
        part = "in part " if item.lost else ""
        alone = ", but not exclusively" if item.exclusivity_ends else ""
        lines.append(f"covered on {part}by {', '.join(item.covered_on_by)}{alone}")
    lines += [f"then nobody gives {each.text()}" for each in item.lost]
    lines += [f"relied on by {', '.join(item.clearances)}"] if item.clearances else []
    return lines


# --- a reference without a cut, and a change not yet made ----------------------------------------------------------


class Opening(Noun):
    """When it may first be shown in some places on some platforms; absent where it never may in the window asked.

    `once_met` says that conditions have to be met for it.
    """

    territories: tuple[str, ...]
    platforms: tuple[str, ...]
    opens: Instant | None = None
    once_met: bool = False

    def text(self) -> str:
        """For people: `GB, IE on linear: opens ...`."""
        where = f"{places(self.territories)} on {', '.join(self.platforms)}"
        if self.opens is None:
            return f"{where}: does not open"
        return f"{where}: opens {instant_text(self.opens)}{' once conditions are met' if self.once_met else ''}"


class GrantLimit(Noun):
    """What bounds a grant that gives; absent is without limit.

    `max_duration_seconds` is how long its element may last in a cut, in all, `window_max_days` for how many days of 24
    hours it may stay up at once, `runs_left` how many transmissions are neither used nor reserved.
    """

    right: str
    ref: str
    contract: str
    clause: str | None = None
    max_duration_seconds: int | None = None
    runs_left: int | None = None
    window_max_days: int | None = None

    def text(self) -> str:
        """For people: `film:heron at most 30 s in a cut, 2 runs left, up for 14 days of 24 hours at most (rgt_...)`."""
        said = [f"at most {self.max_duration_seconds} s in a cut"] if self.max_duration_seconds is not None else []
        said += [f"{self.runs_left} run{'' if self.runs_left == 1 else 's'} left"] if self.runs_left is not None else []
        said += [f"up for {self.window_max_days} days of 24 hours at most"] if self.window_max_days is not None else []
        clause = f': "{self.clause}"' if self.clause else ""
        return f"{self.ref}: {', '.join(said)} ({self.right} of {self.contract}{clause})"


class ReferenceReport(Noun):
    """Whether references may be shown together, without a cut of them, and when that opens.

    No cut shows whether a condition is met or how long an element lasts, so conditions are told as what is asked for,
    and `limits` of the grants that give beside them.
    """

    refs: tuple[str, ...]
    opens: tuple[Opening, ...]
    limits: tuple[GrantLimit, ...] = ()
    report: ClearanceReport

    def text(self) -> str:
        """What opens when, within which limits, then the report."""
        lines = [f"{', '.join(self.refs)}, before any cut:", *(f"  {each.text()}" for each in self.opens)]
        if self.limits:
            lines += ["", "Limits:", *(f"  {each.text()}" for each in self.limits)]
        return "\n".join([*lines, "", self.report.text()])


class ChangeAssessed(Noun):
    """What a change would do to valid clearances. Nothing has been changed.

    `relying` counts those decided on what it concerns, `losing` those of them that would go stale; `clearances` are the
    first 200, those that lose something before the others.
    """

    change: str
    losing: int
    relying: int
    clearances: tuple[StaleClearance, ...]

    def text(self) -> str:
        """How many, then each with where, when and why."""
        head = f"{self.change}: {self.losing} of {self.relying} valid clearances that rely on it would go stale."
        return "\n".join([head, *(each.text() for each in self.clearances)])
