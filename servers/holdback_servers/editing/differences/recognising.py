"""What two timelines of different families have in common, such as a cut and what another program made of it. Pure."""

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import Any

from holdback_base.vocabulary import Noun

from holdback_servers.editing.model import Timeline
from holdback_servers.editing.parts import Clip, Layer, LayerClip, Reframe, Transition

_OF_ITS_OWN = {"id", "reason", "confidence"}
"""What two pieces may differ in and still show the same."""


def recognised(old: Timeline, new: Timeline) -> Timeline:
    """The old timeline with the ids that the new one gives to the same things.

    Ids of one family mean nothing in another. What is the same but for its id takes the id of the new one; a clip that
    was only trimmed, or runs at another speed, does so too. What the new one has not is called `old c3` where the new
    one has a c3 of its own.
    """
    ids = dict(_clips(old.clips, new.clips))
    taken = {*_ids(new)} | set(ids.values())

    def own(name: str) -> str:
        return ids.get(name) or (f"old {name}" if name in taken else name)

    def same(was: Any, now: Sequence[Any]) -> Any:
        found = next((each for each in now if _looks(each) == _looks(was)), None)
        return found or was.model_copy(update={"id": own(was.id)})

    transitions = [_at(each, own) for each in old.transitions]
    changed = {
        "clips": tuple(each.model_copy(update={"id": own(each.id)}) for each in old.clips),
        "transitions": tuple(same(each, new.transitions) for each in transitions),
        "layers": tuple(_layer(each, new, own) for each in old.layers),
        "blurs": tuple(same(each, new.blurs) for each in old.blurs),
        "credits": tuple(same(each, new.credits) for each in old.credits),
        "end_card": same(old.end_card, [new.end_card] if new.end_card else []) if old.end_card else None,
        "reframe": _centred(old.reframe, own) if old.reframe else None,
    }
    return old.model_copy(update=changed)


def _clips(old: Sequence[Clip], new: Sequence[Clip]) -> Iterator[tuple[str, str]]:
    """The ids of clips in the old timeline with theirs in the new: the same ones in order, the same ones moved, then
    those that show some of the same frames."""
    was, now = [_looks(each) for each in old], [_looks(each) for each in new]
    left, right = dict(enumerate(old)), dict(enumerate(new))
    for block in SequenceMatcher(None, was, now, autojunk=False).get_matching_blocks():
        for step in range(block.size):
            yield left.pop(block.a + step).id, right.pop(block.b + step).id
    for alike in (_are_the_same, _overlap):
        for place, each in list(left.items()):
            found = next((other for other, clip in right.items() if alike(each, clip)), None)
            if found is not None:
                del left[place]
                yield each.id, right.pop(found).id


def _are_the_same(one: Clip, other: Clip) -> bool:
    return _looks(one) == _looks(other)


def _overlap(one: Clip, other: Clip) -> bool:
    return one.media == other.media and one.source.overlap(other.source) is not None


def _looks(thing: Noun) -> str:
    """Everything that is seen of a thing, without its id."""
    return thing.model_dump_json(exclude=_OF_ITS_OWN)


def _at(transition: Transition, own: Any) -> Transition:
    clip = own(transition.clip) if transition.clip else None
    return transition.model_copy(update={"clip": clip})


def _layer(layer: Layer, new: Timeline, own: Any) -> Layer:
    there = [each for other in new.layers if other.name == layer.name for each in other.clips]

    def same(each: LayerClip) -> LayerClip:
        found = next((other for other in there if _stands(other) == _stands(each)), None)
        return found or each.model_copy(update={"clip": each.clip.model_copy(update={"id": own(each.clip.id)})})

    return layer.model_copy(update={"clips": tuple(same(each) for each in layer.clips)})


def _stands(each: LayerClip) -> tuple[str, str]:
    return each.model_dump_json(exclude={"clip"}), _looks(each.clip)


def _centred(reframe: Reframe, own: Any) -> Reframe:
    centres = tuple(each.model_copy(update={"clip": own(each.clip)}) for each in reframe.centres)
    return reframe.model_copy(update={"centres": centres})


def _ids(timeline: Timeline) -> Iterator[str]:
    yield from (each.id for each in timeline.clips)
    yield from (each.clip.id for layer in timeline.layers for each in layer.clips)
    for things in (timeline.transitions, timeline.blurs, timeline.credits):
        yield from (each.id for each in things)
