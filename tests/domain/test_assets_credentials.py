"""Content credentials of what comes in: read without the network, believed by certificates, kept as values."""

import json
from pathlib import Path
from typing import Any

import c2pa
import pytest
from holdback_base.ids import system_clock
from holdback_base.problem import Problem
from holdback_servers.assets.credentials import stated, warnings
from holdback_servers.content_credentials import Credentials, anchors, read_file, summary
from holdback_servers.editing.credentials.house import house_signer
from holdback_servers.settings import Settings
from PIL import Image

GENERATED = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
MANIFEST: dict[str, Any] = {
    "claim_generator_info": [{"name": "Camera", "version": "7"}],
    "title": "Sunset",
    "assertions": [
        {
            "label": "c2pa.actions.v2",
            "data": {"actions": [{"action": "c2pa.created", "digitalSourceType": GENERATED}]},
        },
        {"label": "cawg.training-mining", "data": {"entries": {"cawg.ai_training": {"use": "notAllowed"}}}},
    ],
}


def _signed(folder: Path, *, address: str | None = None) -> tuple[Path, str]:
    """A still with credentials, or with no more than an address of some; and the authority of who signed it."""
    plain, signed = folder / "plain.jpg", folder / "signed.jpg"
    Image.new("RGB", (16, 16), (200, 90, 30)).save(plain)
    signer = house_signer(folder / "camera", system_clock())
    with c2pa.Builder(json.dumps(MANIFEST)) as builder:
        if address is not None:
            builder.set_no_embed()
            builder.set_remote_url(address)
        how = c2pa.Signer.from_callback(signer.sign, c2pa.C2paSigningAlg.ES256, signer.chain)
        with how, plain.open("rb") as source, signed.open("w+b") as out:
            builder.sign(how, "image/jpeg", source, out)
    return signed, signer.authority


def _read(path: Path, believed: str = "") -> Credentials:
    return Credentials.model_validate(read_file({"path": str(path), "anchors": believed}, None))


def test_what_is_signed_is_trusted_only_where_its_signer_is_known(tmp_path: Path) -> None:
    path, authority = _signed(tmp_path)
    stranger = house_signer(tmp_path / "stranger", system_clock()).authority
    assert [_read(path, each).state for each in ("", stranger, authority)] == ["Valid", "Valid", "Trusted"]


def test_a_signed_file_tells_its_maker_what_it_may_be_used_for_and_that_a_model_made_it(tmp_path: Path) -> None:
    path, authority = _signed(tmp_path)
    told = stated(_read(path, authority))
    assert told["credentials"] == "Trusted"
    assert told["credentials_generator"] == "Camera 7"
    assert told["credentials_training"] == ("ai_training: notAllowed",)
    assert told["credentials_synthetic"] is True
    assert told["credentials_source_types"] == ("trainedAlgorithmicMedia",)


def test_a_changed_file_is_invalid_and_warns_with_the_reason(tmp_path: Path) -> None:
    path, authority = _signed(tmp_path)
    content = bytearray(path.read_bytes())
    content[-30] ^= 1
    path.write_bytes(content)
    found = _read(path, authority)
    assert found.state == "Invalid"
    assert "assertion.dataHash.mismatch" in warnings(found)[0]


def test_credentials_at_an_address_are_told_and_not_fetched(tmp_path: Path) -> None:
    path, authority = _signed(tmp_path, address="http://127.0.0.1:9/manifest.c2pa")
    found = _read(path, authority)
    assert (found.state, found.address) == ("elsewhere", "http://127.0.0.1:9/manifest.c2pa")
    assert stated(found)["credentials_address"] == "http://127.0.0.1:9/manifest.c2pa"


def test_a_file_without_credentials_says_nothing(tmp_path: Path) -> None:
    _signed(tmp_path)
    other = tmp_path / "notes.bin"
    other.write_bytes(b"words and words and words")
    assert [_read(each).state for each in (tmp_path / "plain.jpg", other)] == ["none", "none"]
    assert stated(_read(other)) == {}


def test_the_house_believes_its_own_authority_and_the_certificates_it_is_given(tmp_path: Path) -> None:
    path, authority = _signed(tmp_path)
    settings = Settings(home=tmp_path / "home")
    assert anchors(settings) == ""
    house_signer(settings.home / "keys" / "credentials", system_clock())
    folder = settings.home / "trust_anchors"
    folder.mkdir()
    (folder / "camera.pem").write_text(authority)
    assert _read(path, anchors(settings)).state == "Trusted"
    assert anchors(settings).count("BEGIN CERTIFICATE") == 2
    (folder / "notes.pem").write_text("not a certificate")
    with pytest.raises(Problem, match=r"notes\.pem among the trust anchors"):
        anchors(settings)


@pytest.mark.parametrize(
    "active",
    [
        {"assertions": 7, "ingredients": "x", "signature_info": [], "claim_generator_info": {}},
        {"assertions": [3, {"label": "c2pa.actions", "data": {"actions": [4, {}]}}], "ingredients": [None]},
        {"title": "x" * 10_000, "claim_generator_info": [{"name": ["a"]}]},
    ],
)
def test_odd_shapes_in_credentials_are_read_without_harm(active: dict[str, Any]) -> None:
    found = summary({"active_manifest": "a", "manifests": {"a": active}, "validation_state": "Valid"})
    assert found.state == "Valid"
    assert len(found.title or "") <= 500
