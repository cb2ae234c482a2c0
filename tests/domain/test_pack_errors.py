"""A pack with a mistake in it: the error names the file and the key."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from holdback.pack import load_brief, load_pack
from holdback_base.problem import Problem

BUTTERFLY = Path(__file__).parents[2] / "examples" / "butterfly"
TODAY = date(2026, 11, 22)

Edit = Callable[[str, str, str], None]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for file in BUTTERFLY.iterdir():
        if file.suffix == ".toml":
            (tmp_path / file.name).write_text(file.read_text())
        elif file.suffix in (".mp4", ".m4a"):
            (tmp_path / file.name).symlink_to(file)
    return tmp_path


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("pack.toml", 'kind = "logo"', 'kind = "sign"', r"pack.toml: media\[0\].element\[1\].kind"),
        ("pack.toml", "logo:lark-and-finch", "Lark & Finch", r"element\[1\].ref: 'Lark & Finch' is not kind:name"),
        ("pack.toml", "out_frame = 834", "out_frame = 1441", r"media\[0\].element\[2\].spans: frame 1441 is beyond"),
        ("pack.toml", "out_frame = 395", "out_frame = 359", r"element\[1\].spans\[0\]: .*out is exclusive"),
        ("pack.toml", 'id = "sign-at-rest"', 'id = "film"', r"the id 'film' stands twice"),
        ("pack.toml", 'file = "voice.m4a"', 'file = "../voice.m4a"', r"media\[3\].file: .*own folder"),
        ("pack.toml", 'file = "voice.m4a"', 'file = "song.m4a"', r"media\[3\].file: there is no song.m4a"),
        ("pack.toml", 'rate = "24"', 'rate = "24/0"', r"pack.toml: media\[0\].rate.den"),
        ("pack.toml", "notice =", "note =", r"pack.toml: notice: Field required"),
        ("pack.toml", "[[media]]", "[[media]", "pack.toml is not valid TOML"),
        ("shot_log.toml", "10:00:04:10", "10:00:04:24", r"shot_log.toml: shot\[0\]: 10:00:04:24 does not exist"),
        ("shot_log.toml", '"10:01:00:00"', '"10:01:00:01"', r"shot\[13\]: .*not within the 1440 frames"),
        ("shot_log.toml", '"10:00:00:00"', '"10:00:05:00"', r"shot\[0\]: 10:00:04:10 is not after 10:00:05:00"),
        ("shot_log.toml", "butterfly-master.mp4", "other.mp4", "shot_log.toml: media: it is the log of other.mp4"),
        ("rights.toml", '"UKI"', '"UK"', r"rights.toml: contract\[3\].right\[0\]: 'UK' is not an ISO 3166"),
        ("rights.toml", '"linear"', '"telly"', r"contract\[3\].right\[0\]: 'telly' is not in the media tree"),
        ("rights.toml", 'end = "day+2T19:00Z"', 'end = "day+2T19:00"', r"rights.toml: contract\[1\].right\[0\].end: "),
        ("rights.toml", '"day+365"', '"day-31"', r"contract\[3\].right\[0\]: .*not after its start"),
        ("rights.toml", "Europe/Berlin", "Europe/Bonn", r"contract\[2\]: time_zone 'Europe/Bonn'"),
        ("rights.toml", '"voice-us"', '"voice-social"', "the key 'voice-social' stands twice"),
        ("rights.toml", '"music:morning-field"', '"music:other"', "nothing active grants music:morning-field"),
        ("channels.toml", '"GB", "IE", "DE", "AT"', '"UK", "IE"', r"channels.toml: channel\[0\].territories: 'UK'"),
        ("channels.toml", "100, 94, 70, 40]", "100, 94, 70]", r"channel\[0\].reach.hours: .*give 24"),
        ("brief.toml", "person:alex", "person:sam", "brief.toml: .*name another person"),
        ("brief.toml", "person:alex", "Alex", r"brief.toml: approver.person"),
    ],
)
def test_a_mistake_is_named_with_its_file_and_key(folder: Path, file: str, old: str, new: str, said: str) -> None:
    text = (folder / file).read_text()
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1))
    with pytest.raises(Problem, match=said):
        load_pack(folder, TODAY)


@pytest.mark.parametrize("file", ["pack.toml", "rights.toml", "channels.toml", "brief.toml", "shot_log.toml"])
def test_a_missing_file_is_named(folder: Path, file: str) -> None:
    (folder / file).unlink()
    with pytest.raises(Problem, match=f"The pack has no {file}") as caught:
        load_pack(folder, TODAY)
    assert caught.value.code == "FILE_MISSING"


def test_an_element_may_knowingly_be_without_rights(folder: Path) -> None:
    text = (folder / "pack.toml").read_text()
    (folder / "pack.toml").write_text(text.replace("music:morning-field", "music:unknown"))
    with pytest.raises(Problem, match="without_rights"):
        load_pack(folder, TODAY)
    allowed = text.replace("music:morning-field", "music:unknown")
    (folder / "pack.toml").write_text('without_rights = ["music:unknown"]\n' + allowed)
    assert load_pack(folder, TODAY).without_rights == ("music:unknown",)


def test_a_brief_is_read_by_itself() -> None:
    brief = load_brief(BUTTERFLY / "brief.toml")
    assert (brief.requester.person, brief.approver.person) == ("person:sam", "person:alex")
    assert brief.text.startswith("15 s vertical highlight of the butterfly scene")


def test_another_brief_of_the_pack_is_read_by_its_name(folder: Path) -> None:
    other = (folder / "brief.toml").read_text().replace("15 s vertical", "10 s square")
    (folder / "square.toml").write_text(other)
    assert load_pack(folder, TODAY, "square.toml").brief.text.startswith("10 s square")
    with pytest.raises(Problem, match=r"channels.toml: text: Field required"):
        load_pack(folder, TODAY, "channels.toml")
