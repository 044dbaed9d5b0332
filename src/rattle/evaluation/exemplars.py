"""Choose the clips that a report shows: a machine's most extreme scores and worst mistakes."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

CLIPS_A_GROUP = 2


@dataclass(frozen=True)
class ShownClip:
    """One clip of a report; ``verdict`` joins its label with what the threshold made of it."""

    path: str
    label: str
    score: float
    anomalous: bool

    @property
    def verdict(self) -> str:
        match self.label, self.anomalous:
            case "normal", True:
                return "false alarm"
            case "anomaly", False:
                return "miss"
            case _, True:
                return "alarm"
        return "no alarm"


def exemplars(clips: pl.DataFrame) -> dict[str, tuple[ShownClip, ...]]:
    """Group a machine's most telling clips by title, the most telling first.

    The mistakes are the highest-scored normals and the lowest-scored anomalies, on whichever side
    of the threshold they lie. A group without clips is left out; groups of the same clips are one.
    """
    normal = clips.filter(pl.col("label") == "normal")
    anomaly = clips.filter(pl.col("label") == "anomaly")
    groups = {
        "least anomalous": _extreme(clips, highest=False),
        "anomalies scored lowest": _extreme(anomaly, highest=False),
        "normals scored highest": _extreme(normal, highest=True),
        "most anomalous": _extreme(clips, highest=True),
    }
    titles: dict[tuple[ShownClip, ...], list[str]] = {}
    for title, shown in groups.items():
        titles.setdefault(shown, []).append(title)
    return {", ".join(same).capitalize(): shown for shown, same in titles.items() if shown}


def _extreme(clips: pl.DataFrame, *, highest: bool) -> tuple[ShownClip, ...]:
    rows = clips.sort("score", descending=highest, maintain_order=True).head(CLIPS_A_GROUP)
    columns = rows.select("path", "label", "score", "anomalous")
    return tuple(ShownClip(**row) for row in columns.iter_rows(named=True))
