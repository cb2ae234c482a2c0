"""What changed from one timeline to another. Pure."""

from holdback_servers.editing.differences.telling import (
    blur_in_cut,
    differences,
    name_of,
    spoken_length,
    spoken_span,
    spoken_transition,
)

__all__ = ["blur_in_cut", "differences", "name_of", "spoken_length", "spoken_span", "spoken_transition"]
