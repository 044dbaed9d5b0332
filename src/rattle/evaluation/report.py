"""Write an evaluation as one HTML page that needs nothing but itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
import polars as pl
from numpy.typing import NDArray

from rattle.atomic import write_text
from rattle.clips.machine import Machine
from rattle.evaluation.evaluate import Evaluation, MachineResult
from rattle.evaluation.exemplars import ShownClip, exemplars
from rattle.evaluation.plots import histogram_svg, roc_svg
from rattle.evaluation.rehearsed import RehearsalSection, rehearsal_section
from rattle.evaluation.remarks import remarks
from rattle.evaluation.scored import by_machine, scores_of
from rattle.pages.spectrogram import Spectrogram, spectrograms
from rattle.pages.templates import page_template
from rattle.runtime.rehearsal import Rehearsal


@dataclass(frozen=True)
class Why:
    """Why a clip is an alarm: what differs, what else there is to say, and a picture as SVG."""

    clip: str
    differences: Sequence[str]
    remarks: Sequence[str]
    picture: str


@dataclass(frozen=True)
class ReportedMachine:
    """What the page shows of one machine; ``images`` are by path and may be empty."""

    anchor: str
    result: MachineResult
    roc: str
    histogram: str
    groups: dict[str, tuple[ShownClip, ...]]
    images: dict[str, Spectrogram]
    why: Why | None
    rehearsal: RehearsalSection | None


def write_report(
    evaluation: Evaluation,
    scored: pl.DataFrame,
    path: Path,
    *,
    facts: Mapping[str, str],
    log_mel: Callable[[str], NDArray[np.floating]] | None,
    notes: Sequence[str],
    why: Callable[[str], Why] | None = None,
    rehearsals: Mapping[Machine, Rehearsal] = MappingProxyType({}),
    seconds_a_frame: float = 512 / 16000,
    band_hz: Sequence[float] | None = None,
) -> None:
    """Write the page of ``evaluation``, made from ``scored``, to ``path``.

    ``facts`` are shown as a table at the top (data, bundles, recipe, date ...), ``notes`` as
    warnings beside our own remarks. ``log_mel`` gives a clip's log-mel ``[frames, bands]`` for its
    path; without it the clips are listed and not drawn. ``why`` explains the clip at a path, which
    is done for the highest alarm of each machine. ``rehearsals`` are shown with the machines that
    have one. ``seconds_a_frame`` and ``band_hz``, the
    centres of its bands, label its axes; without ``band_hz`` these count bands.

    The page holds no script and asks no server for anything. Names of files and machines are
    escaped.
    """
    machines = [
        _reported(
            number,
            result,
            clips,
            log_mel,
            why,
            rehearsals.get(result.machine),
            seconds_a_frame,
            band_hz,
        )
        for number, (result, (_, clips)) in enumerate(
            zip(evaluation.machines, by_machine(scored), strict=True)
        )
    ]
    page = page_template("evaluation/report.html.jinja").render(
        evaluation=evaluation,
        reported={machine.result.machine: machine for machine in machines},
        facts=facts,
        notes=[*notes, *remarks(evaluation)],
    )
    write_text(path, page)


def _reported(
    number: int,
    result: MachineResult,
    clips: pl.DataFrame,
    log_mel: Callable[[str], NDArray[np.floating]] | None,
    why: Callable[[str], Why] | None,
    rehearsal: Rehearsal | None,
    seconds_a_frame: float,
    band_hz: Sequence[float] | None,
) -> ReportedMachine:
    normal, anomaly, unknown = (scores_of(clips, of) for of in ("normal", "anomaly", "unknown"))
    groups = exemplars(clips)
    shown = {clip.path for group in groups.values() for clip in group}
    log_mels = {path: log_mel(path) for path in sorted(shown)} if log_mel else {}
    highest = clips.sort("score", descending=True, maintain_order=True).row(0, named=True)
    anchor, threshold = f"machine-{number}", result.threshold
    return ReportedMachine(
        anchor=anchor,
        result=result,
        roc=roc_svg(normal, anomaly, threshold, name=f"{anchor}-roc") if result.ranking else "",
        histogram=histogram_svg(normal, anomaly, unknown, threshold, name=f"{anchor}-scores"),
        groups=groups,
        images=spectrograms(log_mels, seconds_a_frame, band_hz),
        why=why(highest["path"]) if why and highest["score"] > threshold else None,
        rehearsal=rehearsal_section(rehearsal) if rehearsal else None,
    )
