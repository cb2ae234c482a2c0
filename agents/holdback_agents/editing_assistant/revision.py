"""What has to change in a cut so that it clears, as operations of the cutting room. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from holdback_base.elements import ElementList
from holdback_base.problem import Problem
from holdback_base.vocabulary import Span

from holdback_agents.contracts import Brief, ClearanceReport, Plan, Remedy
from holdback_agents.editing_assistant.delivery import Operation, closing

Heard = Mapping[str, tuple[Span, ...]]
"""Where in a cut the film's own sound holds a reference, by reference."""

_CREDIT_SECONDS = 3
_EDITS = frozenset({"add_credit", "add_disclaimer", "obscure_element", "mute_element", "replace_element"})


def chosen_plan(report: ClearanceReport) -> Plan | None:
    """The plan to follow: the first that was decided again and clears; none when there is no such plan."""
    return next((plan for plan in report.plans if plan.verified), None)


def edits_of(report: ClearanceReport) -> tuple[Remedy, ...]:
    """The remedies of the chosen plan that change the cut itself."""
    plan = chosen_plan(report)
    return tuple(remedy for remedy in plan.remedies if remedy.kind in _EDITS) if plan else ()


def is_hopeless(report: ClearanceReport) -> bool:
    """Whether nothing is open and no edit is known to open anything: another cut would be rendered in vain."""
    return not report.open_territories() and not edits_of(report)


def not_cleared(title: str, cuts: int, report: ClearanceReport) -> Problem:
    """Why the work ends here: NOT_CLEARED, with the verdict and the reasons in its details."""
    return Problem(
        "NOT_CLEARED",
        f"No territory is clear for {title!r} after {cuts} {'cut' if cuts == 1 else 'cuts'}: {report.summary}",
        "Read the reasons; a right may have to be bought, or the brief changed.",
        verdict=report.verdict,
        reasons=[
            each.model_dump(include={"code", "text", "right"}, mode="json", exclude_none=True)
            for each in report.reasons
        ],
    )


def with_wanted_credit(brief: Brief, remedies: Sequence[Remedy], film: str) -> tuple[Remedy, ...]:
    """The remedies, and a credit with the film's title when the brief wants one and no right asks for one already."""
    if not brief.credit_film or any(remedy.kind == "add_credit" for remedy in remedies):
        return tuple(remedies)
    credit = Remedy(kind="add_credit", text=f"Credit {film}, as the brief asks.", credit=film)
    return (*remedies, credit)


def heard_in_film(film: ElementList, clips: Sequence[Mapping[str, Any]]) -> Heard:
    """Where the cut holds music that is in the film's own sound, which no other music can take the place of alone.

    Args:
        film: what the film is made of, in its own frames.
        clips: of the cut, each with its frames of the film and where it stands in the cut, half-open.
    """
    found: dict[str, list[Span]] = {}
    for element in film.elements:
        if not element.ref.startswith("music:"):
            continue
        for clip in clips:
            source = Span(in_frame=clip["in_frame"], out_frame=clip["out_frame"])
            move = int(clip["record_in"]) - source.in_frame
            for used in (part for span in element.spans if (part := span.overlap(source))):
                found.setdefault(element.ref, []).append(
                    Span(in_frame=used.in_frame + move, out_frame=used.out_frame + move)
                )
    return {ref: tuple(dict.fromkeys(spans)) for ref, spans in found.items()}


def seen_in_film(film: ElementList) -> Mapping[str, tuple[Span, ...]]:
    """Where the film holds what can only be taken out with the picture, by reference: all but music and the film
    itself. Frames of the film."""
    found: dict[str, list[Span]] = {}
    for element in film.elements:
        if element.kind != "programme" and not element.ref.startswith("music:"):
            found.setdefault(element.ref, []).extend(element.spans)
    return {ref: tuple(spans) for ref, spans in found.items()}


def operations_for(
    remedy: Remedy, *, frames: int, rate: float, music: str | None, heard: Heard | None = None
) -> list[Operation]:
    """A remedy as operations.

    Args:
        remedy: one that changes the cut.
        frames: how long the cut is.
        rate: frames a second.
        music: other music to use, by sha256, when music must be replaced; without any the music is silenced.
        heard: music in the film's own sound, of which those frames are silenced.
    """
    own = (heard or {}).get(remedy.ref or "", ())
    silences = [{"op": "mute_track", "track": "programme", "span": span.model_dump()} for span in own]
    match remedy.kind:
        case "add_credit" | "add_disclaimer":
            length = min(frames, round(max(remedy.min_seconds or 0, _CREDIT_SECONDS) * rate))
            end = max(length, frames - closing(frames, rate))
            span = {"in_frame": end - length, "out_frame": end}
            kind = "credit" if remedy.kind == "add_credit" else "disclaimer"
            return [{"op": "add_credit", "kind": kind, "text": remedy.credit or remedy.text, "span": span}]
        case "obscure_element":
            sources = dict.fromkeys(element.partition("~")[0] for element in remedy.elements)
            return [{"op": "blur", "element": element} for element in sources]
        case "replace_element" if _is_music(remedy) and music is not None:
            return [
                *silences,
                {"op": "replace_music", "media": music, "fade_out": round(rate)},
                {"op": "set_gain", "track": "music", "gain": -40, "duck": -80},
            ]
        case "replace_element" | "mute_element" if silences:
            return silences
        case "replace_element" | "mute_element":
            return [{"op": "mute_track", "track": "music" if _is_music(remedy) else "voice"}]
        case _:
            return []


def replaces_music(remedies: Sequence[Remedy]) -> bool:
    """Whether other music is wanted."""
    return any(remedy.kind == "replace_element" and _is_music(remedy) for remedy in remedies)


def revision_of(
    remedies: Sequence[Remedy], *, frames: int, rate: float, music: str | None, heard: Heard | None = None
) -> tuple[list[Operation], tuple[str, ...]]:
    """The operations for all remedies, each once, and the remedies' words for the history."""
    operations: list[Operation] = []
    for remedy in remedies:
        for operation in operations_for(remedy, frames=frames, rate=rate, music=music, heard=heard):
            if operation not in operations:
                operations.append(operation)
    return operations, tuple(remedy.text for remedy in remedies)


def _is_music(remedy: Remedy) -> bool:
    return (remedy.ref or "").startswith("music:")
