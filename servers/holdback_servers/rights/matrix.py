"""A clearance report for people: a matrix, the reasons with their clauses, and what would clear it. Pure."""

from collections.abc import Iterable, Iterator, Sequence

from holdback_base.vocabulary import TimeRange

from holdback_servers.rights.report import CellGroup, ClearanceReport, ConditionState, Reason

_PLACES = 8


def report_text(report: ClearanceReport) -> str:
    """The whole report in plain text, no wider than a person reads with pleasure."""
    return "\n".join(_lines(report))


def _lines(report: ClearanceReport) -> Iterator[str]:
    asked = report.asked
    yield report.summary
    tongues = f", in {', '.join(asked.languages)}" if asked.languages else ""
    yield f"Asked: {asked.purpose}{tongues}, {asked.window.text()}."
    for cut in report.cuts:
        yield f"Cut: {cut.title + ' ' if cut.title else ''}{cut.media[:19]}…, elements {cut.elements[:19]}…"
    yield ""
    yield from _matrix(report)
    if report.reasons:
        yield "\nReasons:"
        for reason in report.reasons:
            yield from _reason(reason, report)
    if report.conditions:
        yield "\nConditions:"
        for condition in report.conditions:
            yield _condition(condition)
    for number, plan in enumerate(report.plans, 1):
        how = "decided again: it clears" if plan.verified else "not decided: a person is needed"
        yield f"\nWhat would clear it, plan {number} ({how} {places(plan.territories)} on {', '.join(plan.platforms)}):"
        yield from (f"  - {remedy.text}" for remedy in plan.remedies)


def _matrix(report: ClearanceReport) -> Iterator[str]:
    platforms = report.asked.platforms
    cell_of = {
        (place, node): group for group in report.groups for place in group.territories for node in group.platforms
    }
    rows: dict[tuple[int, ...], list[str]] = {}
    for place in report.asked.territories:
        rows.setdefault(tuple(id(cell_of[place, node]) for node in platforms), []).append(place)
    table = [["", *platforms]]
    table += [[places(found), *(_cell(cell_of[found[0], node]) for node in platforms)] for found in rows.values()]
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    for row in table:
        yield "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
    told = [each for each in report.groups if each.windows or each.windows_once_met]
    if told and report.verdict != "CLEARED":
        yield ""
    for group in told:
        if group.verdict in ("PARTIAL", "CONDITIONAL"):
            where = f"{places(group.territories)} on {', '.join(group.platforms)}"
            if group.windows:
                yield f"{where}: cleared {_when(group.windows)}."
            if group.windows_once_met:
                yield f"{where}: once conditions are met, {_when(group.windows_once_met)}."


def _cell(group: CellGroup) -> str:
    keys = [*group.reasons, *(key for key in group.conditions if group.verdict in ("CLEARED", "PARTIAL"))]
    return f"{group.verdict} {' '.join(keys)}".strip()


def places(codes: Sequence[str]) -> str:
    """Territories in a line: all of a few, the first of many and how many more."""
    if len(codes) <= _PLACES:
        return ", ".join(codes)
    return f"{', '.join(codes[: _PLACES - 1])} and {len(codes) - _PLACES + 1} more"


def _when(windows: Iterable[TimeRange]) -> str:
    return "; ".join(each.text() for each in windows)


def _reason(reason: Reason, report: ClearanceReport) -> Iterator[str]:
    everywhere = reason.territories == report.asked.territories and reason.platforms == report.asked.platforms
    where = "everywhere" if everywhere else f"{places(reason.territories)} on {', '.join(reason.platforms)}"
    yield f"  {reason.key} {reason.code} ({where}): {reason.text}"
    if reason.right:
        clause = f": {reason.clause}" if reason.clause else ""
        yield f"     {reason.right} of {reason.contract}{clause}"
    if reason.windows and reason.windows != (report.asked.window,):
        yield f"     in the way {_when(reason.windows)}"


def _condition(condition: ConditionState) -> str:
    spans = " ".join(f"[{span.in_frame},{span.out_frame})" for span in condition.spans)
    long = f" for {condition.min_seconds} s" if condition.min_seconds else ""
    words = f' "{condition.text}"{long}' if condition.text else long
    left = f", frames left {spans}" if spans else ""
    state = "met" if condition.met else "NOT MET"
    return f"  {condition.key} {state}: {condition.type} {condition.ref}{words}{left} ({condition.right})"
