"""What a caller gives a tool arrives as it was given."""

from typing import Annotated, Any

import pytest
from holdback_base.vocabulary import Sha256
from holdback_servers.services import Call
from holdback_servers.surface import Offer
from holdback_trust.policy import Action
from pydantic import BaseModel, Field


async def _tool(
    call: Call,
    content: Annotated[str | None, Field(max_length=100)] = None,
    media: Sha256 | None = None,
    title: str = "",
    names: tuple[str, ...] = (),
    facts: dict[str, int] | None = None,
) -> BaseModel:
    """A tool that takes a text that may be missing, and lists."""
    raise NotImplementedError


def _taken(given: dict[str, Any]) -> dict[str, Any]:
    offer = Offer(_tool, "A tool", Action(name="_tool", scope="x:read", kind="read"), False, False)
    return offer.arguments.validate_arguments(given)


@pytest.mark.parametrize("text", ['{"OTIO_SCHEMA": "Timeline.1"}', "[1, 2]", "null", "true", "7"])
def test_a_text_that_happens_to_be_json_stays_text(text: str) -> None:
    taken = _taken({"content": text, "title": text})
    assert (taken["content"], taken["title"]) == (text, text)


def test_lists_and_objects_may_be_given_as_json_in_a_text() -> None:
    taken = _taken({"names": '["a", "b"]', "facts": '{"one": 1}'})
    assert (taken["names"], taken["facts"]) == (("a", "b"), {"one": 1})
