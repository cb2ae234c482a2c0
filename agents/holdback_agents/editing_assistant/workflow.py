"""The main job as a story: find, cut, have it cleared, revise until it is, plan, ask a person, commit."""

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
from holdback_agents.editing_assistant.cutting import STEPS, Cut, first_cut, revised_cut
from holdback_agents.editing_assistant.reply import (
    calendar_file,
    cut_version,
    draft_of,
    highlight_of,
    question_of,
)
from holdback_agents.editing_assistant.request import refuse_past
from holdback_agents.editing_assistant.revision import edits_of, is_hopeless, not_cleared
from holdback_agents.runtime.run import Run

_ROUNDS = 3
"""How often a cut is revised before a person has to look at it."""


async def make_highlight(run: Run, brief: Brief) -> Highlight:
    """From a brief to a published highlight.

    Raises:
        Problem: RANGE_INVALID when the brief's window is over; NOT_FOUND when the library has nothing on the subject;
            NOT_CLEARED, with the reasons, when no revision clears anything; APPROVAL_REQUIRED when the person said no;
            and whatever a server or an agent refuses.
    """
    refuse_past(brief, run.started)
    title = f"{brief.subject[:1].upper()}{brief.subject[1:]}"
    cut = await first_cut(run, brief, title)
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
        revised = await revised_cut(run, brief, cut, report, first=number == 2)
        if revised is None:
            break
        cut = revised
        versions.append(await _rendered(run, cut, f"v{number}", versions[-1]))
        report = await _cleared(run, brief, versions[-1], "5")
        versions[-1] = versions[-1].model_copy(update={"report": report})
        await run.artifact("draft", draft_of(brief, title, versions, cut.notes))
    final = versions[-1]
    if report.statement is None or not report.open_territories():
        raise not_cleared(title, len(versions), report)
    plan = await _planned(run, brief, title, final, report)
    await run.progress("Asking a person to approve", step="7", of=STEPS)
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
    await run.progress("Committing the publication", step="8", of=STEPS)
    commit = CommitRequest(
        holds=holds,
        clearance_statement=report.statement,
        approval_statement=answer.statement,
    )
    committed = await run.delegate("commit-publication", commit, CommitReport)
    files = (*await _exports(run, cut), calendar_file(committed.calendar))
    draft = draft_of(brief, title, versions, cut.notes, plan)
    return highlight_of(draft, answer=answer, committed=committed, files=files)


async def _rendered(run: Run, cut: Cut, name: str, before: CutVersion | None) -> CutVersion:
    """Render the cut and put it on record in the library, with where it comes from."""
    timeline = cut.timeline["id"]
    step = "2" if before is None else "4"
    await run.progress(f"Rendering {name}", step=step, of=STEPS)
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
    await run.progress(f"Having the rights of {version.name} cleared", step=step, of=STEPS)
    request = ClearanceRequest(
        cut_statements=(version.statement,),
        territories=brief.territories,
        platforms=brief.platforms,
        window=brief.window,
        purpose=brief.purpose,
    )
    return await run.delegate("clear-rights", request, ClearanceReport)


async def _planned(run: Run, brief: Brief, title: str, final: CutVersion, report: ClearanceReport) -> PublicationPlan:
    await run.progress("Planning the publication", step="6", of=STEPS)
    request = PublicationRequest(
        title=title,
        clearance=report.clearance or "",
        media=final.media,
        asset=final.asset or None,
        seconds=brief.seconds,
        territories=report.open_territories(),
        platforms=brief.platforms,
        cells=report.cells,
        window=brief.window,
    )
    return await run.delegate("plan-publication", request, PublicationPlan)


async def _exports(run: Run, cut: Cut) -> tuple[ExportedFile, ...]:
    wanted = [{"format": "edl"}, {"format": "otio"}]
    wanted += [
        {"format": "vtt", "language": each["language"]} for each in cut.timeline.get("captions", ()) if each["shown"]
    ]
    timeline = cut.timeline["id"]
    made = [await run.tool("editing.export_timeline", timeline_id=timeline, **each) for each in wanted]
    return tuple(ExportedFile.model_validate(each) for each in made)
