"""The port behind which proposals are made. The default is a set of rules; a language model may stand there instead.

A brain proposes, it never decides: what it says is read through a schema, and servers and policy judge what is done
with it. A proposal is a step of the journal, so a task that is taken up again goes on with the same one.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from pydantic import BaseModel


class Brain(Protocol):
    """Proposes an answer to a named question about facts."""

    async def propose(self, about: str, facts: Mapping[str, Any], shape: type[BaseModel]) -> BaseModel | None:
        """A value of the shape, or None when it has nothing to say."""
        ...


Rule = Callable[[Mapping[str, Any]], BaseModel | None]


class Rules:
    """A brain of plain functions, by the name of the question."""

    def __init__(self, rules: Mapping[str, Rule] | None = None) -> None:
        self._rules = dict(rules or {})

    async def propose(self, about: str, facts: Mapping[str, Any], shape: type[BaseModel]) -> BaseModel | None:
        """What the rule of that name says, in the shape asked for."""
        rule = self._rules.get(about)
        said = rule(facts) if rule is not None else None
        return None if said is None else shape.model_validate(said.model_dump())
