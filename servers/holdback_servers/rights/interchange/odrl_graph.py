"""Bytes of a policy become a graph, offline: JSON-LD or Turtle, with limits, and with no context but our own.

The RDF library would fetch a JSON-LD context from wherever a file says. Here every context that is not the ODRL one,
or written out in the file, is refused by name before the library sees the file.
"""

import json
from typing import TYPE_CHECKING, Any, Final, cast

from holdback_base.problem import Problem

from holdback_servers.rights.interchange.odrl_terms import CONTEXTS, ODRL_CONTEXT, UNKNOWN, context

if TYPE_CHECKING:
    from rdflib import Graph

MOST_BYTES: Final = 8_000_000
MOST_TRIPLES: Final = 300_000
DEEPEST: Final = 60
BASE: Final = "http://file.invalid/"
"""What addresses that are not whole stand under, so that they are told: they would mean something else elsewhere."""


def graph_of(data: bytes, name: str) -> "Graph":
    """The graph that a file holds.

    Raises Problem INVALID_ARGUMENT for a file that is neither JSON-LD nor Turtle, names a context from elsewhere, or is
    nested too deep; TOO_LARGE beyond the limits.
    """
    if len(data) > MOST_BYTES:
        raise _too_large(name, f"{len(data)} bytes", MOST_BYTES)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Problem(
            "INVALID_ARGUMENT", f"{name} is not UTF-8 at byte {error.start}.", "Save the policy as UTF-8."
        ) from error
    graph = _json_ld(text, name) if is_json(text, name) else _turtle(text, name)
    if len(graph) > MOST_TRIPLES:
        raise _too_large(name, f"{len(graph)} triples", MOST_TRIPLES)
    return graph


def is_json(text: str, name: str) -> bool:
    """Whether the text is JSON by its first character; for `[`, which begins Turtle too, by what follows."""
    begun = text.lstrip()
    if begun.startswith("["):
        return name.lower().endswith((".json", ".jsonld")) or begun[1:].lstrip().startswith(("{", "["))
    return begun.startswith("{") or name.lower().endswith((".json", ".jsonld"))


def _json_ld(text: str, name: str) -> "Graph":
    from rdflib import Graph
    from rdflib.plugins.parsers.jsonld import to_rdf

    try:
        given = json.loads(text, object_pairs_hook=_once_each)
    except json.JSONDecodeError as error:
        raise Problem(
            "INVALID_ARGUMENT",
            f"{name} is not JSON: {error.msg} in line {error.lineno}, column {error.colno}.",
            "Correct the file there.",
        ) from error
    except ValueError as error:
        raise Problem(
            "INVALID_ARGUMENT", f"{name} holds a number that is too long to read.", "Write it in fewer digits."
        ) from error
    except RecursionError as error:
        raise _too_deep(name) from error
    prepared = _prepared(given, name, 0)
    graph = Graph(bind_namespaces="none")
    try:
        to_rdf(prepared, cast(Any, graph), base=BASE, context_data={"@vocab": UNKNOWN})
    except Problem:
        raise
    except Exception as error:  # the library raises what it likes for a broken context
        raise Problem(
            "INVALID_ARGUMENT",
            f"{name} is not JSON-LD: {str(error)[:200] or type(error).__name__}.",
            f'Write "@context": "{ODRL_CONTEXT}" and the terms of ODRL 2.2.',
        ) from error
    return graph


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON. A key that stands twice would lose its first value, a prohibition perhaps."""
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise Problem(
                "INVALID_ARGUMENT",
                f"{key!r} stands twice in one object of the JSON.",
                f'Write one "{key}" with a list of values.',
            )
        found[key] = value
    return found


def _prepared(given: Any, name: str, depth: int) -> Any:
    if depth > DEEPEST:
        raise _too_deep(name)
    if isinstance(given, list):
        return [_prepared(each, name, depth + 1) for each in cast(list[Any], given)]
    if not isinstance(given, dict):
        return given
    shape = cast(dict[str, Any], given)
    return {
        key: _known_context(value, name, depth + 1) if key == "@context" else _prepared(value, name, depth + 1)
        for key, value in shape.items()
    }


def _known_context(given: Any, name: str, depth: int) -> Any:
    """The context with the ODRL one put in for its address, and nothing left to fetch."""
    if depth > DEEPEST:
        raise _too_deep(name)
    if isinstance(given, str):
        if given in CONTEXTS:
            return context()
        raise Problem(
            "INVALID_ARGUMENT",
            f"{name} takes its JSON-LD context from {given[:200]!r}; nothing is fetched.",
            f'Use "{ODRL_CONTEXT}" and write other terms out as an object in "@context".',
        )
    if isinstance(given, list):
        return [_known_context(each, name, depth + 1) for each in cast(list[Any], given)]
    if not isinstance(given, dict) or not given:
        raise Problem(
            "INVALID_ARGUMENT",
            f"{name} has an empty @context, which takes the meaning from every term.",
            f'Leave it out or use "{ODRL_CONTEXT}".',
        )
    shape = cast(dict[str, Any], given)
    if "@import" in shape:
        return _known_context(str(shape["@import"]) + " (by @import)", name, depth + 1)
    for term, meaning in shape.items():
        if meaning is None and not term.startswith("@"):
            raise Problem(
                "INVALID_ARGUMENT",
                f"The @context of {name} takes the meaning from the term {term!r}.",
                "Leave that line out: a term without meaning would be dropped in silence.",
            )
    kept = {term: _prepared(meaning, name, depth + 1) for term, meaning in shape.items()}
    return kept if kept.get("@vocab") or "@vocab" not in kept else kept | {"@vocab": UNKNOWN}


def _turtle(text: str, name: str) -> "Graph":
    from rdflib import Graph
    from rdflib.plugins.parsers.notation3 import BadSyntax

    graph = Graph(bind_namespaces="none")
    try:
        graph.parse(data=text, format="turtle", publicID=BASE)
    except BadSyntax as error:
        line = int(getattr(error, "lines", 0)) + 1
        why = str(getattr(error, "_why", "")) or "it cannot be read"
        raise Problem(
            "INVALID_ARGUMENT", f"{name} is not Turtle: {why[:200]} in line {line}.", "Correct the file there."
        ) from error
    except RecursionError as error:
        raise _too_deep(name) from error
    except Exception as error:  # the library raises what it likes for broken literals and addresses
        raise Problem(
            "INVALID_ARGUMENT",
            f"{name} is not Turtle: {str(error)[:200] or type(error).__name__}.",
            "Give ODRL 2.2 as JSON-LD or Turtle.",
        ) from error
    return graph


def _too_deep(name: str) -> Problem:
    return Problem("INVALID_ARGUMENT", f"{name} is nested more than {DEEPEST} deep.", "Flatten the policy.")


def _too_large(name: str, size: str, most: int) -> Problem:
    return Problem("TOO_LARGE", f"{name} has {size}; {most} are the limit.", "Split the file by policy.")
