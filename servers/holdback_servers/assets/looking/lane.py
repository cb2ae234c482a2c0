"""Work on a stream of things beside the thread that makes them: FFmpeg and numpy let go of the interpreter, so two
cores are used. Runs in the media worker."""

import queue
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

_AT_ONCE = 8
"""Things that are handed over together: a change of threads costs as much as looking at one."""
_WAITING = 3
"""Hands full that may wait; who makes them faster waits for the lane."""


class Lane(Generic[T]):
    """Does `work` on each thing in order, in a thread of its own.

    What the work raises is raised to who puts a later thing in, or finishes.
    """

    def __init__(self, work: Callable[[T], None]) -> None:
        self._work = work
        self._hand: list[T] = []
        self._queue: queue.Queue[list[T] | None] = queue.Queue(_WAITING)
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def put(self, thing: T) -> None:
        """Hand over the next thing; waits while many are waiting."""
        self._hand.append(thing)
        if len(self._hand) == _AT_ONCE:
            self._pass_on()

    def finish(self) -> None:
        """Wait until all is done."""
        self._pass_on()
        self._queue.put(None)
        self._thread.join()
        if self._error is not None:
            raise self._error

    def stop(self) -> None:
        """End without doing what still waits; after `finish` there is nothing to end."""
        self._error = self._error or InterruptedError()
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join()

    def _pass_on(self) -> None:
        if self._error is not None:
            raise self._error
        self._queue.put(self._hand)
        self._hand = []

    def _run(self) -> None:
        while (things := self._queue.get()) is not None:
            for thing in things:
                if self._error is not None:
                    break  # what is queued is still taken, so that nobody who puts waits for ever
                try:
                    self._work(thing)
                except BaseException as error:  # raised where it is noticed
                    self._error = error
