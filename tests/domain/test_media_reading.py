"""Opening media of others: containers that hold their own media, never playlists, and a clear word on the rest."""

from pathlib import Path

import av
import pytest
from holdback_base.problem import Problem
from holdback_servers.media_reading import open_media
from PIL import Image

FILM = Path(__file__).parents[2] / "examples" / "media" / "big-buck-bunny-60s.mp4"


def test_a_film_opens() -> None:
    with open_media(FILM) as container:
        assert [stream.type for stream in container.streams][:2] == ["video", "audio"]


@pytest.mark.parametrize("name", ["still.png", "still.jpg", "still.webp", "still.tif"])
def test_a_still_opens_by_its_content(tmp_path: Path, name: str) -> None:
    Image.new("RGB", (64, 48)).save(tmp_path / name)
    (tmp_path / name).rename(tmp_path / "no-suffix")
    with open_media(tmp_path / "no-suffix") as container:
        assert (container.streams.video[0].width, container.streams.video[0].height) == (64, 48)


HLS = "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{film}\n#EXT-X-ENDLIST\n"
CONCAT = "ffconcat version 1.0\nfile {film}\n"
DASH = '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><BaseURL>{film}</BaseURL></MPD>'


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("notes.txt", "no media at all\n" * 50, "NOT_MEDIA"),
        ("list.m3u8", HLS, "NOT_MEDIA"),
        ("list.mp4", HLS, "NOT_MEDIA"),
        ("list.ffconcat", CONCAT, "NOT_MEDIA"),
        ("list.mpd", DASH, "NOT_MEDIA"),
        ("empty.mp4", "", "NOT_MEDIA"),
    ],
)
def test_what_is_no_media_or_names_other_files_is_refused(tmp_path: Path, name: str, content: str, code: str) -> None:
    (tmp_path / name).write_text(content.replace("{film}", str(FILM)))
    with pytest.raises(Problem) as caught, open_media(tmp_path / name):
        pass
    assert caught.value.code == code
    assert name in caught.value.message


@pytest.mark.parametrize("share", [0.5, 0.001])
def test_a_truncated_film_is_damaged(tmp_path: Path, share: float) -> None:
    content = FILM.read_bytes()
    (tmp_path / "part.mp4").write_bytes(content[: int(len(content) * share)])
    with pytest.raises(Problem) as caught, open_media(tmp_path / "part.mp4", "Monday's film.mp4"):
        pass
    assert caught.value.code == "MEDIA_DAMAGED"
    assert "Monday's film.mp4" in caught.value.message


def test_a_missing_file_and_a_folder_are_told_apart(tmp_path: Path) -> None:
    for path, code in ((tmp_path / "nothing.mp4", "FILE_MISSING"), (tmp_path, "NOT_MEDIA")):
        with pytest.raises(Problem) as caught, open_media(path):
            pass
        assert caught.value.code == code


def test_a_number_pattern_in_a_name_is_only_a_name(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "shot%03d.mp4"), "w") as out:
        stream = out.add_stream("mpeg4", rate=25)
        stream.width = stream.height = 32
        stream.pix_fmt = "yuv420p"
        out.mux(stream.encode(av.VideoFrame(32, 32, "yuv420p")))
        out.mux(stream.encode())
    with open_media(tmp_path / "shot%03d.mp4") as container:
        assert container.streams.video[0].frames == 1
