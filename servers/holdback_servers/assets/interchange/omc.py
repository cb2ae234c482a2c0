"""OMC-JSON 2.8, out and in.

A work is a CreativeWork, a version an Asset with an AssetSC for its file, an AI configuration a Participant whose
structure is a Service with its software, as MovieLabs have it for AI agents. What OMC has no property for stands in
`customData` of the domain `holdback`. Source: OMC-JSON schema 2.8 (MovieLabs, Apache-2.0).
"""

import json
from typing import Any, cast

from holdback_base.problem import Problem
from holdback_base.vocabulary import Noun, instant_text
from pydantic import ValidationError

from holdback_servers.assets.ai_config import AiConfig
from holdback_servers.assets.interchange.catalogue import Catalogue, Coverage, Shelf, measure
from holdback_servers.assets.model import Asset, FieldValue, Segment, Version, Work

SCHEMA = "https://movielabs.com/omc/json/schema/v2.8"
DOMAIN, OWN = "holdback", "urn:holdback:catalogue:1"
_TYPES = {"series": "series", "season": "season", "episode": "episode"}
_FUNCTIONS = {
    "music": "audio",
    "voice": "audio.track",
    "still": "artwork",
    "clip": "shot",
    "highlight": "shot.editorial",
}
_LONGEST = 32 << 20
CARRIED = frozenset(
    [
        "work.id",
        "work.title",
        "work.identifiers",
        "asset.id",
        "asset.title",
        "version.id",
        "version.asset_id",
        "version.number",
        "version.media",
        "version.by",
        "version.at",
        "version.lineage",
        "value.description",
        "value.tags",
        "ai_config.id",
        "ai_config.task",
        "ai_config.task_description",
        "ai_config.model",
        "ai_config.parameters",
        "ai_config.status",
    ]
)
"""Fields with a property of OMC's own."""
CUSTOM = frozenset(
    [
        "work.kind",
        "work.story",
        "work.at",
        "asset.kind",
        "asset.status",
        "asset.work_id",
        "asset.at",
        "version.facts",
        "version.element_list",
        "version.elements_from",
        "value.*",
        "segment",
        "ai_config.prompt_sha256",
        "ai_config.context",
        "ai_config.input_spec",
        "ai_config.output_spec",
        "ai_config.training_data",
        "ai_config.licence",
        "ai_config.constraints",
        "ai_config.evaluations",
        "ai_config.valid_from",
    ]
)


def write(catalogue: Catalogue) -> str:
    """The catalogue as one root object, with two spaces of indent."""
    root: dict[str, list[dict[str, Any]]] = {
        "CreativeWork": [_work(each) for each in catalogue.works],
        "Asset": [_asset(shelf, each) for shelf in catalogue.shelves for each in shelf.versions],
        "Participant": [_participant(each) for each in catalogue.configs],
    }
    return json.dumps({name: items for name, items in root.items() if items}, indent=2, ensure_ascii=False)


def coverage(catalogue: Catalogue) -> Coverage:
    """How a catalogue comes through as OMC."""
    return measure(catalogue, CARRIED, CUSTOM)


def _entity(kind: str, identifiers: list[tuple[str, str]], name: str | None, noun: dict[str, Any]) -> dict[str, Any]:
    return {
        "schemaVersion": SCHEMA,
        "entityType": kind,
        "identifier": [{"identifierScope": scope, "identifierValue": value} for scope, value in identifiers],
        "name": name,
        "customData": [{"domain": DOMAIN, "namespace": OWN, "value": noun}],
    }


def _dump(noun: Noun) -> dict[str, Any]:
    return noun.model_dump(mode="json", exclude_none=True)


def _work(work: Work) -> dict[str, Any]:
    own = [(DOMAIN, work.id), *((each.scope, each.value) for each in work.identifiers)]
    told = _entity("CreativeWork", own, work.title, {"work": _dump(work)})
    told |= {"creativeWorkType": _TYPES.get(work.kind, "creativeWork")}
    return told | {"creativeWorkTitle": [{"titleName": work.title, "titleType": None}]}


def _reference(version: str) -> dict[str, Any]:
    return {"identifier": [{"identifierScope": DOMAIN, "identifierValue": version}]}


def _asset(shelf: Shelf, version: Version) -> dict[str, Any]:
    first = version.number == max(each.number for each in shelf.versions)
    own: dict[str, Any] = {"version": _dump(version)}
    own["segments"] = [_dump(each) for each in shelf.segments if each.version_id == version.id]
    own["values"] = [_dump(each) for each in shelf.values if each.target == version.id]
    if first:
        own |= {"asset": _dump(shelf.asset)}
        own["values"] += [_dump(each) for each in shelf.values if each.target != version.id]
    told = _entity("Asset", [(DOMAIN, version.id), (f"{DOMAIN}:asset", shelf.asset.id)], shelf.asset.title, own)
    values = {each.field: each.value for each in shelf.values if each.target == shelf.asset.id}
    told["description"] = values.get("description")
    if tags := values.get("tags"):
        told["tag"] = [{"domain": DOMAIN, "value": list(cast(tuple[str, ...], tags))}]
    told["version"] = _lineage(version)
    told["provenance"] = {"createdOn": instant_text(version.at), "CreatedBy": _reference(version.by)}
    told["assetFC"] = {"functionalType": _FUNCTIONS.get(shelf.asset.kind)}
    told["AssetSC"] = _structure(version)
    return told


def _lineage(version: Version) -> dict[str, Any]:
    told: dict[str, Any] = {"versionNumber": version.number}
    if version.lineage is not None:
        name = f"{version.lineage.relation.capitalize()}Of"
        told |= {name: _reference(version.lineage.of_versions[0]), "description": version.lineage.reason}
    return told


def _structure(version: Version) -> dict[str, Any]:
    video, audio = version.facts.video, version.facts.audio
    kind = "digital.audioVisual" if video and audio else "digital.movingImage" if video else "digital.audio"
    codec = video.codec if video else audio[0].codec if audio else None
    return {
        "schemaVersion": SCHEMA,
        "entityType": "AssetSC",
        "identifier": [{"identifierScope": "sha256", "identifierValue": version.media.removeprefix("sha256:")}],
        "structuralType": kind,
        "structuralProperties": {"codec": codec},
    }


def _participant(config: AiConfig) -> dict[str, Any]:
    software = {
        "softwareName": config.model.name,
        "softwareVersion": config.model.version,
        "parameters": json.dumps(config.parameters, sort_keys=True) if config.parameters else None,
    }
    service = _entity("Service", [(DOMAIN, config.id)], config.task, {"status": config.status})
    service |= {"serviceName": {"fullName": config.task}, "software": [software]}
    told = _entity("Participant", [(DOMAIN, config.id)], config.task, {"ai_config": _dump(config)})
    return told | {"description": config.task_description or None, "ParticipantSC": service}


def read(content: str) -> Catalogue:
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
    works: list[Work] = []
    shelves: dict[str, Shelf] = {}
    configs: list[AiConfig] = []
    for place, entity in _entities(told):
        try:
            _take(entity, works, shelves, configs)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(each) for each in first["loc"])
            raise Problem(
                "INVALID_ARGUMENT",
                f"{place} cannot be read: {where}: {first['msg']}.",
                "Correct the entity, or take it out.",
            ) from error
    return Catalogue(works=tuple(works), shelves=tuple(shelves.values()), configs=tuple(configs))


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


def _take(entity: dict[str, Any], works: list[Work], shelves: dict[str, Shelf], configs: list[AiConfig]) -> None:
    own = _own(entity)
    if "work" in own:
        works.append(Work.model_validate(own["work"]))
    elif "ai_config" in own:
        configs.append(AiConfig.model_validate(own["ai_config"]))
    elif "version" in own:
        version = Version.model_validate(own["version"])
        known = shelves.get(version.asset_id)
        asset = Asset.model_validate(own["asset"]) if "asset" in own else known.asset if known else _unnamed(version)
        shelves[version.asset_id] = Shelf(
            asset=asset,
            versions=(*(known.versions if known else ()), version),
            values=(*(known.values if known else ()), *map(FieldValue.model_validate, own.get("values") or ())),
            segments=(*(known.segments if known else ()), *map(Segment.model_validate, own.get("segments") or ())),
        )
    elif entity["entityType"] == "CreativeWork":
        works.append(_foreign_work(entity))


def _unnamed(version: Version) -> Asset:
    return Asset(id=version.asset_id, kind="master", title=version.asset_id, at=version.at)


def _own(entity: dict[str, Any]) -> dict[str, Any]:
    custom: Any = entity.get("customData")
    for each in cast(list[Any], custom) if isinstance(custom, list) else []:
        if isinstance(each, dict) and cast(dict[str, Any], each).get("namespace") == OWN:
            value: Any = cast(dict[str, Any], each).get("value")
            return cast(dict[str, Any], value) if isinstance(value, dict) else {}
    return {}


def _foreign_work(entity: dict[str, Any]) -> Work:
    """Somebody else's work. It has no id of ours yet: `id` is empty, and none of its times are told."""
    titles: Any = entity.get("creativeWorkTitle") or [{}]
    kind = entity.get("creativeWorkType")
    return Work.model_validate(
        {
            "id": "",
            "kind": kind if kind in _TYPES else "work",
            "title": titles[0].get("titleName") or entity.get("name") or "",
            "identifiers": [
                {
                    "scope": each["identifierScope"].upper()
                    if each["identifierScope"] == "eidr"
                    else each["identifierScope"],
                    "value": each["identifierValue"],
                }
                for each in entity.get("identifier") or ()
            ],
            "at": "1970-01-01T00:00:00Z",
        }
    )
