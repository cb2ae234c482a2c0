"""XML that others wrote, read with care: no entities, no network, no endless trees. Pure."""

from fractions import Fraction
from typing import TYPE_CHECKING

from holdback_servers.editing.interchange.sheet import Unreadable

if TYPE_CHECKING:
    from lxml.etree import _Element as Element  # pyright: ignore[reportPrivateUsage]  # lxml has no public name for it

_DEEPEST = 100


def parse(text: str, root: str) -> "Element":
    """The root of a document. It may name a document type; nothing of it is fetched.

    Raises:
        Unreadable: for what is no well-formed XML, has another root, declares entities, or is nested endlessly.
    """
    from lxml import etree

    if "<!ENTITY" in text:
        raise Unreadable("The file", "it declares entities, which are not read.", "Export it again without them.")
    parser = etree.XMLParser(
        encoding="utf-8", resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False,
        huge_tree=False, remove_comments=True, remove_pis=True,
    )  # fmt: skip
    body = text.lstrip("\ufeff \t\r\n")
    if body.startswith("<?xml"):
        body = body.partition("?>")[2]
    try:
        made = etree.fromstring(body.encode("utf-8", "replace"), parser)
    except etree.XMLSyntaxError as error:
        where = f"Line {error.lineno or 1}"
        raise Unreadable(where, f"no well-formed XML: {error.msg}.", "Export the whole file again.") from error
    if made.tag != root:
        raise Unreadable("The file", f"its first element is {str(made.tag)[:40]!r}, not {root!r}.", "Check the format.")
    deepest, walk = 0, 0
    for event, _ in etree.iterwalk(made, events=("start", "end")):
        walk += 1 if event == "start" else -1
        deepest = max(deepest, walk)
    if deepest > _DEEPEST:
        raise Unreadable("The file", "it is nested too deeply for a cut.", "Export one timeline, flattened.")
    return made


def place(element: "Element") -> str:
    """Where an element stands, for people: its line and name."""
    return f"Line {element.sourceline or 1}, {str(element.tag)[:30]} {str(element.get('name', ''))[:40]!r}".rstrip(" '")


def seconds(text: str | None, where: str) -> Fraction:
    """`1001/30000s` or `5s` in seconds; nothing is 0. Raises Unreadable."""
    given = (text or "0s").strip()
    number, _, over = given.removesuffix("s").partition("/")
    try:
        return Fraction(number) / Fraction(over or 1)
    except (ValueError, ZeroDivisionError) as error:
        raise Unreadable(where, f"{given[:40]!r} is no time.", "Write seconds as 1001/30000s.") from error
