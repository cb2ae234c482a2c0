"""How what is missing or not understood is asked back. Pure."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from holdback_agents.contracts import Question

ASKED: Mapping[str, str] = MappingProxyType(
    {
        "seconds": "how long it shall be (for example: 15 s)",
        "platforms": "where it shall be published (for example: YouTube and Instagram)",
        "territories": "in which territories (ISO codes, for example: in GB, DE and US)",
        "window": "when it shall be up (for example: for the next month, from Monday, or from 24 Nov to 24 Dec)",
    }
)
"""How to say what a request needs, by field."""


def asked_back(
    found: Mapping[str, object], doubts: Mapping[str, str], rest: Sequence[str], asked: Mapping[str, str]
) -> Question | None:
    """A question about what was not found or not understood; None when nothing is open.

    Args:
        found: what was read, by field; whatever is empty is missing.
        doubts: what was said of a field and cannot be followed, in words; they stand for what is missing there.
        rest: words that were not understood at all.
        asked: how to say each field.
    """
    missing = tuple(name for name, value in found.items() if not value)
    if not missing and not doubts and not rest:
        return None
    lines = list(doubts.values())
    if rest:
        words = " and ".join(repr(each) for each in rest)
        lines.append(f"I do not understand {words}. Say it in other words; otherwise it is ignored.")
    wanted = [asked[name] for name in missing if name not in doubts]
    if wanted:
        lines.append(f"Please say {'; '.join(wanted)}.")
    return Question(text=" ".join(lines), missing=missing)
