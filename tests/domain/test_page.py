"""The page that shows an outcome: what it says, and that nothing in an outcome can make it do anything else."""

import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest
from holdback.outcome import Ended, Outcome
from holdback.page import link, render_page, write_page
from holdback.timeline_picture import LEFT, WIDTH, Lane, picture
from holdback.wording import clean, headline, instants_in_words, place
from holdback_agents.contracts import PickTold
from holdback_base.vocabulary import TimeRange

OUTCOME = Outcome.model_validate_json(
    Path(__file__).with_name("data").joinpath("butterfly_outcome.json").read_text(encoding="utf-8")
)
VOID = {"meta", "img", "source", "br", "line", "rect", "path"}


class Reading(HTMLParser):
    """What a page holds: its elements with their attributes, its text, and whether its tags are balanced."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(page)
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.words.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def read(outcome: Outcome = OUTCOME, folder: Path = Path("nowhere")) -> Reading:
    return Reading(render_page(outcome, folder))


def test_a_table_that_is_wider_than_the_screen_scrolls_by_itself() -> None:
    page = render_page(OUTCOME, Path("nowhere"))
    before = [text.rstrip().rpartition("\n")[2] for text in page.split('<table class="matrix">')[:-1]]
    assert len(before) == 2
    assert all('class="scroll" tabindex="0"' in each for each in before)


def test_the_page_is_written_into_the_folder_and_its_tags_are_balanced(tmp_path: Path) -> None:
    path = write_page(OUTCOME, tmp_path)
    assert path == tmp_path / "index.html"
    assert Reading(path.read_text(encoding="utf-8")).open == []


def test_the_headline_says_where_from_when_and_where_not() -> None:
    assert headline(OUTCOME) == (
        "Scheduled on YouTube and Instagram: United Kingdom from Wed 25 Nov 2026, 20:00 UTC; "
        "Germany from Mon 14 Dec 2026, 23:00 UTC. Not included: United States."
    )


@pytest.mark.parametrize(("state", "words"), [("rejected", "said no"), ("failed", "how far it got")])
def test_an_outcome_without_a_publication_says_so(state: str, words: str) -> None:
    outcome = OUTCOME.model_copy(update={"state": state, "publications": (), "approved_by": None})
    assert words in read(outcome).text


def test_an_outcome_that_is_not_cleared_says_why_and_what_would_clear_it() -> None:
    ended = Ended(code="NOT_CLEARED", message="No territory is clear after 1 cut.", hint="Read the reasons.")
    last = OUTCOME.versions[0]
    changes = {"state": "failed", "ended": ended, "publications": (), "versions": (last,), "approved_by": None}
    text = read(OUTCOME.model_copy(update=changes | {"notes": ("Look at the shots.",)})).text
    assert text.startswith("Butterfly scene")
    assert "no place that was asked for is clear" in text
    assert ended.message in text
    assert "What would clear it" in text
    assert all(instants_in_words(reason.text) in text for reason in last.reasons)
    assert "Look at the shots." in text


def test_an_outcome_that_never_got_to_a_cut_still_has_a_page() -> None:
    bare = {"state": "failed", "versions": (), "publications": (), "slots": (), "refusals": (), "files": {}}
    page = read(OUTCOME.model_copy(update=bare))
    assert "No cut was made." in page.text
    assert page.all("video") == []


def test_both_films_stand_side_by_side_with_their_posters() -> None:
    page = read()
    films = page.all("video")
    assert [(each["width"], each["height"], each["poster"]) for each in films] == [
        ("640", "360", "stills/v1-0040.jpg"),
        ("720", "1280", "stills/v2-0040.jpg"),
    ]
    assert [each["src"] for each in page.all("source")] == ["v1.mp4", "v2.mp4"]
    assert all("controls" in each for each in films)


def test_every_verdict_is_told_in_words_and_every_reason_with_its_right_contract_and_clause() -> None:
    text = read().text
    assert text.count("✗ Denied") == 6 + 2 + 1, "six cells of v1, two of v2, and v1 as a whole"
    assert "◐ Partly cleared from Mon 14 Dec 2026, 23:00 UTC until Tue 22 Dec 2026, 12:00 UTC R1 R2" in text
    for reason in (reason for version in OUTCOME.versions for reason in version.reasons):
        assert reason.clause
        assert reason.right
        assert reason.clause in text
        assert f"Right {reason.right} of contract {reason.contract}" in text


def test_every_reason_that_a_cell_names_is_a_link_that_arrives() -> None:
    page = read()
    targets = {attributes["id"] for _, attributes in page.elements if "id" in attributes}
    links = {str(each["href"])[1:] for each in page.all("a") if str(each["href"]).startswith("#")}
    assert links
    assert links <= targets


def test_what_was_refused_is_told_with_its_code_and_its_cure() -> None:
    text = read().text
    for refusal in OUTCOME.refusals:
        assert refusal.tried in text
        assert refusal.code in text
        assert instants_in_words(refusal.hint) in text


def test_conditions_people_audit_credit_and_notice_are_there() -> None:
    text = read().text
    for words in (
        "✗ Not met: blur",
        "✓ Met: blur",
        "Asked by Sam Okafor, Social editor",
        "Approved by Alex Brandt, Editor-in-chief",
        "214 rows, 9 signed heads",
        "Big Buck Bunny © 2008 Blender Foundation, CC BY 3.0",
        OUTCOME.notice,
    ):
        assert words in text


def test_files_are_linked_with_their_sizes(tmp_path: Path) -> None:
    (tmp_path / "butterfly.edl").write_bytes(b"x" * 2100)
    page = read(folder=tmp_path)
    hrefs = [each["href"] for each in page.all("a")]
    assert "butterfly.edl" in hrefs
    assert "audit/gateway.jsonl" in hrefs
    assert "index.html" not in hrefs
    assert "Edit decision list (CMX 3600), 2.1 kB" in page.text


def poisoned(value: object) -> object:
    """The same value with every free text turned into an attack."""
    attack = '"><script>alert(1)</script><img src=x onerror=alert(1)>{{ 7*7 }}\u202e\x1b[2J'
    if isinstance(value, dict):
        return {key: poisoned(each) for key, each in value.items()}
    if isinstance(value, list):
        return [poisoned(each) for each in value]
    return attack if isinstance(value, str) else value


def test_no_text_of_an_outcome_becomes_markup() -> None:
    shape = OUTCOME.model_dump(mode="json")
    kept = {"state", "started", "window", "publications", "audit"}
    evil = {key: value if key in kept else poisoned(value) for key, value in shape.items()}
    for version, honest in zip(evil["versions"], shape["versions"], strict=True):
        version["cells"] = honest["cells"]
        version["plans"] = []
    page = read(Outcome.model_validate(evil))
    assert page.open == []
    assert {"script", "iframe", "object", "base", "form"}.isdisjoint(tag for tag, _ in page.elements)
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
    assert "{{ 7*7 }}" in page.text
    assert "\x1b" not in page.text
    assert "\u202e" not in page.text
    assert all(str(each["href"]).startswith("#") or "%3Cscript" in str(each["href"]) for each in page.all("a"))


def test_the_policy_allows_this_style_and_nothing_from_elsewhere() -> None:
    page = read()
    (policy,) = [each["content"] for each in page.all("meta") if each.get("http-equiv") == "Content-Security-Policy"]
    assert policy is not None
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert not [attributes for _, attributes in page.elements if "style" in attributes]
    text = render_page(OUTCOME, Path("nowhere"))
    assert not re.search(r"https?://|@import", text)


@pytest.mark.parametrize("file", ["../secret", "/etc/passwd", "a/../../b", "", "..\\x", "a\nb", "x\u202egpj.exe"])
def test_a_name_that_leads_out_of_the_folder_is_no_link(file: str) -> None:
    assert link(file) is None


def test_a_name_that_looks_like_an_address_is_only_a_name() -> None:
    assert link("javascript:alert(1)") == "javascript%3Aalert%281%29"
    assert link("//host/x") is None


def lane(place_name: str, platform: str) -> Lane:
    drawn = picture(OUTCOME)
    assert drawn is not None
    name = ""
    for each in drawn.lanes:
        name = each.place or name
        if (name, each.platform) == (place_name, platform):
            return each
    raise AssertionError(f"no lane for {place_name} on {platform}")


def test_the_picture_shows_embargo_then_cleared_then_up() -> None:
    pieces = lane("United Kingdom", "YouTube").pieces
    assert [each.kind for each in pieces] == ["blocked", "open", "up"]
    assert pieces[0].words == "Embargo: from Sun 22 Nov 2026, 12:00 UTC until Tue 24 Nov 2026, 19:00 UTC"
    assert pieces[0].x == LEFT
    assert pieces[-1].x + pieces[-1].width == pytest.approx(WIDTH, abs=0.2)


def test_the_picture_holds_germany_back_and_leaves_the_united_states_out() -> None:
    assert [(each.kind, each.label) for each in lane("Germany", "Instagram").pieces] == [
        ("blocked", "Held back · Embargo"),
        ("up", "Up from 14 Dec"),
    ]
    assert [each.kind for each in lane("United States", "Instagram").pieces] == ["closed"]


def test_without_a_requested_window_the_picture_spans_what_is_known() -> None:
    drawn = picture(OUTCOME.model_copy(update={"window": None}))
    assert drawn is not None
    assert drawn.within.start == OUTCOME.started
    assert drawn.within.end == datetime(2026, 12, 22, 12, 0, tzinfo=UTC)


MONDAY = datetime(2026, 11, 30, tzinfo=UTC)


@pytest.mark.parametrize("asked", [None, TimeRange(start=MONDAY)])
def test_the_time_before_what_was_asked_for_is_neither_cleared_nor_held_back(asked: TimeRange | None) -> None:
    windows = (TimeRange(start=MONDAY, end=datetime(2026, 12, 22, tzinfo=UTC)),)
    last = OUTCOME.versions[-1]
    cells = [each.model_copy(update={"verdict": "CLEARED", "reasons": (), "windows": windows}) for each in last.cells]
    changes = {"versions": (last.model_copy(update={"cells": tuple(cells)}),), "publications": (), "window": asked}
    outcome = OUTCOME.model_copy(update=changes)
    drawn = picture(outcome)
    assert drawn is not None
    for each in drawn.lanes:
        told = [(piece.kind, piece.label) for piece in each.pieces]
        assert told == [("unasked", "Not asked for"), ("open", "Cleared")]
        assert each.pieces[0].x == LEFT
    text = read(outcome).text
    assert "not asked for" in text
    assert "held back or under embargo" not in text


def test_there_is_no_picture_where_no_time_is_known() -> None:
    never = {"versions": OUTCOME.versions[:1], "publications": (), "window": None}
    assert picture(OUTCOME.model_copy(update=never)) is None


def test_colours_of_both_schemes_can_be_read() -> None:
    style = render_page(OUTCOME, Path("nowhere")).split("<style>")[1].split("</style>")[0]
    light, dark = (dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", block)) for block in style.split("@media")[:2])
    pairs = [("ink", "ground"), ("ink", "card"), ("quiet", "ground"), ("quiet", "card"), ("accent", "card")]
    pairs += [(name, f"{name}-soft") for name in ("good", "part", "ask", "bad")]
    pairs += [(name, "card") for name in ("good", "part", "bad")] + [("up-ink", "up"), ("bad", "bad-soft")]
    for colours in (light, dark):
        for front, back in pairs:
            assert contrast(colours[front], colours[back]) >= 4.5, f"{front} on {back} (WCAG 2.2, 1.4.3)"


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_places_have_names_and_what_is_no_place_stays_as_it_is() -> None:
    assert [place(each) for each in ("GB", "US-CA", "XX<>")] == ["United Kingdom", "California", "XX<>"]


def test_cleaning_takes_escapes_and_direction_marks_and_keeps_joiners() -> None:
    assert clean("a\x1b[31mb\u202ec\u200dd\ne\x9b") == "a[31mbc\u200dd e"


def test_each_piece_says_where_it_stands_what_it_shows_and_what_speaks_for_it() -> None:
    last = OUTCOME.versions[-1]
    reason = "marked by the logger: a fox (found: fox); much moves; ends on a sound"
    pick = PickTold(record_in=0, record_out=last.frames // 2, reason=reason, confidence=97)
    shown = OUTCOME.model_copy(
        update={"versions": (*OUTCOME.versions[:-1], last.model_copy(update={"picks": (pick,)}))}
    )
    text = read(shown).text
    half = float(last.seconds) / 2
    assert (
        f"0.0 to {half:.1f} s Marked by the logger: a fox (found: fox) Much moves; ends on a sound; 97 % sure" in text
    )
