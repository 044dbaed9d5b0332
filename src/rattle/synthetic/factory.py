"""Write a folder of synthetic recordings in the layout of the DCASE 2020 development set.

<folder>/
├── factory.json       says that this is synthetic, and what is wrong in each anomalous clip
└── dev_data/<type>/
    ├── train/normal_id_00_00000000.wav ...
    └── test/{normal,anomaly}_id_00_00000000.wav ...
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rattle.ahead import map_ahead
from rattle.atomic import replacing_folder, write_text
from rattle.clips.pcm16 import to_16_bit
from rattle.clips.writing import write_wav
from rattle.errors import DataError
from rattle.randomness import named_stream
from rattle.synthetic.specimen import FAULTS_OF_TYPE, MACHINE_TYPES, Specimen

NOTICE = (
    "Synthetic recordings, made by `rattle synthesize` from physical models. No real machine was "
    "recorded; results on them say nothing about real ones."
)


@dataclass(frozen=True)
class _Order:
    """A clip to be made: everything it depends on but the seed and the recording conditions."""

    type: str
    index: int
    split: str
    number: int
    fault: str | None = None
    severity: float = 0.0

    @property
    def path(self) -> str:
        """The clip's path below the factory's folder."""
        return f"dev_data/{self.below_dev_data.as_posix()}"

    @property
    def below_dev_data(self) -> Path:
        label = "anomaly" if self.fault else "normal"
        name = f"{label}_id_{self.index:02d}_{self.number:08d}.wav"
        return Path(self.type, self.split, name)


def write_factory(
    folder: Path,
    *,
    seed: int = 0,
    types: Sequence[str] = tuple(MACHINE_TYPES),
    ids_per_type: int = 3,
    train_clips: int = 60,
    test_normal: int = 30,
    test_anomaly: int = 30,
    seconds: float = 10.0,
    sample_rate_hz: int = 16_000,
    snr_db: float = 0.0,
    severity: tuple[float, float] = (0.2, 1.0),
    workers: int = 2,
) -> None:
    """Write synthetic machines as 16-bit PCM WAV, one channel; clip counts are per machine.

    A machine's anomalies take the faults of its type in turn, each at a severity drawn evenly
    from the range ``severity``. Every clip has a generator of its own, derived from the seed and
    its path, so the same arguments give the same bytes with any number of ``workers`` (threads).
    The clips appear all at once, under ``dev_data``, when the last one is written.

    Raises ``DataError`` if the folder has a ``dev_data`` already or an argument is out of range,
    and ``StorageError`` if it cannot be written to.
    """
    _check(types, ids_per_type, seconds, severity)
    if train_clips + test_normal + test_anomaly < 1 or workers < 1:
        raise DataError("nothing to write: ask for at least one clip a machine and one worker")
    done = folder / "dev_data"
    if done.exists():
        raise DataError(f"{done} exists already; name another folder or delete it first")
    orders = list(
        _orders(seed, types, ids_per_type, train_clips, test_normal, test_anomaly, severity)
    )
    specimens = {
        (type_, index): Specimen.of(type_, index, seed=seed)
        for type_ in types
        for index in range(ids_per_type)
    }

    def make(order: _Order, dev_data: Path) -> None:
        samples = specimens[order.type, order.index].record(
            seconds=seconds,
            sample_rate_hz=sample_rate_hz,
            snr_db=snr_db,
            rng=named_stream(seed, order.path),
            fault=order.fault,
            severity=order.severity,
        )
        write_wav(dev_data / order.below_dev_data, to_16_bit(samples), sample_rate_hz)

    with replacing_folder(done) as unfinished:
        for parent in {order.below_dev_data.parent for order in orders}:
            (unfinished / parent).mkdir(parents=True)
        for _ in map_ahead(partial(make, dev_data=unfinished), orders, workers):
            pass
        if done.exists():  # another process was first, perhaps with other arguments
            raise DataError(f"{done} was written meanwhile; name another folder")
        _write_faults(folder, orders, seed=seed, snr_db=snr_db)


def _orders(
    seed: int,
    types: Sequence[str],
    ids_per_type: int,
    train_clips: int,
    test_normal: int,
    test_anomaly: int,
    severity: tuple[float, float],
) -> Iterator[_Order]:
    for type_ in types:
        faults = FAULTS_OF_TYPE[type_]
        for index in range(ids_per_type):
            rng = named_stream(seed, f"{type_}/{index}/severity")
            for number in range(train_clips):
                yield _Order(type_, index, "train", number)
            for number in range(test_normal):
                # Numbered on from the training clips, so that a name stands for one recording.
                yield _Order(type_, index, "test", train_clips + number)
            for number in range(test_anomaly):
                how_bad = round(rng.uniform(*severity), 3)
                yield _Order(type_, index, "test", number, faults[number % len(faults)], how_bad)


def _write_faults(folder: Path, orders: Sequence[_Order], *, seed: int, snr_db: float) -> None:
    content = {
        "notice": NOTICE,
        "seed": seed,
        "snr_db": snr_db,
        "anomalies": {
            order.path: {"fault": order.fault, "severity": order.severity}
            for order in orders
            if order.fault
        },
    }
    write_text(folder / "factory.json", json.dumps(content, indent=1) + "\n")


def _check(
    types: Sequence[str], ids_per_type: int, seconds: float, severity: tuple[float, float]
) -> None:
    unknown = sorted(set(types) - set(MACHINE_TYPES))
    if unknown or not types:
        raise DataError(
            f"no synthetic machine type {', '.join(unknown) or '(none given)'}; "
            f"choose from {', '.join(MACHINE_TYPES)}"
        )
    if not 0 < severity[0] <= severity[1] <= 1:
        raise DataError(f"severity is {severity}; give a range within (0, 1], the lower end first")
    if not 1 <= ids_per_type <= 100:
        raise DataError(f"ids_per_type is {ids_per_type}; give 1 to 100, an id has two digits")
    if seconds < 1:
        raise DataError(f"seconds is {seconds}; a clip needs at least 1 second")
