"""Tables of scored clips, made by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import polars as pl
import pytest

from rattle.evaluation.scored import SCORED

MakeScored = Callable[..., pl.DataFrame]


@pytest.fixture(scope="session")
def make_scored() -> MakeScored:
    """A function that makes one machine's scored clips from the scores of each label."""

    def make(
        machine: str = "fan/id_00",
        *,
        normal: Sequence[float] = (),
        anomaly: Sequence[float] = (),
        unknown: Sequence[float] = (),
        domains: Sequence[str] = (),
        threshold: float = 0.5,
        folder: str = "/data",
    ) -> pl.DataFrame:
        type_, _, id_ = machine.partition("/")
        labelled = [
            (label, score)
            for label, scores in (("normal", normal), ("anomaly", anomaly), ("unknown", unknown))
            for score in scores
        ]
        rows = [
            {
                "path": f"{folder}/{machine}/{label}_{index:04d}.wav",
                "machine_type": type_,
                "machine_id": id_,
                "label": label,
                "domain": domains[index] if domains else "",
                "score": score,
                "posterior": 1 - score,
                "distance": None,
                "threshold": threshold,
                "anomalous": score > threshold,
            }
            for index, (label, score) in enumerate(labelled)
        ]
        return pl.DataFrame(rows, schema=SCORED)

    return make
