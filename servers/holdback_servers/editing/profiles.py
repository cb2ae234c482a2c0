"""What a finished file may be: delivery profiles, as data. Pure."""

from collections.abc import Mapping
from types import MappingProxyType

from holdback_base.vocabulary import Noun


class Profile(Noun):
    """An MP4 file of H.264 and AAC. A smaller `crf` is a better picture; `shrink` divides both sides of the picture."""

    title: str
    preset: str
    crf: int
    audio_bits: int
    shrink: int = 1

    def size(self, picture: tuple[int, int]) -> tuple[int, int]:
        """Width and height of the file for a timeline's picture: even numbers."""
        width, height = (max(2, side // self.shrink // 2 * 2) for side in picture)
        return width, height

    def x264(self) -> dict[str, str]:
        """The encoder's settings, chosen to repeat bit for bit: `cpu-independent`, and one thread. With two, the same
        pictures gave five files in five runs on a busy machine. Arithmetic coding and deblocking are kept in whatever
        preset: with `ultrafast` they cost a tenth more time and halve the file.
        """
        return {
            "preset": self.preset,
            "crf": str(self.crf),
            "x264-params": "cpu-independent=1:threads=1:lookahead-threads=1:cabac=1:deblock=0,0",
        }


PROFILES: Mapping[str, Profile] = MappingProxyType(
    {
        "preview": Profile(title="A small file to look at", preset="ultrafast", crf=28, audio_bits=96_000, shrink=2),
        "h264": Profile(
            title="H.264 delivery for social platforms and the web", preset="ultrafast", crf=21, audio_bits=192_000
        ),
    }
)
