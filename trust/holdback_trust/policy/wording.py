"""What is said when a policy speaks: its own words, with the blanks filled in. Pure."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from holdback_trust.identity import Caller
from holdback_trust.policy import engine
from holdback_trust.policy.asking import Action


@dataclass(frozen=True)
class Words:
    """What a policy says when it speaks, and its place among the others."""

    place: int
    code: str
    says: str
    cure: str


NOTHING = Words(0, "PERMISSION_DENIED", "Nothing allows {caller} {action}.", "")
TASK = Words(0, "PERMISSION_DENIED", "The task {task} allows {agent} {action}.", "")


def read_words(every: Iterable[engine.Told]) -> dict[str, Words]:
    """What each policy says, by its id, from its annotations `@id`, `@code`, `@says` and `@cure`."""
    found: dict[str, Words] = {}
    for place, each in enumerate(every):
        says = each.notes.get("says") or f"The policy {each.name} decides so."
        found[each.name] = Words(place, each.notes.get("code", "PERMISSION_DENIED"), says, each.notes.get("cure", ""))
    return found


_FACTS: Mapping[str, Callable[[Caller, Action], str]] = {
    "{caller}": lambda caller, _: caller.text(),
    "{person}": lambda caller, _: caller.person,
    "{agent}": lambda caller, _: caller.agent or caller.person,
    "{action}": lambda _, action: action.name,
    "{scope}": lambda _, action: action.scope or "(none is defined)",
    "{task}": lambda caller, _: caller.task.root if caller.task else "",
    "{asked_by}": lambda _, action: action.asked_by or "",
    "{story}": lambda _, action: action.story or "",
    "{tier}": lambda _, action: str(action.tier or ""),
}
_BLANK = re.compile("|".join(map(re.escape, _FACTS)))


def filled(says: str, caller: Caller, action: Action) -> str:
    """The words with what they leave open, such as `{person}`."""
    return _BLANK.sub(lambda found: _FACTS[found[0]](caller, action), says)
