"""A home has one house at a time.

Two gateways over one home would each take an assertion for new that the other has seen, and both would go on with the
tasks that a third one left.
"""

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from holdback_base.problem import Problem

try:
    import fcntl
except ImportError:  # no such locks on Windows: whoever starts two houses there is not stopped
    fcntl = None

_LOCK, _ADDRESS = "up.lock", "up.url"
_LOOKING_SECONDS = 0.1
"""Longer than somebody takes to see whether a house is up."""


def make_home(home: Path) -> None:
    """The folder is there when this returns, for its owner only where it was made.

    Raises:
        Problem: INVALID_ARGUMENT when it cannot be, naming the path and the cure.
    """
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise Problem(
            "INVALID_ARGUMENT",
            f"The home {home} cannot be used: {error.strerror}.",
            "Choose a folder that you may write, with --home or HOLDBACK_HOME.",
        ) from error


@contextmanager
def held(home: Path) -> Generator[Callable[[str], None]]:
    """The home is this process's until the end; what the process starts does not hold it on. What it gives is to be
    told where the house answers, so that others find it (`house_up`).

    Raises:
        Problem: CONFLICT while another house runs on it; INVALID_ARGUMENT for a home that cannot be used.
    """
    make_home(home)
    address = home / _ADDRESS
    with (home / _LOCK).open("a") as file:
        if not _taken(file.fileno()):
            time.sleep(_LOOKING_SECONDS)
            if not _taken(file.fileno()):
                raise Problem(
                    "CONFLICT",
                    f"Another house is up on the home {home}.",
                    "Use its address, stop it first, or give this one another --home.",
                )
        address.unlink(missing_ok=True)
        try:
            yield lambda url: _write(address, url)
        finally:
            address.unlink(missing_ok=True)


def house_up(home: Path) -> str | None:
    """Where the house of a home answers, or None when none is up on it. For another process than the house's own."""
    try:
        with (home / _LOCK).open("rb") as file:
            if _taken(file.fileno(), alone=False) and fcntl is not None:
                return None
        return (home / _ADDRESS).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None


def _taken(file: int, *, alone: bool = True) -> bool:
    """Whether the lock could be had, alone or with others who only look."""
    if fcntl is None:
        return True
    try:
        fcntl.lockf(file, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True


def _write(address: Path, url: str) -> None:
    fresh = address.with_suffix(".new")
    fresh.write_text(url, encoding="utf-8")
    fresh.replace(address)
