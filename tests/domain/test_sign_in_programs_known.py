"""Which programs are known by which word, where their answers may go, and what a person reads of their wishes."""

from typing import Any

import pytest
from holdback_agents.gateway.authority.clients import (
    KNOWN,
    Client,
    ClientRefused,
    client_of,
    is_document_address,
    is_safe,
)
from holdback_agents.gateway.authority.words import lines
from holdback_agents.gateway.registry import Registry
from holdback_trust.grants import AUDIENCE_SCOPES
from hypothesis import given
from hypothesis import strategies as st

ADDRESS = "https://client.example/oauth/client.json"
DOCUMENT: dict[str, Any] = {
    "client_id": ADDRESS,
    "client_name": "A client",
    "redirect_uris": ["http://127.0.0.1/callback", "https://client.example/back", "com.example.client:/back"],
    "grant_types": ["authorization_code", "refresh_token"],
    "token_endpoint_auth_method": "none",
}


@given(port=st.integers(1, 65535))
def test_a_program_on_this_machine_may_listen_at_any_port(port: int) -> None:
    assert KNOWN["claude-code"].takes(f"http://localhost:{port}/callback")
    assert KNOWN["vscode"].takes(f"http://127.0.0.1:{port}/")


@pytest.mark.parametrize(
    "uri",
    [
        "http://localhost:1/callback/",
        "http://localhost:1/Callback",
        "http://localhost:1/callback?x=1",
        "http://localhost:0/callback",
        "http://localhost:99999/callback",
        "https://localhost:1/callback",
        "http://localhost.:1/callback",
        "http://localhost:1/callback ",
        "http://localhost:1/callb\tack",
        "http://a:b@localhost:1/callback",
    ],
)
def test_all_but_the_port_is_compared_character_for_character(uri: str) -> None:
    assert not KNOWN["claude-code"].takes(uri)


def test_an_https_answer_goes_to_its_own_port_only() -> None:
    client = Client(id="x", name="X", redirect_uris=("https://client.example/back",))
    assert client.takes("https://client.example/back")
    assert not client.takes("https://client.example:8443/back")


@given(uri=st.text(max_size=60))
def test_no_text_is_taken_that_is_not_known(uri: str) -> None:
    assert not KNOWN["cursor"].takes(uri) or uri == "cursor://anysphere.cursor-mcp/oauth/callback"
    assert isinstance(is_safe(uri), bool)
    assert isinstance(is_document_address(uri), bool)


def test_a_document_tells_of_its_program() -> None:
    client = client_of(ADDRESS, DOCUMENT)
    assert (client.id, client.name, client.host, client.refreshes) == (ADDRESS, "A client", "client.example", True)
    assert client.takes("http://127.0.0.1:5000/callback")
    assert not client_of(ADDRESS, DOCUMENT | {"grant_types": ["authorization_code"]}).refreshes


def test_a_document_without_a_name_or_with_a_deceiving_one_goes_by_its_host() -> None:
    assert client_of(ADDRESS, DOCUMENT | {"client_name": None}).name == "client.example"
    assert client_of(ADDRESS, DOCUMENT | {"client_name": "Claude\u202e edoC"}).name == "client.example"
    assert len(client_of(ADDRESS, DOCUMENT | {"client_name": "a " * 500}).name) <= 80


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"client_id": "https://client.example/other"}, "another client_id"),
        ({"client_id": None}, "another client_id"),
        ({"token_endpoint_auth_method": "client_secret_post"}, "public client"),
        ({"client_secret": "s"}, "public client"),
        ({"grant_types": ["client_credentials"]}, "does not ask for codes"),
        ({"response_types": ["token"]}, "does not ask for codes"),
        ({"redirect_uris": []}, "redirect_uris"),
        ({"redirect_uris": "https://client.example/back"}, "redirect_uris"),
        ({"redirect_uris": ["http://client.example/back"]}, "redirect_uris"),
        ({"redirect_uris": ["javascript:alert(1)"]}, "redirect_uris"),
        ({"redirect_uris": ["data:text/html,x"]}, "redirect_uris"),
        ({"redirect_uris": ["cursor://anysphere.cursor-mcp/oauth/callback"]}, "redirect_uris"),
        ({"redirect_uris": ["https://client.example/back#x"]}, "redirect_uris"),
        ({"redirect_uris": ["https://client.example/back"] * 21}, "redirect_uris"),
    ],
)
def test_a_document_that_does_not_fit_makes_nothing_known(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ClientRefused, match=words):
        client_of(ADDRESS, DOCUMENT | changes)


@pytest.mark.parametrize("document", [[], "text", None, 1])
def test_a_document_that_is_no_object_makes_nothing_known(document: object) -> None:
    with pytest.raises(ClientRefused):
        client_of(ADDRESS, document)


@pytest.mark.parametrize(
    ("identity", "fits"),
    [
        (ADDRESS, True),
        ("https://client.example:8443/c", True),
        ("http://client.example/c", False),
        ("https://client.example", False),
        ("https://client.example/", False),
        ("https://client.example/a/../c", False),
        ("https://client.example/%2e%2e/c", False),
        ("https://client.example/c#x", False),
        ("https://a@client.example/c", False),
        ("https:///c", False),
    ],
)
def test_only_a_plain_https_address_with_a_path_can_be_a_programs_id(identity: str, fits: bool) -> None:
    assert is_document_address(identity) is fits


def test_every_scope_of_the_house_has_words_for_people() -> None:
    registry = Registry("http://gateway.test")
    scopes = frozenset[str]().union(*AUDIENCE_SCOPES.values())
    spoken = [each for each in lines(scopes, registry) if not each.scope.startswith("agent:")]
    assert [each.scope for each in spoken if each.words == each.scope] == []


def test_looking_comes_first_and_what_only_a_person_decides_is_not_ticked() -> None:
    shown = lines(
        ["approval:decide", "assets:write", "assets:read", "schedule:commit"], Registry("http://gateway.test")
    )
    assert [each.scope for each in shown] == ["assets:read", "assets:write", "approval:decide", "schedule:commit"]
    assert [each.scope for each in shown if not each.ticked] == ["approval:decide"]
