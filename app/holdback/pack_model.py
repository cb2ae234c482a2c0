"""What an example pack holds: media, shot log, contracts and rights, channels and the brief. Pure."""

from datetime import date
from pathlib import Path
from typing import Any, Literal, Self, cast

from holdback_base.elements import Element, ElementList
from holdback_base.problem import Problem
from holdback_base.vocabulary import Noun, Rate, Span, timecode_to_frames
from holdback_servers.assets.model import AssetKind, LogEntry
from holdback_servers.rights.model import ContractTerms, RightTerms
from holdback_servers.schedule.channel import Channel
from holdback_servers.settings import PersonSetting
from pydantic import ConfigDict, Field, field_validator, model_validator


class LogLine(Noun):
    """A line of the shot log: a shot, or a marked piece of one. Timecodes as written, out exclusive.

    `focus_x` is where the subject stands, in thousandths of the picture's width.
    """

    kind: Literal["log", "marker"] = "log"
    number: int | None = None
    in_timecode: str
    out_timecode: str
    description: str
    tags: tuple[str, ...] = ()
    focus_x: int | None = Field(default=None, ge=0, le=1000)

    def entry(self) -> LogEntry:
        """The line as the library takes it."""
        fields = {} if self.focus_x is None else {"focus_x": self.focus_x}
        return LogEntry.model_validate(self.model_dump(exclude={"number", "focus_x"}) | {"fields": fields})


class PackMedia(Noun):
    """A media file of the pack, and what it is made of.

    `frames` are counted at `rate`; for sound a frame is one sample. An element of the file that names no spans is in
    all of it.
    """

    model_config = ConfigDict(populate_by_name=True)

    file: str
    kind: AssetKind
    title: str
    description: str = ""
    tags: tuple[str, ...] = ()
    source: str = ""
    rate: Rate
    frames: int = Field(gt=0)
    start_timecode: str | None = None
    shot_log: str | None = None
    elements: tuple[Element, ...] = Field(alias="element", min_length=1)
    log: tuple[LogLine, ...] = ()

    @field_validator("rate", mode="before")
    @classmethod
    def _rate_of_text(cls, given: Any) -> Any:
        if not isinstance(given, str):
            return given
        num, _, den = given.partition("/")
        return {"num": num, "den": den or 1}

    @model_validator(mode="before")
    @classmethod
    def _whole_where_unsaid(cls, given: Any) -> Any:
        table = cast("dict[str, Any]", given) if isinstance(given, dict) else {}
        if not isinstance(elements := table.get("element"), list):
            return cast("Any", given)
        whole = [{"in_frame": 0, "out_frame": table.get("frames")}]
        filled: list[Any] = []
        for each in cast("list[Any]", elements):
            filled.append({"spans": whole, **cast("dict[str, Any]", each)} if isinstance(each, dict) else each)
        return table | {"element": filled}

    def element_list(self) -> ElementList:
        """The bill of materials that goes with the file into the library."""
        return ElementList(rate=self.rate, frames=self.frames, elements=self.elements)

    def span_of(self, line: LogLine) -> Span:
        """The frames of a log line, from 0. Raises Problem TIMECODE_INVALID, RANGE_INVALID, SPAN_OUTSIDE_MEDIA."""
        zero = timecode_to_frames(self.start_timecode, self.rate) if self.start_timecode else 0
        start, end = (timecode_to_frames(text, self.rate) - zero for text in (line.in_timecode, line.out_timecode))
        if end <= start:
            raise Problem(
                "RANGE_INVALID", f"{line.out_timecode} is not after {line.in_timecode}; the out is exclusive."
            )
        if start < 0 or end > self.frames:
            raise Problem(
                "SPAN_OUTSIDE_MEDIA",
                f"{line.in_timecode} to {line.out_timecode} is not within the {self.frames} frames of {self.file}.",
            )
        return Span(in_frame=start, out_frame=end)


class PackRight(RightTerms):
    """A right of the pack; `key` names it inside the pack."""

    key: str

    def terms(self) -> RightTerms:
        """What the rights room records."""
        return RightTerms.model_validate(self.model_dump(include=set(RightTerms.model_fields)))


class PackContract(ContractTerms):
    """A contract of the pack with its rights; `key` names it inside the pack."""

    model_config = ConfigDict(populate_by_name=True)

    key: str
    note: str = ""
    rights: tuple[PackRight, ...] = Field(alias="right", min_length=1)

    def terms(self) -> ContractTerms:
        """What the rights room records."""
        return ContractTerms.model_validate(self.model_dump(include=set(ContractTerms.model_fields)))


class Person(Noun):
    """Somebody of the example, with the roles that they have in this house."""

    person: str = Field(pattern=r"^person:[a-z0-9-]+$")
    name: str
    title: str = ""
    roles: tuple[str, ...] = Field(min_length=1)

    def setting(self) -> PersonSetting:
        """The person as a house knows them."""
        name = f"{self.name}, {self.title}" if self.title else self.name
        return PersonSetting(id=self.person, name=name, roles=frozenset(self.roles))


class PackBrief(Noun):
    """What is asked, by whom, who may say yes, and who may stop agents and give back what was taken from them."""

    text: str = Field(min_length=1)
    requester: Person
    approver: Person
    security: Person | None = None

    @model_validator(mode="after")
    def _two_people(self) -> Self:
        if self.requester.person == self.approver.person:
            raise ValueError("the approver asked for it; name another person")
        return self

    @property
    def people(self) -> tuple[PersonSetting, ...]:
        """Everybody that is named, as a house knows them."""
        return tuple(each.setting() for each in (self.requester, self.approver, self.security) if each is not None)


class Pack(Noun):
    """An example with all its dates resolved on `day`. `notice` says what of it is invented."""

    folder: Path
    day: date
    name: str
    title: str
    notice: str
    broadcaster: str
    media: tuple[PackMedia, ...]
    without_rights: tuple[str, ...] = ()
    contracts: tuple[PackContract, ...]
    channels: tuple[Channel, ...]
    brief: PackBrief

    def path(self, file: str) -> Path:
        """Where a media file of the pack lies."""
        return self.folder / file
