"""Operations on what lies over the picture, on its shape, and on the loudness wanted. Pure."""

from collections.abc import Iterator

from holdback_base.elements import Box
from holdback_base.problem import Problem
from holdback_base.vocabulary import Span

from holdback_servers.editing.derivation import view_of
from holdback_servers.editing.model import Timeline, moved
from holdback_servers.editing.orders import AddCredit, BlurRegion, ReframeTo, RemoveOverlay, SetLoudness
from holdback_servers.editing.parts import Blur, Centre, Credit, Loudness, Reframe, plain_text
from holdback_servers.editing.spans import known, span_in_cut

MOST_BLURS = 200
MOST_CREDITS = 50
ASPECTS = {"9:16": (9, 16), "1:1": (1, 1), "4:5": (4, 5)}

LETTERS = (
    *((0x20, 0x7E), (0xA1, 0x24F), (0x370, 0x377), (0x37A, 0x37F), (0x384, 0x525), (0x1E00, 0x1EFB)),
    *((0x2010, 0x2027), (0x2030, 0x203A), (0x20A0, 0x20B5), (0x20B8, 0x20BA), (0x20BD, 0x20BD), (0x2116, 0x2122)),
    *((0x2190, 0x2193), (0x2212, 0x2212), (0x266A, 0x266B)),
)
"""The characters that the lettering of credits can draw, first and last of each range."""


def blur(old: Timeline, timeline: Timeline, operation: BlurRegion) -> Timeline:
    """Blur a box of the old cut's picture, or an element of the sources, on the media's own frames."""
    if operation.element is not None:
        places = list(_element_places(timeline, operation))
    else:
        places = list(_box_places(old, operation))
    blurs = list(timeline.blurs)
    number = timeline.next_number
    for media, span, box in places:
        blurs.append(Blur(id=f"b{number}", media=media, span=span, box=box, element=operation.element))
        number += 1
    if len(blurs) > MOST_BLURS:
        raise Problem("TOO_LARGE", f"A timeline takes {MOST_BLURS} blurs.", "Blur larger regions or longer spans.")
    return timeline.model_copy(update={"blurs": tuple(blurs), "next_number": number})


def _element_places(timeline: Timeline, operation: BlurRegion) -> Iterator[tuple[str, Span, Box]]:
    if operation.box is not None or operation.span is not None:
        raise Problem("INVALID_ARGUMENT", "A blur takes an element, or a box and a span.", "Leave one of them out.")
    wanted = str(operation.element)
    every = [(facts, each) for facts in timeline.sources for each in facts.element_list.elements]
    found = [pair for pair in every if pair[1].id == wanted] or [p for p in every if p[1].id == wanted.split("~")[0]]
    if not found:
        raise Problem(
            "NOT_FOUND",
            f"No source of {timeline.id} has an element {wanted[:60]!r}.",
            "Use an element's id from the element list, or give a box and a span.",
            elements=sorted({each.id for _, each in every})[:50],
        )
    for facts, element in found:
        if element.box is None or facts.width is None:
            raise Problem(
                "INVALID_ARGUMENT",
                f"Where {element.name} ({element.id}) stands in the picture is not recorded.",
                "Give a box and a span instead.",
            )
        for span in element.spans:
            yield facts.media, span, _grown(element.box, operation.margin)


def _grown(box: Box, margin: int) -> Box:
    left, top = max(0, box.x - margin), max(0, box.y - margin)
    right, bottom = min(1000, box.x + box.width + margin), min(1000, box.y + box.height + margin)
    return Box(x=left, y=top, width=right - left, height=bottom - top)


def _box_places(old: Timeline, operation: BlurRegion) -> Iterator[tuple[str, Span, Box]]:
    box = operation.box
    if box is None:
        raise Problem("INVALID_ARGUMENT", "A blur needs a box, or an element.", "Say what to blur.")
    if box.x + box.width > 1000 or box.y + box.height > 1000:
        raise Problem(
            "INVALID_ARGUMENT",
            f"The blur at x {box.x}, y {box.y}, {box.width} wide and {box.height} high goes outside the picture.",
            "Boxes are in thousandths of the picture: x + width and y + height are at most 1000.",
            box=box.model_dump(),
        )
    span = span_in_cut(operation.span or Span(in_frame=0, out_frame=old.frames), old.frames, "blur")
    hit = False
    for clip, record in old.placed():
        facts = known(old.sources, clip.media)
        place = view_of(old, clip, facts).in_source(box)
        part = record.overlap(span)
        if place is not None and part is not None:
            hit = True
            yield clip.media, moved(part, clip.source.in_frame - record.in_frame), place
    if not hit:
        raise Problem(
            "INVALID_ARGUMENT", "The blur covers no picture, only the bars beside it.", "Give a box on the picture."
        )


def add_credit(timeline: Timeline, operation: AddCredit) -> Timeline:
    """Words over the finished picture. Raises Problem INVALID_ARGUMENT for words that cannot be shown."""
    text = _words(operation.text)
    span = span_in_cut(operation.span, timeline.frames, "credit")
    credit = Credit(
        id=f"t{timeline.next_number}", kind=operation.kind, text=text, span=span, placement=operation.placement
    )
    if len(timeline.credits) >= MOST_CREDITS:
        raise Problem("TOO_LARGE", f"A timeline takes {MOST_CREDITS} credits.", "Put several names into one.")
    return timeline.model_copy(update={"credits": (*timeline.credits, credit), "next_number": timeline.next_number + 1})


def _words(text: str) -> str:
    try:
        words = plain_text(text.replace("\u00a0", " "))
    except ValueError as error:
        raise Problem("INVALID_ARGUMENT", f"The credit cannot be shown: {error}.", "Write plain words.") from error
    if not words:
        raise Problem("INVALID_ARGUMENT", "The credit has no words.", "Say whom it should name.")
    if strange := sorted({each for each in words if each != "\n" and not _has_letter(each)}):
        raise Problem(
            "INVALID_ARGUMENT",
            f"The credit's lettering has no {' '.join(strange[:10])}.",
            "Write it in Latin, Greek or Cyrillic letters.",
        )
    if len(words) > 200:
        raise Problem("INVALID_ARGUMENT", f"The credit has {len(words)} characters; 200 fit.", "Shorten it.")
    return words


def _has_letter(character: str) -> bool:
    return any(first <= ord(character) <= last for first, last in LETTERS)


def reframe(timeline: Timeline, operation: ReframeTo) -> Timeline:
    """Another shape of the picture; `original` takes a reframe away."""
    if operation.aspect == "original":
        return timeline.model_copy(update={"reframe": None})
    across, down = ASPECTS[operation.aspect]
    width = operation.width if operation.width is not None else 720
    height = operation.height if operation.height is not None else _even(width * down / across)
    fits = abs(width * down - height * across) <= 2 * max(across, down)
    if not fits or width % 2 or height % 2 or not 16 <= min(width, height) <= max(width, height) <= 4096:
        raise Problem(
            "INVALID_ARGUMENT",
            f"{width} x {height} is not a picture of {operation.aspect}.",
            "Give even numbers of that shape from 16 to 4096, such as 720 x 1280 for 9:16, or leave them out.",
        )
    there = {clip.id for clip in timeline.clips}
    for centre in operation.centres:
        if centre.clip not in there:
            raise Problem("NOT_FOUND", f"There is no clip {centre.clip[:40]!r} to centre.", "Use a clip's id.")
    centres = tuple(Centre(clip=each.clip, centre_x=each.centre_x) for each in operation.centres)
    shape = Reframe(aspect=operation.aspect, width=width, height=height, centre_x=operation.centre_x, centres=centres)
    return timeline.model_copy(update={"reframe": shape})


def _even(number: float) -> int:
    return round(number / 2) * 2


def set_loudness(timeline: Timeline, operation: SetLoudness) -> Timeline:
    """The loudness that a render is brought to."""
    target = Loudness(lufs_tenths=operation.lufs_tenths, peak_tenths=operation.peak_tenths)
    return timeline.model_copy(update={"loudness": target})


def remove_overlay(timeline: Timeline, operation: RemoveOverlay) -> Timeline:
    """Without that blur or credit. Raises Problem NOT_FOUND."""
    name = operation.overlay
    there = [each.id for each in (*timeline.blurs, *timeline.credits)]
    if name not in there:
        raise Problem(
            "NOT_FOUND",
            f"There is no overlay {name[:40]!r} in {timeline.id}.",
            f"Its overlays are {', '.join(there[:20])}." if there else "It has none.",
        )
    return timeline.model_copy(
        update={
            "blurs": tuple(each for each in timeline.blurs if each.id != name),
            "credits": tuple(each for each in timeline.credits if each.id != name),
        }
    )
