"""What the elements of Avails XML 2.1 to 2.7 are called among the fields of the spreadsheet. Pure.

Both the reader and the writer of XML go by these tables. Source: the schemas avails-v2.1 to v2.7, and template 1.9.
"""

import re
from typing import Final

TRANSACTION: Final[dict[str, str]] = {
    "LicenseType": "LicenseType",
    "Description": "Description",
    "Start": "Start",
    "StartCondition": "Start",
    "End": "End",
    "EndCondition": "End",
    "WindowDuration": "WindowDuration",
    "LicenseRightsDescription": "LicenseRightsDescription",
    "FormatProfile": "FormatProfile",
    "ContractID": "ContractID",
    "ReportingID": "ReportingID",
    "ExperienceCondition": "ExperienceCondition",
    "OtherInstructions": "OtherInstructions",
}
"""Elements of a Transaction that stand once and hold text."""
LISTS: Final[dict[str, str]] = {
    "Territory": "Territory",
    "TerritoryExcluded": "TerritoryExclusion",
    "AllowedLanguage": "AllowedLanguages",
    "AssetLanguage": "AssetLanguage",
    "StoreLanguage": "AssetLanguage",
    "HoldbackLanguage": "HoldbackLanguage",
    "RefALID": "RefALID",
}
"""Elements of a Transaction that may stand several times."""
PROFILE: Final = ("HDR", "WCG", "HFR", "NGAudio")
"""Attributes of FormatProfile."""

TERMS: Final[dict[str, tuple[str, str]]] = {
    "SRP": ("SRP", "Money"),
    "SuppressionLiftDate": ("SuppressionLiftDate", "Event"),
    "AnnounceDate": ("AnnounceDate", "Event"),
    "PreorderFulfillDate": ("SpecialPreOrderFulfillDate", "Event"),
    "RentalDuration": ("RentalDuration", "Duration"),
    "WatchDuration": ("WatchDuration", "Duration"),
    "FixedEndDate": ("FixedEndDate", "Event"),
    "ContractStatus": ("ContractStatus", "Text"),
    "TitleStatus": ("TitleStatus", "Text"),
    "Download": ("Download", "Text"),
    "Exclusive": ("Exclusive", "Boolean"),
    "ExclusiveAttributes": ("ExclusiveAttributes", "Text"),
    "BrandingRights": ("BrandingRights", "Boolean"),
    "BrandingRightsAttributes": ("BrandingRightsAttributes", "Text"),
    "TPRType": ("TPRType", "Text"),
    "CampaignID": ("CampaignID", "ID"),
    "PackageLabel": ("PackageLabel", "Text"),
    "Bonus": ("Bonus", "Text"),
}
"""Term/@termName: the field of the spreadsheet, and the element that its value stands in."""
LANGUAGE_TERMS: Final[dict[str, str]] = {
    "AllowedLanguage": "AllowedLanguages",
    "AllowedLanguages": "AllowedLanguages",
    "HoldbackLanguage": "HoldbackLanguage",
    "HoldbackExclusionLanguage": "HoldbackLanguage",
}
"""Term/@termName of version 2.1, which has no elements for these languages; each may stand several times."""
_PRICES: Final = ("Tier", "WSP", "EpisodeWSP", "SeasonWSP", "DMRP", "SMRP", "LicenseFee", "Category", "Included")
PRICES: Final = frozenset(_PRICES) | {f"TPR-{each}" for each in _PRICES} | {f"{each}-PostTax" for each in _PRICES}
"""Terms that are a price: PriceType and PriceValue of the spreadsheet."""
TERM_KINDS: Final = ("Money", "Event", "Text", "Number", "Boolean", "Duration", "URI", "Language", "ID", "Time")
"""Elements that a Term may hold and that are text."""

UNIT: Final[dict[str, str]] = {
    "TitleDisplayUnlimited": "TitleDisplayUnlimited",
    "TitleInternalAlias": "TitleInternalAlias",
    "EditEIDR-URN": "EditID",
    "TitleEIDR-URN": "TitleID",
    "AltIdentifier": "AltID",
    "VersionDescription": "VersionDescription",
    "ReleaseDate": "ReleaseYear",
    "RunLength": "TotalRunTime",
    "USACaptionsExemptionReason": "CaptionExemption",
    "LocalizationOffering": "LocalizationType",
    "EpisodeNumber": "EpisodeNumber",
}
"""Elements of Metadata and EpisodeMetadata, in the order of the schema."""
EPISODE_NAMES: Final[dict[str, str]] = {
    "TitleDisplayUnlimited": "EpisodeTitleDisplayUnlimited",
    "TitleInternalAlias": "EpisodeTitleInternalAlias",
    "EditID": "EpisodeID",
    "TitleID": "EpisodeTitleID",
    "AltID": "EpisodeAltID",
    "ContentID": "EpisodeContentID",
}
"""Fields that television names after the episode."""


def level_elements(level: str) -> dict[str, str]:
    """Elements of SeriesMetadata, SeasonMetadata or VolumeMetadata with their fields, in the order of the schema."""
    names = {
        f"{level}ContentID": f"{level}ContentID",
        f"{level}EIDR-URN": f"{level}ID",
        f"{level}TitleDisplayUnlimited": f"{level}TitleDisplayUnlimited",
        f"{level}TitleInternalAlias": f"{level}TitleInternalAlias",
    }
    if level != "Series":
        names[f"{level}Number"] = f"{level}Number"
    names[f"{level}AltIdentifier"] = f"{level}AltID"
    if level == "Volume":
        names["VolumeFirstEpisodeNumber"] = "VolumeFirstEpisodeNumber"
        names["VolumeNumberOfEpisodes"] = "VolumeNumberOfEpisodes"
    if level == "Season":
        names["NumberOfEpisodes"] = "EpisodeCount"
    if level == "Series":
        names["NumberOfSeasons"] = "SeasonCount"
        names["CompanyDisplayCredit"] = "CompanyDisplayCredit"
    return names


LEVELS: Final = ("Series", "Season", "Volume")
_MONEY: Final = re.compile(r"(?:[A-Z]{3} )?-?\d+(?:\.\d+)?")


def price_kind(price_type: str, value: str) -> str:
    """The element that a PriceValue stands in: Money for an amount, Text for a tier or a category."""
    return "Text" if price_type.removeprefix("TPR-") in ("Tier", "Category") or not _MONEY.fullmatch(value) else "Money"
