"""Base64url as RFC 7515 writes it: no padding, and one spelling only."""

from binascii import a2b_base64, b2a_base64

_TO_URL = bytes.maketrans(b"+/", b"-_")
_FROM_URL = bytes.maketrans(b"-_+/=", b"+/!!!")
"""To the letters of base64; those that only base64 has become none at all."""
_ENDS = ((b"", b""), (b" ", b""), (b"AQgw", b"=="), (b"AEIMQUYcgkosw048", b"="))
"""By how many letters there are over four: which the last may be, for no bits to be left over (after one, no letter
may), and the padding."""


def folded(data: bytes) -> bytes:
    """The bytes in letters."""
    return b2a_base64(data, newline=False).translate(_TO_URL, b"=")


def unfolded(letters: bytes) -> bytes:
    """The bytes that were folded. Raises ValueError for padding, other letters and bits left over."""
    last, padding = _ENDS[len(letters) % 4]
    if last and letters[-1] not in last:
        raise ValueError("not base64url")
    return a2b_base64(letters.translate(_FROM_URL) + padding, strict_mode=True)
