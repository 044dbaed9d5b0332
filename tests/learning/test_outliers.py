"""Whose clips stand for anomalies: other machines of the set, those given, or substitutes."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from rattle.clips.clip import Clip
from rattle.clips.machine import Machine
from rattle.clips.manifest import Manifest
from rattle.errors import DataError
from rattle.features.store import default_folder
from rattle.learning import outliers
from rattle.learning.outliers import choose_pool
from rattle.recipe.parts import Audio

FAN_0 = Machine("fan", "id_00")


def clips(
    machine: str, *, source_set: str = "mimii", split: str = "train", label: str = "normal"
) -> list[Clip]:
    """Two clips; nothing of them is read."""
    type_, _, id_ = machine.partition("/")
    return [
        Clip(
            path=f"/data/{source_set}/{machine}/{split}/{label}_{number}.wav",
            source_set=source_set,
            machine_type=type_,
            machine_id=id_,
            split=split,
            label=label,
            domain="",
            attributes="",
            channels=1,
            sample_rate_hz=16000,
            frames=160000,
            content_hash=f"{source_set} {machine} {split} {label} {number}",
        )
        for number in range(2)
    ]


def manifest(*parts: Iterable[Clip]) -> Manifest:
    return Manifest.from_clips(clip for part in parts for clip in part)


def choose(every: Manifest, given: Manifest | None = None):
    return choose_pool(every, FAN_0, given, every.of(FAN_0), Audio())


def hashes(pool) -> set[str]:
    return set(pool.clips.table["content_hash"])


EVERY = manifest(
    clips("fan/id_00"),
    clips("fan/id_02"),
    clips("pump/id_00"),
    clips("ToyCar/id_01", source_set="toyadmos"),
    clips("fan/id_02", split="test"),
    clips("fan/id_00", split="test", label="anomaly"),
    clips("pump/id_00", split="test", label="anomaly"),
)


def test_the_pool_is_the_training_normals_of_the_other_machines_of_the_set() -> None:
    pool = choose(EVERY)
    assert hashes(pool) == {
        f"mimii {machine} train normal {number}"
        for machine in ("fan/id_02", "pump/id_00")
        for number in range(2)
    }
    assert not pool.substitute
    assert pool.origin == "normal clips of fan/id_02, pump/id_00"


def test_a_target_of_the_other_set_gets_that_sets_machines() -> None:
    every = manifest(EVERY, clips("ToyConveyor/id_01", source_set="toyadmos"))
    car = Machine("ToyCar", "id_01")
    pool = choose_pool(every, car, None, every.of(car), Audio())
    assert [str(machine) for machine in pool.clips.machines()] == ["ToyConveyor/id_01"]


def test_many_machines_are_not_all_listed() -> None:
    pool = choose(manifest(EVERY, *(clips(f"valve/id_{n:02}") for n in range(7))))
    assert pool.origin.endswith("and 3 more")


def test_outliers_that_are_given_are_taken_instead_of_the_sets_own() -> None:
    given = manifest(clips("compressor", source_set="site"), clips("saw", source_set="site"))
    pool = choose(EVERY, given)
    assert hashes(pool) == {
        f"site {name} train normal {n}" for name in ("compressor", "saw") for n in (0, 1)
    }
    assert pool.origin == "4 normal clips given as outliers"
    assert not pool.substitute


def test_the_target_is_never_in_its_own_pool_nor_is_an_anomaly() -> None:
    given = manifest(EVERY, clips("fan/id_04", split="test"))
    for pool in (choose(EVERY), choose(EVERY, given)):
        table = pool.clips.table
        assert table.height
        assert FAN_0 not in pool.clips.machines()
        assert set(table["label"]) == {"normal"}


def test_outliers_that_hold_the_target_alone_are_refused() -> None:
    given = manifest(clips("fan/id_00"), clips("pump/id_00", label="anomaly", split="test"))
    with pytest.raises(DataError, match="no normal clip of a machine other than fan/id_00"):
        choose(EVERY, given)


def test_a_machine_alone_gets_substitutes_and_says_so(monkeypatch) -> None:
    alone = manifest(clips("fan/id_00"), clips("ToyCar/id_01", source_set="toyadmos"))
    made = manifest(clips("substitute", source_set="site"))
    asked = []
    monkeypatch.setattr(outliers, "substitute_clips", lambda *given: asked.append(given) or made)
    pool = choose(alone)
    assert pool.clips is made
    assert pool.substitute
    assert pool.origin.startswith("SUBSTITUTES")
    assert "give real sound" in pool.origin
    ((normals, audio, folder),) = asked
    assert set(normals.table["content_hash"]) == {
        f"mimii fan/id_00 train normal {n}" for n in (0, 1)
    }
    assert (audio, folder) == (Audio(), default_folder())


def test_a_machine_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(DataError, match=r"fan/id_09.*fan/id_00"):
        choose_pool(EVERY, Machine("fan", "id_09"), None, EVERY, Audio())
