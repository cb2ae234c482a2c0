"""What a decoded frame tells of the light it was graded for. Runs in the media worker."""

import struct
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

_MASTERING = struct.Struct("=20i2i")
"""FFmpeg's AVMasteringDisplayMetadata: three primaries, a white point, least and most light as fractions, two flags."""
_LIGHT_LEVEL = struct.Struct("=2I")


def light_facts(frame: "VideoFrame") -> dict[str, Any]:
    """The fields `mastering`, `max_cll` and `max_fall` of `VideoFacts`, as far as they are told."""
    from av.sidedata.sidedata import Type

    told: dict[str, Any] = {}
    try:
        beside: Any = frame.side_data
    except ValueError:  # a kind that PyAV does not know, such as EXIF: then it tells of none
        return told
    mastering = bytes(beside.get(Type.MASTERING_DISPLAY_METADATA, b""))
    level = bytes(beside.get(Type.CONTENT_LIGHT_LEVEL, b""))
    if len(mastering) >= _MASTERING.size:
        *_, least_num, least_den, most_num, most_den, _, known = _MASTERING.unpack_from(mastering)
        if known and least_den and most_den:
            told["mastering"] = f"{least_num / least_den:.4f}-{most_num / most_den:g}"
    if len(level) >= _LIGHT_LEVEL.size:
        told["max_cll"], told["max_fall"] = _LIGHT_LEVEL.unpack_from(level)
    return told
