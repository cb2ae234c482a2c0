"""`poe bench [NAME ...]`: measured figures with their bounds. Without names all are measured, in about ten minutes.

Times depend on the machine and on what else it does; ratios are measured by turns in the same run, so that a noisy
moment meets both sides. Exit code 1 when a bound is not met.
"""

import contextlib
import io
import statistics
import sys
import time
from collections.abc import Callable
from importlib import import_module

from bench.figures import Figure, ratios, table
from bench.processes import load


def _up() -> list[Figure]:
    from bench import start_speed

    took = start_speed.up()
    spread = (min(took), max(took))
    return [Figure("up", "process start to good health, warm", statistics.median(took), "s", spread, 3)]


def _demo() -> list[Figure]:
    from bench import start_speed

    took, waits = start_speed.demo()
    told = [Figure("demo", f"  of it before: {line[:43]}", seconds, "s") for seconds, line in waits]
    return [Figure("demo", "brief to committed publication", took, "s", None, 30), *told]


def _stdio() -> list[Figure]:
    from bench import start_speed

    figures: list[Figure] = []
    for room, pairs in start_speed.stdio().items():
        ratio, spread = ratios([ours.wall for ours, _ in pairs], [bare.wall for _, bare in pairs])
        figures.append(Figure("stdio", f"{room}, first tools/list to a bare server's", ratio, "times", spread, 1.5))
        ratio, spread = ratios([ours.cpu for ours, _ in pairs], [bare.cpu for _, bare in pairs])
        figures.append(Figure("stdio", f"{room}, the same in CPU seconds", ratio, "times", spread))
    return figures


def _tool() -> list[Figure]:
    from bench import tool_speed

    figures: list[Figure] = []
    for question, rounds in tool_speed.measure().items():
        what, ours = f"list_rights, {question}", rounds["ours"]
        figures.append(Figure("tool", f"{what}, CPU a call", statistics.median(ours), "ms", (min(ours), max(ours))))
        ratio, spread = ratios(ours, rounds["queried"])
        figures.append(Figure("tool", f"{what}, CPU to a bare tool with its query", ratio, "times", spread, 1.3))
        ratio, spread = ratios(ours, rounds["written"])
        figures.append(Figure("tool", f"{what}, CPU to rows as they are", ratio, "times", spread))
    return figures


def _agent() -> list[Figure]:
    from bench import agent_speed

    with contextlib.redirect_stdout(io.StringIO()):
        found = agent_speed.main()
    return [
        Figure("agent", "requests/s to the bare SDK's in memory", found["requests"], "times", None, 0.6, at_least=True),
        Figure("agent", "1,000 progress events to 100", found["growth"], "times", None, 13),
        Figure("agent", "requests on disk", found["ours_requests_per_second"], "a second"),
        Figure("agent", "requests of the bare SDK", found["bare_requests_per_second"], "a second"),
    ]


def _gateway() -> list[Figure]:
    from bench import gateway_speed

    figures: list[Figure] = []
    for way, found in gateway_speed.main().items():
        name = way.replace("_", " ")
        figures += [
            Figure("gateway", f"{name}, p50", found["p50_ms"], "ms"),
            Figure("gateway", f"{name}, 32 connections", found["requests_per_second"], "a second"),
            Figure("gateway", f"{name}, CPU a request", found["cpu_ms_per_request"], "ms"),
            Figure("gateway", f"{name}, events of one stream", found["events_per_second"], "a second"),
        ]
    return figures


_BOUNDS = {
    "clearance evenly, new": 10,
    "clearance evenly, again": 10,
    "clearance by rights, new": 10,
    "clearance by rights, again": 10,
    "clearance by rights, one shelf": 10,
    "page, full": 150,
    "page, few found": 150,
    "page, ended early": 150,
}
"""Milliseconds that 19 of 20 calls stay within at the largest size."""
_FIGURES = {"build": "s", "bulk": "s", "start": "s", "memory": "MB", "change": "ms"}
_LARGEST = {"start": 3, "memory": 300, "bulk": 10}


def _rights() -> list[Figure]:
    from bench import rights_speed

    figures: list[Figure] = []
    for size, found in rights_speed.measure().items():
        largest = size == max(rights_speed.SIZES)
        for what, values in sorted((what, values) for what, values in found.items() if values):
            name = f"{size:,} rights, {what}"
            if what in _FIGURES:
                bound = _LARGEST.get(what) if largest else None
                figures.append(Figure("rights", name, statistics.median(values), _FIGURES[what], None, bound))
                continue
            spread = (statistics.median(values), max(values))
            bound = _BOUNDS.get(what) if largest else None
            figures.append(Figure("rights", f"{name}, p95", rights_speed.p95(values), "ms", spread, bound))
    return figures


def _rights_import() -> list[Figure]:
    from bench import rights_workbook

    found = rights_workbook.measure()
    what = f"{found['rights']:,.0f} Avails rows of XLSX ({found['megabytes']:.0f} MB), file to record"
    return [
        Figure("import", what, found["first"], "s", None, 30),
        Figure("import", "the same file again, nothing changed", found["again"], "s"),
    ]


_SCHEDULE = ("schedule_speed", "schedule_moves", "schedule_plans")
"""Modules of this folder that measure the schedule; each offers `figures()`."""


def _schedule() -> list[Figure]:
    return [figure for name in _SCHEDULE for figure in import_module(f"bench.{name}").figures()]


_TRUST = ("trust_decision", "trust_call", "trust_hop", "trust_audit")
"""Modules of this folder that measure what trust costs; each offers `figures()`."""


def _trust() -> list[Figure]:
    return [figure for name in _TRUST for figure in import_module(f"bench.{name}").figures()]


def _alarms() -> list[Figure]:
    return import_module("bench.trust_alarms").figures()


def _ingest() -> list[Figure]:
    from bench import media_ingest

    return media_ingest.figures()


def _render() -> list[Figure]:
    from bench import media_render

    return media_render.figures()


def _search() -> list[Figure]:
    from bench import media_search

    return media_search.figures()


BENCHES: dict[str, Callable[[], list[Figure]]] = {
    "up": _up,
    "demo": _demo,
    "stdio": _stdio,
    "tool": _tool,
    "agent": _agent,
    "gateway": _gateway,
    "rights_import": _rights_import,
    "rights": _rights,
    "schedule": _schedule,
    "trust": _trust,
    "alarms": _alarms,
    "ingest": _ingest,
    "render": _render,
    "search": _search,
}


def main(names: list[str]) -> int:
    """Measure what is named and print it; 0 when all bounds are met, 1 when one is not, 2 for a strange name."""
    if strange := [name for name in names if name not in BENCHES]:
        sys.stderr.write(f"There is no bench {strange[0]}. Choose of {', '.join(BENCHES)}.\n")
        return 2
    print(f"Python {sys.version.split()[0]}, {load()}", flush=True)
    met = True
    for name in names or BENCHES:
        began = time.perf_counter()
        try:
            figures = BENCHES[name]()
        except Exception as error:  # one that cannot be measured does not keep the others from it
            print(f"{name:<8} could not be measured: {error!r}", flush=True)
            met = False
            continue
        print(table(figures), flush=True)
        print(f"{'':<8} in {time.perf_counter() - began:.0f} s; {load()}", flush=True)
        met = met and all(each.met for each in figures)
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
