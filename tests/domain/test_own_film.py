"""A film of one's own and its sheet: what the film is made of, and how what is wrong is told."""

from fractions import Fraction
from pathlib import Path

import pytest
from holdback.own_film import a_file, in_frames, reference_of, refusal, title_of
from holdback.trying import CHANNELS, run_try
from holdback_base.problem import Problem
from holdback_base.vocabulary import Rate, Span
from holdback_servers.assets.model import TechnicalFacts
from holdback_servers.rights.interchange.batch import Remark
from holdback_servers.rights.interchange.sheet import read
from holdback_servers.rights.interchange.sheet_elements import SheetElement, read_elements

EXAMPLE = CHANNELS.parent / "rights.xlsx"
FACTS = TechnicalFacts(container="mov", size_bytes=1, frames=1440, rate=Rate(num=24000, den=1001))
HEAD = "Reference,Element,Title,From whom,Contract status,Where,Platforms,From\n"
BRIEF = "15 s vertical highlight of the harbour for YouTube in GB and DE, from Monday"


def listed(start: str | None, end: str | None, kind: str = "logo") -> SheetElement:
    return SheetElement(
        kind,  # pyright: ignore[reportArgumentType]
        "logo:acme",
        "Acme",
        None if start is None else Fraction(start),
        None if end is None else Fraction(end),
        None,
        "Elements!A3",
    )


def test_times_of_the_sheet_become_the_whole_frames_they_touch() -> None:
    found, mistakes = in_frames([listed("1.5", "2.01"), listed(None, None), listed("60", None)], FACTS)
    assert mistakes == []
    assert [each.spans for each in found] == [
        (Span(in_frame=35, out_frame=49),),
        (),
        (Span(in_frame=1438, out_frame=1440),),
    ]
    assert len({each.id for each in found}) == 3


@pytest.mark.parametrize(("start", "end"), [("10", "61"), ("61", None), (None, "90")])
def test_an_element_beyond_the_end_of_the_film_is_a_mistake_at_its_line(start: str | None, end: str | None) -> None:
    found, mistakes = in_frames([listed(start, end)], FACTS)
    assert found == ()
    assert mistakes[0].place == "Elements!A3"
    assert "the film lasts 60.1 s" in mistakes[0].message


def test_the_only_film_of_a_sheet_is_the_film() -> None:
    batch = read(f"{HEAD}film:a,film,The Harbour,X,active,GB,all,2026-01-01\n".encode(), "rights.csv")
    assert reference_of(None, batch, "rights.csv") == "film:a"
    assert title_of("film:a", batch) == "The Harbour"


def test_which_of_several_films_is_meant_is_asked_with_their_names() -> None:
    rows = "".join(f"film:{name},film,{name},X,active,GB,all,2026-01-01\n" for name in "ab")
    batch = read((HEAD + rows).encode(), "rights.csv")
    with pytest.raises(Problem, match="any of film:a, film:b") as asked:
        reference_of(None, batch, "rights.csv")
    assert "--ref" in asked.value.hint
    assert reference_of("film:b", batch, "rights.csv") == "film:b"
    with pytest.raises(Problem, match="not a reference"):
        reference_of("The Harbour", batch, "rights.csv")


def test_mistakes_are_told_each_with_its_place_and_cure_and_long_lists_are_cut() -> None:
    mistakes = [Remark(place=f"Rights!G{row}", message="No.", hint="Yes.") for row in range(2, 30)]
    told = refusal("rights.xlsx", mistakes)
    assert told.message.startswith("rights.xlsx has 28 mistakes; nothing was recorded:")
    assert "Rights!G2: No. Yes." in told.message
    assert told.message.endswith("... and 8 more.")
    assert len(told.details["mistakes"]) == 28


def test_the_example_sheet_has_no_mistake_and_lists_what_the_film_is_made_of() -> None:
    data = EXAMPLE.read_bytes()
    batch = read(data, EXAMPLE.name)
    assert (batch.mistakes, batch.losses, len(batch.rights)) == ((), (), 3)
    assert [each.kind for each in read_elements(data, EXAMPLE.name)] == ["programme", "logo", "logo"]


def test_a_file_that_is_not_there_or_is_none_or_is_empty_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    for name, code in (("no.mp4", "FILE_MISSING"), (".", "NOT_MEDIA"), ("empty.mp4", "NOT_MEDIA")):
        with pytest.raises(Problem) as refused:
            a_file(tmp_path / name, "film")
        assert (refused.value.code, str(tmp_path / name) in refused.value.message) == (code, True)


@pytest.mark.parametrize(
    ("brief", "code", "words"),
    [
        ("  ", "BRIEF_INCOMPLETE", "empty"),
        ("a highlight of the harbour", "BRIEF_INCOMPLETE", "how long"),
        (BRIEF.replace("GB", "UK"), "BRIEF_INCOMPLETE", "GB"),
        (BRIEF.replace("YouTube", "TikTok"), "CHANNEL_UNKNOWN", "TikTok"),
    ],
)
def test_a_brief_that_cannot_be_followed_is_refused_before_any_work(
    tmp_path: Path, brief: str, code: str, words: str
) -> None:
    with pytest.raises(Problem) as refused:
        run_try(Path("film.mp4"), EXAMPLE, brief, None, tmp_path / "out", None, yes=True, as_json=False)
    assert refused.value.code == code
    assert words in refused.value.message
    assert not (tmp_path / "out").exists()


def test_channels_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(Problem, match=r"mine\.toml") as refused:
        run_try(Path("f"), EXAMPLE, BRIEF, tmp_path / "mine.toml", tmp_path / "out", None, yes=True, as_json=False)
    assert refused.value.code == "FILE_MISSING"
