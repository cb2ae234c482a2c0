"""What a text says to a machine that reads it, beneath what a person sees: hidden letters, look-alikes, encodings.

Nothing here judges; each way of reading gives a text that `phrases` are then held against.
"""

import base64
import binascii
import codecs
import html
import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from urllib.parse import unquote

LONGEST_READ = 4000
"""Characters of one text that are looked at as a whole; longer ones are looked at in overlapping windows."""

_LOOKALIKES = str.maketrans(
    "аеорсухіјѕԁһкмтвнгιοραντυκεηχγβωɡɑɩոսօաԛԝьпԍӏ",
    "aeopcyxijsdhkmtbhriopavtukenxybwgainuowqwbngl",
)
_LONG, _SINGLES = 16, 9
"""Letters of a word that may be an encoding; words of one letter that may be one word."""
_DIGIT = re.compile("[0-9]")
_LEET = str.maketrans("013457@$!|", "oieastasil")
_TAGS = re.compile("[\U000e0020-\U000e007e]+\U000e007f?")
_FLAG = re.compile("\U0001f3f4[\U000e0061-\U000e007a]{2,6}\U000e007f")
_OVERRIDES = re.compile("[\u202d\u202e]")
_SELECTORS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]{4,}")
_BETWEEN_LETTERS = re.compile("(?<=[A-Za-z])[\u00ad\u180e\u200b-\u200d\u2060-\u2064\ufeff](?=[A-Za-z])")
_UNSEEN = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff\x00-\x08\x0b-\x1f\x7f-\x9f]"
)
_BASE64 = re.compile(r"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{20,}={0,2}")
_BASE64_LINES = re.compile(r"(?<![A-Za-z0-9+/_-])(?:[A-Za-z0-9+/_-]{16,}={0,2}\s{1,2}){2,}[A-Za-z0-9+/_-]{4,}={0,2}")
_HEX = re.compile(r"(?<![0-9A-Za-z])(?:(?:\\x|0x)?[0-9A-Fa-f]{2}[ :,]?){12,}")
_BINARY = re.compile(r"(?:[01]{8}[ ,]?){10,}")
_ESCAPES = re.compile(
    r"\\u[0-9A-Fa-f]{4}|\\U[0-9A-Fa-f]{8}|\\x[0-9A-Fa-f]{2}|&#x?[0-9A-Fa-f]|%[0-9A-Fa-f]{2}|&[a-z]{2,6};"
)
_CODES = re.compile(r"\\{1,8}(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|x([0-9A-Fa-f]{2}))")
"""Several backslashes before one: a text within a text."""
_WRAPPING = re.compile(r"<!\[CDATA\[|\]\]>|&#[0-9]{8,}")
"""What XML leaves out, and numbers that are no letter's."""
_PERCENT, _REFERENCE = re.compile("%[0-9A-Fa-f]{2}"), re.compile("&[#A-Za-z]")
"""Without these there is nothing to undo, whatever percent and and-signs the bytes of a message hold."""
_SPACED = re.compile(r"(?:(?<![^\W_])[^\W_][\W_]{1,3}){8,}[^\W_](?![^\W_])")
_MIXED = re.compile(r"[a-z@$!][0-9@$!|]{1,3}[a-z]|[0-9@$][a-z]{2,9}[0-9]")


def fold(text: str) -> str:
    """Small letters without accents, in their compatibility forms, without anything unseen."""
    if not text.isascii():
        plain = unicodedata.normalize("NFKD", _UNSEEN.sub("", text))
        text = unicodedata.normalize("NFC", "".join(each for each in plain if unicodedata.category(each) != "Mn"))
    return text.casefold()


def windows(text: str) -> Iterator[str]:
    """The text in pieces that overlap."""
    if len(text) <= LONGEST_READ:
        yield text
        return
    for start in range(0, len(text), LONGEST_READ - 500):
        yield text[start : start + LONGEST_READ]


def hidden(text: str) -> Iterator[tuple[str, str]]:
    """How letters are hidden in the text, and what they say where that can be read; for text that is not ASCII."""
    shown = _FLAG.sub("", text)
    for found in _TAGS.finditer(shown):
        yield "tag characters", "".join(chr(ord(each) - 0xE0000) for each in found.group().rstrip("\U000e007f"))
    for found in _SELECTORS.finditer(shown):
        yield "variation selectors", _selected(found.group())
    if found := _OVERRIDES.search(shown):
        yield "bidirectional override", shown[found.end() :][::-1][:200]
    if len(_BETWEEN_LETTERS.findall(shown)) >= 2:
        yield "zero-width characters", _UNSEEN.sub("", shown)


def lookalike(folded: str) -> str:
    """Folded text with letters of other alphabets as the Latin ones they look like; nothing where there are none."""
    if folded.isascii():
        return ""
    said = folded.translate(_LOOKALIKES)
    return "" if said == folded else said


def layers(text: str, folded: str) -> Iterator[tuple[str, str, bool]]:
    """How else the text can be read: the way, what it says then, and whether separators were lost on that way."""
    tokens = text.split()
    long = any(len(each) >= _LONG for each in tokens)
    for way, said in _decoded(text, long=long):
        if said:
            yield way, said, False
    if long or sum(len(each) == 1 for each in tokens) >= _SINGLES:
        for found in _SPACED.finditer(folded):
            yield "spaced letters", re.sub(r"[\W_]", "", found.group()), True
    if _MIXED.search(folded):
        yield "digits for letters", folded.translate(_LEET), False


def _decoded(text: str, *, long: bool) -> Iterator[tuple[str, str]]:
    if long:
        for found in (*_BASE64.finditer(text), *_BASE64_LINES.finditer(text)):
            yield "base64", _from_base64(found.group())
    if any(sign in text for sign in "\\&%") and _ESCAPES.search(text) and (said := unescaped(text)) != text:
        yield "escapes", said
    if _DIGIT.search(text):
        for found in _HEX.finditer(text):
            yield "hexadecimal", _printable(_from_hex(found.group()))
        for found in _BINARY.finditer(text):
            yield "binary", _printable(bytes(int(each, 2) for each in re.findall("[01]{8}", found.group())))


def turned(folded: str, stems: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """The text in rot13 and backwards, where one of the stems occurs in it that way."""
    for way, turn in (("rot13", _rot13), ("backwards", _backwards)):
        if any(turn(stem) in folded for stem in stems):
            yield way, turn(folded)


@lru_cache(maxsize=64)
def _rot13(text: str) -> str:
    return codecs.encode(text, "rot13")


def _backwards(text: str) -> str:
    return text[::-1]


def _selected(run: str) -> str:
    points = (ord(each) for each in run)
    return _printable(bytes(p - 0xFE00 if p < 0xE0000 else p - 0xE0100 + 16 for p in points))


def _from_base64(run: str) -> str:
    joined = re.sub(r"\s", "", run).replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return _printable(base64.b64decode(joined + "=" * (-len(joined) % 4)))
    except binascii.Error:
        return ""


def _from_hex(run: str) -> bytes:
    digits = re.sub(r"\\x|0x|[ :,]", "", run)
    return bytes.fromhex(digits[: len(digits) // 2 * 2])


def _printable(said: bytes) -> str:
    """The bytes as text; nothing where they are none."""
    for encoding in ("utf-8", "utf-16-le"):
        try:
            text = said.decode(encoding)
        except UnicodeDecodeError:
            continue
        if text and all(each.isprintable() or each in "\r\n\t" for each in text):
            return text
    return ""


def unescaped(text: str) -> str:
    """The text with escapes undone once: percent signs, `\\u0061`, `\\x61`, references to characters, CDATA."""
    said = _CODES.sub(_letter, text) if "\\" in text else text
    if "<!" in said or "]]>" in said or "&#" in said:
        said = _WRAPPING.sub("", said)
    if _PERCENT.search(said):
        said = unquote(said)
    return html.unescape(said) if _REFERENCE.search(said) else said


def _letter(found: re.Match[str]) -> str:
    point = int(found[1] or found[2] or found[3], 16)
    return chr(point) if point < 0x110000 else found[0]
