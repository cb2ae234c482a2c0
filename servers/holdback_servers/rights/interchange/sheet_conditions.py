"""Conditions as one cell says them, both ways: `credit for 3 s: Northern Film; blur of logo:acme; mute`. Pure.

Items stand between semicolons or line breaks. Each is a type, then what it needs: `of REFERENCE` for another element
than the granted one, `for N s` for how long a notice stands, `approved sha256:...` for cuts that the licensor has
approved, and words after a colon. Words with a semicolon, a line break or a quotation mark stand in quotation marks,
a quotation mark in them twice.
"""

import re
from collections.abc import Iterable
from typing import Final, get_args

from holdback_base.elements import is_ref

from holdback_servers.rights.interchange.sheet_words import said, wrong
from holdback_servers.rights.model import Condition, ConditionType
from holdback_servers.workbooks.cells import Cell

_TYPES: Final = {name.replace("_", ""): name for name in get_args(ConditionType)}
_ITEM: Final = re.compile(r'(?:[^;\n"]|"(?:[^"]|"")*")+')
_HEAD: Final = re.compile(
    r"(?P<type>[a-zA-Z][a-zA-Z_ -]*?)"
    r"(?:\s+of\s+(?P<ref>\S+))?(?:\s+for\s+(?P<seconds>\d{1,6})\s*s(?:econds?)?)?"
    r"(?P<approved>\s+approved(?:\s+sha256:[0-9a-f]{64})+)?\s*"
)
_HINT: Final = (
    "Write credit: WORDS; disclaimer: WORDS; blur of logo:acme; mute; replace music; age gate: 16; geo-block; approval."
)


def read_conditions(cell: Cell) -> tuple[Condition, ...]:
    """The conditions of a cell. Raises Problem for the first item that cannot be understood."""
    text = said(cell)
    if text.count('"') % 2:
        raise wrong("A quotation mark in the conditions is not closed.", 'Close it; write one inside words twice ("").')
    return tuple(_condition(each.strip()) for each in _ITEM.findall(text) if each.strip())


def write_conditions(conditions: Iterable[Condition]) -> str:
    """The cell that `read_conditions` reads the same conditions from."""
    return "; ".join(_item(each) for each in conditions)


def _condition(item: str) -> Condition:
    head, words = _halves(item)
    match = _HEAD.fullmatch(head)
    kind = _TYPES.get(re.sub(r"[\s_-]+", "", match["type"]).casefold()) if match else None
    if match is None or kind is None:
        raise wrong(f"{item!r} is not a condition.", _HINT)
    words = words.strip()
    if words.startswith('"') and words.endswith('"') and len(words) > 1:
        words = words[1:-1].replace('""', '"')
    if kind in ("credit", "disclaimer") and not words.strip():
        raise wrong(f"The {kind} in the conditions has no words.", f"Write {kind}: and the words that must be shown.")
    if match["ref"] is not None and not is_ref(match["ref"]):
        raise wrong(f"{match['ref']!r} is not a reference.", "Write kind:name in lower case, such as logo:acme.")
    shape = {
        "type": kind,
        "text": words,
        "min_seconds": int(match["seconds"]) if match["seconds"] else None,
        "ref": match["ref"],
        "approved": tuple((match["approved"] or "").split()[1:]),
    }
    return Condition.model_validate(shape)


def _halves(item: str) -> tuple[str, str]:
    """What stands before and after the colon that begins the words; those in references and hashes do not."""
    for found in re.finditer(r":", item):
        before = item[: found.start()]
        if not re.search(r"(\bof\s+[a-z_]+|\bsha256)$", before):
            return before.strip(), item[found.end() :]
    return item, ""


def _item(condition: Condition) -> str:
    text = condition.type.replace("_", " ")
    if condition.ref is not None:
        text += f" of {condition.ref}"
    if condition.min_seconds is not None:
        text += f" for {condition.min_seconds} s"
    if condition.approved:
        text += " approved " + " ".join(condition.approved)
    if not condition.text:
        return text
    plain = condition.text == condition.text.strip() and not re.search(r'[;\n\r"]', condition.text)
    return f"{text}: " + (condition.text if plain else '"' + condition.text.replace('"', '""') + '"')
