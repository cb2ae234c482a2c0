"""What a finished file may be: delivery profiles, as data. Pure.

The profiles that come with Holdback are in `data/profiles.toml`; a house adds its own in the same form. A profile says
what can be known of a timeline before it is rendered (its shape, rate, length) and what the finished file must measure.
"""

import functools
import tomllib
from collections.abc import Mapping
from importlib.resources import files
from typing import Annotated, Any, Literal, Self

from holdback_base.problem import Problem
from holdback_base.vocabulary import Noun, Rate, Span, timecode_to_frames
from pydantic import AfterValidator, Field, StringConstraints, ValidationError, model_validator

from holdback_servers.editing.model import Timeline
from holdback_servers.editing.parts import Loudness

StartTimecode = Annotated[str, StringConstraints(pattern=r"^\d\d:\d\d:\d\d[:;]\d\d$")]
_SHAPE_WITHIN = 0.01
"""How far, as a part of it, width to height may be from what is wanted: what rounding to even pixels does."""


def _rate(text: str) -> str:
    num, _, den = text.partition("/")
    if not (num.isdigit() and (den or "1").isdigit()) or not int(num) or not int(den or 1):
        raise ValueError(f"{text!r} is not a rate such as 25 or 30000/1001")
    return Rate(num=int(num), den=int(den or 1)).text()


RateText = Annotated[str, AfterValidator(_rate)]


class Video(Noun):
    """How pictures are coded. `h264` takes `preset` and `crf` (less is better); `mpeg2_422` takes `bits` a second,
    constant. `gop_ms` is the longest way from one key frame to the next; `b_frames` as many in a row at most.
    """

    codec: Literal["h264", "mpeg2_422", "prores_hq"]
    preset: Literal["ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow"] = "veryfast"
    crf: int = Field(default=21, ge=0, le=40)
    profile: Literal["", "baseline", "main", "high"] = ""
    bits: int = Field(default=0, ge=0, le=400_000_000)
    gop_ms: int = Field(default=0, ge=0, le=20_000)
    b_frames: int | None = Field(default=None, ge=0, le=4)

    @property
    def pixels(self) -> str:
        """The form in which pictures are put together and coded, by FFmpeg's name."""
        return {"h264": "yuv420p", "mpeg2_422": "yuv422p", "prores_hq": "yuv422p10le"}[self.codec]

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.codec == "mpeg2_422" and not self.bits:
            raise ValueError("mpeg2_422 needs its bits a second")
        return self


class Audio(Noun):
    """How sound is coded, at 48 kHz: stereo, or with `mono_tracks` so many tracks of one channel, silent from the third
    on."""

    codec: Literal["aac", "pcm_24"]
    bits: int = Field(default=192_000, ge=32_000, le=512_000)
    mono_tracks: Literal[0, 2, 4, 8] = 0


class Profile(Noun):
    """What a finished file must be.

    Without `sizes` it is as large as the timeline's picture, divided by `shrink`; with them the smallest that the
    picture fits into, and the picture must have its shape. Without `rates` any is good. `loudness` is the target that
    goes before the timeline's own, missed when it is further off than `within_tenths` of a LU or over its peak.
    `timecode` is that of the first frame where the timeline says none; without it none is written. `sidecars` are the
    forms in which captions that are not burnt in go beside the file. `most_black_ms` is the longest stretch without a
    picture. `credentials` are content credentials (C2PA).
    """

    title: str = Field(min_length=1, max_length=100)
    container: Literal["mp4", "mov", "mxf"]
    video: Video
    audio: Audio
    sizes: tuple[tuple[int, int], ...] = ()
    shrink: int = Field(default=1, ge=1, le=8)
    rates: tuple[RateText, ...] = ()
    least_ms: int = Field(default=0, ge=0)
    most_ms: int | None = Field(default=None, gt=0)
    loudness: Loudness | None = None
    within_tenths: int = Field(default=5, ge=1, le=30)
    colour: Literal["source", "bt709"] = "source"
    timecode: StartTimecode | None = None
    sidecars: tuple[Literal["srt", "vtt"], ...] = ()
    most_black_ms: int | None = Field(default=None, gt=0)
    credentials: bool = False

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        allowed = _CODECS[self.container]
        if self.video.codec not in allowed or self.audio.codec not in allowed:
            raise ValueError(f"{self.container} takes {', '.join(sorted(allowed))}")
        if self.audio.mono_tracks and self.container != "mxf":
            raise ValueError("mono_tracks are for mxf")
        if self.credentials and self.container == "mxf":
            raise ValueError("content credentials cannot be written into mxf")
        if any(side % 2 or not 16 <= side <= 4096 for size in self.sizes for side in size):
            raise ValueError("sizes are even numbers from 16 to 4096")
        return self

    def size(self, picture: tuple[int, int]) -> tuple[int, int]:
        """Width and height of the file for a timeline's picture: even numbers."""
        if fitting := [size for size in sorted(self.sizes) if _same_shape(size, picture)]:
            return next((size for size in fitting if size[0] >= picture[0]), fitting[-1])
        width, height = (max(2, side // self.shrink // 2 * 2) for side in picture)
        return width, height

    def target(self, timeline: Timeline) -> Loudness | None:
        """The loudness that a render is brought to."""
        return self.loudness or timeline.loudness

    def start(self, timeline: Timeline) -> str | None:
        """The timecode written for the first frame, in the way of the timeline's rate; none where none is written."""
        if self.timecode is None:
            return None
        start = timeline.start or self.timecode
        return start if timecode_fits(start, timeline.rate) else self.timecode


_CODECS = {
    "mp4": frozenset({"h264", "aac"}),
    "mov": frozenset({"h264", "prores_hq", "aac", "pcm_24"}),
    "mxf": frozenset({"mpeg2_422", "pcm_24"}),
}


def timecode_fits(timecode: str, rate: Rate) -> bool:
    """Whether there is such a timecode at this rate."""
    try:
        timecode_to_frames(timecode, rate)
    except Problem:
        return False
    return True


def _same_shape(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return abs(one[0] * other[1] / (one[1] * other[0]) - 1) <= _SHAPE_WITHIN


@functools.cache
def built_in() -> Mapping[str, Profile]:
    """The profiles that come with Holdback."""
    text = files("holdback_servers.editing").joinpath("data", "profiles.toml").read_text(encoding="utf-8")
    return read_profiles(text, "data/profiles.toml", {})


def read_profiles(text: str, name: str, known: Mapping[str, Profile]) -> dict[str, Profile]:
    """The profiles of a TOML text, a table each; `extends` takes over what another says, of the text or known before.

    Raises:
        Problem: INVALID_ARGUMENT naming the file, the profile and the key.
    """
    try:
        tables: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Problem("INVALID_ARGUMENT", f"{name} is not valid TOML: {error}.", "Correct the file.") from error
    read: dict[str, Profile] = {}
    for key, table in tables.items():
        if key in known:
            raise _wrong(name, key, "a profile of this name comes with Holdback", "Choose another name.")
        read[key] = _profile(name, key, table, {**known, **read})
    return read


def _profile(file: str, key: str, table: Any, known: Mapping[str, Profile]) -> Profile:
    if not isinstance(table, dict) or not key.replace("_", "").isalnum() or key != key.lower() or len(key) > 40:
        raise _wrong(file, key, "it is no table, or its name is not of small letters, digits and _", _CURE)
    fields: dict[str, Any] = dict(table)  # pyright: ignore[reportUnknownArgumentType] - keys of TOML are text
    base = fields.pop("extends", None)
    if base is not None and base not in known:
        raise _wrong(file, key, f"there is no profile {str(base)[:40]!r} to extend", f"Extend {', '.join(known)}.")
    if base is not None:
        fields = {**known[base].model_dump(exclude_unset=True), **fields}
    try:
        return Profile.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(each) for each in first["loc"])
        raise _wrong(file, key, f"{where}: {first['msg']}" if where else str(first["msg"]), _CURE) from error


_CURE = "Correct the profile; docs/delivery.md tells what every key means."


def _wrong(file: str, key: str, why: str, cure: str) -> Problem:
    return Problem("INVALID_ARGUMENT", f"The profile {key[:40]!r} in {file} is not valid: {why}.", cure)


def find_profile(name: str, profiles: Mapping[str, Profile]) -> Profile:
    """The profile of that name. Raises Problem INVALID_ARGUMENT for one that does not exist."""
    if name in profiles:
        return profiles[name]
    known = "; ".join(f"{each}: {profile.title}" for each, profile in profiles.items())
    raise Problem("INVALID_ARGUMENT", f"There is no profile {name[:40]!r}.", f"The profiles are {known}.")


def misfits(timeline: Timeline, profile: Profile) -> list[str]:
    """What of a timeline cannot become a file of this profile, each with its cure: known before it is rendered."""
    found: list[str] = []
    picture = timeline.picture
    if profile.sizes and not any(_same_shape(size, picture) for size in profile.sizes):
        sizes = " or ".join(f"{width} x {height}" for width, height in profile.sizes)
        found.append(f"its picture is {picture[0]} x {picture[1]}, of another shape than {sizes}: reframe it")
    if profile.rates and timeline.rate.text() not in profile.rates:
        found.append(
            f"it runs at {timeline.rate.text()} frames a second; this delivery takes {', '.join(profile.rates)}: "
            "cut it of material at one of these"
        )
    lasts = round(timeline.rate.seconds(timeline.frames) * 1000)
    if profile.most_ms is not None and lasts > profile.most_ms:
        found.append(f"it lasts {lasts / 1000:g} s, and at most {profile.most_ms / 1000:g} s are taken: shorten it")
    if lasts < profile.least_ms:
        found.append(f"it lasts {lasts / 1000:g} s, and at least {profile.least_ms / 1000:g} s are wanted: lengthen it")
    return found


def require_fit(timeline: Timeline, name: str, profile: Profile) -> None:
    """Raises Problem TIMELINE_INVALID when a timeline cannot become a file of this profile."""
    if found := misfits(timeline, profile):
        raise Problem(
            "TIMELINE_INVALID",
            f"{timeline.id} cannot be delivered as {name}: {'; '.join(found)}.",
            "Revise the timeline, or choose another profile; list_profiles tells what each takes.",
            findings=found,
        )


def on_target(target: Loudness | None, found: Mapping[str, Any], within_tenths: int = 5) -> bool | None:
    """Whether measured loudness (`lufs`, `peak_dbtp`) is near its target and under its peak; None where there is no
    target, or nothing to be heard."""
    if target is None or found.get("lufs") is None:
        return None
    near = abs(round(found["lufs"] * 10) - target.lufs_tenths) <= within_tenths
    peak = found.get("peak_dbtp")
    return near and (peak is None or round(peak * 10) <= target.peak_tenths)


def misses(timeline: Timeline, profile: Profile, found: Mapping[str, Any], black: list[Span]) -> list[str]:
    """What of a finished file is not as its profile wants it, in words."""
    missed: list[str] = []
    if on_target(profile.loudness, found, profile.within_tenths) is False and profile.loudness is not None:
        target = profile.loudness
        missed.append(
            f"it measures {found['lufs']:g} LUFS and {found['peak_dbtp']:g} dBTP; wanted are "
            f"{target.lufs_tenths / 10:g} LUFS and {target.peak_tenths / 10:g} dBTP at most"
        )
    longest = max(black, key=lambda each: each.frames, default=None)
    if profile.most_black_ms is not None and longest is not None:
        lasts = round(timeline.rate.seconds(longest.frames) * 1000)
        if lasts > profile.most_black_ms:
            missed.append(
                f"it is black for {lasts / 1000:g} s from frame {longest.in_frame}; at most "
                f"{profile.most_black_ms / 1000:g} s are taken"
            )
    return missed
