"""ODRL against the engine on small worlds, and out and in again without a change."""

import json
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from random import Random  # noqa: TID251 - worlds are made from a seed
from typing import Any, Literal

from holdback_base.elements import CutFacts, Element, ElementList
from holdback_base.vocabulary import Rate, Span, instant_text
from holdback_servers.rights.book import Book, entry
from holdback_servers.rights.clearance import ask, decide
from holdback_servers.rights.interchange.batch import Batch
from holdback_servers.rights.interchange.odrl import odrl_policies, read
from holdback_servers.rights.interchange.odrl_comparing import State
from holdback_servers.rights.interchange.odrl_evaluating import Request, evaluate
from holdback_servers.rights.interchange.odrl_model import Operand
from holdback_servers.rights.interchange.odrl_writing import write
from holdback_servers.rights.model import (
    Contract,
    ContractTerms,
    Right,
    RightTerms,
    contract_on_record,
    right_on_record,
    terms_of,
)
from hypothesis import given
from hypothesis import strategies as st

DAY_ZERO = datetime(2026, 3, 1, tzinfo=UTC)
PLACES = ["DE", "GB", "US", "US-CA"]
NAMED = {"DE": "http://cvx.iptc.org/iso3166-1a3/DEU", "UKI": "urn:holdback:odrl:territory:UKI", "US": "US", "GB": "GB"}
FORMS: list[Literal["jsonld", "turtle"]] = ["jsonld", "turtle"]
PURPOSES = ["editorial", "news", "promotion", "advertising"]
worlds = st.randoms(use_true_random=True)


def day(number: int) -> datetime:
    return DAY_ZERO + timedelta(days=number)


def constraint(left: str, operator: str, right: Any) -> dict[str, Any]:
    return {"leftOperand": left, "operator": operator, "rightOperand": right}


def some_moment(chance: Random) -> dict[str, Any]:
    operator = chance.choice(["gteq", "gt", "lt", "lteq", "lt", "gteq", "eq", "neq"])
    if chance.random() < 0.3:
        value = {"@value": day(chance.randint(0, 6)).date().isoformat(), "@type": "xsd:date"}
    else:
        value = {"@value": instant_text(day(chance.randint(0, 6))), "@type": "xsd:dateTime"}
    return constraint("dateTime", operator, value)


def some_constraint(chance: Random, depth: int = 0) -> dict[str, Any]:
    kind = chance.choice(["dateTime", "spatial", "purpose", "logical", "spatial", "dateTime"])
    if kind == "logical" and depth < 2:
        parts = [some_constraint(chance, depth + 1) for _ in range(chance.randint(1, 2))]
        return {chance.choice(["or", "or", "and"]): parts}
    if kind == "spatial":
        operator = chance.choice(["eq", "neq", "isAnyOf", "isNoneOf", "isPartOf"])
        count = 1 if operator in ("eq", "neq") else chance.randint(1, 2)
        return constraint("spatial", operator, [NAMED[each] for each in chance.sample(sorted(NAMED), count)])
    if kind == "purpose":
        operator = chance.choice(["eq", "neq", "isAnyOf", "isNoneOf"])
        count = 1 if operator in ("eq", "neq") else chance.randint(1, 2)
        return constraint("purpose", operator, chance.sample(PURPOSES, count))
    return some_moment(chance)


STRANGE = [
    constraint("industry", "eq", "news"),
    constraint("count", "gteq", 2),
    constraint("spatial", "eq", "Mordor"),
    {"xone": [constraint("spatial", "eq", "DE"), constraint("purpose", "eq", "news")]},
    {"andSequence": {"@list": [constraint("spatial", "eq", "DE"), constraint("purpose", "eq", "news")]}},
]
"""What no right can say."""


def some_rule(chance: Random, action: str, strange: float) -> dict[str, Any]:
    found = [some_constraint(chance) for _ in range(chance.choice([0, 1, 1, 2]))]
    if chance.random() < strange:
        found.append(chance.choice(STRANGE))
    return {"target": "film:a", "action": action, "constraint": found}


def some_agreement(chance: Random, strange: float = 0.0) -> dict[str, Any]:
    return {
        "@context": "http://www.w3.org/ns/odrl.jsonld",
        "@type": "Agreement",
        "uid": "urn:p:1",
        "conflict": "prohibit",
        "assigner": "urn:licensor",
        "assignee": "urn:licensee",
        "permission": [some_rule(chance, "use", strange / 8) for _ in range(chance.randint(1, 2))],
        "prohibition": [
            some_rule(chance, "use", strange) for _ in range(chance.choice([0, 0, 1]) if not strange else 1)
        ],
    }


def book_of(batch: Batch) -> Book:
    contracts = {each.key: contract_on_record(each.key, each.terms) for each in batch.contracts}
    return Book(
        entry(right_on_record(each.key, each.terms, contracts[each.contract]), contracts[each.contract])
        for each in batch.rights
    )


CUT = CutFacts(
    media="sha256:" + "0" * 64,
    element_list=ElementList(
        rate=Rate(num=24),
        frames=24,
        elements=(Element(id="e", kind="programme", ref="film:a", name="a", spans=(Span(in_frame=0, out_frame=24),)),),
    ),
)


def cleared(book: Book, place: str, moment: datetime, purpose: Any) -> bool:
    asked = ask([place], ["linear"], start=moment, end=moment + timedelta(microseconds=1), purpose=purpose)
    return decide(asked, [CUT], {"film:a": book}).clear


@given(worlds)
def test_what_the_evaluator_permits_is_what_the_imported_rights_clear(chance: Random) -> None:
    data = json.dumps(some_agreement(chance)).encode()
    batch = read(data, "policy.jsonld")
    if batch.mistakes:
        assert all("can never apply" in each.message or "No right can say" in each.message for each in batch.mistakes)
        return
    policies, book = odrl_policies(data, "policy.jsonld"), book_of(batch)
    request = Request(action="distribute", target="film:a", assignee="urn:licensee")
    for _ in range(6):
        place, purpose = chance.choice(["DE", "GB", "US-CA", "FR"]), chance.choice(PURPOSES)
        moment = day(chance.randint(-1, 7)) + chance.choice(
            [timedelta(0), timedelta(microseconds=1), timedelta(hours=7)]
        )
        world = {"spatial": place, "purpose": purpose, "dateTime": instant_text(moment)}
        state = State(values={name: (Operand(value=value),) for name, value in world.items()})
        permitted = evaluate(policies, request, state).verdict == "permitted"
        clear = cleared(book, place, moment, purpose)
        stricter = bool(batch.losses) and permitted and not clear  # a prohibition that stands more widely, and is told
        assert permitted == clear or stricter, world


@given(worlds)
def test_what_cannot_be_said_never_makes_a_right_wider(chance: Random) -> None:
    data = json.dumps(some_agreement(chance, strange=0.8)).encode()
    batch = read(data, "policy.jsonld")
    if batch.mistakes:
        return
    policies, book = odrl_policies(data, "policy.jsonld"), book_of(batch)
    request = Request(action="distribute", target="film:a", assignee="urn:licensee")
    for _ in range(6):
        place, purpose = chance.choice(["DE", "GB", "US-CA", "FR"]), chance.choice(PURPOSES)
        moment = day(chance.randint(-1, 7))
        if cleared(book, place, moment, purpose):
            world = {"spatial": place, "purpose": purpose, "dateTime": instant_text(moment)}
            state = State(values={name: (Operand(value=value),) for name, value in world.items()})
            assert evaluate(policies, request, state).verdict == "permitted"


def some_contract(chance: Random, number: int) -> Contract:
    terms = ContractTerms(
        counterparty=chance.choice(["Blender Foundation", "urn:party:7", 'A "B" \\ C\n', "https://example.org/party"]),
        direction=chance.choice(["in", "in", "out"]),
        status=chance.choice(["active", "pending", "draft", "inactive"]),
        title=chance.choice(["", "Deal 7"]),
        note=chance.choice(["", "first line\nsecond"]),
        time_zone=chance.choice(["UTC", "Europe/Berlin", "America/Los_Angeles"]),
    )
    return contract_on_record(f"ctr_{number}", terms)


CONDITIONS: list[dict[str, Any]] = [
    {"type": "approval", "text": "Ask", "approved": ("sha256:" + "a" * 64,)},
    {"type": "blur", "ref": "logo:c"},
    {"type": "credit", "text": "By A", "min_seconds": 2},
    {"type": "disclaimer", "text": "Not for children"},
    {"type": "age_gate"},
    {"type": "geo_block", "text": "keep it in"},
    {"type": "mute"},
    {"type": "replace_music", "ref": "music:b"},
]


def some_terms(chance: Random, contract: Contract) -> RightTerms:
    kinds = ["grant", "grant"] if contract.direction == "in" else ["licence_out"]
    kind = chance.choice([*kinds, "holdback", "blackout", "embargo"])
    fields: dict[str, Any] = {
        "ref": chance.choice(["film:a", "music:b-c", "schema:odd", "third_party:x"]),
        "kind": kind,
        "media": chance.choice([("all",), ("social.youtube", "vod.svod"), ("linear",)]),
        "territories": chance.choice([("WORLD",), ("DE", "US-CA"), ("EU", "XK"), ("GB",)]),
        "excluded_territories": chance.choice([(), ("FR",), ("US-NY", "XK")]),
        "purposes": chance.choice([(), ("training",), ("news", "promotion"), ("editorial", "training")]),
        "languages": chance.choice([(), ("de", "es-419"), ("dub:de", "subtitle:fr")]),
        "element_kinds": chance.choice([(), ("programme",), ("music_master", "music_publishing")]),
        "clause": chance.choice(["", 'Clause 7: "so"\tand\\ so\r\nthere']),
        "licence_type": chance.choice([None, "SVOD"]),
        "source": chance.choice(["", "sheet row 7"]),
        "carried": chance.choice([(), (("b", "2"), ("a b=c", "x=y\n"), ("b", "1"))]),
    }
    start = chance.choice(["start", "first_day", "start_event"] + ([] if kind in ("grant", "licence_out") else [""]))
    fields |= {
        "start": {"start": day(0) + timedelta(microseconds=chance.randint(0, 2))},
        "first_day": {"first_day": date(2026, 3, 1), "groups_on": chance.choice([None, date(2019, 1, 1)])},
        "start_event": {"start_event": {"event": "theatrical", "lag": "P90D"}},
        "": {},
    }[start]
    fields |= chance.choice(
        [{}, {"end": day(3)}, {"last_day": date(2026, 4, 1)}, {"end_event": {"event": "broadcast", "lag": "-P3M"}}]
    )
    if kind in ("grant", "licence_out"):
        fields |= {"derivative_allowed": chance.random() < 0.5, "exclusive": chance.random() < 0.5}
    if kind == "grant":
        fields |= chance.choice([{}, {"max_runs": 3, "reruns": {"repeats": 2, "hours": 48}}, {"max_runs": 0}])
        fields |= chance.choice([{}, {"max_excerpt_percent": 10, "work_seconds": 5400}, {"max_duration_seconds": 30}])
        fields |= chance.choice([{}, {"window_max_days": 30}])
        fields["conditions"] = chance.sample(CONDITIONS, chance.randint(0, 2))
    return RightTerms.model_validate(fields)


def alike(terms: Iterable[RightTerms]) -> list[str]:
    """Terms with what has no order in a fixed one."""
    return sorted(
        each.model_copy(
            update={"conditions": tuple(sorted(each.conditions, key=lambda one: one.model_dump_json()))}
        ).model_dump_json()
        for each in terms
    )


@given(worlds)
def test_rights_that_go_out_come_in_with_the_same_terms(chance: Random) -> None:
    contracts = [some_contract(chance, number) for number in range(2)]
    pairs: list[tuple[Right, Contract]] = []
    for number in range(chance.randint(1, 4)):
        contract = chance.choice(contracts)
        pairs.append((right_on_record(f"rgt_{number}", some_terms(chance, contract), contract), contract))
    before = {contract.id: contract for _, contract in pairs}
    form = chance.choice(FORMS)
    given_out = write(pairs, form)
    assert given_out == write(list(reversed(pairs)), form)
    batch = read(given_out.content.encode(), given_out.file_name)
    assert batch.mistakes == ()
    assert alike(each.terms for each in batch.rights) == alike(terms_of(right) for right, _ in pairs)
    told = {each.key.removeprefix("odrl:urn:holdback:contract:"): each.terms for each in batch.contracts}
    assert told == {key: ContractTerms.model_validate(each.model_dump(exclude={"id", "external_key"}))
                    for key, each in before.items()}  # fmt: skip
