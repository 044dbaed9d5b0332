"""Say what came out of a training or an adaptation."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from rattle.bundle import BundleInfo
from rattle.runtime.clip_scorer import threshold_of
from rattle.scoring.threshold import remark_on


def announce(bundles: Mapping[Path, tuple[BundleInfo, str]]) -> None:
    """Say what came out of a run and how, and once what there is to know of the thresholds."""
    for bundle, (info, how) in bundles.items():
        threshold = threshold_of(info).value
        print(f"{info.machine}: {bundle} {how}; calls a clip anomalous above {threshold:.4g}")
    remark = remark_on({info.machine: threshold_of(info) for info, _ in bundles.values()})
    if remark:
        print(f"warning: {remark}")
