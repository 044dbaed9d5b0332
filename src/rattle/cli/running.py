"""A training or an adaptation on the terminal: shown as it goes, stopped by Ctrl-C."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from rattle.adapting import AdaptJob
from rattle.cli.progress import TrainingProgress
from rattle.cli.stopping import StopRequest
from rattle.detector import Detector
from rattle.fitting import FitJob, Watch
from rattle.learning.outliers import OutlierPool
from rattle.learning.pretrained import Loaded
from rattle.learning.train import Interrupted
from rattle.runs import bundle_path, run_in_folder


def run_shown(job: FitJob | AdaptJob, out: Path, *, resume: bool) -> Path:
    """Run a job in its folder under ``out``, show its progress, say what came out."""
    title, started = str(job.machine), time.monotonic()
    was_there = bundle_path(out, job.machine).exists()
    progress = TrainingProgress(title, job.steps)

    def on_clip() -> None:
        if stop():
            raise Interrupted
        progress.on_clip()

    def on_pool(pool: OutlierPool) -> None:
        progress.say(f"{title}: outliers: {pool.origin}")

    def on_init(loaded: Loaded) -> None:
        progress.say(f"{title}: {len(loaded.taken)} pre-trained weights taken")
        for name, reason in loaded.skipped.items():
            progress.say(f"  not taken: {name} ({reason})")

    def on_known(what: str) -> None:
        progress.say(f"{title}: {what}")

    with progress, StopRequest() as stop:
        watch = Watch(
            on_clip=on_clip,
            on_pool=on_pool,
            on_init=on_init,
            on_known=on_known,
            on_step=progress.on_step,
            stop_requested=stop,
        )
        try:
            bundle = run_in_folder(replace(job, watch=watch), out, resume=resume)
        except Interrupted:
            progress.say(f"{title}: stopped; go on with the same command and --resume")
            raise KeyboardInterrupt from None
    detector = Detector.load(bundle, device="cpu")
    how = "was there already" if was_there else f"in {time.monotonic() - started:.0f} s"
    print(f"{title}: {bundle} {how}; calls a clip anomalous above {detector.threshold.value:.4g}")
    if detector.threshold.warning:
        print(f"{title}: warning: {detector.threshold.warning}")
    return bundle
