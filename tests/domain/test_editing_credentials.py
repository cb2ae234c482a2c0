"""Content credentials of deliveries: written without the key, signed by the house, and believed by other readers."""

import asyncio
import base64
import runpy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from holdback_base.database import Database
from holdback_base.elements import CutFacts, Element, ElementList
from holdback_base.ids import id_maker
from holdback_base.problem import Problem
from holdback_base.vocabulary import Rate, Span
from holdback_servers.content_credentials import Credentials, read_file
from holdback_servers.editing import store
from holdback_servers.editing.credentials.house import HouseSigner, house_signer
from holdback_servers.editing.credentials.writing import marker, write_unsigned
from holdback_servers.editing.delivering import sign_delivery
from holdback_servers.editing.model import Timeline
from holdback_servers.editing.parts import Clip
from holdback_servers.media_store import MediaStore, file_sha256
from holdback_servers.services import open_services
from holdback_servers.settings import Settings
from holdback_trust.audit import AuditLog
from holdback_trust.keys import KeyPair, KeyRing

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
RATE = Rate(num=24)
verify = runpy.run_path(str(Path(__file__).with_name("c2pa_reading.py")))["verify"]


def _film(path: Path, shade: int, form: str = "mp4") -> str:
    with av.open(str(path), "w", format=form) as container:
        out: Any = container
        picture = out.add_stream("libx264", rate=24, options={"preset": "ultrafast"})
        picture.width, picture.height, picture.pix_fmt = 32, 32, "yuv420p"
        for number in range(12):
            frame = av.VideoFrame.from_ndarray(np.full((48, 32), shade + number, np.uint8), format="yuv420p")
            out.mux(picture.encode(frame))
        out.mux(picture.encode(None))
    return file_sha256(path)


def _timeline(media: list[str], **more: Any) -> Timeline:
    facts: list[CutFacts] = []
    for name in dict.fromkeys(media):
        element = Element(id="el", kind="programme", ref="film:a", name="A", spans=(Span(in_frame=0, out_frame=12),))
        elements = ElementList(rate=RATE, frames=12, elements=(element,))
        facts.append(CutFacts(media=name, element_list=elements, width=32, height=32, title=f"Film {name[7:9]}"))
    clips = [Clip(id=f"c{at}", media=name, source=Span(in_frame=0, out_frame=4)) for at, name in enumerate(media)]
    fields = {"title": "A cut", "rate": RATE, "width": 32, "height": 32, "by": "person:sam", "made": NOW} | more
    return Timeline(id="tl_1", root="tl_1", revision=1, sources=tuple(facts), clips=tuple(clips), **fields)


def _signed(folder: Path, timeline: Timeline, files: dict[str, Path], unsigned: Path, signer: HouseSigner) -> Path:
    output = folder / "out.mp4"
    arguments = {
        "timeline": timeline.model_dump(mode="json", exclude_none=True),
        "changes": ["Shot c1 was cut."],
        "files": {name: str(path) for name, path in files.items()},
        "unsigned": str(unsigned),
        "output": str(output),
        "chain": signer.chain,
        "anchors": signer.authority,
    }
    answer = write_unsigned(arguments, lambda *_: None)
    to_sign = base64.b64decode(answer["to_sign"])
    content = output.read_bytes()
    assert content.count(marker(to_sign)) == 1
    output.write_bytes(content.replace(marker(to_sign), signer.sign(to_sign)))
    return output


def _read(path: Path, anchors: str = "") -> Credentials:
    return Credentials.model_validate(read_file({"path": str(path), "anchors": anchors}, None))


def test_a_cut_of_one_film_is_opened_from_it_and_trusted_by_who_knows_the_house(tmp_path: Path) -> None:
    film, cut = tmp_path / "film.mp4", tmp_path / "cut.mp4"
    media = _film(film, 20)
    _film(cut, 60)
    signer = house_signer(tmp_path / "keys", NOW)
    timeline = _timeline([media, media], ai_configs=("urn:holdback:agent:choice:1",))
    output = _signed(tmp_path, timeline, {media: film}, cut, signer)
    found = _read(output, signer.authority)
    assert (found.state, _read(output).state) == ("Trusted", "Valid")
    assert found.actions[0].action == "c2pa.opened"
    assert [(each.relationship, each.has_credentials) for each in found.ingredients] == [("parentOf", False)]
    assert "urn:holdback:agent:choice:1" in {each.agent for each in found.actions}
    assert not found.synthetic
    assert str(tmp_path).encode() not in output.read_bytes()


def test_another_reader_verifies_signature_assertions_and_media_of_a_delivery(tmp_path: Path) -> None:
    film, cut = tmp_path / "film.mp4", tmp_path / "cut.mp4"
    media = _film(film, 20)
    _film(cut, 60)
    signer = house_signer(tmp_path / "keys", NOW)
    output = _signed(tmp_path, _timeline([media]), {media: film}, cut, signer)
    content = output.read_bytes()
    assertions = verify(content, signer.authority.encode())
    edited = next(each for each in assertions["c2pa.actions.v2"]["actions"] if each["action"] == "c2pa.edited")
    assert edited["parameters"]["changes"] == ["Shot c1 was cut."]
    assert edited["when"] == "2026-11-22T12:00:00Z"
    spoiled = bytearray(content)
    spoiled[-40] ^= 1
    with pytest.raises(AssertionError, match="media was changed"):
        verify(bytes(spoiled), signer.authority.encode())


def test_one_changed_byte_makes_credentials_invalid_and_says_what_does_not_hold(tmp_path: Path) -> None:
    film, cut = tmp_path / "film.mp4", tmp_path / "cut.mp4"
    media = _film(film, 20)
    _film(cut, 60)
    signer = house_signer(tmp_path / "keys", NOW)
    output = _signed(tmp_path, _timeline([media]), {media: film}, cut, signer)
    content = bytearray(output.read_bytes())
    content[-40] ^= 1
    output.write_bytes(content)
    found = _read(output, signer.authority)
    assert found.state == "Invalid"
    assert any(each.startswith("assertion.bmffHash.mismatch") for each in found.problems)


def test_a_cut_of_several_films_is_created_and_names_each_with_its_own_credentials(tmp_path: Path) -> None:
    first, second, cut = (tmp_path / f"{name}.mp4" for name in ("first", "second", "cut"))
    one, plain = _film(first, 20), _film(second, 90)
    _film(cut, 60)
    signer = house_signer(tmp_path / "keys", NOW)
    folder = tmp_path / "earlier"
    folder.mkdir()
    earlier = _signed(folder, _timeline([one]), {one: first}, cut, signer)
    media = file_sha256(earlier)
    output = _signed(tmp_path, _timeline([media, plain]), {media: earlier, plain: second}, cut, signer)
    found = _read(output, signer.authority)
    assert (found.state, found.actions[0].action, found.source_types) == ("Trusted", "c2pa.created", ("composite",))
    assert [(each.relationship, each.has_credentials) for each in found.ingredients] == [
        ("componentOf", True),
        ("componentOf", False),
    ]
    assert [each.problems for each in found.ingredients] == [(), ()]  # the house knows who signed its own earlier cut


def test_a_source_of_a_form_without_credentials_is_an_ingredient_all_the_same(tmp_path: Path) -> None:
    film, cut = tmp_path / "film.mkv", tmp_path / "cut.mp4"
    media = _film(film, 20, "matroska")
    _film(cut, 60)
    signer = house_signer(tmp_path / "keys", NOW)
    output = _signed(tmp_path, _timeline([media]), {media: film}, cut, signer)
    found = _read(output, signer.authority)
    assert (found.state, [each.relationship for each in found.ingredients]) == ("Trusted", ["parentOf"])


def test_a_delivery_that_cannot_carry_credentials_is_refused(tmp_path: Path) -> None:
    film, cut = tmp_path / "film.mp4", tmp_path / "cut.mkv"
    media = _film(film, 20)
    _film(cut, 60, "matroska")
    with pytest.raises(Problem, match="MP4 and MOV"):
        _signed(tmp_path, _timeline([media]), {media: film}, cut, house_signer(tmp_path / "keys", NOW))


def test_the_house_has_one_signer_whose_keys_nobody_else_reads(tmp_path: Path) -> None:
    first, again = house_signer(tmp_path / "keys", NOW), house_signer(tmp_path / "keys", NOW)
    assert first.chain == again.chain
    assert {(tmp_path / "keys" / f"{name}.pem").stat().st_mode & 0o777 for name in ("authority", "signing")} == {0o600}
    (tmp_path / "keys" / "signing.pem").unlink()
    with pytest.raises(Problem, match=r"signing\.crt is not of the key"):
        house_signer(tmp_path / "keys", NOW)


@pytest.mark.processes
def test_a_delivery_is_signed_through_the_media_worker_and_checked_there(tmp_path: Path) -> None:
    async def deliver() -> Path:
        keys = KeyPair.generate()
        services = open_services(
            Database(tmp_path / "editing.sqlite", store.METADATA),
            store.TABLES,
            settings=Settings(home=tmp_path),
            clock=lambda: NOW,
            new_id=id_maker(lambda: NOW),
            keys=keys,
            ring=KeyRing({}),
            audit=AuditLog(tmp_path / "audit", keys, lambda: NOW),
        )
        media = MediaStore(tmp_path / "media")
        _film(tmp_path / "film.mp4", 20)
        name = media.put(tmp_path / "film.mp4")
        with media.workspace() as work:
            _film(work / "cut.mp4", 60)
            await services.database.write(lambda c: None)
            signed = await sign_delivery(services, work / "cut.mp4", _timeline([name]), work)
            kept = tmp_path / "kept.mp4"
            kept.write_bytes(signed.read_bytes())
        services.audit.close()
        services.database.close()
        return kept

    kept = asyncio.run(deliver())
    authority = (tmp_path / "keys" / "credentials" / "authority.crt").read_bytes()
    assert "c2pa.actions.v2" in verify(kept.read_bytes(), authority)
