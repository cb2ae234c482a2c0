"""Whether words stand in a file's picture, long enough and to be read. Runs in the media worker."""

from pathlib import Path

from holdback_servers.editing.evidence import (
    LEGIBLE_CONTRAST,
    LEGIBLE_HEIGHT,
    ConditionWanted,
    Figure,
    Proof,
    judge_words,
    longest,
    runs,
)
from holdback_servers.editing.proof.looking import box_of
from holdback_servers.editing.proof.regions import Luma, Part
from holdback_servers.editing.proof.stills import frame_still
from holdback_servers.editing.proof.task import Task, pictures_of
from holdback_servers.editing.proof.words import Reading, Template, find, read, templates

_KEPT = 40
"""Pictures kept to look for the words anywhere, evenly over the file."""
_MOST_WORDINGS = 6


class WordsWatch:
    """Looks at each frame of a file for words that must stand in it."""

    def __init__(self, task: Task, condition: ConditionWanted) -> None:
        self._task, self._condition = task, condition
        self._drawn: list[Template] = []
        self._readings: dict[int, dict[int, Reading]] = {}
        self._kept: list[Luma] = []
        self._step = max(1, task.elements.frames // _KEPT)
        self._size = (0, 0)

    def see(self, number: int, luma: Luma) -> None:
        """The next frame of the file."""
        if not self._drawn:
            self._size = (luma.shape[1], luma.shape[0])
            self._drawn = [each for text in self._wordings() for each in templates(text, self._size)]
        for index, template in enumerate(self._drawn):
            self._note(number, index, read(luma, template, template.left, template.top))
        if number % self._step == self._step // 2:
            self._kept.append(luma)

    def _note(self, number: int, index: int, reading: Reading) -> None:
        if reading.stands:
            self._readings.setdefault(index, {})[number] = reading

    def _wordings(self) -> list[str]:
        """The words that are wanted, and longer ones that are said to hold them, as the file's statement names them."""
        wanted = " ".join(self._condition.text.casefold().split())
        told = [
            each.text
            for each in self._task.elements.notices
            if each.kind == self._condition.type and wanted in " ".join(each.text.casefold().split())
        ]
        return list(dict.fromkeys([*told, self._condition.text][:_MOST_WORDINGS]))

    def _search(self) -> None:
        """Look for the words anywhere, and then at that place on every frame."""
        for drawn in self._drawn[:: max(1, len(self._drawn) // max(1, len(self._wordings())))]:
            place = find(self._kept, drawn)
            if place is None:
                continue
            template, left, top = place
            self._drawn.append(template._replace(left=left, top=top))
            for number, luma in enumerate(pictures_of(self._task)):
                self._note(number, len(self._drawn) - 1, read(luma, template, left, top))

    def proof(self, still: Path) -> Proof:
        """What was found, after the last frame."""
        if not self._readings and self._drawn:
            self._search()
        index = max(self._readings, key=lambda each: len(self._readings[each]), default=None)
        readings = self._readings[index] if index is not None else {}
        template = self._drawn[index] if index is not None else None
        legible = [number for number, each in readings.items() if each.contrast >= LEGIBLE_CONTRAST]
        height = 1000 * template.height / min(self._size) if template else 0.0
        verdict, why = judge_words(
            len(readings),
            len(legible),
            self._task.rate,
            self._condition.min_seconds,
            height,
            own_lettering=self._task.timeline is not None,
            at_once=longest(sorted(readings), self._task.rate),
        )
        part = self._part(template) if template else None
        if readings:
            best = max(readings, key=lambda each: readings[each].contrast)
            frame_still(self._task.frame(best), part, still)
        contrasts = sorted(each.contrast for each in readings.values())
        return Proof(
            key=self._condition.key,
            type=self._condition.type,
            verdict=verdict,
            text=f'"{self._condition.text}": {why}.',
            looked=runs(sorted(readings)),
            failing=runs(sorted(set(readings) - set(legible))) if verdict == "contradicted" else (),
            figures=(
                Figure(
                    name="stands",
                    value=round(float(self._task.rate.seconds(len(readings))), 2),
                    unit="s",
                    bound=self._condition.min_seconds,
                ),
                Figure(
                    name="contrast",
                    value=round(contrasts[len(contrasts) // 2], 1) if contrasts else 1.0,
                    unit="to 1",
                    bound=LEGIBLE_CONTRAST,
                ),
                Figure(name="letters", value=round(height, 1), unit="thousandths", bound=LEGIBLE_HEIGHT),
            ),
            box=box_of(part) if part else None,
            still=still.name if readings else None,
        )

    def _part(self, template: Template) -> Part:
        width, height = self._size
        columns, rows = template.size
        return Part(
            template.left / width,
            template.top / height,
            (template.left + columns) / width,
            (template.top + rows) / height,
        )
