"""Where a house answers and what it may read, as a person says it: a slip is told before anything is begun."""

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from holdback_base.problem import Problem
from holdback_servers.settings import Settings

from holdback.holding import house_up


def house_url(settings: Settings, given: str | None) -> str:
    """The address of a house's gateway: what was given, else where the house of this home is up.

    Raises:
        Problem: INVALID_ARGUMENT for what is no whole address; UNAVAILABLE when none is given and no house is up.
    """
    if given is not None:
        return whole_address(given, "--gateway")
    found = house_up(settings.home)
    if found is None:
        raise Problem(
            "UNAVAILABLE",
            f"No house is up on the home {settings.home}.",
            f"Start it with holdback up --home {settings.home}, or say with --gateway where it answers.",
        )
    return found


def whole_address(given: str, option: str) -> str:
    """An address with its scheme and host, without a slash at its end.

    Raises:
        Problem: INVALID_ARGUMENT for anything else.
    """
    try:
        parts = urlsplit(given)
        whole = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        whole = False
    if not whole:
        raise Problem(
            "INVALID_ARGUMENT",
            f"{option} {given!r} is no whole address.",
            "Write it with http:// or https://, such as http://127.0.0.1:8700.",
        )
    return given.rstrip("/")


def library_folders(given: Sequence[Path] | None, option: str) -> list[Path] | None:
    """The folders that ingest may read, whole; None where none was given.

    Raises:
        Problem: FILE_MISSING for what is no folder.
    """
    whole = None if given is None else [each.expanduser().absolute() for each in given]
    for each in whole or ():
        if not each.is_dir():
            raise Problem(
                "FILE_MISSING",
                f"{option} {each}: there is no such folder.",
                "Write the whole path of a folder that is there; case matters.",
            )
    return whole
