"""The cutting room's long work of proving: what a finished file shows and lets hear, held against its conditions."""

import base64
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from holdback_base.elements import CutFacts
from holdback_base.problem import Problem
from holdback_base.vocabulary import Noun, Sha256
from holdback_trust.statements import sign_proof

from holdback_servers import media_worker
from holdback_servers.editing import store
from holdback_servers.editing.evidence import ConditionWanted, Proof, ProofReport, worst
from holdback_servers.editing.model import Timeline
from holdback_servers.jobs import Report
from holdback_servers.media_store import file_sha256
from holdback_servers.services import Services

PROVE = "prove"
_ISSUER = "mcp:editing"
_VALID = timedelta(days=365)
"""How long a proof is believed; the file and what it shows do not change, but what looks at it gets better."""


class ProofStill(Noun):
    """A still of a proof: a PNG of `bytes` bytes, as base64."""

    still: Sha256
    media_type: str = "image/png"
    bytes: int
    content_base64: str


@dataclass(frozen=True)
class Prove:
    """The handler of jobs that prove conditions."""

    services: Services

    async def __call__(self, request: dict[str, Any], report: Report) -> dict[str, Any]:
        """Examine the file, keep the stills, and sign what was found."""
        services = self.services
        cut = CutFacts.model_validate(request["cut"])
        conditions = tuple(ConditionWanted.model_validate(each) for each in request["conditions"])
        timeline = await services.database.read(lambda c: store.find_rendered(c, cut.media))
        given = [CutFacts.model_validate(each) for each in request["sources"]]
        sources = _sources(timeline, given)
        rate = timeline.rate if timeline else cut.element_list.rate
        with services.media.workspace() as work:
            arguments = {
                "media": cut.media,
                "rate": rate.model_dump(),
                "files": _files(services, cut.media, timeline, sources),
                "elements": cut.element_list.model_dump(mode="json", exclude_none=True),
                "sources": [each.model_dump(mode="json", exclude_none=True) for each in sources],
                "timeline": timeline.model_dump(mode="json", exclude_none=True) if timeline else None,
                "conditions": [each.model_dump(mode="json", exclude_none=True) for each in conditions],
                "folder": str(work),
            }
            found = await media_worker.run(
                "holdback_servers.editing.proof:prove_file",
                arguments,
                lambda done, total, text: report(done, total, "frames", text),
                _limits(services),
                roots=(services.media.root, work),
            )
            proofs = tuple(_kept(services, work, each, cut.media) for each in found["proofs"])
        proven = ProofReport(
            media=cut.media,
            rate=rate,
            frames=cut.element_list.frames,
            verdict=worst([each.verdict for each in proofs]),
            proofs=proofs,
        )
        signed = proven.model_copy(update={"statement": _statement(services, cut, proven)})
        return signed.model_dump(mode="json", exclude_none=True)


def _sources(timeline: Timeline | None, given: list[CutFacts]) -> list[CutFacts]:
    """What is known of the sources: those given, and those that the timeline of the render was made with."""
    known = {each.media: each for each in (timeline.sources if timeline else ())}
    return list((known | {each.media: each for each in given}).values())


def _files(services: Services, media: str, timeline: Timeline | None, sources: list[CutFacts]) -> dict[str, str]:
    """Where the bytes are, of all that are here; the file itself must be."""
    named = {each.media for each in sources} | set(timeline.media_used() if timeline else ())
    here = {each: str(services.media.path(each)) for each in sorted(named) if services.media.has(each)}
    return {**here, media: str(services.media.path(media))}


def _kept(services: Services, work: Path, found: dict[str, Any], shown: str) -> Proof:
    """A proof with its still in the store, which belongs to the story of the file that it shows."""
    still = found.get("still")
    media = file_sha256(work / still) if still else None
    if still and media:
        services.media.note_made(media, [shown])
        services.media.adopt(work / still, media)
    return Proof.model_validate({**found, "still": media})


def _statement(services: Services, cut: CutFacts, proven: ProofReport) -> str:
    now = services.clock()
    claims = {
        "iss": _ISSUER,
        "sub": cut.media,
        "elements": cut.element_list.sha256(),
        "iat": int(now.timestamp()),
        "exp": int((now + _VALID).timestamp()),
        "jti": services.new_id("evt"),
        "verdict": proven.verdict,
        "proofs": [each.model_dump(mode="json", exclude_none=True) for each in proven.proofs],
    }
    return sign_proof(services.keys, claims)


def still_of(services: Services, claims: dict[str, Any], still: str) -> ProofStill:
    """A still that the claims of a signed proof name.

    Raises:
        Problem: NOT_FOUND for one that it does not name; MEDIA_OFFLINE; TOO_LARGE.
    """
    if still not in {each.get("still") for each in claims["proofs"]}:
        raise Problem("NOT_FOUND", f"The proof names no still {still}.", "Give one of the stills that its proofs name.")
    size, most = services.media.size(still), services.settings.inline_limit
    if size > most:
        raise Problem("TOO_LARGE", f"The still has {size} bytes; an answer holds {most}.", "Raise inline_limit.")
    content = services.media.path(still).read_bytes()
    return ProofStill(still=still, bytes=size, content_base64=base64.b64encode(content).decode())


def check_conditions(conditions: tuple[ConditionWanted, ...]) -> None:
    """Raises Problem INVALID_ARGUMENT for a condition that does not say what it is about."""
    for number, each in enumerate(conditions, start=1):
        if each.type in ("credit", "disclaimer") and not each.text.strip():
            raise Problem(
                "INVALID_ARGUMENT",
                f"Condition {number} is a {each.type} without words.",
                "Give the words that must be shown, as text.",
            )
        if each.type not in ("credit", "disclaimer") and not each.ref:
            raise Problem(
                "INVALID_ARGUMENT",
                f"Condition {number} ({each.type}) does not say what it is about.",
                "Give its ref, such as logo:lark-and-finch.",
            )


def _limits(services: Services) -> media_worker.Limits:
    settings = services.settings
    return media_worker.Limits(
        memory_bytes=settings.worker_memory, cpu_seconds=settings.worker_seconds, wall_seconds=settings.worker_seconds
    )
