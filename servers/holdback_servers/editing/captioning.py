"""Captions beside the picture: SubRip and WebVTT, written and read. Pure.

WebVTT: W3C WebVTT. SubRip has no standard; its common form is kept: a number, two times with a comma, lines of text.
Times are milliseconds of the cut from its first frame, rounded so that a time read back names the same frame.
"""

import html
import re
import textwrap
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Literal

from holdback_base.problem import Problem
from holdback_base.vocabulary import Rate, Span
from pydantic import ValidationError

from holdback_servers.editing.parts import CaptionLine

CaptionFormat = Literal["srt", "vtt"]
LONGEST_LINE = 42
"""Characters in a line of captions (the limit of most houses' guides)."""
MOST_CAPTIONS = 2000
_TIMES = re.compile(
    r"(?:(?P<h1>\d{1,3}):)?(?P<m1>[0-5]\d):(?P<s1>[0-5]\d)[.,](?P<f1>\d{1,3})\s*-->\s*"
    r"(?:(?P<h2>\d{1,3}):)?(?P<m2>[0-5]\d):(?P<s2>[0-5]\d)[.,](?P<f2>\d{1,3})(?P<settings>(\s+\S.*)?)"
)
_TAG = re.compile(r"</?[a-zA-Z][^<>]{0,100}>|\{\\[^{}]{0,40}\}|<\d[\d:.]{0,14}>")


def write_captions(lines: Iterable[tuple[Span, str]], rate: Rate, form: CaptionFormat) -> str:
    """The captions as text; lines are broken at 42 characters, in two of like length where that does."""
    blocks = [_block(number, span, text, rate, form) for number, (span, text) in enumerate(lines, start=1)]
    head = "WEBVTT\n\n" if form == "vtt" else ""
    return head + "\n".join(blocks)


def _block(number: int, span: Span, text: str, rate: Rate, form: CaptionFormat) -> str:
    times = " --> ".join(_time(frame, rate, form) for frame in (span.in_frame, span.out_frame))
    words = "\n".join(broken(text))
    if form == "vtt":
        words = html.escape(words, quote=False)
    return f"{number}\n{times}\n{words}\n"


def _time(frame: int, rate: Rate, form: CaptionFormat) -> str:
    milliseconds = round(rate.seconds(frame) * 1000)
    seconds, rest = divmod(milliseconds, 1000)
    mark = "." if form == "vtt" else ","
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{mark}{rest:03}"


def broken(text: str) -> list[str]:
    """The text in lines of up to 42 characters; breaks that somebody has set are kept where they fit."""
    lines = [" ".join(each.split()) for each in text.split("\n") if each.strip()]
    if all(len(each) <= LONGEST_LINE for each in lines):
        return lines
    words = " ".join(lines)
    for width in range(max(12, len(words) // 2), LONGEST_LINE + 1):
        tried = textwrap.wrap(words, width, break_on_hyphens=False)
        if len(tried) <= 2 and all(len(each) <= LONGEST_LINE for each in tried):
            return tried
    return textwrap.wrap(words, LONGEST_LINE, break_on_hyphens=False)


def read_captions(text: str, form: CaptionFormat, rate: Rate) -> list[CaptionLine]:
    """The captions of a file, in frames of the cut; marks of style are left out, the words kept.

    Raises:
        Problem: INVALID_ARGUMENT naming the line, for what is no such file; TOO_LARGE for over 2000 captions.
    """
    content = text.lstrip("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    if form == "vtt" and not re.match(r"WEBVTT([ \t\n]|$)", content):
        raise _wrong(1, "a WebVTT file begins with WEBVTT", "Give the whole file, or say that it is SubRip (srt).")
    found = [each for block in _blocks(content) if (each := _caption(block, rate)) is not None]
    if not found:
        raise _wrong(1, "it has no captions", "Give the whole file as the other program wrote it.")
    if len(found) > MOST_CAPTIONS:
        raise Problem("TOO_LARGE", f"The file has {len(found)} captions; {MOST_CAPTIONS} are read.", "Split it.")
    return sorted(found, key=lambda each: (each.span.in_frame, each.span.out_frame))


def _blocks(content: str) -> Iterator[list[tuple[int, str]]]:
    block: list[tuple[int, str]] = []
    for number, line in enumerate(content.split("\n"), start=1):
        if line.strip():
            block.append((number, line.strip()))
        elif block:
            yield block
            block = []
    if block:
        yield block


def _caption(block: list[tuple[int, str]], rate: Rate) -> CaptionLine | None:
    """A caption; none for a block of something else: a header, a note, a style."""
    place = next((at for at, (_, line) in enumerate(block[:2]) if "-->" in line), None)
    if place is None:
        if block[0][1].isdigit() or any("-->" in line for _, line in block):
            raise _wrong(block[0][0], "a caption has no times in its place", "Write 00:00:01,000 --> 00:00:02,500.")
        return None
    number, line = block[place]
    match = _TIMES.fullmatch(line)
    if match is None:
        raise _wrong(number, f"{line[:60]!r} is no pair of times", "Write 00:00:01,000 --> 00:00:02,500.")
    start, end = (_frame(match, which, rate) for which in "12")
    if end <= start:
        raise _wrong(number, f"{line[:60]!r} ends before it begins", "Give an end at least one frame later.")
    words = "\n".join(html.unescape(_TAG.sub("", each)).strip() for _, each in block[place + 1 :])
    words = "\n".join(each for each in words.split("\n") if each)
    if not words:
        return None
    try:
        return CaptionLine(text=words, span=Span(in_frame=start, out_frame=end))
    except ValidationError as error:
        raise _wrong(number, f"the caption cannot be taken: {error.errors()[0]['msg']}", "Shorten it.") from error


def _frame(match: "re.Match[str]", which: str, rate: Rate) -> int:
    hours, minutes, seconds = (int(match[f"{each}{which}"] or 0) for each in "hms")
    milliseconds = int(match[f"f{which}"].ljust(3, "0"))
    return round((Fraction(milliseconds, 1000) + seconds + 60 * minutes + 3600 * hours) * rate.fraction)


def _wrong(line: int, what: str, cure: str) -> Problem:
    return Problem("INVALID_ARGUMENT", f"Line {line} of the captions: {what}.", cure, line=line)
