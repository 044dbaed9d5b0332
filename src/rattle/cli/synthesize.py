"""``rattle synthesize``: write a folder of synthetic machines to try everything else on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def synthesize(
    *,
    to: Path,
    seed: int = 0,
    types: Annotated[list[str], Parameter(consume_multiple=True)] | None = None,
    ids_per_type: int = 3,
    train_clips: int = 60,
    test_normal: int = 30,
    test_anomaly: int = 30,
    seconds: float = 10.0,
    snr_db: float = 0.0,
    severity: tuple[float, float] = (0.2, 1.0),
    workers: int = 2,
) -> int:
    """Write synthetic machine recordings in the DCASE 2020 folder layout.

    Parameters
    ----------
    to
        Folder to write to; it must not hold a dev_data yet.
    seed
        The same seed and options give the same bytes.
    types
        Machine types: synth_fan, synth_pump, synth_slider, synth_valve; all of them by default.
    ids_per_type
        Machines of each type.
    train_clips
        Normal clips to train on, for each machine.
    test_normal
        Normal clips to test on, for each machine.
    test_anomaly
        Clips of a faulty machine to test on, for each machine.
    seconds
        Length of a clip.
    snr_db
        Level of the healthy machine over the noise of the hall, in dB.
    severity
        Mildest and worst fault, above 0 (healthy) and up to 1.
    workers
        Threads to use; no effect on what is written.
    """
    from rattle.synthetic import MACHINE_TYPES, write_factory

    chosen = tuple(types or MACHINE_TYPES)
    write_factory(
        to,
        seed=seed,
        types=chosen,
        ids_per_type=ids_per_type,
        train_clips=train_clips,
        test_normal=test_normal,
        test_anomaly=test_anomaly,
        seconds=seconds,
        snr_db=snr_db,
        severity=severity,
        workers=workers,
    )
    machines = len(chosen) * ids_per_type
    clips = machines * (train_clips + test_normal + test_anomaly)
    print(f"{clips} synthetic clips of {seconds:g} s from {machines} machines in {to / 'dev_data'}")
    print(f"What is wrong in each anomalous clip: {to / 'factory.json'}")
    return 0
