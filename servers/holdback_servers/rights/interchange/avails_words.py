"""Words of MovieLabs Avails (TR-META-AVAIL) and what they mean here. Pure.

The two forms of Avails, XML and the spreadsheet, meet in one vocabulary: the field names of template 1.9. A `Fields`
maps such a name to what stands there; lists are written as the spreadsheet writes them, `US, CA` and `es:subdub, fr`.
"""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Final

from holdback_servers.rights.model import ContractStatus, LicenceType
from holdback_servers.workbooks.cells import Cell

Fields = Mapping[str, Cell]
"""What one spreadsheet row or one XML Transaction says, by field name of template 1.9. Empty fields are absent."""


class FieldError(ValueError):
    """A field that cannot be read: its name, what is wrong, and the cure."""

    def __init__(self, field: str, message: str, hint: str) -> None:
        super().__init__(message)
        self.field, self.message, self.hint = field, message, hint


LICENCES: Final[dict[str, tuple[LicenceType, tuple[str, ...]]]] = {
    "est": ("EST", ("vod.est",)),
    "dto": ("EST", ("vod.est",)),
    "poest": ("POEST", ("vod.est",)),
    "vod": ("VOD", ("vod.tvod",)),
    "tvod": ("VOD", ("vod.tvod",)),
    "svod": ("SVOD", ("vod.svod",)),
    "avod": ("AVOD", ("vod.avod",)),
    "fvod": ("FVOD", ("vod.avod",)),
    "pre-release": ("Pre-Release", ("vod.svod",)),
    "prerelease": ("Pre-Release", ("vod.svod",)),
    "library": ("Library", ("vod.svod",)),
}
"""LicenseType in lower case: its own spelling, and the media it opens. Pre-Release and Library came with the SVOD title
lists of version 2.3."""

EVENTS: Final[dict[str, str]] = {
    "eststart": "est_start",
    "vodstart": "vod_start",
    "svodstart": "svod_start",
    "broadcast": "broadcast",
    "theatrical": "theatrical",
    "homevideo": "home_video",
    "physicalhv": "home_video",
    "announce": "announced",
}
"""StartCondition and EndCondition, in lower case without spaces: the event that the window hangs on."""
CONDITION_OF: Final[dict[str, str]] = {
    "est_start": "ESTStart",
    "vod_start": "VODStart",
    "svod_start": "SVODStart",
    "broadcast": "Broadcast",
    "theatrical": "Theatrical",
    "home_video": "HomeVideo",
    "announced": "Announce",
    "start_tbd": "TBD",
    "end_tbd": "TBD",
}
"""The same, the other way."""
OPEN: Final = frozenset({"open", "openended", "perpetual", "perpetuity"})
IMMEDIATE: Final = frozenset({"immediate", "immediately"})
TO_BE_TOLD: Final = frozenset({"tbd", "tba", "tbc", "unknown"})

STATUSES: Final[dict[str, ContractStatus]] = {
    **dict.fromkeys(("active", "approved", "executed", "signed", "confirmed", "complete", "completed"), "active"),
    **dict.fromkeys(("pending", "proposed", "requested", "in negotiation", "unapproved"), "pending"),
    "draft": "draft",
    **dict.fromkeys(("rejected", "declined", "denied"), "rejected"),
    **dict.fromkeys(("inactive", "expired", "cancelled", "canceled", "terminated", "withdrawn"), "inactive"),
}  # pyright: ignore[reportAssignmentType]  # fromkeys widens the literal
"""ContractStatus and TitleStatus, in lower case."""
_STRENGTH: Final[tuple[ContractStatus, ...]] = ("inactive", "rejected", "draft", "pending", "active")

ENTRY_TYPES: Final[dict[str, str]] = {
    "fullextract": "Full Extract",
    "fulldelete": "Full Delete",
    "create": "Create",
    "update": "Update",
    "delete": "Delete",
}
"""Disposition/EntryType, in lower case without spaces."""

WORK_KINDS: Final[dict[str, str]] = {
    "movie": "film",
    "film": "film",
    "feature": "film",
    "short": "film",
    "nonepisodicshow": "film",
    "episode": "episode",
    "season": "season",
    "series": "series",
    "miniseries": "series",
    "volume": "volume",
    "collection": "collection",
    "bundle": "collection",
    "franchise": "collection",
    "supplemental": "supplement",
    "supplement": "supplement",
    "promotion": "promotion",
    "excerpt": "clip",
}
"""WorkType, in lower case without spaces: the kind of our reference."""

UNDECIDED: Final[dict[str, str]] = {
    "FormatProfile": "the picture format that the right is for",
    "HDR": "the picture format that the right is for",
    "WCG": "the picture format that the right is for",
    "HFR": "the picture format that the right is for",
    "NGAudio": "the sound format that the right is for",
    "ExperienceCondition": "a condition on the experience",
    "RentalDuration": "how long a rental may be kept",
    "WatchDuration": "how long a rental may be watched",
    "FixedEndDate": "when rentals end",
    "SuppressionLiftDate": "when the offer may be announced",
    "AnnounceDate": "when the offer may be announced",
    "SpecialPreOrderFulfillDate": "when pre-orders are fulfilled",
    "ExclusiveAttributes": "how far the exclusivity goes",
    "BrandingRights": "branding",
    "BrandingRightsAttributes": "branding",
    "Download": "downloads",
    "OtherTerms": "other terms",
    "OtherInstructions": "other instructions",
    "RequiredFulfillmentLanguages": "languages that must be delivered",
    "StoreType": "the kind of shop",
    "BundledALIDs": "what the bundle holds; only the bundle as such is granted",
    "RefALID": "what it is a supplement of",
}
"""Fields that may limit a right and that Holdback does not decide by: they are carried, and that is told as a loss."""


def plain(value: object) -> str:
    """A word for looking up: lower case, without spaces, hyphens and underscores at its joints."""
    return "".join(str(value).split()).lower().replace("_", "")


def text_of(value: Cell) -> str:
    """What a cell says, as text: whole numbers without a fraction, days and instants in ISO 8601, yes and no."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else str(value)


def entry_type(value: Cell) -> str:
    """Disposition/EntryType in its usual spelling. Raises FieldError."""
    found = ENTRY_TYPES.get(plain(text_of(value)).replace("-", ""))
    if found is None:
        known = ", ".join(ENTRY_TYPES.values())
        raise FieldError("EntryType", _unknown("EntryType", value), f"Write one of {known}.")
    return found


def licence(value: Cell) -> tuple[LicenceType, tuple[str, ...]]:
    """LicenseType and the media it opens. Raises FieldError naming the known ones."""
    found = LICENCES.get(plain(text_of(value)))
    if found is None:
        known = ", ".join(dict.fromkeys(name for name, _ in LICENCES.values()))
        raise FieldError("LicenseType", _unknown("LicenseType", value), f"Write one of {known}.")
    return found


def yes_or_no(field: str, value: Cell) -> bool:
    """A flag: Yes, True, T, Y, 1, and their opposites; empty is no. Raises FieldError."""
    word = plain(text_of(value))
    if word in ("yes", "y", "true", "t", "1"):
        return True
    if word in ("", "no", "n", "false", "f", "0"):
        return False
    raise FieldError(field, f"{field} is {text_of(value)!r}, which is neither yes nor no.", "Write Yes or No.")


def contract_status(fields: Fields) -> ContractStatus:
    """The weaker of ContractStatus and TitleStatus; active when neither is said. Raises FieldError."""
    found: list[ContractStatus] = ["active"]
    for field in ("ContractStatus", "TitleStatus"):
        word = text_of(fields.get(field)).lower()
        if word and word not in STATUSES:
            raise FieldError(field, _unknown(field, word), f"Write one of {', '.join(sorted(STATUSES))}.")
        if word:
            found.append(STATUSES[word])
    return min(found, key=_STRENGTH.index)


_NO_MINOR: Final = frozenset(
    ["BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"]
)
_THOUSANDTHS: Final = frozenset(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"])


def minor_units(amount: str, currency: str) -> str | None:
    """`USD 1299` for 12.99 US dollars (ISO 4217), or None where the amount is none or is finer than the currency."""
    try:
        units = Decimal(amount.replace(",", "")).scaleb(_places(currency))
    except InvalidOperation:
        return None
    exact = units.is_finite() and len(currency) == 3 and currency.isalpha() and units == units.to_integral_value()
    return f"{currency.upper()} {int(units)}" if exact else None


def major_units(money: str) -> tuple[str, str] | None:
    """The amount and the currency of `USD 1299`: `12.99` and `USD`; None for other text."""
    currency, _, units = money.partition(" ")
    if len(currency) != 3 or not currency.isupper() or not units.lstrip("-").isdigit():
        return None
    return format(Decimal(units).scaleb(-_places(currency)), "f"), currency


def _places(currency: str) -> int:
    code = currency.upper()
    return 0 if code in _NO_MINOR else 3 if code in _THOUSANDTHS else 2


def _unknown(field: str, value: Cell) -> str:
    return f"{field} is {text_of(value)!r}, which is not known." if text_of(value) else f"{field} is empty."
