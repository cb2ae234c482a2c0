"""The threat model names tests that there are, and the suite of attacks is as large as it is said to be."""

import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
PAGE = (TESTS.parent / "docs" / "threats.md").read_text(encoding="utf-8")
LEAST_ATTACKS = 60


def _named(page: str) -> list[tuple[str, str]]:
    """Each test that a page names, with its file: `test_...`, `test_...` in `test_....py`."""
    told = re.findall(r"((?:`test_\w+`(?:, )?)+) in `(test_\w+\.py)`", page)
    return [(name, file) for names, file in told for name in re.findall(r"`(test_\w+)`", names)]


def test_every_test_that_the_page_names_is_in_the_file_that_it_names() -> None:
    files = {path.name: path.read_text(encoding="utf-8") for path in TESTS.rglob("test_*.py")}
    missing = [
        (name, file) for name, file in _named(PAGE) if not re.search(rf"^(async )?def {name}\(", files[file], re.M)
    ]
    assert missing == []


def test_every_row_names_a_test_and_every_name_has_its_file() -> None:
    rows = [row for row in PAGE.split("## Threats and what is done")[1].splitlines() if row.startswith("| ")]
    threats = [row for row in rows if row != "| threat | what is done | shown by |"]
    assert len(threats) >= 40
    assert [row for row in threats if not _named(row)] == []
    assert len(re.findall(r"`test_\w+`", "".join(threats))) == len(_named("\n".join(threats)))


def test_every_file_of_attacks_is_on_the_page() -> None:
    kept = {path.name for path in (TESTS / "end_to_end" / "refusals").rglob("test_attacks_*.py")}
    assert kept - {file for _, file in _named(PAGE)} == set()


def test_the_suite_of_attacks_has_at_least_sixty() -> None:
    attacks = list((TESTS / "end_to_end" / "refusals").rglob("test_attacks_*.py"))
    written = "\n".join(path.read_text(encoding="utf-8") for path in attacks)
    assert len(re.findall(r"^async def test_", written, re.M)) >= LEAST_ATTACKS
