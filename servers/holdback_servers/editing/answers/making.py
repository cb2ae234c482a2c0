"""A timeline as it is answered. Pure."""

from collections.abc import Iterator, Sequence
from typing import Any

from holdback_base.vocabulary import Span, frames_to_timecode

from holdback_servers.editing.answers.cuts import CutView, ListedTimeline, RenderView, TimelineView
from holdback_servers.editing.answers.pieces import (
    BlurView,
    CaptionsView,
    CaptionView,
    ClipView,
    CreditView,
    EndCardView,
    LayerClipView,
    SoundView,
    TrackView,
    TransitionView,
)
from holdback_servers.editing.derivation import derive_elements
from holdback_servers.editing.differences import blur_in_cut, spoken_length
from holdback_servers.editing.model import Timeline
from holdback_servers.editing.parts import Captions, Clip, Track
from holdback_servers.editing.placing import end_card_span, transitions_placed
from holdback_servers.editing.words import captions_in_cut


def cut_view(timeline: Timeline) -> CutView:
    """A timeline in short, as it is answered when it is made."""
    return CutView.model_validate(_short(timeline))


def timeline_view(timeline: Timeline, *, with_elements: bool = False) -> TimelineView:
    """A timeline as it is answered when somebody looks at it."""
    found = derive_elements(timeline) if with_elements else None
    tracks = (timeline.track("programme"), *timeline.sound_tracks)
    overlays = {
        "tracks": tuple(_track_view(each) for each in tracks),
        "blurs": tuple(
            BlurView(**each.model_dump(exclude={"span"}), record=tuple(blur_in_cut(timeline, each)))
            for each in timeline.blurs
        ),
        "transitions": tuple(_transition_views(timeline)),
        "layers": tuple(_layer_views(timeline)),
        "end_card": _end_card_view(timeline),
        "captions": tuple(_captions_view(timeline, each) for each in timeline.captions),
        "markers": timeline.markers,
        "credits": tuple(CreditView(**each.model_dump()) for each in timeline.credits),
        "reframe": timeline.reframe,
        "loudness": timeline.loudness,
        "elements": found.elements if found else None,
        "notices": found.notices if found else None,
    }
    return TimelineView.model_validate({**_short(timeline), **overlays})


def listed_view(timeline: Timeline, renders: Sequence[tuple[str, str]]) -> ListedTimeline:
    """A timeline as it stands in a list, with the profile and media of each render."""
    return ListedTimeline(
        id=timeline.id,
        root=timeline.root,
        revision=timeline.revision,
        parent=timeline.parent,
        title=timeline.title,
        rate=timeline.rate.text(),
        frames=timeline.frames,
        length=_length(timeline),
        clips=len(timeline.clips),
        changes=timeline.changes,
        reason=timeline.reason or None,
        by=timeline.by,
        made=timeline.made,
        ai_configs=timeline.ai_configs or None,
        renders=tuple(RenderView(profile=profile, media=media) for profile, media in renders),
    )


def _length(timeline: Timeline) -> str:
    return f"{spoken_length(timeline, timeline.frames)} ({frames_to_timecode(timeline.frames, timeline.rate)})"


def _short(timeline: Timeline) -> dict[str, Any]:
    width, height = timeline.picture
    return {
        "id": timeline.id,
        "revision": timeline.revision,
        "parent": timeline.parent,
        "title": timeline.title,
        "rate": timeline.rate.text(),
        "width": width,
        "height": height,
        "frames": timeline.frames,
        "length": _length(timeline),
        "clips": tuple(_clip_view(clip, record) for clip, record in timeline.placed()),
        "changes": timeline.changes,
        "reason": timeline.reason or None,
        "by": timeline.by,
        "made": timeline.made,
        "start": timeline.start,
        "ai_configs": timeline.ai_configs or None,
        "elements_sha256": derive_elements(timeline).sha256(),
    }


def _clip_view(clip: Clip, record: Span) -> ClipView:
    return ClipView(**_clip_fields(clip, record))


def _clip_fields(clip: Clip, record: Span) -> dict[str, Any]:
    return {
        "id": clip.id,
        "media": clip.media,
        "in_frame": clip.source.in_frame,
        "out_frame": clip.source.out_frame,
        "record_in": record.in_frame,
        "record_out": record.out_frame,
        "reason": clip.reason or None,
        "confidence": clip.confidence,
        "speed": clip.speed if clip.speed != 100 else None,
        "freeze": bool(clip.freeze) or None,
    }


def _transition_views(timeline: Timeline) -> Iterator[TransitionView]:
    for each, record in transitions_placed(timeline):
        yield TransitionView(**each.model_dump(), record=record)


def _layer_views(timeline: Timeline) -> Iterator[LayerClipView]:
    for layer in timeline.layers:
        for each in layer.clips:
            yield LayerClipView(
                **_clip_fields(each.clip, each.record),
                layer=layer.name,
                box=each.box,
                opacity=each.opacity,
                fade_in=each.fade_in,
                fade_out=each.fade_out,
            )


def _end_card_view(timeline: Timeline) -> EndCardView | None:
    card, span = timeline.end_card, end_card_span(timeline)
    return EndCardView(**card.model_dump(exclude={"frames"}), span=span) if card and span else None


def _captions_view(timeline: Timeline, captions: Captions) -> CaptionsView:
    return CaptionsView(
        language=captions.language,
        burnt=captions.burnt,
        lines=len(captions.lines),
        shown=tuple(CaptionView(span=span, text=text) for span, text in captions_in_cut(timeline, captions.language)),
    )


def _track_view(track: Track) -> TrackView:
    sounds = tuple(
        SoundView(
            media=each.media,
            in_frame=each.source.in_frame,
            out_frame=each.source.out_frame,
            at_frame=each.at_frame,
            gain=each.gain or None,
            fade_in=each.fade_in or None,
            fade_out=each.fade_out or None,
        )
        for each in track.clips
    )
    return TrackView(
        name=track.name,
        muted=track.muted,
        sounds=sounds,
        silences=track.silences or None,
        gain=track.gain or None,
        duck=track.duck or None,
    )
