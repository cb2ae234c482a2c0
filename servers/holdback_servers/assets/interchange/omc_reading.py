"""OMC-JSON 2.8, in: Holdback's own records whole, and of others' their creative works."""

import json
from collections import Counter
from typing import Any, Final, cast

from holdback_base.problem import Problem
from pydantic import BaseModel, TypeAdapter, ValidationError

from holdback_servers.assets.ai_config import AiConfig
from holdback_servers.assets.interchange.catalogue import Catalogue, Shelf
from holdback_servers.assets.interchange.omc import OWN, TYPES
from holdback_servers.assets.model import Asset, FieldValue, Segment, Version, Work

_LONGEST = 32 << 20
_FRAME = frozenset({"schemaVersion", "entityType", "customData"})
"""Properties of an entity that say nothing of what it describes."""
_VALUES: Final = TypeAdapter(tuple[FieldValue, ...])
_SEGMENTS: Final = TypeAdapter(tuple[Segment, ...])


class Taken:
    """What has been taken from a file so far; `said` and `left` count the properties of others' entities."""

    def __init__(self) -> None:
        self._works: list[Work] = []
        self._shelves: dict[str, Shelf] = {}
        self._configs: list[AiConfig] = []
        self.said = 0
        self.left: Counter[str] = Counter()

    @property
    def catalogue(self) -> Catalogue:
        """The works, shelves and configurations."""
        return Catalogue(works=tuple(self._works), shelves=tuple(self._shelves.values()), configs=tuple(self._configs))

    def take(self, entity: dict[str, Any]) -> None:
        """One entity. Raises ValidationError for one of another shape."""
        own = _own(entity)
        if "work" in own:
            self._works.append(Work.model_validate(own["work"]))
        elif "ai_config" in own:
            self._configs.append(AiConfig.model_validate(own["ai_config"]))
        elif "version" in own:
            self._version(own)
        else:
            self._foreign(entity)

    def _version(self, own: dict[str, Any]) -> None:
        version = Version.model_validate(own["version"])
        known = self._shelves.get(version.asset_id)
        asset = Asset.model_validate(own["asset"]) if "asset" in own else known.asset if known else _unnamed(version)
        self._shelves[version.asset_id] = Shelf(
            asset=asset,
            versions=(*(known.versions if known else ()), version),
            values=(*(known.values if known else ()), *_VALUES.validate_python(own.get("values") or ())),
            segments=(*(known.segments if known else ()), *_SEGMENTS.validate_python(own.get("segments") or ())),
        )

    def _foreign(self, entity: dict[str, Any]) -> None:
        kind = str(entity["entityType"])
        taken: tuple[str, ...] = ()
        if kind == "CreativeWork":
            work = _ForeignWork.model_validate(entity)
            self._works.append(work.work())
            taken = ("identifier", "creativeWorkTitle" if work.titled else "name", *work.typed)
        told = [name for name, value in entity.items() if name not in _FRAME and value not in (None, "", [], {})]
        self.said += len(told)
        self.left.update(f"{kind}.{name}" for name in told if name not in taken)


def read(content: str) -> Taken:
    """What Holdback can take from OMC-JSON: its own records whole, and of others' their creative works.

    Raises:
        Problem: INVALID_ARGUMENT for what is not OMC-JSON, naming the entity; TOO_LARGE over 32 MiB.
    """
    if len(content) > _LONGEST:
        raise Problem("TOO_LARGE", "The catalogue has more than 32 MiB.", "Send it in parts.")
    try:
        told: Any = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise Problem("INVALID_ARGUMENT", f"This is not JSON: {error}.", "Send OMC-JSON as a file holds it.") from error
    taken = Taken()
    for place, entity in _entities(told):
        try:
            taken.take(entity)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(each) for each in first["loc"])
            raise Problem(
                "INVALID_ARGUMENT",
                f"{place} cannot be read: {where}: {first['msg']}.",
                "Correct the entity, or take it out.",
            ) from error
    return taken


def _entities(told: Any) -> list[tuple[str, dict[str, Any]]]:
    """Each entity with its place: one alone, a list, or lists by kind."""
    if isinstance(told, dict) and "entityType" not in told:
        lists = cast(dict[str, Any], told).items()
        flat = [
            (f"{kind} {at + 1}", each)
            for kind, items in lists
            if isinstance(items, list)
            for at, each in enumerate(cast(list[Any], items))
        ]
    else:
        items: list[Any] = cast(list[Any], told) if isinstance(told, list) else [cast(Any, told)]
        flat = [(f"Entity {at + 1}", each) for at, each in enumerate(items)]
    for place, each in flat:
        if not isinstance(each, dict) or "entityType" not in each:
            raise Problem("INVALID_ARGUMENT", f"{place} is no OMC entity.", "Each has an entityType.")
    return flat


def _unnamed(version: Version) -> Asset:
    return Asset(id=version.asset_id, kind="master", title=version.asset_id, at=version.at)


def _own(entity: dict[str, Any]) -> dict[str, Any]:
    custom: Any = entity.get("customData")
    for each in cast(list[Any], custom) if isinstance(custom, list) else []:
        if isinstance(each, dict) and cast(dict[str, Any], each).get("namespace") == OWN:
            value: Any = cast(dict[str, Any], each).get("value")
            return cast(dict[str, Any], value) if isinstance(value, dict) else {}
    return {}


class _Title(BaseModel):
    titleName: str | None = None  # noqa: N815 - as OMC spells it


class _Name(BaseModel):
    identifierScope: str  # noqa: N815 - as OMC spells it
    identifierValue: str  # noqa: N815 - as OMC spells it


class _ForeignWork(BaseModel):
    """Somebody else's work. It has no id of ours yet: `id` is empty, and none of its times are told."""

    name: str | None = None
    creativeWorkType: Any = None  # noqa: N815 - as OMC spells it
    creativeWorkTitle: tuple[_Title, ...] | None = None  # noqa: N815 - as OMC spells it
    identifier: tuple[_Name, ...] | None = None

    @property
    def titled(self) -> str:
        """Its first title."""
        return next((each.titleName for each in self.creativeWorkTitle or () if each.titleName), "")

    @property
    def typed(self) -> tuple[str, ...]:
        """The property of its type, where that is one of ours."""
        return ("creativeWorkType",) if self.creativeWorkType in (*TYPES, "creativeWork") else ()

    def work(self) -> Work:
        """It as a work of ours."""
        named = [
            {"scope": "EIDR" if each.identifierScope == "eidr" else each.identifierScope, "value": each.identifierValue}
            for each in self.identifier or ()
        ]
        kind = self.creativeWorkType if self.creativeWorkType in tuple(TYPES) else "work"
        told = {"id": "", "kind": kind, "title": self.titled or self.name or "", "identifiers": named}
        return Work.model_validate(told | {"at": "1970-01-01T00:00:00Z"})
