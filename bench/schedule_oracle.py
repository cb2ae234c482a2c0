"""The question of a plan put to OR-Tools CP-SAT; run by `schedule_plans` with a Python that has it.

Reads JSON from standard input, writes JSON to standard output. A question has `seconds`, `workers` and `options`, each
with its `task` (at most one option of a task is taken), its `rooms` (no two stretches `[start, start + length)` of one
room overlap: the channel's, the title's, the sponsor's) and its `starts`, each with what it is worth and the cap that
it counts for, if any; `caps` says how many each allows. An option is an optional interval in each of its rooms, with a
choice for each level of worth. The answer is the value, the bound that was proved, and the seconds to build and solve.
"""

import json
import math
import sys
import time
from collections import defaultdict
from importlib import import_module
from typing import Any


def main() -> None:
    """Answer the question on standard input."""
    question = json.load(sys.stdin)
    cp_model: Any = import_module("ortools.sat.python.cp_model")
    began = time.perf_counter()
    model = _model(cp_model, question)
    built = time.perf_counter()
    solver: Any = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = question["seconds"]
    solver.parameters.num_workers = question["workers"]
    status = solver.solve(model)
    found = status in (cp_model.OPTIMAL, cp_model.FEASIBLE)
    answer = {
        "value": round(solver.objective_value) if found else 0,
        "bound": solver.best_objective_bound,
        "proved": status == cp_model.OPTIMAL,
        "built": built - began,
        "solved": time.perf_counter() - built,
    }
    json.dump(answer, sys.stdout)


def _model(cp_model: Any, question: dict[str, Any]) -> Any:
    model: Any = cp_model.CpModel()
    taken: dict[int, list[Any]] = defaultdict(list)
    rooms: dict[str, list[Any]] = defaultdict(list)
    capped: dict[str, list[Any]] = defaultdict(list)
    worth: list[Any] = []
    first, unit = _unit(question["options"])
    for option in question["options"]:
        present: Any = model.new_bool_var("")
        taken[option["task"]].append(present)
        levels: dict[tuple[int, str | None], list[int]] = defaultdict(list)
        for start, value, cap in option["starts"]:
            levels[value, cap].append((start - first) // unit)
        every = [start for some in levels.values() for start in some]
        begins: Any = model.new_int_var_from_domain(cp_model.Domain.from_values(every), "")
        chosen: list[Any] = []
        for (value, cap), starts in levels.items():
            here: Any = model.new_bool_var("")
            domain = cp_model.Domain.from_values(starts)
            model.add_linear_expression_in_domain(begins, domain).only_enforce_if(here)
            chosen.append(here)
            worth.append(here * value)
            if cap is not None:
                capped[cap].append(here)
        model.add(sum(chosen) == present)
        for room, length in option["rooms"].items():
            size = max(1, length // unit)
            rooms[room].append(model.new_optional_fixed_size_interval_var(begins, size, present, ""))
    for some in taken.values():
        model.add_at_most_one(some)
    for stretches in rooms.values():
        model.add_no_overlap(stretches)
    for name, some in capped.items():
        model.add(sum(some) <= question["caps"][name])
    model.maximize(sum(worth))
    return model


def _unit(options: list[dict[str, Any]]) -> tuple[int, int]:
    """The first start, and the longest time of which all starts and lengths are multiples."""
    starts = [start for option in options for start, _, _ in option["starts"]]
    lengths = [length for option in options for length in option["rooms"].values()]
    first = min(starts)
    return first, math.gcd(*(start - first for start in starts), *lengths) or 1


if __name__ == "__main__":
    main()
