"""Turns what the rights server answered into compliance's report. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from holdback_agents.contracts import ClearanceReport
from holdback_agents.publishing_parts import Standing


def report_of(issued: Mapping[str, Any]) -> ClearanceReport:
    """The report, with the clearance where one was signed, or the reason why none was."""
    report: Mapping[str, Any] = issued["report"]
    summary = str(report["summary"])
    if issued.get("clearance"):
        opens = any(group["verdict"] in ("CLEARED", "PARTIAL") for group in report["groups"])
        what = "for what is clear" if opens else "as a refusal: it opens nothing"
        summary = f"{summary} Clearance {issued['clearance']} is signed {what}."
    elif issued.get("not_issued"):
        summary = f"{summary} No clearance is signed: {issued['not_issued']}."
    return ClearanceReport.model_validate(
        {
            **{name: report.get(name, ()) for name in ("reasons", "conditions", "plans")},
            "verdict": report["verdict"],
            "summary": summary,
            "media": [cut["media"] for cut in report["cuts"]],
            "cells": report["groups"],
            "clearance": issued.get("clearance"),
            "statement": issued.get("statement"),
        }
    )


def cell_line(report: Mapping[str, Any]) -> str:
    """One line on the groups of a small report: `DE on social.youtube: DENIED (HOLDBACK rgt_...)`."""
    codes = {reason["key"]: reason for reason in report.get("reasons", ())}
    lines: list[str] = []
    for group in report["groups"]:
        why = [codes[key] for key in group.get("reasons", ()) if key in codes]
        named = ", ".join(dict.fromkeys(f"{each['code']} {each.get('right') or each.get('ref') or ''}" for each in why))
        places = (
            ", ".join(group["territories"]) if len(group["territories"]) < 8 else f"{len(group['territories'])} places"
        )
        line = f"{places} on {', '.join(group['platforms'])}: {group['verdict']}"
        lines.append(f"{line} ({named.strip()})" if named else line)
    return "; ".join(lines)


def standing_text(items: Sequence[Standing]) -> str:
    """A line for each publication, or for a clearance by itself, and one for each thing that is wrong with it."""
    lines: list[str] = []
    for each in items:
        what = f"{each.publication} {each.title!r} on {each.channel}" if each.publication else each.clearance
        under = f" under {each.clearance}" if each.publication and each.clearance else ""
        lines.append(f"{what}{under}: {'stands' if each.stands else 'does not stand'}")
        lines += [f"  {finding.code}: {finding.text}" for finding in each.findings]
    return "\n".join(lines)
