"""Published figures on DCASE 2020 Task 2, to stand beside ours on the same data and no other."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from rattle.clips.machine import Machine
from rattle.clips.manifest import Manifest


@dataclass(frozen=True)
class Peer:
    """A published method: AUC and pAUC in %, mean over the six machine types."""

    name: str
    auc: float
    pauc: float
    source: str


# Development set: its training normals learnt from, its test clips scored.
PEERS = (
    Peer(
        "autoencoder (official baseline)", 73.5, 59.7, "Koizumi et al., DCASE 2020 Task 2 baseline"
    ),
    Peer("outlier-exposed classifier, one model", 92.73, 86.15, "Primus, DCASE 2020 Task 2"),
    Peer("STgram-MFN (ID classification, ArcFace)", 92.36, 86.34, "Liu et al., 2022"),
    Peer("Noisy-ArcMix", 94.65, 89.31, "Choi and Choi, 2023"),
    Peer("OS-SCL + TFgram", 95.71, 90.23, "2025"),
)
# Training normals of the development set's types, and test clips where their number is known.
OFFICIAL_TRAINING = {
    "fan": 3675,
    "pump": 3349,
    "slider": 2804,
    "valve": 3291,
    "ToyCar": 4000,
    "ToyConveyor": 3000,
}
OFFICIAL_TEST = {"fan": 1875, "pump": 856, "slider": 1290, "valve": 879}
_MIMII = ("id_00", "id_02", "id_04", "id_06")
# The machines of DCASE 2020 that come with test labels; the others are its evaluation set.
DEVELOPMENT = {
    "fan": _MIMII,
    "pump": _MIMII,
    "slider": _MIMII,
    "valve": _MIMII,
    "ToyCar": ("id_01", "id_02", "id_03", "id_04"),
    "ToyConveyor": ("id_01", "id_02", "id_03"),
}


def is_dcase2020_development(clips: Manifest) -> bool:
    """Tell whether these are the whole official development set and nothing beside it.

    A subset, another split of the recordings, or more machines (which would serve as outliers and
    enter the average) do not compare with published figures.
    """
    official = {Machine(type_, id_) for type_, ids in DEVELOPMENT.items() for id_ in ids}
    if set(clips.machines()) != official:
        return False
    normals, test = (
        _counts(clips.of(split="train", label="normal")),
        _counts(clips.of(split="test")),
    )
    return normals == OFFICIAL_TRAINING and test.items() >= OFFICIAL_TEST.items()


def _counts(clips: Manifest) -> dict[str, int]:
    return Counter(clips.table["machine_type"].to_list())
