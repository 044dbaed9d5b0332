"""Print a line a hop, for ``rattle score BUNDLE -`` and ``rattle listen``."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Iterable
from contextlib import closing
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from rattle.cli.terminal.learning import Learning, incident_lines

if TYPE_CHECKING:
    from rattle.listening.hops import Hop
    from rattle.listening.reconnect import Outage
    from rattle.listening.saving import Saving
    from rattle.listening.source import Block, Source
    from rattle.runtime.scorer import Scorer
    from rattle.scoring.budget.judge import Judge

Form = Literal["plain", "csv", "json"]
COLUMNS = (
    *("start_s", "end_s", "score", "posterior", "distance", "threshold", "anomalous"),
    "error",
)


def print_hops(
    blocks: Iterable[Block | Outage],
    source: Source,
    scorer: Scorer,
    *,
    form: Form,
    judge: Judge | None = None,
    saving: Saving | None = None,
    clock: Callable[[], datetime] = datetime.now,
) -> int:
    """Print a line for each window until the blocks end; outages and gaps go to standard error.

    With a ``judge`` incidents are printed too, and each change of its thresholds is said on
    standard error; ``saving`` stores what it learns. The exit code is 1 where a window was not
    scored. Raises ``ClipError`` where the sound ended before the first window was whole.
    """
    from rattle.errors import ClipError
    from rattle.listening.hops import Hop, hops_of
    from rattle.listening.reconnect import Outage

    _say_first(scorer, form, judge)
    learning = None if judge is None else Learning(judge)
    windows = unscored = 0
    with closing(hops_of(blocks, scorer, judge)) as events:
        for event in events:
            if isinstance(event, Hop):
                windows += 1
                unscored += event.score is None
                at = clock() if source.live else None
                _print_hop(event, in_force(scorer, judge), form, judge, at)
                if learning is not None:
                    for line in learning.hop(event, _time(event, at)):
                        _note(line)
                if saving is not None:
                    _save(saving)
            elif isinstance(event, Outage):
                _note(f"{event.reason}; connecting again in {event.wait_s:.0f} s")
            else:
                _note(f"{event.reason}; a new window begins")
    if not windows:
        features, rate_hz = scorer.recipe.features, scorer.recipe.audio.sample_rate_hz
        window_s = (features.window_samples + features.fft_samples // 2) / rate_hz
        raise ClipError(
            f"{source.name}: ended before there was a whole window, which takes {window_s:.2f} s; "
            "score a short recording as a file"
        )
    return int(unscored > 0)


def in_force(scorer: Scorer, judge: Judge | None) -> float:
    """The threshold that decides: the budget's, and while there is none that of clips."""
    alarm = None if judge is None else judge.ledger.thresholds.get("alarm")
    return scorer.threshold.value if alarm is None else alarm.value


def _save(saving: Saving) -> None:
    from rattle.errors import StorageError

    try:
        saving.save_if_due()
    except StorageError as error:
        _note(f"warning: {error}; listening goes on")


def _say_first(scorer: Scorer, form: Form, judge: Judge | None) -> None:
    # It is about the threshold of clips.
    if scorer.threshold.warning and (judge is None or not judge.ledger.thresholds):
        _note(f"warning: {scorer.threshold.warning}")
    if form == "csv":
        print(",".join(COLUMNS), flush=True)
    elif form == "plain":
        print(f"{'time':19} {'score':>9} {'p':>7} {'d':>9}  decision", flush=True)


def _time(hop: Hop, at: datetime | None) -> str:
    return f"{hop.end_s:.2f} s" if at is None else f"{at:%Y-%m-%d %H:%M:%S}"


def _print_hop(
    hop: Hop, threshold: float, form: Form, judge: Judge | None, at: datetime | None
) -> None:
    if form == "plain":
        time = _time(hop, at)
        print(_line(hop, threshold, time), flush=True)
        if judge is not None and hop.judged is not None:
            for line in incident_lines(judge, hop.judged.changes):
                print(f"{time:19} {line}", flush=True)
        return
    row = _row(hop, threshold)
    if form == "csv":
        csv.DictWriter(sys.stdout, COLUMNS, lineterminator="\n").writerow(row)
        sys.stdout.flush()
        return
    if at is not None:
        row = {"time": at.astimezone().isoformat(timespec="milliseconds"), **row}
    if hop.judged is not None:
        row["alarm"] = hop.judged.level == "alarm"
        row["level"], row["stage"] = hop.judged.level, hop.judged.stage
    print(json.dumps(row), flush=True)


def _line(hop: Hop, threshold: float, time: str) -> str:
    if hop.score is None:
        return f"{time:19} {'-':>9} {'-':>7} {'-':>9}  not scored: {hop.fault}"
    score = hop.score
    parts = f"{_number(score.posterior):>7} {_number(score.distance):>9}"
    decision = "ANOMALOUS" if score.score > threshold else "normal"
    return f"{time:19} {score.score:9.4g} {parts}  {decision}"


def _row(hop: Hop, threshold: float) -> dict[str, Any]:
    score = hop.score
    return {
        "start_s": round(hop.start_s, 3),
        "end_s": round(hop.end_s, 3),
        "score": None if score is None else score.score,
        "posterior": None if score is None else score.posterior,
        "distance": None if score is None else score.distance,
        "threshold": threshold,
        "anomalous": None if score is None else score.score > threshold,
        "error": hop.fault or None,
    }


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


def _note(text: str) -> None:
    print(f"rattle: {text}", file=sys.stderr, flush=True)
