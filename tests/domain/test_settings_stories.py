"""Who knows of a closed story, as the settings say: what could mean nobody is told at once."""

from pathlib import Path

import pytest
from holdback_base.problem import Problem
from holdback_servers.settings import load_settings


@pytest.mark.parametrize(
    ("text", "field", "said"),
    [
        ('[stories.ruling]\npeople = ["sam"]', "stories.ruling.people", "person:"),
        ('[stories.ruling]\npeople = ["agent:compliance"]', "stories.ruling.people", "person:"),
        ('[stories.ruling]\nagents = ["compliance"]', "stories.ruling.agents", "agent:"),
        ('[stories.ruling]\nagents = ["person:sam"]', "stories.ruling.agents", "agent:"),
        ('[stories.ruling]\npoeple = ["person:sam"]', "stories.ruling.poeple", "no setting of that name"),
        ('[stories."The ruling"]\npeople = ["person:sam"]', "stories.The ruling", "pattern"),
        ('[storys.ruling]\npeople = ["person:sam"]', "storys", "no setting of that name"),
    ],
)
def test_a_slip_of_the_pen_is_told_with_its_place(tmp_path: Path, text: str, field: str, said: str) -> None:
    (tmp_path / "holdback.toml").write_text(text, encoding="utf-8")
    with pytest.raises(Problem) as told:
        load_settings({}, home=tmp_path)
    assert told.value.message.startswith(f"The setting {field}")
    assert said in told.value.message
    assert told.value.hint.endswith(f" in {tmp_path / 'holdback.toml'}.")
