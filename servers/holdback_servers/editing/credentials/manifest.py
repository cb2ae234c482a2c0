"""What a delivery says of itself: a C2PA manifest out of a timeline. Pure.

Source: C2PA Technical Specification 2.4 (actions, ingredients), CAWG Training and Data Mining Assertion 1.1, IPTC
Digital Source Type.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from holdback_base.vocabulary import instant_text

from holdback_servers.content_credentials import SYNTHETIC
from holdback_servers.editing.model import Timeline

_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
_STRICTEST = ("allowed", "constrained", "notAllowed")


@dataclass(frozen=True)
class Source:
    """What a source's own credentials tell: its digital source types, and what they say of training and mining."""

    media: str
    types: tuple[str, ...] = ()
    training: dict[str, str] = field(default_factory=dict[str, str])


def parent_of(timeline: Timeline) -> str | None:
    """The media that the delivery is another form of: the one that all clips of the first track are from, if it is
    one. What is put together from several has no parent."""
    media = {clip.media for clip in timeline.clips}
    return media.pop() if len(media) == 1 else None


def ingredient(timeline: Timeline, media: str) -> dict[str, Any]:
    """A source as an ingredient; `instance_id` is the name of its bytes."""
    facts = timeline.facts(media)
    parent = parent_of(timeline) == media
    return {
        "title": (facts.title if facts and facts.title else media)[:200],
        "relationship": "parentOf" if parent else "componentOf",
        "instance_id": media,
        "label": media,
    }


def manifest(
    timeline: Timeline, sources: Sequence[Source], changes: Sequence[str], *, kind: str, version: str
) -> dict[str, Any]:
    """The manifest of a delivery, without its ingredients.

    Args:
        changes: in an editor's words, from the first revision on.
        kind: the media type of the delivery.
        version: of Holdback.
    """
    actions = [_beginning(timeline, sources), *_placements(timeline, sources), *_operations(timeline)]
    agent, when = {"name": "Holdback", "version": version}, instant_text(timeline.made)
    actions.append(_act("c2pa.edited", _told(timeline, changes)))
    actions += [_configured(each) for each in timeline.ai_configs]
    actions.append(_act("c2pa.transcoded", {}))
    assertions: list[dict[str, Any]] = [
        {
            "label": "c2pa.actions.v2",
            "data": {"actions": [{"when": when, "softwareAgent": agent} | each for each in actions]},
        }
    ]
    if said := _training(sources):
        entries = {f"cawg.{name}": {"use": use} for name, use in said.items()}
        assertions.append({"label": "cawg.training-mining", "data": {"entries": entries}})
    return {"claim_generator_info": [agent], "title": timeline.title, "format": kind, "assertions": assertions}


def _act(action: str, parameters: dict[str, Any], description: str = "") -> dict[str, Any]:
    shape: dict[str, Any] = {"action": action}
    if parameters:
        shape["parameters"] = parameters
    return shape | ({"description": description} if description else {})


def _beginning(timeline: Timeline, sources: Sequence[Source]) -> dict[str, Any]:
    """C2PA wants exactly one of `opened` and `created`, before everything else."""
    if (parent := parent_of(timeline)) is not None:
        return _act("c2pa.opened", {"ingredientIds": [parent]})
    synthetic = any(SYNTHETIC & set(each.types) for each in sources)
    kind = "compositeWithTrainedAlgorithmicMedia" if synthetic else "composite"
    return _act("c2pa.created", {}) | {"digitalSourceType": _TYPES + kind}


def _placements(timeline: Timeline, sources: Sequence[Source]) -> list[dict[str, Any]]:
    types = {each.media: each.types for each in sources}
    found: list[dict[str, Any]] = []
    for media in timeline.media_used():
        if media == parent_of(timeline):
            continue
        placed = _act("c2pa.placed", {"ingredientIds": [media]})
        synthetic = [each for each in types.get(media, ()) if each in SYNTHETIC]
        found.append(placed | ({"digitalSourceType": _TYPES + synthetic[0]} if synthetic else {}))
    return found


def _operations(timeline: Timeline) -> list[dict[str, Any]]:
    """What C2PA has names for; everything else is told in an editor's words."""
    clips = [f"[{each.source.in_frame}, {each.source.out_frame}) of {each.media}" for each in timeline.clips]
    found = [_act("c2pa.trimmed", {"frames": clips})]
    if any(each.speed != 100 or each.freeze for each in timeline.clips):
        found.append(_act("c2pa.changedSpeed", {}))
    if timeline.reframe:
        found.append(_act("c2pa.cropped", {"aspect": timeline.reframe.aspect}))
    if timeline.blurs:
        found.append(_act("c2pa.filtered", {"regions": len(timeline.blurs)}, "Regions made unrecognisable."))
    words = [each.text for each in timeline.credits] + list(timeline.end_card.lines if timeline.end_card else ())
    if words or any(each.burnt for each in timeline.captions):
        found.append(_act("c2pa.addedText", {"words": words}))
    return found


def _told(timeline: Timeline, changes: Sequence[str]) -> dict[str, Any]:
    return {"timeline": timeline.id, "revision": timeline.revision, "changes": list(changes)}


def _configured(configuration: str) -> dict[str, Any]:
    """A system that took part. It chose among recorded pictures and sounds and made none, so no digital source type of
    generated media is claimed."""
    said = "An automated system took part in choosing and cutting; it made no picture and no sound."
    act = _act("c2pa.edited", {"ai_configuration": configuration}, said)
    return act | {"softwareAgent": {"name": configuration}}


def _training(sources: Sequence[Source]) -> dict[str, str]:
    """The strictest word of all sources on each use; that something is allowed counts only where all of them say so."""
    found: dict[str, str] = {}
    for name in sorted({name for source in sources for name in source.training}):
        said = [source.training[name] for source in sources if name in source.training]
        strictest = max(said, key=_STRICTEST.index)
        if strictest != "allowed" or len(said) == len(sources):
            found[name] = strictest
    return found
