"""What the transactions of one Avails file are for, and how they are found again. Each wording is looked at once."""

from dataclasses import dataclass, field
from typing import Final

from holdback_servers.rights.interchange.avails_names import avail_prefix, reference, wrong_eidrs
from holdback_servers.rights.interchange.avails_remarks import Place, Remarks
from holdback_servers.rights.interchange.avails_terms import Told
from holdback_servers.rights.interchange.avails_words import FieldError, Fields

FEW_EIDRS: Final = 5
"""Ids with a wrong check character that are told by name."""
_NAMING: Final = (
    "WorkType", "ALID", "AltID", "ContentID", "TitleID", "EditID", "TitleInternalAlias",
    "EpisodeAltID", "EpisodeContentID", "EpisodeTitleID", "EpisodeID", "EpisodeTitleInternalAlias",
    "SeasonAltID", "SeasonContentID", "SeasonID", "SeasonTitleInternalAlias",
    "VolumeAltID", "VolumeContentID", "VolumeID", "VolumeTitleInternalAlias",
    "SeriesAltID", "SeriesContentID", "SeriesID", "SeriesTitleInternalAlias",
)  # fmt: skip


@dataclass
class Names:
    """References and key prefixes of one file."""

    remarks: Remarks
    _refs: dict[tuple[object, ...], str] = field(default_factory=dict[tuple[object, ...], str])
    _prefixes: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])
    _doubted: set[str] = field(default_factory=set[str])

    def ref(self, fields: Fields, place: Place, told: list[Told]) -> str:
        """The reference of a transaction, or an empty text with what is wrong added to `told`."""
        naming = tuple(map(fields.get, _NAMING))
        known = self._refs.get(naming)
        if known is None:
            try:
                known = self._refs[naming] = reference(fields)
            except FieldError as error:
                told.append(Told(error.field, error.message, error.hint))
                return ""
            for name, text, core in wrong_eidrs(fields):
                self._doubt_eidr(place(name), text, core)
        return known

    def prefix(self, licensor: str, alid: str) -> str:
        """What the keys of an ALID begin with."""
        known = self._prefixes.get((licensor, alid))
        if known is None:
            known = self._prefixes[licensor, alid] = avail_prefix(licensor, alid)
        return known

    def _doubt_eidr(self, place: str, text: str, core: str) -> None:
        if core in self._doubted:
            return
        self._doubted.add(core)
        told = f"{core} is not an EIDR: its check character is wrong. It is used as a name all the same."
        if len(self._doubted) > FEW_EIDRS:
            told = "Other ids that are written as EIDRs have a wrong check character too."
        self.remarks.lose(place, told, "Look the id up in the EIDR registry.", text)
