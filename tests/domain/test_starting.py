"""What a process that starts puts off, and what it leaves out."""

import subprocess
import sys

import pytest
from holdback.starting import undisturbed_start
from pydantic import BaseModel, ValidationError

UNCALLED = """
import sys
from holdback.starting import undisturbed_start
with undisturbed_start():
    import holdback.serve
print(*({"rich", "pygments", "sqlalchemy.orm"} & set(sys.modules)))
import sqlalchemy.orm, rich
"""


def test_a_model_that_is_defined_during_a_start_is_built_when_it_is_first_used() -> None:
    with undisturbed_start():

        class Part(BaseModel):
            seconds: int

        class Whole(BaseModel):
            parts: list[Part]

    assert not Whole.__pydantic_complete__
    with pytest.raises(ValidationError):
        Whole.model_validate({"parts": [{"seconds": "many"}]})
    assert Whole.__pydantic_complete__
    assert Whole.model_validate({"parts": [{"seconds": 2}]}).model_dump() == {"parts": [{"seconds": 2}]}


def test_a_model_that_is_defined_after_a_start_is_built_at_once() -> None:
    with undisturbed_start():
        pass

    class Later(BaseModel):
        seconds: int

    assert Later.__pydantic_complete__


@pytest.mark.processes
def test_a_house_loads_nothing_that_only_the_uncalled_parts_of_libraries_need_and_others_may_load_them_later() -> None:
    told = subprocess.run([sys.executable, "-c", UNCALLED], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == ""
