"""What an adaptation changed: nothing gets worse in silence."""

from __future__ import annotations

from dataclasses import replace

import pytest

from made_up_known import MadeUp, clips_at, made_up
from rattle.bundle.known import KnownClip
from rattle.runtime import change as module
from rattle.runtime.change import Change, Judged, change_of_head

FAULTS = clips_at(1, 6, seed=4, faulty=1.5)
OTHERS = clips_at(-1, 2, seed=9)


@pytest.fixture(scope="module")
def machine() -> MadeUp:
    return made_up("bce+ddcsad")


def change(
    machine: MadeUp, anomalies: tuple[KnownClip, ...], silenced: tuple[KnownClip, ...] = ()
) -> Change:
    """What becomes of a machine's clips by fitting its head anew."""
    known = replace(machine.known, anomalies=anomalies, normals=(*silenced, *machine.known.normals))
    info = machine.info(machine.refit(machine.known))
    fitted = machine.refit(known, *silenced)
    return change_of_head(info, machine.head, known, fitted, [clip.hash for clip in silenced])


def test_those_found_before_and_not_now_are_lost_and_named() -> None:
    said = Change(
        healthy=(Judged("healthy.wav", before=True, after=False),),
        anomalies=(
            Judged("still.wav", before=True, after=True),
            Judged("gone.wav", before=True, after=False),
            Judged("new.wav", before=False, after=True),
            Judged("never.wav", before=False, after=False),
            Judged("gone too.wav", before=True, after=False, apart=False),
        ),
        silenced=(Judged("silent.wav", before=True, after=False),),
    )
    assert said.lost == ["gone.wav", "gone too.wav"]
    assert Change((), ()).lost == []


def test_a_fault_that_is_drowned_by_what_was_called_normal_is_lost(machine: MadeUp) -> None:
    """A clip of the fault itself was called normal: the fault is missed from now on."""
    twin = replace(FAULTS[0], clip=FAULTS[0].clip._replace(hash="f" * 64, name="rejected.wav"))
    before = change(machine, FAULTS[:1])
    assert before.lost == []
    after = change(machine, FAULTS[:1], (twin,))
    (fault,), (silent,) = after.anomalies, after.silenced
    assert (fault.name, fault.before, fault.after) == ("4-0.wav", True, False)
    assert after.lost == ["4-0.wav"]
    assert (silent.name, silent.after) == ("rejected.wav", False)


def test_before_is_by_the_old_head_and_after_by_the_new_one(machine: MadeUp) -> None:
    said = change(machine, (*FAULTS, *OTHERS))
    old = machine.refit(machine.known)
    new = machine.refit(replace(machine.known, anomalies=(*FAULTS, *OTHERS)))
    assert [clip.before for clip in said.anomalies] == old.alarms((*FAULTS, *OTHERS))
    assert [clip.after for clip in said.anomalies] == new.alarms((*FAULTS, *OTHERS))
    assert [clip.name for clip in said.anomalies[:2]] == ["4-0.wav", "4-1.wav"]


def test_healthy_clips_are_those_held_out_that_nobody_labelled(machine: MadeUp) -> None:
    held_out = machine.known.held_out
    silenced = clips_at(1, 1, seed=6)
    known = replace(machine.known, held_out=(*silenced, *held_out))
    info = machine.info(machine.refit(machine.known))
    fitted = machine.refit(known, *silenced)
    said = change_of_head(info, machine.head, known, fitted, [silenced[0].hash])
    assert [clip.name for clip in said.healthy] == [clip.name for clip in held_out]
    assert [clip.name for clip in said.silenced] == ["6-0.wav"]
    assert not any(clip.before or clip.after for clip in said.healthy)


def test_each_anomaly_is_judged_apart_by_a_head_that_did_not_learn_from_it(
    machine: MadeUp, monkeypatch: pytest.MonkeyPatch
) -> None:
    learnt: list[set[str]] = []
    judged: list[list[str]] = []
    plain = module.refit

    def watched(head, known, *rest):  # type: ignore[no-untyped-def]
        learnt.append({clip.name for clip in known.anomalies})
        fitted = plain(head, known, *rest)
        monkeypatch.setattr(
            type(fitted),
            "alarms",
            lambda self, clips: judged.append([c.name for c in clips]) or [False] * len(clips),
        )
        return fitted

    known = replace(machine.known, anomalies=clips_at(1, 11, seed=4, faulty=1.5))
    info, fitted = machine.info(machine.refit(machine.known)), machine.refit(known)
    monkeypatch.setattr(module, "refit", watched)
    change_of_head(info, machine.head, known, fitted, [])
    every = {clip.name for clip in known.anomalies}
    turns = list(zip(learnt, judged, strict=False))
    assert len(turns) == module.TURNS
    for others, left_out in turns:
        assert others == every - {*left_out}
    assert sorted(name for _, left_out in turns for name in left_out) == sorted(every)


def test_a_single_anomaly_is_not_judged_apart(machine: MadeUp) -> None:
    assert [clip.apart for clip in change(machine, FAULTS[:1]).anomalies] == [None]
    assert None not in [clip.apart for clip in change(machine, FAULTS[:2]).anomalies]


def test_a_fault_unlike_all_others_is_found_only_by_having_been_learnt_from() -> None:
    machine = made_up("bce")
    odd = clips_at(1, 1, seed=12)[0]
    z = odd.z.copy()
    z[:, 5] += 1.5
    odd = replace(odd, z=z)
    said = {clip.name: clip for clip in change(machine, (odd, *FAULTS)).anomalies}
    assert said[odd.name].apart is False
    assert all(said[clip.name].apart for clip in FAULTS)


def test_that_the_threshold_rose_is_said(machine: MadeUp) -> None:
    twin = replace(FAULTS[0], clip=FAULTS[0].clip._replace(hash="f" * 64))
    assert not change(machine, FAULTS).is_raised
    assert change(made_up("bce"), FAULTS, (twin,)).is_raised
