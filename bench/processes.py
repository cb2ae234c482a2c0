"""Child processes that are measured: their environment, their CPU, their listening sockets."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def environment() -> dict[str, str]:
    """That of this process, but compiled modules are kept: a start without them is nobody's everyday start."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def cpu_seconds(pid: int) -> float:
    """CPU seconds of a running process so far, all its threads; needs Linux's /proc."""
    tasks = Path(f"/proc/{pid}/task")
    if not tasks.exists():
        raise RuntimeError("CPU seconds of a process are read from /proc, which is not here")
    return sum(int((each / "schedstat").read_text().split()[0]) for each in tasks.iterdir()) / 1e9


_ADDITIONS = 2_000_000


def load() -> str:
    """How busy the machine is and how fast just now, for the reader of a figure: a shared one varies several times."""
    began, number = time.thread_time(), 0
    for each in range(_ADDITIONS):
        number += each
    milliseconds = (time.thread_time() - began) * 1000
    busy = f"{os.cpu_count()} cores, load " + "/".join(f"{each:.1f}" for each in os.getloadavg())
    return f"{busy}, {_ADDITIONS:,} additions in {milliseconds:.0f} ms"


def holdback() -> list[str]:
    """The command as it is installed beside this Python."""
    return [str(Path(sys.executable).with_name("holdback"))]


@contextmanager
def serving(module: str, *arguments: str) -> Generator[tuple[str, "subprocess.Popen[str]", str]]:
    """A server of its own process: its URL, the process, and the first line it printed (when it is ready).

    The module's command line gets the arguments and the descriptor of a listening socket.
    """
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(128)
        os.set_inheritable(listener.fileno(), True)
        descriptor = listener.fileno()
        process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments, str(descriptor)],
            pass_fds=[descriptor],
            stdout=subprocess.PIPE,
            text=True,
            env=environment(),
            cwd=ROOT,
        )
        try:
            assert process.stdout is not None
            first = process.stdout.readline().strip()
            yield f"http://127.0.0.1:{listener.getsockname()[1]}", process, first
        finally:
            process.terminate()
            process.wait()
