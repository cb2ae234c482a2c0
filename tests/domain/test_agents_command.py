from pathlib import Path
from typing import Any

import pytest
from holdback.letting_in import Said, admit_agent
from holdback_base.problem import Problem

THUMBPRINT = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbW"
SAID: dict[str, Any] = {"what": "https://agents.vendor.example", "name": "guide", "key": THUMBPRINT}


@pytest.mark.parametrize(
    ("mistake", "told", "cure"),
    [
        ({"roles": ["editr"]}, "no role editr", "editor"),
        ({"plans": ["list-channels=schedule.list_chanels"]}, r"names schedule\.list_chanels", "docs/tools.md"),
        ({"plans": ["list-channels=clear-wrongs"]}, "names clear-wrongs", "skill of an agent"),
        ({"key": "guide.pem"}, "no JWK", "43 characters"),
        ({"key": THUMBPRINT[1:]}, "no JWK", "43 characters"),
        ({"key": "{"}, "no JWK", "43 characters"),
    ],
)
def test_a_slip_of_the_pen_in_letting_in_is_told_before_anything_is_fetched(
    tmp_path: Path, mistake: dict[str, Any], told: str, cure: str
) -> None:
    with pytest.raises(Problem, match=told) as refused:
        admit_agent(Said(**SAID | mistake), tmp_path)
    assert refused.value.code == "INVALID_ARGUMENT"
    assert cure in refused.value.hint


def test_what_is_written_well_gets_as_far_as_the_agents_address(tmp_path: Path) -> None:
    said: dict[str, Any] = SAID | {"roles": ["viewer"], "plans": ["list-channels=schedule.list_channels,clear-rights"]}
    with pytest.raises(Problem, match=r"agents\.vendor\.example") as refused:
        admit_agent(Said(**said), tmp_path)
    assert refused.value.code != "INVALID_ARGUMENT"
