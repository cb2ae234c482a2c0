"""What a reader has found so far in a file: items, mistakes, and what is not kept. Pure."""

from typing import Final

from pydantic import ValidationError

from holdback_servers.schedule.asrun_nouns import FileContents, ListedItem, Remark
from holdback_servers.schedule.interchange.markup import MAX_ITEMS

_MAX_MISTAKES: Final = 200
_ABBREVIATED: Final = 80


class Gathering:
    """Gathers one file; more mistakes than a person reads are counted only."""

    def __init__(self) -> None:
        self._items: list[ListedItem] = []
        self._mistakes: list[Remark] = []
        self._more = 0
        self._losses: dict[str, tuple[str, int]] = {}

    def add(self, item: ListedItem) -> None:
        """One line; an end that is not after its start is a mistake."""
        if item.end <= item.start:
            self.mistake(f"{item.place}, end", "It ends before it begins.", "Correct start, end or duration.")
        elif len(self._items) == MAX_ITEMS:
            self.mistake(item.place, f"There are more than {MAX_ITEMS:,} lines.", "Split the file, by days.")
        else:
            self._items.append(item)

    def mistake(self, place: str, message: str, hint: str = "", given: str = "") -> None:
        """Something is wrong at a place."""
        if len(self._mistakes) >= _MAX_MISTAKES:
            self._more += 1
            return
        self._mistakes.append(Remark(place=place, message=message, hint=hint, given=given[:_ABBREVIATED]))

    def refuse(self, place: str, error: ValidationError) -> None:
        """A line whose fields are not what they must be, field by field."""
        for each in error.errors():
            field = ".".join(str(part) for part in each["loc"]) or "line"
            given = str(each.get("input", ""))
            message = "It is missing." if not given.strip() else f"{each['msg']}."
            self.mistake(f"{place}, {field}", message, f"Correct {field}.", given)

    def lose(self, what: str, message: str) -> None:
        """Something that the schedule has no place for; each thing is told once, with how often it was there."""
        self._losses[what] = (message, self._losses.get(what, ("", 0))[1] + 1)

    def contents(self) -> FileContents:
        """All that was found, in order of time; mistakes in the order of the file."""
        mistakes = self._mistakes
        if self._more:
            mistakes = [*mistakes, Remark(place="the file", message=f"There are {self._more} more mistakes.")]
        return FileContents(
            items=tuple(sorted(self._items, key=lambda each: (each.start, each.end, each.title))),
            mistakes=tuple(mistakes),
            losses=tuple(
                Remark(place=what, message=message if number == 1 else f"{message} It is there {number} times.")
                for what, (message, number) in self._losses.items()
            ),
        )
