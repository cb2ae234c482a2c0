"""`holdback demo` and `holdback run`: the main job on real film, in a house of its own or at one that is up."""

import asyncio
import logging
import shutil
import sys
import time
from pathlib import Path

from holdback_base.ids import system_clock
from holdback_base.problem import Problem
from holdback_servers.settings import Settings

from holdback.foundation import lay_foundation
from holdback.outcome import Outcome
from holdback.pack import load_pack
from holdback.people import LOADER
from holdback.performance import Performance
from holdback.results import Finished, write_results
from holdback.starting import undisturbed_start
from holdback.telling import Teller

PACK = Path(__file__).resolve().parent / "examples" / "butterfly"
_MARK = ".holdback"
"""Marks an output folder as one that may be made afresh."""


def run_demo(out: Path, *, yes: bool, as_json: bool) -> None:
    """Run the example pack in a fresh house under `out`, and leave everything there.

    Raises:
        Problem: INVALID_ARGUMENT before any work, when nobody is there to approve or the folder holds other things.
    """
    _somebody_there(yes)
    folder = _fresh(out)
    logging.basicConfig(filename=folder / "log.txt", level=logging.WARNING, format="%(asctime)s %(name)s %(message)s")
    with _teller(as_json) as teller:
        finished = asyncio.run(_in_own_house(folder, teller, yes=yes))
        _show(write_results(finished, folder, folder / "home"), folder, teller, as_json=as_json)


def run_brief(brief: Path, settings: Settings, url: str, out: Path, *, yes: bool, as_json: bool) -> None:
    """Send a pack's brief to the house of this home that answers at `url`; the pack is loaded first.

    Raises:
        Problem: FILE_MISSING; UNAVAILABLE when no house answers; else as for the demo.
    """
    _somebody_there(yes)
    place = brief.expanduser().absolute()
    pack = load_pack(place.parent, system_clock().date(), place.name)
    foundation = lay_foundation(settings, "gateway")
    folder = _fresh(out)
    with _teller(as_json) as teller:
        teller.heading(f"{pack.title}: a brief from {pack.brief.requester.name}")
        teller.note(pack.brief.text)
        finished = asyncio.run(Performance(pack, foundation, url, teller, yes).play())
        _show(write_results(finished, folder, settings.home), folder, teller, as_json=as_json)
    foundation.audit.close()


async def _in_own_house(folder: Path, teller: Teller, *, yes: bool) -> Finished:
    settings = Settings(home=folder / "home", library_roots=(PACK.resolve(),))
    pack = load_pack(PACK, system_clock().date())
    teller.heading(f"{pack.title}: a brief from {pack.brief.requester.name}")
    teller.note(pack.brief.text)
    with undisturbed_start():
        from holdback.house import open_house
        from holdback.serving import listen, served

    began = time.monotonic()
    foundation = lay_foundation(settings, "gateway")
    listener = listen(settings.host, 0)
    url = f"http://{settings.host}:{listener.getsockname()[1]}"
    play = Performance(pack, foundation, url, teller, yes)
    async with (
        open_house(foundation, url, (LOADER, play.asker, play.approver)) as house,
        served(house.gateway, listener),
    ):
        took = time.monotonic() - began
        teller.done("house", f"four servers, three agents and a gateway answer on {url} after {took:.1f} s")
        return await play.play()


def _somebody_there(yes: bool) -> None:
    if not yes and not sys.stdin.isatty():
        raise Problem(
            "INVALID_ARGUMENT",
            "A person has to approve before anything is published, and there is no terminal to ask on.",
            "Run it on a terminal, or with --yes to answer as the example's second person.",
        )


def _teller(as_json: bool) -> Teller:
    return Teller(sys.stderr if as_json else sys.stdout, live=False if as_json else None, clock=time.monotonic)


def _show(outcome: Outcome, folder: Path, teller: Teller, *, as_json: bool) -> None:
    teller.finish(outcome, folder)
    if as_json:
        sys.stdout.write(outcome.model_dump_json(exclude_none=True) + "\n")


def _fresh(out: Path) -> Path:
    """The output folder, empty: a new one, or that of an earlier run."""
    folder = out.expanduser().absolute()
    if folder.is_dir() and (folder / _MARK).exists():
        shutil.rmtree(folder)
    elif folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Problem(
            "INVALID_ARGUMENT", f"{folder} holds other things.", "Choose another with --out; nothing was touched."
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / _MARK).touch()
    except OSError as error:
        raise Problem(
            "INVALID_ARGUMENT", f"{folder} cannot be made: {error.strerror}.", "Choose another folder with --out."
        ) from error
    return folder
