"""What each task was shown: the only things of the house that an agent may name while it works on it.

A task is shown what its request names, and what the calls that were allowed to it gave back. Agents of one root task
share what they were shown. The ids lie in files of the home, one a root task, so that every process knows the same;
nothing is read from the disk for an id that is known here already.
"""

import hashlib
import os
import re
import threading
from base64 import urlsafe_b64decode
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from holdback_base.ids import KINDS, Clock, system_clock

__all__ = ["Things", "ids_asked", "ids_in", "ids_of_answer", "ids_told", "ids_written"]

_ID = "(?:" + "|".join(sorted(KINDS)) + ")_[0-9A-HJKMNP-TV-Z]{26}"
_THING = f"(?:{_ID}|sha256:[0-9a-f]{{64}})"
_REST = re.compile(r"_[0-9A-HJKMNP-TV-Z]{26}")
_SHA256 = re.compile(r"sha256:[0-9a-f]{64}")
"""Looked for from the letters that are rare: what is asked may hold long signed statements."""
_SIZES = (3, 2, 4)
"""Letters of a kind; none of the kinds ends another."""
_RUN, _DIGITS, _STRIDE = re.compile("[0-9A-Fa-f]{8,}"), re.compile("[0-9A-Fa-f]{64,}"), 8
_DEEPEST = 3
"""Escapes within escapes that are undone."""
_STATEMENT = re.compile(r"eyJ[\w-]{10,}\.(eyJ[\w-]+)\.[\w-]{20,}")
_GIVEN = re.compile(rf'":(?:"({_THING})"|\[((?:"{_THING}",?)+)\])'.encode())
"""What stands in an answer as ids, from the end of its name on: few values do, and a name is read only of those."""
_NAME = re.compile(rb"[a-z_0-9]+")
_ROOTS_KEPT = 512
KEPT_SECONDS = 48 * 3600
"""How long a file stays after the last thing was written to it: longer than the window of any task."""


@dataclass
class _Root:
    names: set[str] = field(default_factory=set[str])
    read: int = 0


class Things:
    """The ids that root tasks were shown. Safe from any thread.

    Args:
        folder: where the processes of a home share them; None for this process alone.
        clock: what was written long ago is forgotten at the first thing that is shown.
    """

    def __init__(self, folder: Path | None = None, clock: Clock = system_clock) -> None:
        self._folder, self._clock = folder, clock
        self._roots: OrderedDict[str, _Root] = OrderedDict()
        self._lock = threading.Lock()
        self._ready = False

    def show(self, root: str, names: Iterable[str]) -> None:
        """From now on agents that work on this root task may name these."""
        shown = dict.fromkeys(names)
        if (seen := self._roots.get(root)) is not None and seen.names.issuperset(shown):
            return
        with self._lock:
            known = self._known(root)
            new = [each for each in shown if each not in known.names]
            if not new:
                return
            if self._folder is not None:
                self._write(root, new)
            known.names.update(new)

    def strange(self, root: str, names: Iterable[str]) -> frozenset[str]:
        """Those of the names that the root task was never shown."""
        with self._lock:
            known = self._known(root)
            missing = {each for each in names if each not in known.names}
            if missing and self._folder is not None:
                self._read(root, known)
                missing -= known.names
            return frozenset(missing)

    def _known(self, root: str) -> _Root:
        known = self._roots.get(root)
        if known is None:
            known = self._roots[root] = _Root()
            if len(self._roots) > _ROOTS_KEPT and self._folder is not None:
                self._roots.popitem(last=False)
        self._roots.move_to_end(root)
        return known

    def _read(self, root: str, known: _Root) -> None:
        with suppress(FileNotFoundError), self._path(root).open("rb") as file:
            file.seek(known.read)
            whole, _, _ = file.read().rpartition(b"\n")  # a line that is being written counts next time
            known.names.update(whole.decode("ascii", "replace").split())
            known.read += len(whole) + 1 if whole else 0

    def _write(self, root: str, names: Iterable[str]) -> None:
        path = self._path(root)
        if not self._ready:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            _forget(path.parent, before=self._clock().timestamp() - KEPT_SECONDS)
            self._ready = True
        lines = "".join(f"{each}\n" for each in names).encode("ascii", "replace")
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, lines)
        finally:
            os.close(descriptor)

    def _path(self, root: str) -> Path:
        assert self._folder is not None
        return self._folder / f"{hashlib.sha256(root.encode()).hexdigest()[:40]}.ids"


def _forget(folder: Path, before: float) -> None:
    for path in folder.glob("*.ids"):
        with suppress(OSError):  # another process was first
            if path.stat().st_mtime < before:
                path.unlink()


def ids_written(text: str) -> list[str]:
    """Every id of the house that stands in a text, in order, and then media by their sha256, whatever stands before or
    after: an id is not to be hidden behind a letter or the escape of a line's end."""
    found: list[str] = []
    for each in _REST.finditer(text) if "_" in text else ():
        at = each.start()
        for size in _SIZES:
            if at >= size and text[at - size : at] in KINDS:
                found.append(text[at - size : each.end()])
                break
    return [*found, *_SHA256.findall(text)] if "sha256:" in text else found


def ids_in(text: str) -> frozenset[str]:
    """Every id of the house that a text names, wherever in it and however it is written: what somebody asks about.

    An address or a file names what it names with its escapes undone: percent signs, those of JSON and Turtle
    (`\\u0061`), character references; and media by the bare digits of its sha256.
    """
    return frozenset({*ids_written(text), *_ids_hidden(text)})


def _ids_hidden(text: str) -> Iterator[str]:
    """Those that do not stand in it as they are."""
    yield from _bare(text)
    for _ in range(_DEEPEST):
        if "%" not in text and "\\" not in text and "&" not in text and "<!" not in text:
            return
        was, text = text, _unescaping()(text)
        if text == was:
            return
        yield from ids_written(text)
        yield from _bare(text)


def ids_asked(arguments: Mapping[str, Any], text: str, written: frozenset[str]) -> frozenset[str]:
    """Every id that the arguments of a call name, however they are written; `text` is all of them as JSON, `written`
    what stands in that as it is.

    Where they are texts only that JSON has escaped, those are read as they are: its own escapes hide nothing then, and
    what a message of some bytes holds need not be undone.
    """
    values = arguments.values()
    if "\\" in text and all(type(each) is str for each in values):
        return written | ids_in("\n".join((*arguments, *values)))
    return written.union(_ids_hidden(text))


def _bare(text: str) -> Iterator[str]:
    """Media by 64 hex digits alone, in either case. Only where every eighth letter is one are the others looked at."""
    if len(text) < 64:
        return
    for run in _RUN.finditer(text[_STRIDE - 1 :: _STRIDE]):
        for each in _DIGITS.finditer(text, run.start() * _STRIDE, (run.end() + 1) * _STRIDE - 1):
            if len(each[0]) == 64:
                yield f"sha256:{each[0].lower()}"


@cache
def _unescaping() -> Callable[[str], str]:
    from holdback_trust.untrusted.reading import unescaped

    return unescaped


def ids_told(text: str) -> tuple[str, ...]:
    """Every id that a request names, each once and in order, also inside the signed statements that it carries: what
    its task is shown by it."""
    found = dict.fromkeys(ids_written(text))
    for payload in _STATEMENT.findall(text):
        with suppress(ValueError):
            inside = urlsafe_b64decode(payload + "=" * (-len(payload) % 4)).decode("utf-8", "replace")
            found |= dict.fromkeys(ids_written(inside))
    return tuple(found)


def ids_of_answer(answer: bytes) -> list[str]:
    """The ids that an answer gives as ids, from its compact JSON.

    An id in other people's words, such as a title or a tag, gives nothing: who writes a title must not thereby choose
    what an agent may open.
    """
    found: list[str] = []
    for match in _GIVEN.finditer(answer):
        end = match.start()
        if _names_things(answer[answer.rfind(b'"', 0, end) + 1 : end]):
            one, many = match[1], match[2]
            found += [one.decode()] if one else [each.strip('"') for each in many.decode().split(",") if each]
    return found


def _members(text: str) -> frozenset[bytes]:
    return frozenset(text.encode().split())


_MEMBERS = _members(
    "id ids approval asset assets clearance clearances collection contract covered_on_by cut deliveries elements "
    "elements_sha256 file follows hold holds item job keyframe media of_versions others parent publication "
    "publications replaced_by replaces right rights rights_snapshot sha256 source sources still superseded_by "
    "supersedes target timeline timelines unsigned_sha256 version versions work works"
)
"""What answers call their ids, beside all that ends in `_id` and `_ids`. A name that is missing here shows less."""


def _names_things(member: bytes) -> bool:
    return member in _MEMBERS or (member.endswith((b"_id", b"_ids")) and _NAME.fullmatch(member) is not None)
