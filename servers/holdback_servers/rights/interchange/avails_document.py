"""Transactions, as fields, into an Avails document of version 2.7, in the order of its schema."""

import re
from collections.abc import Iterable
from itertools import groupby
from typing import TYPE_CHECKING, Final

from holdback_servers.rights.interchange.avails_elements import PROFILE, TERMS, price_kind
from holdback_servers.rights.interchange.avails_said import Said
from holdback_servers.rights.interchange.avails_typed import AVAILS, MD, add, boolean, duration, money, typed
from holdback_servers.rights.interchange.avails_works import OF_ASSET, write_asset

if TYPE_CHECKING:
    from lxml.etree import _Element as Element  # pyright: ignore[reportPrivateUsage]  # lxml has no public name for it

_OF_AVAIL: Final = ("DisplayName", "ALID", "ServiceProvider", "AvailType", "ShortDescription", "ExceptionFlag")
_AVAIL_TYPES: Final = {
    "Episode": "episode",
    "Season": "season",
    "Series": "series",
    "Volume": "volume",
    "Collection": "collection",
    "Supplemental": "supplement",
    "Promotion": "promotion",
}
_TERM_OF: Final = {field: (term, kind) for term, (field, kind) in TERMS.items()}
_WRITTEN: Final = frozenset(
    {
        "AvailID",
        "EntryType",
        "Licensee",
        "LicenseType",
        "Description",
        "Territory",
        "TerritoryExclusion",
        "Start",
        "End",
    }
    | {"StartLag", "EndLag", "WindowDuration", "AllowedLanguages", "AssetLanguage", "HoldbackLanguage", "ContractID"}
    | {"LicenseRightsDescription", "FormatProfile", "ReportingID", "RefALID", "ExperienceCondition"}
    | {"OtherInstructions", "PriceType", "PriceValue", "PriceCurrency", *PROFILE, *_OF_AVAIL}
)
"""Fields that have an element of their own; all others are terms, or have no place."""


def document(transactions: Iterable[dict[str, str]], said: Said) -> str:
    """The document as text; what it cannot hold is told to `said`.

    Args:
        transactions: each as fields; those with the same words on avail and asset become one Avail.
    """
    from lxml import etree

    root = etree.Element(f"{{{AVAILS}}}AvailList", nsmap={"avails": AVAILS, "md": MD})
    for _, group in groupby(sorted(transactions, key=_around), key=_around):
        _write_avail(root, list(group), said)
    text = etree.tostring(root, encoding="unicode", pretty_print=True)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'


def _around(fields: dict[str, str]) -> list[str]:
    """What stands around a transaction: its avail and its asset."""
    return [fields.get(name, "") for name in (*_OF_AVAIL, *sorted(OF_ASSET))]


def _write_avail(root: "Element", transactions: list[dict[str, str]], said: Said) -> None:
    first = transactions[0]
    avail = add(root, "Avail")
    add(avail, "ALID", first["ALID"])
    add(add(avail, "Disposition"), "EntryType", first["EntryType"])
    add(add(avail, "Licensor"), "DisplayName", first["DisplayName"], MD)
    if "ServiceProvider" in first:
        add(add(avail, "ServiceProvider"), "DisplayName", first["ServiceProvider"], MD)
    add(avail, "AvailType", first.get("AvailType") or _AVAIL_TYPES.get(first["WorkType"], "single"))
    add(avail, "ShortDescription", first.get("ShortDescription", ""))
    write_asset(avail, first, said)
    for each in transactions:
        _write_transaction(avail, each, said)
    flag = boolean(first.get("ExceptionFlag", ""))
    if flag is not None:
        add(avail, "ExceptionFlag", flag)


def _write_transaction(avail: "Element", fields: dict[str, str], said: Said) -> None:
    transaction = add(avail, "Transaction")
    if "AvailID" in fields:
        transaction.set("TransactionID", fields["AvailID"])
    if "Licensee" in fields:
        add(add(transaction, "Licensee"), "DisplayName", fields["Licensee"], MD)
    _write_text(transaction, fields, "LicenseType", "Description")
    _write_places(transaction, "Territory", fields.get("Territory", ""))
    _write_places(transaction, "TerritoryExcluded", fields.get("TerritoryExclusion", ""))
    _write_end(transaction, "Start", "T00:00:00", fields)
    _write_end(transaction, "End", "T23:59:59", fields)
    if "WindowDuration" in fields:
        add(transaction, "WindowDuration", duration(fields["WindowDuration"]) or "")
    for element in ("AllowedLanguage", "AssetLanguage", "HoldbackLanguage"):
        text = fields.get("AllowedLanguages" if element == "AllowedLanguage" else element, "")
        for each in filter(None, re.split(r"[,;\s]+", text)):
            tag, _, asset = each.partition(":")
            language = add(transaction, element, tag)
            if asset:
                language.set("asset", asset)
    _write_text(transaction, fields, "LicenseRightsDescription")
    profile = add(transaction, "FormatProfile", fields.get("FormatProfile", ""))
    for name in PROFILE:
        if name in fields:
            profile.set(name, fields[name])
    _write_text(transaction, fields, "ContractID", "ReportingID")
    for each in filter(None, re.split(r"[,;\s]+", fields.get("RefALID", ""))):
        add(transaction, "RefALID", each)
    _write_terms(transaction, fields, said)
    _write_text(transaction, fields, "ExperienceCondition", "OtherInstructions")


def _write_text(transaction: "Element", fields: dict[str, str], *names: str) -> None:
    for name in names:
        if name in fields:
            add(transaction, name, fields[name])


def _write_places(transaction: "Element", element: str, codes: str) -> None:
    for code in filter(None, codes.split(", ")):
        region = "country" if len(code) == 2 else "countryRegion"
        add(add(transaction, element), region, "001" if code == "WORLD" else code, MD)


def _write_end(transaction: "Element", side: str, hour: str, fields: dict[str, str]) -> None:
    text = fields[side]
    if not text[:1].isdigit():
        condition = add(transaction, f"{side}Condition", text)
        if f"{side}Lag" in fields:
            condition.set("lag", duration(fields[f"{side}Lag"]) or "")
        return
    add(transaction, side, text if "T" in text else f"{text}{hour}")


def _write_terms(transaction: "Element", fields: dict[str, str], said: Said) -> None:
    terms: list[tuple[str, str, str]] = []
    for name, text in fields.items():
        if name.startswith("Term:"):
            _, term, kind = name.split(":")[:3]
            terms.append((term, kind, text))
        elif name in _TERM_OF:
            parts = text.split(", ") if name in ("SuppressionLiftDate", "AnnounceDate") else [text]
            terms += [(*_TERM_OF[name], each) for each in parts]
        elif name not in _WRITTEN | OF_ASSET:
            said.lose_field(fields, name, f"Avails XML has no element for {name}")
    price = fields.get("PriceValue")
    if price is not None:
        price_type = fields.get("PriceType", "Price")
        terms.append((price_type, price_kind(price_type, price), price))
    for term, kind, text in sorted(terms):
        element = add(transaction, "Term")
        element.set("termName", term)
        if kind == "Money" and (amount := money(text)) is not None:
            value = add(element, "Money", amount[0])
            if amount[1]:
                value.set("currency", amount[1])
        elif (told := typed(kind, text)) is not None:
            add(element, kind, told)
        else:
            add(element, "Text", text)
