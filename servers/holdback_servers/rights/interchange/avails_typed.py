"""Elements of an Avails document, and text in the forms that its schema asks for."""

import re
from typing import TYPE_CHECKING, Final

from holdback_servers.rights.interchange.avails_words import major_units

if TYPE_CHECKING:
    from lxml.etree import _Element as Element  # pyright: ignore[reportPrivateUsage]  # lxml has no public name for it

AVAILS: Final = "http://www.movielabs.com/schema/avails/v2.7/avails"
MD: Final = "http://www.movielabs.com/schema/md/v2.12/md"
_DURATION: Final = re.compile(r"-?P(?=.)(\d+Y)?(\d+M)?(\d+D)?(T(?=.)(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?")
_CLOCK: Final = re.compile(r"(-?)(\d+):(\d\d)(?::(\d\d))?")
_DAY: Final = r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"
_FORMS: Final = {
    "Event": re.compile(rf"{_DAY}(T\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?)?"),
    "Number": re.compile(r"-?\d+(\.\d+)?"),
    "Language": re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*"),
    "Time": re.compile(r"\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?"),
    "ReleaseDate": re.compile(rf"\d{{4}}(-(0[1-9]|1[0-2]))?|{_DAY}"),
    "USACaptionsExemptionReason": re.compile(r"0*[1-9]\d{0,8}"),
    **dict.fromkeys(
        ("NumberOfEpisodes", "NumberOfSeasons", "VolumeFirstEpisodeNumber", "VolumeNumberOfEpisodes", "Int"),
        re.compile(r"-?\d{1,9}"),
    ),
}
"""What the text of an element of that name, or of a Term of that kind, must look like."""


def add(parent: "Element", name: str, text: str = "", namespace: str = AVAILS) -> "Element":
    """A new last child."""
    from lxml import etree

    element = etree.SubElement(parent, f"{{{namespace}}}{name}")
    element.text = text or None
    return element


def typed(kind: str, text: str) -> str | None:
    """The text in the form of that element or kind of Term, or None where it has none."""
    if kind in ("Duration", "RunLength"):
        return duration(text)
    if kind == "Boolean":
        return boolean(text)
    if kind == "Money":
        return None
    form = _FORMS.get(kind)
    return text if form is None or form.fullmatch(text) else None


def boolean(text: str) -> str | None:
    """xs:boolean of a yes or a no, or None."""
    words = {"yes": "true", "no": "false", "y": "true", "n": "false", "t": "true", "f": "false"}
    word = words.get(text.lower(), text.lower())
    return word if word in ("true", "false", "1", "0") else None


def duration(text: str) -> str | None:
    """xs:duration of an ISO 8601 duration, of a clock time (`01:56:20`) or of hours (`720`); None for other text."""
    weeks = re.fullmatch(r"(-?)P(\d+)W", text)
    if weeks:
        return f"{weeks[1]}P{7 * int(weeks[2])}D"
    clock = _CLOCK.fullmatch(text)
    if clock:
        return f"{clock[1]}PT{int(clock[2])}H{int(clock[3])}M{int(clock[4] or 0)}S"
    if text.isdecimal():
        return f"PT{int(text)}H"
    return text if _DURATION.fullmatch(text) else None


def money(text: str) -> tuple[str, str] | None:
    """Amount and currency of `USD 1299`, `12.99` or `12.995 USD`; the currency may be empty. None for other text."""
    match = re.fullmatch(r"(-?\d+(?:\.\d+)?)(?: (\S+))?", text)
    return (match[1], match[2] or "") if match else major_units(text)
