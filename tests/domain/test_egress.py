"""Where a house may send requests by itself: the list, the addresses behind names, and the tricks with both."""

import asyncio
import ipaddress
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from holdback_base.ids import system_clock
from holdback_base.problem import Problem
from holdback_servers.settings import EgressSetting
from holdback_trust.egress import Egress
from holdback_trust.egress.addresses import is_public
from hypothesis import given
from hypothesis import strategies as st

HERE = ("127.0.0.1/32",)


def resolving(*addresses: str, asked: list[str] | None = None) -> Callable[[str, int], Awaitable[Sequence[str]]]:
    async def look_up(host: str, _port: int) -> Sequence[str]:
        if asked is not None:
            asked.append(host)
        return addresses

    return look_up


def egress(*hosts: str, private: tuple[str, ...] = (), at: tuple[str, ...] = ("93.184.216.34",)) -> Egress:
    return Egress(EgressSetting(hosts=hosts, private=private), resolve=resolving(*at))


async def code_of(guard: Egress, url: str) -> str:
    try:
        await guard.check(url)
    except Problem as problem:
        return problem.code if problem.hint else "without a cure"
    return ""


@pytest.mark.parametrize(
    ("listed", "url"),
    [
        ("cards.example.com", "https://cards.example.com/card.json"),
        ("cards.example.com", "https://CARDS.example.com./card.json"),
        ("*.example.com", "https://a.b.example.com/"),
        ("cards.example.com:8443", "https://cards.example.com:8443/"),
        ("*", "https://anything.org/"),
        ("93.184.216.34", "https://93.184.216.34/"),
    ],
)
@pytest.mark.asyncio
async def test_a_listed_host_is_reached_at_the_address_that_was_checked(listed: str, url: str):
    to = await egress(listed).check(url)
    assert (to.scheme, to.address) == ("https", "93.184.216.34")


@pytest.mark.parametrize(
    ("listed", "url"),
    [
        ("cards.example.com", "https://example.com/"),
        ("cards.example.com", "https://evil-cards.example.com/"),
        ("cards.example.com", "https://cards.example.com.evil.org/"),
        ("cards.example.com", "https://cards.example.com:8443/"),
        ("cards.example.com", "http://cards.example.com/"),
        ("cards.example.com", "http://cards.example.com:443/"),
        ("cards.example.com", "https://cards.example.com@evil.org/"),
        ("cards.example.com", "https://evil.org#@cards.example.com/"),
        ("cards.example.com", "https://evil.org\\@cards.example.com/"),
        ("cards.example.com", "https://cards.example.com:x/"),
        ("cards.example.com", "https:cards.example.com/"),
        ("cards.example.com", "https://cards.exa\tmple.com/"),
        ("cards.example.com", "https://c\u0430rds.example.com/"),
        ("cards.example.com", "https://user@cards.example.com/"),
        ("cards.example.com", "https://:secret@cards.example.com/"),
        ("cards.example.com", "ftp://cards.example.com/"),
        ("cards.example.com", "file:///etc/passwd"),
        ("cards.example.com", "gopher://cards.example.com/"),
        ("cards.example.com", "//cards.example.com/"),
        ("cards.example.com", ""),
        ("cards.example.com", "https://cards.example.com/" + "a" * 2000),
        ("*.example.com", "https://example.com/"),
        ("*.example.com", "https://evilexample.com/"),
        ("*", "https://localhost/"),
        ("*", "https://printer.local/"),
        ("*", "https://metadata.google.internal/"),
        ("*", "https://intranet/"),
        ("*", "https://93.184.216.34/"),
        ("*", "https://[2606:2800:220:1::1]/"),
        ("*", "https://example.org:8443/"),
        ("*", "https://a_%2e.example.org/"),
    ],
)
@pytest.mark.asyncio
async def test_what_is_not_on_the_list_is_refused_before_its_name_is_looked_up(listed: str, url: str):
    asked: list[str] = []
    guard = Egress(EgressSetting(hosts=(listed,)), resolve=resolving("93.184.216.34", asked=asked))
    assert await code_of(guard, url) == "HOST_NOT_ALLOWED"
    assert guard.refusal(url) is not None
    assert not asked


@pytest.mark.parametrize(
    "host",
    [
        "2130706433",
        "017700000001",
        "0x7f000001",
        "0x7f.1",
        "127.1",
        "0177.0.0.1",
        "127.0.0.01",
        "127.0.0.1.",
        "1.2.3.4.5",
        "256.1.1.1",
        "foo.0x7f",
        "foo.127",
        "127.0.0.1",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[64:ff9b:1::a00:1]",
        "[2002:7f00:1::]",
        "[fe80::1]",
        "[fe80::1%25eth0]",
        "[fd00:ec2::254]",
        "[ff02::1]",
        "0.0.0.0",
        "10.1.2.3",
        "172.31.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.100.100.200",
        "168.63.129.16",
        "224.0.0.1",
        "255.255.255.255",
        "\uff11\uff12\uff17.0.0.1",
        "\u2460\u2461\u2466.0.0.1",
    ],
)
@pytest.mark.asyncio
async def test_an_address_inside_is_refused_in_whatever_form_it_is_written(host: str):
    for guard in (egress("*"), egress(host.rstrip("."), "*") if ":" not in host and host.isascii() else egress("*")):
        assert await code_of(guard, f"https://{host}/latest/meta-data/") == "HOST_NOT_ALLOWED"
        assert await code_of(guard, f"http://{host}/latest/meta-data/") == "HOST_NOT_ALLOWED"


@pytest.mark.parametrize(
    "addresses",
    [
        ("127.0.0.1",),
        ("93.184.216.34", "10.0.0.1"),
        ("169.254.169.254",),
        ("::ffff:10.0.0.1",),
        ("64:ff9b::a00:1",),
        ("::1",),
        ("fe80::1%lo",),
        ("not an address",),
    ],
)
@pytest.mark.asyncio
async def test_a_listed_name_that_stands_for_an_address_inside_is_refused(addresses: tuple[str, ...]):
    assert await code_of(egress("cards.example.com", at=addresses), "https://cards.example.com/") == "HOST_NOT_ALLOWED"


@pytest.mark.asyncio
async def test_a_name_without_an_address_is_unavailable():
    assert await code_of(egress("cards.example.com", at=()), "https://cards.example.com/") == "UNAVAILABLE"


@pytest.mark.asyncio
async def test_a_private_network_is_open_when_the_house_lists_it():
    guard = egress("mam.corp", private=("10.20.0.0/16", "127.0.0.0/8"), at=("10.20.1.1",))
    assert (await guard.check("https://mam.corp/")).address == "10.20.1.1"
    assert (await guard.check("https://10.20.9.9:9443/")).port == 9443
    assert (await guard.check("http://127.0.0.1:9001/")).port == 9001
    assert await code_of(guard, "http://10.20.9.9/") == "HOST_NOT_ALLOWED", "over http only this machine"
    assert await code_of(guard, "https://10.21.0.1/") == "HOST_NOT_ALLOWED"
    assert await code_of(guard, "http://mam.corp/") == "HOST_NOT_ALLOWED"


@pytest.mark.asyncio
async def test_a_network_around_a_metadata_service_does_not_open_it_and_its_own_entry_does():
    wide = egress(private=("169.254.0.0/16", "0.0.0.0/0"))
    assert await code_of(wide, "https://169.254.169.254/") == "HOST_NOT_ALLOWED"
    assert await code_of(wide, "https://169.254.1.1/") == ""
    assert await code_of(egress(private=("169.254.169.254/32",)), "https://169.254.169.254/") == ""


@pytest.mark.asyncio
async def test_nothing_opens_multicast_broadcast_or_the_unspecified_address():
    everything = egress(private=("0.0.0.0/0", "::/0"))
    for host in ("224.0.0.1", "255.255.255.255", "0.0.0.0", "[ff02::1]", "[::]", "[::ffff:10.0.0.1]", "[2002:a00:1::]"):
        assert await code_of(everything, f"https://{host}/") == "HOST_NOT_ALLOWED"


@pytest.mark.asyncio
async def test_an_address_that_a_person_named_opens_its_host_and_no_network():
    guard = egress().also("https://agents.vendor.com:9443/card.json", "http://127.0.0.1:9000/")
    assert await code_of(guard, "https://agents.vendor.com:9443/other") == ""
    assert await code_of(guard, "https://agents.vendor.com/") == "HOST_NOT_ALLOWED"
    assert await code_of(guard, "http://127.0.0.1:9000/") == "HOST_NOT_ALLOWED"
    assert await code_of(egress(), "https://agents.vendor.com:9443/card.json") == "HOST_NOT_ALLOWED"


@pytest.mark.asyncio
async def test_a_place_of_the_houses_settings_is_reached_in_any_network_but_where_clouds_tell_secrets():
    guard = egress(at=("10.1.2.3",)).named("https://publish.corp/hook", "http://127.0.0.1:9000/", "https://10.9.9.9/")
    assert await code_of(guard, "https://publish.corp/other") == ""
    assert await code_of(guard, "https://10.9.9.9/") == ""
    assert await code_of(guard, "http://127.0.0.1:9000/x") == ""
    for other in ("https://other.corp/", "https://10.9.9.8/", "http://127.0.0.1:9001/", "https://publish.corp:8443/"):
        assert await code_of(guard, other) == "HOST_NOT_ALLOWED"
    for secret in ("169.254.169.254", "fd00:ec2::254", "224.0.0.1", "::ffff:10.1.2.3"):
        turned = egress(at=(secret,)).named("https://publish.corp/hook")
        assert await code_of(turned, "https://publish.corp/hook") == "HOST_NOT_ALLOWED"


@pytest.mark.parametrize("hosts", [("https://example.com",), ("example.com:0",), ("exa mple.com",), ("*.*",), ("",)])
def test_an_entry_that_is_no_host_is_told_with_its_cure(hosts: tuple[str, ...]):
    with pytest.raises(Problem, match=r"egress\.hosts") as refusal:
        Egress(EgressSetting(hosts=hosts))
    assert refusal.value.code == "INVALID_ARGUMENT"
    assert "example.com" in refusal.value.hint


def test_an_entry_that_is_no_network_is_told_with_its_cure():
    with pytest.raises(Problem, match=r"egress\.private") as refusal:
        Egress(EgressSetting(private=("10.0.0.1/8",)))
    assert "10.20.0.0/16" in refusal.value.hint


@given(st.ip_addresses(v=4))
def test_no_address_that_python_calls_private_is_taken_for_public(address: ipaddress.IPv4Address):
    if not address.is_global or address.is_multicast or address.is_reserved:
        assert not is_public(address)


@given(st.ip_addresses(v=4))
def test_no_ipv6_form_of_an_ipv4_address_is_public(address: ipaddress.IPv4Address):
    number = int(address)
    for form in (
        ipaddress.IPv6Address((0xFFFF << 32) | number),
        ipaddress.IPv6Address(number),
        ipaddress.IPv6Address((0x64FF9B << 96) | number),
        ipaddress.IPv6Address((0x2002 << 112) | (number << 80)),
        ipaddress.IPv6Address((0x20010000 << 96) | (number ^ 0xFFFFFFFF)),
    ):
        assert not is_public(form)


# Through a real socket


@dataclass(frozen=True)
class Site:
    """A small https site on this machine, under the name cards.example.com."""

    port: int
    heard: list[bytes]
    tls: ssl.SSLContext

    def guard(self, *hosts: str, asked: list[str] | None = None) -> Egress:
        names = hosts or (f"cards.example.com:{self.port}",)
        allowed = EgressSetting(hosts=names, private=HERE)
        return Egress(allowed, resolve=resolving("127.0.0.1", asked=asked), tls=lambda: self.tls)

    def url(self, path: str = "/") -> str:
        return f"https://cards.example.com:{self.port}{path}"


@asynccontextmanager
async def site(folder: Path, answer: bytes) -> AsyncGenerator[Site]:
    serving, trusting = certificate(folder, "cards.example.com")
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, EOFError):  # whoever has read enough hangs up
            heard.append(await reader.readuntil(b"\r\n\r\n"))
            if answer:
                writer.write(answer)
                await writer.drain()
            else:
                await reader.read()
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    before = asyncio.all_tasks()
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=serving)
    try:
        yield Site(server.sockets[0].getsockname()[1], heard, trusting)
    finally:
        server.close()
        while left := asyncio.all_tasks() - before:  # who gave up at once may be let in only now
            await asyncio.wait(left)


def certificate(folder: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = system_clock()
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    text = made.public_bytes(serialization.Encoding.PEM)
    pem = folder / "site.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem.write_bytes(text + private)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(pem)
    return serving, ssl.create_default_context(cadata=text.decode())


def http(body: bytes, *headers: bytes, status: bytes = b"200 OK") -> bytes:
    lines = [b"HTTP/1.1 " + status, b"content-length: %d" % len(body), b"connection: close", *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


@pytest.mark.asyncio
async def test_a_fetch_connects_to_the_checked_address_under_the_name_that_was_asked_for(tmp_path: Path):
    asked: list[str] = []
    async with site(tmp_path, http(b'{"a": 1}', b"content-type: Application/JSON; charset=utf-8")) as there:
        got = await there.guard(asked=asked).fetch(there.url("/card.json?x=1"))
        assert (got.status, got.kind, got.body) == (200, "application/json", b'{"a": 1}')
        request = there.heard[0].decode()
        assert request.startswith("GET /card.json?x=1 HTTP/1.1\r\n")
        assert f"host: cards.example.com:{there.port}\r\n" in request.lower()
        assert asked == ["cards.example.com"], "a name is looked up once, so it cannot change its mind"


@pytest.mark.asyncio
async def test_a_certificate_of_another_name_is_not_believed(tmp_path: Path):
    async with site(tmp_path, http(b"{}")) as there:
        guard = there.guard(f"other.example.com:{there.port}")
        with pytest.raises(Problem) as refusal:
            await guard.fetch(f"https://other.example.com:{there.port}/")
        assert refusal.value.code == "UNAVAILABLE"
        assert not there.heard


@pytest.mark.asyncio
async def test_a_redirect_is_an_answer_and_even_a_client_that_follows_is_checked_again(tmp_path: Path):
    moved = http(b"", b"location: http://169.254.169.254/latest/", status=b"302 Found")
    async with site(tmp_path, moved) as there:
        assert (await there.guard().fetch(there.url())).status == 302
        async with httpx.AsyncClient(transport=there.guard().transport(), follow_redirects=True) as client:
            with pytest.raises(Problem) as refusal:
                await client.get(there.url())
        assert refusal.value.code == "HOST_NOT_ALLOWED"


@pytest.mark.parametrize(
    ("headers", "code"),
    [((), "TOO_LARGE"), ((b"content-encoding: gzip",), "UNAVAILABLE")],
)
@pytest.mark.asyncio
async def test_an_answer_over_the_limit_or_compressed_is_not_read(
    tmp_path: Path, headers: tuple[bytes, ...], code: str
):
    async with site(tmp_path, http(b"x" * 5000, *headers)) as there:
        with pytest.raises(Problem) as refusal:
            await there.guard().fetch(there.url(), longest=4999)
        assert refusal.value.code == code


@pytest.mark.asyncio
async def test_who_never_answers_is_waited_for_as_long_as_was_said(tmp_path: Path):
    async with site(tmp_path, b"") as there:
        with pytest.raises(Problem) as refusal:
            await there.guard().fetch(there.url(), seconds=0.3)
        assert refusal.value.code == "UNAVAILABLE"


@pytest.mark.asyncio
async def test_a_request_cannot_name_another_host_than_the_one_that_was_checked(tmp_path: Path):
    async with site(tmp_path, http(b"{}")) as there:
        async with there.guard().client() as client:
            await client.get(there.url(), headers={"host": "metadata.google.internal"})
        assert b"metadata" not in there.heard[0]
