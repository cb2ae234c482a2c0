"""What was proven about the conditions that a cut is said to meet, and what follows for the answer. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from holdback_agents.contracts import Cell, ClearanceReport, Condition, Evidence

PROVABLE = frozenset({"blur", "mute", "replace_music", "credit", "disclaimer"})
"""Conditions that can be seen or heard in a file; the others are promises and papers."""
_OPEN = frozenset({"CLEARED", "PARTIAL"})


def said_to_be_met(reports: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The provable conditions that the rights server takes for met, by the element list of a cut, each once."""
    found: dict[tuple[Any, ...], Mapping[str, Any]] = {}
    for report in reports:
        for each in report.get("conditions", ()):
            if each["met"] and each["type"] in PROVABLE and each.get("media"):
                found.setdefault(_identity(each), each)
    return list(found.values())


def _identity(condition: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(condition.get(name) for name in ("media", "type", "ref", "text", "min_seconds"))


def asked(conditions: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The conditions as the cutting room takes them, keyed by their number."""
    wanted: list[dict[str, Any]] = []
    for number, each in enumerate(conditions):
        words = each["type"] in ("credit", "disclaimer")
        about = {"text": each["text"]} if words else {"ref": each["ref"]}
        least = {"min_seconds": each["min_seconds"]} if each.get("min_seconds") is not None else {}
        wanted.append({"key": str(number), "type": each["type"], **about, **least})
    return wanted


def told(proof: Mapping[str, Any]) -> Evidence:
    """A proof of the cutting room as compliance tells it."""
    return Evidence.model_validate(
        {name: proof[name] for name in ("verdict", "text", "failing", "still") if proof.get(name) is not None}
    )


def unproven(why: str) -> Evidence:
    """There is no proof, and why."""
    return Evidence(verdict="not_proven", text=f"It could not be examined: {why}")


class Findings:
    """The evidence on each condition that is said to be met."""

    def __init__(self) -> None:
        self._found: dict[tuple[Any, ...], Evidence] = {}
        self.statements: list[str] = []

    def note(self, condition: Mapping[str, Any], evidence: Evidence) -> None:
        """Evidence on a condition as the rights server tells it."""
        self._found[_identity(condition)] = evidence

    def of(self, condition: Mapping[str, Any]) -> Evidence | None:
        """The evidence on a condition as the rights server tells it, under whatever key."""
        return self._found.get(_identity(condition))

    @property
    def contradicted(self) -> bool:
        """Whether the cut does not do what its element list says."""
        return any(each.verdict == "contradicted" for each in self._found.values())


def weighed(report: ClearanceReport, conditions: Sequence[Mapping[str, Any]], findings: Findings) -> ClearanceReport:
    """The report with the evidence; what rests on a contradicted condition is no longer open.

    Args:
        conditions: of the rights server's report, in the order of the report's own.
    """
    shown: list[Condition] = []
    for condition, raw in zip(report.conditions, conditions, strict=True):
        evidence = findings.of(raw) if condition.met else None
        false = evidence is not None and evidence.verdict == "contradicted"
        shown.append(condition.model_copy(update={"met": condition.met and not false, "evidence": evidence}))
    broken = {each.key for each in shown if each.evidence and each.evidence.verdict == "contradicted"}
    cells = tuple(_weighed(cell, broken) for cell in report.cells)
    verdict = "CONDITIONAL" if cells != report.cells else report.verdict
    return report.model_copy(
        update={
            "conditions": tuple(shown),
            "cells": cells,
            "verdict": verdict,
            "summary": _summary(report.summary, shown),
            "proofs": tuple(findings.statements),
        }
    )


def _weighed(cell: Cell, broken: set[str]) -> Cell:
    if cell.verdict not in _OPEN or not broken.intersection(cell.conditions):
        return cell
    return cell.model_copy(update={"verdict": "CONDITIONAL", "windows": ()})


def _summary(summary: str, conditions: Sequence[Condition]) -> str:
    examined = [each for each in conditions if each.evidence is not None]
    lines = [
        f"The cut itself says otherwise: {each.evidence.text}"
        for each in examined
        if each.evidence and each.evidence.verdict == "contradicted"
    ]
    proven = sum(each.evidence is not None and each.evidence.verdict == "proven" for each in examined)
    open_ones = [each for each in examined if each.evidence and each.evidence.verdict == "not_proven"]
    if proven:
        lines.append(
            f"{proven} of {len(examined)} conditions met {'is' if proven == 1 else 'are'} proven from the file."
        )
    lines += [f"Not proven: {each.evidence.text}" for each in open_ones if each.evidence]
    return " ".join((summary, *dict.fromkeys(lines)))
