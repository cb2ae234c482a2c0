"""What all HTTP edges share: the bearer token, challenges, limits and how often one may ask."""

import pytest
from holdback_base.problem import CODES, Problem
from holdback_trust.edges import STATUS, Rate, bearer, challenge, check_length, problem_body


def scope(*headers: tuple[bytes, bytes]) -> dict[str, object]:
    return {"type": "http", "headers": list(headers)}


@pytest.mark.parametrize(
    ("given", "token"),
    [
        ([(b"authorization", b"Bearer abc")], "abc"),
        ([(b"authorization", b"bearer  abc ")], "abc"),
        ([(b"authorization", b"Basic abc")], ""),
        ([(b"authorization", b"Bearer abc"), (b"authorization", b"Bearer other")], ""),
        ([(b"authorization", b"Bearer " + b"a" * 20_000)], ""),
        ([], ""),
    ],
)
def test_one_bearer_token_is_read_and_nothing_else(given: list[tuple[bytes, bytes]], token: str) -> None:
    assert bearer(scope(*given)) == token


def test_a_challenge_says_what_is_missing_and_where_to_learn_how_to_get_it() -> None:
    about = "http://house/.well-known/oauth-protected-resource/mcp/rights"
    lacking = Problem("PERMISSION_DENIED", "no", scope="rights:clear")
    assert challenge(lacking, about) == (
        f'Bearer error="insufficient_scope", scope="rights:clear", resource_metadata="{about}"'
    )
    nobody = Problem("UNAUTHENTICATED", "no")
    assert challenge(nobody, about, with_token=False) == f'Bearer resource_metadata="{about}"'
    assert 'error="invalid_token"' in challenge(nobody, about)
    assert "acr_values=" in challenge(Problem("SECOND_FACTOR_NEEDED", "no"))
    assert challenge(Problem("TOO_LARGE", "no")) == ""


def test_a_scope_that_would_break_out_of_the_header_is_left_out() -> None:
    assert "evil" not in challenge(Problem("PERMISSION_DENIED", "no", scope='a", evil="b'))
    assert "\n" not in challenge(Problem("PERMISSION_DENIED", "no", scope="a\nset-cookie: evil"))


@pytest.mark.parametrize("length", [b"-1", b"1e3", b"0x10", b"1,1", b" 5", "\u0665".encode()])
def test_a_malformed_length_is_refused(length: bytes) -> None:
    with pytest.raises(Problem, match="malformed"):
        check_length(scope((b"content-length", length)), 100)


def test_two_lengths_are_refused_and_a_great_one_is_too_large() -> None:
    with pytest.raises(Problem, match="malformed"):
        check_length(scope((b"content-length", b"5"), (b"content-length", b"5")), 100)
    with pytest.raises(Problem) as refused:
        check_length(scope((b"content-length", b"9" * 400)), 100)
    assert refused.value.code == "TOO_LARGE"


def test_who_asks_too_often_waits_as_long_as_it_is_told_and_nobody_else_does() -> None:
    now = [100.0]
    rate = Rate(60, lambda: now[0])
    for _ in range(11):
        rate.take("agent:flood")
    with pytest.raises(Problem) as refused:
        rate.take("agent:flood")
    assert refused.value.code == "TOO_MANY_REQUESTS"
    rate.take("agent:other")
    now[0] += refused.value.details["retry_after"]
    rate.take("agent:flood")


def test_every_code_with_a_status_is_in_the_table_and_a_body_carries_no_more_than_the_problem() -> None:
    assert STATUS.keys() <= CODES.keys()
    body = problem_body(Problem("NOT_FOUND", "There is no such asset.", "Look again."), 404)
    assert body == (
        b'{"type":"urn:holdback:problem:not-found","title":"Not found","status":404,"detail":"There is no such asset.",'
        b'"code":"NOT_FOUND","message":"There is no such asset.","hint":"Look again."}'
    )
