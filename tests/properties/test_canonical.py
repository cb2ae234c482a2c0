"""The quick way to the canonical form gives what the library gives."""

import pytest
import rfc8785
from holdback_base.canonical import canonical_bytes
from hypothesis import example, given
from hypothesis import strategies as st

texts = st.text(st.characters(exclude_categories=["Cs"]))
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | texts
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner) | st.tuples(inner) | st.dictionaries(texts, inner),
)


@given(values)
@example({"\u20ac": 1, "\U0001f600": 2, "\ue000": 3})
@example({"a": ['\x00\x1f\x7f\u2028\b\n\t"\\/', -0.0, 1e21, True]})
def test_the_canonical_form_is_that_of_rfc_8785(value: object) -> None:
    assert canonical_bytes(value) == rfc8785.dumps(value)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("value", ["\ud800", {"a": "\udfff"}, 2**53, {1: "a"}, object(), float("nan")])
def test_what_has_no_canonical_form_is_refused(value: object) -> None:
    with pytest.raises((rfc8785.CanonicalizationError, UnicodeError, AttributeError)):
        canonical_bytes(value)
