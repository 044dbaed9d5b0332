"""``rattle evaluate``: measure how well bundles tell anomalies from normal sound."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

# Differences that the report names of a machine's highest alarm.
DIFFERENCES = 4

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

    from rattle.clips.machine import Machine
    from rattle.clips.manifest import Manifest
    from rattle.detector import Detector
    from rattle.evaluation.evaluate import Evaluation
    from rattle.runtime.rehearsal import Rehearsal


def evaluate(
    data: Path,
    /,
    *,
    bundles: Path,
    out: Path | None = None,
    labels: Path | None = None,
    scale: Literal["fixed", "paper"] = "fixed",
    false_alarms: float | None = None,
    rehearse: bool = False,
    device: str = "auto",
) -> int:
    """Score the test clips of every machine that has a bundle: AUC, pAUC, misses, false alarms.

    Writes a report in HTML and the files of the DCASE challenge (anomaly_score_*.csv,
    result.csv). Clips that a detector was trained or calibrated on are left out by their sound, in
    any file format, and said. A clip that cannot be read is reported; the exit code is then 1.

    Parameters
    ----------
    data
        A folder of recordings, or a CSV file.
    bundles
        A folder of .rattle files, or one of them.
    out
        Folder to write to; by default BUNDLES/evaluation.
    labels
        A DCASE label list (eval_data_list.csv) for evaluation clips without labels.
    scale
        fixed: as stored in the bundle. paper: the distance by its range over a machine's clips.
    false_alarms
        Share of healthy clips that may be called anomalous, such as 0.01; by default the recipe's.
    rehearse
        Put a rehearsal with synthetic faults on the report (rattle rehearse), laid over test clips
        labelled normal, or over the clips that a bundle keeps; some ten seconds a machine.
    device
        auto, cpu, cuda or cuda:N.
    """
    from rattle.clips.layouts import load_manifest

    code, _ = evaluate_clips(
        load_manifest(data, labels=labels),
        str(data),
        bundles,
        out or (bundles if bundles.is_dir() else bundles.parent) / "evaluation",
        scale=scale,
        false_alarms=false_alarms,
        rehearse=rehearse,
        device=device,
    )
    return code


def evaluate_clips(
    clips: Manifest,
    source: str,
    bundles: Path,
    out: Path,
    *,
    scale: Literal["fixed", "paper"] = "fixed",
    false_alarms: float | None = None,
    rehearse: bool = False,
    device: str = "auto",
) -> tuple[int, Evaluation]:
    """Evaluate, write the files and print the table; 1 beside it where a clip was not read."""
    from rich.console import Console

    from rattle.cli.terminal.evaluation_table import to_table
    from rattle.cli.terminal.rehearsing import rehearsed
    from rattle.evaluation.dcase import write_dcase
    from rattle.evaluation.evaluate import evaluate as evaluate_scored
    from rattle.evaluation.scoring import load_bundles, score_machines

    detectors = load_bundles(bundles, device=device)
    if false_alarms is not None:
        detectors = [detector.at_rate(false_alarms) for detector in detectors]
    scored = score_machines(detectors, clips, scale=scale)
    evaluation = evaluate_scored(scored.table)
    write_dcase(evaluation, scored.table, out)
    rehearsals, notes = rehearsed(detectors, scored.table) if rehearse else ({}, [])
    notes = [*scored.notes, *notes]
    _report(detectors, evaluation, scored.table, out, source, scale, rehearsals, notes)
    Console().print(to_table(evaluation))
    for note in notes:
        print(f"rattle: warning: {note}", file=sys.stderr)
    print(f"Report: {out / 'report.html'}")
    return int(scored.unread > 0), evaluation


def _report(
    detectors: list[Detector],
    evaluation: Evaluation,
    table: pl.DataFrame,
    out: Path,
    source: str,
    scale: str,
    rehearsals: Mapping[Machine, Rehearsal],
    notes: Sequence[str],
) -> None:
    from datetime import UTC, datetime

    from rattle.clips.machine import Machine
    from rattle.evaluation.report import Why, write_report
    from rattle.features.log_mel import mel_edges_hz
    from rattle.runtime.explanation import explain
    from rattle.runtime.picture import picture_of
    from rattle.runtime.said import differences_said, near_said, reactions_said
    from rattle.version import VERSION

    by_machine = {detector.machine: detector for detector in detectors}
    machine_of = {
        path: Machine(type_, id_)
        for path, type_, id_ in table.select("path", "machine_type", "machine_id").iter_rows()
    }

    def log_mel(path: str) -> NDArray[np.float32]:
        return by_machine[machine_of[path]].log_mel(path)

    def why(path: str) -> Why:
        detector = by_machine[machine_of[path]]
        explanation = explain(detector, detector, path)
        return Why(
            Path(path).name,
            differences_said(explanation, DIFFERENCES),
            [*reactions_said(explanation, DIFFERENCES), *near_said(explanation)],
            picture_of(
                explanation, DIFFERENCES, title=f"Spectrum of {Path(path).name}", is_inline=True
            ),
        )

    recipes = {(d.recipe.name, d.recipe.method, d.info.provenance.seed) for d in detectors}
    audio, features = detectors[0].recipe.audio, detectors[0].recipe.features
    write_report(
        evaluation,
        table,
        out / "report.html",
        facts={
            "Data": source,
            "Trained by": "; ".join(
                f"recipe {recipe}, method {method}, seed {seed}"
                for recipe, method, seed in sorted(recipes)
            ),
            "Distance scale": scale,
            "False alarms asked for": ", ".join(
                f"{rate:.1%}" for rate in sorted({d.threshold.false_alarm_rate for d in detectors})
            ),
            "Date": datetime.now(UTC).strftime("%Y-%m-%d"),
            "rattle": VERSION,
        },
        log_mel=log_mel,
        why=why if all(detector.reference is not None for detector in detectors) else None,
        rehearsals=rehearsals,
        notes=notes,
        seconds_a_frame=features.hop_samples / audio.sample_rate_hz,
        band_hz=mel_edges_hz(features.mel_bands, audio.sample_rate_hz)[1:-1].tolist(),
    )
