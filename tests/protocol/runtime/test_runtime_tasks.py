"""An agent through a real client: tasks, streams, questions, repeats, both bindings and the older protocol."""

from typing import Any

import pytest
from holdback_agents.contracts import Part
from holdback_agents.runtime.agent import Skill
from holdback_agents.runtime.run import Run

pytestmark = pytest.mark.asyncio


class Echo(Part):
    schema_name = "test-echo"
    text: str = ""
    times: int = 1


class Echoed(Part):
    schema_name = "test-echoed"
    text: str = ""


async def echo(run: Run, asked: Echo) -> Echoed:
    for number in range(asked.times):
        await run.progress("echoing", done=number + 1, total=asked.times, unit="times")
    return Echoed(text=asked.text)


ECHO = Skill("make-highlight", Echo, echo)


async def test_a_stream_begins_with_the_task_tells_progress_in_order_and_ends_with_the_result(kit: Any) -> None:
    async with kit.house(kit.agent_of("editing-assistant", ECHO)) as house:
        told = await house.send(Echo(text="butterfly", times=5))
    assert told.events[0].HasField("task")
    assert told.state == "COMPLETED"
    assert told.result == {"text": "butterfly"}
    assert [(each.seq, each.done, each.path) for each in told.progress] == [
        (n, n, ("editing-assistant",)) for n in range(1, 6)
    ]
