"""The sum of a track of an AAF file: where each clip is seen once transitions have taken their part of it. Pure.

A transition overlaps what stands on both its sides; the cut lies in it, at its cut point. A mix with nothing is a dip.
All numbers are edit units of the track.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, cast

from holdback_servers.editing.interchange.sheet import Change, Unreadable
from holdback_servers.editing.parts import TransitionKind


class Item(NamedTuple):
    """Something on a track, handles and all; nothing where there is no clip. Speed in percent."""

    frames: int
    clip: Any = None
    speed: int = 100
    held: bool = False
    told: dict[str, Any] = {}  # noqa: RUF012 - never changed


class Cut(NamedTuple):
    """A transition, how much of it lies before the cut, and what this room has said it is."""

    frames: int
    before: int
    kind: TransitionKind
    told: str = ""


class Place(NamedTuple):
    """Where a clip is seen: from which unit, for how many, and how many of it a transition has shown before."""

    item: Item
    at: int
    frames: int
    head: int


class Laid(NamedTuple):
    """A track with its clips and transitions in place."""

    pieces: list[Place]
    changes: list[Change]
    length: int


def laid(items: Sequence[Item | Cut], name: str) -> Laid:
    """Put what a track has one after the other.

    Raises:
        Unreadable: for transitions without anything beside them, or longer than their clips.
    """
    made = Laid([], [], 0)
    position = 0
    for number, item in enumerate(items):
        if isinstance(item, Cut):
            _check(items, number, name)
            position -= item.frames
            _add(made.changes, _change(items, number, position, name))
            continue
        into = items[number - 1] if number else None
        out = items[number + 1] if number + 1 < len(items) else None
        head = into.before if isinstance(into, Cut) else 0
        tail = out.frames - out.before if isinstance(out, Cut) else 0
        frames = item.frames - head - tail
        if item.frames < 0 or position < 0 or (item.frames and frames < 0) or (item.clip is not None and frames == 0):
            raise Unreadable(f"Track {name}", "its transitions are longer than a clip.", "Export the sequence again.")
        if item.clip is not None and item.frames:
            made.pieces.append(Place(item, position + head, frames, head))
        position += item.frames
    return made._replace(length=position)


def _check(items: Sequence[Item | Cut], number: int, name: str) -> None:
    cut = cast("Cut", items[number])
    beside = [*items[max(0, number - 1) : number], *items[number + 1 : number + 2]]
    if len(beside) != 2 or any(isinstance(each, Cut) for each in beside) or not 0 <= cut.before <= cut.frames:
        raise Unreadable(f"Track {name}", "a transition is not between two clips.", "Export the sequence again.")


def _change(items: Sequence[Item | Cut], number: int, position: int, name: str) -> Change:
    cut, left, right = cast("tuple[Cut, Item, Item]", (items[number], items[number - 1], items[number + 1]))
    kind = cut.kind
    if left.clip is None or right.clip is None:
        kind = "dip_to_white" if cut.told == "dip_to_white" else "dip_to_black"
    after = cut.frames - cut.before
    return Change(kind=kind, at=position + cut.before, before=cut.before, after=after, where=f"Track {name}")


def _add(changes: list[Change], new: Change) -> None:
    """Out to nothing and in from it, on one cut, are one dip."""
    if changes and changes[-1].at == new.at:
        old = changes.pop()
        new = old.model_copy(update={"before": max(old.before, new.before), "after": max(old.after, new.after)})
    changes.append(new)
