"""EBUCorePlus 2.0 in Turtle, out.

A work is an `ec:EditorialWork`, an asset an `ec:EditorialObject`, a version an `ec:MediaResource`, an AI configuration
an `ec:Agent`; a machine's value is an `ec:TextAnnotation` with its confidence and its agent. Source: the EBUCorePlus
ontology 2.0.0 (EBU, MIT licence); `USED` lists every term of it that is written here.
"""

from typing import Any, Final, cast

from holdback_servers.assets.ai_config import AiConfig
from holdback_servers.assets.interchange.catalogue import Catalogue, Coverage, Shelf, measure
from holdback_servers.assets.model import FieldValue, Version, Work

EC: Final = "http://www.ebu.ch/metadata/ontologies/ebucoreplus#"
USED: Final = {
    "class": ["EditorialWork", "EditorialObject", "MediaResource", "Agent", "Identifier", "Keyword", "TextAnnotation"],
    "object": [
        "hasIdentifier",
        "hasKeyword",
        "isInstantiatedBy",
        "isDerivedFrom",
        "isVersionOf",
        "hasAnnotationTarget",
        "hasAnnotationAgent",
        "hasRelatedEditorialObject",
        "hasCreator",
    ],
    "data": [
        "title",
        "name",
        "description",
        "identifierValue",
        "hashValue",
        "version",
        "fileSize",
        "frameWidth",
        "frameHeight",
        "frameRate",
        "isoDuration",
        "totalNumberOfAudioChannels",
        "loudnessIntegratedLoudness",
        "loudnessMaxTruepeak",
        "timecodeExpression",
        "annotationConfidence",
    ],
}
"""Terms of the ontology that are written: classes, object properties and datatype properties."""
CARRIED = frozenset(
    [
        "work.id",
        "work.title",
        "work.identifiers",
        "asset.id",
        "asset.title",
        "asset.work_id",
        "version.id",
        "version.asset_id",
        "version.number",
        "version.media",
        "version.by",
        "version.facts",
        "version.lineage",
        "value.description",
        "value.tags",
        "ai_config.id",
        "ai_config.task_description",
        "ai_config.model",
    ]
)
"""Fields with a property of their own. `version.facts` are those that a viewer needs; the rest of them are not told."""


def coverage(catalogue: Catalogue) -> Coverage:
    """How a catalogue comes through as EBUCorePlus: there is no place for custom data, so the rest is lost."""
    automatic = {f"value.{each.field}" for shelf in catalogue.shelves for each in shelf.values if each.method == "auto"}
    manual = {f"value.{each.field}" for shelf in catalogue.shelves for each in shelf.values if each.method != "auto"}
    return measure(catalogue, CARRIED | frozenset(automatic - manual), frozenset())


def write(catalogue: Catalogue) -> str:
    """The catalogue as Turtle, in a fixed order."""
    from rdflib import Graph

    graph = Graph()
    graph.bind("ec", EC)
    out = _Writer(graph)
    for work in catalogue.works:
        out.work(work)
    for shelf in catalogue.shelves:
        out.shelf(shelf)
    for config in catalogue.configs:
        out.config(config)
    return graph.serialize(format="turtle")


class _Writer:
    def __init__(self, graph: Any) -> None:
        from rdflib import RDF, XSD, BNode, Literal, Namespace, URIRef

        self._graph, self._ec, self._type = graph, Namespace(EC), RDF.type
        self._iri, self._literal, self._blank, self._decimal = URIRef, Literal, BNode, XSD.decimal

    def _thing(self, name: str, kind: str) -> Any:
        thing = self._iri(name if name.startswith("urn:") else f"urn:holdback:{name}")
        self._graph.add((thing, self._type, self._ec[kind]))
        return thing

    def _say(self, thing: Any, name: str, value: Any) -> None:
        if value not in (None, ""):
            self._graph.add((thing, self._ec[name], self._literal(value)))

    def _link(self, thing: Any, name: str, other: Any) -> None:
        self._graph.add((thing, self._ec[name], other))

    def _identify(self, thing: Any, value: str, scope: str) -> None:
        name = self._iri(f"urn:holdback:identifier:{_safe(scope)}:{_safe(value)}")
        self._graph.add((name, self._type, self._ec["Identifier"]))
        self._say(name, "identifierValue", value)
        self._say(name, "name", scope)
        self._link(thing, "hasIdentifier", name)

    def work(self, work: Work) -> None:
        thing = self._thing(work.id, "EditorialWork")
        self._say(thing, "title", work.title)
        for each in work.identifiers:
            self._identify(thing, each.value, each.scope)

    def shelf(self, shelf: Shelf) -> None:
        thing = self._thing(shelf.asset.id, "EditorialObject")
        self._say(thing, "title", shelf.asset.title)
        if shelf.asset.work_id:
            self._link(thing, "hasRelatedEditorialObject", self._iri(f"urn:holdback:{shelf.asset.work_id}"))
        for value in shelf.values:
            self._value(self._iri(f"urn:holdback:{value.target}"), value)
        for version in shelf.versions:
            self._link(thing, "isInstantiatedBy", self._version(version))

    def _value(self, thing: Any, value: FieldValue) -> None:
        if value.method == "auto":
            note = self._thing(value.id, "TextAnnotation")
            self._say(note, "name", value.field)
            self._say(note, "description", str(value.value))
            self._link(note, "hasAnnotationTarget", thing)
            self._link(note, "hasAnnotationAgent", self._iri(value.ai_config or "urn:holdback:agent:unknown"))
            sure = f"{(value.confidence or 0) / 1000:.3f}"
            self._graph.add((note, self._ec["annotationConfidence"], self._literal(sure, datatype=self._decimal)))
        elif value.field == "description":
            self._say(thing, "description", value.value)
        elif value.field == "tags":
            for tag in cast(tuple[str, ...], value.value):
                word = self._thing(f"urn:holdback:keyword:{_safe(tag)}", "Keyword")
                self._say(word, "name", tag)
                self._link(thing, "hasKeyword", word)

    def _version(self, version: Version) -> Any:
        thing, facts = self._thing(version.id, "MediaResource"), version.facts
        self._say(thing, "hashValue", version.media)
        self._say(thing, "version", str(version.number))
        self._say(thing, "fileSize", facts.size_bytes)
        self._say(thing, "isoDuration", f"PT{float(facts.seconds):.3f}S")
        self._say(thing, "timecodeExpression", facts.start_timecode)
        self._link(thing, "hasCreator", self._agent(version.by))
        if facts.video:
            self._say(thing, "frameWidth", facts.video.width)
            self._say(thing, "frameHeight", facts.video.height)
            self._say(thing, "frameRate", facts.rate.text())
        if facts.audio:
            self._say(thing, "totalNumberOfAudioChannels", sum(each.channels for each in facts.audio))
        if facts.loudness:
            self._say(thing, "loudnessIntegratedLoudness", facts.loudness.integrated_lufs)
            self._say(thing, "loudnessMaxTruepeak", facts.loudness.true_peak_dbtp)
        if version.lineage:
            link = "isDerivedFrom" if version.lineage.relation == "derivation" else "isVersionOf"
            for source in version.lineage.of_versions:
                self._link(thing, link, self._iri(f"urn:holdback:{source}"))
        return thing

    def _agent(self, name: str) -> Any:
        thing = self._thing(f"urn:holdback:party:{_safe(name)}", "Agent")
        self._say(thing, "name", name)
        return thing

    def config(self, config: AiConfig) -> None:
        thing = self._thing(config.id, "Agent")
        self._say(thing, "name", f"{config.model.name} {config.model.version}".strip())
        self._say(thing, "description", config.task_description or config.task)


def _safe(text: str) -> str:
    from urllib.parse import quote

    return quote(text, safe="")
