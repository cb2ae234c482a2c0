"""What is remembered of agents and root tasks so as to judge the next call: counts and the last few calls."""

from collections import OrderedDict, deque
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from holdback_base.ids import Clock

from holdback_trust.guardian.limits import WINDOW_SECONDS, Signal

KEPT_CALLS = 24
KEPT_RESULTS = 16
MOST_WATCHED = 2048
LONGEST_RESULT = 131_072
"""Bytes of an answer that is kept to look for orders in; of a longer one nothing is."""
REMEMBERED_ROOTS = 32
"""Root tasks whose answers are kept, the latest."""
IDLE_SECONDS = 60
"""A task that does nothing for longer is not busy: it waits for a person or for a slot."""


class Call(NamedTuple):
    """One call as evidence keeps it: seconds since 1970, what, and the code of its problem."""

    at: float
    action: str
    code: str


class Sliding:
    """How many of the last `seconds`."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._times: deque[float] = deque()

    def add(self, now: float) -> int:
        """One more; how many there are within the window now."""
        times = self._times
        times.append(now)
        first = now - self._seconds
        while times[0] < first:
            times.popleft()
        return len(times)


class Different:
    """How many different things of the last `seconds`."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._times: deque[tuple[float, Hashable]] = deque()
        self._held: dict[Hashable, int] = {}

    def add(self, now: float, things: Iterable[Hashable]) -> int:
        """Some more; how many different ones there are within the window now."""
        times, held = self._times, self._held
        for each in things:
            times.append((now, each))
            held[each] = held.get(each, 0) + 1
        first = now - self._seconds
        while times and times[0][0] < first:
            _, what = times.popleft()
            held[what] -= 1
            if not held[what]:
                del held[what]
        return len(held)


class Slides:
    """Signals that are counted over ten minutes."""

    def __init__(self) -> None:
        self._slides: dict[Signal, Sliding] = {}

    def count(self, signal: Signal, now: float) -> int:
        """One more of a signal; how many there are now."""
        slide = self._slides.get(signal)
        if slide is None:
            slide = self._slides[signal] = Sliding(WINDOW_SECONDS)
        return slide.add(now)


class AgentWatch(Slides):
    """What one agent did lately, in all its tasks."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: deque[Call] = deque(maxlen=KEPT_CALLS)


@dataclass(eq=False, slots=True)
class RootWatch:
    """What was done within one root task, by all its agents."""

    began: float
    last: float
    refused: Slides = field(default_factory=Slides)
    pace: Sliding = field(default_factory=lambda: Sliding(60))
    things: Different = field(default_factory=lambda: Different(60))
    calls: int = 0
    delegations: int = 0
    busy: float = 0.0
    same: int = 0
    latest: tuple[str, bytes] = ("", b"")
    answer: int | None = None
    jobs: dict[str, float] = field(default_factory=dict[str, float])
    job_seconds: float = 0.0
    made: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    results: deque[bytes] = field(default_factory=lambda: deque[bytes](maxlen=KEPT_RESULTS))
    permitted: dict[Signal, int] = field(default_factory=dict[Signal, int])
    """Counts up to which a person has permitted what would have been too much."""
    asked: dict[Signal, str] = field(default_factory=dict[Signal, str])
    """Incidents that wait for a person."""

    def keep(self, chain: tuple[str, ...], names: frozenset[str]) -> None:
        """These were made through all agents of the chain."""
        for agent in chain if names else ():
            self.made.setdefault(agent, set()).update(names)

    def touch(self, now: float) -> None:
        """Something is done now."""
        self.calls += 1
        if now - self.last < IDLE_SECONDS:
            self.busy += max(0.0, now - self.last)
        self.last = now

    def work(self) -> int:
        """Whole minutes of jobs and of being busy, whichever is more."""
        return int(max(self.job_seconds, self.busy) // 60)


class Watched:
    """All that is watched; the longest unseen is forgotten first."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._agents: dict[str, AgentWatch] = {}
        self._roots: OrderedDict[str, RootWatch] = OrderedDict()
        self._recent: OrderedDict[str, RootWatch] = OrderedDict()
        self._last: tuple[str, RootWatch] | None = None

    def agent(self, agent: str) -> AgentWatch:
        """What is known of an agent."""
        watch = self._agents.get(agent)
        if watch is None:
            watch = self._agents[agent] = AgentWatch()
        return watch

    def roots(self) -> list[RootWatch]:
        """All root tasks that are watched."""
        return list(self._roots.values())

    def root(self, root: str) -> RootWatch:
        """What is known of a root task; what was never seen begins now."""
        last = self._last
        if last is not None and last[0] == root:
            return last[1]
        watch = self._roots.get(root)
        if watch is None:
            now = self._clock().timestamp()
            watch = self._roots[root] = RootWatch(now, now)
            if len(self._roots) > MOST_WATCHED:
                self._roots.popitem(last=False)
        else:
            self._roots.move_to_end(root)
        self._recent[root] = watch
        self._recent.move_to_end(root)
        if len(self._recent) > REMEMBERED_ROOTS:
            self._recent.popitem(last=False)[1].results.clear()
        self._last = root, watch
        return watch

    def forget(self, agent: str) -> None:
        """Count anew for an agent."""
        self._agents.pop(agent, None)
