"""The subprocess with limits in which untrusted media is opened.

`run` starts `python -m holdback_servers.media_worker` in a session of its own, hands it one plain function and its
arguments as a JSON line, and reads JSON lines back: progress, then a result or a problem. Whatever happens to the
worker (a crash in a decoder, too much memory, too long), the caller gets a `Problem` and no process is left.

The worker writes no bytecode: under a limit on file sizes it would leave broken files for others to import.
Heavy modules stay out of this file: the worker starts with what its function imports, and no more.
"""

import contextlib
import importlib
import json
import os
import re
import resource
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from holdback_base.problem import Problem

if TYPE_CHECKING:
    from asyncio import StreamReader
    from asyncio.subprocess import Process

Report = Callable[[int, int, str], Awaitable[None] | None]
"""Told how much is done, of how much (0 when unknown), and what is being done."""
WorkerReport = Callable[[int, int, str], None]
"""The same, as the function in the worker calls it."""

_FUNCTION = re.compile(r"holdback_servers(\.[a-z_]+)+:[a-z_]+")
_LONGEST_LINE = 32 << 20
_KEPT_STDERR = 8 << 10


@dataclass(frozen=True)
class Limits:
    """What one piece of work may take.

    `memory_bytes` is address space (x264 at 1080p with two threads needs about 1 GiB of it), `cpu_seconds` are summed
    over threads, `wall_seconds` is what the caller waits, `file_bytes` is the largest file it may write.
    """

    memory_bytes: int = 4 << 30
    cpu_seconds: int = 1200
    wall_seconds: float = 900.0
    file_bytes: int = 64 << 30
    open_files: int = 128


async def run(
    function: str,
    arguments: dict[str, Any],
    report: Report | None = None,
    limits: Limits | None = None,
    roots: Sequence[Path] = (),
) -> dict[str, Any]:
    """Run a plain function `f(arguments, report) -> dict` of this package in a fresh process.

    Args:
        function: `holdback_servers.<module>:<function>`; nothing outside the package can be named.
        arguments: JSON values; paths as absolute text.
        report: awaited for each progress the function reports.
        limits: see `Limits`.
        roots: folders under which `open_media` may read; none given means any.

    Raises:
        Problem: whatever the function raised as one; TOO_LARGE when it went over a limit; MEDIA_DAMAGED when a decoder
            crashed; INTERNAL for anything else.
        asyncio.CancelledError: the worker is killed and gone by then.
    """
    import asyncio

    if _FUNCTION.fullmatch(function) is None:
        raise ValueError(f"{function} is not a function of holdback_servers")
    limits = limits or Limits()
    request = {"function": function, "arguments": arguments, "limits": asdict(limits), "roots": [str(r) for r in roots]}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-B", "-m", "holdback_servers.media_worker"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=_LONGEST_LINE,
        cwd="/",
        env=_environment(),
        start_new_session=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    errors = asyncio.create_task(_tail(process.stderr))
    try:
        async with asyncio.timeout(limits.wall_seconds):
            process.stdin.write(json.dumps(request).encode() + b"\n")
            answer = await _answer(process.stdout, report)
            await process.wait()
    except TimeoutError:
        raise _over(f"it took longer than {limits.wall_seconds:g} s") from None
    except (ConnectionError, ValueError) as error:
        raise Problem("INTERNAL", f"The media worker could not be understood: {error}.") from error
    finally:
        await asyncio.shield(asyncio.ensure_future(_end(process)))
        said = await errors
    if answer is None:
        raise _death(process.returncode or 0, limits, said)
    if "problem" in answer:
        raise Problem.from_dict(answer["problem"])
    return answer["result"]


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "TMPDIR") if name in os.environ}
    threads = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}
    return {**kept, **threads, "LC_ALL": "C.UTF-8", "PYTHONIOENCODING": "utf-8"}


async def _answer(lines: "StreamReader", report: Report | None) -> dict[str, Any] | None:
    """The last word of the worker; None when it ended without one."""
    answer: dict[str, Any] | None = None
    while line := await lines.readline():
        message = json.loads(line)
        if "progress" not in message:
            answer = message
        elif report is not None:
            done, total, text = message["progress"]
            waiting = report(done, total, text)
            if waiting is not None:
                await waiting
    return answer


async def _tail(stream: "StreamReader") -> str:
    kept = b""
    while chunk := await stream.read(4096):
        kept = (kept + chunk)[-_KEPT_STDERR:]
    return kept.decode(errors="replace")


async def _end(process: "Process") -> None:
    """Kill the worker's whole session, if it still lives, and collect it."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    if process.stdin is not None:
        process.stdin.close()
    await process.wait()


def _over(why: str) -> Problem:
    return Problem(
        "TOO_LARGE",
        f"The work on this media was stopped: {why}.",
        "Give a shorter or smaller file, or raise the limit of the media worker.",
    )


def _death(code: int, limits: Limits, said: str) -> Problem:
    if code == -signal.SIGXCPU:
        return _over(f"it used more than {limits.cpu_seconds} s of processor time")
    if code == -signal.SIGKILL:
        return _over("the machine ran out of memory or somebody killed it")
    if -code in (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL):
        return Problem(
            "MEDIA_DAMAGED",
            f"The decoder crashed on this media ({signal.Signals(-code).name}).",
            "The file is broken or hostile; take it from its source again.",
        )
    last = said.strip().splitlines()[-1] if said.strip() else "no word"
    return Problem("INTERNAL", f"The media worker ended with code {code}: {last[:300]}.")


# --- in the worker -------------------------------------------------------------------------------------------------


def main() -> None:
    """Read one request from stdin, do it, and write JSON lines to what was stdout."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not be taken for an answer
    request = json.loads(sys.stdin.buffer.readline())
    limits = Limits(**request["limits"])
    _limit(limits)
    threading.Thread(target=_die_with_parent, daemon=True).start()
    answer = _do(request, out, limits)
    out.write(json.dumps(answer).encode() + b"\n")
    out.flush()
    os._exit(0)  # nothing here needs an orderly end, and tearing FFmpeg's threads down takes time


def _limit(limits: Limits) -> None:
    for what, soft, hard in (
        (resource.RLIMIT_CORE, 0, 0),
        (resource.RLIMIT_AS, limits.memory_bytes, limits.memory_bytes),
        (resource.RLIMIT_CPU, limits.cpu_seconds, limits.cpu_seconds + 5),
        (resource.RLIMIT_FSIZE, limits.file_bytes, limits.file_bytes),
        (resource.RLIMIT_NOFILE, limits.open_files, limits.open_files),
    ):
        try:
            resource.setrlimit(what, (soft, hard))
        except (ValueError, OSError) as error:  # a lower hard limit is set already, or the system has no such limit
            print(f"limit {what} stays as it is: {error}", file=sys.stderr)


def _die_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(1)


def _do(request: dict[str, Any], out: IO[bytes], limits: Limits) -> dict[str, Any]:
    def report(done: int, total: int, text: str) -> None:
        out.write(json.dumps({"progress": [done, total, text]}).encode() + b"\n")
        out.flush()

    try:
        if _FUNCTION.fullmatch(request["function"]) is None:
            raise ValueError("not a function of holdback_servers")
        if request["roots"]:
            from holdback_servers.media_reading import restrict_to

            restrict_to([Path(root) for root in request["roots"]])
        module, name = request["function"].split(":")
        result = getattr(importlib.import_module(module), name)(request["arguments"], report)
        return {"result": result}
    except Problem as problem:
        return {"problem": problem.as_dict()}
    except MemoryError:
        return {"problem": _over(f"it needs more than {limits.memory_bytes >> 20} MiB of memory").as_dict()}
    except Exception as error:  # the one place where anything may come up; it crosses the pipe as a problem
        import errno
        import traceback

        traceback.print_exc()
        if isinstance(error, OSError) and error.errno == errno.EFBIG:
            return {"problem": _over(f"it would write a file over {limits.file_bytes} bytes").as_dict()}
        if isinstance(error, OSError) and error.errno in (errno.ENOMEM, errno.EAGAIN):  # EAGAIN: no room for a thread
            return {"problem": _over(f"it needs more than {limits.memory_bytes >> 20} MiB of memory").as_dict()}
        said = (str(error).strip().splitlines() or [""])[0][:300]
        return {"problem": Problem("INTERNAL", f"The media worker failed: {type(error).__name__}: {said}").as_dict()}


if __name__ == "__main__":
    main()
