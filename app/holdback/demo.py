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
from holdback.pack_model import Pack
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
        Problem: INVALID_ARGUMENT before any work, when the folder holds other things.
    """
    began, folder = time.monotonic(), _fresh(out)
    logging.basicConfig(filename=folder / "log.txt", level=logging.WARNING, format="%(asctime)s %(name)s %(message)s")
    with _teller(as_json) as teller:
        finished = asyncio.run(_in_own_house(folder, teller, began, yes=yes))
        _show(write_results(finished, folder, folder / "home"), folder, teller, as_json=as_json)


def run_brief(brief: Path, settings: Settings, url: str, out: Path, *, yes: bool, as_json: bool) -> None:
    """Send a pack's brief to the house of this home that answers at `url`; the pack is loaded first.

    Raises:
        Problem: FILE_MISSING; UNAVAILABLE when no house answers, before anything is touched; else as for the demo.
    """
    began, place = time.monotonic(), brief.expanduser().absolute()
    pack = load_pack(place.parent, system_clock().date(), place.name)
    _answers(url)
    folder = _fresh(out)
    with _teller(as_json) as teller:
        _introduce(pack, teller)
        play = Performance(pack, settings.home, url, teller, folder, yes=yes, tries=False, began=began)
        finished = asyncio.run(play.play())
        _show(write_results(finished, folder, settings.home), folder, teller, as_json=as_json)


def _answers(url: str) -> None:
    """Raises Problem UNAVAILABLE when no gateway answers there."""
    import httpx

    try:
        httpx.get(f"{url}/health", timeout=5.0).raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise Problem(
            "UNAVAILABLE",
            f"The gateway at {url} does not answer.",
            "Start it with `holdback up`, or name it with --gateway.",
        ) from error


def _introduce(pack: Pack, teller: Teller) -> None:
    teller.heading(f"{pack.title}: a brief from {pack.brief.requester.name}")
    teller.note(pack.brief.text)


async def _in_own_house(folder: Path, teller: Teller, began: float, *, yes: bool) -> Finished:
    settings = Settings(home=folder / "home", library_roots=(PACK.resolve(),))
    pack = load_pack(PACK, system_clock().date())
    _introduce(pack, teller)
    with undisturbed_start():
        from holdback.house import open_house
        from holdback.serving import listen, served

    opened = time.monotonic()
    foundation = lay_foundation(settings, "gateway")
    listener = listen(settings.host, 0)
    url = f"http://{settings.host}:{listener.getsockname()[1]}"
    play = Performance(pack, settings.home, url, teller, folder, yes=yes, tries=True, began=began)
    async with (
        open_house(foundation, url, (LOADER, play.asker, play.approver)) as house,
        served(house.gateway, listener),
    ):
        took = time.monotonic() - opened
        teller.done("house", f"four servers, three agents and a gateway answer on {url} after {took:.1f} s")
        return await play.play()


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
