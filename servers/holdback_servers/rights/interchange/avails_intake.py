"""Transactions of an Avails file, one by one, into a batch: contracts, rights, what is replaced or taken back. Pure.

Disposition (TR-META-AVAIL): Full Extract is all there is for its ALID, Full Delete takes all of it back; Create, Update
and Delete speak of one transaction.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from holdback_servers.rights.interchange.avails_events import est_starts
from holdback_servers.rights.interchange.avails_names import (
    avail_prefix,
    contract_key,
    digest,
    reference,
    right_key,
    wrong_eidrs,
)
from holdback_servers.rights.interchange.avails_terms import DECIDING, KEPT_ELSEWHERE, Told, Wording, read_wording
from holdback_servers.rights.interchange.avails_words import (
    UNDECIDED,
    FieldError,
    Fields,
    entry_type,
    minor_units,
    plain,
    text_of,
)
from holdback_servers.rights.interchange.batch import Batch, Format, ImportedContract, ImportedRight, Remark
from holdback_servers.rights.interchange.cells import Cell
from holdback_servers.rights.model import ContractTerms, RightTerms
from holdback_servers.rights.moments import zone_of

MOST_MISTAKES: Final = 200
"""Mistakes that are told one by one; of the others, how many there are."""
FEW_EIDRS: Final = 5
"""Ids with a wrong check character that are told by name."""
HOLDBACK_KEY: Final = "|held"
"""Ends the key of the holdback that a HoldbackLanguage makes, after the key of its grant."""
Place = Callable[[str], str]
"""Where a field of the transaction stands, by its name; the empty name is the transaction itself."""
_MONEY: Final = ("SRP", "PriceValue")
_NAMING: Final = (
    "WorkType", "ALID", "AltID", "ContentID", "TitleID", "EditID", "TitleInternalAlias",
    "EpisodeAltID", "EpisodeContentID", "EpisodeTitleID", "EpisodeID", "EpisodeTitleInternalAlias",
    "SeasonAltID", "SeasonContentID", "SeasonID", "SeasonTitleInternalAlias",
    "VolumeAltID", "VolumeContentID", "VolumeID", "VolumeTitleInternalAlias",
    "SeriesAltID", "SeriesContentID", "SeriesID", "SeriesTitleInternalAlias",
)  # fmt: skip


@dataclass
class Intake:
    """A file being read. `add` takes its transactions in order; `batch` gives what they come to."""

    time_zone: str = "UTC"
    contracts: dict[str, ImportedContract] = field(default_factory=dict[str, ImportedContract])
    rights: dict[str, ImportedRight] = field(default_factory=dict[str, ImportedRight])
    withdrawn: dict[str, str] = field(default_factory=dict[str, str])
    mistakes: list[Remark] = field(default_factory=list[Remark])
    more_mistakes: int = 0
    _manners: dict[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    _losses: dict[str, list[Any]] = field(default_factory=dict[str, list[Any]])
    _wordings: dict[tuple[object, ...], Wording] = field(default_factory=dict[tuple[object, ...], Wording])
    _names: dict[tuple[object, ...], str] = field(default_factory=dict[tuple[object, ...], str])
    _doubted: set[str] = field(default_factory=set[str])
    _texts: dict[object, str] = field(default_factory=dict[object, str])

    def __post_init__(self) -> None:
        zone_of(self.time_zone)

    def mistake(self, place: str, message: str, hint: str, given: str = "") -> None:
        """Tells something that keeps the whole file out."""
        if len(self.mistakes) < MOST_MISTAKES:
            self.mistakes.append(Remark(place=place, message=message, hint=hint, given=given[:200]))
        else:
            self.more_mistakes += 1

    def lose(self, place: str, message: str, hint: str = "", given: str = "") -> None:
        """Tells something the file says and that decides nothing here: once, with how often."""
        found = self._losses.setdefault(message, [place, hint, given[:200], 0])
        found[3] += 1

    def add(self, fields: Fields, place: Place) -> None:
        """Takes one transaction. Whatever is wrong in it is told, all of it, and nothing of it is kept then."""
        told: list[Told] = []
        licensor, alid = text_of(fields.get("DisplayName")), text_of(fields.get("ALID"))
        if not licensor:
            told.append(Told("DisplayName", "DisplayName (the licensor) is empty.", "Write who licenses it."))
        ref = self._named(fields, place, told)
        manner = self._manner(fields, told)
        prefix = avail_prefix(licensor, alid or text_of(fields.get("ContentID")) or ref)
        if not told:
            self._note_manner(prefix, manner, place, told)
        deal = _Deal(fields, place, ref, right_key(prefix, fields, ref), licensor, manner)
        if told or manner not in ("Full Delete", "Delete"):  # the windows of rows that delete are placeholders
            self._take(deal, told)
        elif manner == "Delete":
            self._withdraw(deal.key, place)

    def _take(self, deal: "_Deal", told: list[Told]) -> None:
        wording = self._wording(deal.fields)
        told += wording.faults
        told += _belongings(deal.fields)
        for each in told:
            self.mistake(deal.place(each.field), each.message, each.hint, text_of(deal.fields.get(each.field)))
        if told:
            return
        for each in wording.losses:
            self.lose(deal.place(each.field), each.message, each.hint, text_of(deal.fields.get(each.field)))
        if wording.ended:
            self.lose(deal.place("End"), "End is Immediate: the right is taken back.", "Give a day to end it later.")
            self._withdraw(deal.key, deal.place)
        else:
            self._keep(deal, wording)

    def _named(self, fields: Fields, place: Place, told: list[Told]) -> str:
        naming = tuple(fields.get(name) for name in _NAMING)
        known = self._names.get(naming)
        if known is None:
            try:
                known = self._names[naming] = reference(fields)
            except FieldError as error:
                told.append(Told(error.field, error.message, error.hint))
                return ""
            for name, text, core in wrong_eidrs(fields):
                self._doubt_eidr(place(name), text, core)
        return known

    def _doubt_eidr(self, place: str, text: str, core: str) -> None:
        if core in self._doubted:
            return
        self._doubted.add(core)
        told = f"{core} is not an EIDR: its check character is wrong. It is used as a name all the same."
        if len(self._doubted) > FEW_EIDRS:
            told = "Other ids that are written as EIDRs have a wrong check character too."
        self.lose(place, told, "Look the id up in the EIDR registry.", text)

    def _manner(self, fields: Fields, told: list[Told]) -> str:
        try:
            return entry_type(fields.get("EntryType"))
        except FieldError as error:
            told.append(Told(error.field, error.message, error.hint))
            return ""

    def _note_manner(self, prefix: str, manner: str, place: Place, told: list[Told]) -> None:
        known, where = self._manners.setdefault(prefix, (manner, place("EntryType")))
        if manner != known and (manner.startswith("Full") or known.startswith("Full")):
            told.append(Told(
                "EntryType", f"EntryType is {manner}, but {known} at {where} for the same ALID.",
                "Say of one ALID either that this is all of it, or what is new, changed and gone.",
            ))  # fmt: skip

    def _withdraw(self, key: str, place: Place) -> None:
        if key in self.rights:
            self.mistake(
                place("EntryType"),
                f"This takes back what {self.rights[key].place} gives in the same file.",
                "Take one of the two out.",
            )
        self.withdrawn.setdefault(key, place(""))
        self.withdrawn.setdefault(key + HOLDBACK_KEY, place(""))

    def _wording(self, fields: Fields) -> Wording:
        deciding = tuple([(type(value := fields.get(name)), value) for name in DECIDING])
        wording = self._wordings.get(deciding)
        if wording is None:
            wording = self._wordings[deciding] = read_wording(fields, self.time_zone)
        return wording

    def _keep(self, deal: "_Deal", wording: Wording) -> None:
        known = self.rights.get(deal.key)
        shared = known is not None and known.terms.ref != deal.ref  # several assets of one avail share its transactions
        key = f"{deal.key}:{digest((deal.ref,))}" if shared else deal.key
        contract = self._contract(deal, wording)
        carried = self._carried(deal, wording)
        if len(carried) > 200 or any(len(text) > 4000 for _, text in carried):
            self.mistake(deal.place(""), "The transaction says more than can be carried.", "Shorten its longest field.")
            return
        place = deal.place("")
        expects = "new" if deal.manner == "Create" else "known" if deal.manner == "Update" else "any"
        named = {"ref": deal.ref, "carried": carried, "source": "MovieLabs Avails", "clause": _clause(deal.fields)}
        for each, shape in ((key, wording.grant), (key + HOLDBACK_KEY, wording.holdback)):
            if shape is not None:
                terms = shape.model_copy(update=named)  # checked as a wording; every part of the rest is text
                self._add(
                    ImportedRight.model_construct(
                        key=each, contract=contract, terms=terms, place=place, expects=expects
                    )
                )

    def _add(self, right: ImportedRight) -> None:
        first = self.rights.setdefault(right.key, right)
        if first is right:
            if right.key in self.withdrawn:
                self.mistake(right.place, f"{self.withdrawn[right.key]} takes this back.", "Take one of the two out.")
        elif not (decides := _difference(first.terms, right.terms)):
            more = "" if first.terms == right.terms else " in all that decides, and is not kept beside it"
            self.lose(right.place, f"The transaction says the same as {first.place}{more}.", "Take one of the two out.")
        else:
            self.mistake(
                right.place,
                f"This has the same id as {first.place} and says something else ({decides}).",
                "Give each transaction an AvailID (TransactionID) of its own, or take one of the two out.",
                right.key,
            )

    def _contract(self, deal: "_Deal", wording: Wording) -> str:
        contract_id, licensor = self._text(deal.fields.get("ContractID")), deal.licensor
        key = contract_key(licensor, contract_id, wording.status)
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

    def _carried(self, deal: "_Deal", wording: Wording) -> tuple[tuple[str, str], ...]:
        carried: list[tuple[str, str]] = list(wording.carried)
        for name, value in deal.fields.items():
            if name in KEPT_ELSEWHERE:
                continue
            text = self._text(value)
            if not text:
                continue
            if name in UNDECIDED:
                self.lose(deal.place(name), f"{name} ({UNDECIDED[name]}) is kept; Holdback does not decide by it.")
            if name in _MONEY:
                text = minor_units(text, self._text(deal.fields.get("PriceCurrency"))) or text
            carried.append((name, text))
        carried.sort()
        return tuple(carried)

    def _text(self, value: Cell) -> str:
        if isinstance(value, str):
            return value.strip()
        known = self._texts.get((type(value), value))
        if known is None:
            known = self._texts[type(value), value] = text_of(value)
        return known

    def batch(self, form: Format) -> Batch:
        """What the file comes to."""
        mistakes = list(self.mistakes)
        if self.more_mistakes:
            mistakes.append(
                Remark(place="", message=f"And {self.more_mistakes} more mistakes.", hint="Correct these first.")
            )
        events, open_events = est_starts(self.rights.values())
        for each in open_events:
            self.lose(each.place, f"ESTStart of {each.terms.ref} is not one day in this file: its end is unresolved.",
                      "Record the event est_start, or give a day in End.")  # fmt: skip
        return Batch(
            format=form,
            contracts=tuple(self.contracts.values()),
            rights=tuple(self.rights.values()),
            events=events,
            replaces=tuple(prefix for prefix, (manner, _) in self._manners.items() if manner.startswith("Full")),
            withdraws=tuple(self.withdrawn.items()),
            mistakes=tuple(mistakes),
            losses=tuple(_loss(message, *known) for message, known in self._losses.items()),
        )


@dataclass(frozen=True)
class _Deal:
    """One transaction, named."""

    fields: Fields
    place: Place
    ref: str
    key: str
    licensor: str
    manner: str


def _loss(message: str, place: str, hint: str, given: str, times: int) -> Remark:
    often = f" So at {times} places; this is the first." if times > 1 else ""
    return Remark(place=place, message=message + often, hint=hint, given=given)


def _belongings(fields: Fields) -> list[Told]:
    """What a transaction of its kind must have beside what every one has."""
    told: list[Told] = []
    if plain(text_of(fields.get("LicenseType"))) == "poest":
        dates = sum(bool(part.strip()) for part in text_of(fields.get("SuppressionLiftDate")).split(","))
        if dates != 1:
            message = f"A pre-order (POEST) has {dates or 'no'} SuppressionLiftDate; it must have exactly one."
            told.append(Told("SuppressionLiftDate", message, "Give the day from which the pre-order may be announced."))
    kind = plain(text_of(fields.get("AvailType")))
    if kind == "bundle" and not text_of(fields.get("BundledALIDs")):
        told.append(Told("BundledALIDs", "A bundle names nothing that it holds.", "Name the ALIDs that it bundles."))
    if kind == "supplement" and not text_of(fields.get("RefALID")):
        told.append(Told("RefALID", "A supplement does not say of what.", "Name the ALID that it belongs to."))
    return told


def _clause(fields: Fields) -> str:
    alid, given = text_of(fields.get("ALID")), text_of(fields.get("AvailID"))
    return f"Avail {alid}" + (f", transaction {given}" if given else "") if alid else f"transaction {given}"


def _difference(first: RightTerms, second: RightTerms) -> str:
    """The names of what decides and differs."""
    names = set(RightTerms.model_fields) - {"carried", "clause", "source"}
    return ", ".join(sorted(name for name in names if getattr(first, name) != getattr(second, name)))
