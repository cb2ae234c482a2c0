"""What a publisher is handed: the files of a publication, and the manifest that says what they are and for where."""

from datetime import datetime
from pathlib import Path
from typing import Any

from holdback_base.problem import Problem
from holdback_base.vocabulary import instant_text

from holdback_servers.media_store import MediaStore
from holdback_servers.schedule.channel import Channel
from holdback_servers.schedule.model import Publication
from holdback_servers.schedule.playout import OnShow, Telling, windows
from holdback_servers.schedule.ports import Package

MANIFEST = "urn:holdback:delivery:1"

_BEGINNINGS = (
    (4, b"ftyp", ".mp4"),
    (0, b"\x1a\x45\xdf\xa3", ".mkv"),
    (4, b"moov", ".mov"),
    (0, b"\x06\x0e\x2b\x34", ".mxf"),
    (8, b"WAVE", ".wav"),
    (0, b"fLaC", ".flac"),
    (0, b"OggS", ".ogg"),
    (0, b"ID3", ".mp3"),
    (0, b"\xff\xfb", ".mp3"),
    (0, b"\x47", ".ts"),
    (0, b"WEBVTT", ".vtt"),
    (0, b"\xef\xbb\xbfWEBVTT", ".vtt"),
    (0, b"Scenarist_SCC", ".scc"),
    (0, b"<", ".ttml"),
    (0, b"1\r\n", ".srt"),
    (0, b"1\n", ".srt"),
)
"""Where in a file some bytes stand that tell its format, and the ending that such files carry."""


def pack(publication: Publication, channel: Channel, telling: Telling, media: MediaStore) -> Package:
    """The package that tells a channel's publisher what is on show from now on; a take-down carries no files.

    Raises:
        Problem: MEDIA_OFFLINE when bytes are not in the media store.
    """
    files: dict[str, Path] = {}
    listed: list[dict[str, Any]] = []
    if telling.on and publication.media is not None:
        names = {_named("media", media.path(publication.media)): publication.media}
        for each in publication.details.captions:
            names[_named(f"captions.{each.language}", media.path(each.media))] = each.media
        files = {name: media.path(sha256) for name, sha256 in names.items()}
        listed = [{"name": n, "sha256": sha256, "bytes": media.size(sha256)} for n, sha256 in names.items()]
    key = f"{publication.id}.{telling.revision}"
    manifest = _manifest(publication, channel, telling) | {"key": key, "files": listed}
    return Package(
        key=key,
        publication=publication,
        channel=channel.name,
        account=channel.account,
        revision=telling.revision,
        territories=tuple(sorted(telling.on)),
        files=files,
        manifest=manifest,
    )


def unknown_publisher(channel: Channel, known: list[str]) -> Problem:
    """That nobody of this name delivers; the settings may name him at the next start."""
    return Problem(
        "UNAVAILABLE",
        f"The channel {channel.name} is delivered by {channel.publisher!r}, and the house knows no such publisher.",
        f"Add [publishers.{channel.publisher}] to holdback.toml and start again, or name one of {', '.join(known)}.",
    )


def _manifest(publication: Publication, channel: Channel, telling: Telling) -> dict[str, Any]:
    details = publication.details
    shown = _territories(publication, channel, telling.on)
    common: dict[str, Any] = {
        "schema": MANIFEST,
        "action": "publish" if telling.on else "take_down",
        "publication": publication.id,
        "revision": telling.revision,
        "channel": {"name": channel.name, "platform": channel.platform, "account": channel.account},
        "title": publication.title,
        "media": publication.media,
        "territories": shown,
    }
    if not telling.on:
        return common
    ends = [end for end in telling.on.values() if end is not None]
    starts = [each["not_before"] for each in shown if "not_before" in each]
    return common | {
        "description": details.description,
        "asset": publication.asset,
        "duration_seconds": details.duration_seconds,
        "languages": sorted({each.language for each in details.captions}),
        "captions": [{"language": each.language, "sha256": each.media} for each in details.captions],
        "secondary": [each.model_dump(mode="json", exclude_none=True) for each in details.secondary],
        "after_watershed": publication.after_watershed,
        "not_before": min(starts, default=None),
        "not_after": instant_text(max(ends)) if len(ends) == len(telling.on) else None,
        "windows": [each.model_dump(mode="json", exclude_none=True) for each in publication.availability],
        "clearance": publication.clearance,
        "approval": publication.approval,
        "on_behalf_of": publication.on_behalf_of,
    }


def _territories(publication: Publication, channel: Channel, on: OnShow) -> list[dict[str, str]]:
    """Territory by territory from when until when; an open end is absent."""
    rows: list[dict[str, str]] = []
    opens = windows(publication, channel)
    for territory, end in sorted(on.items()):
        starts = [each.start for each in opens.get(territory, ()) if each.end == end]
        row = {"territory": territory, "not_before": _text(min(starts, default=None)), "not_after": _text(end)}
        rows.append({name: text for name, text in row.items() if text is not None})
    return rows


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else instant_text(moment)


def _named(stem: str, path: Path) -> str:
    """The name of a file by what it begins with: `media.mp4`, `captions.de.vtt`; `.bin` when that is not known."""
    with path.open("rb") as file:
        head = file.read(16)
    return stem + next((suffix for at, sign, suffix in _BEGINNINGS if head[at : at + len(sign)] == sign), ".bin")
