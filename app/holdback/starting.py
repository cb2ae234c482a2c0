"""How a process starts fast."""

import gc
import sys
from collections.abc import Generator
from contextlib import contextmanager
from types import ModuleType
from typing import cast

_BETWEEN_LOOKS = 20_000
"""Objects made, less those gone, before the youngest are looked at again; the interpreter's own choice is 700."""
_UNCALLED = ("httpx._main", "rich.console", "sqlalchemy.ext.asyncio")
"""What libraries load where it happens to be there, and nothing here calls: the command line of httpx, the colours of
the MCP SDK's log, and the database stores of the A2A SDK with SQLAlchemy's object mapper."""


@contextmanager
def undisturbed_start() -> Generator[None]:
    """Import modules and build models without looking for garbage among them.

    All that is made at a start stays for the life of the process, so looking for garbage finds none, yet it takes a
    tenth of the start, and up to half of the time in which pydantic builds its models. What was made is then left out
    of later looks too, and those are made less often: one question about rights makes some thousand objects that are
    gone with its answer.

    Models that are defined meanwhile are built when they are first used. Most never are: the SDKs bring those of every
    request of every version of their protocols, and what is only part of another model is built with that.
    """
    gc.disable()
    try:
        with _models_built_at_use(), _uncalled_left_out():
            yield
    finally:
        gc.freeze()
        gc.set_threshold(_BETWEEN_LOOKS)
        gc.enable()


@contextmanager
def _models_built_at_use() -> Generator[None]:
    from pydantic import BaseModel  # a command that only says its help does without

    BaseModel.model_config["defer_build"] = True
    try:
        yield
    finally:
        BaseModel.model_config.pop("defer_build")


@contextmanager
def _uncalled_left_out() -> Generator[None]:
    loaded = cast("dict[str, ModuleType | None]", sys.modules)
    left_out = [each for each in _UNCALLED if each not in loaded]
    loaded.update(dict.fromkeys(left_out))  # to import what is None is an ImportError, as where it is not installed
    try:
        yield
    finally:
        for each in left_out:
            del loaded[each]
