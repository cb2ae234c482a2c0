"""Where a process writes what went wrong, and what never gets there: tokens, keys, codes, passwords."""

import logging
import re
import sys
from pathlib import Path

_SECRETS = tuple(
    re.compile(pattern, re.IGNORECASE | re.DOTALL)
    for pattern in (
        r"(?P<kept>-----BEGIN [A-Z ]*PRIVATE KEY-----).*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)",
        r"(?P<kept>)\beyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]*)*",  # a JOSE header is the base64 of {"...
        r"(?P<kept>\b(?:bearer|basic)\s+)[\w.~+/=-]{8,}",
        r"(?P<kept>\b(?:client_secret|client_assertion|assertion|subject_token|actor_token|access_token|refresh_token"
        r"|id_token|password|passwd|secret|api_?key|code_verifier|code|otp)\b[\"']?\s*[=:]\s*[\"']?)[^\s\"'&,;)}]{4,}",
        r"(?P<kept>[a-z][a-z0-9+.-]*://[^\s:/@]{1,100}:)[^\s@/]{1,500}(?=@)",
    )
)


def redacted(text: str) -> str:
    """The text, with every secret in it replaced by `[secret]`."""
    for each in _SECRETS:
        text = each.sub(lambda found: f"{found['kept']}[secret]", text)
    return text


class Redacting(logging.Formatter):
    """Formats a record, its traceback too, without the secrets in it; one record is one entry, whatever it holds."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as it is written."""
        return redacted(super().format(record))

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the standard library's name
        """Its first line: what somebody else wrote into the message begins no line of its own."""
        record.message = "".join(c if c.isprintable() else repr(c)[1:-1] for c in record.message)
        return super().formatMessage(record)


def log_to(place: Path | None = None) -> None:
    """Write warnings and worse to standard error, or to a file with times."""
    handler = logging.StreamHandler(sys.stderr) if place is None else logging.FileHandler(place, encoding="utf-8")
    form = "%(levelname)s %(name)s: %(message)s" if place is None else "%(asctime)s %(name)s %(message)s"
    handler.setFormatter(Redacting(form))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
