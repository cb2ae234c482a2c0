"""The schedule as CSV (RFC 4180), for spreadsheets: a line for each piece of availability. Pure.

Cells are data. What a spreadsheet program would take for a formula has a quotation mark before it (OWASP, CSV
Injection); a reader takes it off again.
"""

import csv
import io
import re
from collections.abc import Iterable, Mapping
from typing import Final

from holdback_base.vocabulary import instant_text

from holdback_servers.schedule.broadcast_time import broadcast_day
from holdback_servers.schedule.channel import Channel
from holdback_servers.schedule.interchange.written import Losses, ScheduleFile, Written
from holdback_servers.schedule.model import Availability, Publication

COLUMNS: Final = (
    "channel", "broadcast_day", "local_start", "start", "end", "title", "state", "publication", "media", "reference",
    "territories", "priority", "sponsor", "start_mode", "follows", "duration", "after_watershed", "locked", "hold",
    "expires", "clearance", "approval", "on_behalf_of", "reasons", "description",
)  # fmt: skip
_GUARDED: Final = re.compile(r"'*[=+\-@\t\r\n]")


def write(publications: Iterable[Publication], channels: Mapping[str, Channel]) -> Written:
    """Everything on the books as one table. Instants are UTC; `local_start` and `broadcast_day` are the channel's."""
    losses, shown = Losses(), 0
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(COLUMNS)
    for each in sorted(publications, key=lambda one: (one.start, one.id)):
        shown += 1
        for piece in each.availability:
            writer.writerow([guarded(cell) for cell in _cells(each, piece, channels.get(each.channel))])
        if each.details.secondary or each.details.captions:
            losses.add("not said: secondary events and caption files", each.id)
        losses.add("not said: history", each.id)
    content = "\ufeff" + file.getvalue()
    written = ScheduleFile(name="schedule.csv", media_type="text/csv; charset=utf-8", content=content)
    return Written(files=(written,), publications=shown, losses=losses.told())


def _cells(publication: Publication, piece: Availability, channel: Channel | None) -> list[str]:
    details = publication.details
    local, day = "", ""
    if channel is not None:
        local = piece.start.astimezone(channel.zone).isoformat(sep=" ")
        day = broadcast_day(piece.start, channel.zone, channel.day_begins).isoformat()
    known: dict[str, str | int | None] = {
        "channel": publication.channel,
        "broadcast_day": day,
        "local_start": local,
        "start": instant_text(piece.start),
        "end": None if piece.end is None else instant_text(piece.end),
        "title": publication.title,
        "state": publication.state,
        "publication": publication.id,
        "media": publication.media,
        "reference": publication.asset,
        "territories": " ".join(piece.territories),
        "priority": details.priority,
        "sponsor": details.sponsor,
        "start_mode": details.start_mode,
        "follows": details.follows,
        "duration": details.duration_seconds,
        "after_watershed": "yes" if publication.after_watershed else "",
        "locked": "yes" if publication.locked else "",
        "hold": publication.hold,
        "expires": None if publication.expires is None else instant_text(publication.expires),
        "clearance": publication.clearance,
        "approval": publication.approval,
        "on_behalf_of": publication.on_behalf_of,
        "reasons": "\n".join(publication.reasons),
        "description": details.description,
    }
    return ["" if known[name] is None else str(known[name]) for name in COLUMNS]


def guarded(cell: str) -> str:
    """The cell, with a quotation mark before it when a spreadsheet program would take it for a formula."""
    return f"'{cell}" if _GUARDED.match(cell) else cell


def unguarded(cell: str) -> str:
    """The cell as it was before `guarded`."""
    return cell[1:] if cell.startswith("'") and _GUARDED.match(cell) else cell
