"""What goes out or comes in: works, assets with their versions, and AI configurations; and how much of it came through.
Pure."""

from collections import Counter
from typing import Any

from holdback_base.vocabulary import Noun, Sha256
from pydantic import Field

from holdback_servers.assets.ai_config import AiConfig
from holdback_servers.assets.model import Asset, FieldName, FieldValue, Segment, Value, Version, Work


class Shelf(Noun):
    """An asset with its versions, the current values of both, and the segments of the versions."""

    asset: Asset
    versions: tuple[Version, ...] = ()
    values: tuple[FieldValue, ...] = ()
    segments: tuple[Segment, ...] = ()


class Catalogue(Noun):
    """A part of the library."""

    works: tuple[Work, ...] = ()
    shelves: tuple[Shelf, ...] = ()
    configs: tuple[AiConfig, ...] = ()


class FieldCoverage(Noun):
    """How a field came through, counted in values: in a property of the format's own, in its place for custom data
    (which only who knows Holdback reads), or not at all."""

    field: str
    carried: int = 0
    custom: int = 0
    lost: int = 0


class Coverage(Noun):
    """How a catalogue came through, field by field (SMPTE ER 1011:2025, 14.2); `thousandths` are of values that are
    carried in properties of the format's own, `kept_thousandths` with custom data."""

    fields: tuple[FieldCoverage, ...]
    thousandths: int
    kept_thousandths: int


_OF_THE_HOUSE = ("asset.tier", "asset.story")
"""Who may know of an asset and use it is decided by each house for itself, and no matter of a catalogue."""


def values_in(catalogue: Catalogue) -> Counter[str]:
    """Every field that holds something, and how many values it holds in all."""
    found: Counter[str] = Counter()
    for work in catalogue.works:
        found.update(_filled("work", work))
    for config in catalogue.configs:
        found.update(_filled("ai_config", config))
    for shelf in catalogue.shelves:
        found.update(_filled("asset", shelf.asset))
        for version in shelf.versions:
            found.update(_filled("version", version))
        found.update(f"value.{each.field}" for each in shelf.values)
        found["segment"] += len(shelf.segments)
    for field in _OF_THE_HOUSE:
        found.pop(field, None)
    return +found


def measure(catalogue: Catalogue, own: frozenset[str], custom: frozenset[str]) -> Coverage:
    """The coverage of a catalogue by fields that a format has properties of its own for, and those it takes as custom
    data; `value.*` names all metadata values that are not named themselves."""
    found: list[FieldCoverage] = []
    for field, count in sorted(values_in(catalogue).items()):
        general = "value.*" if field.startswith("value.") else field
        if field in own:
            found.append(FieldCoverage(field=field, carried=count))
        elif field in custom or general in custom:
            found.append(FieldCoverage(field=field, custom=count))
        else:
            found.append(FieldCoverage(field=field, lost=count))
    total = sum(each.carried + each.custom + each.lost for each in found) or 1
    carried = sum(each.carried for each in found)
    return Coverage(
        fields=tuple(found),
        thousandths=1000 * carried // total,
        kept_thousandths=1000 * (carried + sum(each.custom for each in found)) // total,
    )


def _filled(kind: str, noun: Noun) -> list[str]:
    told: dict[str, Any] = noun.model_dump(mode="json", exclude_none=True)
    return [f"{kind}.{name}" for name, value in told.items() if value not in ("", [], {})]


class Described(Noun):
    """What is said of some bytes, wherever they are: of themselves, and of the asset that they are a version of."""

    media: Sha256
    values: dict[FieldName, Value] = Field(default={}, max_length=200)
    of_asset: dict[FieldName, Value] = Field(default={}, max_length=200)


class LeftOut(Noun):
    """What a file says and the library does not take in: by the format's own name, and how often."""

    name: str
    count: int


class Incoming(Noun):
    """What a catalogue of others gives. Works and bytes are recognised by their identifiers and hashes; bytes do not
    come with a catalogue, so what is said of bytes that are not here is left out, and told. `said` counts all that the
    file says, `left_out` what of it has no place here."""

    works: tuple[Work, ...] = ()
    configs: tuple[AiConfig, ...] = ()
    described: tuple[Described, ...] = ()
    said: int = 0
    left_out: tuple[LeftOut, ...] = ()


def told(left: Counter[str]) -> tuple[LeftOut, ...]:
    """The names that are left out, the most frequent first."""
    order = sorted(left.items(), key=lambda each: (-each[1], each[0]))
    return tuple(LeftOut(name=name[:120], count=count) for name, count in order if count)


_TAKEN_KINDS = ("work.", "ai_config.", "value.")
_TAKEN = frozenset({"asset.id", "asset.title", "version.id", "version.asset_id", "version.media"})
_DECIDED_HERE = frozenset({"value.status", "value.kind", "value.work", "value.story", "value.tier"})
"""Of another library works, configurations and values are taken over, and titles; the rest is decided here, or found in
the bytes."""


def _is_taken(field: str) -> bool:
    return field in _TAKEN or (field.startswith(_TAKEN_KINDS) and field not in _DECIDED_HERE)


def incoming(catalogue: Catalogue, said: int = 0, left: Counter[str] | None = None) -> Incoming:
    """A catalogue of another Holdback as it is taken in: titles, descriptions, tags and all other current values.

    Args:
        said: how much others say in the same file.
        left: what of that is left out, by name.
    """
    described: list[Described] = []
    counted = values_in(catalogue)
    own_left = Counter({name: count for name, count in counted.items() if not _is_taken(name)})
    for shelf in catalogue.shelves:
        newest = max(shelf.versions, key=lambda each: each.number)
        values = [each for each in shelf.values if f"value.{each.field}" not in _DECIDED_HERE]
        for version in shelf.versions:
            own = {each.field: each.value for each in values if each.target == version.id}
            whole = {each.field: each.value for each in values if each.target == shelf.asset.id}
            of_asset = {"title": shelf.asset.title} | whole if version == newest else {}
            described.append(Described(media=version.media, values=own, of_asset=of_asset))
    return Incoming(
        works=catalogue.works,
        configs=catalogue.configs,
        described=tuple(described),
        said=said + counted.total(),
        left_out=told(own_left + (left or Counter())),
    )
