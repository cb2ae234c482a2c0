"""The rights room as a library: its front page runs, its names are these, and importing it stays cheap."""

import doctest
import subprocess
import sys

import holdback_servers.rights as library

NAMES = {
    "Asked",
    "Book",
    "ClearanceReport",
    "Condition",
    "Contract",
    "ContractTerms",
    "Decision",
    "Entry",
    "Event",
    "EventLag",
    "Plan",
    "Problem",
    "Reason",
    "Remedy",
    "Reruns",
    "Right",
    "RightTerms",
    "ask",
    "contract_on_record",
    "decide",
    "entry",
    "plans",
    "reference_decision",
    "report",
    "right_on_record",
}
HEAVY = ("sqlalchemy", "mcp", "starlette", "pycountry", "openpyxl", "python_calamine", "lxml", "rdflib", "jwt")


def test_the_example_on_the_front_page_runs_and_says_what_it_says() -> None:
    result = doctest.testmod(library)

    assert result.attempted > 8
    assert result.failed == 0


def test_the_names_it_offers_are_these_and_each_is_documented() -> None:
    assert set(library.__all__) == NAMES
    assert [name for name in NAMES if not getattr(library, name).__doc__] == []


def test_importing_it_loads_no_store_no_protocol_and_no_reader_of_files() -> None:
    program = f"import sys, holdback_servers.rights; print([each for each in {HEAVY!r} if each in sys.modules])"
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert told.stdout.strip() == "[]"
