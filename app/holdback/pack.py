"""Read an example pack and check it: typed values, dates counted from the day of loading, errors that name the file and
the key. Pure but for reading the pack's own files; nothing is sent anywhere.
"""

import tomllib
from collections import Counter
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import TypeVar

from holdback_base.elements import is_ref
from holdback_base.problem import Problem
from holdback_base.vocabulary import Noun
from holdback_servers.rights.model import Contract, contract_on_record, right_on_record
from holdback_servers.schedule.channel import Channel
from holdback_servers.settings import PersonSetting, Settings
from pydantic import Field, ValidationError

from holdback.pack_model import LogLine, Pack, PackBrief, PackContract, PackMedia
from holdback.relative_dates import resolved

EXAMPLES = Path(__file__).resolve().parent / "examples"
Table = TypeVar("Table", bound=Noun)


class _PackFile(Noun):
    name: str
    title: str
    notice: str
    broadcaster: str
    without_rights: tuple[str, ...] = ()
    media: tuple[PackMedia, ...] = Field(min_length=1)


class _ShotLogFile(Noun):
    media: str
    logged_by: str = ""
    shot: tuple[LogLine, ...] = ()
    marker: tuple[LogLine, ...] = ()


class _RightsFile(Noun):
    contract: tuple[PackContract, ...]


class _ChannelsFile(Noun):
    channel: tuple[Channel, ...]


def load_pack(folder: Path, today: date, brief: str = "brief.toml") -> Pack:
    """Read `pack.toml`, its shot logs, `rights.toml`, `channels.toml` and the brief, dates counted from today.

    Raises:
        Problem: FILE_MISSING, or INVALID_ARGUMENT and its kin, each naming the file and the key.
    """
    head = read_table(folder, "pack.toml", _PackFile, today)
    rights = read_table(folder, "rights.toml", _RightsFile, today).contract
    channels = read_table(folder, "channels.toml", _ChannelsFile, today)
    pack = Pack(
        folder=folder,
        day=today,
        **{field: getattr(head, field) for field in ("name", "title", "notice", "broadcaster", "without_rights")},
        media=tuple(_with_log(folder, media, number, today) for number, media in enumerate(head.media)),
        contracts=rights,
        channels=channels.channel,
        brief=load_brief(folder / brief),
    )
    _check_elements(pack)
    _check_rights(pack)
    _check_channels(pack.channels, today)
    return pack


def example_people() -> tuple[PersonSetting, ...]:
    """The people of the example's brief: one who asks, one who approves, one who answers for security."""
    return load_brief(EXAMPLES / "butterfly" / "brief.toml").people


def people_of(settings: Settings) -> tuple[PersonSetting, ...]:
    """The people of a house: those of its settings, else the example's."""
    return settings.people or example_people()


def load_brief(path: Path) -> PackBrief:
    """Read a brief by itself. Raises Problem FILE_MISSING or INVALID_ARGUMENT, naming the file and the key."""
    return read_table(path.parent, path.name, PackBrief, None)


def load_channels(path: Path, today: date) -> tuple[Channel, ...]:
    """Read channels by themselves, dates counted from today.

    Raises:
        Problem: FILE_MISSING, or INVALID_ARGUMENT and its kin, each naming the file and the key.
    """
    if not path.is_file():
        raise Problem("FILE_MISSING", f"There is no file {path}.", "Name a file of channels as TOML.")
    channels = read_table(path.parent, path.name, _ChannelsFile, today).channel
    _check_channels(channels, today, path.name)
    return channels


def read_table(folder: Path, name: str, shape: type[Table], today: date | None) -> Table:
    """Read a TOML file into a noun, dates counted from today if it is given.

    Raises:
        Problem: FILE_MISSING, or INVALID_ARGUMENT and its kin, each naming the file and the key.
    """
    try:
        table = tomllib.loads((folder / name).read_text(encoding="utf-8"))
        return shape.model_validate(resolved(table, today) if today else table)
    except FileNotFoundError as error:
        raise Problem("FILE_MISSING", f"The pack has no {name}.", f"Look for {name} in {folder}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Problem("INVALID_ARGUMENT", f"{name} is not valid TOML: {error}.", "Correct the file.") from error
    except ValidationError as error:
        first = error.errors()[0]
        raise _wrong(name, _path(first["loc"]), first["msg"]) from error
    except Problem as problem:
        raise Problem(problem.code, f"{name}: {problem.message}", problem.hint, **problem.details) from problem


def _path(parts: Iterable[int | str]) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)
    return text.removeprefix(".") or "(the whole file)"


def _wrong(name: str, key: str, what: str) -> Problem:
    return Problem("INVALID_ARGUMENT", f"{name}: {key}: {what}", f"Correct {key} in {name}.", file=name, key=key)


def _with_log(folder: Path, media: PackMedia, number: int, today: date) -> PackMedia:
    key = f"media[{number}]"
    if Path(media.file).name != media.file:
        raise _wrong("pack.toml", f"{key}.file", f"{media.file!r} is not a name in the pack's own folder")
    if not (folder / media.file).is_file():
        raise Problem("FILE_MISSING", f"pack.toml: {key}.file: there is no {media.file}.", "Run make_media.py.")
    if media.shot_log is None:
        return media
    log = read_table(folder, media.shot_log, _ShotLogFile, today)
    if log.media != media.file:
        raise _wrong(media.shot_log, "media", f"it is the log of {log.media}, not of {media.file}")
    marked = tuple(line.model_copy(update={"kind": "marker"}) for line in log.marker)
    for table, lines in (("shot", log.shot), ("marker", marked)):
        for place, line in enumerate(lines):
            with _naming(media.shot_log, f"{table}[{place}]"):
                media.span_of(line)
    return media.model_copy(update={"log": (*log.shot, *marked)})


@contextmanager
def _naming(name: str, key: str) -> Generator[None]:
    """Put the file and the key before whatever is wrong inside."""
    try:
        yield
    except Problem as problem:
        details = {**problem.details, "file": name, "key": key}
        raise Problem(problem.code, f"{name}: {key}: {problem.message}", problem.hint, **details) from problem


def _check_elements(pack: Pack) -> None:
    for number, media in enumerate(pack.media):
        key = f"media[{number}]"
        twice = [name for name, count in Counter(each.id for each in media.elements).items() if count > 1]
        if twice:
            raise _wrong("pack.toml", f"{key}.element", f"the id {twice[0]!r} stands twice")
        for place, element in enumerate(media.elements):
            if not is_ref(element.ref):
                raise _wrong("pack.toml", f"{key}.element[{place}].ref", f"{element.ref!r} is not kind:name")
            last = max(span.out_frame for span in element.spans)
            if last > media.frames:
                what = f"frame {last} is beyond the {media.frames} frames of {media.file}"
                raise _wrong("pack.toml", f"{key}.element[{place}].spans", what)


def _check_rights(pack: Pack) -> None:
    granted: set[str] = set()
    for number, contract in enumerate(pack.contracts):
        with _naming("rights.toml", f"contract[{number}]"):
            recorded: Contract = contract_on_record("ctr_pack", contract.terms(), contract.key)
        for place, right in enumerate(contract.rights):
            with _naming("rights.toml", f"contract[{number}].right[{place}]"):
                right_on_record("rgt_pack", right.terms(), recorded, right.key).places()
            if right.kind == "grant" and contract.status == "active":
                granted.add(right.ref)
    keys = [each.key for each in pack.contracts] + [right.key for each in pack.contracts for right in each.rights]
    if twice := [key for key, count in Counter(keys).items() if count > 1]:
        raise _wrong("rights.toml", "contract", f"the key {twice[0]!r} stands twice")
    refs = {element.ref for media in pack.media for element in media.elements}
    if unknown := sorted(refs - granted - set(pack.without_rights)):
        what = f"nothing active grants {unknown[0]}; give a right, or name it in without_rights of pack.toml"
        raise _wrong("rights.toml", "contract", what)


def _check_channels(channels: tuple[Channel, ...], day: date, name: str = "channels.toml") -> None:
    midnight = datetime.combine(day, time(), UTC)
    for number, channel in enumerate(channels):
        with _naming(name, f"channel[{number}].territories"):
            channel.reaches(midnight)
