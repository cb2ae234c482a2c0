"""What compliance does about publications that exist: looks whether each still stands on its clearance."""

from collections.abc import Mapping, Sequence
from typing import Any

from holdback_base.problem import Problem

from holdback_agents.compliance.coverage import COMMITTED, clearance_standing, standing_of, uncovered
from holdback_agents.compliance.papers import terms_of, versions_of
from holdback_agents.compliance.reply import standing_text
from holdback_agents.contracts import Availability
from holdback_agents.publishing_parts import PublicationCheck, PublicationStanding, Standing
from holdback_agents.runtime.run import Run

_MOST_DECIDED_AGAIN = 30
"""Publications decided anew in one task, of two steps each; a task may take only so many. Others do not stand."""

_TOLD_ALONE = 48
"""Publications of which each is told that it stands; of more only each forty-eighth."""


async def check_publication(run: Run, request: PublicationCheck) -> PublicationStanding:
    """Ask the rights server about each clearance and hold it against what the schedule shows, where and when, and
    whether the approval was taken back.

    Raises:
        Problem: INVALID_ARGUMENT when neither a publication nor a clearance is named; NOT_FOUND for one that is none.
    """
    if not request.publications and not request.clearance:
        raise Problem(
            "INVALID_ARGUMENT",
            "Neither a publication nor a clearance is named.",
            "Name publications (pub_...), held slots (hold_...) or a clearance (clr_...).",
        )
    if not request.publications:
        record = await run.tool("rights.get_clearance", clearance=request.clearance)
        return told((clearance_standing(record, request.media),))
    page = await run.tool("schedule.get_schedule", publications=request.publications, approvals=True)
    return told(await standings(run, page["items"], request.clearance, page.get("approvals")))


async def standings(
    run: Run,
    publications: Sequence[dict[str, Any]],
    clearance: str = "",
    approvals: Mapping[str, str] | None = None,
) -> tuple[Standing, ...]:
    """How publications stand, each on the clearance named or else on its own; every clearance is asked for once."""
    records: dict[str, dict[str, Any]] = {}
    found: list[Standing] = []
    tries = _MOST_DECIDED_AGAIN
    for number, publication in enumerate(publications, 1):
        named = clearance or publication.get("clearance") or ""
        if named and named not in records:
            records[named] = await run.tool("rights.get_clearance", clearance=named)
        standing = standing_of(publication, records.get(named), approvals)
        if tries and _outlived(publication, standing):
            tries -= 1
            standing = await _decided_again(run, publication, records[named], standing)
        found.append(standing)
        if standing.stands and len(publications) > _TOLD_ALONE and number % _TOLD_ALONE:
            continue
        verdict = "stands" if standing.stands else standing.findings[0].text
        text = f"{publication['title']!r} on {publication['channel']}: {verdict}"
        await run.progress(text, step="check", done=number, total=len(publications), unit="publications")
    return tuple(found)


def told(items: tuple[Standing, ...]) -> PublicationStanding:
    """The answer about all of them, and how it reads."""
    return PublicationStanding(stands=all(each.stands for each in items), items=items, text=standing_text(items))


def _outlived(publication: dict[str, Any], standing: Standing) -> bool:
    """Whether all that is wrong is that a committed publication outlived its paper, and rights changed since."""
    return publication["state"] in COMMITTED and {each.code for each in standing.findings} == {"CLEARANCE_EXPIRED"}


async def _decided_again(run: Run, publication: dict[str, Any], record: dict[str, Any], standing: Standing) -> Standing:
    """Decide anew from the library's cut statement: the rights server looks again only at clearances that have not
    expired, so that it cannot say what such a one lost. As before where the cut is not in the library or not cleared.
    """
    if not publication.get("asset") or not publication.get("media"):
        return standing
    versions = await versions_of(run, publication["asset"])
    statements = [each["statement"] for each in versions if each["media"] == publication["media"]]
    if not statements:
        return standing
    pieces = [Availability.model_validate(each) for each in publication["availability"]]
    ends = [each.end for each in pieces]
    report = await run.tool(
        "rights.check_clearance",
        cut_statements=statements[:1],
        territories=sorted({territory for piece in pieces for territory in piece.territories}),
        platforms=[publication["platform"]],
        start=min(each.start for each in pieces),
        end=None if None in ends else max(each for each in ends if each is not None),
        plans=False,
        **terms_of(record["statement"]),
    )
    if uncovered(report["groups"], pieces, publication["platform"]):
        return standing
    return standing.model_copy(update={"stands": True, "findings": ()})
