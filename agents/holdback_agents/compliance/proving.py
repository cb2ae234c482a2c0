"""Has the cutting room examine a cut for the conditions that its element list says are met."""

from collections.abc import Mapping, Sequence
from typing import Any

from holdback_base.problem import Problem

from holdback_agents.compliance.evidence import Findings, asked, said_to_be_met, told, unproven
from holdback_agents.phrases import claims_of
from holdback_agents.runtime.run import Run

_ENDS = frozenset({"CANCELLED", "BUDGET_EXCEEDED"})


async def examined(run: Run, statements: Sequence[str], reports: Sequence[Mapping[str, Any]]) -> Findings:
    """The evidence on every condition that these reports of the rights server take for met.

    What cannot be examined is not proven, and says why: the file is elsewhere, or nobody offers to look.

    Args:
        statements: the signed cut statements that the reports are about.
    """
    findings = Findings()
    conditions = said_to_be_met(reports)
    for statement in statements:
        media = claims_of(statement).get("sub")
        mine = [each for each in conditions if each["media"] == media]
        if not mine:
            continue
        await run.progress(f"Looking whether {len(mine)} conditions are really met", step="prove", of=2)
        try:
            job = await run.tool("editing.prove_conditions", cut_statement=statement, conditions=asked(mine))
            report = await run.job("editing", job["id"], step="prove")
        except Problem as problem:
            if problem.code in _ENDS:
                raise
            for each in mine:
                findings.note(each, unproven(problem.message))
            continue
        findings.statements.append(report["statement"])
        for proof in report["proofs"]:
            findings.note(mine[int(proof["key"])], told(proof))
            await run.progress(f"{proof['type']}: {proof['verdict']}. {proof['text']}", step="prove", of=2)
    return findings
