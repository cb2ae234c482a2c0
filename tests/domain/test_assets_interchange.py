"""The catalogue as OMC-JSON and EBUCorePlus: valid by their own rules, counted field by field, and read back."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from holdback_base.elements import Element, ElementList
from holdback_base.problem import Problem
from holdback_base.vocabulary import Rate, Span
from holdback_servers.assets.ai_config import AiConfig, Model
from holdback_servers.assets.interchange import ebucore, ebucore_reading, omc, omc_reading
from holdback_servers.assets.interchange.catalogue import Catalogue, Shelf, incoming, values_in
from holdback_servers.assets.model import (
    Asset,
    AudioFacts,
    FieldValue,
    Identifier,
    Lineage,
    Segment,
    TechnicalFacts,
    Version,
    VideoFacts,
    Work,
)
from hypothesis import given
from hypothesis import strategies as st

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
DATA = Path(__file__).parents[3] / "shared" / "data"
outside = pytest.mark.skipif(not DATA.exists(), reason="the outside data is not here")
RATE = Rate(num=24)
AST = f"ast_{1:026}"
VER = f"ver_{1:026}"
WRK = f"wrk_{1:026}"
MEDIA = ["sha256:" + digit * 64 for digit in "ab"]


def catalogue(title: str = "Big film", tags: tuple[str, ...] = ("meadow", "größe")) -> Catalogue:
    """Two versions of an asset of a work, with a person's values and a machine's."""
    video = VideoFacts(
        codec="h264", pixel_format="yuv420p", bit_depth=8, width=640, height=360, display_aspect="16:9", rate=RATE
    )
    sound = AudioFacts(codec="aac", sample_rate=48000, channels=2, layout="stereo")
    facts = TechnicalFacts(container="mov", size_bytes=9, frames=48, rate=RATE, video=video, audio=(sound,))
    element = Element(id="el_1", kind="programme", ref="film:a", name="A", spans=(Span(in_frame=0, out_frame=48),))
    made = ElementList(rate=RATE, frames=48, elements=(element,))
    versions = tuple(
        Version(
            id=f"ver_{number:026}",
            asset_id=AST,
            number=number,
            media=media,
            facts=facts,
            element_list=made,
            elements_from="supplier",
            lineage=Lineage(relation="derivation", of_versions=(VER,), reason="A cut") if number == 2 else None,
            by="person:sam",
            at=NOW,
        )
        for number, media in enumerate(MEDIA, 1)
    )
    manual: dict[str, Any] = {
        "target": AST,
        "method": "manual",
        "by": "person:sam",
        "at": NOW,
    }
    values = (
        FieldValue(id="evt_1", field="description", value="A butterfly", **manual),
        FieldValue(id="evt_2", field="tags", value=tuple(sorted(set(tags))) or ("x",), **manual),
        FieldValue(
            id="evt_3",
            field="mood",
            value="calm",
            **manual | {"method": "auto"},
            confidence=870,
            ai_config="urn:house:mood:1",
        ),
        FieldValue(id="evt_4", field="camera", value="A7", **manual),
    )
    segment = Segment(
        id="seg_00000000000000000000000001",
        version_id=VER,
        kind="shot",
        in_frame=0,
        out_frame=24,
        method="auto",
    )
    eidr = Identifier(scope="EIDR", value="10.5240/96C6-A678-E011-B059-77AA-2")
    return Catalogue(
        works=(Work(id=WRK, kind="film", title=title, identifiers=(eidr,), at=NOW),),
        shelves=(
            Shelf(
                asset=Asset(
                    id=AST,
                    kind="master",
                    title=title,
                    work_id=WRK,
                    at=NOW,
                ),
                versions=versions,
                values=values,
                segments=(segment,),
            ),
        ),
        configs=(
            AiConfig(id="urn:house:mood:1", task="mood", model=Model(name="M", version="2"), parameters={"k": 3}),
        ),
    )


@outside
def test_a_catalogue_is_valid_omc_json_by_its_own_schema() -> None:
    from jsonschema import Draft201909Validator

    schema = json.loads((DATA / "omc" / "schema.json").read_text())
    told = json.loads(omc.write(catalogue()))
    assert [each.message for each in Draft201909Validator(schema).iter_errors(told)] == []
    spoiled = told | {"Asset": [told["Asset"][0] | {"version": 7}]}
    assert list(Draft201909Validator(schema).iter_errors(spoiled))


@given(title=st.text(min_size=1, max_size=40), tags=st.tuples(st.text(min_size=1, max_size=9)))
def test_what_goes_out_as_omc_comes_back_as_it_was(title: str, tags: tuple[str, ...]) -> None:
    whole = catalogue(title, tags)
    assert omc_reading.read(omc.write(whole)).catalogue == whole


def test_coverage_counts_every_value_once_and_what_is_custom_or_lost() -> None:
    whole = catalogue()
    by_omc, by_ebucore = omc.coverage(whole), ebucore.coverage(whole)
    for found in (by_omc, by_ebucore):
        assert {each.field: each.carried + each.custom + each.lost for each in found.fields} == values_in(whole)
    assert by_omc.kept_thousandths == 1000
    assert all(not each.lost for each in by_omc.fields)
    assert {each.field for each in by_ebucore.fields if each.lost} >= {
        "segment",
        "value.camera",
        "version.element_list",
    }


@outside
def test_every_ebucoreplus_term_that_is_written_is_in_the_ontology() -> None:
    from rdflib import OWL, RDF, Graph, URIRef

    ontology = Graph().parse(DATA / "ebucoreplus" / "ebucoreplus.owl", format="turtle")
    kinds = {"class": OWL.Class, "object": OWL.ObjectProperty, "data": OWL.DatatypeProperty}
    for kind, names in ebucore.USED.items():
        for name in names:
            assert (URIRef(ebucore.EC + name), RDF.type, kinds[kind]) in ontology, name
    written = Graph().parse(data=ebucore.write(catalogue()), format="turtle")
    terms = {str(each) for row in written for each in row if str(each).startswith(ebucore.EC)}
    assert terms <= {ebucore.EC + name for names in ebucore.USED.values() for name in names}


@given(title=st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40))
def test_titles_words_and_identifiers_come_back_from_ebucoreplus(title: str) -> None:
    whole = catalogue(title, ("sky", "meadow"))
    found = ebucore_reading.read(ebucore.write(whole))
    assert [(each.id, each.title, each.identifiers) for each in found.works] == [
        (WRK, title, whole.works[0].identifiers)
    ]
    assert {each.media for each in found.described} == set(MEDIA)
    assert found.described[0].of_asset == {"title": title, "description": "A butterfly", "tags": ("meadow", "sky")}


@outside
def test_the_works_of_a_sample_production_are_read_with_their_identifiers() -> None:
    found = omc_reading.read((DATA / "omc" / "allCreativeWork.json").read_text()).catalogue
    assert found.works[0].title == "Hyperspace Madness"
    assert Identifier(scope="EIDR", value="10.5240/96C6-A678-E011-B059-77AA-2") in found.works[0].identifiers


def test_values_of_an_incoming_catalogue_are_said_of_bytes() -> None:
    found = incoming(catalogue())
    assert [each.media for each in found.described] == MEDIA
    assert (found.described[0].of_asset, found.described[1].of_asset["camera"]) == ({}, "A7")
    left = {each.name for each in found.left_out}
    assert {"segment", "version.element_list", "version.lineage", "asset.work_id"} <= left
    assert not left & {"work.title", "asset.title", "value.camera", "ai_config.model"}


@pytest.mark.parametrize("content", ["", "[", "[3]", '{"Asset": [{}]}', '[{"entityType":"CreativeWork"}]'])
def test_broken_omc_is_refused_with_its_place(content: str) -> None:
    with pytest.raises(Problem) as told:
        omc_reading.read(content)
    assert told.value.code == "INVALID_ARGUMENT"
    assert told.value.hint


@pytest.mark.parametrize(
    "told",
    [
        {"creativeWorkTitle": "x"},
        {"creativeWorkTitle": {"titleName": "x"}},
        {"identifier": [{"identifierValue": "x"}]},
        {"identifier": "abc"},
        {"creativeWorkType": ["series"], "name": 3},
        {"customData": [{"namespace": omc.OWN, "value": {"work": [1]}}]},
    ],
)
def test_an_omc_entity_of_another_shape_is_refused_with_its_place(told: dict[str, Any]) -> None:
    with pytest.raises(Problem, match="Entity 1 cannot be read") as found:
        omc_reading.read(json.dumps([{"entityType": "CreativeWork", "name": "A"} | told]))
    assert found.value.code == "INVALID_ARGUMENT"


def test_values_of_holdbacks_own_that_are_no_list_are_refused() -> None:
    own = json.loads(omc.write(catalogue()))
    own["Asset"][0]["customData"][0]["value"]["values"] = 5
    with pytest.raises(Problem, match="Asset 1 cannot be read"):
        omc_reading.read(json.dumps(own))


def test_what_others_say_in_omc_and_is_not_taken_is_counted_by_its_name() -> None:
    work = {"entityType": "CreativeWork", "name": "A", "description": "B", "identifier": [], "creativeWorkType": "x"}
    person = {"entityType": "Participant", "name": "C", "schemaVersion": "D", "description": None}
    found = omc_reading.read(json.dumps([work, person]))
    told = incoming(found.catalogue, found.said, found.left)
    assert {each.name: each.count for each in told.left_out} == {
        "CreativeWork.creativeWorkType": 1,
        "CreativeWork.description": 1,
        "Participant.name": 1,
    }
    assert found.said == 4


PREFIX = "@prefix ec: <http://www.ebu.ch/metadata/ontologies/ebucoreplus#> .\n"


def test_hashes_of_another_kind_are_left_out_and_counted_and_bare_ones_are_taken() -> None:
    turtle = f"""{PREFIX}
    <urn:a> a ec:MediaResource ; ec:hashValue "d41d8cd98f00b204e9800998ecf8427e" ; ec:title "Old" .
    <urn:b> a ec:MediaResource ; ec:hashValue "{"A" * 64}" ; ec:title "New" ; ec:hasKeyword "blue", [ a ec:Keyword ] .
    <urn:c> a ec:Programme ; ec:title "Show" .
    <d> a ec:EditorialWork ; ec:title "Film" .
    """
    found = ebucore_reading.read(turtle)
    assert [(each.media, each.of_asset) for each in found.described] == [
        (MEDIA[0], {"title": "New", "tags": ("blue",)})
    ]
    assert [each.title for each in found.works] == ["Film"]
    assert {each.name: each.count for each in found.left_out} == {
        "ec:title": 2,
        "ec:hashValue": 1,
        "ec:MediaResource": 1,
        "ec:Programme": 1,
    }


@pytest.mark.parametrize("content", ["<a> <b>", "@prefix x: <y", PREFIX + "<urn:x> a ec:EditorialWork ."])
def test_broken_turtle_is_refused_and_a_work_without_a_title_is_named(content: str) -> None:
    with pytest.raises(Problem, match=r"not Turtle|urn:x cannot be read: title"):
        ebucore_reading.read(content)
