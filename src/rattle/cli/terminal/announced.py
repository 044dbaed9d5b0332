"""Say what came out of a training or an adaptation."""

from __future__ import annotations

from pathlib import Path

from rattle.bundle import BundleInfo
from rattle.runtime.clip_scorer import threshold_of


def announce(bundle: Path, info: BundleInfo, how: str) -> None:
    """Say what came out of a run, and what there is to know of its threshold."""
    title, threshold = info.machine, threshold_of(info)
    print(f"{title}: {bundle} {how}; calls a clip anomalous above {threshold.value:.4g}")
    if threshold.warning:
        print(f"{title}: warning: {threshold.warning}")
