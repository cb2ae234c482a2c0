"""A home has one house at a time.

Two gateways over one home would each take an assertion for new that the other has seen, and both would go on with the
tasks that a third one left.
"""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from holdback_base.problem import Problem

try:
    import fcntl
except ImportError:  # no such locks on Windows: whoever starts two houses there is not stopped
    fcntl = None


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
def held(home: Path) -> Generator[None]:
    """The home is this process's until the end; what the process starts does not hold it on.

    Raises:
        Problem: CONFLICT while another house runs on it; INVALID_ARGUMENT for a home that cannot be used.
    """
    make_home(home)
    with (home / "up.lock").open("a") as file:
        if fcntl is not None:
            try:
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except (BlockingIOError, PermissionError) as error:
                raise Problem(
                    "CONFLICT",
                    f"Another house is up on the home {home}.",
                    "Use its address, stop it first, or give this one another --home.",
                ) from error
        yield
