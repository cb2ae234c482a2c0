"""Rights as EBUCorePlus: only terms of the ontology, each as what it is, and the rest told."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from holdback_servers.rights.interchange.ebucore import USED, write
from holdback_servers.rights.model import (
    Contract,
    ContractTerms,
    Right,
    RightTerms,
    contract_on_record,
    right_on_record,
)
from rdflib import OWL, RDF, RDFS, BNode, Graph, Namespace, URIRef

EC = Namespace("http://www.ebu.ch/metadata/ontologies/ebucoreplus#")
TIME = Namespace("http://www.w3.org/2006/time#")
ONTOLOGY = Path(__file__).parents[2].parent / "shared" / "data" / "ebucoreplus" / "ebucoreplus.owl"
DEAL = contract_on_record(
    "ctr_1",
    ContractTerms(counterparty='Blender "Foundation"', direction="in", status="active", time_zone="Europe/Berlin"),
)


def right(number: int = 1, contract: Contract = DEAL, **fields: Any) -> tuple[Right, Contract]:
    base = {
        "ref": "film:a",
        "kind": "grant",
        "media": ("all",),
        "territories": ("WORLD",),
        "start": "2026-01-01T00:00:00Z",
    }
    return right_on_record(f"rgt_{number}", RightTerms.model_validate(base | fields), contract), contract


def everything() -> list[tuple[Right, Contract]]:
    sold = contract_on_record("ctr_2", ContractTerms(counterparty="Buyer", direction="out", status="pending"))
    return [
        right(
            1,
            territories=("EU", "US-CA"),
            excluded_territories=("FR",),
            media=("social.youtube", "vod.svod"),
            end="2027-01-01T00:00:00Z",
            exclusive=True,
            max_runs=3,
            reruns={"repeats": 2, "hours": 24},
            max_excerpt_percent=10,
            work_seconds=600,
            purposes=("news",),
            languages=("de",),
            derivative_allowed=False,
            conditions=({"type": "credit", "text": "By A", "min_seconds": 2},),
            clause="7.1\nso there",
            licence_type="SVOD",
        ),
        right(2, kind="blackout", start=None, territories=("DE",)),
        right(3, start=None, start_event={"event": "theatrical", "lag": "P90D"}, last_day=date(2027, 1, 31)),
        right(4, sold, kind="licence_out", element_kinds=("programme",)),
    ]


def graph(rights: list[tuple[Right, Contract]]) -> Graph:
    return Graph().parse(data=write(rights).content, format="turtle")


def test_a_grant_says_its_work_its_window_its_places_and_its_runs() -> None:
    found = graph(everything())
    grant = URIRef("urn:holdback:right:rgt_1")
    assert (grant, RDF.type, EC.UsageRights) in found
    assert (URIRef("urn:holdback:ref:film:a"), EC.hasUsageRights, grant) in found
    places = {str(each).rpartition(":")[2] for each in found.objects(grant, EC.hasRightsTerritoryIncludes)}
    assert {"DE", "US-CA", "IT"} <= places
    assert "GB" not in places
    assert [str(each) for each in found.objects(grant, EC.hasRightsTerritoryExcludes)] == ["urn:holdback:territory:FR"]
    end = found.value(grant, EC.hasEndDateTime)
    assert str(found.value(end, TIME.inXSDDateTimeStamp)).startswith("2027-01-01T00:00:00")
    assert found.value(grant, EC.publishingEventsLeft).toPython() == 3  # pyright: ignore - a literal
    assert "10 % of 600 s" in str(found.value(grant, EC.rightsUsageRestrictions))
    assert str(found.value(grant, EC.rightsExpression)) == "7.1\nso there"


def test_a_restriction_is_not_a_right_to_use() -> None:
    found = graph(everything())
    assert (URIRef("urn:holdback:right:rgt_2"), RDF.type, EC.UsageRestrictions) in found
    assert (URIRef("urn:holdback:right:rgt_2"), RDF.type, EC.UsageRights) not in found


def test_an_open_end_is_left_out_and_an_unknown_event_is_told() -> None:
    given = write(everything())
    found = Graph().parse(data=given.content, format="turtle")
    assert found.value(URIRef("urn:holdback:right:rgt_3"), EC.hasStartDateTime) is None
    assert "From theatrical P90D." in str(found.value(URIRef("urn:holdback:right:rgt_3"), EC.rightsUsageRestrictions))
    told = [each.message for each in given.losses]
    assert "start_event stands in words only." in told
    assert "The whole world is written by including no territory." in told
    assert "conditions stands in words only." in told


def test_a_contract_that_is_not_active_says_so() -> None:
    found = graph(everything())
    assert "Not in force" in str(found.value(URIRef("urn:holdback:right:rgt_4"), EC.rightsUsageRestrictions))


def test_the_order_of_rights_does_not_matter() -> None:
    assert write(everything()) == write(everything()[::-1])


def test_every_term_that_is_written_is_in_the_list_of_used_ones() -> None:
    found = graph(everything())
    classes = {str(each).removeprefix(EC) for each in found.objects(None, RDF.type) if str(each).startswith(EC)}
    properties = {str(each).removeprefix(EC) for each in found.predicates() if str(each).startswith(EC)}
    assert classes == set(USED["class"])
    assert properties == set(USED["object"]) | set(USED["data"])


@pytest.mark.skipif(not ONTOLOGY.exists(), reason="the ontology lies beside the repository, not in it")
def test_every_term_exists_in_the_ontology_as_what_it_is_used_for() -> None:
    ontology = Graph().parse(ONTOLOGY, format="turtle")
    for kind, of in (("class", OWL.Class), ("object", OWL.ObjectProperty), ("data", OWL.DatatypeProperty)):
        unknown = [name for name in USED[kind] if (EC[name], RDF.type, of) not in ontology]
        assert unknown == [], kind
    found = graph(everything())
    for subject, predicate, value in found:
        if str(predicate).startswith(EC):
            for wanted in ranges(ontology, found, subject, predicate):
                kinds = set(found.objects(value, RDF.type))
                assert any(wanted in around(ontology, each) for each in kinds), (subject, predicate, value, wanted)


def ranges(ontology: Graph, found: Graph, subject: Any, predicate: Any) -> list[URIRef]:
    """The classes of the ontology that allValuesFrom asks of a value here."""
    wanted: list[URIRef] = []
    for kind in {above for each in found.objects(subject, RDF.type) for above in around(ontology, each)}:
        for rule in ontology.objects(kind, RDFS.subClassOf):
            if isinstance(rule, BNode) and ontology.value(rule, OWL.onProperty) == predicate:
                target = ontology.value(rule, OWL.allValuesFrom)
                if isinstance(target, URIRef) and str(target).startswith(EC):
                    wanted.append(target)
    return wanted


def around(ontology: Graph, kind: Any) -> set[Any]:
    return set(ontology.transitive_objects(kind, RDFS.subClassOf))
