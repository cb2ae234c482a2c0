"""Transcripts as jobs: what is said in a version becomes segments that are searched like others."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from holdback_base.vocabulary import Noun
from sqlalchemy import Connection

from holdback_servers import media_worker
from holdback_servers.assets import configurations, history, store
from holdback_servers.assets.indexing import index_asset
from holdback_servers.assets.ingest import limits_of
from holdback_servers.assets.model import FieldValue, Segment, Version
from holdback_servers.assets.speech import CONFIG, LANGUAGE
from holdback_servers.jobs import Report
from holdback_servers.services import Services

TRANSCRIBE = "transcribe"
"""The kind of these jobs."""
_MOST = 100_000


class Transcribed(Noun):
    """The transcript of a version. `already` says that it was there before."""

    version_id: str
    language: str
    segments: int
    words: int
    already: bool = False


@dataclass(frozen=True)
class Transcribe:
    """The handler of transcribe jobs."""

    services: Services

    async def __call__(self, request: dict[str, Any], report: Report) -> dict[str, Any]:
        """Listen, and write segments of kind transcript; a version that was listened to is left as it is."""
        services, version_id = self.services, str(request["version_id"])
        version = await services.database.read(lambda c: store.find_version(c, version_id))
        if known := await services.database.read(lambda c: _known(c, version_id)):
            return known.model_dump(mode="json")
        path = services.media.path(version.media)
        heard = await media_worker.run(
            "holdback_servers.assets.speech:transcribe",
            {"path": str(path), "name": version.media},
            lambda done, total, text: report(done, total, "seconds", text),
            limits_of(services.settings),
            roots=(path,),
        )
        by = str(request["by"])
        return await services.database.write(
            lambda c: (_known(c, version_id) or self._write(c, version, heard["sentences"], by)).model_dump(mode="json")
        )

    def _write(self, connection: Connection, version: Version, sentences: list[dict[str, Any]], by: str) -> Transcribed:
        services, now = self.services, self.services.clock()
        configurations.require_config(connection, CONFIG)
        segments: list[Segment] = []
        values: list[FieldValue] = []
        for said in sentences:
            start, end = _frames(version, said)
            if start >= end:
                continue
            sure = round(1000 * sum(each["probability"] for each in said["words"]) / len(said["words"]))
            segment = Segment(
                id=services.new_id("seg"),
                version_id=version.id,
                kind="transcript",
                in_frame=start,
                out_frame=end,
                method="auto",
                text=said["text"][:4000],
                ai_config=CONFIG,
                confidence=sure,
            )
            segments.append(segment)
            for field, value in (("language", LANGUAGE), ("words", _words(version, said))):
                values.append(
                    FieldValue(
                        id=services.new_id("evt"),
                        target=segment.id,
                        field=field,
                        value=value,
                        method="auto",
                        by=by,
                        at=now,
                        confidence=sure,
                        ai_config=CONFIG,
                    )
                )
        store.add_segments(connection, segments)
        for value in values:
            store.add_value(connection, value)
        told = {"segments": len(segments), "ai_config": CONFIG, "language": LANGUAGE}
        history.note(connection, version.id, "transcribed", told, by=by, now=now)
        index_asset(connection, version.asset_id)
        words = sum(len(each["words"]) for each in sentences)
        return Transcribed(version_id=version.id, language=LANGUAGE, segments=len(segments), words=words)


def _known(connection: Connection, version_id: str) -> Transcribed | None:
    found = store.segments_of(connection, version_id, "transcript", limit=_MOST)
    own = [each for each in found if each.ai_config == CONFIG]
    heard = history.newest(connection, version_id, "transcribed")
    if not own and (heard is None or (heard.facts or {}).get("ai_config") != CONFIG):
        return None
    words = sum(len(each.text.split()) for each in own)
    return Transcribed(version_id=version_id, language=LANGUAGE, segments=len(own), words=words, already=True)


def _frames(version: Version, said: dict[str, Any]) -> tuple[int, int]:
    rate = version.facts.rate.fraction
    start, end = (int(Fraction(said[name]) * rate) for name in ("start", "end"))
    return max(0, start), min(version.facts.frames, end + 1)


def _words(version: Version, said: dict[str, Any]) -> tuple[str, ...]:
    """Each word as `in-out thousandths word`: its frames, half-open, and how probable it is."""
    found: list[str] = []
    for word in said["words"]:
        start, end = _frames(version, word)
        found.append(f"{start}-{max(start + 1, end)} {round(1000 * word['probability'])} {word['text']}"[:200])
    return tuple(found)
