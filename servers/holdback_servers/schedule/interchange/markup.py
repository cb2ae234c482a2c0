"""XML that others wrote, read with care: no entities, no network, no endless trees. Pure."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from holdback_servers.schedule.asrun_nouns import FileContents, Remark

if TYPE_CHECKING:
    from lxml.etree import _Element as Element  # pyright: ignore[reportPrivateUsage]  # lxml has no public name for it

MAX_CHARACTERS: Final = 4 << 20
"""Of a file that is read here."""
MAX_ITEMS: Final = 20_000
_DECLARATION: Final = re.compile(r"\s*<\?xml[^>]*\?>")


class UnreadableError(ValueError):
    """A file that cannot be read at all; `remark` says why, and the cure."""

    def __init__(self, remark: Remark) -> None:
        super().__init__(remark.message)
        self.remark = remark

    @property
    def contents(self) -> FileContents:
        """The file as one mistake."""
        return FileContents(mistakes=(self.remark,))


def check_size(content: str, name: str) -> None:
    """Raises UnreadableError for a file that is empty or over the limit."""
    if not content.strip():
        raise UnreadableError(Remark(place=name, message="It is empty.", hint="Copy the file again."))
    if len(content) > MAX_CHARACTERS:
        message = f"It has {len(content):,} characters; {MAX_CHARACTERS:,} are read."
        raise UnreadableError(
            Remark(place=name, message=message, hint="Split it, by days; each part is taken by itself.")
        )


def parse(content: str, name: str) -> "Element":
    """The root of an XML document. It may name a document type; nothing of it is fetched.

    Args:
        content: the document as text, whatever encoding its first line speaks of.
        name: what people call it, for messages.

    Raises:
        UnreadableError: for what is no well-formed XML, declares entities, is nested endlessly, or is too large.
    """
    from lxml import etree

    check_size(content, name)
    if "<!ENTITY" in content:
        hint = "Write what they stand for in their place, and take the declarations out."
        raise UnreadableError(Remark(place=name, message="It declares entities, which are not read.", hint=hint))
    parser = etree.XMLParser(
        encoding="utf-8", resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False,
        huge_tree=False, remove_comments=True, remove_pis=True,
    )  # fmt: skip
    try:
        return etree.fromstring(_DECLARATION.sub("", content, count=1).encode("utf-8", "replace"), parser)
    except etree.XMLSyntaxError as error:
        remark = Remark(
            place=f"line {error.lineno or 1}",
            message=f"It is not well-formed XML: {error.msg}.",
            hint="Send the whole file as the other system wrote it.",
        )
        raise UnreadableError(remark) from error


def local(element: "Element") -> str:
    """The name of an element without its namespace."""
    return str(element.tag).rpartition("}")[2]


def children(element: "Element", *names: str) -> "Iterator[Element]":
    """The children of one of these names, whatever their namespace."""
    return (each for each in element if local(each) in names)


def below(element: "Element", name: str) -> "Iterator[Element]":
    """All elements of this name anywhere within."""
    return (each for each in element.iter() if local(each) == name)


def at(element: "Element | None", *path: str) -> "Element | None":
    """The first element that a path of names leads to."""
    for name in path:
        element = None if element is None else next(children(element, name), None)
    return element


def text_at(element: "Element | None", *path: str) -> str:
    """The text of that element, in one line; nothing where there is none."""
    found = at(element, *path)
    return "" if found is None else " ".join("".join(str(each) for each in found.itertext()).split())


def attribute(element: "Element | None", name: str) -> str:
    """An attribute by its name, in whatever case it is written; nothing where there is none."""
    named = [str(key) for key in element.keys()] if element is not None else []  # noqa: SIM118 - an element's attributes
    found = next((key for key in named if key.lower() == name.lower()), None)
    return "" if element is None or found is None else str(element.get(found) or "")
