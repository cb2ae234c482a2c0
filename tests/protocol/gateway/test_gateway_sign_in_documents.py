"""Programs that are known by the document at the address that is their id."""

import asyncio
import json
import ssl
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import httpx2
import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from holdback_base.ids import system_clock
from holdback_trust.egress import Egress

pytestmark = pytest.mark.asyncio
Enter = Callable[..., Any]


@dataclass
class Publisher:
    """Serves one document over TLS, as `client.example`, and counts who asks."""

    address: str
    tls: ssl.SSLContext
    asked: list[str]


@asynccontextmanager
async def published(folder: Path, document: Callable[[str], bytes]) -> AsyncGenerator[Publisher]:
    serving, trusting = _certificate(folder, "client.example")
    asked: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, EOFError):  # whoever has read enough hangs up
            asked.append((await reader.readuntil(b"\r\n\r\n")).decode().split(" ")[1])
            body = document(address)
            head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
            writer.write(head.encode() + body)
            await writer.drain()
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    before = asyncio.all_tasks()
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=serving)
    address = f"https://client.example:{server.sockets[0].getsockname()[1]}/client.json"
    try:
        yield Publisher(address, trusting, asked)
    finally:
        server.close()
        while left := asyncio.all_tasks() - before:  # who gave up at once may be let in only now
            await asyncio.wait(left)


def _certificate(folder: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    who, key = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]), ec.generate_private_key(ec.SECP256R1())
    begin = system_clock() - timedelta(days=1)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=3))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    text = certificate.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "both.pem").write_bytes(private + text)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(folder / "both.pem")
    return serving, ssl.create_default_context(cadata=text.decode())


def _told(address: str, **changes: Any) -> bytes:
    told = {
        "client_id": address,
        "client_name": "Desk of Example",
        "redirect_uris": ["http://127.0.0.1/callback"],
        "grant_types": ["authorization_code"],
    }
    return json.dumps(told | changes).encode()


@dataclass(frozen=True)
class Allowed:
    hosts: tuple[str, ...] = ()
    private: tuple[str, ...] = ()


def _egress(publisher: Publisher, *hosts: str) -> Egress:
    async def here(_host: str, _port: int) -> list[str]:
        return ["127.0.0.1"]

    port = httpx.URL(publisher.address).port
    allowed = Allowed(tuple(f"{each}:{port}" for each in hosts), ("127.0.0.1/32",))
    return Egress(allowed, resolve=here, tls=lambda: publisher.tls)


async def test_a_program_is_known_by_the_document_at_the_address_that_is_its_id(enter: Enter, tmp_path: Path) -> None:
    async with (
        published(tmp_path, _told) as publisher,
        enter(egress=_egress(publisher, "client.example")) as step,
    ):
        await step.sign_in(client_id=publisher.address)
        assert "Desk of Example" in step.browser.text
        assert "<b>client.example</b> vouches for this program" in step.browser.text
        code = await step.browser.allow()
        form = step.browser.code_form(code, client_id=publisher.address)
        answer = (await step.browser.redeem(form)).json()
    assert jwt.decode(answer["access_token"], options={"verify_signature": False})["aud"] == "mcp:assets"
    assert "refresh_token" not in answer, "its document does not ask for one"
    assert publisher.asked == ["/client.json"], "it is asked for once"


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (lambda address: _told(address, client_id="https://client.example/another"), "another client_id"),
        (lambda address: _told(address, redirect_uris=["https://client.example/back"]), "an address that it is not"),
        (lambda address: _told(address, client_name="x" * 6000), "5120 bytes"),
        (lambda _: b"<html>", "is not JSON"),
    ],
)
async def test_a_document_that_does_not_fit_lets_nobody_in(
    enter: Enter, tmp_path: Path, document: Callable[[str], bytes], words: str
) -> None:
    async with (
        published(tmp_path, document) as publisher,
        enter(egress=_egress(publisher, "client.example")) as step,
    ):
        answer = await step.browser.open(client_id=publisher.address)
    assert "location" not in answer.headers
    assert words in answer.text


async def test_a_document_on_a_host_that_is_not_listed_is_not_even_asked_for(enter: Enter, tmp_path: Path) -> None:
    async with published(tmp_path, _told) as publisher, enter(egress=_egress(publisher, "other.example")) as step:
        answer = await step.browser.open(client_id=publisher.address)
    assert answer.status_code == 403
    assert publisher.asked == []


async def test_a_strangers_program_that_asks_wrongly_moves_no_browser(enter: Enter, tmp_path: Path) -> None:
    async with (
        published(tmp_path, _told) as publisher,
        enter(egress=_egress(publisher, "client.example")) as step,
    ):
        answer = await step.browser.open(client_id=publisher.address, response_type="token")
    assert (answer.status_code, "location" in answer.headers) == (400, False)


async def test_the_stock_mcp_client_comes_in_by_its_document_alone(
    enter: Enter, stock_client: Any, tmp_path: Path
) -> None:
    async with (
        published(tmp_path, _told) as publisher,
        enter(egress=_egress(publisher, "client.example")) as step,
    ):
        server, code = f"{step.browser.url}/mcp/assets", step.credentials.new_code("person:sam")[0]
        auth, kept = stock_client(server, step.browser, code, document=publisher.address)
        gateway = httpx2.ASGITransport(step.house.gateway)
        async with httpx2.AsyncClient(transport=gateway, auth=auth) as http:
            assert (await http.get(server)).status_code == 200
    assert kept.client.client_id == publisher.address
