"""The cut on the workbench: what it is cut from, the first cut, and each revision. Effects go through the run."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from holdback_base.elements import ElementList
from holdback_base.problem import Problem
from holdback_base.vocabulary import Span

from holdback_agents.contracts import Brief, ClearanceReport, Remedy
from holdback_agents.editing_assistant.choice import Pick, Piece, chosen, without
from holdback_agents.editing_assistant.delivery import caption_operations, delivery_operations, wanted_shape
from holdback_agents.editing_assistant.evidence import UNMEASURED, Curves
from holdback_agents.editing_assistant.revision import (
    edits_of,
    heard_in_film,
    replaces_music,
    revision_of,
    seen_in_film,
    with_wanted_credit,
)
from holdback_agents.runtime.run import Run

STEPS = 8
"""Steps of the whole job."""
_CURVE_PAGE, _MOST_PAGES = 2520, 60
"""Frames whose curves are read at once, on the grid of every usual rate, and how often: of an hour and three quarters
of film. What lies behind is chosen without them."""


@dataclass(frozen=True)
class Source:
    """Something in the library that the cut uses: its version, its media, what it is made of, and the library's signed
    word on it."""

    version: str
    media: str
    statement: str
    elements: ElementList


@dataclass(frozen=True)
class Cut:
    """The cut on the workbench.

    Args:
        film: the title of what it is cut from, the first of the sources.
        pieces: of the film, that the picks were chosen from.
        curves: what was measured of the film.
        beats: frames of the cut on which the first music has a beat.
        spoken: what was written down of the voices that are laid, by their media.
        sound: music and voice as they were first laid.
        remedies: all that was changed for the rights so far.
        replacement: other music that was laid, by sha256.
        notes: what a person should know of how it was cut.
    """

    film: str
    timeline: dict[str, Any]
    pieces: tuple[Piece, ...]
    picks: tuple[Pick, ...]
    sources: tuple[Source, ...]
    sound: dict[str, Any]
    music_used: frozenset[str]
    rate: Fraction
    curves: Curves = UNMEASURED
    beats: frozenset[int] = frozenset()
    spoken: tuple[tuple[str, tuple[Piece, ...]], ...] = ()
    remedies: tuple[Remedy, ...] = ()
    replacement: str | None = None
    notes: tuple[str, ...] = ()


async def first_cut(run: Run, brief: Brief, title: str) -> Cut:
    """The first cut about the brief's subject. Raises Problem NOT_FOUND or SPAN_OUTSIDE_MEDIA."""
    await run.progress(f"Searching the library for {brief.subject}", step="1", of=STEPS)
    film = await _found(run, brief.subject, ("master", "clip")) or await _only_film(run)
    if film is None:
        raise Problem(
            "NOT_FOUND", f"The library has no film with {brief.subject!r}.", "Use words that describe_library lists."
        )
    pieces = await _segments(run, film["asset_id"])
    rate = Fraction(film["rate"])
    music = await _found(run, brief.subject, ("music",))
    curves, beats = await _curves(run, film), await _beats(run, music, rate)
    picks, notes = chosen(
        pieces, brief.subject, round(brief.seconds * rate), rate, film["title"], curves=curves, beats=beats
    )
    voice = await _found(run, brief.subject, ("voice",))
    found = [each for each in (film, music, voice) if each is not None]
    sources = [await _source(run, each["asset_id"]) for each in found]
    for note in notes:
        await run.progress(note, step="2", of=STEPS)
    await run.progress(f"Cutting {len(picks)} pieces of {film['title']}", step="2", of=STEPS)
    sound: dict[str, Any] = {
        "music": [{"media": music["media"], "gain": -40, "fade_out": round(rate)}] if music else None,
        "voice": [{"media": voice["media"]}] if voice else None,
    }
    timeline = await _timeline(run, brief, tuple(sources), picks, title=title, **sound)
    used = frozenset(each["asset_id"] for each in (music,) if each is not None)
    cut = Cut(film["title"], timeline, tuple(pieces), picks, tuple(sources), sound, used, rate, notes=notes)
    spoken = ((voice["media"], tuple(await _segments(run, voice["asset_id"], "transcript"))),) if voice else ()
    return replace(cut, curves=curves, beats=beats, spoken=spoken)


async def _timeline(
    run: Run, brief: Brief, sources: tuple[Source, ...], picks: tuple[Pick, ...], *, title: str, **sound: Any
) -> dict[str, Any]:
    return await run.tool(
        "editing.create_timeline",
        title=title,
        sources=[each.statement for each in sources],
        clips=[_clip(sources[0].media, pick) for pick in picks],
        **sound,
        reason=brief.text or f"a highlight of {brief.subject}",
    )


def _clip(media: str, pick: Pick) -> dict[str, Any]:
    return {
        "media": media,
        "in_frame": pick.in_frame,
        "out_frame": pick.out_frame,
        "reason": pick.reason,
        "confidence": pick.confidence,
    }


async def _found(run: Run, words: str, kinds: tuple[str, ...], *, without: frozenset[str] = frozenset()) -> Any:
    """The best hit of these kinds, or None."""
    result = await run.tool("assets.search_assets", query=words, kinds=kinds, statuses=("ready",))
    return next((hit for hit in result["items"] if hit["asset_id"] not in without), None)


async def _only_film(run: Run) -> Any:
    """The film of a library that has just one: then there is nothing to search among. None when there are more."""
    result = await run.tool("assets.search_assets", query="", kinds=("master", "clip"), statuses=("ready",), limit=2)
    return result["items"][0] if len(result["items"]) == 1 else None


async def _segments(run: Run, asset: str, kind: str | None = None) -> list[Piece]:
    items: list[Piece] = []
    cursor: str | None = None
    while True:
        page = await run.tool("assets.list_segments", asset_id=asset, kind=kind, cursor=cursor, limit=200)
        items += [Piece.model_validate(each) for each in page["items"]]
        cursor = page.get("next_cursor")
        if cursor is None:
            return items


async def _curves(run: Run, film: dict[str, Any]) -> Curves:
    """What the library measured of a film."""
    found = UNMEASURED
    for first in range(0, min(film["frames"], _MOST_PAGES * _CURVE_PAGE), _CURVE_PAGE):
        end = min(film["frames"], first + _CURVE_PAGE)
        told = await run.tool("assets.get_curves", asset_id=film["asset_id"], in_frame=first, out_frame=end)
        found = Curves(
            step=told["step"],
            energy=(*found.energy, *told.get("energy", ())),
            motion=(*found.motion, *told.get("motion", ())),
            onsets=(*found.onsets, *told.get("onsets", ())),
        )
    return found


async def _beats(run: Run, music: Any, rate: Fraction) -> frozenset[int]:
    """The frames of a cut on which music laid from its beginning has a beat; none without music."""
    if music is None:
        return frozenset()
    told = await run.tool("assets.get_curves", asset_id=music["asset_id"])
    return frozenset(int(each * rate / Fraction(told["rate"])) for each in told.get("onsets", ()))


async def _source(run: Run, asset: str) -> Source:
    view = await run.tool("assets.get_asset", asset_id=asset, include_statements=True)
    latest = view["versions"][0]
    elements = ElementList.model_validate(latest["element_list"])
    return Source(latest["id"], latest["media"], latest["statement"], elements)


async def revised_cut(run: Run, brief: Brief, cut: Cut, report: ClearanceReport, *, first: bool) -> Cut | None:
    """The next revision: what the rights ask for, and with the first one the shape of the delivery.

    What must not be seen is left out by cutting anew around it. None when nothing that can be done would help.
    """
    remedies = with_wanted_credit(brief, edits_of(report), cut.film) if first else edits_of(report)
    around, recut = await _cut_around(run, brief, cut, remedies)
    if around and recut is None:
        if not report.open_territories():
            return None
        remedies = tuple(each for each in remedies if each not in around)
    cut = replace(recut or cut, remedies=(*cut.remedies, *remedies))
    cut, other_music = await _with_other_music(run, cut, remedies)
    seen = seen_in_film(cut.sources[0].elements)
    edits = [each for each in (cut.remedies if recut else remedies) if not _is_cut_around(each, seen)]
    operations, words = revision_of(
        edits,
        frames=cut.timeline["frames"],
        rate=float(cut.rate),
        music=cut.replacement,
        heard=heard_in_film(cut.sources[0].elements, cut.timeline["clips"]),
    )
    if first or recut:
        operations += await _finishing(run, brief, cut)
    if not operations:
        return None
    await run.progress(f"Revising: {'; '.join(words) or 'the shape of the delivery'}", step="4", of=STEPS)
    timeline = await run.tool(
        "editing.revise_timeline",
        timeline_id=cut.timeline["id"],
        operations=operations,
        sources=[other_music.statement] if other_music else None,
        reason="; ".join(words)[:480],
    )
    left_out = [f"Cut anew without {', '.join(each.ref or '' for each in around)}."] if recut else []
    return replace(cut, timeline=timeline | {"changes": [*left_out, *timeline.get("changes", ())]})


async def _finishing(run: Run, brief: Brief, cut: Cut) -> list[dict[str, Any]]:
    """What the delivery wants of the cut: for another shape the cutting room looks where the subjects go."""
    clips, suggested = cut.timeline["clips"], list[dict[str, Any]]()
    shape = wanted_shape(brief)
    if shape is not None:
        await run.progress("Looking where the subjects go", step="4", of=STEPS)
        job = await run.tool("editing.suggest_reframe", timeline_id=cut.timeline["id"], aspect=shape)
        suggested = (await run.job("editing", job["id"], step="4"))["centres"]
    operations = delivery_operations(
        brief, clips, cut.picks, frames=cut.timeline["frames"], rate=float(cut.rate), suggested=suggested
    )
    return operations + caption_operations([(cut.sources[0].media, cut.pieces), *cut.spoken], clips)


async def _cut_around(
    run: Run, brief: Brief, cut: Cut, remedies: tuple[Remedy, ...]
) -> tuple[tuple[Remedy, ...], Cut | None]:
    """What has to be taken out of the picture, and the cut made anew without it; None for want of other footage."""
    seen = seen_in_film(cut.sources[0].elements)
    around = tuple(each for each in remedies if _is_cut_around(each, seen))
    if not around:
        return (), None
    spans = [span for each in around for span in seen[each.ref or ""]]
    pieces = without(cut.pieces, spans, cut.rate)
    try:
        picks, notes = chosen(
            pieces,
            brief.subject,
            cut.timeline["frames"],
            cut.rate,
            cut.film,
            curves=cut.curves,
            beats=frozenset() if cut.replacement else cut.beats,
        )
    except Problem as problem:
        if problem.code not in ("NOT_FOUND", "SPAN_OUTSIDE_MEDIA"):
            raise
        return around, None
    await run.progress(f"Cutting anew without {', '.join(each.ref or '' for each in around)}", step="4", of=STEPS)
    timeline = await _timeline(run, brief, cut.sources, picks, title=cut.timeline["title"], **cut.sound)
    return around, replace(cut, timeline=timeline, pieces=pieces, picks=picks, notes=notes or cut.notes)


def _is_cut_around(remedy: Remedy, seen: Mapping[str, tuple[Span, ...]]) -> bool:
    return remedy.kind == "replace_element" and remedy.ref in seen


async def _with_other_music(run: Run, cut: Cut, remedies: tuple[Remedy, ...]) -> tuple[Cut, Source | None]:
    """The cut with other music to lay, when some must be replaced and the library has some."""
    if not replaces_music(remedies):
        return cut, None
    hit = await _found(run, "", ("music",), without=cut.music_used)
    if hit is None:
        return replace(cut, replacement=None), None
    source = await _source(run, hit["asset_id"])
    used = cut.music_used | {hit["asset_id"]}
    return replace(cut, replacement=source.media, music_used=used, sources=(*cut.sources, source)), source
