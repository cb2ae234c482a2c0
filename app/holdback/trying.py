"""`holdback try`: a person's own film and rights sheet through the whole flow, in a house of its own."""

import asyncio
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from holdback_agents.contracts import Brief, Question
from holdback_agents.editing_assistant.request import parse_brief
from holdback_base.ids import system_clock
from holdback_base.problem import Problem
from holdback_base.vocabulary import Noun
from holdback_servers.rights.importing.outcome import ImportReport
from holdback_servers.schedule.channel import Channel
from holdback_servers.settings import Settings

from holdback import wording
from holdback.desk import Desk
from holdback.own_film import OwnFilm, a_file, read_own_film, refusal
from holdback.pack import load_channels
from holdback.pack_model import PackBrief, Person
from holdback.performance import Performance
from holdback.results import Finished, write_results
from holdback.staging import fresh_folder, keep_log, last_words, own_house, telling
from holdback.telling import Teller

CHANNELS = Path(__file__).resolve().parent / "examples" / "own-film" / "channels.toml"
ASKER = Person(person="person:asker", name="Robin Vale", title="who asks (invented)", roles=("editor",))
APPROVER = Person(person="person:approver", name="Kit Marlow", title="who approves (invented)", roles=("approver",))
_SHOWN = 8
"""Lines of the sheet's preview that are told."""
_NOTICE = "The two people are invented. Channels that are defaults are invented too; nothing was sent anywhere."


@dataclass(frozen=True)
class Trial:
    """What a person gave: the film with its sheet, the brief in words, and the channels."""

    own: OwnFilm
    brief: PackBrief
    channels: tuple[Channel, ...]
    notes: tuple[str, ...]


def run_try(  # noqa: PLR0917 - an option each
    film: Path, sheet: Path, text: str, channels: Path | None, out: Path, ref: str | None, *, yes: bool, as_json: bool
) -> None:
    """Take the film from the brief to a cleared, approved and scheduled highlight, or to the reasons why not.

    Exits with code 1 when nothing was published; the page and `outcome.json` are written all the same.

    Raises:
        Problem: before any work, for a brief, a film, a sheet, channels or a folder that cannot be used.
    """
    began = time.monotonic()
    trial = _checked(film, sheet, text, channels, ref)
    folder = fresh_folder(out)
    keep_log(folder)
    with telling(as_json) as teller:
        _introduce(trial, teller)
        finished = asyncio.run(_in_own_house(trial, folder, teller, began, yes=yes))
        last_words(write_results(finished, folder, folder / "home"), folder, teller, as_json=as_json)


def _checked(film: Path, sheet: Path, text: str, channels: Path | None, ref: str | None) -> Trial:
    """All that can be wrong is found before a house is opened."""
    now = system_clock()
    wanted = _read_brief(text)
    found = load_channels((channels or CHANNELS).expanduser().absolute(), now.date())
    if isinstance(wanted, Brief):
        _reachable(wanted, found, given=channels is not None)
    own = asyncio.run(read_own_film(a_file(film, "film"), a_file(sheet, "rights sheet"), ref))
    notes = list(own.notes)
    if channels is None:
        names = wording.listed(f"{each.title}, {each.time_zone}" for each in found)
        notes.append(f"No channels were given, so defaults are used: {names}. Name your own with --channels.")
    brief = PackBrief(text=text, requester=ASKER, approver=APPROVER)
    return Trial(own, brief, found, tuple(notes))


def _read_brief(text: str) -> Brief | Question:
    """The brief as the assistant will read it. Raises Problem BRIEF_INCOMPLETE when nobody is there to be asked."""
    if not text.strip():
        example = "15 s vertical highlight of the harbour for YouTube in GB and DE, from Monday"
        raise Problem("BRIEF_INCOMPLETE", "The brief is empty.", f'Say what you want, such as --brief "{example}".')
    wanted = parse_brief(text, system_clock())
    if isinstance(wanted, Question) and not sys.stdin.isatty():
        raise Problem("BRIEF_INCOMPLETE", wanted.text, "Say it in --brief, or run this on a terminal.")
    return wanted


def _reachable(brief: Brief, channels: Sequence[Channel], *, given: bool) -> None:
    """Raises Problem CHANNEL_UNKNOWN for a platform that no channel publishes on."""
    missing = [each for each in brief.platforms if each not in {channel.platform for channel in channels}]
    if missing:
        there = wording.listed(dict.fromkeys(wording.platform(each.platform) for each in channels))
        raise Problem(
            "CHANNEL_UNKNOWN",
            f"No channel publishes on {wording.listed(wording.platform(each) for each in missing)}; there is {there}.",
            "Add the channel to the file of --channels." if given else f"Copy {CHANNELS}, add it, give --channels.",
        )


def _introduce(trial: Trial, teller: Teller) -> None:
    facts = trial.own.facts
    assert facts.video is not None
    teller.heading(f"{trial.own.title}: a brief from {ASKER.name}")
    teller.note(trial.brief.text)
    shape = f"{facts.video.width}x{facts.video.height}, {facts.rate.text()} frames a second"
    teller.note(f"{trial.own.film.name}: {float(facts.seconds):.1f} s, {shape}")
    for each in trial.own.elements:
        rate = facts.rate.fraction
        spans = [f"{float(span.in_frame / rate):.1f} to {float(span.out_frame / rate):.1f} s" for span in each.spans]
        kind = each.kind.replace("_", " ")
        teller.note(f"In {wording.listed(spans) if spans else 'all of it'}: {each.name} ({kind}, {each.ref})")
    for note in trial.notes:
        teller.note(note)


async def _in_own_house(trial: Trial, folder: Path, teller: Teller, began: float, *, yes: bool) -> Finished:
    own = trial.own
    settings = Settings(home=folder / "home", library_roots=(own.film, own.sheet))

    async def load(desk: Desk) -> None:
        await _load(trial, desk, teller)

    async with own_house(settings, (ASKER.setting(), APPROVER.setting()), teller) as url:
        play = Performance(
            brief=trial.brief,
            load=load,
            source=f"{own.title} ({own.film.name})",
            notice=_NOTICE,
            home=settings.home,
            url=url,
            teller=teller,
            folder=folder,
            yes=yes,
            tries=False,
            began=began,
        )
        return await play.play()


async def _load(trial: Trial, desk: Desk, teller: Teller) -> None:
    """The film into the library, the sheet into rights, the channels into the schedule."""
    own = trial.own
    job = await desk.tool(
        "assets.ingest_media",
        path=str(own.film),
        title=own.title,
        kind="master",
        elements=[_plain(each) for each in own.elements],
    )
    await _import(own, desk, teller)
    for channel in trial.channels:
        await desk.tool("schedule.record_channel", channel=_plain(channel))
    result = await desk.job("assets", job)
    sound = f", {result['integrated_lufs']} LUFS" if result.get("integrated_lufs") is not None else ", no sound"
    teller.done("library", f"{own.film.name} ingested: {result['seconds']:.1f} s, {result['shots']} shots{sound}")
    for warning in result.get("warnings", ()):
        teller.note(warning)


async def _import(own: OwnFilm, desk: Desk, teller: Teller) -> None:
    """The sheet goes in by the tool that everybody uses: first what it would change, then for good. Raises Problem with
    all that is wrong with it."""
    before = await _imported(own, desk, apply=False)
    if before.mistakes:
        raise refusal(own.sheet.name, before.mistakes)
    first, *lines = before.text().splitlines()
    teller.done("rights", first)
    for line in lines[:_SHOWN]:
        teller.note(line.strip())
    if len(lines) > _SHOWN:
        teller.note(f"... and {len(lines) - _SHOWN} lines more.")
    after = await _imported(own, desk, apply=True)
    teller.done("rights", after.text().partition("\n")[0])


async def _imported(own: OwnFilm, desk: Desk, *, apply: bool) -> ImportReport:
    answer = await desk.tool("rights.import_rights", path=str(own.sheet), format="sheet", apply=apply)
    report = answer.get("report")
    if report is None:
        report = await desk.job("rights", await desk.tool("rights.get_job", job_id=answer["job"]))
    return ImportReport.model_validate(report)


def _plain(noun: Noun) -> dict[str, Any]:
    return noun.model_dump(mode="json", exclude_none=True)
