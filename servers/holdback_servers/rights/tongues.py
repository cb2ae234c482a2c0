"""Languages of rights and requests: BCP 47 tags, split by the track they are for. Pure.

`de` means the language in every use; `audio:de`, `subtitle:de`, `dub:de` mean one use only. Avails write this as
AllowedLanguage or HoldbackLanguage with an `asset`.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Final, Literal

from holdback_base.problem import Problem
from holdback_base.vocabulary import parse_language

TrackUse = Literal["audio", "subtitle", "dub"]
USES: Final[tuple[TrackUse, ...]] = ("audio", "subtitle", "dub")
ANY_LANGUAGE: Final = frozenset({"all", "any", "mul"})
"""Words for every language that are also codes of a language: read as that, a blackout would stand against next to
nothing."""


_CHINESE = ("cmn", "yue", "wuu", "nan", "hak", "gan", "hsn", "cdo", "cjy", "mnp", "cpx")
_AROUND: Final[Mapping[str, str]] = dict.fromkeys(_CHINESE, "zh")
"""Languages that ISO 639-3 holds in `zh`; Avails name Mandarin `cmn`."""
_SAID = "ar bo br bz cl co cr cu do ec fk gf gp gt gy hn ht jm mq mx ni pa pe pr py sr sv tt uy ve"
_LATIN_AMERICA: Final = frozenset(_SAID.split())
"""Countries of the region 419 of UN M.49 in which the languages that are named with it are spoken."""


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
    return (not own_use or not use or own_use == use) and not _apart(own_tag.split("-"), tag.split("-"))


def _apart(one: list[str], other: list[str]) -> bool:
    """Whether no speech is in both: other languages, or both name a script, a region or a variant that differ. What one
    of them leaves out may be anything: `zh-tw` meets `zh-hant-tw`."""
    if _AROUND.get(one[0], one[0]) != _AROUND.get(other[0], other[0]) or (one[0] in _AROUND and other[0] in _AROUND):
        return one[0] != other[0]
    parts, others = _parts(one), _parts(other)
    return any(not _regions_meet(parts[sort], others[sort]) for sort in parts.keys() & others.keys())


def _parts(subtags: list[str]) -> dict[str, str]:
    """Script, region and variants, as far as they are named."""
    found: dict[str, str] = {}
    for each in subtags[1:]:
        sort = "script" if len(each) == 4 else "region" if len(each) < 4 else "variant"
        found[sort] = f"{found.get(sort, '')}{each}"
    return found


def _regions_meet(one: str, other: str) -> bool:
    if one == other:
        return True
    area, inside = (one, other) if one.isdigit() else (other, one)
    return area.isdigit() and (area != "419" or inside.isdigit() or inside in _LATIN_AMERICA)


def _split(tongue: str) -> tuple[str, str]:
    use, _, tag = tongue.rpartition(":")
    return use, tag.lower()


def _within(tag: str, around: str) -> bool:
    """RFC 4647 basic filtering."""
    return tag == around or tag.startswith(around + "-")
