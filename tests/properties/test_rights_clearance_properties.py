"""The engine against a brute-force oracle on small worlds, and the laws that any rights engine must keep."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random  # noqa: TID251 - worlds are made from a seed
from typing import NamedTuple, get_args

from holdback_base.elements import CutFacts, Element, ElementList, Notice, uncovered
from holdback_base.vocabulary import Rate, Span, TimeRange
from holdback_servers.rights.book import Book, Entry, entry
from holdback_servers.rights.clearance import MUSIC, Decision, ask, decide
from holdback_servers.rights.explaining import report
from holdback_servers.rights.model import (
    Condition,
    ContractTerms,
    Right,
    RightTerms,
    contract_on_record,
    right_on_record,
)
from holdback_servers.rights.moments import Event, EventLag
from holdback_servers.rights.plans import plans
from holdback_servers.rights.remedies import acquired, applied
from holdback_servers.rights.report import Asked, ReasonCode, RemedyKind, Verdict
from hypothesis import given
from hypothesis import strategies as st

DAY_ZERO = datetime(2026, 3, 1, tzinfo=UTC)
DAYS = 8
PLACES = ["DE", "GB", "US", "US-CA"]
NODES = ["linear", "social.youtube", "social.instagram"]
REFS = {"film:a": "programme", "music:b": "music_master", "logo:c": "logo", "talent:d": "talent"}
EVENTS = {"shown": Event(ref="film:a", event="shown", at=DAY_ZERO + timedelta(days=2))}
"""What is known to have happened; nobody knows when `announced` is."""
MEDIA = "sha256:" + "0" * 64
MEDIA_MEANT = {"all": NODES, "social": NODES[1:], **{node: [node] for node in NODES}}
GROUP_MEANT = {"WORLD": PLACES, "UKI": ["GB"], "US": ["US", "US-CA"], "DE": ["DE"], "GB": ["GB"], "US-CA": ["US-CA"]}


def day(number: int) -> datetime:
    return DAY_ZERO + timedelta(days=number)


CONDITIONS: list[tuple[Condition, ...]] = [
    *[(Condition(type="credit", text="By A", min_seconds=2),)] * 4,
    (Condition(type="blur"),),
    (Condition(type="blur", ref="logo:c"),),
    (Condition(type="replace_music", ref="music:b"),),
    (Condition(type="approval"), Condition(type="credit", text="by a")),
    (Condition(type="approval", approved=(MEDIA,)),),
    (Condition(type="age_gate"),),
    (Condition(type="geo_block"), Condition(type="age_gate")),
    (Condition(type="disclaimer", text="Not for children"),),
    (Condition(type="mute", ref="talent:d"),),
]
PERFORMED: tuple[tuple[str, ...], ...] = (("music_master",), ("programme", "logo", "talent"), ("music_performance",))
RESTRICTIONS = ("licence_out", "holdback", "blackout", "embargo")
KINDS = ("grant", "grant", "grant", *RESTRICTIONS)


def some_right(chance: Random, number: int, kinds: Sequence[str] = KINDS, ref: str = "") -> Entry:
    """Mostly generous grants and narrow restrictions, so that small worlds are neither all clear nor all closed."""
    kind = chance.choice(kinds)
    wide = kind == "grant" and chance.random() < 0.7
    rare = chance.random() < (0.2 if ref else 0.5)
    start = chance.randint(-2, 1 if wide else DAYS - 1)
    length = chance.choice([None, DAYS + 2, 5] if wide else [None, 1, 2, 3])
    contract = contract_on_record(
        f"ctr_{number}",
        ContractTerms(
            counterparty="A",
            direction="out" if kind == "licence_out" else "in",
            status=chance.choice(["pending", "draft", "inactive", "active"]) if rare else "active",
        ),
    )
    terms = RightTerms.model_validate(
        {
            "ref": ref or chance.choice([*sorted(REFS), "music:any"]),
            "kind": kind,
            "element_kinds": chance.choice([*PERFORMED, ()]) if rare else (),
            "media": ["all"] if wide else chance.sample(sorted(MEDIA_MEANT), chance.randint(1, 2)),
            "territories": ["WORLD"] if wide else chance.sample(sorted(GROUP_MEANT), chance.randint(1, 2)),
            "excluded_territories": chance.choice([[], [], [], [], ["US"], ["US-CA"], ["DE"]]),
            **some_window(chance, start, length),
            "exclusive": chance.random() < 0.7,
            "purposes": chance.choice([(), ("editorial",), ("promotion", "news"), ("training",)]) if rare else (),
            "languages": chance.choice([(), (), ("es",), ("de", "es-419"), ("subtitle:de",)]) if rare else (),
            "derivative_allowed": not rare or chance.random() < 0.7,
            **(some_limits(chance) if kind == "grant" and chance.random() < 0.3 else {}),
            "conditions": chance.choice(CONDITIONS) if kind == "grant" and chance.random() < 0.3 else (),
        }
    )
    return entry(right_on_record(f"rgt_{number}", terms, contract, events=EVENTS), contract, chance.randint(0, 2))


def some_window(chance: Random, start: int, length: int | None) -> dict[str, object]:
    """Most ends are instants; some hang on an event, known or not."""
    found: dict[str, object] = {"start": day(start), "end": None if length is None else day(start + length)}
    if chance.random() < 0.1:
        event, lag = chance.choice([("shown", chance.randint(-2, 3)), ("announced", 1)])
        late = length is not None and chance.random() < 0.5
        found = {"start": day(-2)} if late else {"end": day(DAYS)}
        found["end_event" if late else "start_event"] = EventLag(event=event, lag=f"{'-' * (lag < 0)}P{abs(lag)}D")
    return found


def some_limits(chance: Random) -> dict[str, object]:
    return chance.choice(
        [
            {"max_duration_seconds": chance.choice([5, 9])},
            {"max_duration_seconds": 8, "max_excerpt_percent": 50, "work_seconds": chance.choice([10, 20])},
            {"max_runs": chance.randint(0, 4)},
            {"window_max_days": chance.choice([1, 2, 4])},
        ]
    )


def some_rights(chance: Random, most: int = 12, first: int = 0, kinds: Sequence[str] = KINDS) -> list[Entry]:
    return [some_right(chance, first + number, kinds) for number in range(chance.randint(0, most))]


def some_cut(chance: Random) -> CutFacts:
    frames = 240
    elements: list[Element] = []
    for ref in chance.sample(sorted(REFS), chance.choice([0, *[1] * 8, 2, 2, 2, 3, 4])):
        start = chance.randint(0, frames - 1)
        spans = (Span(in_frame=start, out_frame=chance.randint(start + 1, frames)),)
        obscured = chance.choice([(), spans, (Span(in_frame=0, out_frame=100),)])
        elements.append(
            Element.model_validate(
                {"id": f"e-{ref}", "kind": REFS[ref], "ref": ref, "name": ref, "spans": spans, "obscured": obscured}
            )
        )
    credit = Notice(kind="credit", text="Film BY  A and B", span=Span(in_frame=0, out_frame=60))
    return CutFacts(
        media=MEDIA,
        element_list=ElementList(
            rate=Rate(num=24), frames=frames, elements=tuple(elements), notices=chance.choice([(), (credit,)])
        ),
    )


def some_question(chance: Random) -> Asked:
    start = chance.randint(0, 4)
    return ask(
        chance.sample(PLACES, chance.randint(1, 4)),
        chance.sample(NODES, chance.randint(1, 3)),
        start=day(start),
        end=day(chance.randint(start + 1, DAYS)),
        purpose=chance.choice(["editorial", "promotion", "promotion", "promotion", "promotion", "news", "training"]),
        languages=chance.choice([(), (), (), ("es-419",), ("de", "es"), ("subtitle:de", "audio:es")]),
        runs=chance.choice([1, 1, 1, 3]),
        exclusive=chance.random() < 0.1,
        undertakings=chance.choice([(), ("age_gate",), ("age_gate", "geo_block")]),
    )


class World(NamedTuple):
    entries: list[Entry]
    asked: Asked
    cut: CutFacts


def some_world(chance: Random) -> World:
    """Most elements of the cut have a grant; a few more rights of any kind stand beside it."""
    cut = some_cut(chance)
    given = [each.ref for each in cut.element_list.elements if chance.random() < 0.85]
    entries = [some_right(chance, 50 + number, ("grant",), ref) for number, ref in enumerate(given)]
    return World(entries + some_rights(chance, 6), some_question(chance), cut)


def nearly_clear_world(chance: Random) -> World:
    """Every element has a grant that would do but for a few points, so that one of many small changes clears."""
    cut, asked = some_cut(chance), some_question(chance)
    contract = contract_on_record("ctr_1", ContractTerms(counterparty="A", direction="in", status="active"))
    points: list[dict[str, object]] = [
        {"languages": chance.choice([("es",), ("de", "es-419"), ("subtitle:de",)])},
        {"max_runs": chance.randint(1, 4)},
        {"window_max_days": chance.choice([1, 2, 4])},
        {"conditions": chance.choice(CONDITIONS)},
        {"end": day(chance.randint(1, DAYS))},
        {"excluded_territories": [chance.choice(["US", "DE", "GB"])]},
        {"media": ["social"]},
        {"exclusive": False},
        {"start_event": EventLag(event="announced"), "start": None},
        {"max_duration_seconds": chance.choice([5, 9])},
    ]
    entries: list[Entry] = []
    for number, element in enumerate(cut.element_list.elements):
        shape = {"ref": element.ref, "kind": "grant", "media": ["all"], "territories": ["WORLD"], "start": day(-2)}
        narrowed = chance.sample(points, chance.choice([0, 1, 1, 2]))
        terms = RightTerms.model_validate(
            {**shape, "exclusive": True, **{name: value for point in narrowed for name, value in point.items()}}
        )
        entries.append(entry(right_on_record(f"rgt_{number}", terms, contract, events=EVENTS), contract))
    return World(entries, asked, cut)


worlds = st.randoms(use_true_random=True)
"""A seed that hypothesis reports, and a world made from it: a hundred times quicker than drawing every field."""


def books_of(entries: Iterable[Entry]) -> dict[str, Book]:
    by_ref: dict[str, list[Entry]] = {}
    for each in entries:
        by_ref.setdefault(each.right.ref, []).append(each)
    return {ref: Book(found) for ref, found in by_ref.items()}


def clear_days(decision: Decision, *, once: bool = False) -> set[tuple[str, str, int]]:
    """Every (place, node, day) that the decision clears now, or once conditions are met."""
    found: set[tuple[str, str, int]] = set()
    for group in report(decision).groups:
        windows = group.windows_once_met if once and group.windows_once_met is not None else group.windows
        for number in range(DAYS):
            if any(each.contains(day(number)) for each in windows):
                found |= {(place, node, number) for place in group.territories for node in group.platforms}
    return found


# --- the oracle: a day, a place, a node and an element at a time, on the terms as they were recorded ------------------


def speaks(right: Right, ref: str, kind: str) -> bool:
    blanket = right.ref == "music:any" and kind == "music_performance"
    return (right.ref == ref or blanket) and (not right.element_kinds or kind in right.element_kinds)


def known(at: datetime | None, lag: EventLag | None) -> datetime | None:
    if lag is None:
        return at
    days = int(lag.lag.replace("P", "").replace("D", ""))
    return day(2 + days) if lag.event == "shown" else None


def about(right: Right, place: str, node: str, number: int) -> bool:
    whole = right.kind == "grant"
    start, end = known(right.start, right.start_event), known(right.end, right.end_event)
    if not (start is None or start <= day(number)) or not (end is None or day(number) < end):
        return False
    if not any(node in MEDIA_MEANT[each] for each in right.media):
        return False
    named = {each for code in right.territories for each in GROUP_MEANT[code]}
    taken = {each for code in right.excluded_territories for each in GROUP_MEANT[code]}
    left = named - taken
    if place == "US" and not whole:
        return bool(left & {"US", "US-CA"}) and "US" not in taken
    if place == "US":
        return "US" in left and "US-CA" not in taken
    return place in left


def in_tongue(own: str, want: str, *, whole: bool) -> bool:
    own_use, own_tag = own.split(":") if ":" in own else ("", own)
    use, tag = want.split(":") if ":" in want else ("", want)
    within = tag == own_tag or tag.startswith(own_tag + "-")
    if whole:
        return own_use in ("", use) and within
    return (own_use == use or not own_use or not use) and (within or own_tag.startswith(tag + "-"))


def permits(each: Entry, asked: Asked, cut: CutFacts, ref: str, tongue: str | None, *, conditions_count: bool) -> bool:
    """Whether a grant gives one language of what is asked (or what is asked in none)."""
    right = each.right
    elements = [one for one in cut.element_list.elements if one.ref == ref]
    seconds = sum(span.frames for one in elements for span in one.spans) / 24
    share = (right.work_seconds or 0) * (right.max_excerpt_percent or 0) // 100
    days = None if asked.window.end is None else (asked.window.end - asked.window.start) / timedelta(days=1)
    return (
        each.contract.status == "active"
        and all(one is None or one.event == "shown" for one in (right.start_event, right.end_event))
        and (asked.purpose in right.purposes or (not right.purposes and asked.purpose != "training"))
        and (
            not right.languages
            or (tongue is not None and any(in_tongue(own, tongue, whole=True) for own in right.languages))
        )
        and right.derivative_allowed
        and (right.max_duration_seconds is None or seconds <= right.max_duration_seconds)
        and (right.max_excerpt_percent is None or seconds <= share)
        and (right.max_runs is None or right.max_runs >= each.taken + asked.runs)
        and (right.window_max_days is None or (days is not None and days <= right.window_max_days))
        and (right.exclusive or not asked.exclusive)
        and (not conditions_count or all(satisfied(one, ref, cut, asked) for one in right.conditions))
    )


def satisfied(condition: Condition, own: str, cut: CutFacts, asked: Asked) -> bool:
    elements = [each for each in cut.element_list.elements if each.ref == (condition.ref or own)]
    if condition.type in ("blur", "mute"):
        return not any(uncovered(each.spans, each.obscured) for each in elements)
    if condition.type == "replace_music":
        return not elements
    if condition.type in ("credit", "disclaimer"):
        return any(each.kind == condition.type for each in cut.element_list.notices)
    if condition.type == "approval":
        return cut.media in condition.approved
    return condition.type in asked.undertakings


def forbids(each: Entry, asked: Asked) -> bool:
    right = each.right
    if each.contract.status != "active" or right.kind == "grant":
        return False
    if right.kind == "licence_out" and not right.exclusive and not asked.exclusive:
        return False
    if right.purposes and asked.purpose not in right.purposes:
        return False
    near = any(in_tongue(own, want, whole=False) for want in asked.languages for own in right.languages)
    return not right.languages or not asked.languages or near


def oracle(entries: list[Entry], asked: Asked, cut: CutFacts, *, conditions_count: bool) -> set[tuple[str, str, int]]:
    tried = [(each.ref, each.kind) for each in cut.element_list.elements]
    tried += [(ref, more) for ref, kind in tried if kind == "music_master" for more in MUSIC[1:]]

    def element_clear(ref: str, kind: str, place: str, node: str, number: int) -> bool:
        here = [each for each in entries if speaks(each.right, ref, kind) and about(each.right, place, node, number)]
        given = all(
            any(
                each.right.kind == "grant" and permits(each, asked, cut, ref, tongue, conditions_count=conditions_count)
                for each in here
            )
            for tongue in asked.languages or [None]
        )
        return given and not any(forbids(each, asked) for each in here)

    return {
        (place, node, number)
        for place in asked.territories
        for node in asked.platforms
        for number in range(DAYS)
        if tried and asked.window.contains(day(number))
        if all(element_clear(ref, kind, place, node, number) for ref, kind in tried)
    }


@given(worlds)
def test_the_engine_says_what_a_brute_force_oracle_says(chance: Random) -> None:
    for _ in range(10):
        entries, asked, cut = some_world(chance)
        decision = decide(asked, [cut], books_of(entries))

        assert clear_days(decision) == oracle(entries, asked, cut, conditions_count=True)
        assert clear_days(decision, once=True) == oracle(entries, asked, cut, conditions_count=False)


@given(worlds)
def test_a_person_is_needed_only_where_what_is_known_leaves_something_and_something_is_unknown(chance: Random) -> None:
    entries, asked, cut = some_world(chance)
    entries = [each for each in entries if each.right.ref != "music:any"]
    recorded = {each.right.ref for each in entries if not each.right.element_kinds}
    entries = [each for each in entries if each.right.ref in recorded and not each.right.element_kinds]
    known = tuple(each for each in cut.element_list.elements if each.ref in recorded)
    part = cut.model_copy(update={"element_list": cut.element_list.model_copy(update={"elements": known})})
    possible = {(place, node) for place, node, _ in oracle(entries, asked, part, conditions_count=False)}
    everything = {(place, node) for place in asked.territories for node in asked.platforms}
    if len(known) == len(cut.element_list.elements) or not cut.element_list.elements:
        return
    for group in report(decide(asked, [cut], books_of(entries))).groups:
        cells = {(place, node) for place in group.territories for node in group.platforms}
        assert cells <= (possible or (everything if not known else set())) or group.verdict == "DENIED"
        assert group.verdict in ("NEEDS_HUMAN", "DENIED")
        assert group.verdict == "NEEDS_HUMAN" or not cells & (possible if known else everything)


def test_the_worlds_tried_hold_every_verdict_and_every_way_out() -> None:
    seen: Counter[str] = Counter()
    for seed in range(300):
        entries, asked, cut = (some_world if seed % 2 else nearly_clear_world)(Random(seed))
        decision = decide(asked, [cut], books_of(entries))
        seen.update(each.verdict for each in report(decision).groups)
        seen.update(each.code for each in report(decision).reasons)
        seen.update(each.kind for plan in plans(decision, books_of(entries)) for each in plan.remedies)

    wanted = {*get_args(Verdict), *get_args(ReasonCode), *get_args(RemedyKind)}
    assert wanted - set(seen) <= {"add_disclaimer", "mute_element", "shorten_element", "NO_COMMON_WINDOW"}
    assert min(seen[each] for each in ("CLEARED", "PARTIAL", "CONDITIONAL", "NEEDS_HUMAN", "DENIED")) > 10


@given(worlds)
def test_the_order_of_rights_elements_and_territories_never_matters(chance: Random) -> None:
    entries, asked, cut = some_world(chance)
    first = decide(asked, [cut], books_of(entries))
    shuffled, elements, places = list(entries), list(cut.element_list.elements), list(asked.territories)
    for each in (shuffled, elements, places):
        chance.shuffle(each)
    again = ask(
        places,
        reversed(asked.platforms),
        start=asked.window.start,
        end=asked.window.end,
        purpose=asked.purpose,
        languages=reversed(asked.languages),
        runs=asked.runs,
        exclusive=asked.exclusive,
        undertakings=reversed(asked.undertakings),
    )
    turned = cut.model_copy(update={"element_list": cut.element_list.model_copy(update={"elements": tuple(elements)})})
    second = decide(again, [turned], books_of(shuffled))

    assert report(second, plans(second, books_of(shuffled))) == report(first, plans(first, books_of(entries)))


@given(worlds)
def test_a_grant_never_takes_away(chance: Random) -> None:
    entries, asked, cut = some_world(chance)
    more = some_rights(chance, 4, first=100, kinds=("grant",))
    before, after = (decide(asked, [cut], books_of(each)) for each in (entries, entries + more))

    assert clear_days(before) <= clear_days(after)
    assert clear_days(before, once=True) <= clear_days(after, once=True)


@given(worlds)
def test_a_restriction_never_gives(chance: Random) -> None:
    entries, asked, cut = some_world(chance)
    more = some_rights(chance, 4, first=100, kinds=RESTRICTIONS)
    before, after = (decide(asked, [cut], books_of(each)) for each in (entries, entries + more))

    assert clear_days(after) <= clear_days(before)
    assert clear_days(after, once=True) <= clear_days(before, once=True)


@given(worlds)
def test_splitting_a_window_and_joining_the_answers_changes_nothing(chance: Random) -> None:
    entries, asked, cut = some_world(chance)
    books = books_of(each for each in entries if each.limits.window_days is None)
    start, end = asked.window.start, asked.window.end
    at = day(chance.randint(1, DAYS - 1))
    if end is None or not start < at < end:
        return
    parts = [asked.model_copy(update={"window": TimeRange(start=a, end=b)}) for a, b in ((start, at), (at, end))]
    left, right = (decide(each, [cut], books) for each in parts)

    assert clear_days(left) | clear_days(right) == clear_days(decide(asked, [cut], books))


@given(worlds)
def test_a_window_limit_is_no_limit_up_to_its_days_and_no_grant_beyond(chance: Random) -> None:
    entries, asked, cut = some_world(chance)
    end = asked.window.end
    assert end is not None
    long = (end - asked.window.start).days
    limit = chance.randint(1, DAYS)
    free = [replace(each, limits=replace(each.limits, window_days=None)) for each in entries]
    some = {each.id for each in free if each.kind == "grant" and chance.random() < 0.5}
    limited = [
        replace(each, limits=replace(each.limits, window_days=limit)) if each.id in some else each for each in free
    ]
    meant = free if long <= limit else [each for each in free if each.id not in some]

    assert clear_days(decide(asked, [cut], books_of(limited))) == clear_days(decide(asked, [cut], books_of(meant)))


@given(worlds)
def test_every_verified_plan_applied_clears_what_it_leaves(chance: Random) -> None:
    entries, asked, cut = chance.choice([some_world, nearly_clear_world])(chance)
    books = books_of(entries)
    decision = decide(asked, [cut], books)
    offered = plans(decision, books)

    assert bool(offered) != decision.clear
    for plan in offered:
        assert plan.verified != any(each.kind == "ask_human" for each in plan.remedies)
        if not plan.verified:
            continue
        parts = applied(asked, [cut], plan.remedies)
        assert {place for part in parts for place in part.asked.territories} == set(plan.territories)
        for part in parts:
            days = {
                (place, node, number)
                for place in part.asked.territories
                for node in part.asked.platforms
                for number in range(DAYS)
                if part.asked.window.contains(day(number))
            }
            assert days
            on_record = [*entries, *acquired(plan.remedies)]
            assert days <= oracle(on_record, part.asked, part.cuts[0], conditions_count=True)


@given(worlds)
def test_every_cell_is_answered_once_and_every_refusal_has_a_reason(chance: Random) -> None:
    entries, asked, cut = some_world(chance)
    answer = report(decide(asked, [cut], books_of(entries)))
    cells = [(place, node) for each in answer.groups for place in each.territories for node in each.platforms]
    named = {each.key for each in answer.reasons}

    assert sorted(cells) == sorted((place, node) for place in asked.territories for node in asked.platforms)
    for group in answer.groups:
        assert bool(group.reasons) or group.verdict == "CLEARED"
        assert set(group.reasons) <= named
    assert answer.text()
