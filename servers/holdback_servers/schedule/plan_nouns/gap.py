"""What is asked of the filling of a gap, and what it answers. Pure."""

from typing import Self

from holdback_base.vocabulary import Instant, Noun, Sha256, instant_text
from pydantic import Field, model_validator

from holdback_servers.schedule.cleared import ClearedCell
from holdback_servers.schedule.model import Details, Named


class Filler(Noun):
    """Something short that may fill a gap on a linear channel, `at_most` so often, never twice in a row.

    `frames` counts frames of the channel's own rate. It goes out only where every territory of the channel is cleared
    for it.
    """

    key: str = Field(min_length=1, max_length=120, description="Names it here; no two are the same.")
    title: Named = Field(min_length=1, max_length=300)
    media: Sha256
    asset: str | None = None
    frames: int = Field(ge=1, le=24 * 3600 * 120)
    cleared: tuple[ClearedCell, ...] = Field(max_length=2000, description="The cells of its clearance.")
    at_most: int = Field(default=1, ge=1, le=50)
    after_watershed: bool = False
    details: Details = Details()

    @model_validator(mode="after")
    def _has_no_place_of_its_own(self) -> Self:
        if self.details.follows is not None:
            raise ValueError(f"{self.key}: a filler goes where the gap needs it; give it a fixed start")
        return self


class GapPiece(Noun):
    """A filler in its place; `hold` where it is held."""

    filler: str
    title: str
    start: Instant
    end: Instant
    frames: int
    hold: str | None = None


class LeftOutFiller(Noun):
    """A filler that could not be used in this gap, and why."""

    filler: str
    text: str


class FilledGap(Noun):
    """What fills a gap of so many frames; `missing` frames stay empty, 0 when it is full.

    Where it cannot be filled to the frame the pieces are the nearest that can be had, and `longer` is the fewest frames
    by which other pieces would run over, when any would.
    """

    channel: str
    start: Instant
    end: Instant
    frames: int
    missing: int
    longer: int | None = None
    pieces: tuple[GapPiece, ...]
    left_out: tuple[LeftOutFiller, ...] = ()

    def text(self) -> str:
        """A line a piece, then what is missing and what was left out."""
        window = f"{instant_text(self.start)} to {instant_text(self.end)}"
        state = "filled to the frame" if not self.missing else f"{self.missing} frames stay empty"
        lines = [f"{self.channel}, {window}, {self.frames} frames: {state}"]
        for each in self.pieces:
            hold = f"  {each.hold}" if each.hold else ""
            lines.append(f"  {instant_text(each.start)}  {each.title}  {each.frames} frames{hold}")
        if self.missing and self.longer is not None:
            lines.append(f"  the next longer choice runs over by {self.longer} frames")
        lines += [f"  left out {each.filler}: {each.text}" for each in self.left_out]
        return "\n".join(lines)
