"""Hold scored clips as a table: what every evaluation starts from.

One row a clip, all machines stacked, in the order in which the clips were scored:

| column | meaning |
|---|---|
| path | absolute path of the file |
| machine_type, machine_id | ``fan`` and ``id_00``; the id may be empty |
| label | ``normal``, ``anomaly`` or ``unknown`` |
| domain | ``source``, ``target`` or empty |
| score | s of equation 5, the mean over the clip's windows; higher is more anomalous |
| posterior | p, the mean probability of the normal class; null for a loss without BCE |
| distance | d, the mean squared distance; null for ``bce`` |
| threshold | the score above which the machine's clips are called anomalous |
| anomalous | whether this clip is: ``score > threshold`` |
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl
from numpy.typing import NDArray

from rattle.clips.machine import Machine
from rattle.errors import DataError

SCORED = pl.Schema(
    {
        "path": pl.String(),
        "machine_type": pl.String(),
        "machine_id": pl.String(),
        "label": pl.String(),
        "domain": pl.String(),
        "score": pl.Float64(),
        "posterior": pl.Float64(),
        "distance": pl.Float64(),
        "threshold": pl.Float64(),
        "anomalous": pl.Boolean(),
    }
)
NULLABLE = ("posterior", "distance")


def check_scored(scored: pl.DataFrame) -> None:
    """Raise ``DataError`` unless a table has the columns of ``SCORED`` and rows that make sense."""
    if scored.schema != SCORED:
        raise DataError(f"scored clips need the columns {dict(SCORED)}, not {dict(scored.schema)}")
    problems = {
        "lack a value": pl.any_horizontal(pl.exclude(NULLABLE).is_null()),
        "have a score or threshold that is not finite": ~(
            pl.col("score").is_finite() & pl.col("threshold").is_finite()
        ),
        "have an unknown label": ~pl.col("label").is_in(["normal", "anomaly", "unknown"]),
        "have an unknown domain": ~pl.col("domain").is_in(["source", "target", ""]),
        "are anomalous against their threshold": (pl.col("score") > pl.col("threshold"))
        != pl.col("anomalous"),
        "have more than one threshold for their machine": pl.col("threshold")
        .n_unique()
        .over("machine_type", "machine_id")
        > 1,
    }
    for problem, is_wrong in problems.items():
        wrong = scored.filter(is_wrong)
        if wrong.height:
            raise DataError(
                f"{wrong.height} scored clips {problem}, the first is {wrong['path'][0]}; "
                "score the clips again"
            )


def by_machine(scored: pl.DataFrame) -> Iterator[tuple[Machine, pl.DataFrame]]:
    """Yield each machine with its rows, machines sorted and rows in the order of the table."""
    keys = ["machine_type", "machine_id"]
    groups = scored.partition_by(keys, as_dict=True, maintain_order=True)
    for type_, id_ in sorted(groups):
        yield Machine(type_, id_), groups[type_, id_]


def scores_of(clips: pl.DataFrame, label: str) -> NDArray[np.float64]:
    """Select the scores of one label's clips, in the order of the table. Shape: ``[clips]``."""
    return clips.filter(pl.col("label") == label)["score"].to_numpy()
