"""A catalogue of rights for the bench: invented, skewed as catalogues are, the same for the same seed.

Rights come from some thousand deals, which say what for, where and in which media; each right of a deal has a reference
and a window of its own. A reference has a few rights, the most popular ones have thousands. Rows are made from the
deals' rows, as an import of many rights would, and recorded through the room's own bulk path.
"""

import hashlib
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from itertools import accumulate
from typing import Any, Final

from holdback_base.vocabulary import countries, instant_text
from holdback_servers.rights.answers import ContractGiven
from holdback_servers.rights.model import Contract, RightTerms, contract_on_record, right_on_record
from holdback_servers.rights.rows import RightRow, row_of
from holdback_servers.rights.windows import OPEN, point

SEED: Final = 20_261_122
TODAY: Final = datetime(2026, 11, 22, tzinfo=UTC)
RIGHTS_A_REF: Final = 10
_SKEW: Final = 0.65
_DEALS: Final = 4_000
_REF = "film:placeholder"
_START, _END = datetime(2001, 2, 3, tzinfo=UTC), datetime(2002, 3, 4, tzinfo=UTC)
_KINDS_OF_REF = (("film", 70), ("clip", 8), ("music", 8), ("talent", 6), ("still", 4), ("logo", 2), ("location", 2))
_RIGHT_KINDS = (("grant", 80), ("licence_out", 7), ("holdback", 6), ("blackout", 4), ("embargo", 3))
_STATUSES = (("active", 85), ("inactive", 8), ("pending", 4), ("draft", 2), ("rejected", 1))
_LARGE = ("US", "GB", "DE", "FR", "IT", "ES", "CA", "AU", "JP", "BR", "MX", "NL", "SE", "PL", "IN", "KR")
_GROUPS = ("EU", "EEA", "DACH", "NORDICS", "UKI", "LATAM", "BENELUX")
_MEDIA = (
    (("all",), 8), (("linear",), 14), (("linear.ftv",), 6), (("vod",), 12), (("vod.svod",), 16),
    (("vod.avod", "vod.tvod"), 8), (("vod.est",), 5), (("social",), 9), (("social.youtube",), 10),
    (("theatrical", "nontheatrical"), 5), (("linear", "vod.catchup"), 7),
)  # fmt: skip
_TONGUES = (("de",), ("fr",), ("en", "en-GB"), ("audio:de", "subtitle:fr"), ("es-419",), ("subtitle:en",))
_PURPOSES = (("promotion",), ("editorial", "news"), ("advertising",), ("promotion", "editorial"), ("training",))
_CLAUSES = (
    "4.2 Licensor grants the rights set out in Schedule A for the Territory and the Term",
    "7.1(b) no exploitation before the first transmission by the first broadcaster",
    "Annex 2, item 17: non-theatrical use within the Term",
    "3.4 excerpts for promotion of the Programme only",
)


@dataclass(frozen=True)
class Deal:
    """Terms that many rights share: a row with a placeholder for its reference and its window."""

    kind: str
    row: RightRow


@dataclass(frozen=True)
class Catalogue:
    """So many rights over a tenth as many references."""

    size: int

    @cached_property
    def refs(self) -> list[str]:
        """Every reference, the one with the most rights first."""
        chance = random.Random(SEED)
        names = [f"{_drawn(chance, _KINDS_OF_REF)}:title-{n:06}" for n in range(self.size // RIGHTS_A_REF)]
        chance.shuffle(names)
        return names

    @cached_property
    def counts(self) -> list[int]:
        """How many rights each reference has."""
        shares = [(rank + 1) ** -_SKEW for rank in range(len(self.refs))]
        scale = self.size / sum(shares)
        ends = [round(each * scale) for each in accumulate(shares)]
        return [end - start for start, end in zip([0, *ends], ends, strict=False)]

    def contracts(self) -> list[ContractGiven]:
        """Contracts in and out; a tenth of them out."""
        chance = random.Random(SEED + 1)
        zones = ("UTC", "Europe/Berlin", "America/New_York", "Europe/London", "Asia/Tokyo")
        return [
            ContractGiven(
                external_key=f"bench:deal-{n:06}",
                counterparty=f"Company {n % 997} (invented)",
                direction="out" if n % 10 == 0 else "in",
                status=_drawn(chance, _STATUSES),
                title=f"Agreement {n}",
                time_zone=chance.choice(zones),
            )
            for n in range(max(20, self.size // 100))
        ]

    def rows(self) -> Iterator[tuple[str, RightRow]]:
        """Every right with the key of its contract, by contract as imports come."""
        chance = random.Random(SEED + 2)
        deals = _deals(chance)
        parties = max(20, self.size // 100)
        names = [ref for ref, count in zip(self.refs, self.counts, strict=True) for _ in range(count)]
        chance.shuffle(names)
        yield from _blanket(chance, deals)
        for number, ref in enumerate(names):
            deal = chance.choice(deals[ref.partition(":")[0] == "music"])
            party = number * parties // len(names)
            yield f"bench:deal-{_party(party, deal.kind):06}", _right(chance, deal, ref, number)


def _party(number: int, kind: str) -> int:
    """Licences out belong to contracts out, grants to contracts in."""
    if kind == "licence_out":
        return number - number % 10
    return number + 1 if number % 10 == 0 else number


def _right(chance: random.Random, deal: Deal, ref: str, number: int) -> RightRow:
    start, end = _window(chance)
    texts = "" if end is None else f',"end":"{instant_text(end)}"'
    body = deal.row.body.replace(_REF, ref, 1).replace(instant_text(_START), instant_text(start), 1)
    body = body.replace(f',"end":"{instant_text(_END)}"', texts, 1)
    digest = hashlib.sha256(body.encode()).hexdigest()
    closes = OPEN if end is None else point(end)
    return deal.row._replace(
        external_key=f"bench:right-{number:08}", ref=ref, opens=point(start), closes=closes, hash=digest, body=body
    )


def _window(chance: random.Random) -> tuple[datetime, datetime | None]:
    """Two in five are over, one in five has not begun, one in six never ends."""
    draw = chance.random()
    days = chance.choice((14, 30, 90, 180, 365, 730, 1095, 1825))
    if draw < 0.17:
        return TODAY - timedelta(days=chance.randrange(4000)), None
    if draw < 0.57:
        end = TODAY - timedelta(days=chance.randrange(1, 4000))
        return end - timedelta(days=days), end
    if draw < 0.8:
        start = TODAY - timedelta(days=chance.randrange(days))
        return start, start + timedelta(days=days)
    start = TODAY + timedelta(days=chance.randrange(1, 1500))
    return start, start + timedelta(days=days)


def _deals(chance: random.Random) -> tuple[Sequence[Deal], Sequence[Deal]]:
    """Deals about everything but music, and deals about music."""
    parties = {
        way: contract_on_record("", ContractGiven(counterparty="x", direction=way, status="active"))
        for way in ("in", "out")
    }
    music = [_deal(chance, parties, (("music_master",), ("music_publishing",), ("music_performance",), ())[n % 4])
             for n in range(_DEALS // 8)]  # fmt: skip
    return [_deal(chance, parties, ()) for _ in range(_DEALS)], music


def _deal(chance: random.Random, parties: dict[str, Contract], element_kinds: tuple[str, ...]) -> Deal:
    kind = _drawn(chance, _RIGHT_KINDS)
    places, without = _territories(chance)
    terms: dict[str, Any] = {
        "ref": _REF,
        "kind": kind,
        "element_kinds": element_kinds,
        "media": _drawn(chance, _MEDIA),
        "territories": places,
        "excluded_territories": without,
        "groups_on": date(2024, 1, 1) if set(places) & set(_GROUPS) else None,
        "start": _START,
        "end": _END,
        "exclusive": kind in ("grant", "licence_out") and chance.random() < 0.3,
        "purposes": chance.choice(_PURPOSES) if chance.random() < 0.2 else (),
        "languages": chance.choice(_TONGUES) if chance.random() < 0.25 else (),
        "clause": chance.choice(_CLAUSES),
    }
    if kind == "grant":
        terms |= _limits(chance)
    right = right_on_record("", RightTerms.model_validate(terms), parties["out" if kind == "licence_out" else "in"])
    return Deal(kind, row_of(right))


def _limits(chance: random.Random) -> dict[str, Any]:
    limits: dict[str, Any] = {"derivative_allowed": chance.random() > 0.08}
    if chance.random() < 0.1:
        limits |= {"max_runs": chance.choice((1, 3, 10)), "reruns": {"repeats": 2, "hours": 48}}
    if chance.random() < 0.1:
        limits["max_duration_seconds"] = chance.choice((30, 60, 180))
    if chance.random() < 0.04:
        limits["window_max_days"] = chance.choice((30, 90, 365))
    if chance.random() < 0.15:
        limits["conditions"] = ({"type": "credit", "text": f"(c) Company {chance.randrange(500)}", "min_seconds": 2},)
    return limits


def _territories(chance: random.Random) -> tuple[tuple[str, ...], tuple[str, ...]]:
    everywhere = sorted(countries())
    draw = chance.random()
    if draw < 0.35:
        return (chance.choice(_LARGE),), ()
    if draw < 0.45:
        return (chance.choice(everywhere),), ()
    if draw < 0.60:
        return (chance.choice(_GROUPS),), (("DE",) if chance.random() < 0.1 else ())
    if draw < 0.80:
        return tuple(chance.sample(_LARGE, chance.randrange(2, 6))), ()
    if draw < 0.90:
        return tuple(chance.sample(everywhere, chance.randrange(9, 40))), ()
    return ("WORLD",), tuple(chance.sample(_LARGE, chance.randrange(4))) if chance.random() < 0.5 else ()


def _blanket(chance: random.Random, deals: tuple[Sequence[Deal], Sequence[Deal]]) -> Iterator[tuple[str, RightRow]]:
    """Twenty blanket licences for the performance of music."""
    fitting = [each for each in deals[1] if each.kind == "grant" and '"music_performance"' in each.row.facts][:20]
    for number, deal in enumerate(fitting):
        yield "bench:deal-000001", _right(chance, deal, "music:any", 90_000_000 + number)


def _drawn(chance: random.Random, weighed: Sequence[tuple[Any, int]]) -> Any:
    return chance.choices([each for each, _ in weighed], [weight for _, weight in weighed])[0]
