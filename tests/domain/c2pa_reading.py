"""A reader of content credentials in MP4 that shares nothing with the library that wrote them: for tests.

ISO 14496-12 boxes, ISO 19566-5 JUMBF, RFC 8949 CBOR, RFC 9052 COSE, C2PA 2.4 sections 11 (manifests) and A.5 (BMFF).
"""

import base64
import hashlib
import struct
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

C2PA = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")


def boxes(data: bytes, at: int = 0, end: int | None = None) -> list[tuple[bytes, int, int, int]]:
    """Kind, begin, begin of the content and end of each box."""
    found: list[tuple[bytes, int, int, int]] = []
    end = len(data) if end is None else end
    while at + 8 <= end:
        size, kind = struct.unpack(">I4s", data[at : at + 8])
        head = 8
        if size == 1:
            size, head = struct.unpack(">Q", data[at + 8 : at + 16])[0], 16
        size = size or end - at
        found.append((kind, at, at + head, at + size))
        at += size
    return found


def cbor(data: bytes, at: int = 0) -> tuple[Any, int]:
    """A value, and where the next begins. A tagged one is given without its tag."""
    major, small = data[at] >> 5, data[at] & 31
    at += 1
    if small < 24:
        number = small
    else:
        width = 1 << (small - 24)
        number, at = int.from_bytes(data[at : at + width]), at + width
    if major == 7:
        return {20: False, 21: True, 22: None}[small], at
    if major < 2:
        return (number if major == 0 else -1 - number), at
    if major < 4:
        raw = data[at : at + number]
        return (raw if major == 2 else raw.decode()), at + number
    if major == 6:
        return cbor(data, at)
    items: list[Any] = []
    for _ in range(number * (major - 3)):
        item, at = cbor(data, at)
        items.append(item)
    return (items if major == 4 else dict(zip(items[::2], items[1::2], strict=True))), at


def jumbf(data: bytes, path: str = "") -> dict[str, tuple[bytes, list[bytes]]]:
    """By path of labels: the content of each superbox, which hashed URIs are over, and its content boxes."""
    found: dict[str, tuple[bytes, list[bytes]]] = {}
    for kind, _, begin, end in boxes(data):
        if kind == b"jumb":
            inner = boxes(data, begin, end)
            _, _, first, last = inner[0]
            label = data[first + 17 : last].split(b"\0")[0].decode()
            here = f"{path}/{label}"
            found[here] = (data[begin:end], [data[b:e] for k, _, b, e in inner[1:] if k != b"jumb"])
            for k, s, _, e in inner[1:]:
                if k == b"jumb":
                    found |= jumbf(data[s:e], here)
    return found


def manifest_store(data: bytes) -> bytes:
    """The JUMBF of a file's C2PA box: it follows the purpose and the place of the Merkle tree."""
    place = next((b, e) for kind, _, b, e in boxes(data) if kind == b"uuid" and data[b : b + 16] == C2PA)
    body = data[place[0] + 20 : place[1]]
    return body[body.index(b"\0") + 1 + 8 :]


def verify(data: bytes, authority: bytes) -> dict[str, Any]:
    """The assertions of the active manifest by label, if everything holds; else AssertionError."""
    store = jumbf(manifest_store(data))
    active = [path for path in store if path.count("/") == 2][-1]
    protected, _, payload, signature = cbor(store[f"{active}/c2pa.signature"][1][0])[0]
    raw_claim = next(store[p][1][0] for p in store if p.startswith(f"{active}/c2pa.claim"))
    assert payload is None
    _signed(protected, raw_claim, signature, x509.load_pem_x509_certificate(authority))
    claim = cbor(raw_claim)[0]
    assertions: dict[str, Any] = {}
    for each in claim["created_assertions"] + claim.get("gathered_assertions", []):
        place = f"{active}/" + each["url"].removeprefix("self#jumbf=")
        assert hashlib.sha256(store[place][0]).digest() == each["hash"], f"{place} was changed"
        assertions[place.rpartition("/")[2]] = cbor(store[place][1][0])[0]
    _bound(data, assertions["c2pa.hash.bmff.v3"])
    return assertions


def _signed(protected: bytes, claim: bytes, signature: bytes, authority: x509.Certificate) -> None:
    headers = cbor(protected)[0]
    assert headers[1] == -7, "not ES256"
    chain = [x509.load_der_x509_certificate(each) for each in headers[33]]
    chain[0].verify_directly_issued_by(authority)
    parts = [b"\x84\x6aSignature1", _bytes(protected), b"\x40", _bytes(claim)]
    r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
    public = chain[0].public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey)
    public.verify(encode_dss_signature(r, s), b"".join(parts), ec.ECDSA(hashes.SHA256()))


def _bytes(data: bytes) -> bytes:
    size = len(data)
    return (b"\x58" + bytes([size]) if size < 256 else b"\x59" + size.to_bytes(2)) + data


def _bound(data: bytes, said: dict[str, Any]) -> None:
    left_out = {each["xpath"].removeprefix("/").encode() for each in said["exclusions"]}
    digest = hashlib.sha256()
    for kind, begin, content, end in boxes(data):
        if kind in left_out and (kind != b"uuid" or data[content : content + 16] == C2PA):
            continue
        digest.update(begin.to_bytes(8))
        digest.update(data[begin:end])
    assert digest.digest() == said["hash"], f"the media was changed: {base64.b64encode(said['hash']).decode()}"
