"""What a performance in a house of its own stands on: an output folder made afresh, the house, the last words."""

import shutil
import sys
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from holdback_base.problem import Problem
from holdback_servers.settings import PersonSetting, Settings

from holdback.foundation import lay_foundation
from holdback.logs import log_to
from holdback.outcome import Outcome
from holdback.people import LOADER
from holdback.starting import undisturbed_start
from holdback.telling import Teller

_MARK = ".holdback"
"""Marks an output folder as one that may be made afresh."""


def fresh_folder(out: Path) -> Path:
    """The output folder, empty: a new one, or that of an earlier run. Raises Problem INVALID_ARGUMENT, naming it."""
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


def keep_log(folder: Path) -> None:
    """Warnings of this process go into `log.txt` of the output folder."""
    log_to(folder / "log.txt")


@asynccontextmanager
async def own_house(settings: Settings, people: Sequence[PersonSetting], teller: Teller) -> AsyncGenerator[str]:
    """A house that answers on a free loopback port while this is open; its URL."""
    with undisturbed_start():
        from holdback.house import open_house
        from holdback.serving import listen, served

    opened = time.monotonic()
    foundation = lay_foundation(settings, "gateway")
    listener = listen(settings.host, 0)
    url = f"http://{settings.host}:{listener.getsockname()[1]}"
    async with open_house(foundation, url, (LOADER, *people)) as house, served(house.gateway, listener):
        took = time.monotonic() - opened
        teller.done("house", f"four servers, three agents and a gateway answer on {url} after {took:.1f} s")
        yield url


def telling(as_json: bool) -> Teller:
    """Tells on standard output, or beside it where that is kept for one JSON object."""
    return Teller(sys.stderr if as_json else sys.stdout, live=False if as_json else None, clock=time.monotonic)


def last_words(outcome: Outcome, folder: Path, teller: Teller, *, as_json: bool) -> None:
    """Tell how it ended. Exits with code 1 when nothing was published."""
    teller.finish(outcome, folder)
    if as_json:
        sys.stdout.write(outcome.model_dump_json(exclude_none=True) + "\n")
        sys.stdout.flush()
    if outcome.state != "scheduled":
        sys.exit(1)
