"""`holdback demo` and `holdback run`: the main job on real film, in a house of its own or at one that is up."""

import asyncio
import time
from functools import partial
from pathlib import Path

from holdback_base.ids import system_clock
from holdback_base.problem import Problem
from holdback_servers.settings import Settings

from holdback.desk import Desk
from holdback.foundation import check_house
from holdback.loading import Loaded, load
from holdback.pack import EXAMPLES, load_pack
from holdback.pack_model import Pack
from holdback.performance import Performance
from holdback.results import Finished, write_results
from holdback.staging import fresh_folder, keep_log, last_words, own_house, telling
from holdback.telling import Teller

PACK = EXAMPLES / "butterfly"


def run_demo(out: Path, *, yes: bool, as_json: bool) -> None:
    """Run the example pack in a fresh house under `out`, and leave everything there.

    Raises:
        Problem: INVALID_ARGUMENT before any work, when the folder holds other things.
    """
    began, folder = time.monotonic(), fresh_folder(out)
    keep_log(folder)
    with telling(as_json) as teller:
        finished = asyncio.run(_in_own_house(folder, teller, began, yes=yes))
        last_words(write_results(finished, folder, folder / "home"), folder, teller, as_json=as_json)


def run_brief(brief: Path, settings: Settings, url: str, out: Path, *, yes: bool, as_json: bool) -> None:
    """Send a pack's brief to the house of this home that answers at `url`; the pack is loaded first.

    Raises:
        Problem: FILE_MISSING, also for a home where no house is, and UNAVAILABLE when no house answers, before anything
            is touched; else as for the demo.
    """
    began, place = time.monotonic(), brief.expanduser().absolute()
    pack = load_pack(place.parent, system_clock().date(), place.name)
    _answers(url)
    check_house(settings.home)
    folder = fresh_folder(out)
    with telling(as_json) as teller:
        _introduce(pack, teller)
        play = _performance(pack, settings.home, url, teller, folder, yes=yes, tries=False, began=began)
        finished = asyncio.run(play.play())
        last_words(write_results(finished, folder, settings.home), folder, teller, as_json=as_json)


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
    people = (pack.brief.requester.setting(), pack.brief.approver.setting())
    async with own_house(settings, people, teller) as url:
        play = _performance(pack, settings.home, url, teller, folder, yes=yes, tries=True, began=began)
        return await play.play()


def _performance(
    pack: Pack, home: Path, url: str, teller: Teller, folder: Path, *, yes: bool, tries: bool, began: float
) -> Performance:
    return Performance(
        brief=pack.brief,
        load=partial(_load, pack, teller),
        source=pack.media[0].title,
        notice=pack.notice,
        home=home,
        url=url,
        teller=teller,
        folder=folder,
        yes=yes,
        tries=tries,
        began=began,
    )


async def _load(pack: Pack, teller: Teller, desk: Desk) -> Loaded:
    return await load(pack, desk, lambda text: teller.done("library", text))
