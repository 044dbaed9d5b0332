"""Show a training on the terminal: a live line, or a plain one now and then when piped."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from rattle.cli.terminal.live import LiveLines
from rattle.clips.cutting import told

if TYPE_CHECKING:
    from rattle.clips.cutting import Cut
    from rattle.clips.unfit import Unfit
    from rattle.detector.job import NewClips, Recovered
    from rattle.grid.run import Progress
    from rattle.learning.outliers import OutlierPool
    from rattle.learning.pretrained import Loaded
    from rattle.learning.train import Step

PLAIN_EVERY_S = 10.0
LIVE_EVERY_S = 0.1


class TrainingProgress(LiveLines):
    """Shows what a job reports: features being computed, iterations with loss, rate, time left."""

    def __init__(self, title: str, iterations: int, *, siblings: int, takes_outliers: bool) -> None:
        super().__init__(refresh_per_second=10)
        self._title, self._iterations, self._siblings = title, iterations, siblings
        self._takes_outliers = takes_outliers
        self._clips = 0
        self._first: tuple[int, float] | None = None
        self._shown_at = 0.0

    def on_cut(self, cuts: Sequence[Cut]) -> None:
        """Say which long recordings are cut into clips, and how."""
        for line in told(cuts):
            self.say(f"{self._title}: {line}")

    def on_clip(self) -> None:
        """Count one more clip whose features were computed."""
        self._clips += 1
        self._show(f"{self._title}: features of clip {self._clips}")

    def on_unfit(self, unfit: Unfit) -> None:
        """Say which clips are left out, and why."""
        self.say(f"{self._title}: {unfit}")

    def on_pool(self, pool: OutlierPool) -> None:
        """Say which outliers are taken."""
        option = " (--outliers FOLDER)" if pool.substitute and self._takes_outliers else ""
        self.say(f"{self._title}: outliers: {pool.origin}{option}")

    def on_init(self, loaded: Loaded) -> None:
        """Say which weights the encoder starts from."""
        self.say(f"{self._title}: {len(loaded.taken)} pre-trained weights taken")
        for name, reason in loaded.skipped.items():
            self.say(f"  not taken: {name} ({reason})")

    def on_recovered(self, recovered: Recovered) -> None:
        """Say how much of what the parent learnt from is at hand."""
        for line in _recovered_lines(recovered):
            self.say(f"{self._title}: {line}")

    def on_new_clips(self, new: NewClips) -> None:
        """Say which clips are new."""
        for line in _new_clip_lines(new):
            self.say(f"{self._title}: {line}")

    def on_sibling_step(self, turn: int, step: Step) -> None:
        """Show that a sibling has done one more iteration; they train before the detector does."""
        self._show_step(step, turn - 1, f"for the threshold, {turn} of {self._siblings}: ")

    def on_siblings(self, progress: Progress[Any]) -> None:
        """Show how far siblings are that train side by side."""
        left_s = progress.left_s(len(progress.running))
        left = "" if left_s is None else f", {left_s:.0f} s left"
        done, folder = len(progress.done), progress.shared.folder
        at = [str(task.progress_in(folder) or 0) for task in sorted(progress.running)]
        running = f", at iterations {' and '.join(at)} of {self._iterations}" if at else ""
        self._show(
            f"{self._title}: for the threshold: {done} of {progress.total} trained{running}{left}",
            last=done == progress.total,
        )

    def on_step(self, step: Step) -> None:
        """Show that one more iteration is done."""
        self._show_step(step, self._siblings, "the detector: " if self._siblings else "")

    def _show_step(self, step: Step, before: int, what: str) -> None:
        """Show an iteration, after so many whole trainings ``before``."""
        now, done_by_now = time.monotonic(), before * self._iterations + step.iteration
        if self._first is None:
            self._first = (done_by_now, now)
            rate = "starting"
        else:
            per_s = (done_by_now - self._first[0]) / max(now - self._first[1], 1e-9)
            left_s = ((1 + self._siblings) * self._iterations - done_by_now) / max(per_s, 1e-9)
            rate = f"{per_s:.2f} it/s, {left_s:.0f} s left"
        parts = [("bce", step.bce), ("metric", step.metric)]
        there = ", ".join(f"{name} {value:.3f}" for name, value in parts if value is not None)
        detail = f" ({there})" if there else ""
        self._show(
            f"{self._title}: {what}iteration {step.iteration}/{self._iterations}, "
            f"loss {step.loss:.3f}{detail}, {rate}",
            last=step.iteration == self._iterations and before == self._siblings,
        )

    def _show(self, line: str, *, last: bool = False) -> None:
        now = time.monotonic()
        live = self.is_terminal
        if not last and now - self._shown_at < (LIVE_EVERY_S if live else PLAIN_EVERY_S):
            return
        self._shown_at = now
        if live:
            self.update(line)
        else:
            print(line, file=sys.stderr, flush=True)


def _recovered_lines(recovered: Recovered) -> Iterator[str]:
    counts = [("trained on", recovered.trained), ("held out", recovered.held_out)]
    if recovered.anomalies[1]:
        counts.append(("anomalies", recovered.anomalies))
    known = ", ".join(f"{there} of {of} {what}" for what, (there, of) in counts)
    if not recovered.has_recordings:
        outliers = recovered.outliers
        yield f"known clips: {known}, {outliers} outliers; all from the bundle's replay set"
        return
    only = recovered.only_replay
    more = f", {only} only in the bundle's replay set" if only else ""
    yield f"known clips: {known}; found again{more}"
    if recovered.outliers is not None:
        yield "outliers: from the bundle's replay set"


def _new_clip_lines(new: NewClips) -> Iterator[str]:
    held_out = f" ({new.held_out} of them held out)" if new.held_out else ""
    yield f"new clips: {new.anomalies} anomalies, {new.normals} normal{held_out}"
    if new.were_normal:
        yield f"{new.were_normal} clips were taken for normal before and are anomalies now"
    if new.were_anomalies:
        yield f"{new.were_anomalies} clips were anomalies before and are normal now"
