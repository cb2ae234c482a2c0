"""Connections that take too long, say too much, or speak in the clear where they must not."""

import asyncio
import datetime
import ssl
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from holdback import connections
from holdback.connections import Impatient
from holdback.serving import address, listen, served
from holdback_base.problem import Problem
from holdback_servers.settings import Settings
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

pytestmark = pytest.mark.asyncio


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    try:
        body = await Request(scope, receive).body()
    except ClientDisconnect:
        body = b"left"
    await PlainTextResponse(body)(scope, receive, send)


async def _said(port: int, *pieces: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for piece in pieces:
            writer.write(piece)
        await writer.drain()
        return await reader.read()
    except ConnectionError:  # hung up on before it had said all
        return b""
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def test_headers_that_never_end_are_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEADER_SECONDS", 0.1)
    listener = listen("127.0.0.1", 0)
    async with served(echo, listener):
        port = listener.getsockname()[1]
        assert await _said(port, b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ") == b""
        assert await _said(port) == b""


async def test_headers_of_a_second_request_that_never_end_are_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    listener = listen("127.0.0.1", 0)
    async with served(echo, listener):
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.getsockname()[1])
        writer.write(b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2\r\n\r\nhi")
        first = await reader.readuntil(b"\r\n\r\nhi")
        monkeypatch.setattr(connections, "HEADER_SECONDS", 0.1)
        writer.write(b"GET / HTTP/1.1\r\nX: ")
        rest = await reader.read()
        writer.close()
        await writer.wait_closed()
    assert b"200 OK" in first
    assert rest == b""


async def test_headers_without_end_are_not_kept() -> None:
    listener = listen("127.0.0.1", 0)
    async with served(echo, listener):
        many = b"".join(b"X-%d: %s\r\n" % (number, b"a" * 1000) for number in range(70))
        answer = await _said(listener.getsockname()[1], b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n" + many)
    assert answer.startswith(b"HTTP/1.1 400")


async def test_a_body_that_falls_silent_counts_as_a_client_that_left() -> None:
    listener = listen("127.0.0.1", 0)
    async with served(Impatient(echo, 0.05), listener):
        head = b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Length: 20\r\n\r\nhalf"
        answer = await _said(listener.getsockname()[1], head)
    assert answer.endswith(b"left")


async def test_an_address_that_others_reach_is_served_over_tls_under_its_name_only(tmp_path: Path) -> None:
    certificate, key = _self_signed(tmp_path, "house.example")
    settings = Settings(home=tmp_path, tls_certificate=certificate, tls_key=key, names=("house.example",))
    listener = listen("127.0.0.1", 0)
    url = address(settings.model_copy(update={"host": "0.0.0.0"}), listener)
    assert url == f"https://house.example:{listener.getsockname()[1]}"
    context = ssl.create_default_context(cafile=str(certificate))
    async with served(echo, listener, settings), httpx.AsyncClient(verify=context, timeout=100) as client:
        here = f"https://127.0.0.1:{listener.getsockname()[1]}/"
        extensions = {"sni_hostname": "house.example"}
        named = await client.post(here, content=b"in", headers={"host": "house.example"}, extensions=extensions)
        other = await client.post(here, content=b"in", headers={"host": "evil.example"}, extensions=extensions)
        with pytest.raises(httpx.HTTPError):
            await client.get(here.replace("https", "http"))
    assert (named.status_code, named.text) == (200, "in")
    assert (other.status_code, other.json()["code"]) == (403, "PERMISSION_DENIED")


async def test_an_address_that_others_reach_is_not_served_in_the_clear(tmp_path: Path) -> None:
    listener = listen("127.0.0.1", 0)
    with pytest.raises(Problem, match="in the clear"):
        address(Settings(home=tmp_path, host="0.0.0.0"), listener)
    listener.close()


async def test_a_certificate_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    listener = listen("127.0.0.1", 0)
    with pytest.raises(Problem, match=r"missing\.pem"):
        async with served(echo, listener, Settings(home=tmp_path, tls_certificate=tmp_path / "missing.pem")):
            pass
    listener.close()


def _self_signed(folder: Path, name: str) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.fromisoformat("2026-01-01T00:00:00+00:00")
    certificate = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now.replace(year=2100))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(pem))
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "key.pem").write_bytes(private)
    return folder / "certificate.pem", folder / "key.pem"
