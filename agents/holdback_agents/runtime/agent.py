"""What an agent is: its card and its skills, as values."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from a2a.types.a2a_pb2 import AgentCard
from google.protobuf.json_format import Parse
from holdback_trust.admission import AgentIdentity, Configuration
from pydantic import BaseModel

from holdback_agents.contracts import Part, Question


@dataclass(frozen=True)
class Reply:
    """What a finished task leaves: models become data parts, strings text parts, in this order."""

    parts: Sequence[BaseModel | str]
    name: str = "result"


def plain_reply(result: Part) -> Reply:
    """The result itself, and its `text` where it has one."""
    text = getattr(result, "text", "")
    return Reply((result, text) if isinstance(text, str) and text else (result,))


@dataclass(frozen=True)
class Skill:
    """One thing an agent does.

    Args:
        id: as on the card and in the registry, such as `clear-rights`.
        request: the data part that asks for it.
        workflow: the story, `async def story(run: Run, request: ...) -> ...`.
        words: reads plain words into the request, given the instant the task began; a Question when something must
            not be guessed, whose answer is added to the words as a line of its own. None when only data is understood.
        reply: turns the workflow's result into parts.
    """

    id: str
    request: type[Part]
    workflow: Callable[[Any, Any], Awaitable[Any]]
    words: Callable[[str, datetime], Part | Question] | None = None
    reply: Callable[[Any], Reply] = plain_reply


@dataclass(frozen=True)
class Agent:
    """An agent: `name` as in `agent:<name>`, its card, its skills.

    `choose` names the skill that plain words mean; without it words go to the only skill that reads words.
    `configurations` are what it decides with beside its brain; the version of its software is the card's.
    """

    name: str
    card: AgentCard
    skills: Sequence[Skill]
    choose: Callable[[str], str | None] | None = None
    configurations: Sequence[Configuration] = ()
    by_id: Mapping[str, Skill] = field(init=False)
    by_schema: Mapping[str, Skill] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_id", {skill.id: skill for skill in self.skills})
        object.__setattr__(self, "by_schema", {skill.request.schema_uri(): skill for skill in self.skills})
        offered = {skill.id for skill in self.card.skills}
        if offered != set(self.by_id):
            raise ValueError(f"the card of {self.name} offers {sorted(offered)}, its skills are {sorted(self.by_id)}")

    @property
    def audience(self) -> str:
        """Whom a token for this agent names, and its id as an actor: `agent:<name>`."""
        return f"agent:{self.name}"

    def identity(self, key: str, brain: Configuration) -> AgentIdentity:
        """What this agent is with this key (an RFC 7638 thumbprint) and this brain."""
        return AgentIdentity(key=key, software=self.card.version, configurations=(*self.configurations, brain))

    def scope_of(self, skill: str) -> str:
        """The scope that a caller needs for a skill."""
        return f"agent:{self.name}:{skill}"

    def skill_of_words(self, words: str) -> Skill | None:
        """The skill that plain words mean, or None when that is not clear."""
        if self.choose is not None:
            return self.by_id.get(self.choose(words) or "")
        readers = [skill for skill in self.skills if skill.words is not None]
        return readers[0] if len(readers) == 1 else None


@dataclass(frozen=True)
class Limits:
    """What one task and one request may take.

    `body` bytes of a request; `steps` of a workflow; `chain` agents between the person and this one's effects, itself
    included; `parked` seconds after which a task that waits for an answer is let go by the protocol layer.
    """

    body: int = 4 * 1024 * 1024
    steps: int = 400
    chain: int = 4
    parked: float = 30.0


def load_card(path: Path) -> AgentCard:
    """The card kept in a JSON file (ProtoJSON). Raises ParseError for a file that is not a card."""
    return Parse(path.read_text(encoding="utf-8"), AgentCard())


def written_rules(package: str, name: str, version: str) -> Configuration:
    """The rules that are written in the modules beside `package` (its `__file__`), as a configuration of that name."""
    modules = sorted(Path(package).resolve().parent.glob("*.py"))
    return Configuration.of(name, version, {each.name: each.read_text(encoding="utf-8") for each in modules})


def packed_card(name: str) -> AgentCard:
    """The card of one of this program's own agents, which travels with it."""
    return load_card(Path(__file__).resolve().parents[1] / "agent_cards" / f"{name}.json")
