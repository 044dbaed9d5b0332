"""Say what a machine's detector has learnt, and what each head or encoder would change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rattle.pages.words import counted
from rattle.station.amounts_said import rate_said
from rattle.station.board import MachineNow
from rattle.station.store.reading.jobs import JobView
from rattle.station.store.reading.views import PromotionView, ReleaseView

STATES = {
    "gating": "is tried",
    "candidate": "offered",
    "refused": "refused by the gate",
    "superseded": "taken back",
    "live": "in use",
    "retired": "was in use",
}
KINDS = {"given": "The bundle of plant.toml", "head": "A head", "encoder": "An encoder"}
# Jobs that a machine's page tells of.
SHOWN = ("waiting", "running", "failed")
VERDICTS = {
    "passed": "It is shown to be better, or no worse.",
    "refused": "It would make something worse.",
    "not shown": "Too little is known to show that it is better.",
}
# The plot of the curve: width and height of its box.
WIDE, HIGH = 320, 90


@dataclass(frozen=True)
class Line:
    """A release: its state, what it is in words, its gate in a word, and who chose it last."""

    release: ReleaseView
    state: str
    words: str
    said: str
    chosen: PromotionView | None


@dataclass(frozen=True)
class Compared:
    """A figure of the release in use and of the new one; ``better`` tells which way it went."""

    what: str
    means: str
    old: str
    new: str
    better: bool | None


@dataclass(frozen=True)
class Curve:
    """What verdicts have brought, as a line: points of a drawing and their words."""

    points: Sequence[Mapping[str, Any]]
    path: str
    dots: Sequence[tuple[float, float, str]]


@dataclass(frozen=True)
class Offered:
    """A release that is offered, what it would change, and on what that was seen."""

    line: Line
    rows: Sequence[Compared]
    reasons: Sequence[str]
    heard: str


@dataclass(frozen=True)
class Learning:
    """What a machine's page shows of learning: what goes on, what is offered, what was.

    in_use: the head or encoder that is in use; None where it is the bundle that the plant's file
    names. job: the training of an encoder that is going on, or has failed last.
    """

    now: str
    offered: Sequence[Offered]
    in_use: Line | None
    lines: Sequence[Line]
    curve: Curve | None
    job: JobView | None
    has_worker: bool


def learning_of(
    machine: MachineNow,
    releases: Sequence[ReleaseView],
    chosen: Sequence[PromotionView],
    jobs: Sequence[JobView],
    *,
    has_worker: bool,
) -> Learning:
    """Put together what the page shows; releases, choices and jobs come the newest first."""
    newest = {each.release_id: each for each in reversed(chosen)}
    lines = [line_of(each, newest.get(each.id)) for each in releases]
    offered = [line for line in lines if line.release.state in ("candidate", "refused", "gating")]
    of_kind = {line.release.kind: line for line in reversed(offered)}
    learnt = (line for line in lines if line.release.kind != "given")
    gates = (each.gate for each in releases if each.gate and each.kind == "head")
    return Learning(
        now=machine.learning,
        offered=[_offered(of_kind[kind]) for kind in ("head", "encoder") if kind in of_kind],
        in_use=next((line for line in learnt if line.release.state == "live"), None),
        lines=lines,
        curve=curve_of(next(gates, None)),
        job=jobs[0] if jobs and jobs[0].state in SHOWN else None,
        has_worker=has_worker,
    )


def _offered(line: Line) -> Offered:
    gate = line.release.gate or {}
    return Offered(
        line,
        compared(gate) if gate else [],
        gate.get("reasons", []),
        heard_of(gate) if gate else "",
    )


def heard_of(gate: Mapping[str, Any]) -> str:
    """Say on how much sound a gate saw what a release would change."""
    hours, pieces = f"{gate['hours']:.0f} h", gate.get("pieces")
    if pieces is None:
        return f"{hours} of stored sound"
    kept = counted(pieces, "piece of ten seconds", "pieces of ten seconds")
    return f"recordings of incidents, and {kept}, kept at random of {hours} of running"


def line_of(release: ReleaseView, chosen: PromotionView | None) -> Line:
    """Say in words what a release is."""
    learnt = release.learnt or {}
    faults = sum(verdict == "anomaly" for verdict in learnt.values())
    counts = {"fault": faults, "false alarm": len(learnt) - faults}
    words = " and ".join(counted(count, what) for what, count in counts.items() if count)
    gate = release.gate or {}
    return Line(
        release,
        STATES[release.state],
        f"{KINDS[release.kind]} that learnt from {words}" if words else KINDS[release.kind],
        str(gate.get("state", "")),
        chosen,
    )


def compared(gate: Mapping[str, Any]) -> list[Compared]:
    """Set both side by side, figure by figure; nothing where no threshold judges them."""
    if not is_judged(gate):
        return []
    old, new = gate["old"], gate["new"]
    found = []
    for is_test, what in ((True, "of the test, never learnt from"), (False, "learnt from")):
        of = [each for each in gate["incidents"] if each["test"] is is_test]
        faults = [each for each in of if each["verdict"] == "anomaly"]
        rejected = [each for each in of if each["verdict"] == "normal"]
        found += [
            _counts(f"faults found, {what}", MEANS_FOUND, faults, True),
            _counts(f"rejected alarms that are silent, {what}", MEANS_SILENT, rejected, False),
        ]
    rows = [row for row in found if row is not None]
    if gate.get("auc"):
        before, after = gate["auc"]
        rows.append(
            Compared("AUC of the test", MEANS_AUC, f"{before:.3f}", f"{after:.3f}", after >= before)
        )
    return [*rows, *(_in_stored(old, new) if gate.get("pieces") is None else _in_kept(old, new))]


def _in_stored(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Compared]:
    """What there would be in sound of which all is stored, as a stream."""
    rows = [
        Compared(
            "alarms in the stored sound, no fault",
            MEANS_ALARMS,
            _came(old),
            _came(new),
            _fewer(old["alarms"], new["alarms"]),
        )
    ]
    if old["expected"] is not None and new["expected"] is not None:
        rows.append(
            Compared(
                "false alarms expected a week",
                MEANS_EXPECTED,
                f"{rate_said(old['expected'])}, at most {rate_said(old['upper'])}",
                f"{rate_said(new['expected'])}, at most {rate_said(new['upper'])}",
                None,
            )
        )
    return rows


def _came(of: Mapping[str, Any]) -> str:
    rate = f" ({rate_said(of['alarms_a_week'])} a week)" if of["alarms"] else ""
    return f"{of['alarms']}{rate}"


def _in_kept(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Compared]:
    """What there would be in pieces of it; of alarms a week they tell nothing."""
    return [
        Compared(
            "pieces above the threshold, no fault",
            MEANS_ALARMS,
            str(old["alarms"]),
            str(new["alarms"]),
            _fewer(old["alarms"], new["alarms"]),
        )
    ]


def _fewer(old: int, new: int) -> bool | None:
    return None if old == new else new < old


def is_judged(gate: Mapping[str, Any]) -> bool:
    """Say whether there was sound enough to fit thresholds: without, both heads are silent."""
    return bool(gate.get("judged", True))


MEANS_FOUND = "by an alarm or a watch, thresholds fitted to the other half of the days"
MEANS_SILENT = "neither alarm nor watch would have come"
MEANS_AUC = "how often a fault scores higher than healthy sound; 1 is always"
MEANS_ALARMS = "by thresholds fitted to the other half of the days"
MEANS_EXPECTED = "by the threshold that it would have now"


def _counts(
    what: str, means: str, of: Sequence[Mapping[str, Any]], is_found: bool
) -> Compared | None:
    if not of:
        return None
    old, new = (sum((each[head] is not None) is is_found for each in of) for head in ("old", "new"))
    return Compared(
        what,
        means,
        f"{old} of {len(of)}",
        f"{new} of {len(of)}",
        None if old == new else new > old,
    )


def curve_of(gate: Mapping[str, Any] | None) -> Curve | None:
    """Draw the share of the test's faults found and its rejected alarms silent, by verdicts."""
    points = [] if gate is None or not is_judged(gate) else gate.get("curve") or []
    if len(points) < 2 or not any(point["faults"] + point["rejected"] for point in points):
        return None
    dots = []
    for number, point in enumerate(points):
        right = (point["found"] + point["silent"]) / (point["faults"] + point["rejected"])
        words = (
            f"{counted(point['verdicts'], 'verdict')}: {point['found']} of {point['faults']} "
            f"faults found, {point['silent']} of {point['rejected']} rejected alarms silent"
        )
        dots.append((WIDE * number / (len(points) - 1), HIGH * (1 - right), words))
    path = " ".join(f"{'L' if n else 'M'}{x:.1f} {y:.1f}" for n, (x, y, _) in enumerate(dots))
    return Curve(points, path, [(round(x, 1), round(y, 1), words) for x, y, words in dots])
