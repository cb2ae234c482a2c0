"""The main job as a story: find, cut, have it cleared, revise until it is, plan, ask a person, commit."""

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from holdback_base.elements import ElementList
from holdback_base.problem import Problem

from holdback_agents.contracts import (
    Brief,
    ClearanceReport,
    ClearanceRequest,
    CommitReport,
    CommitRequest,
    CutVersion,
    ExportedFile,
    Highlight,
    PublicationPlan,
    PublicationRequest,
)
from holdback_agents.editing_assistant.choice import Pick, Piece, chosen
from holdback_agents.editing_assistant.reply import (
    calendar_file,
    cut_version,
    draft_of,
    highlight_of,
    question_of,
)
from holdback_agents.editing_assistant.request import refuse_past
from holdback_agents.editing_assistant.revision import (
    delivery_operations,
    edits_of,
    heard_in_film,
    is_hopeless,
    not_cleared,
    replaces_music,
    revision_of,
    with_wanted_credit,
)
from holdback_agents.runtime.run import Run

_ROUNDS = 3
"""How often a cut is revised before a person has to look at it."""
_STEPS = 8


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
    """The cut on the workbench; `film` is the title of what it is cut from, the first of the sources. `notes` are what
    a person should know of how it was cut."""

    film: str
    timeline: dict[str, Any]
    picks: tuple[Pick, ...]
    sources: tuple[Source, ...]
    music_used: frozenset[str]
    rate: float
    notes: tuple[str, ...] = ()


async def make_highlight(run: Run, brief: Brief) -> Highlight:
    """From a brief to a published highlight.

    Raises:
        Problem: RANGE_INVALID when the brief's window is over; NOT_FOUND when the library has nothing on the subject;
            NOT_CLEARED, with the reasons, when no revision clears anything; APPROVAL_REQUIRED when the person said no;
            and whatever a server or an agent refuses.
    """
    refuse_past(brief, run.started)
    title = f"{brief.subject[:1].upper()}{brief.subject[1:]}"
    cut = await _first_cut(run, brief, title)
    versions = [await _rendered(run, cut, "v1", None)]
    report = await _cleared(run, brief, versions[-1], "3")
    versions[-1] = versions[-1].model_copy(update={"report": report})
    await run.artifact("draft", draft_of(brief, title, versions, cut.notes))
    if is_hopeless(report):
        raise not_cleared(title, len(versions), report)
    for number in range(2, _ROUNDS + 2):
        remedies = edits_of(report)
        if number > 2 and not remedies:
            break
        cut = await _revised(run, brief, cut, report, first=number == 2)
        versions.append(await _rendered(run, cut, f"v{number}", versions[-1]))
        report = await _cleared(run, brief, versions[-1], "5")
        versions[-1] = versions[-1].model_copy(update={"report": report})
        await run.artifact("draft", draft_of(brief, title, versions, cut.notes))
    final = versions[-1]
    if report.statement is None or not report.open_territories():
        raise not_cleared(title, len(versions), report)
    plan = await _planned(run, brief, title, final, report)
    await run.progress("Asking a person to approve", step="7", of=_STEPS)
    await run.artifact("draft", draft_of(brief, title, versions, cut.notes, plan))
    answer = await run.ask(question_of(title, final, report, plan, cut.notes))
    holds = tuple(slot.hold for slot in plan.slots)
    if answer.decision != "approved":
        await run.delegate("commit-publication", CommitRequest(holds=holds, release=True), CommitReport)
        raise Problem(
            "APPROVAL_REQUIRED",
            f"{answer.by} did not approve {final.media}: {answer.comment or 'no reason given'}.",
            "Change what was asked for and start again; the held slots are given back.",
        )
    await run.progress("Committing the publication", step="8", of=_STEPS)
    commit = CommitRequest(
        holds=holds,
        clearance_statement=report.statement,
        approval_statement=answer.statement,
    )
    committed = await run.delegate("commit-publication", commit, CommitReport)
    files = (*await _exports(run, cut), calendar_file(committed.calendar))
    draft = draft_of(brief, title, versions, cut.notes, plan)
    return highlight_of(draft, answer=answer, committed=committed, files=files)


async def _first_cut(run: Run, brief: Brief, title: str) -> Cut:
    await run.progress(f"Searching the library for {brief.subject}", step="1", of=_STEPS)
    film = await _found(run, brief.subject, ("master", "clip")) or await _only_film(run)
    if film is None:
        raise Problem(
            "NOT_FOUND", f"The library has no film with {brief.subject!r}.", "Use words that describe_library lists."
        )
    pieces = [Piece.model_validate(each) for each in await _segments(run, film["asset_id"])]
    rate = Fraction(film["rate"])
    picks, notes = chosen(pieces, brief.subject, round(brief.seconds * rate), rate, film["title"])
    music = await _found(run, brief.subject, ("music",))
    voice = await _found(run, brief.subject, ("voice",))
    found = [each for each in (film, music, voice) if each is not None]
    sources = [await _source(run, each["asset_id"]) for each in found]
    for note in notes:
        await run.progress(note, step="2", of=_STEPS)
    await run.progress(f"Cutting {len(picks)} pieces of {film['title']}", step="2", of=_STEPS)
    timeline = await run.tool(
        "editing.create_timeline",
        title=title,
        sources=[each.statement for each in sources],
        clips=[_clip(film["media"], pick) for pick in picks],
        music=[{"media": music["media"], "gain": -40, "fade_out": round(rate)}] if music else None,
        voice=[{"media": voice["media"]}] if voice else None,
        reason=brief.text or f"a highlight of {brief.subject}",
    )
    used = frozenset(each["asset_id"] for each in (music,) if each is not None)
    return Cut(film["title"], timeline, picks, tuple(sources), used, float(rate), notes)


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


async def _segments(run: Run, asset: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        page = await run.tool("assets.list_segments", asset_id=asset, cursor=cursor)
        items += page["items"]
        cursor = page.get("next_cursor")
        if cursor is None:
            return items


async def _source(run: Run, asset: str) -> Source:
    view = await run.tool("assets.get_asset", asset_id=asset, include_statements=True)
    latest = view["versions"][0]
    elements = ElementList.model_validate(latest["element_list"])
    return Source(latest["id"], latest["media"], latest["statement"], elements)


async def _rendered(run: Run, cut: Cut, name: str, before: CutVersion | None) -> CutVersion:
    """Render the cut and put it on record in the library, with where it comes from."""
    timeline = cut.timeline["id"]
    step = "2" if before is None else "4"
    await run.progress(f"Rendering {name}", step=step, of=_STEPS)
    job = await run.tool("editing.render_timeline", timeline_id=timeline, profile="h264")
    rendered = await run.job("editing", job["id"], step=step)
    registered = await run.tool(
        "assets.register_version",
        cut_statement=rendered["statement"],
        relation="derivation" if before is None else "revision",
        of_versions=[each.version for each in cut.sources] if before is None else [before.version],
        reason="; ".join(cut.timeline["changes"])[:1000] if before else "first cut",
        asset_id=None if before is None else before.asset,
        title=cut.timeline["title"] if before is None else None,
    )
    return cut_version(name, cut.timeline, rendered, registered)


async def _cleared(run: Run, brief: Brief, version: CutVersion, step: str) -> ClearanceReport:
    await run.progress(f"Having the rights of {version.name} cleared", step=step, of=_STEPS)
    request = ClearanceRequest(
        cut_statements=(version.statement,),
        territories=brief.territories,
        platforms=brief.platforms,
        window=brief.window,
        purpose=brief.purpose,
    )
    return await run.delegate("clear-rights", request, ClearanceReport)


async def _revised(run: Run, brief: Brief, cut: Cut, report: ClearanceReport, *, first: bool) -> Cut:
    """The next revision: what the rights ask for, and with the first one the shape of the delivery."""
    remedies = with_wanted_credit(brief, edits_of(report), cut.film) if first else edits_of(report)
    replacement: Source | None = None
    used = cut.music_used
    if replaces_music(remedies):
        hit = await _found(run, "", ("music",), without=used)
        if hit is not None:
            replacement = await _source(run, hit["asset_id"])
            used |= {hit["asset_id"]}
    operations, words = revision_of(
        remedies,
        frames=cut.timeline["frames"],
        rate=cut.rate,
        music=replacement.media if replacement else None,
        heard=heard_in_film(cut.sources[0].elements, cut.timeline["clips"]),
    )
    if first:
        operations += delivery_operations(brief, cut.timeline["clips"], cut.picks)
    await run.progress(f"Revising: {'; '.join(words) or 'the shape of the delivery'}", step="4", of=_STEPS)
    timeline = await run.tool(
        "editing.revise_timeline",
        timeline_id=cut.timeline["id"],
        operations=operations,
        sources=[replacement.statement] if replacement else None,
        reason="; ".join(words)[:480],
    )
    sources = (*cut.sources, replacement) if replacement else cut.sources
    return replace(cut, timeline=timeline, sources=sources, music_used=used)


async def _planned(run: Run, brief: Brief, title: str, final: CutVersion, report: ClearanceReport) -> PublicationPlan:
    await run.progress("Planning the publication", step="6", of=_STEPS)
    request = PublicationRequest(
        title=title,
        clearance=report.clearance or "",
        media=final.media,
        seconds=brief.seconds,
        territories=report.open_territories(),
        platforms=brief.platforms,
        cells=report.cells,
        window=brief.window,
    )
    return await run.delegate("plan-publication", request, PublicationPlan)


async def _exports(run: Run, cut: Cut) -> tuple[ExportedFile, ...]:
    made = [
        await run.tool("editing.export_timeline", timeline_id=cut.timeline["id"], format=form)
        for form in ("edl", "otio")
    ]
    return tuple(ExportedFile.model_validate(each) for each in made)
