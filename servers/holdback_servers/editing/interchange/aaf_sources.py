"""Where a clip of an AAF file comes from: the walk from a composition through master and file mobs to a tape."""

from fractions import Fraction
from typing import Any, NamedTuple

from holdback_servers.editing.interchange import aaf_terms as terms
from holdback_servers.editing.interchange.naming import base_name, hash_in, one_line
from holdback_servers.editing.interchange.sheet import Name, Unreadable

_LONGEST_CHAIN = 20


class Source(NamedTuple):
    """What a clip shows: names, and its first frame at a rate, exactly; from the media's first, or on its tape."""

    name: Name
    frame: Fraction
    rate: Fraction
    on_tape: bool


def source_of(clip: Any, rate: Fraction, where: str) -> Source | None:
    """The source of a clip; None where it points at nothing.

    Args:
        rate: of the track that the clip is on.

    Raises:
        Unreadable: for a clip of another sequence, a chain without end, and what is not in the file.
    """
    words, found = dict[str, str](), None
    frame, units, on_tape = Fraction(0), rate, False
    for mob, position, each in _chain(clip, rate, where):
        what = type(mob).__name__
        if what == "MasterMob":
            words.setdefault("title", one_line(str(mob.name or ""), 200))
            words.setdefault("media", hash_in(*_comments(mob)))
            frame, units = position, each
        elif what == "CompositionMob":
            raise Unreadable(where, "it shows another sequence.", "Nested sequences are not read: flatten, and export.")
        elif _is_file(mob):
            words.setdefault("file", _file_name(mob))
            if found is None:
                frame, units = position, each
            found = mob
        else:
            words.setdefault("reel", one_line(str(mob.name or ""), 200))
            if found is None:
                frame, units, on_tape, found = position + _timecode(mob, each), each, True, mob
    if not words:
        return None
    return Source(Name(**{key: value for key, value in words.items() if value}), frame, units, on_tape)


def _chain(clip: Any, rate: Fraction, where: str) -> list[tuple[Any, Fraction, Fraction]]:
    """Each mob with the position in it, at the rate of its track, and that rate."""
    found: list[tuple[Any, Fraction, Fraction]] = []
    seen: set[Any] = set()
    position = Fraction(0)
    while clip is not None and len(found) < _LONGEST_CHAIN:
        mob = clip.mob
        if mob is None:
            if clip.mob_id is not None and clip.mob_id.int and not found:
                raise Unreadable(where, "what it shows is not described in the file.", "Export it with its sources.")
            return found
        if mob.mob_id in seen:
            raise Unreadable(
                where, "its sources point at each other in a circle.", "The file is damaged; export again."
            )
        seen.add(mob.mob_id)
        slot = _slot(mob, clip.slot_id)
        position += int(clip.start or 0)
        if slot is None:
            found.append((mob, position, rate))
            return found
        theirs = Fraction(str(slot.edit_rate))
        position = position * theirs / rate + int(slot.origin or 0)
        rate = theirs
        found.append((mob, position, rate))
        clip = _first_clip(slot.segment)
    return found


def _slot(mob: Any, number: int | None) -> Any:
    """The track that is meant, where it has frames; a still has none."""
    return next((each for each in mob.slots if each.slot_id == number and hasattr(each, "origin")), None)


def _first_clip(segment: Any) -> Any:
    """The one clip of a track of a source; None for its end, or where it is put together from several."""
    what = type(segment).__name__
    if what == "Sequence":
        there = [each for each in segment.components if each.length]
        return _first_clip(there[0]) if len(there) == 1 else None
    if what == "EssenceGroup":
        return _first_clip(next(iter(segment["Choices"].value), None))
    return segment if what == "SourceClip" else None


def _comments(mob: Any) -> list[str]:
    return [str(value) for _, value in mob.comments.items()]


def _is_file(mob: Any) -> bool:
    return type(mob).__name__ == "SourceMob" and isinstance(mob.descriptor, terms.library().essence.FileDescriptor)


def _file_name(mob: Any) -> str:
    """Of the first locator that has one, else of the mob; without its folders, which nobody here follows."""
    for locator in mob.descriptor["Locator"].value or ():
        address = locator.get("URLString")
        if address is not None and (name := base_name(str(address.value or ""))):
            return one_line(name, 200)
    return one_line(str(mob.name or ""), 200)


def _timecode(mob: Any, rate: Fraction) -> Fraction:
    """The timecode on which a tape begins, in frames of the track."""
    for slot in mob.slots:
        segment: Any = slot.segment
        if type(segment).__name__ == "Sequence":
            segment = next(iter(segment.components), None)
        if segment is not None and type(segment).__name__ == "Timecode":
            return Fraction(int(segment.start)) * rate / Fraction(str(slot.edit_rate))
    return Fraction(0)
