"""What the guardian says of normal work: runs of the demo, in houses of their own, ten of them with everything to do
and ninety in a house that has rendered the same before. Not one may raise an alarm."""

import asyncio
import io
import tempfile
import time
from functools import partial
from pathlib import Path

from holdback.demo import PACK
from holdback.foundation import lay_foundation
from holdback.house import open_house
from holdback.loading import load
from holdback.pack import load_pack
from holdback.pack_model import Pack
from holdback.people import LOADER
from holdback.performance import Performance
from holdback.serving import listen, served
from holdback.telling import Teller
from holdback_base.ids import system_clock
from holdback_servers.settings import Settings
from holdback_trust.guardian import LIMITS, Guardian

from bench.figures import Figure

FULL, CACHED = 10, 9
"""Houses, and further runs in each of them."""


def figures(full: int = FULL, cached: int = CACHED) -> list[Figure]:
    """The figures of `full` houses with `cached` further runs in each. Takes about a minute a house."""
    incidents, unfinished, highest = 0, 0, dict[str, int]()
    for _ in range(full):
        with tempfile.TemporaryDirectory() as folder:
            found, left, seen = asyncio.run(_house(Path(folder), cached))
        incidents, unfinished = incidents + found, unfinished + left
        highest = {name: max(seen.get(name, 0), highest.get(name, 0)) for name in seen.keys() | highest.keys()}
    runs = f"{full} full runs of the demo and {full * cached} with cached renders"
    figures = [
        Figure("alarms", f"{runs}: incidents", incidents, "", None, 0),
        Figure("alarms", "  of them not published, for want of a slot", unfinished, ""),
    ]
    for name, count in sorted(highest.items()):
        first = getattr(LIMITS, name.replace("-", "_"))[0][0]
        figures.append(
            Figure("alarms", f"  highest {name}, of the {first} that are too many", count, "", None, first / 2)
        )
    return figures


async def _house(folder: Path, cached: int) -> tuple[int, int, dict[str, int]]:
    """One house: its incidents, the runs that did not end in a publication, the highest counts of its guardian."""
    home = folder / "home"
    foundation = lay_foundation(Settings(home=home, library_roots=(PACK.resolve(),)), "gateway")
    guard = foundation.enforcement.guard
    assert isinstance(guard, Guardian)
    pack = load_pack(PACK, system_clock().date())
    people = (LOADER, pack.brief.requester.setting(), pack.brief.approver.setting())
    listener = listen("127.0.0.1", 0)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    left = 0
    async with open_house(foundation, url, people) as house, served(house.gateway, listener):
        for number in range(1 + cached):
            out = folder / f"run{number}"
            out.mkdir()
            play = _performance(pack, home, url, out, tries=number == 0)
            left += (await play.play()).problem is not None
        incidents, wrong = guard.incidents.read(foundation.ring)
    return len(incidents) + wrong, left, {str(signal): count for signal, count in guard.highest.items()}


def _performance(pack: Pack, home: Path, url: str, out: Path, *, tries: bool) -> Performance:
    return Performance(
        brief=pack.brief,
        load=partial(load, pack, tell=lambda _: None),
        source=pack.media[0].title,
        notice=pack.notice,
        home=home,
        url=url,
        teller=Teller(io.StringIO(), live=False, clock=time.monotonic),
        folder=out,
        yes=True,
        tries=tries,
        began=time.monotonic(),
    )
