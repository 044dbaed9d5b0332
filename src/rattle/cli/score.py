"""``rattle score``: say how anomalous recordings are."""

from __future__ import annotations

import csv
import json as jsonlib
import sys
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from rattle.cli.terminal.piped import STANDARD_INPUT, Paths, score_piped
from rattle.cli.terminal.scorers import open_scorer
from rattle.errors import DataError

if TYPE_CHECKING:
    from rattle.cli.terminal.hop_lines import Form
    from rattle.runtime.clip_scorer import ClipScorer
    from rattle.scoring.clip import ClipScore, Unscored

COLUMNS = (
    *("path", "score", "posterior", "distance", "threshold", "anomalous", "p_value", "unusual"),
    *("remark", "error"),
)
WINDOW_COLUMNS = ("path", "start_s", "score", "posterior", "distance", "remark", "error")


def score(
    bundle: Path,
    paths: Paths,
    /,
    *,
    csv: bool = False,
    json: bool = False,
    windows: bool = False,
    timeline: Path | None = None,
    state: Path | None = None,
    scale: Literal["fixed", "paper"] = "fixed",
    false_alarms: float | None = None,
    device: str = "auto",
    encoding: Literal["s16le", "f32le"] = "s16le",
    rate: int | None = None,
    channels: int = 1,
) -> int:
    """Score recordings with a bundle: score, posterior p, distance d and decision of each clip.

    A higher score is more anomalous; a clip is called anomalous above the bundle's threshold. A
    recording longer than 30 s gets a window each second (--windows shows them); its score is
    their mean. A file that cannot be read, or is silent, frozen, clipped or damaged, is reported
    and not scored, and does not stop the rest; the exit code is then 1. A clip that was recorded
    otherwise than the training clips, at another rate or as MP3, is scored with a remark; so is a
    WAV that was read otherwise than its header says; one that is too short for a window has a score
    and no decision. A bundle that holds a graph (rattle export) is scored by it, without torch.

    With --timeline a long recording is judged as rattle listen would have: its windows, minutes,
    thresholds and incidents go to a CSV file and a picture. The bundle needs the graph that rattle
    export writes.

    With - as the only path, raw samples are read from standard input and each window is a line as
    soon as it is whole, a JSON object a line with --json. Silent, clipped or frozen sound is
    reported and not scored. The bundle needs the graph that rattle export writes.

    Parameters
    ----------
    bundle
        A .rattle file.
    paths
        Recordings, or folders of them; or - for standard input.
    csv
        Print CSV.
    json
        Print one JSON document.
    windows
        Show each window: where it starts and what it scores.
    timeline
        OUT.svg: draw scores, thresholds and incidents of one recording over time to OUT.svg, and
        write them to OUT.csv.
    state
        What rattle listen --state has learnt: thresholds for --timeline from the start. Without it
        that of clips holds until two hours of running were heard. It is read only.
    scale
        fixed: as stored in the bundle. paper: the distance by its range over these clips.
    false_alarms
        Share of healthy clips that may be called anomalous, such as 0.01; by default the recipe's.
    device
        auto, cpu, cuda or cuda:N; the graph runs on the CPU, so cuda leaves it aside.
    encoding
        Of standard input: 16-bit integers or 32-bit floats, little-endian.
    rate
        Samples a second of standard input; by default the recipe's.
    channels
        Channels of standard input, interleaved.
    """
    if csv and json:
        raise DataError("--csv and --json exclude each other; give one")
    if timeline is not None or state is not None:
        if timeline is None or csv or json or windows or scale == "paper":
            raise DataError(
                "--timeline writes its own CSV, by the fixed scale; give it alone, or with --state"
            )
        return _write_timeline(bundle, paths, timeline, state, false_alarms)
    if STANDARD_INPUT in paths:
        if len(paths) > 1 or scale == "paper":
            raise DataError("standard input (-) is scored alone, and by the fixed scale")
        form: Form = "csv" if csv else "json" if json else "plain"
        return score_piped(bundle, form, encoding, rate, channels, false_alarms)
    scorer = open_scorer(bundle, device=device, false_alarms=false_alarms)
    clips = _recordings(paths)
    results = scorer.score_each(clips, scale=scale)
    if json:
        return _print_json(scorer, results, windows)
    _warn(scorer)
    if csv:
        return _print_csv(results, windows)
    return _print_lines(results, windows, scorer.recipe.scoring.windows)


def _recordings(paths: list[Path]) -> list[Path]:
    from rattle.clips.files import audio_files

    clips = list(audio_files(paths))
    if not clips:
        where = ", ".join(str(path) for path in paths)
        raise DataError(f"no recording in {where}; give recordings or folders that hold some")
    return clips


def _write_timeline(
    bundle: Path, paths: list[Path], out: Path, state: Path | None, false_alarms: float | None
) -> int:
    from rattle.cli.terminal.timeline_files import write_timeline

    if STANDARD_INPUT in paths:
        raise DataError("--timeline is of a recording, not of standard input (-)")
    clips = _recordings(paths)
    if len(clips) != 1:
        raise DataError(f"--timeline is of one recording; {len(clips)} were given")
    return write_timeline(bundle, clips[0], out, state, false_alarms)


def _warn(scorer: ClipScorer) -> None:
    notes = [scorer.threshold.warning]
    if scorer.info.provenance.outliers_substitute:
        notes.append(f"trained against {scorer.info.provenance.outliers}")
    for note in notes:
        if note:
            print(f"rattle: warning: {note}", file=sys.stderr)


def _print_lines(results: Iterator[ClipScore | Unscored], windows: bool, short: int) -> int:
    """Print a line a clip; one of more windows than ``short`` was slid over and shows its peak."""
    from rattle.scoring.clip import Unscored

    failed = 0
    print(f"{'score':>9} {'p':>7} {'d':>9}  {'decision':9} clip")
    for result in results:
        if isinstance(result, Unscored):
            failed += 1
            print(f"rattle: error: {result.reason}", file=sys.stderr)
            continue
        peak = _peak(result) if len(result.windows) > short else ""
        print(
            f"{result.score:9.4g} {_number(result.posterior):>7} {_number(result.distance):>9}  "
            f"{result.decision:9} {result.path}{_among(result, peak)}"
        )
        if result.remark:
            print(f"{'':37} {result.remark}")
        if windows:
            for window in result.windows:
                print(
                    f"{window.score:9.4g} {_number(window.posterior):>7} "
                    f"{_number(window.distance):>9}    at {window.start_s:7.2f} s"
                )
    return int(failed > 0)


def _print_csv(results: Iterator[ClipScore | Unscored], windows: bool) -> int:
    from rattle.scoring.clip import Unscored

    failed = 0
    columns = WINDOW_COLUMNS if windows else COLUMNS
    writer = csv.DictWriter(sys.stdout, columns, lineterminator="\n")
    writer.writeheader()
    for result in results:
        if isinstance(result, Unscored):
            failed += 1
            writer.writerow({"path": result.path, "error": result.reason})
        elif windows:
            for window in result.windows:
                row = {"path": result.path, **asdict(window), "remark": result.remark}
                writer.writerow(row)
        else:
            row = _row(result)
            writer.writerow({name: row[name] for name in COLUMNS if name in row})
    return int(failed > 0)


def _print_json(scorer: ClipScorer, results: Iterator[ClipScore | Unscored], windows: bool) -> int:
    from rattle.scoring.clip import Unscored

    clips, errors = [], []
    for result in results:
        if isinstance(result, Unscored):
            errors.append({"path": result.path, "error": result.reason})
            continue
        row = _row(result)
        if not windows:
            del row["windows"]
        clips.append(row)
    threshold = scorer.threshold
    if clips:
        # The paper's scale moves the threshold with the clips at hand.
        threshold = replace(threshold, value=clips[0]["threshold"])
    document = {
        "machine": str(scorer.machine),
        "threshold": {**asdict(threshold), "warning": threshold.warning},
        "outliers": scorer.info.provenance.outliers,
        "clips": clips,
        "errors": errors,
    }
    print(jsonlib.dumps(document, indent=1))
    return int(bool(errors))


def _row(clip: ClipScore) -> dict[str, Any]:
    """Put what CSV and JSON say of a clip under its names."""
    if clip.unusual is None:
        return {**asdict(clip), "p_value": None}
    return {**asdict(clip), "p_value": clip.unusual.p_value, "unusual": str(clip.unusual)}


def _among(clip: ClipScore, peak: str) -> str:
    """Say how a clip's score lies among those of healthy clips; nothing of one not judged."""
    return "" if clip.unusual is None else f" ({clip.unusual}{peak})"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


def _peak(clip: ClipScore) -> str:
    """Say of a long recording how much of it is above the threshold, and where it is worst."""
    above = sum(window.score > clip.threshold for window in clip.windows)
    if not above:
        return ""
    worst = max(clip.windows, key=lambda window: window.score)
    share = above / len(clip.windows)
    return f"; {share:.1%} of windows above the threshold, worst at {worst.start_s:.0f} s"
