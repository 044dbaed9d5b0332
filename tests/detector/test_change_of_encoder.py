"""What training the encoder on changed: every clip once, before and after."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

import rattle
from rattle import Detector, Machine, Manifest
from rattle.bundle import write_bundle
from rattle.bundle.schema import HeldOut
from rattle.clips.labelled import labelled_clips
from rattle.detector.change import change_of_encoder
from rattle.recipe.parts import Audio
from rattle.runtime.adapt_head import adapt_head

FAN = Machine("synth_fan", "id_00")
NOTHING = Manifest.from_clips([])


def files(clips: Manifest, label: str) -> list[Path]:
    return [Path(path) for path in clips.of(FAN, split="test", label=label).table["path"]]


def faults(clips: Manifest, which: slice = slice(None)) -> Manifest:
    return Manifest.from_clips(
        labelled_clips(files(clips, "anomaly")[which], FAN, "anomaly", Audio())
    )


def healthy(clips: Manifest, which: slice = slice(None)) -> Manifest:
    return Manifest.from_clips(
        labelled_clips(files(clips, "normal")[which], FAN, "normal", Audio())
    )


def names(clips: Manifest) -> list[str]:
    return sorted(Path(path).name for path in clips.table["path"])


def learnt(detector: Detector, anomalies: Manifest, normals: Manifest) -> Detector:
    wrong, right = ([Path(clip.path) for clip in of] for of in (anomalies, normals))
    return rattle.adapt(detector, wrong, normals=right, device="cpu")


@pytest.fixture(scope="module")
def once(fleet: dict[Machine, Detector], clips: Manifest) -> Detector:
    """The fan after two faults and a false alarm."""
    return learnt(fleet[FAN], faults(clips, slice(2)), healthy(clips, slice(1)))


@pytest.fixture(scope="module")
def twice(once: Detector, clips: Manifest) -> Detector:
    """And after one of them again, a third fault and a second false alarm."""
    return learnt(once, faults(clips, slice(1, 3)), healthy(clips, slice(1, 2)))


def test_each_clip_is_judged_by_the_parent_and_by_what_became_of_it(
    fleet: dict[Machine, Detector], once: Detector, clips: Manifest
) -> None:
    anomalies, normals = faults(clips, slice(2)), healthy(clips, slice(1))
    told = change_of_encoder(fleet[FAN], once, anomalies, normals)
    for judged, of in ((told.anomalies, anomalies), (told.silenced, normals)):
        assert sorted(clip.name for clip in judged) == names(of)
        for detector, side in ((fleet[FAN], "before"), (once, "after")):
            alarms = {
                Path(clip.path).name: clip.anomalous
                for clip in detector.score([clip.path for clip in of])
            }
            assert {clip.name: getattr(clip, side) for clip in judged} == alarms


def test_healthy_clips_are_those_held_out_of_both(
    fleet: dict[Machine, Detector], once: Detector, clips: Manifest
) -> None:
    told = change_of_encoder(fleet[FAN], once, faults(clips, slice(2)), healthy(clips, slice(1)))
    held_out = {*fleet[FAN].info.provenance.held_out} & {*once.info.provenance.held_out}
    paths = [clip.path for clip in clips.of(FAN) if clip.content_hash in held_out]
    assert sorted(clip.name for clip in told.healthy) == sorted(Path(path).name for path in paths)
    assert len(told.healthy) == 2
    alarms = {Path(clip.path).name: clip.anomalous for clip in fleet[FAN].score(paths)}
    assert {clip.name: clip.before for clip in told.healthy} == alarms


def test_an_anomaly_that_was_known_and_is_given_again_counts_once(
    once: Detector, twice: Detector, clips: Manifest
) -> None:
    told = change_of_encoder(once, twice, faults(clips, slice(1, 3)), healthy(clips, slice(1, 2)))
    assert sorted(clip.name for clip in told.anomalies) == names(faults(clips))


def test_what_was_called_normal_earlier_is_told_beside_what_is_called_so_now(
    once: Detector, twice: Detector, clips: Manifest
) -> None:
    told = change_of_encoder(once, twice, faults(clips, slice(1, 3)), healthy(clips, slice(1, 2)))
    assert sorted(clip.name for clip in told.silenced) == names(healthy(clips, slice(2)))
    assert not any(clip.after for clip in told.silenced)


def test_no_clip_that_was_called_normal_is_among_the_healthy_ones_too(
    fleet: dict[Machine, Detector], clips: Manifest
) -> None:
    """One of the held-out clips is called normal, and later the encoder learns on."""
    held_out = fleet[FAN].info.provenance.held_out
    (path, *_) = [Path(clip.path) for clip in clips.of(FAN) if clip.content_hash in held_out]
    once = learnt(
        fleet[FAN], NOTHING, Manifest.from_clips(labelled_clips([path], FAN, "normal", Audio()))
    )
    twice = learnt(once, faults(clips, slice(1)), NOTHING)
    told = change_of_encoder(once, twice, faults(clips, slice(1)), NOTHING)
    assert [clip.name for clip in told.silenced] == [path.name]
    assert path.name not in [clip.name for clip in told.healthy]


def test_a_clip_that_changes_sides_is_told_on_its_new_side_alone(
    once: Detector, clips: Manifest
) -> None:
    anomalies, normals = healthy(clips, slice(1)), faults(clips, slice(1))
    after = learnt(once, anomalies, normals)
    told = change_of_encoder(once, after, anomalies, normals)
    assert sorted(clip.name for clip in told.anomalies) == sorted(
        names(faults(clips, slice(1, 2))) + names(anomalies)
    )
    assert [clip.name for clip in told.silenced] == names(normals)


@pytest.mark.parametrize(("distance", "is_raised"), [(0.0, False), (1e6, True)])
def test_that_the_threshold_rose_for_what_was_called_normal_is_said(
    fleet: dict[Machine, Detector], once: Detector, distance: float, is_raised: bool
) -> None:
    """For what is farther away than all clips held out, and not for what is nearer."""
    quiet = (HeldOut(gap=distance and 1.0, distance=distance),)
    after = dataclasses.replace(once, info=once.info.model_copy(update={"silenced": quiet}))
    told = change_of_encoder(fleet[FAN], after, NOTHING, NOTHING)
    assert told.is_raised is is_raised


def test_it_is_told_of_a_head_that_learnt_before_too(
    fleet: dict[Machine, Detector], clips: Manifest, tmp_path: Path
) -> None:
    """What the head alone learnt from is known to the encoder that learns on."""
    made = adapt_head(fleet[FAN].bundle(), fleet[FAN], list(faults(clips, slice(2)))).bundle
    write_bundle(made, tmp_path / "head.rattle")
    before = Detector.load(tmp_path / "head.rattle", device="cpu")
    after = learnt(before, faults(clips, slice(2, 3)), NOTHING)
    told = change_of_encoder(before, after, faults(clips, slice(2, 3)), NOTHING)
    assert sorted(clip.name for clip in told.anomalies) == names(faults(clips))
