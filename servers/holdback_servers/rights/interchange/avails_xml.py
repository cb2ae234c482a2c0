"""Avails as XML, versions 2.1 to 2.7, read in a stream: one Avail is held at a time."""

import io
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from holdback_servers.rights.interchange.avails_assets import read_asset
from holdback_servers.rights.interchange.avails_elements import (
    LANGUAGE_TERMS,
    LISTS,
    PRICES,
    PROFILE,
    TERM_KINDS,
    TERMS,
    TRANSACTION,
    price_kind,
)
from holdback_servers.rights.interchange.avails_intake import Intake
from holdback_servers.rights.interchange.avails_nodes import Said, child_of, local_name, words_in
from holdback_servers.rights.interchange.avails_words import minor_units
from holdback_servers.rights.interchange.batch import Batch

if TYPE_CHECKING:
    from lxml.etree import _Element as Element  # pyright: ignore[reportPrivateUsage]  # lxml has no public name for it

_NAMESPACE: Final = re.compile(r"http://www\.movielabs\.com/schema/avails/v2\.([1-7])(?:\.\d+)?/avails")
_IGNORED: Final = frozenset({"Compatibility", "Signature"})
_WITHIN: Final = {
    "Disposition": ("EntryType", "EntryType"),
    "Licensor": ("DisplayName", "DisplayName"),
    "ServiceProvider": ("ServiceProvider", "DisplayName"),
}
"""Elements of an Avail that hold what they say in a child: its field, and the child."""
_EACH_COUNTS: Final = frozenset({"SuppressionLiftDate", "AnnounceDate"})
_DECIDING: Final = frozenset({"Exclusive", "ContractStatus", "TitleStatus"})
_ROOTS: Final = ("AvailList", "AvailListSigned", "Avail")


def read(data: bytes, name: str, time_zone: str = "UTC") -> Batch:
    """The rights that an Avails document gives.

    Entities, document types and the network are off. A document that is broken or of another kind is told as a mistake
    at its line.

    Args:
        data: the whole file.
        name: what people call it, for messages.
        time_zone: the IANA zone of its times without an offset.

    Raises:
        Problem: INVALID_ARGUMENT for a time zone that does not exist. What is wrong with the file is told in the batch.
    """
    from lxml import etree

    intake = Intake(time_zone)
    seen = 0
    try:
        for element in _avails(data, name, intake):
            seen += 1
            _read_avail(element, f"Avail[{seen}]", intake)
    except etree.XMLSyntaxError as error:
        intake.remarks.mistake(
            f"line {error.lineno or 1}",
            f"{name} is not well-formed XML: {error.msg}.",
            "Send the whole file as the licensor's system wrote it, in the encoding that its first line names.",
        )
    except _OtherDocumentError as other:
        intake.remarks.mistake(name, str(other), "Give an AvailList of MovieLabs Avails 2.1 to 2.7.")
    else:
        if not seen:
            intake.remarks.mistake(name, f"{name} holds no Avail.", "Give an AvailList with at least one Avail.")
    return intake.batch("avails_xml")


class _OtherDocumentError(ValueError):
    """The document is no list of avails."""


def _avails(data: bytes, name: str, intake: Intake) -> "Iterator[Element]":
    """Each Avail, whole; what was before it is forgotten."""
    from lxml import etree

    events = etree.iterparse(
        io.BytesIO(data), events=("start", "end"), resolve_entities=False, no_network=True, load_dtd=False,
        huge_tree=False, remove_comments=True, remove_pis=True,
    )  # fmt: skip
    depth = 0
    wanted = 0
    for event, element in events:
        if event == "start":
            depth += 1
            if depth == 1:
                _check_root(element, name)
            if not wanted and local_name(element) == "Avail":
                wanted = depth
            continue
        depth -= 1
        if depth + 1 == wanted:
            yield element
            wanted = 0
            _forget(element)
        elif not wanted and local_name(element) not in (*_ROOTS, *_IGNORED) and depth == 1:
            intake.remarks.lose(f"line {element.sourceline}", f"{local_name(element)} is not an Avail and is not read.")


def _forget(element: "Element") -> None:
    element.clear()
    parent = element.getparent()
    while parent is not None and element.getprevious() is not None:
        del parent[0]


def _check_root(root: "Element", name: str) -> None:
    if root.getroottree().docinfo.doctype:  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]  # missing in its stub
        raise _OtherDocumentError(f"{name} declares a document type (DOCTYPE) or entities; Avails have none.")
    namespace, _, own = str(root.tag)[1:].rpartition("}")
    if own not in _ROOTS or not _NAMESPACE.fullmatch(namespace):
        where = f" of {namespace}" if namespace else " without a namespace"
        raise _OtherDocumentError(f"{name} is a {local_name(root)}{where}, not an AvailList of version 2.")


def _read_avail(element: "Element", path: str, intake: Intake) -> None:
    """Gives each transaction of an Avail, for each of its assets, to the intake."""
    own = Said(path, element.sourceline, intake)
    assets: list[Said] = []
    transactions: list[tuple[Element, str]] = []
    for child in element:
        name, at = local_name(child), own.at(child)
        if name in ("ALID", "AvailType", "ShortDescription", "ExceptionFlag"):
            own.put(name, words_in(child), at)
        elif name in _WITHIN:
            field, below = _WITHIN[name]
            own.put(field, words_in(child_of(child, below)), at)
        elif name == "Asset":
            assets.append(read_asset(child, f"{path}/Asset[{len(assets) + 1}]", intake))
        elif name == "Transaction":
            transactions.append((child, f"{path}/Transaction[{len(transactions) + 1}]"))
        elif name not in _IGNORED:
            own.drop(name, at)
    whole = own.fields.get("EntryType", "").casefold() == "full delete"
    if not transactions and not whole:
        intake.remarks.mistake(own(""), "The Avail has no Transaction.", "Give one, or take the Avail out.")
    if not assets:
        intake.remarks.mistake(own(""), "The Avail has no Asset.", "Name the work in an Asset with its contentID.")
    for asset in assets:
        asset.take(own)
        for each, where in transactions:
            said = Said(where, each.sourceline, intake)
            _read_transaction(each, where, said)
            said.take(asset)
            intake.add(said.fields, said)
        if whole and not transactions:
            intake.add(asset.fields, asset)


def _read_transaction(element: "Element", path: str, said: Said) -> None:
    said.put("AvailID", _attribute(element, "TransactionID"), f"{path}/@TransactionID (line {element.sourceline})")
    for child in element:
        name, at = local_name(child), said.at(child)
        if name in TRANSACTION:
            said.put(TRANSACTION[name], words_in(child), at)
            if name.endswith("Condition"):
                said.put(f"{TRANSACTION[name]}Lag", _attribute(child, "lag"), at)
            for attribute in PROFILE if name == "FormatProfile" else ():
                said.put(attribute, _attribute(child, attribute), at)
        elif name in LISTS:
            asset = _attribute(child, "asset")
            said.join(LISTS[name], words_in(child) + (f":{asset}" if asset else ""), at)
        elif name == "Licensee":
            said.put(name, words_in(child_of(child, "DisplayName")), at)
        elif name == "Term":
            _read_term(child, path, said)
        else:
            said.refuse(name, at)


def _attribute(element: "Element", name: str) -> str:
    return (element.get(name) or "").strip()


def _read_term(element: "Element", path: str, said: Said) -> None:
    term = _attribute(element, "termName")
    at = f"{path}/Term[@termName={term!r}] (line {element.sourceline})"
    value = next(iter(element), None)
    kind = "" if value is None else local_name(value)
    if value is None or kind not in TERM_KINDS or len(term) > 100:
        said.drop(f"The Term {term[:100]}", at)
        return
    text = words_in(value)
    if kind == "Money":
        currency = _attribute(value, "currency")
        text = minor_units(text, currency) or f"{text} {currency}".strip()
    if term in LANGUAGE_TERMS:
        said.join(LANGUAGE_TERMS[term], text, at)
        return
    field, usual = TERMS.get("PreorderFulfillDate" if term == "PreOrderFulfillDate" else term, ("", ""))
    if field in _EACH_COUNTS:
        said.join(field, text, at)
    elif field and (kind == usual or field in _DECIDING):
        said.put(field, text, at)
    elif term in PRICES and kind == price_kind(term, text) and "PriceType" not in said.fields:
        said.put("PriceType", term, at)
        said.put("PriceValue", text, at)
    else:
        said.keep(term, at)
        key = f"Term:{term}:{kind}"
        times = sum(each.startswith(key) for each in said.fields)
        said.put(f"{key}:{times + 1}" if times else key, text, at)
