"""The cutting room's long work of following: where a region goes, and where the subject of each clip stands."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from holdback_base.elements import Box
from holdback_base.vocabulary import Noun, Sha256, Span

from holdback_servers import media_worker
from holdback_servers.editing import store
from holdback_servers.editing.evidence import runs
from holdback_servers.editing.model import Timeline
from holdback_servers.editing.orders import CentreWanted
from holdback_servers.editing.overlays import ASPECTS
from holdback_servers.editing.parts import Clip, KeyBox, KeyCentre
from holdback_servers.jobs import Report
from holdback_servers.services import Services

TRACK, REFRAME = "track", "suggest_reframe"
_WORKER = "holdback_servers.editing.tracking"


class Tracked(Noun):
    """Where a region goes: `path` and `box`, which holds all of it, are what the `blur` operation takes.

    `lost` are frames of the media on which it was not found: there the path stands still, and a person must look.
    `least_fit` is how well it fitted on the worst frame (1 is exactly).
    """

    media: Sha256
    span: Span
    box: Box
    path: tuple[KeyBox, ...]
    lost: tuple[Span, ...] = ()
    least_fit: float


class ReframeSuggested(Noun):
    """Where to cut out: `aspect` and `centres` are what the `reframe` operation takes."""

    timeline: str
    aspect: str
    centres: tuple[CentreWanted, ...]


@dataclass(frozen=True)
class Track:
    """The handler of jobs that follow a region."""

    services: Services

    async def __call__(self, request: dict[str, Any], report: Report) -> dict[str, Any]:
        """Follow it through the media."""
        found = await _worked(self.services, "track_file", request, request["name"], report)
        path = tuple(KeyBox.model_validate(each) for each in found["path"])
        tracked = Tracked(
            media=request["name"],
            span=Span.model_validate(request["span"]),
            box=_around([each.box for each in path]),
            path=path,
            lost=runs(found["lost"]),
            least_fit=found["least_fit"],
        )
        return tracked.model_dump(mode="json", exclude_none=True)


@dataclass(frozen=True)
class SuggestReframe:
    """The handler of jobs that look where the subjects stand."""

    services: Services

    async def __call__(self, request: dict[str, Any], report: Report) -> dict[str, Any]:
        """Watch each clip of the timeline."""
        timeline = await self.services.database.read(lambda c: store.find(c, request["timeline"]))
        aspect, centres = request["aspect"], dict[str, CentreWanted]()
        for media in dict.fromkeys(clip.media for clip in timeline.clips):
            clips = [clip for clip in timeline.clips if clip.media == media]
            wanted = {
                "rate": timeline.rate.model_dump(),
                "spans": [clip.source_span(0, clip.frames).model_dump() for clip in clips],
                "keep": _kept_share(timeline, aspect, clips[0]),
            }
            found = await _worked(self.services, "watch_file", wanted, media, report)
            for clip, seen in zip(clips, found["paths"], strict=True):
                path = tuple(KeyCentre.model_validate(each) for each in seen)
                centres[clip.id] = CentreWanted(
                    clip=clip.id, centre_x=path[0].centre_x, path=path if len(path) > 1 else ()
                )
        suggested = ReframeSuggested(
            timeline=timeline.id, aspect=aspect, centres=tuple(centres[clip.id] for clip in timeline.clips)
        )
        return suggested.model_dump(mode="json", exclude_none=True)


def _kept_share(timeline: Timeline, aspect: str, clip: Clip) -> float:
    """What part of a clip's width the cut-out shows."""
    across, down = ASPECTS[aspect]
    facts = timeline.facts(clip.media)
    assert facts is not None
    width, height = facts.width or timeline.width, facts.height or timeline.height
    return float(min(Fraction(1), Fraction(height * across, down * width)))


def _around(boxes: list[Box]) -> Box:
    left, top = min(each.x for each in boxes), min(each.y for each in boxes)
    right, bottom = max(each.x + each.width for each in boxes), max(each.y + each.height for each in boxes)
    return Box(x=left, y=top, width=right - left, height=bottom - top)


async def _worked(
    services: Services, function: str, wanted: dict[str, Any], media: str, report: Report
) -> dict[str, Any]:
    settings = services.settings
    limits = media_worker.Limits(
        memory_bytes=settings.worker_memory, cpu_seconds=settings.worker_seconds, wall_seconds=settings.worker_seconds
    )
    return await media_worker.run(
        f"{_WORKER}:{function}",
        {**wanted, "path": str(services.media.path(media)), "name": media},
        lambda done, total, text: report(done, total, "frames", text),
        limits,
        roots=(services.media.root,),
    )
