"""What runs beside the requests: woken early, told to end before it is cancelled, begun again."""

import asyncio

import pytest
from holdback_agents.gateway.beside import Beside

pytestmark = pytest.mark.asyncio


class Turns(Beside):
    """Counts its turns; the first waits to be let go."""

    def __init__(self) -> None:
        super().__init__()
        self.turns = 0
        self.begun, self.go_on, self.resting = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.ended = False

    async def run(self) -> None:
        while True:
            self.turns += 1
            self.begun.set()
            await self.go_on.wait()
            self.resting.set()
            if not await self.pause(None):
                break
        self.ended = True


async def test_what_wakes_it_while_it_is_busy_is_not_lost():
    it = Turns()
    it.start()
    await it.begun.wait()
    it.begun.clear()
    it.wake()
    it.go_on.set()
    await it.begun.wait()
    assert it.turns == 2
    await it.stop()


async def test_it_ends_by_itself_when_it_is_told_to_and_can_begin_again():
    it = Turns()
    it.go_on.set()
    for turns in (1, 2):
        it.resting.clear()
        it.start()
        await it.resting.wait()
        await it.stop()
        assert (it.ended, it.turns) == (True, turns)
        it.ended = False


async def test_a_pause_of_no_time_at_all_is_one_all_the_same():
    it = Turns()
    assert await it.pause(0)
