"""What has to change in a cut so that it clears, as operations of the cutting room. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from holdback_agents.contracts import Brief, ClearanceReport, Plan, Remedy
from holdback_agents.editing_assistant.choice import Pick

Operation = dict[str, Any]

LOUDNESS_TENTHS = -140
"""-14 LUFS integrated: what YouTube and Instagram play at (trade practice, not a norm)."""
_CREDIT_SECONDS = 3
_UPRIGHT = {"9:16": (720, 1280), "1:1": (720, 720)}
_EDITS = frozenset({"add_credit", "add_disclaimer", "obscure_element", "mute_element", "replace_element"})


def chosen_plan(report: ClearanceReport) -> Plan | None:
    """The plan to follow: the first that was verified, else the first; none when there is nothing to mend."""
    verified = (plan for plan in report.plans if plan.verified)
    return next(verified, report.plans[0] if report.plans else None)


def edits_of(report: ClearanceReport) -> tuple[Remedy, ...]:
    """The remedies of the chosen plan that change the cut itself."""
    plan = chosen_plan(report)
    return tuple(remedy for remedy in plan.remedies if remedy.kind in _EDITS) if plan else ()


def delivery_operations(brief: Brief, clips: Sequence[Mapping[str, Any]], picks: Sequence[Pick]) -> list[Operation]:
    """The shape and the loudness that the brief's platforms want; each clip keeps its subject in the picture."""
    operations: list[Operation] = [{"op": "set_loudness", "lufs_tenths": LOUDNESS_TENTHS}]
    if brief.aspect in _UPRIGHT:
        width, height = _UPRIGHT[brief.aspect]
        centres = [
            {"clip": clip["id"], "centre_x": pick.focus_x}
            for clip, pick in zip(clips, picks, strict=True)
            if pick.focus_x is not None
        ]
        shape = {"op": "reframe", "aspect": brief.aspect, "width": width, "height": height}
        operations.append({**shape, "centres": centres} if centres else shape)
    return operations


def operations_for(remedy: Remedy, *, frames: int, rate: float, music: str | None) -> list[Operation]:
    """A remedy as operations.

    Args:
        remedy: one that changes the cut.
        frames: how long the cut is.
        rate: frames a second.
        music: other music to use, by sha256, when music must be replaced; without any the music is silenced.
    """
    match remedy.kind:
        case "add_credit" | "add_disclaimer":
            length = min(frames, round(max(remedy.min_seconds or 0, _CREDIT_SECONDS) * rate))
            span = {"in_frame": frames - length, "out_frame": frames}
            kind = "credit" if remedy.kind == "add_credit" else "disclaimer"
            return [{"op": "add_credit", "kind": kind, "text": remedy.credit or remedy.text, "span": span}]
        case "obscure_element":
            sources = dict.fromkeys(element.partition("~")[0] for element in remedy.elements)
            return [{"op": "blur", "element": element} for element in sources]
        case "replace_element" if _is_music(remedy) and music is not None:
            return [
                {"op": "replace_music", "media": music, "fade_out": round(rate)},
                {"op": "set_gain", "track": "music", "gain": -40, "duck": -80},
            ]
        case "replace_element" | "mute_element":
            return [{"op": "mute_track", "track": "music" if _is_music(remedy) else "voice"}]
        case _:
            return []


def replaces_music(remedies: Sequence[Remedy]) -> bool:
    """Whether other music is wanted."""
    return any(remedy.kind == "replace_element" and _is_music(remedy) for remedy in remedies)


def revision_of(
    remedies: Sequence[Remedy], *, frames: int, rate: float, music: str | None
) -> tuple[list[Operation], tuple[str, ...]]:
    """The operations for all remedies, each once, and the remedies' words for the history."""
    operations: list[Operation] = []
    for remedy in remedies:
        for operation in operations_for(remedy, frames=frames, rate=rate, music=music):
            if operation not in operations:
                operations.append(operation)
    return operations, tuple(remedy.text for remedy in remedies)


def _is_music(remedy: Remedy) -> bool:
    return (remedy.ref or "").startswith("music:")
