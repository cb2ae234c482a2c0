"""`holdback audit`: checks the audit log of a home or of an output folder, and reads it as a story."""

import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from holdback_base.problem import Problem
from holdback_servers.settings import default_home, load_settings
from holdback_trust.audit_check import rows
from holdback_trust.audit_check import verify as verify_chains
from holdback_trust.audit_story import Line, Row, Story, TaskTold, tasks_of, tell
from holdback_trust.keys import KeyPair, KeyRing
from holdback_trust.untrusted.marking import visible

_SHORTEST = 6
"""Characters of a task's id that may stand for it."""
_LONG, _MOST_IDS = 2.0, 2
_ACTS = {
    "approval.ask": "asks for an approval",
    "approval.decide": "decides about the approval",
    "approval.approved": "approved",
    "approval.rejected": "rejected",
    "approval.revoke": "takes the approval back",
    "approval.delivered": "brings the decision to the task",
}
"""Acts of the gateway in plain words."""


def verify_audit(home: Path | None, out: Path | None, anchors: Path | None = None) -> None:
    """Check every chain; exits with 1 when a row was edited, removed, reordered or cut off.

    An output folder holds the log twice, as the house wrote it and as a copy to hand on: both are checked. `anchors`
    is where copies of the heads were kept; the home's settings say it where it is left out. Raises Problem NOT_FOUND,
    after what was found without them, when no copies lie there.
    """
    named = anchors is not None
    if anchors is None and out is None:
        anchors = load_settings(home=home).anchors
    reports = {folder: verify_chains(folder, _home_keys(folder.parent), anchors) for folder in _logs(home, out)}
    for folder, report in reports.items():
        heading = f"{folder}\n" if len(reports) > 1 else ""
        sys.stdout.write(f"{heading}{report.text()}\n")
    if not all(report.ok for report in reports.values()):
        sys.exit(1)
    signed = any(any(folder.glob("*.heads.jsonl")) for folder in reports)
    if anchors is not None and (named or signed) and not any(anchors.glob("*.anchors.jsonl")):
        raise Problem(
            "NOT_FOUND",
            f"No copies of heads lie in {anchors}: what was cut off together with its heads was not looked for.",
            "See whether it is there and spelt as in `anchors` of holdback.toml; a house fills it at a task's end.",
        )


def _home_keys(place: Path) -> KeyRing | None:
    """The home's own keys, where this is a home: they are believed rather than those that lie beside a log."""
    kept = sorted((place / "keys").glob("*.pem"))
    if not kept:
        return None
    return KeyRing({path.stem: [KeyPair.load_or_create(path).public_jwk] for path in kept})


def show_audit(task: str | None, home: Path | None, out: Path | None, *, whole: bool, as_json: bool = False) -> None:
    """Write the story of a task; without one, all tasks and what was refused outside any.

    With `whole`, every row of the log (of the task) in order of time, one a line. A task may be named by the first six
    or more characters of its id. Raises Problem NOT_FOUND when no row names it.
    """
    found = list(rows(_logs(home, out)[0]))
    chosen = None if task is None else _chosen(task, found)
    if whole:
        _write_rows(found, chosen, as_json=as_json)
    elif chosen is None:
        _write_overview(found, as_json=as_json)
    else:
        story = tell(found, chosen)
        shown = story.model_dump_json(indent=2, exclude_none=True) if as_json else "\n".join(_told(story))
        sys.stdout.write(f"{shown}\n")


def _chosen(task: str, found: Sequence[Row]) -> str:
    named = dict.fromkeys(row.task for _, row in found if row.task)
    if task in named:
        return task
    fitting = [each for each in named if each.startswith(task)] if len(task) >= _SHORTEST else []
    if len(fitting) != 1:
        raise Problem(
            "NOT_FOUND",
            f"{'More than one task begins' if fitting else 'No row names a task that begins'} with {task}.",
            "List the tasks with: holdback audit show",
        )
    return fitting[0]


def _write_rows(found: Sequence[Row], task: str | None, *, as_json: bool) -> None:
    for chain, row in found:
        if task is not None and row.task != task:
            continue
        if as_json:
            shape = {"chain": chain, **row.model_dump(mode="json", exclude_defaults=True)}
            sys.stdout.write(json.dumps(shape, ensure_ascii=False) + "\n")
            continue
        whom = f" for {row.on_behalf_of}" if row.on_behalf_of and row.on_behalf_of != row.actor else ""
        what = f"{row.action} {row.resource} {' '.join(row.things)}".rstrip()
        said = f"{row.actor}{whom}: {what}: {row.decision} ({row.policy})"
        sys.stdout.write(f"{row.at:%Y-%m-%d %H:%M:%S}  {_one_line(said)}\n")


def _write_overview(found: Sequence[Row], *, as_json: bool) -> None:
    tasks = tasks_of(found)
    first = [each for each in tasks if not each.given_by]
    refused = [each for each in found if not each[1].task and each[1].decision.startswith(("denied", "failed"))]
    people = dict.fromkeys(row.actor for _, row in found if row.actor.startswith("person:"))
    if as_json:
        shape = {
            "tasks": [each.model_dump(mode="json", exclude_none=True) for each in tasks],
            "people": list(people),
            "refused": [{"chain": name, **row.model_dump(mode="json", exclude_defaults=True)} for name, row in refused],
        }
        sys.stdout.write(json.dumps(shape, indent=2, ensure_ascii=False) + "\n")
        return
    lines = [f"{len(found)} rows; {len(tasks)} tasks; people: {', '.join(people) or 'none'}"]
    lines += [f"{each.began:%Y-%m-%d %H:%M:%S}  {each.id}  {_summary(each, found)}" for each in first]
    if refused:
        lines.append("Refused or failed outside any task:")
        lines += [
            f"{row.at:%Y-%m-%d %H:%M:%S}  ✗ {row.actor}: {row.action} {row.resource}: {row.decision} ({row.policy})"
            for _, row in refused
        ]
    lines.append("Read one with: holdback audit show TASK; every row with: holdback audit show --all")
    sys.stdout.write("\n".join(map(_one_line, lines)) + "\n")


def _summary(told: TaskTold, found: Sequence[Row]) -> str:
    refusals = tell(found, told.id).refusals
    return f"{_short(told.agent)}: {told.skill or 'a task'} for {told.person}: {_ending(told)}" + (
        f"; {refusals} refused" if refusals else ""
    )


def _ending(told: TaskTold) -> str:
    if told.ended is None:
        return "not ended" if told.skill else "its end is not told here"
    return f"{told.how} after {(told.ended - told.began).total_seconds():.1f} s"


def _told(story: Story) -> Iterator[str]:
    if story.tasks:
        yield from _heading(story)
    by_id = {each.id: each for each in story.tasks}
    for line in story.lines:
        mark = {"refused": "✗", "failed": "!"}.get(line.outcome, " ")
        yield _one_line(f"{line.at:%H:%M:%S} {mark} {'  ' * line.depth}{_sentence(line, by_id)}".rstrip())


def _heading(story: Story) -> Iterator[str]:
    top = story.tasks[0]
    agents = len({each.agent for each in story.tasks})
    counts = ((len(story.tasks), "task"), (agents, "agent"), (story.refusals, "refusal"), (story.rows, "row"))
    tasks, of, refusals, rows_ = (f"{number} {noun}{'' if number == 1 else 's'}" for number, noun in counts)
    yield f"{top.skill or 'a task'} by {_short(top.agent)} for {top.person}: {_ending(top)}"
    yield f"begun {top.began:%a %d %b %Y, %H:%M:%S} UTC; {tasks} of {of}, {refusals}, {rows_}"
    for text in dict.fromkeys(each for line in story.lines for each in line.configuration.split("; ") if each):
        yield f"decided with {text}"
    yield ""


def _sentence(line: Line, tasks: dict[str, TaskTold]) -> str:
    rule = f"  [{', '.join(line.policies)}]" if line.policies else ""
    if line.outcome == "began":
        told = tasks[line.task]
        asker = tasks[told.given_by].agent if told.given_by in tasks else told.person
        return f"{_short(asker)} asks {_short(line.who)}: {told.skill}{rule}"
    if line.outcome == "ended":
        return f"{_short(line.who)}: {line.where}, {line.what[0][0]}{': ' + line.code if line.code else ''}"
    if line.outcome == "asked":
        return f"{_short(line.who)} asked and was answered: {line.what[0][0]}"
    said = f"{_short(line.who)}: {line.where + ': ' if line.where else ''}{_deeds(line)}{_things(line)}"
    why = f": {line.code}" if line.code else ""
    word = {"refused": "REFUSED ", "failed": "FAILED "}.get(line.outcome, "")
    return f"{word}{said}{why}{rule}"


def _deeds(line: Line) -> str:
    """What was done, how often, and how long it took with the looks at a job that it started."""
    told = [(name, times) for name, times in line.what if name != "get_job"] or list(line.what)
    what = ", ".join(_ACTS.get(name, name) + (f" x{times}" if times > 1 else "") for name, times in told)
    seconds = (line.until - line.at).total_seconds()
    return f"{what} ({seconds:.0f} s)" if seconds >= _LONG else what


def _things(line: Line) -> str:
    shown = " ".join(_id(each) for each in line.things[:_MOST_IDS])
    more = f" and {len(line.things) - _MOST_IDS} more" if len(line.things) > _MOST_IDS else ""
    return f": {shown}{more}" if shown else ""


def _one_line(text: str) -> str:
    """What somebody wrote into a row draws no line of its own."""
    return visible(text).replace("\n", "\\n")


def _id(thing: str) -> str:
    return thing[:19] if thing.startswith("sha256:") else thing


def _short(who: str) -> str:
    return who.removeprefix("agent:")


def _logs(home: Path | None, out: Path | None) -> list[Path]:
    """The folders with chains, the one to hand on first. Raises Problem FILE_MISSING where there is no log."""
    places = [out, out / "home"] if out is not None else [home or default_home(os.environ)]
    folders = [place.expanduser().absolute() / "audit" for place in places]
    found = [folder for folder in folders if any(folder.glob("*.jsonl"))]
    if not found:
        raise Problem(
            "FILE_MISSING",
            f"There is no audit log in {folders[0]}.",
            "Name a home with --home, or an output with --out.",
        )
    return found
