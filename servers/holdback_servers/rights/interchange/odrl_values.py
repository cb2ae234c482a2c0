"""What operands of ODRL mean: instants and days, durations, numbers, places. Pure.

A day is a day of the policy's zone (`holdback:timeZone`, else UTC); so is a dateTime without an offset.
"""

import re
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Final

from holdback_base.problem import Problem
from holdback_base.vocabulary import is_group, parse_territory

from holdback_servers.rights.interchange.odrl_model import Operand
from holdback_servers.rights.moments import zone_of

_DURATION: Final = re.compile(r"P(?:(\d{1,5})W)?(?:(\d{1,6})D)?(?:T(?:(\d{1,7})H)?(?:(\d{1,8})M)?(?:(\d{1,9})S)?)?")
_PLACE_PREFIXES: Final = (
    "holdback:territory:",
    "http://cvx.iptc.org/iso3166-1a3/",
    "https://cvx.iptc.org/iso3166-1a3/",
    "http://publications.europa.eu/resource/authority/country/",
    "https://www.iso.org/obp/ui/#iso:code:3166:",
    "https://www.iso.org/obp/ui#iso:code:3166:",
    "urn:iso:std:iso:3166:-1:",
    "urn:iso:std:iso:3166:-2:",
    "urn:iso:std:iso:3166:",
    "urn:iso:3166:",
    "iso3166:",
    "iso3166-1a3:",
)


def moment_of(operand: Operand, zone: str) -> datetime | date | None:
    """The instant (in UTC) or the day it names; nothing for what is neither."""
    text = operand.value.strip()
    try:
        if "T" not in text and " " not in text:
            return date.fromisoformat(text)
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone_of(zone))).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def names_no_zone(operand: Operand) -> bool:
    """Whether it is a day, or a dateTime without an offset: its zone is the policy's."""
    text = operand.value.strip()
    try:
        return "T" not in text or datetime.fromisoformat(text).tzinfo is None
    except ValueError:
        return False


def plain(operand: Operand) -> str:
    """The word it is, in lower case, without the kind that Holdback's profile puts before it."""
    text = operand.value.strip()
    if text.startswith("holdback:"):
        text = text.partition(":")[2].partition(":")[2] or text
    return text.lower()


def seconds_of(operand: Operand) -> int | None:
    """The length of an ISO 8601 duration in seconds, days as 24 hours; nothing for one with months or years."""
    match = _DURATION.fullmatch(operand.value.strip())
    if match is None or not any(match.groups()):
        return None
    weeks, days, hours, minutes, seconds = (int(each or 0) for each in match.groups())
    return ((weeks * 7 + days) * 24 + hours) * 3600 + minutes * 60 + seconds


def number_of(operand: Operand) -> Decimal | None:
    """The number it is; nothing for what is none."""
    try:
        number = Decimal(operand.value.strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def whole_number(operand: Operand) -> int | None:
    """The number it is where it has no fraction and fits a count."""
    number = number_of(operand)
    return int(number) if number is not None and number == number.to_integral_value() and abs(number) < 10**9 else None


@lru_cache(maxsize=4096)
def place_of(text: str) -> str | None:
    """The territory or group that an operand of `spatial` names, as Holdback writes it; nothing for a strange one.

    Plain ISO 3166 codes, names of groups, and the addresses that IPTC (RightsML), ISO, the EU and TDMRep use for them.
    """
    code = text.strip()
    for prefix in _PLACE_PREFIXES:
        if code.lower().startswith(prefix.lower()):
            code = code[len(prefix) :]
            break
    code = code.upper()
    if code == "WORLD" or is_group(code):
        return code
    if len(code) == 3:
        import pycountry

        found = pycountry.countries.get(alpha_3=code)
        return found.alpha_2 if found else None
    try:
        return parse_territory(code)
    except Problem:
        return None
