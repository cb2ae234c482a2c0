"""A cut as every exchange format can tell it: lanes of pieces and changes between them. Pure.

Between a timeline and a file stands a sheet: writers tell it in their format, readers make it from theirs, and only one
place makes a sheet from a timeline, only one a timeline from a sheet. All positions are whole frames at the sheet's
rate, of the cut from its first frame; spans are half-open.
"""

from fractions import Fraction
from typing import Any, Literal

from holdback_base.elements import Box
from holdback_base.problem import Problem
from holdback_base.vocabulary import Noun, Rate, Span
from pydantic import Field

from holdback_servers.editing.parts import TransitionKind

LARGEST_FILE = 16 << 20
"""Characters, or bytes, of a file that is read here; a cut of 500 clips takes a hundredth of it."""
MOST_PIECES = 20_000
PICTURE = "V1"


class Name(Noun):
    """How a file names some media: any of them may be empty. `media` is its hash, where the file tells it."""

    media: str = ""
    reel: str = ""
    file: str = ""
    title: str = ""

    def words(self) -> tuple[str, ...]:
        """What it is called, the surest first, without what is empty."""
        return tuple(dict.fromkeys(each for each in (self.media, self.file, self.reel, self.title) if each))


class Piece(Noun):
    """A piece of media on a lane.

    `source` is the frame of the media shown first: counted from the media's first frame where `counted` is `media`, or
    in its own timecode where it is `timecode`. `length` is how many frames of the media it says it uses, where it does.
    Gains are centibels, fades frames of the cut, boxes and opacity thousandths.
    """

    name: Name
    at: int
    frames: int = Field(gt=0)
    source: int
    counted: Literal["media", "timecode"] = "media"
    length: int | None = None
    speed: int = 100
    held: bool = False
    gain: int = 0
    fade_in: int = 0
    fade_out: int = 0
    opacity: int = 1000
    box: Box | None = None
    clip: str = ""
    reason: str = ""
    confidence: int | None = None
    where: str = ""

    @property
    def record(self) -> Span:
        """Where it stands in the cut."""
        return Span(in_frame=self.at, out_frame=self.at + self.frames)

    def source_at(self, offset: int) -> int:
        """The frame of the media on the frame of the cut so many behind its first; before 0 and behind its last it is
        a handle."""
        return self.source + (0 if self.held else offset * self.speed // 100)


class Change(Noun):
    """A transition around the cut on frame `at`, from `before` frames before it to `after` frames behind it."""

    kind: TransitionKind
    at: int = Field(ge=0)
    before: int = Field(ge=0)
    after: int = Field(ge=0)
    where: str = ""

    @property
    def frames(self) -> int:
        """How long it lasts."""
        return self.before + self.after


class Lane(Noun):
    """A track: of picture (`V1` is the lowest) or of sound. Its pieces stand in order and do not overlap."""

    name: str
    kind: Literal["picture", "sound"]
    pieces: tuple[Piece, ...] = ()
    changes: tuple[Change, ...] = ()


class Title(Noun):
    """Words over the picture."""

    text: str
    span: Span
    kind: Literal["credit", "disclaimer", "title", "lower_third"] = "title"
    placement: Literal["bottom", "centre", "top"] = "bottom"


class Note(Noun):
    """A marker: a note on frames of the cut."""

    span: Span
    name: str = ""
    note: str = ""


class Spoken(Noun):
    """A caption on frames of the cut."""

    language: str
    span: Span
    text: str


class Media(Noun):
    """What is known of some media: names for others, first frame in its own timecode, length in frames of the cut."""

    media: str
    title: str
    reel: str
    file: str
    start: int
    drop: bool
    frames: int
    width: int | None = None
    height: int | None = None


class Remark(Noun):
    """Something that the reader of a file should know. An `error` stops the import."""

    severity: Literal["error", "warning"]
    where: str
    message: str
    hint: str = ""


class Sheet(Noun):
    """A cut with its lanes, V1 first, then layers from low to high, then sound.

    `start` is the timecode of the first frame. `black` is how many frames of nothing follow the last clip, with
    `card` the words on them. `facts` are what only this room's own files tell.
    """

    title: str
    rate: Rate
    start: str | None = None
    width: int | None = None
    height: int | None = None
    lanes: tuple[Lane, ...] = ()
    black: int = 0
    card: tuple[str, ...] = ()
    titles: tuple[Title, ...] = ()
    notes: tuple[Note, ...] = ()
    spoken: tuple[Spoken, ...] = ()
    media: tuple[Media, ...] = ()
    facts: dict[str, Any] = Field(default_factory=dict)
    remarks: tuple[Remark, ...] = ()

    def lanes_of(self, kind: Literal["picture", "sound"]) -> tuple[Lane, ...]:
        """The lanes of picture, or of sound."""
        return tuple(each for each in self.lanes if each.kind == kind)

    @property
    def frames(self) -> int:
        """How long it is: to the end of the last picture on the first track, and the black behind it."""
        picture = next((each for each in self.lanes if each.name == PICTURE), None)
        return (picture.pieces[-1].record.out_frame if picture and picture.pieces else 0) + self.black


class Unreadable(Problem):
    """A file that cannot be read."""

    def __init__(self, where: str, message: str, hint: str, code: str = "INVALID_ARGUMENT") -> None:
        super().__init__(code, f"{where}: {message}", hint, where=where)


def whole_speed(exact: Fraction, slack: Fraction, where: str, remarks: list[Remark]) -> int:
    """A speed in whole percent, 10 to 1000.

    Args:
        exact: percent as the file says it.
        slack: how far it may be from what was meant, for a format that rounds.

    Raises:
        Unreadable: for a speed that this room does not have: backwards, or out of range.
    """
    near = round(exact)
    if not 10 <= near <= 1000:
        raise Unreadable(
            where, f"a speed of {float(exact):g} percent is not possible here.", "Render that shot and use the render."
        )
    if abs(exact - near) > slack:
        message = f"The speed of {float(exact):g} percent becomes {near} percent; frames within the clip shift."
        remarks.append(Remark(severity="warning", where=where, message=message, hint="Check the clip against yours."))
    return near
