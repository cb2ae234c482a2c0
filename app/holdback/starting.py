"""How a process starts fast."""

import gc
from collections.abc import Generator
from contextlib import contextmanager

_BETWEEN_LOOKS = 20_000
"""Objects made, less those gone, before the youngest are looked at again; the interpreter's own choice is 700."""


@contextmanager
def undisturbed_start() -> Generator[None]:
    """Import modules and build models without looking for garbage among them.

    All that is made at a start stays for the life of the process, so looking for garbage finds none, yet it takes a
    tenth of the start, and up to half of the time in which pydantic builds its models. What was made is then left out
    of later looks too, and those are made less often: one question about rights makes some thousand objects that are
    gone with its answer.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.set_threshold(_BETWEEN_LOOKS)
        gc.enable()
