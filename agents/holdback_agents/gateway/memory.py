"""What is remembered only as long as there is room: of more, the oldest is forgotten."""

from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


def remember(memory: dict[K, V], key: K, value: V, most: int) -> None:
    """Keep the value under the key, among `most` at most."""
    if key not in memory:
        while len(memory) >= most:
            del memory[next(iter(memory))]
    memory[key] = value
