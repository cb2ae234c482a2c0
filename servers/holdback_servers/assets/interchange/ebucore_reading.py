"""EBUCorePlus 2.0 in Turtle, in: editorial works, and what is said of bytes that are named by their sha256."""

import re
from collections import Counter
from typing import Any, TypeVar

from holdback_base.problem import Problem
from pydantic import ValidationError

from holdback_servers.assets.interchange.catalogue import Described, Incoming, told
from holdback_servers.assets.interchange.ebucore import EC
from holdback_servers.assets.model import Value, Work

_Told = TypeVar("_Told", Work, Described)
_LONGEST = 32 << 20
_SHA256 = re.compile(r"(?:sha256:)?([0-9a-f]{64})", re.IGNORECASE)


def read(content: str) -> Incoming:
    """What is said in Turtle of editorial works, and of bytes that are named by their sha256.

    Raises:
        Problem: INVALID_ARGUMENT for what is not Turtle or does not fit; TOO_LARGE over 32 MiB.
    """
    from rdflib import Graph

    if len(content) > _LONGEST:
        raise Problem("TOO_LARGE", "The catalogue has more than 32 MiB.", "Send it in parts.")
    graph: Any = Graph()
    try:
        graph.parse(data=content, format="turtle", publicID="file:///catalogue")
    except Exception as error:  # rdflib's parser raises what it likes, as it likes
        said = " ".join(str(error).split())[:300]
        raise Problem("INVALID_ARGUMENT", f"This is not Turtle: {said}.", "Send EBUCorePlus as Turtle.") from error
    found = _Reader(graph)
    works = [found.work(each) for each in found.works()]
    described = [found.described(*each) for each in found.media()]
    left = found.left_out()
    return Incoming(
        works=tuple(works),
        described=tuple(each for each in described if each.of_asset),
        said=len(graph),
        left_out=told(left),
    )


class _Reader:
    """Reads a graph and remembers which of its statements it took."""

    def __init__(self, graph: Any) -> None:
        from rdflib import RDF, Namespace

        self._graph, self._ec, self._type = graph, Namespace(EC), RDF.type
        self._taken: set[Any] = set()

    def _all(self, thing: Any, name: str) -> list[Any]:
        return sorted(self._graph.objects(thing, self._ec[name]))

    def _first(self, thing: Any, name: str) -> str:
        """The first literal of that name; empty where there is none."""
        for each in self._all(thing, name):
            self._taken.add((thing, self._ec[name], each))
            return str(each)
        return ""

    def _linked(self, thing: Any, name: str) -> list[Any]:
        others = self._all(thing, name)
        self._taken.update((thing, self._ec[name], each) for each in others)
        for each in others:
            self._taken.update((each, self._type, kind) for kind in self._graph.objects(each, self._type))
        return others

    def works(self) -> list[Any]:
        """The editorial works."""
        return sorted(self._graph.subjects(self._type, self._ec["EditorialWork"]))

    def work(self, thing: Any) -> Work:
        """One of them. Raises Problem INVALID_ARGUMENT naming it."""
        self._taken.add((thing, self._type, self._ec["EditorialWork"]))
        names = [
            {"scope": self._first(each, "name") or "house", "value": self._first(each, "identifierValue")}
            for each in self._linked(thing, "hasIdentifier")
        ]
        own = str(thing).removeprefix("urn:holdback:")
        known = {"id": own if own.startswith("wrk_") else "", "title": self._first(thing, "title")}
        return _checked(Work, thing, known | {"identifiers": names, "at": "1970-01-01T00:00:00Z"})

    def media(self) -> list[tuple[Any, str]]:
        """Things whose hash value is a sha256, with it; other hashes name nothing here."""
        found: list[tuple[Any, str]] = []
        for thing in sorted(set(self._graph.subjects(self._ec["hashValue"], None))):
            if (match := _SHA256.fullmatch(self._first(thing, "hashValue"))) is not None:
                found.append((thing, f"sha256:{match.group(1).lower()}"))
            else:
                self._taken.difference_update([each for each in self._taken if each[0] == thing])
        return found

    def described(self, thing: Any, media: str) -> Described:
        """What is said of some media: of itself, or of what it is an instance of."""
        values: dict[str, Value] = {}
        above = sorted(self._graph.subjects(self._ec["isInstantiatedBy"], thing))
        self._taken.update((each, self._ec["isInstantiatedBy"], thing) for each in above)
        for about in (*above, thing):
            self._taken.update((about, self._type, kind) for kind in self._graph.objects(about, self._type))
            values |= {name: said for name in ("title", "description") if (said := self._first(about, name))}
            linked = self._linked(about, "hasKeyword")
            if words := sorted({word for each in linked if (word := self._word(each))}):
                values["tags"] = tuple(words)
        return _checked(Described, thing, {"media": media, "of_asset": values})

    def _word(self, keyword: Any) -> str:
        """A keyword's name, or itself where it is no thing but a word."""
        from rdflib import Literal

        return str(keyword) if isinstance(keyword, Literal) else self._first(keyword, "name")

    def left_out(self) -> Counter[str]:
        """The statements that were not taken, by property, or by class where they only say what a thing is."""
        found: Counter[str] = Counter()
        for statement in self._graph:
            if statement not in self._taken:
                _, name, value = statement
                found[_short(value if name == self._type else name)] += 1
        return found


def _short(name: Any) -> str:
    return str(name).replace(EC, "ec:")


def _checked(kind: type[_Told], thing: Any, told_of_it: dict[str, Any]) -> _Told:
    try:
        return kind.model_validate(told_of_it)
    except ValidationError as error:
        wrong = error.errors()[0]
        where = ".".join(str(each) for each in wrong["loc"])
        raise Problem(
            "INVALID_ARGUMENT",
            f"{str(thing)[:120]} cannot be read: {where}: {wrong['msg']}.",
            "Give each work a title, and each identifier a value.",
        ) from error
