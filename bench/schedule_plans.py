"""Plans of many items: their value and time beside OR-Tools CP-SAT, and 2,000 items over 28 days and 10 channels.

CP-SAT is asked the same question, with the same starts and rules, and stopped at 20 seconds. It is installed into a
virtual environment in the cache folder when it is first needed; where that cannot be done this says so, and only our
own times are told. Small weeks it solves to the end; of over-full ones it has what it found by then.
"""

import json
import os
import subprocess
import sys
import time
import venv
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, Final, NamedTuple

from holdback_servers.schedule.channel import Channel
from holdback_servers.schedule.constraints import Books, Placed
from holdback_servers.schedule.plan_nouns import PlanItem, PlanRequest
from holdback_servers.schedule.plans import plan
from holdback_servers.schedule.plans.tasks import Lanes, Option

from bench.figures import Figure
from bench.processes import ROOT

NOW: Final = datetime(2026, 11, 22, 13, tzinfo=UTC)
_SECONDS: Final = 20
_ORTOOLS: Final = "ortools==9.15.6755"
_EVENING: Final = [10] * 7 + [30] * 5 + [40] * 5 + [60, 75, 95, 100, 90, 60, 30]
_PRIME: Final = [5] * 6 + [20, 35, 45, 40, 35, 40, 55, 60, 50, 45, 50, 60, 70, 85, 100, 95, 70, 30]
_COMMUTE: Final = [20, 10, 5, 5, 5, 10, 30, 50, 60, 55, 50, 50, 60, 70, 60, 55, 60, 70, 80, 90, 95, 100, 80, 50]


class World(NamedTuple):
    """Invented channels with what stands there, and items that are wanted."""

    name: str
    books: dict[str, Books]
    request: PlanRequest


class Compared(NamedTuple):
    """Our plan beside the oracle's: values, and seconds of each."""

    name: str
    ours: int
    seconds: float
    theirs: int
    their_seconds: float
    proved: bool


def figures() -> list[Figure]:
    """The figures of the bench."""
    told: list[Figure] = []
    try:
        for each in compare():
            share = each.ours / each.theirs if each.theirs else 1.0
            known = "proved" if each.proved else "in 20 s" if each.theirs else "found nothing"
            what = f"{each.name}, value to CP-SAT's ({known})"
            told.append(Figure("schedule", what, share, "times", None, 0.99, at_least=True))
            hundredth = each.their_seconds / each.seconds
            told.append(Figure("schedule", "  its time to ours", hundredth, "times", None, 100, at_least=True))
    except (RuntimeError, OSError, subprocess.CalledProcessError) as error:
        sys.stderr.write(f"CP-SAT was not asked: {error}\n")
    for copies in ("one", "each"):
        bound = 10 if copies == "one" else None
        took = large(copies)
        told.append(Figure("schedule", f"2,000 items, 28 days, 10 channels, {copies}", took, "s", None, bound))
    return told


def invented(seed: int, items: int, *, channels: int, days: int, copies: str, cap: int = 4) -> World:
    """Some items over some channels of three kinds; the fewer days, the more of them cannot be placed."""
    chance = Random(seed)
    made = [_channel(chance, number, cap) for number in range(channels)]
    end = NOW + timedelta(days=days)
    wanted = tuple(_item(chance, number, items, days, copies) for number in range(items))
    books = {each.name: Books(each, _standing(chance, each, days)) for each in made}
    name = f"{items} items, {channels} channels, {days} days, {copies}"
    return World(name, books, PlanRequest(items=wanted, start=NOW, end=end))


def _channel(chance: Random, number: int, cap: int) -> Channel:
    linear = number % 3 == 1
    curve = (_EVENING, _PRIME, _COMMUTE)[number % 3]
    hours = [min(100, max(0, hour + chance.randint(-8, 8))) for hour in curve]
    fields: dict[str, Any] = {
        "name": f"channel-{number}",
        "title": f"Channel {number}",
        "kind": "linear" if linear else "social",
        "platform": "linear.ftv" if linear else "social.youtube",
        "geo_blocking": not linear,
        "territories": ["GB"] if linear else ["WORLD"],
        "time_zone": ("Europe/London", "Europe/Berlin", "America/New_York")[number % 3],
        "reach": {"source": "invented", "hours": {"all": hours, "weekend": [min(100, hour + 5) for hour in hours]}},
        "daily_cap": None if linear else cap,
        "min_gap_minutes": 0 if linear else 60,
        "title_separation_hours": 12,
        "sponsor_separation_minutes": 120,
        "watershed": {} if linear else None,
    }
    return Channel.model_validate(fields)


def _item(chance: Random, number: int, items: int, days: int, copies: str) -> PlanItem:
    opens = NOW - timedelta(days=1)
    if chance.random() < 0.6:
        opens = (NOW + timedelta(hours=chance.uniform(-10, days * 14))).replace(microsecond=0)
    window = {"start": opens}
    if chance.random() < 0.6:
        window["end"] = (opens + timedelta(hours=chance.uniform(12, days * 24))).replace(microsecond=0)
    fields: dict[str, Any] = {
        "key": f"item {number}",
        "title": f"Title {number if chance.random() < 0.7 else chance.randint(0, items // 6)}",
        "media": f"sha256:{number:064x}",
        "duration_seconds": chance.choice([600, 1500, 1800, 2700, 3600, 5400, 7200]),
        "territories": ["GB", "DE"],
        "cleared": [{"territories": ["GB", "DE"], "platforms": ["all"], "windows": [window]}],
        "weight": chance.randint(10, 100),
        "copies": copies,
        "after_watershed": chance.random() < 0.2,
        "details": {"sponsor": chance.choice(["", "", "", "cars", "beer"])},
    }
    return PlanItem.model_validate(fields)


def _standing(chance: Random, channel: Channel, days: int) -> Iterator[Placed]:
    for number in range(3):
        start = NOW + timedelta(hours=chance.randint(5, days * 24))
        length = timedelta(minutes=30 if channel.kind == "linear" else 0)
        yield Placed(start, f"pub_{number}", start + length, f"Standing {number}")


def small() -> Iterator[World]:
    """20 and 40 items: weeks with room, and over-full ones."""
    for seed in (1, 2):
        yield invented(seed, 20, channels=1, days=3, copies="one")
        yield invented(seed, 20, channels=3, days=7, copies="one")
        yield invented(seed, 40, channels=2, days=3, copies="one")
        yield invented(seed, 40, channels=2, days=3, copies="each", cap=3)


def compare() -> Iterator[Compared]:
    """Plan each small world, and have CP-SAT plan it. Raises RuntimeError when OR-Tools cannot be had."""
    python = ortools()
    for world in small():
        plan(world.books, world.request, NOW)
        began = time.perf_counter()
        value = plan(world.books, world.request, NOW).value
        seconds = time.perf_counter() - began
        asked = json.dumps(question(world))
        script = str(ROOT / "bench" / "schedule_oracle.py")
        found = json.loads(subprocess.check_output([str(python), script], input=asked, text=True))
        took = found["built"] + found["solved"]
        yield Compared(world.name, value, seconds, found["value"], took, found["proved"])


def question(world: World) -> dict[str, Any]:
    """The world as the oracle takes it."""
    lanes = Lanes(world.books, world.request, NOW)
    caps: dict[str, int] = {}
    options = [
        _option(lanes, task.number, option, caps)
        for task in lanes.tasks
        for option in task.options
        if option.low < option.high
    ]
    workers = os.cpu_count() or 1
    return {"seconds": _SECONDS, "workers": workers, "options": options, "caps": caps}


def _option(lanes: Lanes, task: int, option: Option, caps: dict[str, int]) -> dict[str, Any]:
    wish, columns = option.wish, lanes.columns[option.wish.lane]
    rooms = {f"channel {wish.lane}": wish.length + columns.gap}
    if columns.separation:
        rooms[f"title {wish.lane} {wish.title}"] = columns.separation
    if wish.sponsor and columns.sponsor_gap:
        rooms[f"sponsor {wish.lane} {wish.sponsor}"] = wish.length + columns.sponsor_gap
    starts: list[tuple[int, int, str | None]] = []
    for column in range(option.low, option.high):
        if option.worth[column - option.low] > 0:
            cap, day = columns.channel.daily_cap, int(columns.days[column])
            name = None if cap is None else f"{wish.lane} {day}"
            if cap is not None and name is not None:
                caps[name] = cap - int(columns.fixed_by_day[day])
            starts.append((int(columns.times[column]), wish.item.weight * int(columns.reach[column]), name))
    return {"task": task, "rooms": rooms, "starts": starts}


def large(copies: str = "one") -> float:
    """Seconds that 2,000 items over 28 days and 10 channels take, with the words for all that did not fit."""
    world = invented(1, 2000, channels=10, days=28, copies=copies)
    began = time.perf_counter()
    plan(world.books, world.request, NOW)
    return time.perf_counter() - began


def ortools() -> Path:
    """A Python with OR-Tools, in a virtual environment that is made when it is not there."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "holdback-bench" / "ortools"
    python = cache / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if python.exists() and subprocess.run([python, "-c", "import ortools"], check=False).returncode == 0:
        return python
    venv.create(cache, with_pip=True, clear=True)
    done = subprocess.run([python, "-m", "pip", "install", "-q", _ORTOOLS], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{_ORTOOLS} could not be installed: {done.stderr.strip().splitlines()[-1:]}")
    return python


if __name__ == "__main__":
    for each in compare():
        share = each.ours / each.theirs if each.theirs else float("inf")
        sys.stdout.write(f"{each.name}: {share:.4f} of its value in 1/{each.their_seconds / each.seconds:.0f} {each}\n")
