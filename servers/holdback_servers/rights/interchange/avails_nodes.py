"""Elements of an Avails document, and what they say with where it stands."""

from typing import TYPE_CHECKING

from holdback_servers.rights.interchange.avails_columns import meant
from holdback_servers.rights.interchange.avails_intake import Intake

if TYPE_CHECKING:
    from lxml.etree import _Element as Element  # pyright: ignore[reportPrivateUsage]  # lxml has no public name for it


def local_name(element: "Element") -> str:
    """The name of an element without its namespace."""
    return str(element.tag).rpartition("}")[2]


def words_in(element: "Element | None") -> str:
    """The text in an element and all below it, on one line."""
    return "" if element is None else " ".join("".join(map(str, element.itertext())).split())


def child_of(element: "Element", name: str) -> "Element | None":
    """The first child of that name."""
    return next((each for each in element if local_name(each) == name), None)


class Said:
    """Fields with where each stands; called with a field's name it is the `Place` of a transaction."""

    def __init__(self, path: str, line: int | None, intake: Intake) -> None:
        self.fields: dict[str, str] = {}
        self._places: dict[str, str] = {}
        self._path, self._line, self._intake = path, line, intake

    def __call__(self, field: str) -> str:
        return self._places.get(field) or f"{self._path}{'/' + field if field else ''} (line {self._line})"

    def at(self, element: "Element", path: str | None = None) -> str:
        """Where a child stands."""
        return f"{path or self._path}/{local_name(element)} (line {element.sourceline})"

    def put(self, field: str, text: str, place: str) -> None:
        """Takes down what decides; saying it twice in other words is a mistake."""
        if not self._first(field, text, place):
            told = f"{field} stands twice: {self.fields[field]!r} and {text!r}."
            self._intake.remarks.mistake(place, told, "Keep one of the two.", text)

    def title(self, field: str, text: str, place: str) -> None:
        """Takes down a title or an id of it; of several the first is kept."""
        if not self._first(field, text, place):
            self._intake.remarks.lose(place, f"A second {field} is not kept; titles decide nothing.")

    def join(self, field: str, text: str, place: str) -> None:
        """Takes down one of several."""
        if text and not self._first(field, text, place):
            self.fields[field] += f", {text}"

    def drop(self, name: str, place: str) -> None:
        """Tells that an element is not kept."""
        self._intake.remarks.lose(place, f"{name} is not kept: it says nothing that Holdback decides by.")

    def refuse(self, name: str, place: str) -> None:
        """Tells that no version has such an element in a transaction; one that may limit it is a mistake."""
        remarks, limit = self._intake.remarks, meant(name)
        told = f"Avails 2.1 to 2.7 have no {name} in a Transaction"
        if limit is not None:
            remarks.mistake(place, f"{told}, and it may limit the right.", f"Say it as the {limit} of that version.")
        else:
            remarks.lose(place, f"{told}: it is not read.")

    def keep(self, term: str, place: str) -> None:
        """Tells that a Term is only carried; one that may limit the right is a mistake."""
        remarks, limit = self._intake.remarks, meant(term)
        if limit is not None:
            told = f"The Term {term} is not known, and it may limit the right."
            remarks.mistake(place, told, f"Say it as {limit}, or take it out.")
        else:
            remarks.lose(place, f"The Term {term} is kept; Holdback does not decide by it.")

    def take(self, other: "Said") -> None:
        """Adds what was said around it."""
        self.fields = {**other.fields, **self.fields}
        self._places = {**other._places, **self._places}

    def _first(self, field: str, text: str, place: str) -> bool:
        if text and field not in self.fields:
            self.fields[field] = text
            self._places[field] = place
        return not text or self.fields[field] == text
