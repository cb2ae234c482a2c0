"""What a process was told at its start: flags over `HOLDBACK_*` over `holdback.toml` over defaults. Frozen."""

import os
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self, cast
from urllib.parse import urlsplit

from holdback_base.problem import Problem
from holdback_base.vocabulary import Noun
from holdback_trust.identity import StoryName
from pydantic import (
    BeforeValidator,
    Field,
    SecretStr,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)

_MEBIBYTE = 1024 * 1024
_FILE_ONLY = ("people", "publishers", "watch", "stories", "agents", "oidc", "egress", "autonomy", "guardian")


class PersonSetting(Noun):
    """A person of the house: `id` is `person:<name>`, `roles` are those of the trust's table."""

    id: str
    name: str
    roles: frozenset[str]


PublisherName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,59}$")]
WatchName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,59}$")]
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class PublisherSetting(Noun):
    """Who delivers to channels that name him as their publisher.

    A `folder` publisher writes packages into `folder`, relative to the home; a `webhook` one posts them to `url`, which
    is https, or http on this machine, with `key` as its bearer token. `timeout_seconds` is how long the other side may
    be silent, `deadline_seconds` how long one delivery may take in all.
    """

    kind: Literal["folder", "webhook"]
    folder: Path | None = None
    url: str | None = Field(default=None, max_length=2000)
    key: SecretStr | None = None
    timeout_seconds: float = Field(default=30, gt=0, le=600)
    deadline_seconds: float = Field(default=3600, gt=0, le=24 * 3600)

    @field_validator("url")
    @classmethod
    def _safe_address(cls, given: str | None) -> str | None:
        if given is None:
            return None
        parts = urlsplit(given)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("write a whole address, such as https://publish.example/holdback")
        if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
            raise ValueError("over http others can read what is sent; write https, or an address of this machine")
        if parts.username or parts.password:
            raise ValueError("an address carries no name or password; put the secret in key")
        return given

    @field_validator("key")
    @classmethod
    def _one_line(cls, given: SecretStr | None) -> SecretStr | None:
        if given is not None and not given.get_secret_value().isascii():
            raise ValueError("a key has ASCII characters only")
        if given is not None and not given.get_secret_value().isprintable():
            raise ValueError("a key is one line")
        return given

    @model_validator(mode="after")
    def _has_what_its_kind_needs(self) -> Self:
        if self.kind == "webhook" and self.url is None:
            raise ValueError("a webhook needs its url")
        if self.kind == "folder" and self.folder is None:
            raise ValueError("a folder publisher needs its folder")
        if self.kind == "folder" and (self.url is not None or self.key is not None):
            raise ValueError("a folder publisher has no url and no key; make it a webhook, or take them away")
        if self.kind == "webhook" and self.folder is not None:
            raise ValueError("a webhook has no folder; make it a folder publisher, or take it away")
        return self


class WatchSetting(Noun):
    """A folder whose files are taken into the library by themselves.

    `folder` is under a library root, absolute or from one. A file is taken once its size and time of change have stood
    still for `still_seconds`. `sheet` is a workbook or CSV file that tells of the files; where it is named, nothing is
    taken without it. `only_listed` leaves alone what the sheet does not name, `below` looks into folders below too;
    `kind` and `tags` are for files that no sheet tells of.
    """

    folder: Path
    sheet: str | None = None
    still_seconds: float = Field(default=10, ge=0, le=24 * 3600)
    below: bool = True
    only_listed: bool = False
    kind: str = "master"
    tags: tuple[str, ...] = ()


AgentName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,59}$")]
PersonId = Annotated[str, StringConstraints(pattern=r"^person:\S+$")]
AgentId = Annotated[str, StringConstraints(pattern=r"^agent:[a-z0-9][a-z0-9-]{0,59}$")]


class StorySetting(Noun):
    """A closed story: only the people and agents named may know of what belongs to it; to others it is not found.

    `people` are `person:<name>`, `agents` `agent:<name>`. An agent sees it only for a person who may.
    """

    title: str = ""
    people: frozenset[PersonId] = frozenset()
    agents: frozenset[AgentId] = frozenset()


class AgentSetting(Noun):
    """What a house says of an agent: its security `level` (100, 200 or 300), which caps the value tier that it may work
    on (tier 1, 2, 3), and its `owner`."""

    level: Literal[100, 200, 300] = 200
    owner: str = ""


class OidcSetting(Noun):
    """The OpenID Connect issuer whose word on people is taken; without one the house's own authority signs people in.

    `issuer` is its https address (http on this machine only); `client_id` and `client_secret` are this house's there.
    `person_claim` names the claim that is the person's name in this house (`person:<value>`), `roles_claim` the list of
    roles, `roles` what each of its values means here; a value that is not listed means nothing.
    """

    issuer: str = Field(max_length=2000)
    client_id: str = Field(max_length=200)
    client_secret: SecretStr | None = None
    person_claim: str = "preferred_username"
    roles_claim: str = "groups"
    roles: dict[str, frozenset[str]] = Field(default_factory=dict[str, frozenset[str]])


class EgressSetting(Noun):
    """Where this house may send requests by itself: agents' cards, push notifications, an issuer's keys, documents of
    clients.

    `hosts` are exact names or `*.example.com`; `private` are networks in CIDR form that are allowed although private.
    """

    hosts: tuple[str, ...] = ()
    private: tuple[str, ...] = ()


class AutonomySetting(Noun):
    """How far agents may go without a person (ER 1011, 10.2). Nothing passes without one unless this says so.

    `tier` is the highest value tier that policy may pass; 0 means that a person is always asked; tier 3 never passes.
    `channels` are the only ones that may be published on without a person; `most_a_day` is how often that may happen.
    From `factor_from_tier` on, who approves must have proved a second factor.
    """

    tier: Literal[0, 1, 2] = 0
    channels: frozenset[str] = frozenset()
    most_a_day: int = Field(default=10, ge=0, le=1000)
    factor_from_tier: int = Field(default=3, ge=1, le=4)


def _listed(given: object) -> object:
    if not isinstance(given, list | tuple):
        raise ValueError("write the count of each step in brackets, such as [4000, 8000]")
    return cast(object, given)


Steps = Annotated[tuple[int, ...], BeforeValidator(_listed)]
"""Counts, one for each step of what the guardian does."""


class Settings(Noun):
    """Settings of one house.

    `home` holds databases, media, keys and audit; `library_roots` are the only folders that ingest reads; `person` is
    who sits at this machine (stdio); `allow_write` lets that person change things over stdio; `body_limit` and
    `media_limit` are bytes; `hold_minutes` is how long a slot stays held;
    `standing_seconds` is how often the schedule asks whether the clearances of what is live still stand;
    `delivery_tries` is how often something is put up before it has failed (what must come down is tried for ever);
    `publishers` are those who deliver, by the name that channels use, and besides them `folder`, which writes into
    `published` in the home; `watch` are the watched folders by name; `people` are the people who may ask the gateway
    for tokens. `assets_database` is the PostgreSQL address that the library is kept at (`postgresql://...`) instead of
    a file in the home; the other rooms know files only. `stories` are the closed stories by name; `agents` what is said
    of agents by name; `oidc`, `egress` and `autonomy` as there. `guardian` says from how much on the guardian acts, by
    signal, where that is not what it is in every house. `anchors` is a folder, on another disk where possible,
    where signed heads of the audit log are kept as well; `tls_certificate` and `tls_key` are PEM files: an address that
    is not this machine's own is served with them only, under the `names` by which others reach it. `calls_a_minute` is
    how many requests one caller may make.
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
    standing_seconds: int = Field(default=60, gt=0, le=24 * 3600)
    delivery_tries: int = Field(default=10, gt=0, le=1000)
    publishers: dict[PublisherName, PublisherSetting] = Field(default_factory=dict[str, PublisherSetting])
    watch: dict[WatchName, WatchSetting] = Field(default_factory=dict[str, WatchSetting])
    people: tuple[PersonSetting, ...] = ()
    assets_database: SecretStr | None = None
    stories: dict[StoryName, StorySetting] = Field(default_factory=dict[str, StorySetting])
    agents: dict[AgentName, AgentSetting] = Field(default_factory=dict[str, AgentSetting])
    oidc: OidcSetting | None = None
    egress: EgressSetting = Field(default_factory=EgressSetting)
    autonomy: AutonomySetting = Field(default_factory=AutonomySetting)
    guardian: dict[str, Steps] = Field(default_factory=dict[str, Steps])
    anchors: Path | None = None
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    names: tuple[str, ...] = ()
    calls_a_minute: int = Field(default=6000, gt=0)

    @field_validator("guardian")
    @classmethod
    def _limits_hold(cls, given: dict[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
        if given:
            from holdback_trust.guardian import house_limits

            house_limits(given)
        return given

    def stories_of(self, who: str) -> frozenset[str]:
        """The closed stories that a person (`person:<name>`) or an agent (`agent:<name>`) may know of."""
        return frozenset(name for name, each in self.stories.items() if who in each.people | each.agents)

    def places(self, given: str, *, what: str, cure: str) -> list[Path]:
        """Where a path, absolute or relative to a library root, may be under the roots, with links resolved; at least
        one, whether or not something is there.

        Args:
            given: the path as it was given.
            what: what it should name, such as `one file`.
            cure: how what is elsewhere comes under a root.

        Raises:
            Problem: INVALID_ARGUMENT for an empty path or a NUL, PATH_OUTSIDE_LIBRARY.
        """
        if "\0" in given or not given.strip():
            raise Problem("INVALID_ARGUMENT", "The path is empty or holds a NUL.", f"Give the path of {what}.")
        roots = [root.resolve() for root in self.library_roots]
        places = [place for root in roots if (place := (root / given).resolve()).is_relative_to(root)]
        if not places:
            raise Problem("PATH_OUTSIDE_LIBRARY", f"{given} is not under a library root.", cure)
        return places


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
            f"The setting {name} is not valid: {_why(first['type'], first['msg'])}.",
            _cure(name, home / "holdback.toml"),
        ) from error


_PLAIN = {
    "extra_forbidden": "there is no setting of that name",
    "frozen_set_type": "it is a list, in square brackets",
    "tuple_type": "it is a list, in square brackets",
    "path_type": "it is a path, in quotation marks",
    "missing": "it has to be there",
}
"""By the validator's kind of error: what it says itself there is for those who write programs."""


def _why(kind: str, message: str) -> str:
    return _PLAIN.get(kind, message.removeprefix("Value error, "))


def _cure(name: str, file: Path) -> str:
    first = name.partition(".")[0]
    if first in _FILE_ONLY or first not in Settings.model_fields:
        return f"Correct {name} in {file}."
    return f"Correct {name} in {file}, in HOLDBACK_{name.upper()}, or on the command line."


def _from_file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise Problem(
            "INVALID_ARGUMENT", f"{path} cannot be read: {why}.", "Correct it, or name another home with --home."
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise Problem("INVALID_ARGUMENT", f"{path} is not valid TOML: {error}.", "Correct the file.") from error


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name in Settings.model_fields:
        if name not in ("home", *_FILE_ONLY) and (text := environ.get(f"HOLDBACK_{name.upper()}")) is not None:
            values[name] = text.split(os.pathsep) if name == "library_roots" else text
    return values
