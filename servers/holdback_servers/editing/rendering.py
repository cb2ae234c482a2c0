"""The cutting room's long work: rendering a timeline and measuring media, in the media worker, as jobs."""

import asyncio
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakValueDictionary

from holdback_base.database import store_instant
from holdback_base.elements import CutFacts
from holdback_base.problem import Problem
from holdback_base.vocabulary import Noun, Rate, Sha256, Span, timecode_to_frames
from holdback_trust.statements import sign_cut

from holdback_servers import media_worker
from holdback_servers.editing import store
from holdback_servers.editing.cache import cache_folder, trim
from holdback_servers.editing.captioning import write_captions
from holdback_servers.editing.delivering import sign_delivery
from holdback_servers.editing.derivation import derive_elements
from holdback_servers.editing.model import Timeline
from holdback_servers.editing.profiles import Profile, built_in, find_profile, on_target, read_profiles, require_fit
from holdback_servers.editing.validation import require_valid
from holdback_servers.editing.words import captions_in_cut
from holdback_servers.jobs import Report
from holdback_servers.media_store import file_sha256
from holdback_servers.services import Services

RENDER, MEASURE = "render", "measure"
ISSUER = "mcp:editing"
_MAKER, _METER = "holdback_servers.editing.render", "holdback_servers.editing.measuring.files"


class MeasuredLoudness(Noun):
    """EBU R 128, in tenths: -140 is -14 LUFS, -10 is -1 dBTP."""

    lufs_tenths: int
    range_tenths: int
    peak_tenths: int | None = None


class MediaMeasure(Noun):
    """What a file measures. Sound alone has no frames; silence has no loudness. Samples are at 48 kHz."""

    media: str
    bytes: int
    frames: int
    rate: str | None = None
    width: int | None = None
    height: int | None = None
    duration_ms: int
    sound_samples: int
    start_timecode: str | None = None
    loudness: MeasuredLoudness | None = None


class Sidecar(Noun):
    """Captions of a language that lie beside a file: a text in the media store."""

    language: str
    format: str
    media: Sha256
    filename: str


class Rendered(MediaMeasure):
    """A finished file: its name in the media store, what it measures, and the signed word about what it is made of.

    `loudness_on_target` is whether it is near enough to the target of the profile or the timeline, and under its peak.
    `unsigned_sha256` names the file as it was before content credentials were written into it: the same timeline and
    profile give it again, bit for bit. `black` and `still` are frames without a picture and without movement.
    `sidecars` are the captions that go beside it.
    """

    timeline: str
    profile: str
    loudness_on_target: bool | None = None
    unsigned_sha256: str
    black: tuple[Span, ...] | None = None
    still: tuple[Span, ...] | None = None
    sidecars: tuple[Sidecar, ...] | None = None
    elements_sha256: str
    element_count: int
    statement: str


@dataclass(frozen=True)
class Render:
    """The handler of render jobs. The same file is made by one job at a time; others wait for it and take it."""

    services: Services
    making: WeakValueDictionary[tuple[str, str], asyncio.Lock] = field(
        default_factory=WeakValueDictionary[tuple[str, str], asyncio.Lock]
    )

    async def __call__(self, request: dict[str, Any], report: Report) -> dict[str, Any]:
        """Render, store, derive the elements, and sign."""
        services, name = self.services, str(request["profile"])
        profile = find_profile(name, profiles_of(services))
        timeline = await services.database.read(lambda c: store.find(c, request["timeline"]))
        require_valid(timeline, services.media.has)
        require_fit(timeline, name, profile)
        turn = self.making.setdefault((timeline.id, name), asyncio.Lock())
        async with turn:
            kept = await services.database.read(lambda c: store.find_render(c, timeline.id, name))
            if kept is None or kept.get("profile") != _digest(profile) or not services.media.has(kept["media"]):
                kept = await self._make(timeline, name, profile, report)
        return _signed(services, timeline, name, profile, kept).model_dump(mode="json", exclude_none=True)

    async def _make(self, timeline: Timeline, name: str, profile: Profile, report: Report) -> dict[str, Any]:
        services = self.services
        files = {media: str(services.media.path(media)) for media in timeline.media_used()}
        cache = cache_folder(services.settings.home)
        with services.media.workspace() as work:
            output = work / f"cut.{profile.container}"
            arguments = {
                "timeline": timeline.model_dump(mode="json", exclude_none=True),
                "profile": profile.model_dump(mode="json", exclude_none=True),
                "files": files,
                "output": str(output),
                "work": str(work),
                "cache": str(cache),
            }
            found = await media_worker.run(
                f"{_MAKER}:render_file",
                arguments,
                lambda done, total, text: report(done, total, "frames", text),
                _limits(services),
                roots=(services.media.root,),
            )
            unsigned = file_sha256(output)
            if profile.credentials:
                report(timeline.frames, timeline.frames, "frames", "writing content credentials")
                output = await sign_delivery(services, output, timeline, work)
            media = file_sha256(output)
            _note_made(services, media, timeline)
            services.media.adopt(output, media)
        trim(cache, MOST_CACHED)
        told = {"media": media, "bytes": services.media.size(media), "unsigned": unsigned, "profile": _digest(profile)}
        facts = {**found, **told}
        now = store_instant(services.clock())
        await services.database.write(lambda c: store.remember_render(c, timeline.id, name, facts, now))
        return facts


MOST_CACHED = 8 << 30
"""Bytes of chunks that are kept between renders."""


def sidecars_of(services: Services, timeline: Timeline, profile: Profile) -> tuple[Sidecar, ...]:
    """The captions that are not burnt in, written in the forms that the profile wants, and kept in the media store."""
    found: list[Sidecar] = []
    for captions in timeline.captions:
        lines = [] if captions.burnt else captions_in_cut(timeline, captions.language)
        for form in profile.sidecars if lines else ():
            text = write_captions(lines, timeline.rate, form)
            name = f"{timeline.id}.{captions.language}.{form}"
            media = services.media.put(text.encode())
            _note_made(services, media, timeline)
            found.append(Sidecar(language=captions.language, format=form, media=media, filename=name))
    return tuple(found)


def profiles_of(services: Services) -> dict[str, Profile]:
    """Those that come with Holdback, and those of the house: `profiles.toml` in its home.

    Raises:
        Problem: INVALID_ARGUMENT naming the file, the profile and the key, when the house's are not valid.
    """
    own = services.settings.home / "profiles.toml"
    known = dict(built_in())
    try:
        text = own.read_text(encoding="utf-8")
    except FileNotFoundError:
        return known
    except (OSError, UnicodeDecodeError) as error:
        why = "it is no text in UTF-8" if isinstance(error, UnicodeDecodeError) else error.strerror
        message = f"{own.name} in the home cannot be read: {why}."
        raise Problem("INVALID_ARGUMENT", message, "Save it as text in UTF-8 that Holdback may read.") from error
    return known | read_profiles(text, own.name, known)


def _digest(profile: Profile) -> str:
    return hashlib.sha256(profile.model_dump_json().encode()).hexdigest()


@dataclass(frozen=True)
class Measure:
    """The handler of jobs that measure media."""

    services: Services

    async def __call__(self, request: dict[str, Any], report: Report) -> dict[str, Any]:
        """Decode all of it and measure."""
        media = str(request["media"])
        path = self.services.media.path(media)
        found = await media_worker.run(
            f"{_METER}:measure_file",
            {"path": str(path), "name": media},
            lambda done, total, text: report(done, total, "frames", text),
            _limits(self.services),
            roots=(self.services.media.root,),
        )
        facts = {**found, "media": media, "bytes": self.services.media.size(media)}
        return measured(facts).model_dump(mode="json", exclude_none=True)


async def start_timecodes(services: Services, media: Iterable[str], rate: Rate) -> dict[str, str]:
    """The timecode at which each media begins; what is not here, tells none, or one that cannot be, is left out."""
    files = {each: str(services.media.path(each)) for each in media if services.media.has(each)}
    if not files:
        return {}
    roots = (services.media.root,)
    found = await media_worker.run(f"{_METER}:start_timecodes", {"files": files}, None, _limits(services), roots=roots)
    return {each: start for each, start in found["starts"].items() if _exists(start, rate)}


def _exists(timecode: str, rate: Rate) -> bool:
    """Whether a timecode that a file tells can be at this rate."""
    try:
        timecode_to_frames(timecode, rate)
    except Problem:
        return False
    return True


def _limits(services: Services) -> media_worker.Limits:
    settings = services.settings
    return media_worker.Limits(
        memory_bytes=settings.worker_memory, cpu_seconds=settings.worker_seconds, wall_seconds=settings.worker_seconds
    )


def measured(facts: dict[str, Any]) -> MediaMeasure:
    """What the worker measured, as it is answered."""
    return MediaMeasure.model_validate(_measure_fields(facts))


def _measure_fields(facts: dict[str, Any]) -> dict[str, Any]:
    rate = facts.get("rate")
    seconds = facts["frames"] * rate["den"] / rate["num"] if rate and facts["frames"] else 0.0
    loudness: dict[str, int | None] | None = None
    if facts.get("lufs") is not None:
        peak = facts.get("peak_dbtp")
        loudness = {
            "lufs_tenths": round(facts["lufs"] * 10),
            "range_tenths": round((facts.get("range_lu") or 0) * 10),
            "peak_tenths": None if peak is None else round(peak * 10),
        }
    kept = ("media", "bytes", "frames", "width", "height", "sound_samples", "start_timecode")
    return {
        **{name: facts[name] for name in kept if facts.get(name) is not None},
        "rate": None if rate is None else f"{rate['num']}/{rate['den']}" if rate["den"] != 1 else str(rate["num"]),
        "duration_ms": round(1000 * (seconds or facts["sound_samples"] / 48000)),
        "loudness": loudness,
    }


def _note_made(services: Services, media: str, timeline: Timeline) -> None:
    """Have bytes belong to the story of what they are made of, now and later."""
    services.media.note_made(media, [each.media for each in timeline.sources])
    story = _as_now(services, timeline)[1]
    if story is not None and services.media.story(media) is None:  # what it was cut from has been opened since
        services.media.close(media, story)


def _as_now(services: Services, timeline: Timeline) -> tuple[int, str | None]:
    """The value tier and the closed story of a timeline, by what its sources are now."""
    sources = [services.as_known_now(each) for each in timeline.sources]
    story = next((each.story for each in sources if each.story is not None), None)
    return max((each.tier for each in sources), default=1), story


def _signed(services: Services, timeline: Timeline, name: str, profile: Profile, facts: dict[str, Any]) -> Rendered:
    elements = derive_elements(timeline)
    tier, story = _as_now(services, timeline)
    cut = CutFacts(
        media=facts["media"],
        element_list=elements,
        width=facts["width"],
        height=facts["height"],
        title=timeline.title,
        version=timeline.id,
        tier=tier,
        story=services.media.story(facts["media"]) or story,
    )
    return Rendered.model_validate(
        {
            **_measure_fields(facts),
            "timeline": timeline.id,
            "profile": name,
            "loudness_on_target": on_target(profile.target(timeline), facts, profile.within_tenths),
            "unsigned_sha256": facts["unsigned"],
            "sidecars": sidecars_of(services, timeline, profile) or None,
            "black": facts["black"] or None,
            "still": facts["still"] or None,
            "elements_sha256": elements.sha256(),
            "element_count": len(elements.elements),
            "statement": sign_cut(services.keys, ISSUER, cut, services.clock()),
        }
    )
