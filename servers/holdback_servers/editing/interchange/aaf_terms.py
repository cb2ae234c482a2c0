"""The words of the Advanced Authoring Format that both ways need: effects, their parameters, names of objects.

Identifiers: AAF Edit Protocol 1.1 and AAF Object Specification 1.1, appendix C, and what Avid writes for speeds.
"""

import uuid
from importlib import import_module
from typing import Any

from holdback_base.vocabulary import Rate

TOLD = "Holdback"
"""The comment in which this room keeps what AAF has no place for; the media's hash has a comment of its own."""
HASH = "sha256"
DISSOLVE = "0c3bea40-fc05-11d2-8a29-0050040ef7d2"
WIPE = "0c3bea44-fc05-11d2-8a29-0050040ef7d2"
SPEED = "9d2ea890-0968-11d3-8a38-0050040ef7d2"
REPEAT = "9d2ea891-0968-11d3-8a38-0050040ef7d2"
SOUND_DISSOLVE = "0c3bea41-fc05-11d2-8a29-0050040ef7d2"
STEREO_DISSOLVE = "0c3bea42-fc05-11d2-8a29-0050040ef7d2"
LEVEL = "e4962320-2267-11d3-8a4c-0050040ef7d2"
WIPE_NUMBER = "e4962323-2267-11d3-8a4c-0050040ef7d2"
WIPE_REVERSE = "9c894ba0-2277-11d3-8a4c-0050040ef7d2"
SPEED_RATIO = "72559a80-24d7-11d3-8a50-0050040ef7d2"
WIPES: dict[str, tuple[int, bool]] = {
    "wipe_right": (1, False),
    "wipe_left": (1, True),
    "wipe_down": (2, False),
    "wipe_up": (2, True),
}
"""SMPTE wipe number, and whether it runs the other way."""
_NAMES = uuid.UUID("6f0f2a9e-7c3d-5c52-9d0c-2b1f3a4de001")


def library() -> Any:
    """pyaaf2, which has no types of its own; imported when it is needed, and then in a worker."""
    return import_module("aaf2")


def mob_id(*words: str) -> Any:
    """The identifier of an object: the same for the same words, so media exported twice is the same media there.

    A basic UMID (SMPTE ST 330) whose material number is a UUID made from the words.
    """
    made = library().mobid.MobID()
    made.SMPTELabel = [0x06, 0x0A, 0x2B, 0x34, 0x01, 0x01, 0x01, 0x05, 0x01, 0x01, 0x0F, 0x20]
    made.length = 0x13
    made.material = library().auid.AUID(str(uuid.uuid5(_NAMES, "\n".join(words))))
    return made


def rational(rate: Rate) -> str:
    """A rate as AAF's library takes it: `30000/1001`."""
    return f"{rate.num}/{rate.den}"
