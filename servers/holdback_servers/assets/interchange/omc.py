"""OMC-JSON 2.8, out.

A work is a CreativeWork, a version an Asset with an AssetSC for its file, an AI configuration a Participant whose
structure is a Service with its software, as MovieLabs have it for AI agents. What OMC has no property for stands in
`customData` of the domain `holdback`. Source: OMC-JSON schema 2.8 (MovieLabs, Apache-2.0).
"""

import json
from typing import Any, Final, cast

from holdback_base.vocabulary import Noun, instant_text

from holdback_servers.assets.ai_config import AiConfig
from holdback_servers.assets.interchange.catalogue import Catalogue, Coverage, Shelf, measure
from holdback_servers.assets.model import Version, Work

SCHEMA = "https://movielabs.com/omc/json/schema/v2.8"
DOMAIN, OWN = "holdback", "urn:holdback:catalogue:1"
TYPES: Final = {"series": "series", "season": "season", "episode": "episode"}
_FUNCTIONS = {
    "music": "audio",
    "voice": "audio.track",
    "still": "artwork",
    "clip": "shot",
    "highlight": "shot.editorial",
}
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
    told |= {"creativeWorkType": TYPES.get(work.kind, "creativeWork")}
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
