"""One pass over a finished file for all that must be seen in it, and what is heard in it. Runs in the media worker."""

from collections.abc import Callable, Sequence
from pathlib import Path

from holdback_servers.editing.evidence import Proof
from holdback_servers.editing.proof.listening import Listening
from holdback_servers.editing.proof.looking import RegionWatch
from holdback_servers.editing.proof.reading import WordsWatch
from holdback_servers.editing.proof.task import Task, pictures_of

Report = Callable[[int, int, str], None]


class Examination:
    """All conditions of a task, examined together."""

    def __init__(self, task: Task, report: Report) -> None:
        self._task, self._report = task, report

    def proofs(self) -> list[Proof]:
        """A proof for each condition, in order. Raises Problem MEDIA_DAMAGED for a file that cannot be decoded."""
        task = self._task
        watches: dict[int, RegionWatch | WordsWatch] = {}
        for number, each in enumerate(task.conditions):
            if each.type == "blur":
                watches[number] = RegionWatch(task, each)
            elif each.type in ("credit", "disclaimer"):
                watches[number] = WordsWatch(task, each)
        if watches:
            self._look(list(watches.values()))
        found: list[Proof] = []
        listening = Listening(task)
        for number, each in enumerate(task.conditions):
            still = Path(task.folder) / f"still-{number}.png"
            watch = watches.get(number)
            found.append(watch.proof(still) if watch else listening.proof(each, still))
        return found

    def _look(self, watches: Sequence[RegionWatch | WordsWatch]) -> None:
        total = self._task.elements.frames
        for number, luma in enumerate(pictures_of(self._task)):
            for watch in watches:
                watch.see(number, luma)
            if number % 24 == 0:
                self._report(number, total, "looking")
