"""Rights go out as ODRL 2.2 that others can read, and what only Holdback's profile says is told."""

import json
from pathlib import Path
from typing import Any

import pytest
from holdback_servers.rights.interchange.odrl import odrl_policies, read
from holdback_servers.rights.interchange.odrl_comparing import State
from holdback_servers.rights.interchange.odrl_evaluating import Request, evaluate
from holdback_servers.rights.interchange.odrl_model import Operand
from holdback_servers.rights.interchange.odrl_terms import ACTIONS, OPERANDS, OWN_TERMS
from holdback_servers.rights.interchange.odrl_writing import OURS, write
from holdback_servers.rights.model import (
    Contract,
    ContractTerms,
    Right,
    RightTerms,
    contract_on_record,
    right_on_record,
)
from rdflib import RDF, Graph, Namespace, URIRef

ODRL = Namespace("http://www.w3.org/ns/odrl/2/")
DATA = Path(__file__).parent / "data" / "odrl"


def deal(number: int = 1, **fields: Any) -> Contract:
    base = {"counterparty": "Blender Foundation", "direction": "in", "status": "active", "time_zone": "Europe/Berlin"}
    return contract_on_record(f"ctr_{number}", ContractTerms.model_validate(base | fields))


def right(number: int = 1, contract: Contract | None = None, **fields: Any) -> tuple[Right, Contract]:
    contract = contract or deal()
    base: dict[str, Any] = {"ref": "film:a", "kind": "grant", "media": ("all",), "territories": ("WORLD",)}
    base |= {"start": "2026-01-01T00:00:00Z"}
    return right_on_record(f"rgt_{number}", RightTerms.model_validate(base | fields), contract), contract


def test_an_active_contract_is_an_agreement_of_its_parties() -> None:
    shape = json.loads(write([right(territories=("DE",))]).content)
    assert (shape["@type"], shape["uid"], shape["conflict"]) == ("Agreement", "urn:holdback:contract:ctr_1", "prohibit")
    assert shape["assigner"]["vcard:fn"] == "Blender Foundation"
    assert shape["assignee"] == {"uid": OURS}
    (permission,) = shape["permission"]
    assert (permission["target"], permission["action"]) == ("film:a", ["distribute", "derive"])
    assert permission["constraint"][0] == {
        "leftOperand": "spatial",
        "operator": "isAnyOf",
        "rightOperand": [{"@id": "http://cvx.iptc.org/iso3166-1a3/DEU"}],
    }


@pytest.mark.parametrize("status", ["draft", "pending", "rejected", "inactive"])
def test_a_contract_that_is_not_active_goes_out_as_an_offer(status: str) -> None:
    contract = deal(status=status)
    shape = json.loads(write([right(contract=contract)]).content)
    assert shape["@type"] == "Offer"
    batch = read(write([right(contract=contract)]).content.encode(), "rights.jsonld")
    assert [each.terms.status for each in batch.contracts] == [status]


def test_what_is_licensed_out_goes_from_us() -> None:
    contract = deal(direction="out", counterparty="https://buyer.example/id")
    shape = json.loads(write([right(contract=contract, kind="licence_out", exclusive=True)]).content)
    assert (shape["assigner"], shape["assignee"]) == ({"uid": OURS}, {"uid": "https://buyer.example/id"})


def test_turtle_and_json_say_the_same_to_a_reader_of_rdf() -> None:
    pairs = [right(1, territories=("DE",)), right(2, kind="blackout", start=None, purposes=("training",))]
    graph = Graph().parse(data=write(pairs, "turtle").content, format="turtle")
    policy = URIRef("urn:holdback:contract:ctr_1")
    assert (policy, RDF.type, ODRL.Agreement) in graph
    assert [str(each) for each in graph.objects(policy, ODRL.permission)] == ["urn:holdback:right:rgt_1"]
    stop = next(graph.objects(policy, ODRL.prohibition))
    assert str(graph.value(stop, ODRL.action)) == "http://www.w3.org/ns/tdmrep#mine"
    both = [odrl_policies(write(pairs, form).content.encode(), f"r.{form}") for form in ("jsonld", "turtle")]
    assert both[0] == both[1]


def test_what_only_the_profile_says_is_told_and_the_rest_is_not() -> None:
    plain = write([right(territories=("DE",), max_runs=3, end="2027-01-01T00:00:00Z")])
    assert plain.losses == ()
    given = write([right(exclusive=True, clause="7"), right(2, max_duration_seconds=9)])
    assert [each.message.split(" stands")[0] for each in given.losses] == [
        "clause",
        "exclusive",
        "max_duration_seconds",
    ]
    assert given.losses[0].place == "1 of 2 rights"


def test_several_contracts_are_several_policies_in_order() -> None:
    content = write([right(2, deal(2)), right(1)]).content
    assert [each["uid"] for each in json.loads(content)["@graph"]] == [
        "urn:holdback:contract:ctr_1", "urn:holdback:contract:ctr_2"
    ]  # fmt: skip


def test_a_policy_that_came_in_goes_out_under_its_own_uid() -> None:
    contract = deal().model_copy(update={"external_key": "odrl:http://example.com/policy:1"})
    assert json.loads(write([right(contract=contract)]).content)["uid"] == "http://example.com/policy:1"


def test_another_evaluator_permits_there_and_then_only() -> None:
    data = write(
        [right(territories=("EU",), end="2026-06-01T00:00:00Z"), right(2, kind="holdback", territories=("FR",))]
    )
    found = odrl_policies(data.content.encode(), data.file_name)

    def asked(place: str, moment: str) -> str:
        given = {"spatial": place, "dateTime": moment}
        state = State(values={name: (Operand(value=value),) for name, value in given.items()})
        return evaluate(found, Request(action="distribute", target="film:a", assignee=OURS), state).verdict

    assert asked("DE", "2026-05-31T23:59:59Z") == "permitted"
    assert asked("DE", "2026-06-01T00:00:00Z") == "not_permitted"
    assert asked("FR", "2026-05-01T00:00:00Z") == "prohibited"
    assert asked("GB", "2026-05-01T00:00:00Z") == "not_permitted"


def test_an_agencys_agreement_comes_in_whole() -> None:
    batch = read((DATA / "agency.jsonld").read_bytes(), "agency.jsonld")
    assert (batch.mistakes, batch.losses) == ((), ())
    grant, blackout = sorted((each.terms for each in batch.rights), key=lambda each: each.kind, reverse=True)
    assert (grant.territories, str(grant.start)) == (("AT", "DE"), "2026-11-24 19:00:00+00:00")
    assert [each.text for each in grant.conditions] == ["Example Press Agency"]
    assert (blackout.media, blackout.ref) == (("social.tiktok",), "clip:butterfly-0815")


def test_a_reservation_of_training_comes_in_for_the_named_element() -> None:
    batch = read((DATA / "reservation.ttl").read_bytes(), "reservation.ttl")
    assert batch.mistakes == ()
    assert [(each.terms.ref, each.terms.purposes) for each in batch.rights] == [("film:meadow", ("training",))]


def test_a_public_licence_is_a_draft_whose_limits_all_stand() -> None:
    batch = read((DATA / "by-nc-nd.ttl").read_bytes(), "by-nc-nd.ttl")
    assert batch.mistakes == ()
    grant, blackout = sorted((each.terms for each in batch.rights), key=lambda each: each.kind, reverse=True)
    assert not grant.derivative_allowed
    assert {each.type for each in grant.conditions} == {"credit", "approval"}
    assert (blackout.kind, blackout.purposes) == ("blackout", ())
    assert [each.terms.status for each in batch.contracts] == ["draft"]
    assert any("stands against every use" in each.message for each in batch.losses)


def test_every_term_of_the_profile_is_in_the_docs() -> None:
    text = (Path(__file__).parents[2] / "docs" / "odrl.md").read_text(encoding="utf-8")
    own = {each.removeprefix("holdback:") for each in ACTIONS | OPERANDS if each.startswith("holdback:")}
    assert [each for each in sorted({*OWN_TERMS, *own}) if f"`{each}`" not in text] == []
