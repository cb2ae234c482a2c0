"""The Asset of an Avail: what work it is, and the season, series or volume around it."""

from typing import TYPE_CHECKING

from holdback_servers.rights.interchange.avails_elements import EPISODE_NAMES, LEVELS, UNIT, level_elements
from holdback_servers.rights.interchange.avails_intake import Intake
from holdback_servers.rights.interchange.avails_nodes import Said, child_of, local_name, words_in

if TYPE_CHECKING:
    from lxml.etree import _Element as Element  # pyright: ignore[reportPrivateUsage]  # lxml has no public name for it


def read_asset(element: "Element", path: str, intake: Intake) -> Said:
    """What an Asset says, by fields of the spreadsheet."""
    said = Said(path, element.sourceline, intake)
    for child in element:
        name, at = local_name(child), said.at(child)
        if name in ("WorkType", "WorkTypeDetail"):
            said.put(name, words_in(child), at)
        elif name == "BundledAsset":
            said.join("BundledALIDs", words_in(child_of(child, "BundledALID")), at)
        elif name in ("Metadata", "EpisodeMetadata"):
            _unit(child, said, f"{path}/{name}", episode=name == "EpisodeMetadata")
        elif name.removesuffix("Metadata") in LEVELS:
            _level(child, said, f"{path}/{name}", name.removesuffix("Metadata"))
        else:
            said.drop(name, at)
    content = (element.get("contentID") or "").strip()
    level = said.fields.get("WorkType", "")
    if content:
        said.fields[f"{level}ContentID" if level in ("Episode", *LEVELS) else "ContentID"] = content
    else:
        intake.remarks.mistake(said(""), "The Asset has no contentID.", "Give the id of the work.")
    return said


def _unit(element: "Element", said: Said, path: str, *, episode: bool) -> None:
    for child in element:
        name, at = local_name(child), said.at(child, path)
        if name in UNIT:
            _title(child, said, EPISODE_NAMES.get(UNIT[name], UNIT[name]) if episode else UNIT[name], at)
        elif name.removesuffix("Metadata") in LEVELS:
            _level(child, said, f"{path}/{name}", name.removesuffix("Metadata"))
        elif name == "CompanyDisplayCredit":
            _title(child, said, name, at)
        else:
            said.drop(name, at)


def _level(element: "Element", said: Said, path: str, level: str) -> None:
    names = level_elements(level)
    for child in element:
        name, at = local_name(child), said.at(child, path)
        if name in names:
            _title(child, said, names[name], at)
        elif name.removesuffix("Metadata") in LEVELS:
            _level(child, said, f"{path}/{name}", name.removesuffix("Metadata"))
        else:
            said.drop(name, at)


def _title(child: "Element", said: Said, field: str, at: str) -> None:
    if field.endswith("AltID"):
        namespace, identifier = words_in(child_of(child, "Namespace")), words_in(child_of(child, "Identifier"))
        own = identifier.removeprefix(f"{field}:")
        text = own if namespace in ("org:mddf", "") or not own else f"{namespace}:{own}"
    elif field == "CompanyDisplayCredit":
        text = words_in(child_of(child, "DisplayString"))
    elif len(child):
        text = words_in(child_of(child, "Number"))
    else:
        text = words_in(child)
    said.title(field, text, at)
