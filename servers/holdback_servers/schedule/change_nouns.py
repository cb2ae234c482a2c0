"""What may happen to a settled schedule, and what is to be done about it: events and plans of changes. Pure."""

from collections import Counter
from datetime import datetime
from typing import Annotated, Literal

from holdback_base.vocabulary import Instant, Noun, Sha256, TimeRange, instant_text
from pydantic import Field

from holdback_servers.schedule.cleared import ClearedCell
from holdback_servers.schedule.model import Availability, Hold, State

Cells = Annotated[tuple[ClearedCell, ...], Field(max_length=2000)]
Action = Literal["take_down", "shorten", "cancel", "move", "extend", "keep"]
"""`take_down` ends what is on show; `cancel` takes off the books what has not begun; `keep` changes no time."""
ACTIONS: tuple[Action, ...] = ("take_down", "shorten", "cancel", "move", "extend", "keep")
"""In the order in which they are done: what shows less comes first."""


class _Event(Noun):
    """`not_before`: nothing is given a new start before this instant; from now on when it is absent."""

    not_before: Instant | None = None


class ClearanceLost(_Event):
    """A clearance was revoked or is stale; `cells` is what a newer one of the same media opens, none when absent."""

    kind: Literal["clearance_lost"] = "clearance_lost"
    clearance: str = Field(min_length=1, max_length=60)
    cells: Cells = ()

    def text(self) -> str:
        """What happened."""
        rest = "with a newer one in its place" if self.cells else "with nothing in its place"
        return f"The clearance {self.clearance} is lost, {rest}"


class RightsChanged(_Event):
    """The rights of some media changed; `cells` is all that they open now."""

    kind: Literal["rights_changed"] = "rights_changed"
    media: Sha256
    cells: Cells = ()

    def text(self) -> str:
        """What happened."""
        return f"The rights of {self.media[:19]} changed"


class EmbargoLifted(_Event):
    """Some media may be shown earlier than before; `cells` is all that is open now."""

    kind: Literal["embargo_lifted"] = "embargo_lifted"
    media: Sha256
    cells: Cells

    def text(self) -> str:
        """What happened."""
        return f"An embargo on {self.media[:19]} is lifted"


class AssetPulled(_Event):
    """Some media must not be shown anywhere any longer."""

    kind: Literal["asset_pulled"] = "asset_pulled"
    media: Sha256

    def text(self) -> str:
        """What happened."""
        return f"{self.media[:19]} is pulled"


class BreakingNews(_Event):
    """Something must go out on a channel from `start` on; it displaces what is unlocked and of lower priority.

    With `media` a slot is held for it when the changes are applied; without, the room is only made.
    """

    kind: Literal["breaking_news"] = "breaking_news"
    channel: str
    start: Instant
    duration_seconds: int = Field(ge=1, le=24 * 3600)
    title: str = Field(min_length=1, max_length=300)
    priority: int = Field(default=100, ge=0, le=100)
    media: Sha256 | None = None

    def text(self) -> str:
        """What happened."""
        return f"{self.title!r} goes out on {self.channel} from {instant_text(self.start)}, priority {self.priority}"


class ChannelDown(_Event):
    """Nothing can go out on a channel, nor be taken off it, in the window."""

    kind: Literal["channel_down"] = "channel_down"
    channel: str
    window: TimeRange

    def text(self) -> str:
        """What happened."""
        return f"{self.channel} is down {self.window.text()}"


ChangeEvent = Annotated[
    ClearanceLost | RightsChanged | EmbargoLifted | AssetPulled | BreakingNews | ChannelDown,
    Field(discriminator="kind"),
]


class Change(Noun):
    """What is to be done about one publication; `before` and `state` are how it was when that was worked out.

    `after` is empty for what is cancelled; of what is taken down it keeps the time that it was on show. `due` is when
    what must come down is ordered down: the channel's lead time before its rights end. `fixes_start`: it no longer
    follows what it followed. `needs_person`: nobody but a person may decide it.
    """

    publication: str
    channel: str
    title: str
    state: State
    action: Action
    before: tuple[Availability, ...]
    after: tuple[Availability, ...] = ()
    due: Instant | None = None
    moved_seconds: int = 0
    fixes_start: bool = False
    needs_person: bool = False
    reasons: tuple[str, ...] = ()


class ChangePlan(Noun):
    """What an event changes, in the order in which it is done: what shows less first.

    `unchanged` counts what else is on the books that were looked at. `refused` says why the event cannot be met at all;
    then nothing of the plan is applied. `least` is no where so many were to move that the nearest places for all of
    them together were not searched to the end.
    """

    event: ChangeEvent
    changes: tuple[Change, ...] = ()
    unchanged: int = 0
    refused: tuple[str, ...] = ()
    least: bool = True

    @property
    def needs_person(self) -> tuple[str, ...]:
        """The publications about which a person must decide."""
        return tuple(each.publication for each in self.changes if each.needs_person)

    def text(self) -> str:
        """What happened, a table of before and after, and the reasons."""
        counts = Counter(each.action for each in self.changes)
        told = ", ".join(f"{counts[action]} {action}" for action in ACTIONS if counts[action]) or "nothing changes"
        lines = [f"{self.event.text()}: {told}; {self.unchanged} others on the books stay as they are."]
        lines += [f"Cannot be done: {each}" for each in self.refused]
        lines += before_and_after(self.changes)
        if not self.least:
            lines.append("So many move that nearer places for all of them together may exist.")
        if asked := self.needs_person:
            lines.append(f"A person must decide about {', '.join(asked)}.")
        return "\n".join(lines)


class AppliedChanges(Noun):
    """What was done, all of it at once; `after` is how each publication now stands.

    `hold` keeps the slot of breaking news whose media was named.
    """

    changes: tuple[Change, ...] = ()
    hold: Hold | None = None

    def text(self) -> str:
        """A table of before and after, and the hold."""
        lines = before_and_after(self.changes) or ["Nothing was to be changed."]
        if self.hold is not None:
            title, until = self.hold.publication.title, instant_text(self.hold.expires)
            lines.append(f"{self.hold.id} keeps the slot of {title!r} until {until}")
        return "\n".join(lines)


def before_and_after(changes: tuple[Change, ...]) -> list[str]:
    """A table of the changes with a line for each piece of availability, and each one's reasons below it."""
    rows: list[tuple[str, str, str, str] | str] = [("action", "publication", "before", "after")] if changes else []
    for each in changes:
        before, after = (_pieces(pieces) for pieces in (each.before, each.after))
        height = max(len(before), len(after), 2)
        names = [f"{each.channel} {each.title!r}", each.publication]
        cells = zip(*(_padded(column, height) for column in ([each.action], names, before, after)), strict=True)
        rows += cells
        due = [f"ordered down {instant_text(each.due)}"] if each.due else []
        rows += [f"    - {reason}" for reason in (*each.reasons, *due)]
    widths = [max((len(row[n]) for row in rows if not isinstance(row, str)), default=0) for n in range(4)]
    return [row if isinstance(row, str) else _line(row, widths) for row in rows]


def _line(row: tuple[str, str, str, str], widths: list[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _padded(column: list[str], height: int) -> list[str]:
    return column + [""] * (height - len(column))


def _pieces(pieces: tuple[Availability, ...]) -> list[str]:
    return [f"{_places(piece.territories)} {_window(piece.start, piece.end)}" for piece in pieces] or ["-"]


def _places(territories: tuple[str, ...]) -> str:
    if len(territories) <= 4:
        return ",".join(territories)
    return f"{','.join(territories[:3])}+{len(territories) - 3}"


def _window(start: datetime, end: datetime | None) -> str:
    return f"{instant_text(start)}/{'..' if end is None else instant_text(end)}"
