"""Outcomes and manifests made up for the tables: no sound and no model stands behind them."""

from __future__ import annotations

from collections.abc import Iterable

from rattle.clips.clip import Clip
from rattle.clips.manifest import Manifest
from rattle.runs.outcome import Outcome, OutcomeClip

Value = float | tuple[float, float]


def make_outcome(
    machine: str = "fan/id_00",
    *,
    normal: Iterable[Value],
    anomaly: Iterable[Value],
    **changes: object,
) -> Outcome:
    """An outcome whose fixed-scale scores are the numbers given.

    A number is a clip's distance; a pair is its logit and its distance. A clip's hash is its label
    and place, ``anomaly-3``.
    """
    clips = [
        _clip(label, place, value)
        for label, values in (("normal", normal), ("anomaly", anomaly))
        for place, value in enumerate(values)
    ]
    values = {
        "method": "ddcsad",
        "machine": machine,
        "seed": 0,
        "anomalies": 0,
        "recipe": "tiny",
        "network": "small",
        "alpha": 0.5,
        "low": 0.0,
        "high": 1.0,
        "threshold": 1.0,
        "drawn": (),
        "clips": tuple(clips),
        "seconds": 1.5,
    }
    return Outcome.model_validate(values | changes)


def _clip(label: str, place: int, value: Value) -> OutcomeClip:
    logit, distance = value if isinstance(value, tuple) else (None, float(value))
    return OutcomeClip(
        path=f"/clips/{label}/{place}.wav",
        content_hash=f"{label}-{place}",
        label=label,
        start_s=(0.0,),
        logits=None if logit is None else (logit,),
        distances=(distance,),
    )


def make_manifest(*groups: tuple[str, str, str, int], source_set: str = "site") -> Manifest:
    """A manifest of ``(machine, split, label, how many)``."""
    clips = []
    for machine, split, label, count in groups:
        type_, _, id_ = machine.partition("/")
        for place in range(count):
            name = f"{machine}/{split}/{label}/{place}"
            clips.append(
                Clip(
                    path=f"/data/{name}.wav",
                    source_set=source_set,
                    machine_type=type_,
                    machine_id=id_,
                    split=split,
                    label=label,
                    domain="",
                    attributes="",
                    channels=1,
                    sample_rate_hz=16000,
                    frames=48000,
                    content_hash=f"hash of {name}",
                )
            )
    return Manifest.from_clips(clips)
