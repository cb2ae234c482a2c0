"""What the cutting room's tools answer, and how it is made of a timeline."""

from holdback_servers.editing.answers.cuts import (
    CutView,
    DifferenceView,
    ExportView,
    ListedTimeline,
    TimelineList,
    TimelineView,
    ValidationView,
)
from holdback_servers.editing.answers.making import cut_view, listed_view, timeline_view
from holdback_servers.editing.answers.pieces import CaptionsView, ClipView, LayerClipView, TransitionView

__all__ = [
    "CaptionsView",
    "ClipView",
    "CutView",
    "DifferenceView",
    "ExportView",
    "LayerClipView",
    "ListedTimeline",
    "TimelineList",
    "TimelineView",
    "TransitionView",
    "ValidationView",
    "cut_view",
    "listed_view",
    "timeline_view",
]
