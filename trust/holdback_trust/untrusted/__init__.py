"""Other people's words: titles, descriptions, transcripts, file names, messages. They are data, whatever they ask for.

Nothing that is found here allows or forbids anything by itself. What keeps such words from doing harm is that plans,
tools and targets are never made of them; that they are marked on their way to a model (`marking`); and that the
guardian knows what they ask for, should somebody then try just that.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple, cast

from holdback_trust.untrusted import phrases
from holdback_trust.untrusted.phrases import Kind
from holdback_trust.untrusted.reading import fold, hidden, layers, lookalike, turned, windows

__all__ = ["Kind", "Suspicion", "fold", "suspicions", "suspicions_in", "texts"]

_DEEPEST = 3
"""Encodings within encodings that are looked through."""
_MOST = 20
_SHOWN = 120


class Suspicion(NamedTuple):
    """Words that read like an order to a machine.

    `kind` is what the order is about (`phrases.Kind`), or `hidden`: letters that nobody sees. `language` is BCP 47, or
    empty. `how` it was written: `plain`, `base64`, `tag characters` ... `words` are at most 120 characters of what was
    found, folded. `asks` names the deeds that the same text asks for: approve, clear, publish, send, delete, reveal,
    grant, change, call.
    """

    kind: Kind
    language: str
    how: str
    words: str
    asks: frozenset[str]


def suspicions(text: str) -> tuple[Suspicion, ...]:
    """What in the text reads like an order to a machine, at most twenty; nothing for a text that just is one.

    A sign, not a proof: a person may write `ignore the previous instructions` to a person, and who wants to be missed
    will be. Pure; the answers for short texts are kept.
    """
    return _kept(text) if len(text) <= 2000 else _found(text)


def suspicions_in(value: Any) -> Iterator[tuple[str, Suspicion]]:
    """The same for every text in a JSON value, each with the JSON Pointer (RFC 6901) of the text."""
    for pointer, text in texts(value):
        for each in suspicions(text):
            yield pointer, each


def texts(value: Any, at: str = "") -> Iterator[tuple[str, str]]:
    """Every text in a JSON value with its JSON Pointer; names of members count as texts of their object."""
    if isinstance(value, str):
        yield at, value
    elif isinstance(value, Mapping):
        for name, each in cast(Mapping[str, Any], value).items():
            if " " in name:  # a name of a field has none; words have
                yield at, name
            yield from texts(each, f"{at}/{name.replace('~', '~0').replace('/', '~1')}")
    elif isinstance(value, list | tuple):
        for place, each in enumerate(cast(list[Any], value)):
            yield from texts(each, f"{at}/{place}")


@lru_cache(maxsize=4096)
def _kept(text: str) -> tuple[Suspicion, ...]:
    return _found(text)


def _found(text: str) -> tuple[Suspicion, ...]:
    found: dict[tuple[str, str, str], Suspicion] = {}
    for window in windows(text):
        for each in _look(window, "plain", 0):
            found.setdefault((each.kind, each.language, each.words), each)
            if len(found) == _MOST:
                return tuple(found.values())
    return tuple(found.values())


def _look(text: str, how: str, depth: int) -> Iterator[Suspicion]:
    folded = fold(text)
    yield from _match(folded, how)
    if not text.isascii():
        for way, said in hidden(text):
            inner = tuple(_look(said, way, depth + 1)) if depth < _DEEPEST and said else ()
            if way != "zero-width characters" or inner:  # joiners shape the letters of many scripts
                yield Suspicion("hidden", "", way, fold(said)[:_SHOWN], _asked(fold(said)))
            yield from inner
        if said := lookalike(folded):
            yield from _match(said, "look-alike letters", english=True)
    if depth < _DEEPEST:
        for way, said, squeezed in layers(text, folded):
            yield from _match(said, way, squeezed=True) if squeezed else _look(said, way, depth + 1)
    if depth == 0:
        for way, said in turned(folded, phrases.rule_stems()):
            yield from (each for each in _match(said, way, english=True) if each.kind == "override")


def _match(folded: str, how: str, *, squeezed: bool = False, english: bool = False) -> Iterator[Suspicion]:
    for wording in phrases.wordings() if squeezed else phrases.worded(folded):
        if (english or squeezed) and wording.language != "en":
            continue
        if match := (wording.run_together if squeezed else wording.spaced).search(folded):
            words = " ".join(match.group().split())[:_SHOWN]
            yield Suspicion(wording.kind, wording.language, how, words, _asked(folded))


def _asked(folded: str) -> frozenset[str]:
    return frozenset(name for name, stems in phrases.acts() if any(stem in folded for stem in stems))
