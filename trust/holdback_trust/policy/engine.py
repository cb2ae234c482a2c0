"""Cedar, through cedarpy, as far as policy needs it: texts parsed, checked against a schema, asked. Imported when first
used, for it takes longer to load than a stdio server to answer."""

import json
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import Any, NamedTuple, cast

PolicySet = Any
Entities = Any
Schema = Any
"""Cedar's own parsed forms; nothing is done with them but to hand them back."""


class Answer(NamedTuple):
    """What Cedar says: whether it is allowed, the `@id` of each policy that decided it, and what could not be
    evaluated. An answer with errors allows nothing, whatever `allowed` says: a policy that errors is passed over."""

    allowed: bool
    spoke: tuple[str, ...]
    errors: tuple[str, ...]


Shape = Mapping[str, Any]
"""A policy as Cedar's JSON has it: `effect`, `principal`, `action`, `resource`, `conditions` and `annotations`. Cedar
reads none back that is nested more than 128 deep."""


class Told(NamedTuple):
    """One policy of a text: its `@id` or its place there, what it is annotated with, whether it has slots, and all that
    it says."""

    name: str
    notes: Mapping[str, str]
    template: bool
    shape: Shape


@cache
def _cedar() -> Any:
    return cast(Any, import_module("cedarpy"))


def gather_policies(named: Mapping[str, Told]) -> PolicySet:
    """A set of such policies and templates, by names for the set alone. Raises ValueError."""
    shape: dict[str, Any] = {
        "staticPolicies": {name: each.shape for name, each in named.items() if not each.template},
        "templates": {name: each.shape for name, each in named.items() if each.template},
        "templateLinks": [],
    }
    return _cedar().PolicySet.from_json_str(json.dumps(shape))


def with_link(policies: PolicySet, template: str, principal: Mapping[str, str]) -> PolicySet:
    """A new set: those and the template of that name with its slot filled. Raises ValueError."""
    return policies.with_linked(template, f"{template}-linked", {"?principal": principal})


def parse_schema(text: str) -> Schema:
    """A schema. Raises ValueError."""
    return _cedar().Schema.from_str(text)


def parse_entities(text: str, schema: Schema | None = None) -> Entities:
    """Entities from Cedar's JSON, checked against a schema where one is given. Raises ValueError."""
    return _cedar().Entities.from_json_str(text, schema)


def with_entities(known: Entities, text: str) -> Entities:
    """New entities: those and the ones of the text; nothing of those is parsed again. Raises ValueError."""
    return known.with_added_json_str(text)


def mistakes(text: str, schema: Schema) -> list[tuple[str, str]]:
    """What is wrong with policies: by the parser's name (`policy0`, by place; nothing for the whole text)."""
    return [(each.policy_id, each.error) for each in _cedar().validate_policies(text, schema).errors]


def ask(request: Mapping[str, Any], policies: PolicySet, entities: Entities) -> Answer:
    """Evaluate a request; its context is JSON, which its writer makes at a fraction of what cedarpy takes for it."""
    (answer,) = _cedar().is_authorized_batch([request], policies, entities)
    said = answer.diagnostics
    return Answer(answer.allowed, tuple(said.id_annotations_by_reason.values()), tuple(said.errors))


def told(text: str) -> list[Told]:
    """The policies of a text in its order. Raises ValueError."""
    try:
        shapes: dict[str, dict[str, dict[str, Any]]] = json.loads(_cedar().policies_to_json_str(text))
    except RecursionError:
        raise ValueError("the policy is nested too deeply") from None
    every = [(name, shape, False) for name, shape in shapes["staticPolicies"].items()]
    every += [(name, shape, True) for name, shape in shapes["templates"].items()]
    every.sort(key=lambda each: int(each[0].removeprefix("policy")))
    return [Told(_notes(shape).get("id", name), _notes(shape), template, shape) for name, shape, template in every]


def _notes(shape: Mapping[str, Any]) -> dict[str, str]:
    return {name: value or "" for name, value in shape.get("annotations", {}).items()}
