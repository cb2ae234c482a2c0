"""A clearance report for people: a matrix, when, why not with the clauses, and what would clear it. Pure.

Days and times are UTC, months by name; the end of a window is the first instant that is no longer in it. What is long
is cut short and says how much more there is: the report itself has everything.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from functools import lru_cache
from itertools import islice

from holdback_base.vocabulary import TimeRange, countries, to_utc

from holdback_servers.rights.atlas import LISTED, Atlas, atlas_of
from holdback_servers.rights.report import CellGroup, ClearanceReport, ConditionState, Plan, Reason

_STACKED, _KEYS = 6, 4
"""Most platforms in a heading, keys in a cell."""
_ROWS, _TOLD = 30, 12
"""Most rows of the matrix; most lines of each list under it."""
_CLAUSE, _TEXT = 240, 600
"""Most characters of a clause, and of the sentence of a reason or a condition."""
_WIDTH, _INDENT = 116, "       "
_INSTANT = re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_WORDS = {"CLEARED": "cleared", "PARTIAL": "partly", "CONDITIONAL": "if", "NEEDS_HUMAN": "ask", "DENIED": "denied"}
_LEGEND = {
    "PARTIAL": "partly: for some of the window, see When",
    "CONDITIONAL": "if: once these conditions are met",
    "NEEDS_HUMAN": "ask: a person must find out first",
}


def report_text(report: ClearanceReport) -> str:
    """The whole report in plain text, no longer than a person reads with pleasure."""
    return "\n".join(_lines(report, _Names(report)))


def moment_text(at: datetime) -> str:
    """An instant for people, in UTC: `24 Nov 2026 19:00`; seconds only where there are any."""
    at = to_utc(at)
    seconds = f":{at:%S}" if at.second or at.microsecond else ""
    return f"{at.day} {_MONTHS[at.month - 1]} {at.year} {at:%H:%M}{seconds}"


def window_text(window: TimeRange) -> str:
    """A window for people, in UTC: `24 Nov 2026 19:00 until 1 Dec 2026 00:00`, `from 24 Nov 2026 19:00`."""
    if window.end is None:
        return f"from {moment_text(window.start)}"
    return f"{moment_text(window.start)} until {moment_text(window.end)}"


def places(codes: Sequence[str], on: date = date.max) -> str:
    """Territories in a line: all of a few, known groups by name and the rest, or the first and how many more.

    Args:
        on: the day whose members a group has.
    """
    own = frozenset(codes)
    atlas = atlas_of(own - countries(), on)
    return atlas.line(atlas.set_of(own))


@lru_cache(maxsize=4096)
def _among(atlas: Atlas, some: int, everywhere: int) -> str:
    """Places, or what they are of all that was asked for."""
    count = some.bit_count()
    if some == everywhere and count > 1:
        return "everywhere"
    found = atlas.named(some)
    if count > LISTED and (found is None or found.startswith("WORLD except")):
        outside = atlas.named(everywhere & ~some)
        if outside is not None:
            return f"everywhere but {outside}"
    return atlas.line(some, found)


class _Names:
    """Sets of places and platforms as this report calls them."""

    def __init__(self, report: ClearanceReport) -> None:
        asked = report.asked
        self._platforms = len(asked.platforms)
        self.atlas = atlas_of(frozenset(asked.territories) - countries(), asked.window.start.date())
        self.everywhere = self.atlas.set_of(asked.territories)
        self.unmet = {each.key for each in report.conditions if not each.met}
        self.told = _told(report)
        self._told_keys = {each.key for each in self.told}
        self.groups = [(each, self.atlas.set_of(each.territories)) for each in report.groups]
        self.groups_of: dict[str, list[tuple[CellGroup, int]]] = {each.key: [] for each in report.reasons}
        for each in self.groups:
            for key in each[0].reasons:
                self.groups_of[key].append(each)

    def cell(self, group: CellGroup) -> str:
        """`cleared`, `partly R2`, `if C1 C3`, `denied R1 R2`: what is in the way and what is asked, not what is met."""
        keys = [key for key in group.reasons if key in self._told_keys] if group.verdict != "CLEARED" else []
        if group.verdict in ("CONDITIONAL", "PARTIAL"):
            asks = [key for key in group.conditions if key in self.unmet]
            keys = [*asks, *keys] if group.verdict == "CONDITIONAL" else [*keys, *asks]
        more = f" +{len(keys) - _KEYS}" if len(keys) > _KEYS else ""
        return f"{_WORDS[group.verdict]} {' '.join(keys[:_KEYS])}{more}".strip()

    def places(self, some: int) -> str:
        """Territories, or what they are of all that was asked for."""
        return _among(self.atlas, some, self.everywhere)

    def media(self, nodes: Sequence[str]) -> str:
        """Platforms, or that they are all."""
        return "all platforms" if len(nodes) == self._platforms > 1 else _some(nodes, LISTED)

    def where(self, some: int, nodes: Sequence[str]) -> str:
        """Both: `GB, IE on social.youtube`."""
        if some == self.everywhere and len(nodes) == self._platforms:
            return "everywhere asked"
        return f"{self.places(some)} on {self.media(nodes)}"


def _lines(report: ClearanceReport, names: _Names) -> Iterator[str]:
    yield report.summary
    yield ""
    yield from _question(report)
    yield ""
    yield from _matrix(report, names)
    yield from _when(report, names)
    yield from _listed("Why not", [_reason(each, report, names) for each in _alike(names.told)])
    yield from _listed("Conditions", [_condition(each) for each in report.conditions])
    yield from _listed("What would clear it", [_plan(n, each, names) for n, each in enumerate(report.plans, 1)])


def _listed(title: str, items: Sequence[Iterable[str]]) -> Iterator[str]:
    if not items:
        return
    yield ""
    yield f"{title}:"
    for item in items[:_TOLD]:
        for line in item:
            yield from _wrapped(line)
    if len(items) > _TOLD:
        yield f"  and {len(items) - _TOLD} more in the report"


def _wrapped(line: str) -> list[str]:
    """A line as lines that fit, those that follow indented as the list is; a word that is longer stays whole."""
    lines: list[str] = []
    while len(line) > _WIDTH:
        at = line.rfind(" ", len(_INDENT), _WIDTH + 1)
        at = at if at > 0 else line.find(" ", _WIDTH)
        if at < 0:
            break
        lines.append(line[:at].rstrip())
        line = _INDENT + line[at + 1 :]
    return [*lines, line]


def _question(report: ClearanceReport) -> Iterator[str]:
    asked = report.asked
    on = asked.window.start.date()
    more = [f"in {', '.join(asked.languages)}"] if asked.languages else []
    more += [f"{asked.runs} runs"] if asked.runs != 1 else []
    more += ["exclusively"] if asked.exclusive else []
    kept = [each.replace("_", "-") for each in asked.undertakings]
    more += [f"with {' and '.join(kept)} undertaken"] if kept else []
    where = f"{places(asked.territories, on)} on {_some(asked.platforms, LISTED)}"
    yield from _wrapped(f"Asked: {', '.join([f'{asked.purpose} in {where}', *more])},")
    yield f"{window_text(asked.window)} (all times UTC)."
    for cut in report.cuts:
        named = f"{_short(cut.title, 80)}, " if cut.title else ""
        yield f"Cut: {named}{cut.media[:19]}…, elements {cut.elements[:19]}…"
    if not report.cuts:
        yield "No cut was judged: what a cut must meet is told under Conditions."


def _matrix(report: ClearanceReport, names: _Names) -> Iterator[str]:
    asked = report.asked
    rows = _rows(report, names)
    columns: dict[tuple[int, ...], list[int]] = {}
    for column in range(len(asked.platforms)):
        columns.setdefault(tuple([row[column] for _, row in rows]), []).append(column)
    alike = list(columns.values())
    shown = rows if len(rows) <= _ROWS else [*rows[: _ROWS - 2], rows[-1]]
    stacked = [_stack([asked.platforms[each] for each in column]) for column in alike]
    if len(alike) == 1 and len(asked.platforms) > 1:
        stacked = [["every platform"]]
    depth = max(len(each) for each in stacked)
    cells = {number: names.cell(report.groups[number]) for number in {each for _, row in shown for each in row}}
    table = [["" if line else "Territory", *(_at(each, line) for each in stacked)] for line in range(depth)]
    for some, numbers in shown:
        label, count = names.places(some), some.bit_count()
        if some == rows[-1][0] and len(rows) > 1 and count > LISTED and label[:10] == "everywhere":
            label = f"everywhere else ({count})"
        table.append([label, *(cells[numbers[column[0]]] for column in alike)])
    widths = [max([len(row[column]) for row in table]) for column in range(len(table[0]))]
    for row in table:
        yield "  ".join([text.ljust(width) for text, width in zip(row, widths, strict=True)]).rstrip()
    if hidden := names.everywhere.bit_count() - sum(some.bit_count() for some, _ in shown):
        yield f"and {hidden} more territories in the report"
    verdicts = {each.verdict for each in report.groups}
    used = [said for verdict, said in _LEGEND.items() if verdict in verdicts]
    if used:
        yield f"({'; '.join(used)})"


def _rows(report: ClearanceReport, names: _Names) -> list[tuple[int, tuple[int, ...]]]:
    """Territories that have the same row, with the numbers of its groups, a platform each; the smallest sets first."""
    rows: list[tuple[int, tuple[int, ...]]] = [(names.everywhere, ())]
    for node in report.asked.platforms:
        here = [(number, some) for number, (group, some) in enumerate(names.groups) if node in group.platforms]
        rows = [(both, (*row, number)) for some, row in rows for number, own in here if (both := some & own)]
    return sorted(rows, key=lambda each: (each[0].bit_count(), each[0] & -each[0]))


def _stack(nodes: Sequence[str]) -> list[str]:
    """The lines of a heading."""
    if len(nodes) <= _STACKED:
        return [*nodes]
    return [*nodes[: _STACKED - 1], f"and {len(nodes) - _STACKED + 1} more"]


def _at(texts: Sequence[str], number: int) -> str:
    return texts[number] if number < len(texts) else ""


def _when(report: ClearanceReport, names: _Names) -> Iterator[str]:
    """When each group that is not simply clear or closed is."""
    some = [each for each in report.groups if each.verdict in ("PARTIAL", "CONDITIONAL")]
    told = list(islice(_moments(report, names), _TOLD))
    if not told:
        return
    yield ""
    yield "When (UTC; the end is the first instant no longer cleared):"
    widths = [max(len(row[column]) for row in told) for column in (0, 1)]
    before = ""
    for where, how, when in told:
        yield f"  {('' if before == where else where).ljust(widths[0])}  {how.ljust(widths[1])}  {when}"
        before = where
    if more := sum(len(each.windows) + len(each.windows_once_met or ()) for each in some) - len(told):
        yield f"  and {more} more in the report"


def _moments(report: ClearanceReport, names: _Names) -> Iterator[tuple[str, str, str]]:
    """Where, how and when, a window each."""
    for group, some in names.groups:
        if group.verdict not in ("PARTIAL", "CONDITIONAL"):
            continue
        keys = [key for key in group.conditions if key in names.unmet]
        once = f"once {', '.join(keys) or 'conditions'} {'are' if len(keys) != 1 else 'is'} met"
        where = names.where(some, group.platforms)
        yield from ((where, "cleared", _within(each, report)) for each in group.windows)
        yield from ((where, once, _within(each, report)) for each in group.windows_once_met or ())


def _within(window: TimeRange, report: ClearanceReport) -> str:
    return "all of the window" if window == report.asked.window else window_text(window)


def _told(report: ClearanceReport) -> list[Reason]:
    """The reasons that are told as such: an unmet condition is told with the conditions."""
    known = {(each.right, each.media) for each in report.conditions if not each.met}
    rights = {right for right, _ in known}
    return [each for each in report.reasons if each.code != "CONDITION_UNMET" or each.right not in rights]


def _alike(reasons: Iterable[Reason]) -> list[list[Reason]]:
    """Reasons that say the same of different places."""
    found: dict[tuple[str, str, str | None], list[Reason]] = {}
    for each in reasons:
        found.setdefault((each.code, each.text, each.right), []).append(each)
    return list(found.values())


def _reason(alike: Sequence[Reason], report: ClearanceReport, names: _Names) -> Iterator[str]:
    first = alike[0]
    yield f"  {' '.join(each.key for each in alike)} {first.code}: {_short(first.text, _TEXT)}"
    for each in alike[:LISTED]:
        then = "" if each.windows in ((), (report.asked.window,)) else f", {_spell(each.windows)}"
        for some, nodes in _cells_of(names.groups_of[each.key]):
            yield f"     {names.where(some, nodes)}{then}"
    yield from _source(first.right, first.contract, first.clause)


def _cells_of(own: Iterable[tuple[CellGroup, int]]) -> list[tuple[int, list[str]]]:
    """Where a reason of these groups holds, as rectangles: its places and platforms may hold cells that are clear of
    it."""
    by_node: dict[str, int] = {}
    for group, some in own:
        for node in group.platforms:
            by_node[node] = by_node.get(node, 0) | some
    alike: dict[int, list[str]] = {}
    for node in sorted(by_node):
        alike.setdefault(by_node[node], []).append(node)
    return list(alike.items())


def _source(right: str | None, contract: str | None, clause: str | None) -> Iterator[str]:
    if right:
        said = f': "{_short(clause, _CLAUSE)}"' if clause else ", no clause on record"
        yield f"     {right} of {contract}{said}"


def _condition(condition: ConditionState) -> Iterator[str]:
    state = "met" if condition.met else "to meet" if condition.media else "asked of a cut"
    what = f"{condition.type.replace('_', ' ')} for {condition.ref}"
    words = f' "{_short(condition.text, _TEXT)}"' if condition.text else ""
    long = f", {condition.min_seconds} s at a stretch" if condition.min_seconds else ""
    frames = ", ".join(f"{span.in_frame} to {span.out_frame}" for span in condition.spans[:LISTED])
    left = f", still in frames {frames}" if frames else ""
    more = f" and {len(condition.spans) - LISTED} more spans" if len(condition.spans) > LISTED else ""
    yield f"  {condition.key} {state}: {what}{words}{long}{left}{more}"
    yield from _source(condition.right, condition.contract, condition.clause)


def _plan(number: int, plan: Plan, names: _Names) -> Iterator[str]:
    first, *others = plan.remedies
    yield f"  {number}. {_short(first.text, _TEXT)}"
    yield from (f"     {_short(each.text, _TEXT)}" for each in others[: _TOLD - 1])
    if len(others) >= _TOLD:
        yield f"     and {len(others) - _TOLD + 1} more changes in the report"
    where = names.where(names.atlas.set_of(plan.territories), plan.platforms)
    if not plan.verified:
        yield "     Not decided: a person is needed."
        return
    buys = any(each.kind == "acquire_right" for each in plan.remedies)
    how = "Decided again as if it were on record" if buys else "Decided again"
    yield f"     {how}: then clear, {where}."


def _spell(windows: Sequence[TimeRange]) -> str:
    more = f" and {len(windows) - 3} more" if len(windows) > 3 else ""
    return "; ".join(window_text(each) for each in windows[:3]) + more


def _some(names: Sequence[str], most: int) -> str:
    if len(names) <= most:
        return ", ".join(names)
    return f"{', '.join(names[: most - 1])} and {len(names) - most + 1} more"


def _short(text: str, most: int) -> str:
    """On one line, instants as people read them, cut at a word where it is longer."""
    line = _INSTANT.sub(lambda found: _moment_said(found[0]), " ".join(text.split()))
    return line if len(line) <= most else f"{line[:most].rsplit(' ', 1)[0]}…"


@lru_cache(maxsize=4096)
def _moment_said(instant: str) -> str:
    return moment_text(datetime.fromisoformat(instant))
