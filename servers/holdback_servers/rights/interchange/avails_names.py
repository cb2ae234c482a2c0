"""Names in Avails: what a right is for, under which key it is found again, and the EIDR check digit. Pure.

Sources: ContentID, ALID, EIDR and AltID fields of TR-META-AVAIL; ISO 7064 Mod 37,36 for the check character of an EIDR.
"""

import re
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Final

from holdback_base.elements import is_ref

from holdback_servers.rights.interchange.avails_words import WORK_KINDS, FieldError, Fields, plain, text_of

_EIDR: Final = re.compile(
    r"(?:10\.5240[/:]|eidr-[sx]:{1,2})((?:[0-9A-Z]{4}-){5}[0-9A-Z])((?:[:-][A-Za-z0-9._:-]+)?)$", re.IGNORECASE
)
_LEVELS: Final[dict[str, tuple[str, ...]]] = {
    "film": ("AltID", "TitleInternalAlias", "ContentID", "TitleID", "EditID"),
    "episode": ("EpisodeAltID", "EpisodeTitleInternalAlias", "EpisodeContentID", "EpisodeTitleID", "EpisodeID"),
    "season": ("SeasonAltID", "SeasonTitleInternalAlias", "SeasonContentID", "SeasonID"),
    "volume": ("VolumeAltID", "VolumeTitleInternalAlias", "VolumeContentID", "VolumeID"),
    "series": ("SeriesAltID", "SeriesTitleInternalAlias", "SeriesContentID", "SeriesID"),
}
"""Fields that may name the work itself, by kind: those that may hold one of our references, then its ids."""
_OWN_KINDS: Final = frozenset({*WORK_KINDS.values(), "work", "music", "still", "programme", "talent", "logo"})
_IDS: Final = frozenset({"ContentID", "TitleID", "EditID", "EpisodeContentID", "EpisodeTitleID", "EpisodeID"}) | {
    "ALID",
    *(f"{level}{name}" for level in ("Season", "Volume", "Series") for name in ("ContentID", "ID")),
}
LEVEL_ALIASES: Final = {kind: names[0] for kind, names in _LEVELS.items()}
"""The field that may hold one of our references, by kind."""
LONGEST: Final = 90
"""Characters of an id that stand in a key or a reference; a longer one is cut and told apart by a digest."""


def reference(fields: Fields) -> str:
    """The reference that the right is for, such as `film:10.5240-8ff3-1c20-84f5-f247-8bcd-e`.

    An alternative id or an alias that already is one of our references (`film:big-buck-bunny`) is used as it is;
    otherwise the first of ContentID, EIDR and ALID of the work's own level. Raises FieldError when there is none.
    """
    work_type = text_of(fields.get("WorkType"))
    if not work_type:
        raise FieldError("WorkType", "WorkType is empty.", "Write Movie, Episode, Season, Series, Volume ...")
    kind = WORK_KINDS.get(plain(work_type).replace("-", "")) or _other_kind(work_type)
    alt, alias, *ids = _LEVELS.get(kind, _LEVELS["film"])
    found = [text_of(fields.get(name)) for name in (*ids, "ContentID", "ALID")]
    for own in (text_of(fields.get(alt)), *found, text_of(fields.get(alias))):
        if is_ref(own) and len(own) <= 200 and own.partition(":")[0] in _OWN_KINDS:
            return own
    named = next((each for each in (*found, text_of(fields.get(alt))) if each), None)
    if named is None:
        raise FieldError(
            ids[0], f"The {work_type} has neither {ids[0]} nor ALID.", f"Give its id in {ids[0]}; an EIDR is best."
        )
    return f"{kind}:{slug(named)}"


def _other_kind(work_type: str) -> str:
    kind = re.sub(r"[^a-z]+", "_", work_type.lower()).strip("_")
    if not kind or len(kind) > 40:
        raise FieldError(
            "WorkType", f"WorkType is {work_type[:60]!r}.", "Write Movie, Episode, Season, Series, Volume ..."
        )
    return kind


def slug(text: str) -> str:
    """An id in the form of a reference's name: an EIDR as `10.5240-...`, another without its `md:cid:` beginning.

    Different ids stay different: where more than case and punctuation had to go, a digest follows.
    """
    eidr = _EIDR.search(text)
    bare = f"10.5240-{eidr[1]}{eidr[2]}" if eidr else re.sub(r"^(?:urn:|md:)?(?:cid|alid|pseudoalid):", "", text)
    name = re.sub(r"[^a-z0-9._-]+", "-", bare.lower()).strip("-._")
    if name and len(name) <= LONGEST and re.fullmatch(r"[A-Za-z0-9._:/-]+", bare):
        return name
    return f"{name[:LONGEST].strip('-._')}-{digest((text,))}".lstrip("-")


def digest(parts: Iterable[str]) -> str:
    """Twelve hex digits that stand for these texts in this order."""
    return sha256("\x1f".join(parts).encode()).hexdigest()[:12]


def wrong_eidrs(fields: Fields) -> list[tuple[str, str, str]]:
    """Fields, their texts and the EIDRs in them whose check character is wrong."""
    wrong: list[tuple[str, str, str]] = []
    for name in _IDS & fields.keys():
        found = _EIDR.search(text_of(fields[name]))
        if found is not None and not eidr_holds(found[1]):
            wrong.append((name, text_of(fields[name]), f"10.5240/{found[1].upper()}"))
    return sorted(wrong)


def eidr_holds(suffix: str) -> bool:
    """Whether `XXXX-XXXX-XXXX-XXXX-XXXX-C` is twenty hex digits and their check character (ISO 7064 Mod 37,36)."""
    digits, check = suffix.upper().replace("-", "")[:-1], suffix[-1].upper()
    if re.fullmatch(r"[0-9A-F]{20}", digits) is None:
        return False
    rest = 36
    for each in digits:
        rest = (rest + int(each, 36)) % 36 or 36
        rest = rest * 2 % 37
    return int(check, 36) == (1 - rest) % 36


def owner(licensor: str) -> str:
    """The licensor's name as it stands in keys."""
    name = re.sub(r"[^\w]+", "-", licensor.casefold()).strip("-_")
    return name if name and len(name) <= 40 else f"{name[:30]}-{digest((licensor,))}".lstrip("-")


def avail_prefix(licensor: str, alid: str) -> str:
    """What the keys of all rights of one ALID begin with. The bar ends the ALID, which may hold colons itself."""
    return f"avails:{owner(licensor)}:{_short(alid)}|"


def contract_key(licensor: str, contract_id: str, status: str) -> str:
    """One contract for each licensor, ContractID and standing: titles not yet approved stand in one of their own."""
    ending = "" if status == "active" else f"|{status}"
    return f"avails:{owner(licensor)}:contract:{_short(contract_id) or 'default'}{ending}"


def right_key(prefix: str, fields: Fields, decides: Sequence[str]) -> str:
    """The key of one transaction: its AvailID with its format, else a digest of what tells it from its neighbours.

    Args:
        decides: its reference, licence, territories and start, in one spelling whatever the file's.
    """
    profile = "-".join(
        text
        for name in ("FormatProfile", "HDR", "WCG", "HFR", "NGAudio")
        if (value := fields.get(name)) is not None and (text := text_of(value))
    )
    given = text_of(fields.get("AvailID"))
    if given:
        return f"{prefix}{_short(given)}{':' + _short(profile, 20) if profile else ''}"
    telling = ("LicenseRightsDescription", "Description", "ContractID", "Licensee", "CampaignID", "TPRType")
    return f"{prefix}{digest([profile, *decides, *(text_of(fields.get(name)) for name in telling)])}"


def _short(text: str, longest: int = 50) -> str:
    name = " ".join(text.replace("|", "/").split())
    return name if len(name) <= longest else f"{name[: longest - 13]}~{digest((text,))}"
