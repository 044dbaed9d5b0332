"""List the archives of DCASE 2020 Task 2 on Zenodo, with their MD5 sums.

Koizumi et al., development set (record 3678171), additional training set (3727685), evaluation
set (3841772) and its labels (3951620). CC BY-NC-SA 4.0.
"""

from __future__ import annotations

from dataclasses import dataclass

LICENCE = "CC BY-NC-SA 4.0"
PARTS = ("dev", "eval_train", "eval_test")

# Machine type -> MD5 of the archive of each part.
_MD5 = {
    "ToyCar": (
        "4dec75ca8d9f666aa9e4c1894a740501",
        "a5d4ccd498af70b04dd74b644b820006",
        "bea2bdd612f616be8f2b8eb087b32c7c",
    ),
    "ToyConveyor": (
        "03b6aa1bfd09a39d53af0ba39f71fa91",
        "0e808ac0b761e9fb13d5e0c65caff00d",
        "ccfcc9847c7d3404d7ee9d6d9e0b2ba2",
    ),
    "fan": (
        "649bdfc06263ae7a838963f43b6641e6",
        "567798854130c8019df8b664c095ed1e",
        "1eb9356a768cadfd0f2e59a5c57e578b",
    ),
    "pump": (
        "90e7091ef722b7238a7f1009365779cd",
        "4e33ae9c0db5cc88437675f5e317caee",
        "23a8f8f924be218c69df67fe07360348",
    ),
    "slider": (
        "da24a757719f0d94d5aa2d646bbfdc86",
        "f84f186f4295fc23754abcdd1b0580a7",
        "0193c769073840332ce3aad84b1ccaa2",
    ),
    "valve": (
        "34d2672f55bb041589ef79c10dc89934",
        "057cdd560caffb8305449541afd28c6d",
        "f69c551d2088691050d20cccca9d631c",
    ),
}
MACHINE_TYPES = tuple(_MD5)
_RECORDS = {"dev": 3678171, "eval_train": 3727685, "eval_test": 3841772}
_STEMS = {"dev": "dev_data", "eval_train": "eval_data_train", "eval_test": "eval_data_test"}
_SPLITS = {"dev": ("train", "test"), "eval_train": ("train",), "eval_test": ("test",)}


@dataclass(frozen=True)
class Archive:
    """A zip of one machine type that unpacks to ``<machine_type>/<split>`` within ``folder``."""

    record: int
    name: str
    md5: str
    machine_type: str
    folder: str
    splits: tuple[str, ...]


LABEL_LIST_RECORD, LABEL_LIST_NAME = 3951620, "eval_data_list.csv"

ARCHIVES = {
    (part, machine_type): Archive(
        record=_RECORDS[part],
        name=f"{_STEMS[part]}_{machine_type}.zip",
        md5=md5,
        machine_type=machine_type,
        folder="dev_data" if part == "dev" else "eval_data",
        splits=_SPLITS[part],
    )
    for machine_type, sums in _MD5.items()
    for part, md5 in zip(PARTS, sums, strict=True)
}
