"""Words over the finished picture: credits, titles, captions, and where captions stand in the cut. Pure."""

from collections.abc import Iterator
from fractions import Fraction

from holdback_base.problem import Problem
from holdback_base.vocabulary import Span, parse_language

from holdback_servers.editing.model import Timeline, joined
from holdback_servers.editing.orders import AddCredit, SetCaptions
from holdback_servers.editing.parts import CaptionLine, Captions, Credit, SoundClip, plain_text
from holdback_servers.editing.placing import Picture, frames_showing, within
from holdback_servers.editing.spans import known, span_in_cut, span_of

MOST_CREDITS = 50
MOST_LANGUAGES = 30

LETTERS = (
    *((0x20, 0x7E), (0xA1, 0x24F), (0x370, 0x377), (0x37A, 0x37F), (0x384, 0x525), (0x1E00, 0x1EFB)),
    *((0x2010, 0x2027), (0x2030, 0x203A), (0x20A0, 0x20B5), (0x20B8, 0x20BA), (0x20BD, 0x20BD), (0x2116, 0x2122)),
    *((0x2190, 0x2193), (0x2212, 0x2212), (0x266A, 0x266B)),
)
"""The characters that the lettering of words in the picture can draw, first and last of each range."""


def drawable(text: str, what: str, most: int) -> str:
    """Words as they can be drawn. Raises Problem INVALID_ARGUMENT for words that cannot be shown."""
    words = _plain(text, what)
    if strange := sorted({each for each in words if each != "\n" and not _has_letter(each)}):
        raise Problem(
            "INVALID_ARGUMENT",
            f"The {what}'s lettering has no {' '.join(strange[:10])}.",
            "Write it in Latin, Greek or Cyrillic letters.",
        )
    if len(words) > most:
        raise Problem("INVALID_ARGUMENT", f"The {what} has {len(words)} characters; {most} fit.", "Shorten it.")
    return words


def _plain(text: str, what: str) -> str:
    try:
        words = plain_text(text.replace("\u00a0", " "))
    except ValueError as error:
        raise Problem("INVALID_ARGUMENT", f"The {what} cannot be shown: {error}.", "Write plain words.") from error
    if not words:
        raise Problem("INVALID_ARGUMENT", f"The {what} has no words.", "Say what it should show.")
    return words


def _has_letter(character: str) -> bool:
    return any(first <= ord(character) <= last for first, last in LETTERS)


def add_credit(timeline: Timeline, operation: AddCredit) -> Timeline:
    """Words over the finished picture. Raises Problem INVALID_ARGUMENT for words that cannot be shown."""
    what = operation.kind.replace("_", " ")
    credit = Credit(
        id=f"t{timeline.next_number}",
        kind=operation.kind,
        text=drawable(operation.text, what, 200),
        span=span_in_cut(operation.span, timeline.frames, what),
        placement=operation.placement,
    )
    if len(timeline.credits) >= MOST_CREDITS:
        raise Problem("TOO_LARGE", f"A timeline takes {MOST_CREDITS} credits.", "Put several names into one.")
    return timeline.model_copy(update={"credits": (*timeline.credits, credit), "next_number": timeline.next_number + 1})


def set_captions(timeline: Timeline, operation: SetCaptions) -> Timeline:
    """Captions of a language in place of those there are; no lines take them away.

    Raises:
        Problem: LANGUAGE_UNKNOWN; NOT_FOUND when there are none to take away; INVALID_ARGUMENT for words that cannot be
            shown; SPAN_OUTSIDE_MEDIA, CUT_STATEMENT_REQUIRED, TOO_LARGE.
    """
    language = parse_language(operation.language)
    there = [each.language for each in timeline.captions]
    others = tuple(each for each in timeline.captions if each.language != language)
    if not operation.lines:
        if language not in there:
            raise Problem(
                "NOT_FOUND",
                f"There are no captions in {language} to take away.",
                f"There are captions in {', '.join(there)}." if there else "The timeline has none.",
            )
        return timeline.model_copy(update={"captions": others})
    if len(others) >= MOST_LANGUAGES:
        raise Problem("TOO_LARGE", f"A timeline takes captions in {MOST_LANGUAGES} languages.", "Take some away.")
    lines = [_line(timeline, each, operation.burnt) for each in operation.lines]
    lines.sort(key=lambda each: (each.media or "", each.span.in_frame, each.span.out_frame))
    made = Captions(language=language, lines=tuple(lines), burnt=operation.burnt)
    ordered = sorted((*others, made), key=lambda each: each.language)
    return timeline.model_copy(update={"captions": tuple(ordered)})


def _line(timeline: Timeline, line: CaptionLine, burnt: bool) -> CaptionLine:
    text = drawable(line.text, "caption", 400) if burnt else _plain(line.text, "caption")
    if line.media is None:
        span_in_cut(line.span, timeline.frames, "caption")
    else:
        facts = known(timeline.sources, line.media)
        span_of(line.span.in_frame, line.span.out_frame, facts, facts.element_list.frames)
    return line.model_copy(update={"text": text})


def captions_in_cut(timeline: Timeline, language: str) -> list[tuple[Span, str]]:
    """The captions of a language with the frames of the cut on which they stand, in order.

    Lines of a media stand wherever a clip of the first track shows these frames, but for its handles, and wherever a
    sound of it is heard. A line that goes on over a cut stays one.
    """
    captions = next((each for each in timeline.captions if each.language == language), None)
    if captions is None:
        return []
    whole = Span(in_frame=0, out_frame=timeline.frames)
    found: list[tuple[Span, str]] = []
    for line in captions.lines:
        if line.media is None:
            places = [part] if (part := line.span.overlap(whole)) else []
        else:
            places = list(_places(timeline, line.media, line.span))
        found += [(span, line.text) for span in joined(places)]
    return sorted(found, key=lambda each: (each[0].in_frame, each[0].out_frame))


def _places(timeline: Timeline, media: str, span: Span) -> Iterator[Span]:
    for clip, record in timeline.placed():
        if clip.media == media and not clip.freeze and (part := frames_showing(Picture(clip, record, record), span)):
            yield part
    facts = timeline.facts(media)
    for track in timeline.sound_tracks:
        for sound in track.clips if facts is not None and not track.muted else ():
            if sound.media == media and facts is not None:
                heard = _heard(sound, span, facts.element_list.rate.fraction, timeline)
                yield from [heard] if heard else []


def _heard(sound: SoundClip, span: Span, rate: Fraction, timeline: Timeline) -> Span | None:
    """The frames of the cut nearest to those of the media, whose rate may be another."""
    ratio = timeline.rate.fraction / rate
    start, end = (
        round(frame * ratio) + sound.at_frame - sound.source.in_frame for frame in (span.in_frame, span.out_frame)
    )
    record = within(sound.record, 0, timeline.frames)
    return within(record, start, end) if record else None
