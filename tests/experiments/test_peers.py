"""Published figures stand beside ours on the whole official set alone."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from made_up_outcomes import make_manifest, make_outcome
from rattle.clips.manifest import Manifest
from rattle.experiments.experiment import Selection
from rattle.experiments.paper import Table2Experiment
from rattle.experiments.peers import (
    DEVELOPMENT,
    OFFICIAL_TEST,
    OFFICIAL_TRAINING,
    PEERS,
    is_dcase2020_development,
)


def shared_out(count: int, machines: list[str]) -> list[tuple[str, int]]:
    """A type's clips divided between its machines."""
    even, over = divmod(count, len(machines))
    return [(machine, even + (place < over)) for place, machine in enumerate(machines)]


@pytest.fixture(scope="module")
def official() -> Manifest:
    groups = []
    for type_, ids in DEVELOPMENT.items():
        machines = [f"{type_}/{id_}" for id_ in ids]
        for machine, count in shared_out(OFFICIAL_TRAINING[type_], machines):
            groups.append((machine, "train", "normal", count))
        for machine, count in shared_out(OFFICIAL_TEST.get(type_, 2000), machines):
            groups += [(machine, "test", "normal", 100), (machine, "test", "anomaly", count - 100)]
    return make_manifest(*groups)


def test_the_set_is_dcases() -> None:
    """23 machines of six types with 20,119 training clips, as the challenge tells."""
    assert sum(map(len, DEVELOPMENT.values())) == 23
    assert sum(OFFICIAL_TRAINING.values()) == 20119
    # Normals and anomalies a machine.
    assert {type_: sum(of) for type_, of in MIMII_TEST.items()} == OFFICIAL_TEST


MIMII_TEST = {
    "fan": (400, 407, 359, 348, 361),
    "pump": (400, 143, 111, 100, 102),
    "slider": (400, 356, 267, 178, 89),
    "valve": (400, 119, 120, 120, 120),
}


def test_the_whole_set_compares(official: Manifest) -> None:
    assert is_dcase2020_development(official)


@pytest.mark.parametrize("split", ["train", "test"])
@pytest.mark.parametrize("type_", ["fan", "slider"])
def test_one_clip_less_or_more_does_not(official: Manifest, split: str, type_: str) -> None:
    row = official.table.with_row_index().filter(
        (pl.col("machine_type") == type_) & (pl.col("split") == split)
    )["index"][0]
    table = official.table
    assert not is_dcase2020_development(Manifest(pl.concat([table[:row], table[row + 1 :]])))
    assert not is_dcase2020_development(Manifest(pl.concat([table, table[row]])))


def test_another_machine_beside_it_does_not(official: Manifest) -> None:
    for machine in ("fan/id_01", "press-3"):
        other = make_manifest((machine, "test", "unknown", 1))
        both = Manifest(pl.concat([official.table, other.table]))
        assert not is_dcase2020_development(both)


def test_a_machine_that_gave_its_clips_to_another_does_not(official: Manifest) -> None:
    table = official.table.with_columns(
        machine_id=pl.when(pl.col("machine_type") == "ToyCar")
        .then(pl.lit("id_01"))
        .otherwise("machine_id")
    )
    assert not is_dcase2020_development(Manifest(table))


def test_nothing_compares_with_nothing(official: Manifest) -> None:
    assert not is_dcase2020_development(Manifest(official.table.clear()))


def test_published_figures_are_shown_only_beside_averages_over_every_machine(
    official: Manifest, tmp_path: Path
) -> None:
    outcomes = [make_outcome(str(m), normal=[0], anomaly=[1]) for m in official.machines()]
    some = Manifest(official.table[::7])
    experiment = Table2Experiment(Selection(losses=("ddcsad",), seeds=(0,)))
    for of, clips, shown in (
        (outcomes, official, True),
        (outcomes[1:], official, False),
        (outcomes, some, False),
    ):
        text = experiment.conclude(tmp_path, of, clips, [], "fixed").markdown()
        assert ("Published" in text) is shown
        assert all((str(peer.auc) in text) is shown for peer in PEERS)
