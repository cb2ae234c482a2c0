"""A timeline as a sheet that every format can be written from. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from holdback_base.vocabulary import Span

from holdback_servers.editing.interchange.naming import media_of
from holdback_servers.editing.interchange.sheet import PICTURE, Change, Lane, Name, Note, Piece, Sheet, Spoken, Title
from holdback_servers.editing.model import Timeline, joined, moved
from holdback_servers.editing.parts import Clip, SoundClip, Track
from holdback_servers.editing.placing import clips_end
from holdback_servers.editing.words import captions_in_cut

_TOLD = ("credits", "blurs", "captions", "reframe", "loudness", "end_card", "transitions", "tracks")


def sheet_of(timeline: Timeline, start: str, starts: Mapping[str, str]) -> Sheet:
    """The cut as it stands, with the frames on which each thing is seen or heard.

    Args:
        start: timecode of the first frame.
        starts: timecode of the first frame of each media.

    Raises:
        Problem: TIMECODE_INVALID.
    """
    return Sheet(
        title=timeline.title,
        rate=timeline.rate,
        start=start,
        width=timeline.width,
        height=timeline.height,
        lanes=(_first(timeline), *_layers(timeline), *_programme(timeline), *_sounds(timeline)),
        black=timeline.end_card.frames if timeline.end_card else 0,
        card=timeline.end_card.lines if timeline.end_card else (),
        titles=tuple(
            Title(text=each.text, span=each.span, kind=each.kind, placement=each.placement) for each in timeline.credits
        ),
        notes=tuple(Note(span=each.span, name=each.name, note=each.note) for each in timeline.markers),
        spoken=tuple(
            Spoken(language=each.language, span=span, text=text)
            for each in timeline.captions
            for span, text in captions_in_cut(timeline, each.language)
        ),
        media=media_of(timeline, starts),
        facts=_facts(timeline),
    )


def _first(timeline: Timeline) -> Lane:
    begins = {clip.id: record.in_frame for clip, record in timeline.placed()}
    end = clips_end(timeline)
    changes = tuple(
        Change(kind=each.kind, at=begins.get(each.clip or "", end), before=each.before, after=each.after)
        for each in timeline.transitions
    )
    pieces = tuple(_piece(clip, record.in_frame) for clip, record in timeline.placed())
    return Lane(name=PICTURE, kind="picture", pieces=pieces, changes=changes)


def _piece(clip: Clip, at: int) -> Piece:
    return Piece(
        name=Name(media=clip.media),
        at=at,
        frames=clip.frames,
        source=clip.source.in_frame,
        length=clip.source.frames,
        speed=100 if clip.freeze else clip.speed,
        held=clip.freeze is not None,
        clip=clip.id,
        reason=clip.reason,
        confidence=clip.confidence,
    )


def _layers(timeline: Timeline) -> Iterator[Lane]:
    for layer in timeline.layers:
        pieces = tuple(
            _piece(each.clip, each.at_frame).model_copy(
                update={
                    "opacity": each.opacity,
                    "box": each.box,
                    "fade_in": each.fade_in,
                    "fade_out": each.fade_out,
                }
            )
            for each in layer.clips
        )
        yield Lane(name=layer.name, kind="picture", pieces=pieces)


def _programme(timeline: Timeline) -> Iterator[Lane]:
    """The picture's own sound, where it is heard: not in held frames, not in silences."""
    track = timeline.track("programme")
    pieces: list[Piece] = []
    for clip, record in timeline.placed():
        facts = timeline.facts(clip.media)
        if clip.freeze or facts is None:
            continue
        for part in _heard(track, record):
            offset = part.in_frame - record.in_frame
            piece = _piece(clip, part.in_frame)
            whole = {"frames": part.frames, "source": piece.source_at(offset), "gain": track.gain}
            length = None if part.frames != record.frames else piece.length
            pieces.append(piece.model_copy(update={**whole, "length": length}))
    if pieces:
        kept = tuple(each for each in _first(timeline).changes if _sounds_on(pieces, each.at, clips_end(timeline)))
        yield Lane(name="programme", kind="sound", pieces=tuple(pieces), changes=kept)


def _sounds_on(pieces: list[Piece], at: int, end: int) -> bool:
    """Whether there is sound on both sides of a cut, or on the one side that there is."""
    begins = at == end or any(each.at == at for each in pieces)
    return begins and (at == 0 or any(each.record.out_frame == at for each in pieces))


def _heard(track: Track, record: Span) -> Iterator[Span]:
    """The parts of a record on which a track is not silent."""
    start = record.in_frame
    if track.muted:
        return
    for silence in joined(track.silences):
        part = silence.overlap(record)
        if part is None:
            continue
        if start < part.in_frame:
            yield Span(in_frame=start, out_frame=part.in_frame)
        start = part.out_frame
    if start < record.out_frame:
        yield Span(in_frame=start, out_frame=record.out_frame)


def _sounds(timeline: Timeline) -> Iterator[Lane]:
    """Each track as one lane; sounds that overlap go to further lanes, `music.2`."""
    for track in timeline.sound_tracks:
        rows: list[list[Piece]] = []
        for piece in _sound_pieces(timeline, track):
            row = next((each for each in rows if each[-1].record.out_frame <= piece.at), None)
            if row is None:
                rows.append(row := [])
            row.append(piece)
        for number, row in enumerate(rows, start=1):
            name = track.name if number == 1 else f"{track.name}.{number}"
            yield Lane(name=name, kind="sound", pieces=tuple(row))


def _sound_pieces(timeline: Timeline, track: Track) -> Iterator[Piece]:
    whole = Span(in_frame=0, out_frame=timeline.frames)
    for sound in track.clips:
        record = sound.record.overlap(whole)
        for part in _heard(track, record) if record else ():
            yield _sound_piece(sound, part, track.gain)


def _sound_piece(sound: SoundClip, part: Span, gain: int) -> Piece:
    record = sound.record
    source = moved(sound.source, part.in_frame - record.in_frame).in_frame
    return Piece(
        name=Name(media=sound.media),
        at=part.in_frame,
        frames=part.frames,
        source=source,
        length=part.frames,
        gain=max(-600, min(200, sound.gain + gain)),
        fade_in=sound.fade_in if part.in_frame == record.in_frame else 0,
        fade_out=sound.fade_out if part.out_frame == record.out_frame else 0,
    )


def _facts(timeline: Timeline) -> dict[str, Any]:
    facts: dict[str, Any] = {"timeline": timeline.id, "revision": timeline.revision, "by": timeline.by}
    body = timeline.model_dump(mode="json", exclude_none=True, include=set(_TOLD))
    return {**facts, **{name: value for name, value in body.items() if value}}
