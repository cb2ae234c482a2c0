"""The sound of somebody's file on this room's tracks: what runs with the picture, and what lies beside it. Pure."""

from collections.abc import Sequence

from holdback_base.elements import uncovered
from holdback_base.problem import Problem
from holdback_base.vocabulary import Span

from holdback_servers.editing.interchange.sheet import PICTURE, Lane, Piece, Remark
from holdback_servers.editing.model import Timeline, joined, media_frames
from holdback_servers.editing.parts import SoundClip, Track
from holdback_servers.editing.placing import clips_end

_ROLES = ("voice", "music", "effects")
MOST_SOUNDS = 500


def with_sound(timeline: Timeline, lanes: Sequence[Lane], remarks: list[Remark]) -> Timeline:
    """The timeline with the sound of the lanes; the programme track is silent where no lane has the picture's sound."""
    picture = next(each for each in lanes if each.name == PICTURE)
    own: list[Piece] = []
    other: dict[str, list[Piece]] = {}
    seen: set[tuple[str, int, int, int]] = set()
    for lane in (each for each in lanes if each.kind == "sound"):
        for piece in lane.pieces:
            identity = (piece.name.media, piece.at, piece.frames, piece.source)
            if identity in seen:
                continue
            seen.add(identity)
            if _in_step(piece, picture):
                own.append(piece)
            else:
                other.setdefault(_track(lane.name), []).append(piece)
    timeline = _programme(timeline, own, remarks)
    for name, pieces in other.items():
        timeline = timeline.with_track(_beside(timeline, name, pieces, remarks))
    return timeline


def _in_step(piece: Piece, picture: Lane) -> bool:
    """Whether a sound is that of the picture under it, on every frame it lasts."""
    position = piece.at
    for shown in picture.pieces:
        part = shown.record.overlap(piece.record)
        if part is None:
            continue
        same = shown.name.media == piece.name.media and shown.speed == piece.speed and not shown.held
        stray = abs(shown.source_at(part.in_frame - shown.at) - piece.source_at(part.in_frame - piece.at))
        if part.in_frame != position or not same or stray > shown.speed // 100:
            return False
        position = part.out_frame
    return position == piece.record.out_frame


def _programme(timeline: Timeline, own: list[Piece], remarks: list[Remark]) -> Timeline:
    if not own:
        return timeline.with_track(Track(name="programme", muted=True))
    heard = joined([each.record for each in own])
    held = [record for clip, record in timeline.placed() if clip.freeze]
    end = clips_end(timeline)
    silent = uncovered((Span(in_frame=0, out_frame=end),), joined([*heard, *held]))
    gain = own[0].gain
    if other := next((each for each in own if each.gain != gain), None):
        gain = 0
        message = "The levels of single clips' own sound are left out: that track has one level."
        remarks.append(Remark(severity="warning", where=other.where, message=message, hint="Set it with set_gain."))
    return timeline.with_track(Track(name="programme", silences=silent, gain=gain))


def _track(lane: str) -> str:
    """The track for a lane: by its name, else effects."""
    words = lane.lower().partition(".")[0]
    if words in {f"{role}{number}" for role in _ROLES for number in ("", *"23456789")}:
        return words
    named = next((role for role in _ROLES if role in words), None)
    if "dialog" in words or words.startswith(("vo", "narrat")):
        named = "voice"
    return named or "effects"


def _beside(timeline: Timeline, name: str, pieces: list[Piece], remarks: list[Remark]) -> Track:
    if len(pieces) > MOST_SOUNDS:
        raise Problem("TOO_LARGE", f"The file has {len(pieces)} sounds on {name}.", f"Use at most {MOST_SOUNDS}.")
    clips: list[SoundClip] = []
    for piece in sorted(pieces, key=lambda each: each.at):
        facts = timeline.facts(piece.name.media)
        has = media_frames(facts, timeline.rate) if facts else 0
        span = Span(in_frame=max(0, piece.source), out_frame=max(0, piece.source) + piece.frames)
        if piece.source < 0 or span.out_frame > has:
            raise Problem(
                "SPAN_OUTSIDE_MEDIA",
                f"{piece.where}: frames {piece.source} to {piece.source + piece.frames} go beyond {piece.name.media}, "
                f"which lasts {has}.",
                "Check the media's start timecode, and that it is the same version.",
                media=piece.name.media,
            )
        if piece.speed != 100 or piece.held:
            message = f"A sound on {name} at another speed than its picture is taken at its own."
            remarks.append(Remark(severity="warning", where=piece.where, message=message, hint="Render it before."))
        clips.append(
            SoundClip(
                media=piece.name.media,
                source=span,
                at_frame=piece.at,
                gain=max(-600, min(200, piece.gain)),
                fade_in=piece.fade_in,
                fade_out=piece.fade_out,
            )
        )
    there = timeline.track(name)
    return there.model_copy(update={"clips": tuple(sorted((*there.clips, *clips), key=lambda each: each.at_frame))})
