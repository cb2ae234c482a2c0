"""Phrases that every agent reads alike: lengths, platforms, territories, windows, ids and signed statements. Pure.

What a phrase leaves in doubt is told to the caller; nothing is guessed.
"""

from holdback_agents.phrases.asking import ASKED, asked_back
from holdback_agents.phrases.names import channels_in, claims_of, ids_in, media_in, quoted_in, statements_in
from holdback_agents.phrases.places import platforms_in, territories_in
from holdback_agents.phrases.times import instants_in, length_in_seconds, lies_in_the_past, window_in

__all__ = [
    "ASKED",
    "asked_back",
    "channels_in",
    "claims_of",
    "ids_in",
    "instants_in",
    "length_in_seconds",
    "lies_in_the_past",
    "media_in",
    "platforms_in",
    "quoted_in",
    "statements_in",
    "territories_in",
    "window_in",
]
