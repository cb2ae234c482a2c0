"""What a proof is asked about a file, and the pictures of that file. Runs in the media worker."""

from collections.abc import Iterator
from pathlib import Path

from av.error import FFmpegError
from av.video.frame import VideoFrame
from holdback_base.elements import CutFacts, ElementList
from holdback_base.problem import Problem
from holdback_base.vocabulary import Noun, Rate
from pydantic import Field

from holdback_servers.editing.evidence import ConditionWanted
from holdback_servers.editing.model import Timeline
from holdback_servers.editing.pictures import Reader
from holdback_servers.editing.proof.regions import Luma
from holdback_servers.editing.proof.sights import luma_of
from holdback_servers.media_reading import open_media


class Task(Noun):
    """What to examine.

    `files` are paths by sha256, of the file itself and of sources; `sources` what is known of those from signed cut
    statements; `elements` the file's own element list, which is what the statement claims; `timeline` where it was
    rendered here. `folder` takes the stills.
    """

    media: str
    rate: Rate
    files: dict[str, str]
    elements: ElementList
    sources: tuple[CutFacts, ...] = ()
    timeline: Timeline | None = None
    conditions: tuple[ConditionWanted, ...] = Field(min_length=1)
    folder: str

    def path(self, media: str) -> Path:
        """Where the bytes are."""
        return Path(self.files[media])

    def has(self, media: str) -> bool:
        """Whether the bytes are here."""
        return media in self.files

    def facts(self, media: str) -> CutFacts | None:
        """What is known of a source."""
        return next((each for each in self.sources if each.media == media), None)

    def frame(self, number: int) -> VideoFrame:
        """One picture of the file."""
        reader = Reader(self.path(self.media), self.rate, self.media)
        try:
            return reader.frame(number)
        finally:
            reader.close()


def pictures_of(task: Task) -> Iterator[Luma]:
    """Every picture of the file in order."""
    try:
        with open_media(task.path(task.media), task.media) as container:
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            for frame in container.decode(stream):
                yield luma_of(frame)
    except (FFmpegError, IndexError) as error:
        raise Problem(
            "MEDIA_DAMAGED", f"{task.media} has no picture that can be decoded.", "Render the cut again."
        ) from error
