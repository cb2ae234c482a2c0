"""Transactions of an Avails file, one by one, into a batch: contracts, rights, what is replaced or taken back. Pure.

Disposition (TR-META-AVAIL): Full Extract is all there is for its ALID, Full Delete takes all of it back; Create, Update
and Delete speak of one transaction.
"""

from dataclasses import dataclass, field
from typing import Final

from holdback_servers.rights.interchange.avails_events import est_starts
from holdback_servers.rights.interchange.avails_names import (
    contract_key,
    digest,
    right_key,
)
from holdback_servers.rights.interchange.avails_naming import Names
from holdback_servers.rights.interchange.avails_remarks import Place, Remarks
from holdback_servers.rights.interchange.avails_rules import belongings, clause, difference, telling
from holdback_servers.rights.interchange.avails_terms import (
    DATED,
    KEPT_ELSEWHERE,
    WORDED,
    Dates,
    Told,
    Wording,
    read_dates,
    read_wording,
)
from holdback_servers.rights.interchange.avails_words import (
    UNDECIDED,
    FieldError,
    Fields,
    entry_type,
    minor_units,
    text_of,
)
from holdback_servers.rights.interchange.batch import Batch, Format, ImportedContract, ImportedRight
from holdback_servers.rights.model import ContractTerms
from holdback_servers.rights.moments import zone_of
from holdback_servers.workbooks.cells import Cell

HOLDBACK_KEY: Final = "|held"
"""Ends the key of the holdback that a HoldbackLanguage makes, after the key of its grant."""
_TREAT: Final[dict[str, str | None]] = {
    **{name: f"{name} ({what}) is kept; Holdback does not decide by it." for name, what in UNDECIDED.items()},
    **dict.fromkeys(KEPT_ELSEWHERE),
}
"""Fields that are carried with a loss to tell, and those that are not carried (None)."""
_MONEY: Final = ("SRP", "PriceValue")


@dataclass
class Intake:
    """A file being read. `add` takes its transactions in order; `batch` gives what they come to."""

    time_zone: str = "UTC"
    remarks: Remarks = field(default_factory=Remarks)
    contracts: dict[str, ImportedContract] = field(default_factory=dict[str, ImportedContract])
    rights: dict[str, ImportedRight] = field(default_factory=dict[str, ImportedRight])
    withdrawn: dict[str, str] = field(default_factory=dict[str, str])
    _manners: dict[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    _wordings: dict[tuple[object, ...], Wording] = field(default_factory=dict[tuple[object, ...], Wording])
    _entry_types: dict[Cell, str] = field(default_factory=dict[Cell, str])
    _windows: dict[tuple[object, ...], Dates] = field(default_factory=dict[tuple[object, ...], Dates])
    _without_holdback: set[str] = field(default_factory=set[str])
    _contract_keys: dict[tuple[str, str, str], str] = field(default_factory=dict[tuple[str, str, str], str])
    _texts: dict[object, str] = field(default_factory=dict[object, str])

    def __post_init__(self) -> None:
        zone_of(self.time_zone)
        self._names = Names(self.remarks)

    def add(self, fields: Fields, place: Place) -> None:
        """Takes one transaction. Whatever is wrong in it is told, all of it, and nothing of it is kept then."""
        told: list[Told] = []
        licensor = text_of(fields.get("DisplayName"))
        if not licensor:
            told.append(Told("DisplayName", "DisplayName (the licensor) is empty.", "Write who licenses it."))
        ref = self._names.ref(fields, place, told)
        manner = self._manner(fields, told)
        if fields.get("ALID") is None and ref:
            fields = {**fields, "ALID": text_of(fields.get("ContentID")) or ref}
            self.remarks.lose(
                place("ALID"), "ALID is empty: the id of the work stands for it.", "Give each avail its ALID."
            )
        prefix = self._names.prefix(licensor, text_of(fields.get("ALID")))
        if not told:
            self._note_manner(prefix, manner, place, told)
        if not told and manner == "Full Delete":  # the windows of such rows are placeholders
            return
        deal = _Deal(fields, place, ref, prefix, licensor, manner)
        if not told and manner == "Delete" and text_of(fields.get("AvailID")):
            self._withdraw(right_key(prefix, fields, ()), place)
        else:
            self._take(deal, told)

    def _take(self, deal: "_Deal", told: list[Told]) -> None:
        fields = deal.fields
        wording, dates = self._wording(fields), self._dates(fields)
        told += wording.faults
        told += (dates.fault,) if dates.fault is not None else ()
        told += belongings(fields, wording, dates)
        for each in told:
            self.remarks.mistake(deal.place(each.field), each.message, each.hint, text_of(fields.get(each.field)))
        if told:
            return
        for each in (*wording.losses, *dates.losses):
            self.remarks.lose(deal.place(each.field), each.message, each.hint, text_of(fields.get(each.field)))
        key = right_key(deal.prefix, fields, telling(deal.ref, wording, dates))
        if dates.ended:
            self.remarks.lose(
                deal.place("End"), "End is Immediate: the right is taken back.", "Give a day to end it later."
            )
        if dates.ended or deal.manner == "Delete":
            self._withdraw(key, deal.place)
        else:
            self._keep(deal, wording, dates, key)

    def _manner(self, fields: Fields, told: list[Told]) -> str:
        value = fields.get("EntryType")
        known = self._entry_types.get(value)
        if known is not None:
            return known
        try:
            known = self._entry_types[value] = entry_type(value)
            return known
        except FieldError as error:
            told.append(Told(error.field, error.message, error.hint))
            return ""

    def _note_manner(self, prefix: str, manner: str, place: Place, told: list[Told]) -> None:
        found = self._manners.get(prefix)
        if found is None:
            found = self._manners[prefix] = (manner, place("EntryType"))
        known, where = found
        if manner != known and (manner.startswith("Full") or known.startswith("Full")):
            told.append(Told(
                "EntryType", f"EntryType is {manner}, but {known} at {where} for the same ALID.",
                "Say of one ALID either that this is all of it, or what is new, changed and gone.",
            ))  # fmt: skip

    def _withdraw(self, key: str, place: Place) -> None:
        if key in self.rights:
            self.remarks.mistake(
                place("EntryType"),
                f"This takes back what {self.rights[key].place} gives in the same file.",
                "Take one of the two out.",
            )
        self.withdrawn.setdefault(key, place(""))
        self._without_holdback.add(key + HOLDBACK_KEY)

    def _wording(self, fields: Fields) -> Wording:
        worded = tuple(map(fields.get, WORDED))
        found = self._wordings.get(worded)
        if found is None:
            found = self._wordings[worded] = read_wording(fields)
        return found

    def _dates(self, fields: Fields) -> Dates:
        dated = tuple(map(fields.get, DATED))
        found = self._windows.get(dated)
        if found is None:
            found = self._windows[dated] = read_dates(fields, self.time_zone)
        return found

    def _keep(self, deal: "_Deal", wording: Wording, dates: Dates, key: str) -> None:
        known = self.rights.get(key)
        shared = known is not None and known.terms.ref != deal.ref  # several assets of one avail share its transactions
        key = f"{key}:{digest((deal.ref,))}" if shared else key
        contract = self._contract(deal, wording)
        carried = self._carried(deal, dates)
        if carried is None:
            self.remarks.mistake(
                deal.place(""), "The transaction says more than can be carried.", "Shorten its longest field."
            )
            return
        place = deal.place("")
        expects = "new" if deal.manner == "Create" else "known" if deal.manner == "Update" else "any"
        named = {"ref": deal.ref, "carried": carried, "source": "MovieLabs Avails", "clause": clause(deal.fields)}
        for ending, shape, window in (
            ("", wording.grant, dates.terms),
            (HOLDBACK_KEY, wording.holdback, dates.restricts),
        ):
            if shape is None:
                self._without_holdback.add(key + ending)
            else:
                terms = shape.model_copy(update={**window, **named})  # each part was checked; the rest is text
                self._add(ImportedRight(key=key + ending, contract=contract, terms=terms, place=place, expects=expects))

    def _add(self, right: ImportedRight) -> None:
        first = self.rights.setdefault(right.key, right)
        if first is right:
            if right.key in self.withdrawn:
                self.remarks.mistake(
                    right.place, f"{self.withdrawn[right.key]} takes this back.", "Take one of the two out."
                )
        elif not (decides := difference(first.terms, right.terms)):
            more = "" if first.terms == right.terms else " in all that decides, and is not kept beside it"
            self.remarks.lose(
                right.place, f"The transaction says the same as {first.place}{more}.", "Take one of the two out."
            )
        else:
            self.remarks.mistake(
                right.place,
                f"This has the same id as {first.place} and says something else ({decides}).",
                "Give each transaction an AvailID (TransactionID) of its own, or take one of the two out.",
                right.key,
            )

    def _contract(self, deal: "_Deal", wording: Wording) -> str:
        contract_id, licensor = self._text(deal.fields.get("ContractID")), deal.licensor
        known = self._contract_keys.get((licensor, contract_id, wording.status))
        if known is not None:
            return known
        key = self._contract_keys[licensor, contract_id, wording.status] = contract_key(
            licensor, contract_id, wording.status
        )
        if key not in self.contracts:
            title = f"Avails of {licensor}" + (f", contract {contract_id}" if contract_id else "")
            terms = ContractTerms(
                counterparty=licensor[:200],
                direction="in",
                status=wording.status,
                title=title[:200],
                time_zone=self.time_zone,
            )
            self.contracts[key] = ImportedContract(key=key, terms=terms, place=deal.place("ContractID"))
        return key

    def _carried(self, deal: "_Deal", dates: Dates) -> tuple[tuple[str, str], ...] | None:
        """Fields kept for the way back, sorted; None when they are too many or too long to keep."""
        carried: list[tuple[str, str]] = list(dates.carried)
        currency = self._text(deal.fields.get("PriceCurrency"))
        absorbed = False
        for name, value in deal.fields.items():
            treat = _TREAT.get(name, "")
            if treat is None:
                continue
            text = value.strip() if type(value) is str else self._text(value)
            if not text:
                continue
            if treat:
                self.remarks.count(treat, name, deal.place)
            if currency and name in _MONEY and (money := minor_units(text, currency)):
                text, absorbed = money, True
            if len(text) > 4000:
                return None
            carried.append((name, text))
        if absorbed:
            carried.remove(("PriceCurrency", currency))
        carried.sort()
        return tuple(carried) if len(carried) <= 200 else None

    def _text(self, value: Cell) -> str:
        if isinstance(value, str):
            return value.strip()
        known = self._texts.get((type(value), value))
        if known is None:
            known = self._texts[type(value), value] = text_of(value)
        return known

    def batch(self, form: Format) -> Batch:
        """What the file comes to."""
        events, unresolved = est_starts(self.rights.values())
        for each in unresolved:
            message = f"ESTStart of {each.terms.ref} is not one day in this file: its end is unresolved."
            self.remarks.lose(each.place, message, "Record the event est_start, or give a day in End.")
        whole = [prefix for prefix, (manner, _) in self._manners.items() if manner.startswith("Full")]
        said = {*whole}
        held = {key for key in self._without_holdback if key[: key.index("|") + 1] not in said}
        return Batch(
            format=form,
            contracts=tuple(self.contracts.values()),
            rights=tuple(self.rights.values()),
            events=events,
            replaces=(*whole, *sorted(held)),
            withdraws=tuple(self.withdrawn.items()),
            mistakes=self.remarks.mistakes(),
            losses=self.remarks.losses(),
        )


@dataclass(frozen=True)
class _Deal:
    """One transaction, named."""

    fields: Fields
    place: Place
    ref: str
    prefix: str
    licensor: str
    manner: str
