from base64 import urlsafe_b64decode, urlsafe_b64encode

from holdback_trust.keys.base64url import folded, unfolded
from hypothesis import given
from hypothesis import strategies as st

LETTERS = st.binary(max_size=12) | st.lists(st.sampled_from([*b"AQgwEIz09-_+/=\n .!"]), max_size=12).map(bytes)


def the_long_way(letters: bytes) -> bytes | None:
    """What the standard library reads, if it writes the same letters again."""
    try:
        data = urlsafe_b64decode(letters + b"=" * (-len(letters) % 4))
    except ValueError:
        return None
    return data if urlsafe_b64encode(data).rstrip(b"=") == letters else None


@given(LETTERS)
def test_one_spelling_is_read_and_no_other(letters: bytes) -> None:
    try:
        read = unfolded(letters)
    except ValueError:
        read = None
    assert read == the_long_way(letters)


@given(st.binary(max_size=200))
def test_what_is_folded_unfolds_to_itself(data: bytes) -> None:
    assert unfolded(folded(data)) == data
