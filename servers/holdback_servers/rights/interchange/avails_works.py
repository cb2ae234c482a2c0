"""The Asset of an Avail, written: the work, and the season, series or volume around it."""

import re
from typing import TYPE_CHECKING, Final

from holdback_servers.rights.interchange.avails_elements import EPISODE_NAMES, LEVELS, UNIT, level_elements
from holdback_servers.rights.interchange.avails_said import Said
from holdback_servers.rights.interchange.avails_typed import MD, add, typed

if TYPE_CHECKING:
    from lxml.etree import _Element as Element  # pyright: ignore[reportPrivateUsage]  # lxml has no public name for it

_NUMBERS: Final = ("SeasonNumber", "VolumeNumber", "EpisodeNumber")
OF_ASSET: Final = frozenset(
    {"WorkType", "WorkTypeDetail", "ContentID", "BundledALIDs", "CompanyDisplayCredit", *UNIT.values()}
    | set(EPISODE_NAMES.values())
    | {name for level in LEVELS for name in level_elements(level).values()}
)
"""Fields that an Asset says."""


def write_asset(avail: "Element", fields: dict[str, str], said: Said) -> None:
    """Writes the Asset of these fields; what it cannot hold is told."""
    work = fields["WorkType"]
    own_id = f"{work}ContentID" if work in ("Episode", *LEVELS) else "ContentID"
    asset = add(avail, "Asset")
    asset.set("contentID", fields.get(own_id) or fields.get("ContentID") or fields["ALID"])
    add(asset, "WorkType", work)
    if "WorkTypeDetail" in fields:
        add(asset, "WorkTypeDetail", fields["WorkTypeDetail"])
    left = set(OF_ASSET & fields.keys()) - {"WorkType", "WorkTypeDetail", "BundledALIDs", own_id}
    above = _above(work, fields)
    if work == "Series" or (work in LEVELS and above):
        _write_level(asset, work, fields, left)
    elif work == "Episode" and above and typed("Int", fields.get("EpisodeNumber", "")) is not None:
        metadata = add(asset, "EpisodeMetadata")
        _write_unit(metadata, fields, left, EPISODE_NAMES)
        _write_level(metadata, above, fields, left)
    else:
        metadata = add(asset, "Metadata")
        numbered = left & {"EpisodeNumber"}
        left -= numbered
        _write_unit(metadata, fields, left, EPISODE_NAMES if work == "Episode" else {})
        left |= numbered
        if "CompanyDisplayCredit" in left:
            _write_title(metadata, "CompanyDisplayCredit", "CompanyDisplayCredit", fields, left)
    for name in sorted(left):
        said.lose_field(fields, name, f"Avails XML has no place for {name} of a {work}, or not in that form")
    for alid in filter(None, re.split(r"[,;\s]+", fields.get("BundledALIDs", ""))):
        add(add(asset, "BundledAsset"), "BundledALID", alid)


def _above(work: str, fields: dict[str, str]) -> str:
    """The level that the schema puts around a work, when anything is said of it."""
    levels = {"Episode": ("Season", "Series"), "Volume": ("Season", "Series"), "Season": ("Series",)}
    return next(
        (
            level
            for level in levels.get(work, ())
            if any(name in fields for name in level_elements(level).values() if name.startswith(level))
        ),
        "",
    )


def _write_unit(parent: "Element", fields: dict[str, str], left: set[str], names: dict[str, str]) -> None:
    for element, usual in UNIT.items():
        name = names.get(usual, usual)
        written = name in left and _write_title(parent, element, name, fields, left)
        if element == "TitleInternalAlias" and not written:
            add(parent, element, fields.get("TitleDisplayUnlimited") or fields["ALID"])


def _write_level(parent: "Element", level: str, fields: dict[str, str], left: set[str]) -> None:
    metadata = add(parent, f"{level}Metadata")
    for element, name in level_elements(level).items():
        if name in left and _write_title(metadata, element, name, fields, left):
            continue
        if element.endswith("ContentID"):
            add(metadata, element, fields.get(name) or fields["ALID"])
        elif element in _NUMBERS:
            add(metadata, element)
        elif element == "SeriesTitleInternalAlias":
            add(metadata, element, fields.get("SeriesTitleDisplayUnlimited") or fields["ALID"])
    above = _above(level, fields)
    if above:
        _write_level(metadata, above, fields, left)
    elif level != "Series":
        _write_level(metadata, "Series", fields, left)


def _write_title(parent: "Element", element: str, name: str, fields: dict[str, str], left: set[str]) -> bool:
    """Writes one element of a title and takes its field from what is left; False where its type does not hold it."""
    text = typed("Int" if element in _NUMBERS else element, fields[name])
    if text is None:
        return False
    if element.endswith("AltIdentifier"):
        alt = add(parent, element)
        add(alt, "Namespace", "org:mddf", MD)
        add(alt, "Identifier", f"{name}:{text}", MD)
    elif element == "CompanyDisplayCredit":
        add(add(parent, element), "DisplayString", text, MD)
    elif element in _NUMBERS:
        add(add(parent, element), "Number", text, MD)
    else:
        add(parent, element, text)
    left.discard(name)
    return True
