"""Child processes that are measured: their environment, their CPU, their listening sockets."""

import os
import socket
import subprocess
import sys
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


def load() -> str:
    """How busy the machine is, for the reader of a figure."""
    return f"{os.cpu_count()} cores, load " + "/".join(f"{each:.1f}" for each in os.getloadavg())


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
