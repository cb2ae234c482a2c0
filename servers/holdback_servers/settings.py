"""What a process was told at its start: flags over `HOLDBACK_*` over `holdback.toml` over defaults. Frozen."""

import os
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from holdback_base.problem import Problem
from holdback_base.vocabulary import Noun
from pydantic import Field, ValidationError

_MEBIBYTE = 1024 * 1024


class PersonSetting(Noun):
    """A person of the house: `id` is `person:<name>`, `roles` are those of the trust's table."""

    id: str
    name: str
    roles: frozenset[str]


class Settings(Noun):
    """Settings of one house.

    `home` holds databases, media, keys and audit; `library_roots` are the only folders that ingest reads; `person` is
    who sits at this machine (stdio); `allow_write` lets that person change things over stdio; `body_limit` and
    `media_limit` are bytes; `hold_minutes` is how long a slot stays held; `people` are
    the people who may ask the gateway for tokens.
    """

    home: Path
    library_roots: tuple[Path, ...] = ()
    person: str = "person:local"
    allow_write: bool = False
    host: str = "127.0.0.1"
    port: int = Field(default=8700, ge=0, le=65535)
    body_limit: int = Field(default=4 * _MEBIBYTE, gt=0)
    media_limit: int = Field(default=64 * 1024 * _MEBIBYTE, gt=0)
    inline_limit: int = Field(default=8 * _MEBIBYTE, gt=0)
    worker_memory: int = Field(default=4096 * _MEBIBYTE, gt=0)
    worker_seconds: int = Field(default=3600, gt=0)
    hold_minutes: int = Field(default=15, gt=0)
    people: tuple[PersonSetting, ...] = ()


def default_home(environ: Mapping[str, str]) -> Path:
    """`$HOLDBACK_HOME`, else the platform's folder for a program's data."""
    if given := environ.get("HOLDBACK_HOME"):
        return Path(given)
    if sys.platform == "win32":
        return Path(environ.get("LOCALAPPDATA", str(Path.home()))) / "Holdback"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "Holdback"
    return Path(environ.get("XDG_DATA_HOME", str(Path.home() / ".local" / "share"))) / "holdback"


def load_settings(environ: Mapping[str, str] = os.environ, **flags: Any) -> Settings:
    """Read the settings once, at the edge. A flag that is None was not given.

    Raises:
        Problem: INVALID_ARGUMENT naming the file or variable and the field.
    """
    given = {name: value for name, value in flags.items() if value is not None}
    home = Path(given.pop("home", None) or default_home(environ)).expanduser().absolute()
    values: dict[str, Any] = {"home": home, **_from_file(home / "holdback.toml"), **_from_environment(environ), **given}
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(each) for each in first["loc"])
        raise Problem(
            "INVALID_ARGUMENT",
            f"The setting {name} is not valid: {first['msg']}.",
            f"Correct {name} in {home / 'holdback.toml'}, in HOLDBACK_{name.upper()}, or on the command line.",
        ) from error


def _from_file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except tomllib.TOMLDecodeError as error:
        raise Problem("INVALID_ARGUMENT", f"{path} is not valid TOML: {error}.", "Correct the file.") from error


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name in Settings.model_fields:
        if name not in ("home", "people") and (text := environ.get(f"HOLDBACK_{name.upper()}")) is not None:
            values[name] = text.split(os.pathsep) if name == "library_roots" else text
    return values
