"""``rattle compare``: say whether a new bundle is better than an old one, on the same clips."""

from __future__ import annotations

import csv as csvlib
import sys
from collections.abc import Iterator
from dataclasses import astuple, fields
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

    from rattle.detector import Detector
    from rattle.evaluation.compare import ComparedClip, Comparison

# Of each kind of change the terminal shows this many clips; --csv gives them all.
SHOWN = 10

VERDICTS = {
    "better": "AUC: the new bundle is BETTER, the whole interval of the difference is above 0.",
    "worse": "AUC: the new bundle is WORSE, the whole interval of the difference is below 0.",
    "no difference shown": "AUC: NO DIFFERENCE SHOWN, the interval of the difference holds 0.",
}


def compare(
    old: Path,
    new: Path,
    data: Path,
    /,
    *,
    labels: Path | None = None,
    csv: Path | None = None,
    device: str = "auto",
) -> int:
    """Compare two bundles of a machine on the same clips: AUC, mistakes, clips that change sides.

    Scores the machine's test clips with both. Clips that either of them was trained or calibrated
    on are left out, and said. The difference of AUC comes with its paired 95 % interval (DeLong);
    it covers the choice of clips, not the chance of training. The exit code is 1 when the new
    bundle's AUC is worse beyond that interval, and when a clip could not be read, which is
    reported and left out for both. Without labelled clips of both classes there is no AUC and
    only the decisions are compared.

    Parameters
    ----------
    old
        A .rattle file.
    new
        Another one of the same machine, as a rule the first one adapted.
    data
        A folder of recordings, or a CSV file.
    labels
        A DCASE label list (eval_data_list.csv) for evaluation clips without labels.
    csv
        A file to write each clip's scores and decisions by both to.
    device
        auto, cpu, cuda or cuda:N.
    """
    from rich.console import Console

    from rattle.clips.layouts import load_manifest
    from rattle.detector import Detector
    from rattle.evaluation.compare import compare as compare_scored
    from rattle.evaluation.compare import remarks
    from rattle.evaluation.scoring import score_pair

    before, after = (Detector.load(path, device=device) for path in (old, new))
    scored = score_pair(before, after, load_manifest(data, labels=labels))
    comparison = compare_scored(scored.old, scored.new)
    if csv is not None:
        _write_csv(comparison, csv)
    print(f"old: {old} ({_origin(before)})")
    print(f"new: {new} ({_origin(after)})")
    print(f"{before.machine}: {_clip_counts(comparison)}")
    console = Console()
    console.print(_table(comparison))
    for line in [_verdict(comparison), *_at_threshold(comparison), *remarks(comparison)]:
        console.print(line, markup=False, highlight=False)
    _print_changed(comparison, data)
    for note in scored.notes:
        print(f"rattle: warning: {note}", file=sys.stderr)
    return int(comparison.verdict == "worse" or scored.unread > 0)


def _origin(detector: Detector) -> str:
    origin = detector.info.provenance
    adapted = f", adapted with {len(origin.anomalies)} anomalies" if origin.anomalies else ""
    return f"recipe {detector.recipe.name}, {detector.recipe.method}, seed {origin.seed}{adapted}"


def _clip_counts(comparison: Comparison) -> str:
    result = comparison.old
    counts = {
        "normal": result.confusion.n_normal,
        "anomalous": result.confusion.n_anomaly,
        "unlabelled": result.n_unknown,
    }
    kinds = ", ".join(f"{count} {kind}" for kind, count in counts.items() if count)
    return f"{result.n_clips} test clips new to both ({kinds})"


def _table(comparison: Comparison) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    table.add_column("")
    for heading in ("old", "new", "new - old", "95 %"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in [*_ranking_rows(comparison), *_count_rows(comparison)]:
        table.add_row(*row)
    # Two detectors' scores have different scales: their thresholds have no difference to tell.
    table.add_row("threshold", *(f"{r.threshold:.4g}" for r in (comparison.old, comparison.new)))
    return table


def _ranking_rows(comparison: Comparison) -> Iterator[tuple[str, ...]]:
    old, new = comparison.old.ranking, comparison.new.ranking
    if old and new:
        interval = ""
        if comparison.interval:
            interval = f"{comparison.interval[0]:+.3f} to {comparison.interval[1]:+.3f}"
        yield "AUC", f"{old.auc:.3f}", f"{new.auc:.3f}", f"{new.auc - old.auc:+.3f}", interval
        yield "pAUC", f"{old.pauc:.3f}", f"{new.pauc:.3f}", f"{new.pauc - old.pauc:+.3f}"


def _count_rows(comparison: Comparison) -> Iterator[tuple[str, ...]]:
    old, new = comparison.old.confusion, comparison.new.confusion
    counts = [
        ("misses", old.misses, new.misses, old.n_anomaly),
        ("false alarms", old.false_alarms, new.false_alarms, old.n_normal),
    ]
    if comparison.old.n_unknown:
        alarms = comparison.old.alarms, comparison.new.alarms
        counts.append(("alarms, any label", *alarms, len(comparison.clips)))
    for name, before, after, clips in counts:
        if clips:
            change = f"{after - before:+d}" if after != before else "0"
            yield name, f"{before}/{clips}", f"{after}/{clips}", change


def _verdict(comparison: Comparison) -> str:
    if comparison.verdict is None:
        return f"No verdict: {comparison.reason}."
    return VERDICTS[comparison.verdict]


def _at_threshold(comparison: Comparison) -> list[str]:
    """Say what AUC does not tell: it knows no threshold."""
    old, new = comparison.old.confusion, comparison.new.confusion
    moved = [
        f"{abs(more)} {one if abs(more) == 1 else several} {'more' if more > 0 else 'fewer'}"
        for more, one, several in (
            (new.misses - old.misses, "miss", "misses"),
            (new.false_alarms - old.false_alarms, "false alarm", "false alarms"),
        )
        if more
    ]
    return [f"At its threshold the new bundle has {' and '.join(moved)}."] if moved else []


def _print_changed(comparison: Comparison, data: Path) -> None:
    changed = comparison.changed
    total = sum(len(clips) for clips in changed.values())
    print(f"\n{total} of {len(comparison.clips)} clips changed sides of the threshold.")
    for kind, clips in changed.items():
        print(f"\n{kind} ({len(clips)})")
        print(f"{'old score':>10} {'new score':>10}  clip")
        for clip in clips[:SHOWN]:
            print(f"{clip.old_score:#10.4g} {clip.new_score:#10.4g}  {_named(clip, data)}")
        if len(clips) > SHOWN:
            print(f"  and {len(clips) - SHOWN} more; --csv FILE lists them all")


def _named(clip: ComparedClip, data: Path) -> Path:
    """Write the clip's path by way of DATA as it was given: shorter to read, and still a path."""
    path, folder = Path(clip.path), data.resolve()
    return data / path.relative_to(folder) if path.is_relative_to(folder) else path


def _write_csv(comparison: Comparison, path: Path) -> None:
    from rattle.atomic import replacing
    from rattle.evaluation.compare import ComparedClip

    with replacing(path) as beside, beside.open("w", encoding="utf-8", newline="") as file:
        writer = csvlib.writer(file, lineterminator="\n")
        writer.writerow([*(field.name for field in fields(ComparedClip)), "change"])
        writer.writerows([*astuple(clip), clip.change] for clip in comparison.clips)
