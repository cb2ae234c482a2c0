"""What a cut is made of: its elements, the notices it shows, and the hash that statements bind to. Pure.

The element list of a cut is its bill of materials: whatever somebody may own a right in, with the frames where it is.
"""

import re
from typing import Literal

from pydantic import Field

from holdback_base.canonical import canonical_sha256
from holdback_base.vocabulary import Noun, Rate, Span

ElementKind = Literal[
    "programme",
    "music_master",
    "music_publishing",
    "music_performance",
    "talent",
    "third_party_clip",
    "still",
    "logo",
    "location",
]


class Box(Noun):
    """A rectangle in thousandths of the picture's width and height, origin top left."""

    x: int = Field(ge=0, le=1000)
    y: int = Field(ge=0, le=1000)
    width: int = Field(gt=0, le=1000)
    height: int = Field(gt=0, le=1000)


class Element(Noun):
    """One thing in the cut that somebody may own a right in.

    `ref` is the name under which rights are recorded (`film:big-buck-bunny`, `music:meadow-waltz`); `spans` are frames
    of the cut, half-open, in order, at the list's rate; `obscured` are the frames where it has been made
    unrecognisable; `box` is where in the picture it stands, in thousandths of this cut's own picture.
    """

    id: str
    kind: ElementKind
    ref: str
    name: str
    spans: tuple[Span, ...] = Field(min_length=1)
    obscured: tuple[Span, ...] = ()
    box: Box | None = None


class Notice(Noun):
    """Words that the cut shows to its audience, and the frames where they stand."""

    kind: Literal["credit", "disclaimer"]
    text: str
    span: Span


class ElementList(Noun):
    """All that a cut is made of, at a rate, for so many frames."""

    rate: Rate
    frames: int = Field(gt=0)
    elements: tuple[Element, ...]
    notices: tuple[Notice, ...] = ()

    def sha256(self) -> str:
        """`sha256:<hex>` of the RFC 8785 form with elements sorted by id and notices by frame: order never matters."""
        shape = self.model_copy(
            update={
                "elements": tuple(sorted(self.elements, key=lambda each: each.id)),
                "notices": tuple(sorted(self.notices, key=lambda each: (each.span.in_frame, each.text))),
            }
        ).model_dump(mode="json", exclude_none=True)
        return canonical_sha256(shape)


HIGHEST_TIER = 3
"""Of value tiers, the first of which is 1; a statement that says none counts as of this."""


class CutFacts(Noun):
    """What a cut statement says beside who signed it and when: the bytes, their picture, and what they are made of.

    `media` is the sha256 of the file. Audio-only media has no width and height. `tier` is how valuable it is, from 1
    (ordinary) to 3, that of the most valuable source; `story` is the closed story that it belongs to.
    """

    media: str = Field(pattern=r"^sha256:[0-9a-f]{64}$")
    element_list: ElementList
    width: int | None = None
    height: int | None = None
    title: str = ""
    version: str | None = None
    tier: int = Field(default=1, ge=1, le=HIGHEST_TIER)
    story: str | None = Field(default=None, max_length=60)


def uncovered(spans: tuple[Span, ...], by: tuple[Span, ...]) -> tuple[Span, ...]:
    """The frames of `spans` that no span of `by` covers."""
    left = list(spans)
    for cover in by:
        left = [
            Span(in_frame=start, out_frame=end)
            for span in left
            for start, end in (
                (span.in_frame, min(span.out_frame, cover.in_frame)),
                (max(span.in_frame, cover.out_frame), span.out_frame),
            )
            if start < end
        ]
    return tuple(left)


_REF = re.compile(r"[a-z][a-z_]*:[a-z0-9][a-z0-9._-]*")


def is_ref(text: str) -> bool:
    """Whether the text has the shape of a rights reference, such as `music:meadow-waltz`."""
    return _REF.fullmatch(text) is not None
