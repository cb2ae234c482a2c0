"""How people word orders to a machine: `phrases.toml`, made into patterns when something is first looked for."""

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

from holdback_trust.untrusted.reading import fold

Kind = Literal["override", "addressed", "bypass", "leak", "act", "hidden"]
"""What an order is about, as `phrases.toml` says it; `hidden` are letters that nobody sees, whatever they say."""


class Wording(NamedTuple):
    """A phrase: its pattern for words as written, and one for words whose separators were lost."""

    kind: Kind
    language: str
    spaced: re.Pattern[str]
    run_together: re.Pattern[str]


@cache
def wordings() -> tuple[Wording, ...]:
    """All phrases, ready to be looked for."""
    words: dict[str, str] = _file()["words"]
    return tuple(
        Wording(each["kind"], each.get("language", ""), *_patterns("|".join(each["patterns"]), words))
        for each in _file()["phrases"]
    )


def worded(folded: str) -> list[Wording]:
    """Those of which a stem occurs in the text, in their order."""
    numbers = {number for stem, number in _stems() if stem in folded}
    return [wordings()[number] for number in sorted(numbers)] if numbers else []


@cache
def rule_stems() -> tuple[str, ...]:
    """What occurs wherever rules are set aside in English."""
    english = (each for each in _file()["phrases"] if each["kind"] == "override" and each.get("language") == "en")
    return tuple(sorted({stem for each in english for stem in each["stems"]}))


@cache
def acts() -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The names of deeds with the folded stems by which a text asks for them."""
    return tuple((name, tuple(fold(stem) for stem in stems)) for name, stems in _file()["acts"].items())


@cache
def _stems() -> tuple[tuple[str, int], ...]:
    return tuple((fold(stem), number) for number, each in enumerate(_file()["phrases"]) for stem in each["stems"])


@cache
def _file() -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))


def _patterns(source: str, words: dict[str, str]) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """A gap and a word have no character in common, so that looking through a text costs no more than its length."""
    for name, meant in words.items():
        source = source.replace(f"@{name}@", meant)
    parts = re.split(r"(\\.)", source)  # escapes are not folded: a class of characters is not its opposite
    folded = "".join(each if number % 2 else fold(each) for number, each in enumerate(parts))
    spaced = folded.replace(" ?", r"[\W_]{0,20}").replace(" ", r"[\W_]{1,20}")
    joined = folded.replace(r"\b", "").replace(" ?", "").replace(" ", "")
    between = r"(?:[\W_]{1,20}[^\W_]{1,30}){0,5}[\W_]{1,20}"
    return re.compile(spaced.replace("~", between)), re.compile(joined.replace("~", r"\w{0,30}"))
