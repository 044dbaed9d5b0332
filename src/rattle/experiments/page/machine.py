"""Show one machine on the page: its models' ROC curves over one another, a strip a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rattle.clips.machine import Machine
from rattle.evaluation.plots import histogram_svg
from rattle.experiments.page.embedding import flatten
from rattle.experiments.page.plots import embedding_svg, losses_svg, roc_curves_svg
from rattle.experiments.page.series import Measured, Series
from rattle.experiments.page.styles import Names, Style
from rattle.pages.drawing import SMALL
from rattle.pages.words import counted
from rattle.runs.read import Reading
from rattle.runs.run import Run

# Models of a group that are drawn; more lines in one plot are not told apart.
DRAWN = 12


@dataclass(frozen=True)
class Plot:
    """A drawing with its caption, and a label for those who do not see it.

    ``svg`` is empty where there is none, and the caption then says why.
    """

    svg: str
    caption: str
    label: str = ""


@dataclass(frozen=True)
class ModelStrip:
    """One model: its line's style, its figures, its plots."""

    label: str
    style: Style
    colour: str
    series: Series
    plots: tuple[Plot, ...]


@dataclass(frozen=True)
class Group:
    """Models that are compared with each other; ``left_out`` says which are not drawn."""

    title: str
    roc: Plot
    strips: tuple[ModelStrip, ...]
    left_out: str


@dataclass(frozen=True)
class ShownMachine:
    """One machine: its runs counted, the best model of the first group, what is drawn of them."""

    anchor: str
    machine: Machine
    runs: int
    adapted: bool
    best: tuple[str, float] | None
    groups: tuple[Group, ...]


def show_machine(
    number: int, machine: Machine, every: Sequence[Series], names: Names, reading: Reading | None
) -> ShownMachine:
    """Draw what the page shows of a machine's series; without ``reading`` nothing is drawn."""
    anchor = f"machine-{number}"
    grouped = _grouped(every)
    ranked = [(series.kind, series.auc) for series in grouped[0][1] if series.auc]
    best = max(ranked, key=lambda pair: pair[1].mean, default=None)
    groups: list[Group] = []
    if reading is not None:
        for place, (title, members, also) in enumerate(grouped):
            groups.append(_group(f"{anchor}-{place}", title, members, also, names, reading))
    return ShownMachine(
        anchor=anchor,
        machine=machine,
        runs=sum(len(series.runs) for series in every),
        adapted=any(series.kind.anomalies for series in every),
        best=best and (names.label(best[0]), best[1].mean),
        groups=tuple(groups),
    )


def _grouped(every: Sequence[Series]) -> list[tuple[str, list[Series], str]]:
    """Group the models without anomalies, and of each model and way that adapted with the most.

    They are not drawn together, for they were tested on other clips.
    """
    plain = [series for series in every if not series.kind.anomalies]
    most: dict[tuple[str, str, str | None], Series] = {}
    adapted = [series for series in every if series.kind.anomalies]
    for series in sorted(adapted, key=lambda series: series.kind.anomalies):
        most[series.kind.recipe, series.kind.method, series.kind.way] = series
    also = ""
    if len(most) < len(adapted):
        also = "Each model adapted with the most anomalies; the others are in the table of runs."
    groups = [("Without anomalies", plain, ""), ("Adapted with anomalies", [*most.values()], also)]
    return [group for group in groups if group[1]]


def _group(
    name: str, title: str, members: list[Series], also: str, names: Names, reading: Reading
) -> Group:
    members = sorted(members, key=lambda s: (-(s.auc.mean if s.auc else -1), s.kind.order))
    drawn, rest = members[:DRAWN], members[DRAWN:]
    left_out = also
    if rest:
        labels = ", ".join(names.label(series.kind) for series in rest)
        left_out = f"{also} Only the {DRAWN} with the largest AUC are drawn; not drawn: {labels}."
    curves = [(names.style(s.kind), s.detection_rates) for s in drawn if s.auc]
    roc = Plot("", "No ROC curve: no test clips of both classes have been scored.")
    if curves:
        said = ", ".join(f"{names.label(s.kind)} {s.auc.mean:.3f}" for s in drawn if s.auc)
        roc = Plot(
            roc_curves_svg(curves, name=f"{name}-roc"),
            "ROC curves, each the mean over seeds; pAUC region shaded, chance dashed.",
            f"ROC curves; AUC: {said}",
        )
    strips = [_strip(f"{name}-{i}", series, names, reading) for i, series in enumerate(drawn)]
    return Group(title, roc, tuple(strips), left_out.strip())


def _strip(name: str, series: Series, names: Names, reading: Reading) -> ModelStrip:
    style, label = names.style(series.kind), names.label(series.kind)
    plots = [_losses(f"{name}-loss", series, style, label)]
    if series.shown is None:
        plots.append(Plot("", "test clips not scored"))
    else:
        run, measured = series.shown
        plots.append(_scores(f"{name}-scores", run, measured, label))
        plots.append(_embedding(f"{name}-embedding", run, reading, label))
    return ModelStrip(label, style, names.colour(series.kind), series, tuple(plots))


def _losses(name: str, series: Series, style: Style, label: str) -> Plot:
    curves = [run.learning_curve for run in series.runs if run.learning_curve]
    if not curves:
        return Plot("", "no losses logged")
    lines = counted(len(curves), "seed")
    last = curves[0].losses[-1]
    return Plot(
        losses_svg(curves, style, name=name),
        f"loss, {lines}",
        f"{label}: loss over iterations, {lines}; it ends at {last:.3g}",
    )


def _scores(name: str, run: Run, measured: Measured, label: str) -> Plot:
    if not measured.normal.size and not measured.anomaly.size:
        return Plot("", "no labelled test clip")
    normals = counted(measured.normal.size, "normal")
    clips = f"{normals}, {counted(measured.anomaly.size, 'anomaly', 'anomalies')}"
    return Plot(
        histogram_svg(
            measured.normal,
            measured.anomaly,
            np.empty(0),
            measured.threshold,
            name=name,
            size=SMALL,
        ),
        f"scores, seed {run.seed}: {clips}",
        f"{label}, seed {run.seed}: histogram of the scores of {clips}",
    )


def _embedding(name: str, run: Run, reading: Reading, label: str) -> Plot:
    embeddings = reading.embeddings(run)
    if embeddings is None or run.outcome is None:
        return Plot("", "no embeddings")
    drawn = frozenset(run.outcome.drawn)
    labels = [
        clip.label if clip.content_hash not in drawn else "drawn" for clip in run.outcome.clips
    ]
    labelled = np.isin(labels, ["normal", "anomaly"])
    flat = flatten(embeddings[labelled])
    if flat is None:
        return Plot("", "no embeddings that differ")
    is_anomaly = np.array(labels)[labelled] == "anomaly"
    caption = f"embeddings, seed {run.seed} ({flat.how})"
    return Plot(embedding_svg(flat.points, is_anomaly, name=name), caption, f"{label}, {caption}")
