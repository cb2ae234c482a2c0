"""A plan of many items: every rule of every channel kept, as much reach as can be found, and the reasons. Pure.

What is worth is the item's weight times the channel's reach at its start, summed. The search is a heuristic: nothing
proves that there is no better plan. It is the same for the same question.
"""

from collections.abc import Callable, Mapping
from datetime import datetime

from holdback_base.problem import Problem

from holdback_servers.schedule.constraints import Books
from holdback_servers.schedule.plan_nouns import ManyPlan, PlanRequest, Unplaced
from holdback_servers.schedule.plans.placing import placement
from holdback_servers.schedule.plans.refusing import Refusals
from holdback_servers.schedule.plans.search import Board, Search
from holdback_servers.schedule.plans.shaking import shake
from holdback_servers.schedule.plans.tasks import Lanes, Option, Task

Report = Callable[[int, int, str], None]
"""Called with what is done, of how much, and what is being done."""
_STEPS_A_TASK, _STEPS = 12, 24_000
"""Places that are looked up to better a large plan: so many a task, and at most; each a ten-thousandth of a second."""
_FEW = 100
"""So many tasks or fewer are only shaken, which finds more in the same time."""
_TURNS_A_TASK = 12
"""Shakes of many tasks, for each of them."""
_WORK, _EACH = 100_000, 20
"""Shakes of few: the more tasks, the longer each takes, so that all of them take about as long."""
_SHAKEN = 2_000_000
"""A plan with more open starts than this, of all tasks together, is not shaken: it takes too long."""


def plan(
    books: Mapping[str, Books],
    request: PlanRequest,
    now: datetime,
    report: Report | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> ManyPlan:
    """Place the items of the request on the channels of these books, by their names.

    Args:
        books: what each channel has on its books over the time of the plan and as far around as its rules look.
        report: told how far it is, from the thread that plans.
        cancelled: asked now and then whether to stop.

    Raises:
        Problem: CHANNEL_UNKNOWN, MEDIUM_UNKNOWN, TERRITORY_UNKNOWN; CANCELLED.
    """

    def step(done: int, total: int, text: str) -> None:
        if cancelled():
            raise Problem("CANCELLED", "The plan was cancelled before it was done.", "Start it again when wanted.")
        if report is not None:
            report(done, total, text)

    step(0, len(request.items), "reading what is open where")
    board = Board(Lanes(books, request, now))
    search = Search(board, step)
    search.greedy()
    _better(search, step)
    return _told(board, request, step)


def _better(search: Search, step: Report) -> None:
    """Moves that make room, and shakes; how many of each the size of the plan says."""
    board, tasks = search.board, len(search.tasks)
    if tasks > _FEW:
        search.improve(board.steps + min(_STEPS, _STEPS_A_TASK * tasks))
    starts = sum(option.high - option.low for task in search.tasks for option in task.options)
    if not search.perfect and starts <= _SHAKEN:
        turns = max(_TURNS_A_TASK * tasks, min(_WORK // (tasks + _EACH), 10 * tasks * tasks))
        shake(board, turns, step)


def _told(board: Board, request: PlanRequest, step: Report) -> ManyPlan:
    placements = [placement(lane, lane.entries[number]) for lane in board.rows for _, number in lane.order]
    refusals = [Refusals(lane) for lane in board.rows]
    missing = [task for task in board.lanes.tasks if task.number not in board.where]
    unplaced: list[Unplaced] = []
    for done, task in enumerate(missing):
        if done % 100 == 0:
            step(done, len(missing), "saying why the rest did not fit")
        option = _nearest(task)
        unplaced.append(refusals[option.wish.lane].unplaced(option.wish))
    return ManyPlan(
        start=request.start,
        end=request.end,
        placements=tuple(placements),
        unplaced=tuple(unplaced),
        value=sum(each.slot.value for each in placements),
    )


def _nearest(task: Task) -> Option:
    """The option with the most open columns, the first of equals."""
    return max(task.options, key=lambda option: int((option.worth > 0).sum()))
