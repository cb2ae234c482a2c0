"""What compliance does: every cell is checked and told as it is decided, then what is clear is signed."""

from collections.abc import Sequence
from typing import Any

from holdback_base.problem import Problem

from holdback_agents.compliance.evidence import weighed
from holdback_agents.compliance.papers import versions_of
from holdback_agents.compliance.proving import examined
from holdback_agents.compliance.reply import cell_line, report_of
from holdback_agents.contracts import ClearanceReport, ClearanceRequest
from holdback_agents.runtime.run import Run

_CHECKED_ALONE = 48
"""Cells that are told one by one; of a larger request the platforms are."""


async def clear_rights(run: Run, request: ClearanceRequest) -> ClearanceReport:
    """Check cell by cell, then decide over all of it and have the decision signed, also where nothing is clear.

    The element list comes out of the signed cut statements; what the asking agent says of it does not count. Nor does
    the list alone: what it says was done to meet a condition is examined in the file itself, and nothing is signed
    that rests on what the file contradicts.

    Raises:
        Problem: STATEMENT_INVALID, TERRITORY_UNKNOWN, RANGE_INVALID and whatever else the rights server refuses.
    """
    request = await _with_statements(run, request)
    cells, answers = _cells(request), list[dict[str, Any]]()
    for number, (territories, platform) in enumerate(cells, 1):
        answer = await run.tool("rights.check_clearance", **_question(request, territories, (platform,)))
        answers.append(answer)
        line = cell_line(answer)
        await run.progress(line, step="check", of=2, done=number, total=len(cells), unit="cells")
    whole = _question(request, request.territories, request.platforms)
    findings = await examined(run, request.cut_statements, answers)
    if not request.issue or findings.contradicted:
        answer = await run.tool("rights.check_clearance", **whole)
        return weighed(report_of({"report": answer}), answer.get("conditions", ()), findings)
    issued = await run.tool("rights.issue_clearance", **whole, accept_partial=True, sign_refusal=True)
    report = weighed(report_of(issued), issued["report"].get("conditions", ()), findings)
    await run.progress(report.summary, step="issue", of=2, done=len(cells), total=len(cells), unit="cells")
    return report


async def _with_statements(run: Run, request: ClearanceRequest) -> ClearanceRequest:
    """The request with the library's signed word on the assets it names.

    Raises Problem CUT_STATEMENT_REQUIRED when there is none, or none of the bytes that are meant.
    """
    statements = list(request.cut_statements)
    for asset in request.assets:
        versions = await versions_of(run, asset)
        meant = [each for each in versions if each["media"] in request.media] if request.media else versions[:1]
        if not meant:
            raise Problem(
                "CUT_STATEMENT_REQUIRED",
                f"No version of {asset} has the bytes that are meant.",
                "Name the asset of these bytes, or give their signed cut statement.",
                media=list(request.media),
            )
        statements += [each["statement"] for each in meant]
    if not statements:
        raise Problem(
            "CUT_STATEMENT_REQUIRED", "The request names no cut.", "Name an asset or give a signed cut statement."
        )
    return request.model_copy(update={"cut_statements": tuple(statements), "assets": ()})


def _cells(request: ClearanceRequest) -> list[tuple[tuple[str, ...], str]]:
    if len(request.territories) * len(request.platforms) > _CHECKED_ALONE:
        return [(request.territories, platform) for platform in request.platforms]
    return [((territory,), platform) for territory in request.territories for platform in request.platforms]


def _question(request: ClearanceRequest, territories: Sequence[str], platforms: Sequence[str]) -> dict[str, Any]:
    question: dict[str, Any] = {
        "cut_statements": request.cut_statements,
        "territories": territories,
        "platforms": platforms,
        "start": request.window.start,
        "end": request.window.end,
        "purpose": request.purpose,
    }
    beside = {"languages": request.languages, "undertakings": request.undertakings}
    question |= {name: value for name, value in beside.items() if value}
    return question | ({"runs": request.runs} if request.runs > 1 else {})
