"""Languages of rights and requests: BCP 47 tags, split by the track they are for. Pure.

`de` means the language in every use; `audio:de`, `subtitle:de`, `dub:de` mean one use only. Avails write this as
AllowedLanguage or HoldbackLanguage with an `asset`.
"""

from functools import lru_cache
from typing import Final, Literal

from holdback_base.problem import Problem
from holdback_base.vocabulary import parse_language

TrackUse = Literal["audio", "subtitle", "dub"]
USES: Final[tuple[TrackUse, ...]] = ("audio", "subtitle", "dub")
ANY_LANGUAGE: Final = frozenset({"all", "any", "mul"})
"""Words for every language that are also codes of a language: read as that, a blackout would stand against next to
nothing."""


def parse_tongue(text: str) -> str:
    """A tag in its usual case, with its use before it where one is named: `es-419`, `subtitle:de`.

    Raises Problem LANGUAGE_UNKNOWN for a tag that is none and for a use that is not audio, subtitle or dub.
    """
    use, colon, tag = text.strip().rpartition(":")
    if not colon:
        return parse_language(tag)
    if use.strip().lower() not in USES:
        raise Problem(
            "LANGUAGE_UNKNOWN",
            f"{text!r} names the use {use!r}.",
            "Write audio:de, subtitle:de or dub:de, or de for every use.",
        )
    return f"{use.strip().lower()}:{parse_language(tag)}"


@lru_cache(maxsize=4096)
def grants_tongue(own: str, asked: str) -> bool:
    """Whether a language of a grant covers all of an asked one: es covers es-419 and subtitle:es, never back."""
    own_use, own_tag = _split(own)
    use, tag = _split(asked)
    return own_use in ("", use) and _within(tag, own_tag)


@lru_cache(maxsize=4096)
def meets_tongue(own: str, asked: str) -> bool:
    """Whether a language of a restriction and an asked one have anything in common."""
    own_use, own_tag = _split(own)
    use, tag = _split(asked)
    return (not own_use or not use or own_use == use) and (_within(tag, own_tag) or _within(own_tag, tag))


def _split(tongue: str) -> tuple[str, str]:
    use, _, tag = tongue.rpartition(":")
    return use, tag.lower()


def _within(tag: str, around: str) -> bool:
    """RFC 4647 basic filtering."""
    return tag == around or tag.startswith(around + "-")
