"""May this party do that, in this world? Cases after the ODRL Information Model 2.2 (its sections and examples), the
W3C evaluation tests, and the ODRL Test Suite of SolidLab (policies read, use, party and asset collections, duties)."""

import json
from typing import Any

import pytest
from holdback_base.problem import Problem
from holdback_servers.rights.interchange.odrl import odrl_policies
from holdback_servers.rights.interchange.odrl_comparing import State
from holdback_servers.rights.interchange.odrl_evaluating import Evaluation, Request, evaluate
from holdback_servers.rights.interchange.odrl_model import Operand, Policy, with_inherited

ALICE, BOB, X, Y = "http://example.org/alice", "http://example.org/bob", "http://example.org/x", "http://example.org/y"
CONTEXT = "http://www.w3.org/ns/odrl.jsonld"
NOON = "2024-02-12T11:20:10.999Z"


def limit(left: str, operator: str, right: Any, **more: Any) -> dict[str, Any]:
    return {"leftOperand": left, "operator": operator, "rightOperand": right, **more}


def at(text: str) -> dict[str, str]:
    return {"@value": text, "@type": "xsd:dateTime"}


def policies(*shapes: dict[str, Any]) -> tuple[Policy, ...]:
    base = {"@type": "Set"}
    graph = [base | {"uid": f"urn:p:{number}"} | shape for number, shape in enumerate(shapes, 1)]
    return odrl_policies(json.dumps({"@context": CONTEXT, "@graph": graph}).encode(), "p.json")


def world(**values: str | list[str]) -> State:
    given = {name: [value] if isinstance(value, str) else value for name, value in values.items()}
    return State(values={name: tuple(Operand(value=each) for each in value) for name, value in given.items()})


def ask(
    found: tuple[Policy, ...],
    action: str = "read",
    target: str = X,
    who: str | None = ALICE,
    state: State | None = None,
) -> Evaluation:
    return evaluate(found, Request(action=action, target=target, assignee=who), state or world(dateTime=NOON))


def verdict(*constraints: Any, state: State | None = None, action: str = "read") -> str:
    shape = {"permission": [{"target": X, "action": "use", "constraint": list(constraints)}]}
    return ask(policies(shape), action, state=state).verdict


def test_nothing_is_permitted_where_nothing_is_said() -> None:
    found = policies({"permission": [{"target": Y, "action": "read"}]})
    assert ask(found).verdict == "not_permitted"
    assert ask(()).verdict == "not_permitted"


@pytest.mark.parametrize(
    ("named", "asked", "permitted"),
    [
        ("use", "read", True),
        ("use", "display", True),
        ("play", "display", True),
        ("display", "play", False),
        ("use", "sell", False),
        ("transfer", "sell", True),
        ("reproduce", "extract", True),
        ("read", "modify", False),
        ("modify", "write", True),
        ("copy", "reproduce", True),
        ("cc:CommercialUse", "commercialize", True),
        ("use", "tdm:mine", True),
    ],
)
def test_an_action_permits_what_is_included_in_it(named: str, asked: str, permitted: bool) -> None:
    found = policies({"permission": [{"target": X, "action": named}]})
    assert ask(found, asked).verdict == ("permitted" if permitted else "not_permitted")


@pytest.mark.parametrize(("named", "asked"), [("use", "display"), ("display", "play"), ("play", "use")])
def test_a_prohibition_stands_against_narrower_and_wider_actions(named: str, asked: str) -> None:
    found = policies(
        {
            "permission": [{"target": X, "action": "use"}],
            "conflict": "prohibit",
            "prohibition": [{"target": X, "action": named}],
        }
    )
    assert ask(found, asked).verdict == "prohibited"


def test_only_the_assignee_gets_it() -> None:
    found = policies({"permission": [{"target": X, "action": "use", "assignee": ALICE}]})
    assert ask(found).verdict == "permitted"
    assert ask(found, who=BOB).verdict == "not_permitted"
    assert ask(found, who=None).verdict == "not_permitted"


def test_collections_reach_their_members() -> None:
    friends, shelf = "http://example.org/friends", "http://example.org/shelf"
    found = policies(
        {"permission": [{"target": {"@type": "AssetCollection", "uid": shelf}, "action": "read",
                         "assignee": {"@type": "PartyCollection", "uid": friends}}]},
    )  # fmt: skip
    member = State(part_of={ALICE: frozenset({friends}), X: frozenset({shelf})})
    assert ask(found, state=member).verdict == "permitted"
    assert ask(found, who=BOB, state=member).verdict == "not_permitted"
    assert ask(found, target=Y, state=member).verdict == "not_permitted"


def test_assets_that_the_file_puts_in_a_collection_are_reached() -> None:
    rule = {"target": "urn:c:1", "action": "read"}
    shape = {
        "@context": CONTEXT,
        "@graph": [{"@type": "Set", "uid": "urn:p:1", "permission": [rule]}, {"uid": X, "partOf": "urn:c:1"}],
    }
    assert ask(odrl_policies(json.dumps(shape).encode(), "p.json")).verdict == "permitted"


@pytest.mark.parametrize(
    ("operator", "past", "now", "future"),
    [
        ("eq", False, True, False),
        ("neq", True, False, True),
        ("lt", True, False, False),
        ("lteq", True, True, False),
        ("gt", False, False, True),
        ("gteq", False, True, True),
    ],
)
def test_moments_are_compared(operator: str, past: bool, now: bool, future: bool) -> None:
    for moment, permitted in (("2017-02-12T11:20:10Z", past), (NOON, now), ("2025-02-12T12:20:10.999+01:00", future)):
        found = verdict(limit("dateTime", operator, at(NOON)), state=world(dateTime=moment))
        assert (found == "permitted") == permitted, moment


def test_days_hold_all_of_themselves() -> None:
    until = limit("dateTime", "lteq", {"@value": "2024-02-12", "@type": "xsd:date"})
    assert verdict(until, state=world(dateTime="2024-02-12T23:59:59Z")) == "permitted"
    assert verdict(until, state=world(dateTime="2024-02-13T00:00:00Z")) == "not_permitted"


@pytest.mark.parametrize(
    ("operator", "right", "given", "holds"),
    [
        ("eq", "DE", "DE", True),
        ("eq", "DE", "DE-BY", True),
        ("eq", "DE-BY", "DE", False),
        ("isAnyOf", ["FR", "http://cvx.iptc.org/iso3166-1a3/DEU"], "DE", True),
        ("isNoneOf", ["FR", "DE"], "DE", False),
        ("isNoneOf", ["FR"], "DE", True),
        ("isPartOf", "EU", "DE", True),
        ("isPartOf", "EU", "GB", False),
        ("neq", "DE", "FR", True),
        ("eq", "Mordor", "DE", False),
    ],
)
def test_places_are_compared(operator: str, right: Any, given: str, holds: bool) -> None:
    found = verdict(limit("spatial", operator, right), state=world(spatial=given, dateTime=NOON))
    assert (found == "permitted") == holds


def test_groups_of_places_mean_their_members_on_the_day() -> None:
    within = limit("spatial", "isPartOf", "EU")
    assert verdict(within, state=world(spatial="GB", dateTime="2019-06-01T00:00:00Z")) == "permitted"
    assert verdict(within, state=world(spatial="GB", dateTime="2021-06-01T00:00:00Z")) == "not_permitted"
    assert verdict(within, state=world(spatial="GB")) == "not_permitted"


@pytest.mark.parametrize(
    ("constraint", "values", "holds"),
    [
        (limit("count", "lteq", 3), {"count": "3"}, True),
        (limit("count", "lt", 3), {"count": "3"}, False),
        (limit("count", "lteq", 3, status="4"), {}, False),
        (limit("elapsedTime", "lteq", "P1D"), {"elapsedTime": "PT24H"}, True),
        (limit("elapsedTime", "lteq", "P1D"), {"elapsedTime": "PT25H"}, False),
        (limit("elapsedTime", "lteq", "P1M"), {"elapsedTime": "PT1H"}, False),
        (limit("percentage", "lteq", 10), {"percentage": "9.5"}, True),
        (limit("purpose", "isAnyOf", ["news", "urn:holdback:odrl:purpose:editorial"]), {"purpose": "editorial"}, True),
        (limit("purpose", "gt", "a"), {"purpose": "b"}, False),
        (limit("language", "isAllOf", ["de", "fr"]), {"language": ["fr", "de", "it"]}, True),
        (limit("language", "isAllOf", ["de", "fr"]), {"language": ["de"]}, False),
        (limit("media", "isPartOf", "vod"), {"media": "vod.svod"}, True),
        (limit("media", "hasPart", "vod.svod"), {"media": "vod"}, True),
        (limit("media", "isA", "vod"), {"media": "vod.svod"}, False),
        (limit("payAmount", "eq", 5, unit="http://dbpedia.org/resource/Euro"), {"payAmount": "5"}, False),
    ],
)  # fmt: skip
def test_other_operands_are_compared_where_they_can_be(constraint: Any, values: Any, holds: bool) -> None:
    assert (verdict(constraint, state=world(**values)) == "permitted") == holds


def test_what_the_world_does_not_say_never_permits() -> None:
    assert verdict(limit("spatial", "neq", "DE"), state=world()) == "not_permitted"
    found = policies(
        {
            "permission": [{"target": X, "action": "use"}],
            "conflict": "prohibit",
            "prohibition": [{"target": X, "action": "use", "constraint": limit("spatial", "eq", "DE")}],
        }
    )
    assert ask(found, state=world()).verdict == "prohibited"
    assert ask(found, state=world(spatial="FR")).verdict == "permitted"


def test_content_at_an_address_is_never_known() -> None:
    elsewhere = {"leftOperand": "spatial", "operator": "eq", "rightOperandReference": "http://example.org/places"}
    assert verdict(elsewhere, state=world(spatial="DE")) == "not_permitted"


YES, NO, OPEN = limit("spatial", "eq", "DE"), limit("spatial", "eq", "FR"), limit("industry", "eq", "news")


@pytest.mark.parametrize(
    ("logic", "parts", "holds"),
    [
        ("and", [YES, YES], True),
        ("and", [YES, NO], False),
        ("and", [YES, OPEN], False),
        ("or", [NO, YES], True),
        ("or", [OPEN, YES], True),
        ("or", [OPEN, NO], False),
        ("xone", [YES, NO], True),
        ("xone", [YES, limit("spatial", "neq", "FR")], False),
        ("xone", [YES, OPEN], False),
        ("andSequence", [YES, limit("spatial", "neq", "FR")], False),
    ],
)
def test_constraints_are_joined(logic: str, parts: list[Any], holds: bool) -> None:
    assert (verdict({logic: {"@list": parts}}, state=world(spatial="DE")) == "permitted") == holds


def test_a_sequence_holds_for_whoever_saw_it_in_order() -> None:
    sequence = {"uid": "urn:c:1", "andSequence": {"@list": [YES, limit("spatial", "neq", "FR")]}}
    seen = world(spatial="DE").model_copy(update={"in_order": frozenset({"urn:c:1"})})
    assert verdict(sequence, state=seen) == "permitted"


def test_a_refined_action_is_permitted_only_so() -> None:
    refined = {"rdf:value": {"@id": "odrl:print"}, "refinement": limit("resolution", "lteq", 1200)}
    found = policies({"permission": [{"target": X, "action": [refined]}]})
    assert ask(found, "print", state=world(resolution="600")).verdict == "permitted"
    assert ask(found, "print", state=world(resolution="2400")).verdict == "not_permitted"
    assert ask(found, "print").verdict == "not_permitted"


DUTY = {"uid": "urn:d:1", "action": "compensate", "consequence": [{"uid": "urn:d:2", "action": "inform"}]}


def test_a_duty_comes_first_and_is_told() -> None:
    found = policies({"permission": [{"target": X, "action": "read", "duty": [DUTY]}]})
    waiting = ask(found)
    assert (waiting.verdict, waiting.to_do) == ("not_permitted", ("urn:d:1: compensate",))
    assert ask(found, state=State(fulfilled=frozenset({"urn:d:1"}))).verdict == "permitted"


def test_a_duty_may_follow_where_the_world_says_so_until_it_is_violated() -> None:
    found = policies({"permission": [{"target": X, "action": "read", "duty": [DUTY]}]})
    assert ask(found, state=State(duties_may_follow=True)).verdict == "permitted"
    violated = State(duties_may_follow=True, violated=frozenset({"urn:d:1"}))
    assert ask(found, state=violated).verdict == "not_permitted"


def test_a_violated_duty_is_mended_by_its_consequence_as_well() -> None:
    found = policies({"permission": [{"target": X, "action": "read", "duty": [DUTY]}]})
    late = State(violated=frozenset({"urn:d:1"}), fulfilled=frozenset({"urn:d:1"}))
    assert ask(found, state=late).verdict == "not_permitted"
    mended = late.model_copy(update={"fulfilled": frozenset({"urn:d:1", "urn:d:2"})})
    assert ask(found, state=mended).verdict == "permitted"


@pytest.mark.parametrize(
    ("conflict", "wanted"),
    [("perm", "permitted"), ("prohibit", "prohibited"), ("invalid", "not_permitted"), (None, "not_permitted")],
)
def test_the_conflict_strategy_decides_within_a_policy(conflict: str | None, wanted: str) -> None:
    shape = {"permission": [{"target": X, "action": "use"}], "prohibition": [{"target": X, "action": "read"}]}
    found = ask(policies(shape | ({"conflict": conflict} if conflict else {})))
    assert found.verdict == wanted
    assert ("void" in found.reason) == (wanted == "not_permitted")


def test_between_policies_a_prohibition_stands() -> None:
    found = policies(
        {"permission": [{"target": X, "action": "use"}]}, {"prohibition": [{"target": X, "action": "read"}]}
    )
    assert ask(found).verdict == "prohibited"
    assert "urn:p:2" in ask(found).reason


def test_an_offer_is_not_agreed() -> None:
    offer = {"@type": "Offer", "assigner": BOB, "permission": [{"target": X, "action": "use"}]}
    found = ask(policies(offer))
    assert found.verdict == "not_permitted"
    assert "offered, not agreed" in found.findings[0].reason


def test_a_profile_that_nobody_knows_gives_nothing() -> None:
    found = ask(policies({"profile": "http://example.org/profile", "permission": [{"target": X, "action": "use"}]}))
    assert found.verdict == "not_permitted"


def test_rules_of_a_parent_count_for_its_child() -> None:
    parent = {"@type": "Offer", "assigner": BOB, "permission": [{"target": X, "action": "use", "assignee": ALICE}]}
    child = {
        "@type": "Agreement",
        "inheritFrom": "urn:p:1",
        "conflict": "prohibit",
        "prohibition": [{"target": X, "action": "print", "assigner": BOB, "assignee": ALICE}],
    }
    found = policies(parent, child)
    assert ask(found).verdict == "permitted"
    assert ask(found, "print").verdict == "prohibited"


def test_inheritance_in_a_circle_is_refused() -> None:
    circle = tuple(
        Policy(uid=uid, type="Set", inherits=(other,)) for uid, other in (("urn:1", "urn:2"), ("urn:2", "urn:1"))
    )
    with pytest.raises(Problem, match="in a circle: urn:1 -> urn:2 -> urn:1"):
        with_inherited(circle)


def test_obligations_are_told_and_do_not_decide() -> None:
    shape = {
        "permission": [{"target": X, "action": "read"}],
        "obligation": [{"uid": "urn:o:1", "target": X, "action": "delete"}],
    }
    found = ask(policies(shape))
    assert found.verdict == "permitted"
    assert [each.to_do for each in found.findings if each.kind == "obligation"] == [()]
    bound = ask(policies(shape), "delete")
    assert [each.to_do for each in bound.findings if each.kind == "obligation"] == [("delete",)]


def test_every_rule_says_why() -> None:
    shape = {
        "permission": [
            {"uid": "urn:r:1", "target": X, "action": "read", "constraint": YES},
            {"uid": "urn:r:2", "target": Y, "action": "read"},
        ]
    }
    reasons = [each.reason for each in ask(policies(shape), state=world(spatial="FR")).findings]
    assert reasons == [
        "permission urn:r:1 of policy urn:p:1 does not apply: spatial eq DE does not hold.",
        "permission urn:r:2 of policy urn:p:1 is about something else.",
    ]
