"""The kept chunks of renders: `cache/renders/<hash>` in the home. They may be taken away at any time.

A chunk is named by everything that makes it, and its bytes carry their own hash; so nothing here can be stale, and what
a disk has spoiled is made again. What was not used for the longest time goes first.
"""

import contextlib
from pathlib import Path


def cache_folder(home: Path) -> Path:
    """Where chunks are kept; made when it is not there."""
    folder = home / "cache" / "renders"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def trim(folder: Path, most_bytes: int) -> int:
    """Take away what was not used for the longest time until no more than so many bytes are left.

    Safe while others render: a render holds links of its own to the chunks it uses.

    Returns:
        How many bytes are left.
    """
    kept: list[tuple[int, int, Path]] = []
    for path in folder.iterdir():
        with contextlib.suppress(FileNotFoundError):
            found = path.stat()
            kept.append((found.st_mtime_ns, found.st_size, path))
    left = sum(size for _, size, _ in kept)
    for _, size, path in sorted(kept):
        if left <= most_bytes:
            break
        path.unlink(missing_ok=True)
        left -= size
    return left
