"""Proof through a real client: a cut is rendered, its conditions are proven from the file, and the word is signed."""

import base64
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
import pytest
from holdback_base.database import Database
from holdback_base.elements import Box, CutFacts, Element, ElementList
from holdback_base.ids import id_maker
from holdback_base.vocabulary import Rate, Span
from holdback_servers.editing.server import build
from holdback_servers.editing.store import METADATA, TABLES
from holdback_servers.services import open_services
from holdback_servers.serving import Door
from holdback_servers.settings import Settings
from holdback_trust.audit import AuditLog
from holdback_trust.identity import Caller
from holdback_trust.keys import KeyPair, KeyRing
from holdback_trust.policy import local_caller
from holdback_trust.statements import read_proof, sign_cut
from mcp.client import Client
from sqlalchemy import Connection

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
ASSETS, EDITING = KeyPair.generate(), KeyPair.generate()
RING = KeyRing({"mcp:assets": [ASSETS.public_jwk], "mcp:editing": [EDITING.public_jwk]})
WIDE, HIGH, FRAMES = 320, 180, 30
WORDS = "A film by Ada"


@asynccontextmanager
async def _room(home: Path, caller: Caller | None = None) -> AsyncGenerator[tuple[Client, Door]]:
    services = open_services(
        Database(home / "db" / "editing.sqlite", METADATA),
        TABLES,
        settings=Settings(home=home),
        clock=lambda: NOW,
        new_id=id_maker(lambda: NOW),
        keys=EDITING,
        ring=RING,
        audit=AuditLog(home / "audit", EDITING, lambda: NOW),
    )
    door = build(services, local=caller or local_caller("person:sam", True, "mcp:editing"))
    async with door.serving(), Client(door.mcp) as client:
        yield client, door
    services.audit.close()
    services.database.close()


def _film(path: Path) -> None:
    """A still landscape of noise with a sharp sign in it."""
    chance = np.random.default_rng(1)
    picture = np.full((HIGH * 3 // 2, WIDE), 128, np.uint8)
    picture[:HIGH] = np.kron(chance.integers(60, 180, (18, 32)), np.ones((10, 10)))
    picture[54:108, 128:208] = np.kron(chance.integers(0, 2, (9, 10)) * 200 + 20, np.ones((6, 8)))
    with av.open(str(path), "w", format="mp4") as container:
        out: Any = container
        stream = out.add_stream("libx264", rate=24, options={"preset": "ultrafast", "crf": "12", "threads": "1"})
        stream.width, stream.height, stream.pix_fmt = WIDE, HIGH, "yuv420p"
        for number in range(FRAMES):
            frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, 24)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


async def _ask(client: Client, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
    answer = await client.call_tool(tool, arguments)
    assert not answer.is_error, answer.structured_content
    return cast(dict[str, Any], answer.structured_content)


async def _result(client: Client, job: dict[str, Any]) -> dict[str, Any]:
    seq = -1
    while job["state"] in ("queued", "running"):
        job = await _ask(client, "get_job", {"job_id": job["id"], "wait_seconds": 20, "after_seq": seq})
        seq = job["seq"]
    assert job["state"] == "succeeded", job.get("problem")
    return job["result"]


def _source(door: Door, folder: Path) -> tuple[str, str]:
    _film(folder / "film.mp4")
    media = door.services.media.put(folder / "film.mp4")
    sign = Element(
        id="sign",
        kind="logo",
        ref="logo:finch",
        name="a sign",
        spans=(Span(in_frame=0, out_frame=FRAMES),),
        box=Box(x=400, y=300, width=250, height=300),
    )
    elements = ElementList(rate=Rate(num=24), frames=FRAMES, elements=(sign,))
    return media, sign_cut(
        ASSETS, "mcp:assets", CutFacts(media=media, element_list=elements, width=WIDE, height=HIGH), NOW
    )


@pytest.mark.asyncio
async def test_conditions_are_proven_from_the_render_and_the_proof_is_signed(tmp_path: Path) -> None:
    async with _room(tmp_path / "home") as (client, door):
        film, word = _source(door, tmp_path)
        clips = [{"media": film, "in_frame": 0, "out_frame": FRAMES}]
        made = await _ask(client, "create_timeline", {"title": "Sign", "sources": [word], "clips": clips})
        credit = {"op": "add_credit", "text": WORDS, "span": {"in_frame": 0, "out_frame": FRAMES}}
        operations = [{"op": "blur", "element": "sign"}, credit]
        revised = await _ask(client, "revise_timeline", {"timeline_id": made["id"], "operations": operations})
        rendered = await _result(client, await _ask(client, "render_timeline", {"timeline_id": revised["id"]}))
        conditions = [
            {"key": "C1", "type": "blur", "ref": "logo:finch"},
            {"key": "C2", "type": "credit", "text": WORDS, "min_seconds": 1},
        ]
        wanted = {"cut_statement": rendered["statement"], "conditions": conditions}
        report = await _result(client, await _ask(client, "prove_conditions", wanted))
        claims = read_proof(report["statement"], RING, NOW)
        stills = [door.services.media.path(each["still"]).read_bytes()[:4] for each in report["proofs"]]
        seen = [
            await _ask(client, "get_proof_still", {"proof_statement": report["statement"], "still": each["still"]})
            for each in report["proofs"]
        ]
        film_as_still = {"proof_statement": report["statement"], "still": film}
        refused = (await client.call_tool("get_proof_still", film_as_still)).structured_content
        bare = await client.call_tool(
            "prove_conditions", {"cut_statement": rendered["statement"], "conditions": [{"type": "credit"}]}
        )
        door.services.media.close(film, "court-ruling")
        closed = {door.services.media.story(each["still"]) for each in report["proofs"]}
    assert closed == {"court-ruling"}, "a still is closed with the film that was rendered into what it shows"
    assert [(each["key"], each["verdict"]) for each in report["proofs"]] == [("C1", "proven"), ("C2", "proven")]
    assert report["verdict"] == claims["verdict"] == "proven"
    assert (claims["sub"], claims["elements"]) == (rendered["media"], rendered["elements_sha256"])
    assert stills == [b"\x89PNG", b"\x89PNG"]
    assert [base64.b64decode(each["content_base64"])[:4] for each in seen] == stills
    assert refused is not None
    assert refused["code"] == "NOT_FOUND"
    assert bare.is_error
    assert "without words" in str(bare.structured_content)


@pytest.mark.asyncio
async def test_a_region_is_followed_and_a_shape_suggested_for_the_operations_that_take_them(tmp_path: Path) -> None:
    async with _room(tmp_path / "home") as (client, door):
        film, word = _source(door, tmp_path)
        clips = [{"media": film, "in_frame": 0, "out_frame": FRAMES}]
        made = await _ask(client, "create_timeline", {"title": "Sign", "sources": [word], "clips": clips})
        region = {
            "media": film,
            "rate": {"num": 24},
            "frame": 3,
            "box": {"x": 400, "y": 300, "width": 250, "height": 300},
            "span": {"in_frame": 0, "out_frame": FRAMES},
        }
        tracked = await _result(client, await _ask(client, "track_region", region))
        suggested = await _result(client, await _ask(client, "suggest_reframe", {"timeline_id": made["id"]}))
        operations = [
            {"op": "blur", "media": film, "path": tracked["path"]},
            {"op": "reframe", "aspect": suggested["aspect"], "centres": suggested["centres"]},
        ]
        revised = await _ask(client, "revise_timeline", {"timeline_id": made["id"], "operations": operations})
        outside = await client.call_tool("track_region", region | {"frame": FRAMES})
    assert tracked.get("lost", []) == []
    assert tracked["box"] == region["box"]
    assert suggested["centres"][0]["clip"] == "c1"
    assert revised["revision"] == 2
    assert outside.is_error
    assert "outside the span" in str(outside.structured_content)


@pytest.mark.asyncio
@pytest.mark.processes
@pytest.mark.parametrize("style", ["blur", "pixelate", "fill", None])
async def test_a_region_is_judged_through_a_dissolve_slow_motion_and_another_shape(
    tmp_path: Path, style: str | None
) -> None:
    async with _room(tmp_path / "home") as (client, door):
        film, word = _source(door, tmp_path)
        clips = [
            {"media": film, "in_frame": 0, "out_frame": 12},
            {"media": film, "in_frame": 14, "out_frame": 26, "speed": 50},
        ]
        made = await _ask(client, "create_timeline", {"title": "Sign", "sources": [word], "clips": clips})
        operations: list[dict[str, Any]] = [
            {"op": "add_transition", "clip": "c2", "before": 2, "after": 2},
            {"op": "reframe", "aspect": "9:16"},
        ]
        if style:
            operations.append({"op": "blur", "element": "sign", "style": style})
        revised = await _ask(client, "revise_timeline", {"timeline_id": made["id"], "operations": operations})
        rendered = await _result(client, await _ask(client, "render_timeline", {"timeline_id": revised["id"]}))
        wanted = {"cut_statement": rendered["statement"], "conditions": [{"type": "blur", "ref": "logo:finch"}]}
        (proof,) = (await _result(client, await _ask(client, "prove_conditions", wanted)))["proofs"]
    assert proof["verdict"] == ("proven" if style else "contradicted"), proof
    assert proof.get("failing", []) == ([] if style else [{"in_frame": 0, "out_frame": 36}])


@pytest.mark.asyncio
async def test_who_may_only_read_cancels_a_proof_and_no_render(tmp_path: Path) -> None:
    sam = local_caller("person:sam", True, "mcp:editing")
    async with _room(tmp_path, sam.model_copy(update={"scopes": frozenset({"editing:read"})})) as (client, door):
        jobs = door.services.jobs

        def queue(kind: str) -> Callable[[Connection], str]:
            return lambda c: jobs.submit(c, kind, {}, "person:sam").id

        proof, render = [await door.services.database.write(queue(kind)) for kind in ("prove", "render")]
        stopped = await _ask(client, "cancel_job", {"job_id": proof})
        refused = (await client.call_tool("cancel_job", {"job_id": render})).structured_content
    assert stopped["state"] == "cancelled"
    assert refused is not None
    assert (refused["code"], refused["details"]) == ("PERMISSION_DENIED", {"scope": "editing:write"})
