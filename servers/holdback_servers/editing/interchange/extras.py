"""Words, markers, captions, black at the end, and what only this room's own files tell. Pure."""

from collections.abc import Mapping
from typing import Any

from holdback_base.problem import Problem
from holdback_base.vocabulary import Span
from pydantic import ValidationError

from holdback_servers.editing.interchange.sheet import Lane, Remark, Sheet
from holdback_servers.editing.layering import set_end_card
from holdback_servers.editing.model import Timeline
from holdback_servers.editing.orders import AddCredit, SetCaptions, SetEndCard
from holdback_servers.editing.parts import Blur, CaptionLine, EndCard, Loudness, Marker, Reframe
from holdback_servers.editing.words import add_credit, set_captions

MOST_NOTES = 500
MOST_BLURS = 200


def with_extras(timeline: Timeline, sheet: Sheet, first: Lane, remarks: list[Remark]) -> Timeline:
    """The timeline with all that stands on and behind the picture; what cannot be taken is told, not refused."""
    timeline = _ending(timeline, sheet, remarks)
    for title in sheet.titles:
        part = title.span.overlap(Span(in_frame=0, out_frame=timeline.frames))
        if part is None:
            remarks.append(_left_out(f"The words {title.text[:40]!r} stand behind the end of the cut"))
            continue
        try:
            order = AddCredit(op="add_credit", text=title.text, span=part, placement=title.placement, kind=title.kind)
            timeline = add_credit(timeline, order)
        except (Problem, ValidationError) as error:
            remarks.append(_left_out(f"The words {title.text[:40]!r} cannot be shown: {_said(error)}"))
    timeline = _captions(timeline, sheet, remarks)
    timeline = _noted(timeline, sheet)
    return _own(timeline, sheet.facts, first, remarks)


def _left_out(message: str) -> Remark:
    return Remark(severity="warning", where="", message=f"{message.rstrip('.')}; left out.")


def _said(error: Problem | ValidationError) -> str:
    return error.message if isinstance(error, Problem) else str(error.errors()[0]["msg"])


def _ending(timeline: Timeline, sheet: Sheet, remarks: list[Remark]) -> Timeline:
    if not sheet.black:
        return timeline
    told = sheet.facts.get("end_card")
    try:
        if isinstance(told, dict):
            card = EndCard.model_validate({**told, "id": f"e{timeline.next_number}", "frames": sheet.black})
            order = SetEndCard(
                op="set_end_card", lines=card.lines, frames=card.frames, colour=card.colour, media=card.media
            )
        elif sheet.card:
            order = SetEndCard(op="set_end_card", lines=sheet.card[:8], frames=sheet.black)
        else:
            card = EndCard(id=f"e{timeline.next_number}", frames=sheet.black)
            return timeline.model_copy(update={"end_card": card, "next_number": timeline.next_number + 1})
        return set_end_card(timeline, order)
    except (Problem, ValidationError) as error:
        remarks.append(_left_out(f"{sheet.black} frames of black at the end: {_said(error)}"))
        return timeline


def _captions(timeline: Timeline, sheet: Sheet, remarks: list[Remark]) -> Timeline:
    burnt = {each.get("language"): each.get("burnt", False) for each in _dicts(sheet.facts.get("captions"))}
    for language in dict.fromkeys(each.language for each in sheet.spoken):
        lines = [
            CaptionLine(text=each.text, span=part)
            for each in sheet.spoken
            if each.language == language
            and (part := each.span.overlap(Span(in_frame=0, out_frame=timeline.frames))) is not None
        ]
        if not lines:
            continue
        try:
            order = SetCaptions(
                op="set_captions", language=language, lines=tuple(lines), burnt=bool(burnt.get(language))
            )
            timeline = set_captions(timeline, order)
        except (Problem, ValidationError) as error:
            remarks.append(_left_out(f"The captions in {language}: {_said(error)}"))
    return timeline


def _noted(timeline: Timeline, sheet: Sheet) -> Timeline:
    whole = Span(in_frame=0, out_frame=timeline.frames)
    notes = tuple(
        Marker(span=part, name=each.name[:500], note=each.note[:500])
        for each in sheet.notes[:MOST_NOTES]
        if (part := each.span.overlap(whole)) is not None
    )
    return timeline.model_copy(update={"markers": notes})


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list | tuple) else []  # pyright: ignore


def _own(timeline: Timeline, facts: Mapping[str, Any], first: Lane, remarks: list[Remark]) -> Timeline:
    """Blurs, shape and loudness, which no other program tells; checked as if a stranger had written them."""
    try:
        blurs = tuple(_blurs(timeline, facts))
        timeline = timeline.model_copy(update={"blurs": blurs, "next_number": timeline.next_number + len(blurs)})
        if told := _dicts([facts.get("reframe")]):
            timeline = timeline.model_copy(update={"reframe": _reframe(timeline, told[0], first)})
        if told := _dicts([facts.get("loudness")]):
            timeline = timeline.model_copy(update={"loudness": Loudness.model_validate(told[0])})
    except ValidationError as error:
        remarks.append(_left_out(f"Blurs, shape or loudness in the file are not well formed: {_said(error)}"))
    return timeline


def _blurs(timeline: Timeline, facts: Mapping[str, Any]) -> list[Blur]:
    known = {each.media for each in timeline.sources}
    told = [each for each in _dicts(facts.get("blurs"))[:MOST_BLURS] if each.get("media") in known]
    return [Blur.model_validate({**each, "id": f"b{number}"}) for number, each in enumerate(told, timeline.next_number)]


def _reframe(timeline: Timeline, told: Mapping[str, Any], first: Lane) -> Reframe:
    """The shape, with its centres on the clips that stand where those of the file stood."""
    at = {record.in_frame: clip.id for clip, record in timeline.placed()}
    names = {piece.clip: at[piece.at] for piece in first.pieces if piece.clip and piece.at in at}
    reframe = Reframe.model_validate(dict(told))
    centres = tuple(
        each.model_copy(update={"clip": names[each.clip]}) for each in reframe.centres if each.clip in names
    )
    return reframe.model_copy(update={"centres": centres})
