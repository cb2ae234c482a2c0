"""AAF as other programs write it: OpenTimelineIO's adapter, and the ways of Avid, made here by hand."""

from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import aaf2
import opentimelineio as otio
import pytest
from aaf2.mobs import SourceMob
from holdback_base.problem import Problem
from holdback_servers.editing.interchange.aaf_reading import read
from holdback_servers.editing.interchange.sheet import Change, Piece

MOTION, DISSOLVE = "9d2ea890-0968-11d3-8a38-0050040ef7d2", "0c3bea40-fc05-11d2-8a29-0050040ef7d2"
CURVE = "8d56813d-847e-11d5-935a-50f857c10000"


def _spans(pieces: tuple[Piece, ...]) -> list[tuple[int, int, int]]:
    return [(each.at, each.frames, each.source) for each in pieces]


def _changes(changes: tuple[Change, ...]) -> list[tuple[Any, ...]]:
    return [(each.kind, each.at, each.before, each.after) for each in changes]


@pytest.mark.parametrize(("num", "den"), [(25, 1), (30000, 1001)])
def test_a_cut_of_the_public_writer_is_read_to_the_frame(num: int, den: int, tmp_path: Path) -> None:
    rate, path = num / den, tmp_path / "cut.aaf"

    def span(first: int, frames: int) -> Any:
        return otio.opentime.TimeRange(*(otio.opentime.RationalTime(each, rate) for each in (first, frames)))

    made = otio.schema.Timeline("From elsewhere")
    for kind in ("Video", "Audio"):
        track = otio.schema.Track(kind, kind=kind)
        for first in (86_425, 86_900):
            media = otio.schema.ExternalReference("file:///Volumes/x/Interview.mov", span(86_400, 2000))
            track.append(otio.schema.Clip("Interview", media, span(first, 50)))
        made.tracks.append(track)
    otio.adapters.write_to_file(made, str(path), use_empty_mob_ids=True)
    sheet = read(path)
    assert sheet.rate.fraction == Fraction(num, den)
    assert [_spans(each.pieces) for each in sheet.lanes] == [[(0, 50, 25), (50, 50, 500)]] * 2
    assert sheet.lanes[0].pieces[0].name.words() == ("Interview.mov", "Interview")
    assert sheet.remarks == ()


@cache
def _empty(folder: Path) -> bytes:
    """A file with nothing in it; to make one takes longer than all that is put into it."""
    aaf2.open(str(folder / "empty.aaf"), "w").close()
    return (folder / "empty.aaf").read_bytes()


class _House:
    """A file with one tape of an hour, at 25 frames a second, and a composition."""

    def __init__(self, path: Path) -> None:
        path.write_bytes(_empty(path.parent.parent))
        self.path, self.file = path, aaf2.open(str(path), "r+")
        make = self.file.create
        tape = make.SourceMob("A001")
        _, code = tape.create_tape_slots("A001", 25, 25, media_kind="picture")
        code.segment.start = 90_000
        master, self.top = make.MasterMob("Interview"), make.CompositionMob("Avid's")
        self.top.usage = "Usage_TopLevel"
        self.file.content.mobs.extend([tape, master, self.top])
        for kind in ("picture", "sound"):
            slot = master.create_timeline_slot(25 if kind == "picture" else 48_000)
            slot.segment = self._end(tape, kind, 250)
        self.master = master

    def _end(self, tape: SourceMob, kind: str, first: int) -> Any:
        """Picture comes from the tape; sound from a file at 48 kHz."""
        if kind == "picture":
            return tape.create_source_clip(1, first, 1000, kind)
        source = self.file.create.SourceMob("sound.wav")
        source.descriptor = self.file.create.PCMDescriptor()
        for name, value in (("AudioSamplingRate", 48_000), ("SampleRate", 48_000), ("Channels", 1), ("BlockAlign", 3)):
            source.descriptor[name].value = value
        source.descriptor["QuantizationBits"].value, source.descriptor["AverageBPS"].value = 24, 144_000
        source.descriptor.length = 48_000 * 40
        self.file.content.mobs.append(source)
        source.create_timeline_slot(48_000).segment = self.file.create.SourceClip(length=48_000 * 40, media_kind=kind)
        return source.create_source_clip(1, 0, 48_000 * 40, kind)

    def clip(self, first: int, frames: int, kind: str = "picture") -> Any:
        return self.master.create_source_clip(1 if kind == "picture" else 2, first, frames, kind)

    def under(self, name: str, identity: str, frames: int, *inputs: Any) -> Any:
        """An effect over something."""
        kind = inputs[0].media_kind.lower() if inputs else "picture"
        operation = self.file.create.OperationDef(identity, name)
        operation.media_kind, operation["NumberInputs"].value = kind, max(1, len(inputs))
        operation["IsTimeWarp"].value = name == "Motion Control"
        self.file.dictionary.register_def(operation)
        made = self.file.create.OperationGroup(operation, frames, kind)
        made.segments.extend(inputs)
        return made

    def track(self, kind: str, rate: int, *components: Any) -> Any:
        sequence = self.file.create.Sequence(kind)
        sequence.components.extend(components)
        self.top.create_timeline_slot(rate).segment = sequence
        return sequence

    def read(self) -> Any:
        self.file.close()
        return read(self.path)


def test_a_clip_of_a_tape_is_counted_in_its_timecode(tmp_path: Path) -> None:
    house = _House(tmp_path / "cut.aaf")
    house.track("picture", 25, house.clip(10, 50))
    piece = house.read().lanes[0].pieces[0]
    assert (piece.source, piece.counted, piece.name.reel, piece.name.title) == (90_260, "timecode", "A001", "Interview")


def test_sound_counted_in_samples_under_an_effect_of_the_whole_track_falls_on_frames(tmp_path: Path) -> None:
    house = _House(tmp_path / "cut.aaf")
    house.track("picture", 25, house.clip(0, 100))
    sequence = house.track("sound", 48_000, house.clip(9600, 96_000, "sound"), house.clip(0, 96_000, "sound"))
    slot = house.top.slot_at(2)
    sequence = slot["Segment"].value
    group = house.under("Audio Pan", "9d2ea893-0968-11d3-8a38-0050040ef7d2", 192_000)
    group.media_kind = "sound"
    copied = sequence.copy()
    group.segments.append(copied)
    slot.segment = group
    sheet = house.read()
    assert _spans(sheet.lanes[1].pieces) == [(0, 50, 5), (50, 50, 0)]
    assert sheet.lanes[1].pieces[0].name.file == "sound.wav"
    assert sheet.remarks == ()


def test_an_effect_without_a_counterpart_is_told_and_what_is_under_it_kept(tmp_path: Path) -> None:
    house = _House(tmp_path / "cut.aaf")
    house.track("picture", 25, house.under("Glow", "11111111-0968-11d3-8a38-0050040ef7d2", 50, house.clip(10, 50)))
    sheet = house.read()
    assert [each.message for each in sheet.remarks] == ["The effect 'Glow' is left out."]
    assert _spans(sheet.lanes[0].pieces) == [(0, 50, 90_260)]


def test_tracks_that_avid_keeps_in_one_scope_are_layers(tmp_path: Path) -> None:
    house = _House(tmp_path / "cut.aaf")
    make = house.file.create
    scope = make.NestedScope("picture", 100)
    upper = make.Sequence("picture", 100)
    upper.components.extend([make.ScopeReference("picture", 40), house.clip(500, 60)])
    for each in upper.components:
        if type(each).__name__ == "ScopeReference":
            each["RelativeScope"].value, each["RelativeSlot"].value = 0, 1
    scope.slots.extend([house.clip(0, 100), upper])
    house.top.create_timeline_slot(25).segment = scope
    sheet = house.read()
    assert [(each.name, _spans(each.pieces)) for each in sheet.lanes] == [
        ("V1", [(0, 100, 90_250)]),
        ("V2", [(40, 60, 90_750)]),
    ]


def test_avids_curve_of_speed_goes_before_its_ratio_and_one_that_bends_is_refused(tmp_path: Path) -> None:
    def speed(path: Path, *points: tuple[int, int]) -> Any:
        house = _House(path)
        make = house.file.create
        group = house.under("Motion Control", MOTION, 50, house.clip(0, 25))
        bend = make.InterpolationDef("5b6c85a4-0ede-11d3-80a9-006008143e6f", "LinearInterp", "")
        parameter = make.ParameterDef(CURVE, "PARAM_SPEED_OFFSET_MAP_U", "", "Rational")
        house.file.dictionary.register_def(bend)
        house.file.dictionary.register_def(parameter)
        curve = make.VaryingValue(parameter, bend)
        for time, value in points:
            point = make.ControlPoint()
            point["ControlPointSource"].value = 2
            point.value, point.time = f"{value}/1", f"{time}/1"
            curve["PointList"].append(point)
        group.parameters.append(curve)
        house.track("picture", 25, group)
        return house.read()

    assert speed(tmp_path / "straight.aaf", (0, 0), (50, 25)).lanes[0].pieces[0].speed == 50
    assert speed(tmp_path / "still.aaf", (0, 7), (50, 7)).lanes[0].pieces[0].held is True
    with pytest.raises(Problem) as refused:
        speed(tmp_path / "bent.aaf", (0, 0), (20, 5), (50, 25))
    assert refused.value.message.startswith("Track V1, part 1: its speed changes")


def test_markers_of_other_programs_are_notes(tmp_path: Path) -> None:
    house = _House(tmp_path / "cut.aaf")
    house.track("picture", 25, house.clip(0, 100))
    make = house.file.create
    slot, events = make.EventMobSlot(9, ""), make.Sequence("DescriptiveMetadata")
    slot.edit_rate = 25
    marker = make.DescriptiveMarker()
    marker["Position"].value, marker["Comment"].value = 12, "Check the title"
    events.components.append(marker)
    slot.segment = events
    house.top.slots.append(slot)
    notes = house.read().notes
    assert [(each.span.in_frame, each.span.out_frame, each.name) for each in notes] == [(12, 13, "Check the title")]


def test_a_mix_with_black_is_a_dip_and_one_unknown_a_dissolve(tmp_path: Path) -> None:
    house = _House(tmp_path / "cut.aaf")
    make = house.file.create
    mixes: list[Any] = []
    for name, identity in (("FadeUp_2", "22222222-0968-11d3-8a38-0050040ef7d2"), ("Page Turn", DISSOLVE[:-1] + "9")):
        group = house.under(name, identity, 10)
        mix = make.Transition("picture", 10)
        mix["OperationGroup"].value, mix["CutPoint"].value = group, 0 if mixes == [] else 4
        mixes.append(mix)
    house.track("picture", 25, make.Filler("picture", 10), mixes[0], house.clip(0, 56), mixes[1], house.clip(100, 44))
    sheet = house.read()
    assert _changes(sheet.lanes[0].changes) == [("dip_to_black", 0, 0, 10), ("dissolve", 50, 4, 6)]
    assert _spans(sheet.lanes[0].pieces) == [(0, 50, 90_250), (50, 40, 90_354)]
    assert [each.message for each in sheet.remarks] == ["The transition 'Page Turn' becomes a dissolve."]
