"""ODRL 2.2 comes in: what each term means for rights, and what every slip is told as.

Examples follow those of the ODRL Information Model 2.2, RightsML 2.0 and TDMRep.
"""

import json
import socket
from typing import Any, NoReturn

import pytest
from holdback_base.problem import Problem
from holdback_servers.rights.interchange.batch import Batch
from holdback_servers.rights.interchange.odrl import odrl_policies, read
from holdback_servers.rights.model import RightTerms

NOTHING: list[str] = []
CONTEXT = "http://www.w3.org/ns/odrl.jsonld"


def limit(left: str, operator: str, right: Any, **more: Any) -> dict[str, Any]:
    return {"leftOperand": left, "operator": operator, "rightOperand": right, **more}


def day(text: str) -> dict[str, str]:
    return {"@value": text, "@type": "xsd:date"}


def at(text: str) -> dict[str, str]:
    return {"@value": text, "@type": "xsd:dateTime"}


def rule(action: Any = "distribute", *constraints: Any, **more: Any) -> dict[str, Any]:
    return {"target": "film:a", "action": action, "constraint": list(constraints), **more}


def policy(kind: str = "Agreement", **more: Any) -> dict[str, Any]:
    shape = {"@context": CONTEXT, "@type": kind, "uid": "http://example.com/policy:1"}
    return shape | {"assigner": "urn:licensor", "assignee": "urn:us"} | more


def come_in(shape: Any, name: str = "policy.jsonld") -> Batch:
    return read(json.dumps(shape).encode(), name)


def rights(shape: Any) -> list[RightTerms]:
    batch = come_in(shape)
    assert batch.mistakes == ()
    return [each.terms for each in batch.rights]


def grant(*constraints: Any, **more: Any) -> RightTerms:
    found = rights(policy(permission=[rule("distribute", *constraints, **more)]))
    assert len(found) == 1
    return found[0]


def mistake(shape: Any) -> str:
    """The one mistake, as a person reads it."""
    batch = come_in(shape)
    assert len(batch.mistakes) == 1, batch.mistakes
    assert batch.mistakes[0].hint
    return f"{batch.mistakes[0].place}: {batch.mistakes[0].message}"


def refusal(data: bytes, name: str = "policy.jsonld") -> str:
    with pytest.raises(Problem) as caught:
        read(data, name)
    assert caught.value.hint
    return caught.value.message


def test_a_rightsml_agreement_becomes_a_grant() -> None:
    found = grant(
        limit("spatial", "eq", {"@id": "http://cvx.iptc.org/iso3166-1a3/DEU"}),
        limit("dateTime", "gteq", at("2026-01-01T00:00:00Z")),
        limit("dateTime", "lt", at("2027-01-01T00:00:00+01:00")),
    )
    assert (found.kind, found.ref, found.territories, found.media) == ("grant", "film:a", ("DE",), ("all",))
    assert str(found.start) == "2026-01-01 00:00:00+00:00"
    assert str(found.end) == "2026-12-31 23:00:00+00:00"
    assert not found.derivative_allowed


def test_a_policy_is_a_contract_with_its_licensor() -> None:
    party = {"uid": "urn:licensor", "vcard:fn": "Blender Foundation"}
    batch = come_in(policy(permission=[rule()], assigner=party))
    (contract,) = batch.contracts
    assert (contract.terms.counterparty, contract.terms.direction) == ("Blender Foundation", "in")
    assert contract.key == "odrl:http://example.com/policy:1"
    assert batch.replaces == ("odrl:http://example.com/policy:1|",)
    assert batch.rights[0].key.startswith(batch.replaces[0])


@pytest.mark.parametrize(("kind", "status"), [("Agreement", "active"), ("Offer", "pending"), ("Set", "draft")])
def test_only_an_agreement_is_active(kind: str, status: str) -> None:
    claims = {"holdback:status": "active"}
    batch = come_in(
        policy(kind, permission=[rule()]) | {"@context": [CONTEXT, {"holdback": "urn:holdback:odrl:"}]} | claims
    )
    assert [each.terms.status for each in batch.contracts] == [status]


def test_the_same_policy_gives_the_same_keys_whatever_its_order() -> None:
    rules = [rule("distribute", limit("spatial", "eq", "DE")), rule("distribute", limit("spatial", "eq", "FR"))]
    one, other = come_in(policy(permission=rules)), come_in(policy(permission=rules[::-1]))
    assert one.rights == other.rights


def test_rules_with_a_uid_keep_it_in_their_key() -> None:
    batch = come_in(policy(permission=[rule(uid="http://example.com/rule:7")]))
    assert batch.rights[0].key == "odrl:http://example.com/policy:1|http://example.com/rule:7|film:a"


def test_permissions_alike_but_for_the_action_are_one_grant_that_may_be_edited() -> None:
    (found,) = rights(policy(permission=[rule(["display", "derive"])]))
    assert found.derivative_allowed
    (found,) = rights(policy(permission=[rule("use")]))
    assert found.derivative_allowed
    (found,) = rights(policy(permission=[rule("display", limit("spatial", "eq", "DE")), rule("derive")]))
    assert not found.derivative_allowed


def test_compact_policies_are_written_out() -> None:
    found = rights(policy(target=["film:a", "film:b"], action="distribute", permission=[{}]))
    assert [each.ref for each in found] == ["film:a", "film:b"]


@pytest.mark.parametrize(
    ("operator", "given", "field", "value"),
    [
        ("gteq", at("2026-01-01T00:00:00Z"), "start", "2026-01-01 00:00:00+00:00"),
        ("gt", at("2026-01-01T00:00:00Z"), "start", "2026-01-01 00:00:00.000001+00:00"),
        ("lt", at("2026-01-01T00:00:00Z"), "end", "2026-01-01 00:00:00+00:00"),
        ("lteq", at("2026-01-01T00:00:00Z"), "end", "2026-01-01 00:00:00.000001+00:00"),
        ("gteq", day("2026-01-01"), "first_day", "2026-01-01"),
        ("gt", day("2026-01-01"), "first_day", "2026-01-02"),
        ("lt", day("2026-01-01"), "last_day", "2025-12-31"),
        ("lteq", day("2026-01-01"), "last_day", "2026-01-01"),
    ],
)
def test_ends_of_a_window_are_open_or_closed_as_their_operator_says(
    operator: str, given: Any, field: str, value: str
) -> None:
    assert str(getattr(grant(limit("dateTime", operator, given)), field)) == value


def test_the_later_of_two_starts_counts() -> None:
    found = grant(limit("dateTime", "gteq", day("2026-01-05")), limit("dateTime", "gteq", at("2026-01-01T00:00:00Z")))
    assert (str(found.first_day), found.start) == ("2026-01-05", None)


def test_days_without_a_zone_are_told() -> None:
    batch = come_in(policy(permission=[rule("distribute", limit("dateTime", "lt", day("2027-01-01")))]))
    assert [each.message for each in batch.losses] == ["Its days name no zone and are read in UTC."]


def test_places_in_and_out_are_both_kept() -> None:
    found = grant(limit("spatial", "isAnyOf", ["EU", "urn:iso:3166:GBR"]), limit("spatial", "isNoneOf", ["FR"]))
    assert (found.territories, found.excluded_territories) == (("EU", "GB"), ("FR",))


def test_two_limits_of_place_leave_what_both_hold() -> None:
    found = grant(limit("spatial", "isAnyOf", ["US", "DE"]), limit("spatial", "isAnyOf", ["US-CA", "GB"]))
    assert found.territories == ("US-CA",)


def test_alternatives_become_a_right_each() -> None:
    either = {"or": [limit("spatial", "eq", "DE"), limit("spatial", "eq", "FR")]}
    found = rights(policy(permission=[rule("distribute", either, limit("count", "lteq", 3))]))
    assert [(each.territories, each.max_runs) for each in found] == [(("DE",), 3), (("FR",), 3)]


def test_limits_become_limits() -> None:
    work = {"uid": "film:a", "holdback:workSeconds": 5400}
    own = {"@context": [CONTEXT, {"holdback": "urn:holdback:odrl:"}]}
    limits = [limit("count", "lt", 4), limit("percentage", "lteq", 10), limit("elapsedTime", "lteq", "P30D")]
    (found,) = rights(policy(permission=[rule("distribute", *limits) | {"target": work}]) | own)
    assert (found.max_runs, found.max_excerpt_percent, found.work_seconds, found.window_max_days) == (3, 10, 5400, 30)


def test_media_purposes_and_languages_are_read() -> None:
    found = grant(
        limit("deliveryChannel", "isAnyOf", ["vod.svod", "https://www.youtube.com/"]),
        limit("purpose", "isNoneOf", ["advertising"]),
        limit("language", "isAnyOf", ["de", "es-419"]),
    )
    assert found.media == ("social.youtube", "vod.svod")
    assert found.purposes == ("editorial", "news", "promotion")
    assert found.languages == ("de", "es-419")


@pytest.mark.parametrize("word", ["any", "all", "Any", "mul", "holdback:language:audio:any"])
@pytest.mark.parametrize("kind", ["permission", "prohibition"])
def test_a_word_for_every_language_is_not_taken_for_a_language(word: str, kind: str) -> None:
    shape = policy(**{kind: [rule("distribute", limit("language", "eq", word))]})
    assert "names no language" in mistake(shape)
    assert "Leave the language out" in come_in(shape).mistakes[0].hint


def test_a_medium_taken_out_leaves_the_widest_others() -> None:
    found = grant(limit("media", "neq", "vod.svod"))
    assert "vod.avod" in found.media
    assert "linear" in found.media
    assert not {"vod", "vod.svod", "all"} & set(found.media)


def test_an_event_with_a_delay_opens_the_window() -> None:
    event = limit("event", "gt", {"@id": "http://example.com/events#Theatrical"})
    found = grant(event, limit("delayPeriod", "eq", "P90D"))
    assert found.start_event is not None
    assert found.start_event.text() == "theatrical P90D"


def test_duties_become_conditions() -> None:
    credit = {"action": "attribute", "attributedParty": {"uid": "urn:x", "foaf:name": "Blender Foundation"}}
    amount = limit(
        "payAmount", "eq", {"@value": "5.00", "@type": "xsd:decimal"}, unit="http://dbpedia.org/resource/Euro"
    )
    pay = {"action": {"rdf:value": {"@id": "odrl:compensate"}, "refinement": amount}}
    found = grant(duty=[credit, pay])
    assert {(each.type, each.text) for each in found.conditions} == {
        ("credit", "Blender Foundation"),
        ("approval", "Duty: compensate (payAmount eq 5.00 http://dbpedia.org/resource/Euro)"),
    }


def test_a_licensor_that_ensures_exclusivity_grants_exclusively() -> None:
    assert grant(duty=[{"action": "ensureExclusivity", "assignee": "urn:licensor"}]).exclusive
    assert not grant(duty=[{"action": "ensureExclusivity", "assignee": "urn:us"}]).exclusive


def test_a_prohibition_is_a_blackout() -> None:
    given = policy(prohibition=[rule("display", limit("spatial", "eq", "US"))])
    (found,) = rights(given)
    assert (found.kind, found.territories, found.start, found.purposes) == ("blackout", ("US",), None, ())


@pytest.mark.parametrize("kind", ["Set", "Offer"])
def test_a_reservation_of_training_stands_without_an_agreement(kind: str) -> None:
    mine = {"@context": [CONTEXT, {"tdm": "http://www.w3.org/ns/tdmrep#"}], "profile": "http://www.w3.org/ns/tdmrep"}
    batch = come_in(policy(kind, prohibition=[rule("tdm:mine")]) | mine)
    (found,) = batch.rights
    assert (found.terms.kind, found.terms.purposes) == ("blackout", ("training",))
    assert {each.key: each.terms.status for each in batch.contracts}[found.contract] == "active"


def test_other_prohibitions_of_an_offer_are_told_to_bind_only_once_agreed() -> None:
    batch = come_in(policy("Offer", prohibition=[rule("display")]))
    assert [each.message for each in batch.losses] == ["A prohibition of an Offer binds once it is agreed."]


def test_what_a_prohibition_cannot_hold_makes_it_stricter_and_is_told() -> None:
    batch = come_in(
        policy(prohibition=[rule("display", limit("industry", "eq", "gambling"), limit("spatial", "eq", "DE"))])
    )
    assert batch.rights[0].terms.territories == ("DE",)
    assert batch.losses[0].message == "industry eq gambling is not kept: the prohibition stands more widely."


def test_a_prohibition_to_modify_takes_the_edit_from_what_the_policy_grants() -> None:
    batch = come_in(policy(permission=[rule("use")], prohibition=[rule("modify")], conflict="prohibit"))
    assert [each.terms.derivative_allowed for each in batch.rights] == [False]


def test_members_of_a_collection_get_the_right() -> None:
    shape = policy(permission=[rule() | {"target": "http://example.com/series"}])
    members = [{"uid": f"film:{name}", "partOf": "http://example.com/series"} for name in "ba"]
    found = rights({"@context": CONTEXT, "@graph": [shape, *members]})
    assert [each.ref for each in found] == ["film:a", "film:b"]


def test_rules_are_inherited() -> None:
    parent = policy("Offer", permission=[rule()]) | {"uid": "urn:p:parent"}
    child = {"@type": "Agreement", "uid": "urn:p:child", "inheritFrom": "urn:p:parent", "conflict": "prohibit"}
    child |= {
        "prohibition": [rule("display", limit("spatial", "eq", "DE"), assigner="urn:licensor", assignee="urn:us")]
    }
    batch = read(json.dumps([parent, child | {"@context": CONTEXT}]).encode(), "p.json")
    found = [each.terms.kind for each in batch.rights if each.contract == "odrl:urn:p:child"]
    assert sorted(found) == ["blackout", "grant"]


def test_turtle_says_the_same_as_json() -> None:
    turtle = b"""
    @prefix odrl: <http://www.w3.org/ns/odrl/2/> .
    <http://example.com/policy:1> a odrl:Agreement ; odrl:assigner <urn:licensor> ; odrl:assignee <urn:us> ;
        odrl:permission [ odrl:target <film:a> ; odrl:action odrl:distribute ; odrl:constraint [
            odrl:leftOperand odrl:spatial ; odrl:operator odrl:eq ; odrl:rightOperand "DE" ] ] .
    """
    batch = read(turtle, "policy.ttl")
    assert batch.format == "odrl_turtle"
    assert batch.rights == come_in(policy(permission=[rule("distribute", limit("spatial", "eq", "DE"))])).rights


# --- what would give more, or cannot be meant ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "constraint",
    [
        limit("industry", "eq", "education"),
        limit("spatial", "eq", "Mordor"),
        limit("spatial", "gt", "DE"),
        limit("purpose", "eq", "education"),
        limit("purpose", "eq", ["news", "editorial"]),
        limit("media", "eq", "papyrus"),
        limit("virtualLocation", "eq", "https://www.youtube.com/@one-channel"),
        limit("count", "gteq", 3),
        limit("count", "lteq", 2.5) | {"operator": "isA"},
        limit("count", "lteq", 3, status="1"),
        limit("elapsedTime", "lteq", "PT12H"),
        limit("dateTime", "lt", "soon"),
        limit("meteredTime", "lteq", "PT30S"),
        limit("event", "lt", {"@id": "odrl:policyUsage"}),
        limit("delayPeriod", "eq", "P3D"),
        {"leftOperand": "spatial", "operator": "eq", "rightOperandReference": "http://example.com/places"},
        {"xone": [limit("spatial", "eq", "DE"), limit("spatial", "eq", "FR")]},
        {"andSequence": {"@list": [limit("spatial", "eq", "DE"), limit("count", "lteq", 1)]}},
    ],
)
def test_a_permission_is_refused_where_leaving_a_limit_out_would_give_more(constraint: Any) -> None:
    told = mistake(policy(permission=[rule("distribute", constraint)]))
    assert told.startswith("policy http://example.com/policy:1 / permission distribute of film:a: No right can say")


@pytest.mark.parametrize(
    ("shape", "told"),
    [
        (policy(permission=[rule("distribute", constrain=[])]) | {"permission": [rule() | {"constrain": "x"}]},
         "'constrain' has no meaning here"),
        (policy(permission=[rule("displlay")]), "'displlay' is not an action of ODRL 2.2"),
        (policy(permission=[rule("use", limit("where", "eq", "DE"))]), "leftOperand is 'where'"),
        (policy(permission=[rule("use", limit("spatial", "is", "DE"))]), "operator is 'is'"),
        (policy(permission=[rule("use", {"leftOperand": "spatial", "operator": "eq"})]), "lacks its operator or"),
        (policy(permission=[rule("use", {})]), "neither one comparison nor one of"),
        (policy(permission=[rule()], conflict="maybe"), "conflict is 'maybe'"),
        (policy(permission=[rule()], constraint=[limit("spatial", "eq", "DE")]), "'constraint' has no meaning here"),
        (policy(permission=[rule()], target="film:b"), "The rule and its policy both give target"),
        (policy(permission=[rule()], profile="http://example.com/profile"), "The profile http://example.com/profile"),
        (policy(permission=[rule() | {"action": []}]), "The permission has no action"),
        (policy(permission=[{"action": "use"}]), "The rule has no target"),
        (policy(permission=[rule() | {"target": "http://example.com/a"}]), "is not an element reference of Holdback"),
        (policy(permission=[]), "The policy has no rule"),
        (policy(permission=["http://example.com/rule:1"], target="film:a", action="use"), "is only named here"),
        (policy(permission=[rule("use", "http://example.com/constraint:1")]), "neither one comparison nor one of"),
        (policy(permission=[rule(duty=["http://example.com/duty:1"])]), "The duty has 0 actions"),
        (policy(permission=[rule(obligation=[{"action": "inform"}])]), "'obligation' has no meaning here"),
        (policy(permission=[rule()], uid="policy-1"), "The policy has no uid of its own"),
        (policy("Request", permission=[rule()]), "type Request"),
        (policy(permission=[rule()], assigner=[]), "A rule of the Agreement has no assigner"),
        (policy(permission=[rule(), rule(assignee="urn:them")]) | {"assignee": NOTHING}, "has no assignee"),
        (policy(permission=[rule(duty=[{"action": "attribute"}])]), "does not say to whom"),
        (policy(permission=[rule("use", limit("percentage", "lteq", 10))]), "gives one of max_excerpt_percent"),
        (policy(permission=[rule("use", limit("dateTime", "gteq", at("2027-01-01T00:00:00Z")),
                                 limit("dateTime", "lt", at("2026-01-01T00:00:00Z")))]), "ends before it starts"),
        (policy(permission=[rule("use", limit("spatial", "eq", "DE"), limit("spatial", "eq", "FR"))]),
         "nothing is left of its places"),
        (policy(permission=[rule("use")], prohibition=[rule("display")]), "It permits and prohibits film:a at once"),
        (policy(permission=[rule()], inheritFrom="urn:p:parent"), "inherits from urn:p:parent, which is not in"),
        (policy(permission=[rule()], inheritFrom="http://example.com/policy:1"), "inherit in a circle"),
        ([policy(permission=[rule()]), {"@context": CONTEXT, "@type": "Prohibition", "uid": "urn:r:1", **rule()}],
         "This prohibition belongs to no policy"),
        (policy(permission=[rule() | {"target": {"uid": "film:a", "partOf": {"uid": "urn:c", "partOf": "film:a"}}}]),
         "is part of itself by partOf"),
        (policy(permission=[rule() | {"target": {"uid": "film:a", "refinement": [limit("resolution", "gt", 1)]}}]),
         "No right can say 'resolution gt 1'"),
    ],
)  # fmt: skip
def test_a_slip_is_told_with_its_place_and_its_cure(shape: Any, told: str) -> None:
    batch = come_in(shape)
    assert any(told in each.message and each.place and each.hint for each in batch.mistakes), batch.mistakes


def test_parts_that_never_meet_need_no_conflict_strategy() -> None:
    here, there = limit("spatial", "eq", "DE"), limit("spatial", "eq", "US")
    found = rights(policy(permission=[rule("use", here)], prohibition=[rule("use", there)]))
    assert sorted(each.kind for each in found) == ["blackout", "grant"]


# --- files that are not policies, or would reach out --------------------------------------------------------------


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> NoReturn:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.mark.parametrize(
    "context",
    [
        "https://example.com/context.jsonld",
        [CONTEXT, "https://example.com/context.jsonld"],
        {"@import": "https://example.com/context.jsonld"},
        {"permission": {"@id": "odrl:permission", "@context": "https://example.com/context.jsonld"}},
        "file:///etc/passwd",
        "context.jsonld",
    ],
)
@pytest.mark.usefixtures("no_network")
def test_a_context_from_elsewhere_is_refused_by_name_and_never_fetched(context: Any) -> None:
    message = refusal(json.dumps(policy(permission=[rule()]) | {"@context": context}).encode())
    assert "nothing is fetched" in message
    assert "context.jsonld" in message or "passwd" in message


@pytest.mark.usefixtures("no_network")
def test_reading_a_policy_opens_no_socket() -> None:
    nested = policy(permission=[rule() | {"@context": CONTEXT}], profile="https://iptc.org/std/RightsML/odrl-profile/")
    assert come_in(nested).mistakes == ()
    assert odrl_policies(json.dumps(nested).encode(), "p.json")


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b'{"@context": ', "is not JSON: Expecting value in line 1"),
        (b'{"permission": 1,\n"permission": 2}', "'permission' stands twice"),
        (b"\xff\xfe{}", "is not UTF-8 at byte 0"),
        (b'{"count": ' + b"9" * 5000 + b"}", "a number that is too long"),
        (b"{}", "holds no ODRL policy"),
        (b'{"@context": null}', "has an empty @context"),
        (b'{"@context": {"duty": null}}', "takes the meaning from the term 'duty'"),
        (b'{"a":' * 100 + b"1" + b"}" * 100, "nested more than"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "nested more than"),
    ],
)
def test_a_file_that_is_no_policy_is_refused_with_the_reason(data: bytes, told: str) -> None:
    assert told in refusal(data)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"@prefix odrl: <x> .\n\n<a> odrl:b ; ; <c", "in line 3"),
        (b"<a> <b> " + b"[ <c> " * 3000 + b"1" + b"]" * 3000 + b".", "nested"),
        (b"", "holds no ODRL policy"),
    ],
)
def test_broken_turtle_is_refused_with_its_line(data: bytes, told: str) -> None:
    assert told in refusal(data, "policy.ttl")


def test_a_zone_that_does_not_exist_is_told() -> None:
    zone = {"@context": [CONTEXT, {"holdback": "urn:holdback:odrl:"}], "holdback:timeZone": "Mars/Phobos"}
    given = policy(permission=[rule("use", limit("dateTime", "lt", at("2027-01-01T00:00:00")))]) | zone
    assert "'Mars/Phobos' is not an IANA zone" in mistake(given)


def test_too_much_is_refused() -> None:
    assert "bytes" in refusal(b"{" + b" " * 8_000_001 + b"}")
    many = {"or": [limit("spatial", "eq", "DE"), limit("count", "lteq", 1)]}
    with pytest.raises(Problem) as caught:
        come_in(policy(permission=[rule("use", *[many | {"uid": f"urn:c:{each}"} for each in range(12)])]))
    assert caught.value.code == "TOO_LARGE"


def test_logical_constraints_in_a_circle_are_told() -> None:
    turtle = b"""
    @prefix odrl: <http://www.w3.org/ns/odrl/2/> .
    <urn:p:1> a odrl:Agreement ; odrl:assigner <urn:a> ; odrl:assignee <urn:b> ; odrl:permission [
        odrl:target <film:a> ; odrl:action odrl:use ; odrl:constraint <urn:c:1> ] .
    <urn:c:1> odrl:or <urn:c:2> . <urn:c:2> odrl:and <urn:c:1> .
    """
    batch = read(turtle, "policy.ttl")
    assert "nested in a circle" in batch.mistakes[0].message


def test_the_evaluators_door_tells_all_mistakes_at_once() -> None:
    given = policy(permission=[rule("displlay"), rule("use", limit("where", "eq", "DE"))])
    with pytest.raises(Problem) as caught:
        odrl_policies(json.dumps(given).encode(), "p.json")
    assert len(caught.value.details["mistakes"]) == 2
