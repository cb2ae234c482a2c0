"""The port behind which proposals are made. The default is a set of rules; a language model may stand there instead.

A brain proposes, it never decides: what it says is read through a schema, and servers and policy judge what is done
with it. A proposal is a step of the journal, so a task that is taken up again goes on with the same one.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from holdback_trust.admission import Configuration
from holdback_trust.untrusted.facts import Facts
from pydantic import BaseModel


class Brain(Protocol):
    """Proposes an answer to a named question about facts.

    `configuration` names what it proposes with, by hash: a model with its prompt and parameters, or rules. It is part
    of the agent's identity: with another one the agent must be admitted again.
    """

    @property
    def configuration(self) -> Configuration:
        """What it proposes with."""
        ...

    async def propose(self, about: str, facts: Facts, shape: type[BaseModel]) -> BaseModel | None:
        """A value of the shape, or None when it has nothing to say. A model is given `facts.text()`."""
        ...


Rule = Callable[[Mapping[str, Any]], BaseModel | None]


class Rules:
    """A brain of plain functions, by the name of the question. Rules that change get a new `version`."""

    def __init__(self, rules: Mapping[str, Rule] | None = None, *, name: str = "rules", version: str = "1") -> None:
        self._rules = dict(rules or {})
        self.configuration = Configuration.of(name, version, sorted(self._rules))

    async def propose(self, about: str, facts: Facts, shape: type[BaseModel]) -> BaseModel | None:
        """What the rule of that name says, in the shape asked for."""
        rule = self._rules.get(about)
        said = rule(facts) if rule is not None else None
        return None if said is None else shape.model_validate(said.model_dump())
