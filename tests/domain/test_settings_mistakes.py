"""Mistakes in `holdback.toml` are told in plain words, with the setting and the file."""

from pathlib import Path

import pytest
from holdback_base.problem import Problem
from holdback_servers.settings import load_settings


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("anchors = 5", "The setting anchors is not valid: it is a path, in quotation marks."),
        ("zed = 1", "The setting zed is not valid: there is no setting of that name."),
        ('library_roots = "/x"', "The setting library_roots is not valid: it is a list, in square brackets."),
        ('[autonomy]\ntier = 1\nchannels = "x"', "The setting autonomy.channels is not valid: it is a list, "),
        ('[oidc]\nissuer = "https://x.example"', "The setting oidc.client_id is not valid: it has to be there."),
        ("[guardian]\nhosts = [2]", "The setting guardian is not valid: there is no limit hosts; "),
    ],
)
def test_a_mistake_is_told_in_words_for_people(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "holdback.toml").write_text(text, encoding="utf-8")
    with pytest.raises(Problem) as refused:
        load_settings({}, home=tmp_path)
    assert refused.value.message.startswith(told)
    assert str(tmp_path / "holdback.toml") in refused.value.hint
