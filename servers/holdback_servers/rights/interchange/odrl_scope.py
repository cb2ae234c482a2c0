"""The constraints of a rule become the scope of rights: places, media, window, purposes, languages, limits. Pure.

A scope is one conjunction of constraints; a rule with `or` has several. What a scope cannot hold is told to the caller,
who knows whether leaving it out would give more (a permission) or forbid more (a prohibition).
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, get_args

from holdback_base.problem import Problem
from holdback_base.vocabulary import is_group, media_tree, medium_within, territory_within

from holdback_servers.rights.interchange.odrl_alternatives import Conjunction
from holdback_servers.rights.interchange.odrl_model import Constraint
from holdback_servers.rights.interchange.odrl_values import (
    moment_of,
    number_of,
    place_of,
    plain,
    seconds_of,
    whole_number,
)
from holdback_servers.rights.model import Purpose
from holdback_servers.rights.moments import day_start
from holdback_servers.rights.tongues import ANY_LANGUAGE

PURPOSES: Final[tuple[str, ...]] = get_args(Purpose)
_TICK: Final = timedelta(microseconds=1)
_ONLY: Final = {"eq", "isAnyOf", "isPartOf"}
_NOT: Final = {"neq", "isNoneOf"}
_SITES: Final = {
    "youtube.com": "social.youtube",
    "instagram.com": "social.instagram",
    "tiktok.com": "social.tiktok",
    "facebook.com": "social.facebook",
    "x.com": "social.x",
    "twitter.com": "social.x",
}


class Scope:
    """What one conjunction says, gathered constraint by constraint.

    `unsaid` are constraints that no term of a right can hold, `contradicted` says what can never be true; `refused`
    is a mistake and its cure.
    """

    def __init__(self, constraints: Conjunction, zone: str, *, gives: bool) -> None:
        self.unsaid: list[Constraint] = []
        self.contradicted = ""
        self.refused: tuple[str, str] | None = None
        self._zone, self._gives = zone, gives
        self._places: set[str] | None = None
        self._without: set[str] = set()
        self._media: set[str] | None = None
        self._purposes: set[str] | None = None
        self._languages: set[str] | None = None
        self._bounds: dict[str, tuple[datetime, dict[str, Any]]] = {}
        self._other: dict[str, Any] = {}
        self._event(constraints)
        for each in constraints:
            if each.left not in ("event", "delayPeriod") and (each.unit or each.status or not self._take(each)):
                self.unsaid.append(each)

    def terms(self) -> dict[str, Any]:
        """The fields of a right."""
        bounds = {name: value for _, fields in self._bounds.values() for name, value in fields.items()}
        if "start" in self._bounds and "end" in self._bounds and self._bounds["end"][0] <= self._bounds["start"][0]:
            self.contradicted = self.contradicted or "its dateTime ends before it starts"
        sets = {"purposes": self._purposes, "languages": self._languages}
        return {
            "territories": tuple(sorted(self._places if self._places is not None else {"WORLD"})),
            "excluded_territories": tuple(sorted(self._without)),
            "media": tuple(sorted(self._media if self._media is not None else {"all"})),
            **{name: tuple(sorted(each)) for name, each in sets.items() if each is not None},
            **bounds,
            **self._other,
        }

    def _take(self, constraint: Constraint) -> bool:
        taker = _TAKERS.get(constraint.left)
        return bool(constraint.right) and taker is not None and taker(self, constraint)

    def _narrow(self, old: set[str] | None, new: set[str], within: Callable[[str, str], bool], what: str) -> set[str]:
        if old is None:
            return new
        both = {one for one in old if any(within(one, other) for other in new)}
        both |= {other for other in new if any(within(other, one) for one in old)}
        if not both:
            self.contradicted = f"nothing is left of its {what}"
        return both

    def place(self, constraint: Constraint) -> bool:
        """spatial: ISO 3166 places and groups, in or out."""
        found = {place_of(each.value) for each in constraint.right}
        known = {each for each in found if each is not None}
        if len(known) < len(constraint.right) or not _one_or_list(constraint):
            return False
        if constraint.operator in _NOT:
            self._without |= known
            return True
        if constraint.operator not in _ONLY:
            return False
        if self._places is not None and any(is_group(each) for each in (*known, *self._places)):
            return known == self._places

        def within(one: str, other: str) -> bool:
            return other == "WORLD" or (one != "WORLD" and territory_within(one, frozenset({other})))

        self._places = self._narrow(self._places, known, within, "places")
        return True

    def medium(self, constraint: Constraint) -> bool:
        """media, deliveryChannel, virtualLocation: nodes of the media tree, in or out."""
        found = {_node(plain(each)) for each in constraint.right}
        known = {each for each in found if each is not None}
        if len(known) < len(found) or not _one_or_list(constraint):
            return False
        if constraint.operator in _NOT:
            known = _media_without(known)
        elif constraint.operator not in _ONLY:
            return False
        self._media = self._narrow(self._media, known, medium_within, "media")
        return True

    def purpose(self, constraint: Constraint) -> bool:
        """purpose: those of Holdback, in or out; all but training where a permission names what it is not for."""
        known = {plain(each) for each in constraint.right}
        if not known <= set(PURPOSES) or not _one_or_list(constraint):
            return False
        if constraint.operator in _NOT:
            known = set(PURPOSES) - known - ({"training"} if self._gives else set())
        elif constraint.operator not in _ONLY:
            return False
        self._purposes = self._narrow(self._purposes, known, lambda one, other: one == other, "purposes")
        return True

    def language(self, constraint: Constraint) -> bool:
        """language: BCP 47 tags, with a use before them where Holdback's profile names one."""
        if constraint.operator not in _ONLY or not _one_or_list(constraint):
            return False
        known = {each.value.removeprefix("holdback:language:") for each in constraint.right}
        for each in sorted(known):
            if each.rpartition(":")[2].strip().casefold() in ANY_LANGUAGE:
                self.refused = f"{each!r} names no language.", "Leave the language out for any, or name the languages."
        self._languages = self._narrow(self._languages, known, lambda one, other: one == other, "languages")
        return True

    def moment(self, constraint: Constraint) -> bool:
        """dateTime: half-open instants, or days of the zone. `gt` and `lteq` move by the microsecond they mean."""
        operator = constraint.operator
        known = moment_of(constraint.right[0], self._zone)
        if known is None or len(constraint.right) > 1 or operator not in ("eq", "gt", "gteq", "lt", "lteq"):
            return False
        try:
            if operator in ("eq", "gt", "gteq"):
                self._bound("start", known, after=operator == "gt")
            if operator in ("eq", "lt", "lteq"):
                self._bound("end", known, after=operator in ("eq", "lteq"))
        except (OverflowError, Problem):
            return False
        return True

    def _bound(self, side: str, known: datetime | date, *, after: bool) -> None:
        if isinstance(known, datetime):
            moment = known + (_TICK if after else timedelta(0))
            fields: dict[str, Any] = {side: moment}
        else:
            day = known + timedelta(days=1 if after else 0)
            moment = day_start(day, self._zone)
            fields = {"first_day": day} if side == "start" else {"last_day": day - timedelta(days=1)}
        old = self._bounds.get(side)
        if old is None or (moment > old[0] if side == "start" else moment < old[0]):
            self._bounds[side] = (moment.astimezone(UTC), fields)

    def limit(self, constraint: Constraint) -> bool:
        """count, percentage, elapsedTime and the length of an excerpt: upper limits of a grant."""
        name, read, unit = _LIMITS[constraint.left]
        value = read(constraint.right[0])
        if not self._gives or value is None or len(constraint.right) > 1:
            return False
        whole = int(value // unit)
        if constraint.operator == "lt":
            whole -= 1 if value % unit == 0 else 0
        elif constraint.operator not in ("eq", "lteq"):
            return False
        if whole < (0 if name in ("max_runs", "max_duration_seconds") else 1) or (
            name == "max_excerpt_percent" and whole > 100
        ):
            return False
        self._other[name] = min(whole, self._other.get(name, whole))
        return True

    def kind(self, constraint: Constraint) -> bool:
        """Which element of the work is meant: Holdback's profile."""
        if constraint.operator not in _ONLY:
            return False
        self._other["element_kinds"] = tuple(sorted(plain(each) for each in constraint.right))
        return True

    def own_event(self, constraint: Constraint) -> bool:
        """A moment that hangs on an event: Holdback's profile, `theatrical P90D`."""
        side = "start_event" if constraint.left == "holdback:startEvent" else "end_event"
        event, _, lag = constraint.right[0].value.partition(" ")
        self._other[side] = {"event": event, "lag": lag or "P0D"}
        return constraint.operator == ("gteq" if side == "start_event" else "lt")

    def _event(self, constraints: Sequence[Constraint]) -> None:
        """`event gt` with a delayPeriod opens so long after the event; `event lt` closes with it."""
        delays = [each for each in constraints if each.left == "delayPeriod"]
        events = [each for each in constraints if each.left == "event"]
        after = [each for each in events if each.operator in ("gt", "gteq")]
        before = [each for each in events if each.operator in ("lt", "lteq")]
        plain_delay = all(each.operator in ("eq", "gteq") and each.right for each in delays)
        named = all(len(each.right) == 1 and _event_name(each) for each in events)
        if (
            len(after) > 1
            or len(before) > 1
            or len(delays) > len(after)
            or not plain_delay
            or not named
            or (len(after) + len(before) < len(events))
        ):
            self.unsaid += [*events, *delays]
            return
        if after:
            lag = delays[0].right[0].value if delays else "P0D"
            self._other["start_event"] = {"event": _event_name(after[0]), "lag": lag}
        if before:
            self._other["end_event"] = {"event": _event_name(before[0]), "lag": "P0D"}


def _one_or_list(constraint: Constraint) -> bool:
    """`eq` and `neq` compare with one value; what they mean with several nobody defined."""
    return constraint.operator not in ("eq", "neq") or len(constraint.right) == 1


def _event_name(constraint: Constraint) -> str:
    value = constraint.right[0].value
    if value == "policyUsage":
        return ""
    return value.replace("#", "/").replace(":", "/").rstrip("/").rpartition("/")[2].lower()


def _node(word: str) -> str | None:
    if word in media_tree():
        return word
    site = word.removeprefix("https://").removeprefix("http://").removeprefix("www.")
    return _SITES.get(site.rstrip("/"))


def _media_without(out: set[str]) -> set[str]:
    """The widest nodes that hold none of these."""
    free = {
        node for node in media_tree() if not any(medium_within(each, node) or medium_within(node, each) for each in out)
    }
    return {node for node in free if not any(node != other and medium_within(node, other) for other in free)}


_LIMITS: Final[Mapping[str, tuple[str, Callable[[Any], Any], int]]] = {
    "count": ("max_runs", whole_number, 1),
    "percentage": ("max_excerpt_percent", number_of, 1),
    "elapsedTime": ("window_max_days", seconds_of, 86_400),
    "holdback:durationSeconds": ("max_duration_seconds", whole_number, 1),
}
_TAKERS: Final[Mapping[str, Callable[[Scope, Constraint], bool]]] = {
    "spatial": Scope.place,
    "media": Scope.medium,
    "deliveryChannel": Scope.medium,
    "virtualLocation": Scope.medium,
    "purpose": Scope.purpose,
    "language": Scope.language,
    "dateTime": Scope.moment,
    "holdback:elementKind": Scope.kind,
    "holdback:startEvent": Scope.own_event,
    "holdback:endEvent": Scope.own_event,
    **dict.fromkeys(_LIMITS, Scope.limit),
}
