"""What media is called in other people's files, and which media a file means. Pure. No path leaves."""

import re
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import unquote

from holdback_base.elements import CutFacts
from holdback_base.vocabulary import timecode_to_frames

from holdback_servers.editing.interchange.sheet import Media, Name
from holdback_servers.editing.model import Timeline, media_frames

_HASH = re.compile(r"sha256[:-]?([0-9a-f]{64})")
_LINE = 74


def one_line(text: str, most: int = _LINE) -> str:
    """Text in one line, cut to what a line holds."""
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())[:most]


def file_name(title: str, media: str, kind: str) -> str:
    """A name that a file of this media may be given by who has it: words of its title and the start of its hash."""
    return f"{slug(title) or kind}-{media[7:15]}.{'mp4' if kind == 'picture' else 'wav'}"


def slug(text: str) -> str:
    """Words as a part of a file name: lower case letters, digits and dashes."""
    kept = "".join(each if each.isascii() and each.isalnum() else "-" for each in text.lower())
    return "-".join(part for part in kept.split("-") if part)[:60]


def media_of(timeline: Timeline, starts: Mapping[str, str]) -> tuple[Media, ...]:
    """Everything the cut uses, with names for other programs; reels have up to eight letters, no two alike.

    Args:
        starts: timecode of the first frame of each media; 00:00:00:00 where none is named.
    """
    found: list[Media] = []
    for media in timeline.media_used():
        facts = timeline.facts(media)
        title = one_line(facts.title) if facts and facts.title else media[7:19]
        begins = starts.get(media, "00:00:00:00")
        found.append(
            Media(
                media=media,
                title=title,
                reel=_reel(title, media, {each.reel for each in found}),
                file=file_name(title, media, "picture" if facts and facts.width else "sound"),
                start=timecode_to_frames(begins, timeline.rate),
                drop=";" in begins,
                frames=media_frames(facts, timeline.rate) if facts else 0,
                width=facts.width if facts else None,
                height=facts.height if facts else None,
            )
        )
    return tuple(found)


def _reel(title: str, media: str, taken: set[str]) -> str:
    name = "".join(each for each in title.upper() if each.isascii() and each.isalnum())[:8]
    return name if name and name not in taken and name not in ("BL", "BLACK", "AX", "BARS") else media[7:15].upper()


def base_name(url: str) -> str:
    """The last part of a path or an address, as text: `Interview 2.mov`. Paths of other machines are not followed."""
    return re.split(r"[/\\]", unquote(url).rstrip("/\\"))[-1] if url else ""


def hash_in(*texts: str) -> str:
    """The first media hash named in some texts, as `sha256:...`; empty when there is none."""
    for text in texts:
        if match := _HASH.search(text):
            return f"sha256:{match[1]}"
    return ""


def matching(name: Name, sources: Sequence[CutFacts], given: Mapping[str, str]) -> list[str]:
    """The media that a file may mean by a name: one when it is sure, none when it is unknown, several when unclear.

    Looked for by what the caller says it is, then by hash, then by file, reel or title.
    """
    asked = {_plain(key): media for key, media in given.items()}
    for word in name.words():
        for key in (word, _stem(word)):
            if media := asked.get(_plain(key)):
                return [media]
    if name.media:
        return [each.media for each in sources if each.media == name.media]
    for wanted in (name.file, name.reel, name.title):
        found = list(dict.fromkeys(each.media for each in sources if wanted and _is_called(each, wanted)))
        if found:
            return found
    return []


def _is_called(facts: CutFacts, wanted: str) -> bool:
    title, stem = facts.title or "", _plain(_stem(wanted))
    names = {_plain(title), _plain(_stem(title)), _plain(file_name(title, facts.media, "picture").rpartition(".")[0])}
    reels = {_plain(title)[:8], facts.media[7:15]}
    return stem in names or (len(stem) <= 8 and stem in reels) or _plain(wanted) in names


def _stem(name: str) -> str:
    """Without what stands behind the last dot, when that looks like the kind of a file."""
    return re.sub(r"\.[A-Za-z0-9]{2,4}$", "", name)


def _plain(text: str) -> str:
    return "".join(each for each in text.casefold() if each.isalnum())


def listed(words: Iterable[str], most: int = 8) -> str:
    """Names for a message, cut when there are many."""
    names = [f"{one_line(each, 40)!r}" for each in words]
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
