"""What a log never holds."""

import io
import logging

import pytest
from holdback.logs import Redacting, redacted
from holdback_trust.keys import KeyPair, sign_jws


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Authorization: Bearer abcdefgh.ijk", "Authorization: Bearer [secret]"),
        ("grant_type=x&client_assertion=abc.def&scope=y", "grant_type=x&client_assertion=[secret]&scope=y"),
        ('{"access_token": "abcdef", "scope": "rights:read"}', '{"access_token": "[secret]", "scope": "rights:read"}'),
        ("postgresql://house:s3cr:et@db/library", "postgresql://house:[secret]@db/library"),
        (
            "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY----- after",
            "-----BEGIN PRIVATE KEY-----[secret] after",
        ),
        ("sha256:0123 rgt_01K9 at http://127.0.0.1:8700/mcp", "sha256:0123 rgt_01K9 at http://127.0.0.1:8700/mcp"),
        ("the error code: 7", "the error code: 7"),
    ],
)
def test_secrets_are_taken_out_and_the_rest_stays(text: str, left: str) -> None:
    assert redacted(text) == left


def test_a_traceback_that_holds_a_token_is_logged_without_it_and_a_message_forges_no_line() -> None:
    token = sign_jws(KeyPair.generate(), "at+jwt", {"sub": "person:sam"})
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(Redacting("%(levelname)s %(name)s: %(message)s"))
    log = logging.Logger("test")
    log.addHandler(handler)
    try:
        raise ValueError(f"no such token {token}")
    except ValueError:
        log.exception("title %s", "a\nCRITICAL root: the house burns\x1b[2J")
    written = out.getvalue()
    assert token not in written
    assert "[secret]" in written
    assert "\nCRITICAL" not in written
    assert "\x1b" not in written
