"""Tasks about media that came to belong to a closed story: not there any more for who may not know of it.

A task that its person asked for stays readable for good, while what it tells of may be closed later. It belongs to the
stories of the bytes that it names, also inside signed statements, as they are whenever somebody looks.
"""

from typing import Protocol

from a2a.types.a2a_pb2 import Task
from holdback_trust.enforcing import Enforcement
from holdback_trust.identity import Caller
from holdback_trust.tasks import ids_told


class Media(Protocol):
    """What tells of bytes, by their sha256, to which closed story they belong now."""

    def told(self) -> int:
        """More with everything that is closed or opened; 0 where nothing ever was."""
        ...

    def story(self, sha256: str) -> str | None:
        """The closed story that bytes belong to, if any."""
        ...


class Closed:
    """Which tasks of an agent are closed to whom.

    Args:
        media: of the house; None where no media is known, and so none is closed.
    """

    def __init__(self, enforcement: Enforcement, media: Media | None) -> None:
        self._enforcement, self._media = enforcement, media

    def hides(self, caller: Caller, task: Task) -> bool:
        """Whether the task names bytes that the caller may not know of."""
        if self._media is None or not self._media.told():
            return False
        text = task.SerializeToString().decode("latin-1")
        stories = {self._media.story(each) for each in ids_told(text) if each.startswith("sha256:")}
        return not all(self._enforcement.knows(caller, each) for each in stories)
