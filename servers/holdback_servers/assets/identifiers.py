"""Identifiers that the world gives to works and recordings, checked by their check digits. Pure.

EIDR (ISO 26324, the DOI prefix 10.5240), ISAN (ISO 15706-2), ISRC (ISO 3901), ISWC (ISO 15707). Other scopes, such as
`house`, are taken as they are.
"""

import re
from collections.abc import Callable

from holdback_base.problem import Problem

from holdback_servers.assets.model import Identifier

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_EXAMPLES = {
    "EIDR": "10.5240/7791-8534-2C23-9030-8610-5",
    "ISAN": "0000-0000-D07A-0090-Q-0000-0000-X",
    "ISRC": "US-S1Z-99-00001",
    "ISWC": "T-034.524.680-1",
}


def checked(given: Identifier) -> Identifier:
    """The identifier in its usual form: EIDR and ISAN in groups, ISRC and ISWC with their signs.

    Raises:
        Problem: INVALID_ARGUMENT for another shape or a check digit that does not belong to the rest.
    """
    scope = given.scope.strip().upper()
    reader = _READERS.get(scope)
    if reader is None:
        return Identifier(scope=given.scope.strip(), value=given.value.strip())
    value = reader(given.value.strip().upper())
    if value is None:
        raise Problem(
            "INVALID_ARGUMENT",
            f"{given.value[:80]!r} is not an {scope}: its shape or its check digit is wrong.",
            f"Compare it with its source; an {scope} looks like {_EXAMPLES[scope]}.",
        )
    return Identifier(scope=scope, value=value)


def mod_37_36(digits: str) -> str:
    """The check character of ISO 7064 MOD 37,36 over digits and capital letters."""
    rest = 36
    for each in digits:
        rest = (rest + _DIGITS.index(each)) % 36 or 36
        rest = rest * 2 % 37
    return _DIGITS[(37 - rest) % 36]


def _eidr(given: str) -> str | None:
    match = re.fullmatch(
        r"(?:DOI:|HTTPS?://(?:DX\.)?DOI\.ORG/)?10\.5240/([0-9A-F]{4}(?:-?[0-9A-F]{4}){4})-?([0-9A-Z])", given
    )
    if match is None:
        return None
    hexadecimal = match[1].replace("-", "")
    return f"10.5240/{_grouped(hexadecimal)}-{match[2]}" if mod_37_36(hexadecimal) == match[2] else None


def _isan(given: str) -> str | None:
    """The root and episode with their check character; a version part, where there is one, with its own over all."""
    match = re.fullmatch(r"(?:ISAN )?([0-9A-F]{16})([0-9A-Z])?(?:([0-9A-F]{8})([0-9A-Z])?)?", _bare(given))
    if match is None:
        return None
    root, check, version, last = match.groups()
    if check not in (None, mod_37_36(root)):
        return None
    if version is None:
        return f"{_grouped(root)}-{mod_37_36(root)}"
    if last not in (None, mod_37_36(root + version)):
        return None
    return f"{_grouped(root)}-{mod_37_36(root)}-{_grouped(version)}-{mod_37_36(root + version)}"


def _isrc(given: str) -> str | None:
    """It has no check digit; its shape is country, registrant, year, number."""
    match = re.fullmatch(r"(?:ISRC )?([A-Z]{2})([A-Z0-9]{3})(\d{2})(\d{5})", _bare(given))
    return None if match is None else "-".join(match.groups())


def _iswc(given: str) -> str | None:
    match = re.fullmatch(r"(?:ISWC )?T(\d{3})(\d{3})(\d{3})(\d)", re.sub(r"[-.]", "", given))
    if match is None:
        return None
    number = "".join(match.groups()[:3])
    total = 1 + sum(place * int(digit) for place, digit in enumerate(number, 1))
    return f"T-{match[1]}.{match[2]}.{match[3]}-{match[4]}" if (10 - total % 10) % 10 == int(match[4]) else None


def _bare(given: str) -> str:
    return given.replace("-", "")


def _grouped(digits: str) -> str:
    return "-".join(digits[at : at + 4] for at in range(0, len(digits), 4))


_READERS: dict[str, Callable[[str], str | None]] = {"EIDR": _eidr, "ISAN": _isan, "ISRC": _isrc, "ISWC": _iswc}
