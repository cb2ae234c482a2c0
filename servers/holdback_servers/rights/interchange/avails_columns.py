"""The columns of the Avails spreadsheet, template 1.9, and what other versions call them. Pure."""

import difflib
import re
from typing import Final

MOVIE_COLUMNS: Final = (
    "Avail/DisplayName", "Avail/Licensee", "AvailTrans/AssetLanguage", "AvailTrans/Territory",
    "AvailTrans/TerritoryExclusion", "Avail/StoreType", "AvailAsset/WorkType", "Disposition/EntryType",
    "AvailMetadata/TitleInternalAlias", "AvailMetadata/TitleDisplayUnlimited", "AvailMetadata/LocalizationType",
    "AvailMetadata/CompanyDisplayCredit", "AvailMetadata/GroupIdentity", "AvailMetadata/Director",
    "AvailTrans/LicenseType", "AvailTrans/LicenseRightsDescription", "AvailTrans/FormatProfile", "AvailTrans/HDR",
    "AvailTrans/WCG", "AvailTrans/HFR", "AvailTrans/NGAudio", "AvailTrans/Start", "AvailTrans/StartLag",
    "AvailTrans/End", "AvailTrans/EndLag", "AvailTrans/WindowDuration", "AvailTrans/PriceType",
    "AvailTrans/PriceValue", "AvailTrans/PriceCurrency", "AvailTrans/SRP", "AvailTrans/Description",
    "AvailTrans/Download", "AvailTrans/OtherTerms", "AvailTrans/OtherInstructions", "AvailAsset/TitleID",
    "AvailAsset/EditID", "AvailAsset/AltID", "AvailAsset/ContentID", "Avail/AvailID", "Avail/UV_ID",
    "Avail/DMA_ID", "Avail/ReportingID", "AvailAsset/Metadata", "Avail/ALID", "AvailTrans/SuppressionLiftDate",
    "AvailTrans/SpecialPreOrderFulfillDate", "AvailTrans/AnnounceDate", "AvailMetadata/ReleaseYear",
    "AvailMetadata/ReleaseHistoryOriginal", "AvailMetadata/ReleaseHistoryPhysicalHV", "Avail/ExceptionFlag",
    "AvailMetadata/RatingSystem", "AvailMetadata/RatingValue", "AvailMetadata/RatingReason",
    "AvailTrans/RentalDuration", "AvailTrans/WatchDuration", "AvailTrans/FixedEndDate",
    "AvailMetadata/CaptionIncluded", "AvailMetadata/CaptionExemption", "AvailMetadata/Any",
    "AvailTrans/ContractID", "AvailTrans/ContractStatus", "AvailTrans/TitleStatus", "AvailTrans/Exclusive",
    "AvailTrans/ExclusiveAttributes", "AvailTrans/BrandingRights", "AvailTrans/BrandingRightsAttributes",
    "Avail/ServiceProvider", "AvailMetadata/TotalRunTime", "AvailTrans/HoldbackLanguage",
    "AvailTrans/AllowedLanguages", "AvailTrans/RequiredFulfillmentLanguages", "Avail/BundledALIDs",
    "AvailMetadata/RetailerID1", "AvailMetadata/RetailerID2", "AvailMetadata/RetailerID3", "Avail/RetailerSpare1",
    "Avail/RetailerSpare2", "Avail/RetailerSpare3", "AvailAsset/PackageLabel", "AvailTrans/Bonus",
    "AvailTrans/TPRType", "AvailTrans/CampaignID", "Avail/AvailType", "Reference/RefALID",
)  # fmt: skip
"""The columns that Holdback writes for films, as group and field."""
TV_COLUMNS: Final = (
    "AvailMetadata/SeriesTitleInternalAlias", "AvailMetadata/SeriesTitleDisplayUnlimited",
    "AvailMetadata/SeasonNumber", "AvailMetadata/VolumeTitleInternalAlias",
    "AvailMetadata/VolumeTitleDisplayUnlimited", "AvailMetadata/VolumeNumber", "AvailMetadata/DistributionNumber",
    "AvailMetadata/VolumeDistributionNumber", "AvailMetadata/EpisodeNumber",
    "AvailMetadata/EpisodeTitleInternalAlias", "AvailMetadata/EpisodeTitleDisplayUnlimited",
    "AvailMetadata/SeasonTitleInternalAlias", "AvailMetadata/SeasonTitleDisplayUnlimited",
    "AvailMetadata/EpisodeCount", "AvailMetadata/SeasonCount", "AvailMetadata/SeriesID", "AvailMetadata/SeasonID",
    "AvailMetadata/VolumeID", "AvailMetadata/EpisodeTitleID", "AvailMetadata/EpisodeID",
    "AvailMetadata/SeriesAltID", "AvailMetadata/SeasonAltID", "AvailMetadata/VolumeAltID",
    "AvailMetadata/EpisodeAltID", "AvailAsset/SeriesContentID", "AvailAsset/SeasonContentID",
    "AvailAsset/VolumeContentID", "AvailAsset/EpisodeContentID", "AvailMetadata/VolumeFirstEpisodeNumber",
    "AvailMetadata/VolumeNumberOfEpisodes", "AvailMetadata/RetailerEpisodeID1",
    "AvailMetadata/RetailerEpisodeID2", "AvailMetadata/RetailerVolumeID", "AvailMetadata/RetailerSeasonID",
    "AvailMetadata/RetailerSeriesID",
)  # fmt: skip
"""The columns that television has beside those."""
_OTHER_NAMES: Final = {
    "BundleALIDs": "BundledALIDs",
    "Bundled ALID": "BundledALIDs",
    "AllowedLanguage": "AllowedLanguages",
    "HoldbackLanguages": "HoldbackLanguage",
    "HoldbackExclusionLanguage": "HoldbackLanguage",
    "TerritoryExcluded": "TerritoryExclusion",
    "StoreLanguage": "AssetLanguage",
    "Language": "AssetLanguage",
    "Licensor": "DisplayName",
    "TransactionID": "AvailID",
    "VolumeDistributinoNumber": "VolumeDistributionNumber",
    "PreOrderFulfillDate": "SpecialPreOrderFulfillDate",
    "LocalizationOffering": "LocalizationType",
    "Status": "ContractStatus",
    "DealStatus": "ContractStatus",
}
"""Names that other versions, and people, write for the same field."""


def joint(text: str) -> str:
    """A column's name without case, spaces and punctuation."""
    return re.sub(r"[^a-z0-9]", "", text.lower())


FIELD_OF: Final = {joint(each.partition("/")[2]): each.partition("/")[2] for each in (*MOVIE_COLUMNS, *TV_COLUMNS)} | {
    joint(other): name for other, name in _OTHER_NAMES.items()
}
"""The field of each column name, as `joint` gives it."""

_LIMITS: Final = (
    "TerritoryExclusion", "AllowedLanguages", "HoldbackLanguage", "WindowDuration", "ContractStatus", "TitleStatus",
    "StartLag", "EndLag", "Exclusive",
)  # fmt: skip
_LIMITING: Final = re.compile(r"territor\w*exclu|exclu\w*territor|languages?(allowed|held|heldback|exclu\w*)$|"
                              r"(exclu|prohibited|restricted)\w*languages?$")  # fmt: skip


def meant(text: str) -> str | None:
    """The field that limits a right and that an unknown name is likely to mean; None for any other name."""
    plain = joint(text)
    near = difflib.get_close_matches(plain, [joint(each) for each in _LIMITS], n=1, cutoff=0.85)
    if near:
        return FIELD_OF[near[0]]
    found = _LIMITING.search(plain)
    if found is None:
        return None
    return (
        "TerritoryExclusion" if "territor" in plain else "AllowedLanguages" if "allow" in plain else "HoldbackLanguage"
    )
