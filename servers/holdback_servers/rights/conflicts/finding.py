"""Finding conflicts among the rights of one reference. Pure.

A contract that is draft, pending or active is judged as if it were active. Held is only what active contracts give; a
draft or a pending one stands in the way all the same, and is named with its status.
Two rights of one contract never conflict, nor do two sales to one counterparty, nor a sale and what its buyer was
promised with another.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final, get_args

from holdback_base.elements import ElementKind

from holdback_servers.rights.answers import ConflictCode, RightsScope
from holdback_servers.rights.book import Book, Entry
from holdback_servers.rights.conflicts.scopes import Cells, Ground, less, scope, shared_area, shared_media
from holdback_servers.rights.fitting import covered
from holdback_servers.rights.model import Purpose
from holdback_servers.rights.tongues import meets_tongue
from holdback_servers.rights.windows import OPEN, clipped

LIVE: Final = ("draft", "pending", "active")
"""What a contract may be to be judged: a rejected or inactive one neither gives nor bars."""
_PURPOSES: Final = frozenset(get_args(Purpose))
_USUAL: Final = _PURPOSES - {"training"}
_BARS: Final[Mapping[str, ConflictCode]] = {"holdback": "HOLDBACK", "blackout": "BLACKOUT", "embargo": "EMBARGO"}
Facet = tuple[ElementKind, str, str]
"""One kind of element, purpose and language that a sale passes on; an empty language stands for any."""


@dataclass(frozen=True, slots=True)
class Clash:
    """One conflict: `entry` is the right to look at first, `other` the one it meets, or the nearest grant there is.

    `kinds`, `purposes` and `languages` are empty where all that the right gives is concerned.
    """

    code: ConflictCode
    entry: Entry
    other: Entry | None
    scopes: tuple[RightsScope, ...]
    kinds: tuple[ElementKind, ...] = ()
    purposes: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()


def clashes(
    book: Book, *, contract: str | None, since: int, kinds: Sequence[ElementKind], counterparty: Callable[[Entry], str]
) -> Iterator[Clash]:
    """All conflicts of one reference, in a fixed order.

    Args:
        contract: only those that a right of this contract has part in; absent, those of every live contract.
        since: what is over at this point (microseconds since 1970, see `windows`) is left out.
        kinds: what a sale that names no kind of element passes on.
        counterparty: of the entry's contract; asked for only where scopes meet.
    """
    live = [each for each in book.entries if each.status in LIVE and each.window[1] > since]
    grants = [each for each in live if each.grants]
    for each in live:
        if contract not in (None, each.contract_id):
            continue
        if each.kind == "licence_out":
            yield from _unheld(each, grants, since, kinds)
        for other in live:
            told_there = contract in (None, other.contract_id) and _change_first(other, each)
            if not told_there and (clash := _meeting(each, other, since, counterparty)):
                yield clash


def _change_first(one: Entry, other: Entry) -> bool:
    """Which of two is the one to change: that of a contract not yet active, else the one recorded later."""
    return (one.status != "active", one.id) > (other.status != "active", other.id)


# --- two rights that meet ------------------------------------------------------------------------------------------


def _meeting(one: Entry, other: Entry, since: int, counterparty: Callable[[Entry], str]) -> Clash | None:
    code = _code(one, other)
    if code is None or one.contract_id == other.contract_id:
        return None
    windows = tuple(part for both in clipped(one.window, other.window) for part in clipped(both, (since, OPEN)))
    purposes, languages = _purposes(one, other), _languages(one, other)
    apart = one.element_kinds and other.element_kinds and not {*one.element_kinds} & {*other.element_kinds}
    if not windows or not purposes or languages is None or apart:
        return None
    media, area = shared_media(one.media, other.media), shared_area(one.area, other.area)
    if not media or not area.included or (_partners(one, other) and counterparty(one) == counterparty(other)):
        return None
    kinds: set[ElementKind] = {kind for kind in one.element_kinds if kind in other.element_kinds}
    kinds = kinds or {*one.element_kinds, *other.element_kinds}
    named = () if purposes >= _USUAL else tuple(sorted(purposes))
    found = scope(area.included, area.excluded, media, windows)
    return Clash(code, one, other, (found,), tuple(sorted(kinds)), named, languages)


def _code(one: Entry, other: Entry) -> ConflictCode | None:
    kinds = {one.kind, other.kind}
    if kinds == {"grant"}:
        return "RIGHTS_IN_OVERLAP" if one.exclusive and other.exclusive else None
    if kinds == {"licence_out"}:
        return "RIGHTS_OUT_OVERLAP" if one.exclusive or other.exclusive else None
    return _BARS.get((kinds - {"licence_out"}).pop()) if "licence_out" in kinds else None


def _partners(one: Entry, other: Entry) -> bool:
    """Whether one counterparty on both sides makes it no conflict. What a licensor asks binds every sale."""
    return all(each.contract.direction == "out" for each in (one, other) if each.kind in _BARS)


def _purposes(one: Entry, other: Entry) -> frozenset[str]:
    """Purposes that one side gives and the other bars. What gives must name training; what bars need not."""
    if one.grants:
        return given_for(one) & given_for(other)
    found = frozenset[str]()
    for bar, sale in ((one, other), (other, one)):
        if sale.kind == "licence_out" and (bar.exclusive or bar.kind in _BARS):
            found |= (frozenset(bar.purposes) or _PURPOSES) & given_for(sale)
    return found


def given_for(entry: Entry) -> frozenset[str]:
    """The purposes that a grant or a sale gives it for; training only by name."""
    return frozenset(entry.purposes) or _USUAL


def _languages(one: Entry, other: Entry) -> tuple[str, ...] | None:
    """Languages in both; empty for any, None where there are none."""
    if not one.languages or not other.languages:
        return one.languages or other.languages
    found = {_narrower(a, b) for a, b in product(one.languages, other.languages) if meets_tongue(a, b)}
    return tuple(sorted(found)) or None


def _narrower(one: str, other: str) -> str:
    (use, _, tag), (other_use, _, other_tag) = one.rpartition(":"), other.rpartition(":")
    named = use or other_use
    return (f"{named}:" if named else "") + max(tag, other_tag, key=len)


# --- what is sold and not held -------------------------------------------------------------------------------------


def _unheld(sale: Entry, grants: Sequence[Entry], since: int, kinds: Sequence[ElementKind]) -> Iterator[Clash]:
    within = clipped(sale.window, (since, OPEN))[0]
    held = [each for each in grants if each.status == "active" and not each.unresolved]
    held = [each for each in held if clipped(each.window, within)]
    ground = Ground(sale, held, within)
    facets: list[Facet] = list(product(sale.element_kinds or kinds, sorted(given_for(sale)), sale.languages or ("",)))
    masks = {facet: sum(1 << n for n, each in enumerate(held) if gives(each, facet)) for facet in facets}
    missing = {mask: ground.missing(mask) for mask in set(masks.values())}
    nothing = all(cells == ground.missing(0) for cells in missing.values())
    code: ConflictCode = "NO_RIGHTS_IN" if nothing else "PARTIAL_RIGHTS_IN"
    yield from _lacking(code, sale, grants, ground, {facet: missing[mask] for facet, mask in masks.items()})
    if sale.exclusive:
        alone = sum(1 << n for n, each in enumerate(held) if each.exclusive)
        shared = {mask: less(ground.missing(mask & alone), missing[mask]) for mask in missing}
        open_to_others = [each for each in held if not each.exclusive]
        told = {facet: shared[mask] for facet, mask in masks.items()}
        yield from _lacking("NO_EXCLUSIVE_RIGHTS_IN", sale, open_to_others, ground, told)


def gives(grant: Entry, facet: Facet) -> bool:
    """Whether the grant is about this kind, purpose and language."""
    kind, purpose, language = facet
    if (grant.element_kinds and kind not in grant.element_kinds) or purpose not in given_for(grant):
        return False
    return covered(grant.languages, (language,) if language else ()) > 0


def _lacking(
    code: ConflictCode, sale: Entry, grants: Sequence[Entry], ground: Ground, lacking: Mapping[Facet, Cells]
) -> Iterator[Clash]:
    """Points on which the sale lacks the same are told together."""
    alike: dict[tuple[RightsScope, ...], list[Facet]] = {}
    for facet, cells in lacking.items():
        if cells:
            alike.setdefault(ground.scopes(cells), []).append(facet)
    for scopes, facets in alike.items():
        near = min(grants, key=lambda each: _distance(each, sale, facets), default=None)
        if len(facets) == len(lacking):
            yield Clash(code, sale, near, scopes)
            continue
        for kinds, purposes, languages in _blocks(facets):
            yield Clash(code, sale, near, scopes, kinds, purposes, tuple(each for each in languages if each))


def _blocks(facets: Iterable[Facet]) -> Iterator[tuple[tuple[ElementKind, ...], tuple[str, ...], tuple[str, ...]]]:
    """The same points as kinds x purposes x languages, with none that is not among them."""
    purposes: dict[tuple[ElementKind, str], set[str]] = {}
    for kind, purpose, language in facets:
        purposes.setdefault((kind, language), set()).add(purpose)
    languages: dict[tuple[ElementKind, tuple[str, ...]], set[str]] = {}
    for (kind, language), named in purposes.items():
        languages.setdefault((kind, tuple(sorted(named))), set()).add(language)
    kinds: dict[tuple[tuple[str, ...], tuple[str, ...]], set[ElementKind]] = {}
    for (kind, named), tongues in languages.items():
        kinds.setdefault((named, tuple(sorted(tongues))), set()).add(kind)
    for (named, tongues), found in sorted(kinds.items()):
        yield tuple(sorted(found)), named, tongues


def _distance(grant: Entry, sale: Entry, facets: Sequence[Facet]) -> tuple[bool, bool, bool, bool, bool, str]:
    """How far a grant is from giving what is sold: what is hardest to change first."""
    return (
        not shared_area(grant.area, sale.area).included,
        not shared_media(grant.media, sale.media),
        not any(gives(grant, facet) for facet in facets),
        not clipped(grant.window, sale.window),
        grant.status != "active",
        grant.id,
    )
