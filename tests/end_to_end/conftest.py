"""The whole house in one process on a loopback port, with the example's rights over a film of a few seconds."""

import asyncio
import shutil
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av
import httpx
import numpy as np
import pytest
import pytest_asyncio
from a2a.types.a2a_pb2 import Task, TaskState
from holdback.desk import Desk, open_desk
from holdback.foundation import Foundation, lay_foundation, party_keys
from holdback.house import open_house
from holdback.loading import Loaded, load
from holdback.pack import load_pack
from holdback.pack_model import Pack
from holdback.people import LOADER
from holdback.serving import listen, served
from holdback_agents.contracts import ApprovalQuestion, Highlight, Progress, Question
from holdback_agents.runtime.parts import find_part, message, problem_of, result_of, text_part
from holdback_agents.runtime.peers import Listener, Peer
from holdback_base.ids import Clock, system_clock
from holdback_base.problem import Problem
from holdback_servers import media_worker
from holdback_servers.editing import store as editing
from holdback_servers.serving import Door
from holdback_servers.settings import PersonSetting, Settings
from sqlalchemy import select

EXAMPLE = Path(__file__).parents[2] / "examples" / "butterfly"
RATE, SECONDS = 12, 6
SAM = PersonSetting(id="person:sam", name="Sam", roles=frozenset({"editor", "approver"}))
ALEX = PersonSetting(id="person:alex", name="Alex", roles=frozenset({"approver"}))


def _film(path: Path) -> None:
    """A landscape under moving noise, a third of it red, then green, then blue, with a sign in it for a second, and a
    tone."""
    chance = np.random.default_rng(7)
    land = np.kron(chance.integers(0, 60, (9, 16), dtype=np.uint8), np.ones((10, 10), np.uint8))[:, :, None]
    sign = np.kron(chance.integers(0, 2, (5, 8), dtype=np.uint8) * 200, np.ones((4, 5), np.uint8))[:, :, None]
    with av.open(str(path), "w") as out:
        picture = out.add_stream("mpeg4", rate=RATE)
        picture.width, picture.height, picture.pix_fmt = 160, 90, "yuv420p"
        sound = out.add_stream("pcm_s16le", rate=48000, layout="mono")
        for number in range(RATE * SECONDS):
            image = chance.integers(0, 20, (90, 160, 3), dtype=np.uint8)
            image[:, :, number // (RATE * 2)] += 160
            image += land
            if RATE * 2 <= number < RATE * 3:
                image[46:66, 80:120] = sign
            out.mux(picture.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        out.mux(picture.encode())
        out.mux(sound.encode(_tone(220.0, 48000 * SECONDS)))
        out.mux(sound.encode())


def _sound(path: Path, hertz: float, samples: int) -> None:
    with av.open(str(path), "w") as out:
        sound = out.add_stream("pcm_s16le", rate=48000, layout="mono")
        out.mux(sound.encode(_tone(hertz, samples)))
        out.mux(sound.encode())


def _tone(hertz: float, samples: int) -> av.AudioFrame:
    wave = 6000 * np.sin(2 * np.pi * hertz * np.arange(samples) / 48000)
    tone = av.AudioFrame.from_ndarray(wave.astype(np.int16)[None, :], format="s16", layout="mono")
    tone.sample_rate = 48000
    return tone


def _pack_toml() -> str:
    """The example's elements, and so its rights, over media of a few seconds."""
    frames, samples = RATE * SECONDS, 48000 * 4
    return f"""
name = "small"
title = "A small scene"
notice = "All is invented."
broadcaster = "Nobody"
[[media]]
file = "film.mov"
kind = "master"
title = "Three fields"
description = "Three coloured fields."
rate = "{RATE}"
frames = {frames}
shot_log = "shot_log.toml"
[[media.element]]
id = "film"
kind = "programme"
ref = "film:big-buck-bunny"
name = "Big Buck Bunny"
[[media.element]]
id = "sign"
kind = "logo"
ref = "logo:lark-and-finch"
name = "Lark & Finch"
spans = [{{ in_frame = {RATE * 2}, out_frame = {RATE * 3} }}]
box = {{ x = 500, y = 500, width = 250, height = 250 }}
{_sound_toml("waltz.wav", "music", "Waltz", "butterfly scene", "music:meadow-waltz", samples)}
{_sound_toml("morning.wav", "music", "Morning", "calm", "music:morning-field", samples)}
{_sound_toml("voice.wav", "voice", "Voice", "butterfly scene", "talent:ada-voss", samples)}
"""


def _sound_toml(file: str, kind: str, title: str, tag: str, ref: str, samples: int) -> str:
    kinds = ("music_master", "music_publishing") if kind == "music" else ("talent",)
    elements = "".join(
        f'[[media.element]]\nid = "{title.lower()}-{each}"\nkind = "{each}"\nref = "{ref}"\nname = "{title}, {each}"\n'
        for each in kinds
    )
    head = f'[[media]]\nfile = "{file}"\nkind = "{kind}"\ntitle = "{title}"\ntags = ["{tag}"]\n'
    return f'{head}rate = "48000"\nframes = {samples}\n{elements}'


_LOG = """
media = "film.mov"
[[shot]]
in_timecode = "00:00:00:00"
out_timecode = "00:00:02:00"
description = "A red field"
[[shot]]
in_timecode = "00:00:02:00"
out_timecode = "00:00:04:00"
description = "A green field with a butterfly and a sign"
tags = ["butterfly", "butterfly scene"]
focus_x = 600
[[shot]]
in_timecode = "00:00:04:00"
out_timecode = "00:00:06:00"
description = "A blue field; the butterfly leaves"
tags = ["butterfly", "butterfly scene"]
"""


@pytest.fixture(scope="session")
def small_pack(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    """The butterfly pack's contracts, channels and people, with media made here."""
    folder = tmp_path_factory.mktemp("pack")
    _film(folder / "film.mov")
    for name, hertz in (("waltz.wav", 330.0), ("morning.wav", 440.0), ("voice.wav", 550.0)):
        _sound(folder / name, hertz, 48000 * 4)
    (folder / "pack.toml").write_text(_pack_toml(), encoding="utf-8")
    (folder / "shot_log.toml").write_text(_LOG, encoding="utf-8")
    shutil.copy(EXAMPLE / "rights.toml", folder)
    brief = (EXAMPLE / "brief.toml").read_text(encoding="utf-8")
    (folder / "brief.toml").write_text(brief.replace("15 s vertical", "2 s vertical"), encoding="utf-8")
    channels = (EXAMPLE / "channels.toml").read_text(encoding="utf-8")
    (folder / "channels.toml").write_text(channels.replace("replacement-morning-field.m4a", "morning.wav"), "utf-8")
    return load_pack(folder, system_clock().date())


@dataclass
class Job:
    """One task of the editing assistant as the person who asked sees it."""

    desk: Desk
    peer: Peer
    new_id: Any
    task: Task = field(default_factory=Task)
    progress: list[Progress] = field(default_factory=list)
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    reached: dict[str, asyncio.Event] = field(default_factory=dict)
    """Words of progress that somebody waits for."""

    async def send(self, text: str) -> "Job":
        """The brief, or the answer to what was asked; until the task ends or waits."""
        words = message([text_part(text)], message_id=self.new_id("evt"), task_id=self.task.id, skill="make-highlight")
        self.task = await self.desk.peers.converse(self.peer, words, Listener(self._begun, self._told))
        return self

    async def followed(self) -> "Job":
        """Once somebody else, such as the approver, has moved it on."""
        self.task = await self.desk.peers.follow(self.peer, self.task.id, Listener(self._begun, self._told))
        return self

    async def _begun(self, task: str) -> None:
        self.task.id = task
        self.begun.set()

    async def _told(self, progress: Progress) -> None:
        self.progress.append(progress)
        for words, event in self.reached.items():
            if words in progress.text:
                event.set()

    def until(self, words: str) -> asyncio.Event:
        """Set once a word about the progress holds these words."""
        return self.reached.setdefault(words, asyncio.Event())

    @property
    def state(self) -> str:
        return TaskState.Name(self.task.status.state).removeprefix("TASK_STATE_")

    @property
    def question(self) -> ApprovalQuestion:
        found = find_part(self.task.status.message.parts, ApprovalQuestion, ApprovalQuestion.schema_uri())
        assert found is not None, self.task
        return found

    @property
    def asked(self) -> Question:
        found = find_part(self.task.status.message.parts, Question, Question.schema_uri())
        assert found is not None, self.task
        return found

    @property
    def highlight(self) -> Highlight:
        found = result_of(self.task, Highlight, Highlight.schema_uri())
        assert found is not None, self.task
        return found

    @property
    def problem(self) -> Problem:
        return problem_of(self.task, Problem("INTERNAL", "no problem"))


@dataclass
class Standing:
    """The house and the desks of those who work with it."""

    url: str
    home: Path
    foundation: Foundation
    doors: dict[str, Door]
    pack: Pack
    loaded: Loaded
    loader: Desk
    sam: Desk
    alex: Desk

    def job(self) -> Job:
        return Job(self.sam, self.sam.peer("editing-assistant"), self.foundation.new_id)

    async def tasks(self, agent: str) -> list[dict[str, Any]]:
        """The asker's tasks with one agent, the newest first."""
        token = await self.sam.person.token(f"agent:{agent}")
        asked = {"jsonrpc": "2.0", "id": 1, "method": "ListTasks", "params": {}}
        headers = {"authorization": f"Bearer {token}", "a2a-version": "1.0"}
        async with httpx.AsyncClient(timeout=100) as http:
            answer = await http.post(f"{self.url}/agents/{agent}", json=asked, headers=headers)
        return answer.json()["result"]["tasks"]

    async def renders(self) -> list[str]:
        """The states of the cutting room's jobs, in order of birth."""
        jobs = editing.TABLES.jobs
        database = self.doors["editing"].services.database
        return list(await database.read(lambda c: c.execute(select(jobs.c.state).order_by(jobs.c.id)).scalars().all()))


@dataclass
class Opened:
    """A house that is up, with nothing in it, and the desks of its people in the order in which they were named."""

    url: str
    foundation: Foundation
    doors: dict[str, Door]
    desks: list[Desk]


@asynccontextmanager
async def _opened(
    settings: Settings, *people: PersonSetting, clock: Clock = system_clock, around: Callable[[Any], Any] | None = None
) -> AsyncGenerator[Opened]:
    foundation = lay_foundation(settings, "gateway", clock)
    listener = listen(settings.host, 0)
    url = f"http://{settings.host}:{listener.getsockname()[1]}"
    async with AsyncExitStack() as stack:
        opened = await stack.enter_async_context(open_house(foundation, url, people))
        await stack.enter_async_context(served(around(opened.gateway) if around else opened.gateway, listener))
        desks = [
            await stack.enter_async_context(
                open_desk(who, party_keys(settings.home, who.id), url, clock=clock, new_id=foundation.new_id)
            )
            for who in people
        ]
        yield Opened(url, foundation, opened.doors, desks)


@pytest.fixture(scope="session")
def opened() -> Callable[..., AbstractAsyncContextManager[Opened]]:
    """`async with opened(settings, LOADER, SAM) as up` is a house that is up, for these people, and empty; `clock` is
    its clock, and `around` makes of its gateway what is served."""
    return _opened


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def house(small_pack: Pack, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Standing]:
    """The house, up and loaded."""
    home = tmp_path_factory.mktemp("home")
    settings = Settings(home=home, library_roots=(small_pack.folder.resolve(),))
    async with _opened(settings, LOADER, SAM, ALEX) as up:
        loaded = await load(small_pack, up.desks[0], lambda _: None)
        yield Standing(up.url, home, up.foundation, up.doors, small_pack, loaded, *up.desks)


@pytest.fixture
def standing_still(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """`standing_still("joining")`: what the media worker does goes no further than to that word of its progress, and
    stands there until it is cancelled."""
    run = media_worker.run

    def stop_at(words: str) -> None:
        async def held(function: str, arguments: Any, report: Any = None, *more: Any, **given: Any) -> Any:
            async def told(done: int, total: int, text: str) -> None:
                waiting = None if report is None else report(done, total, text)
                if waiting is not None:
                    await waiting
                if text == words:
                    await asyncio.Event().wait()

            return await run(function, arguments, told, *more, **given)

        monkeypatch.setattr(media_worker, "run", held)

    return stop_at
