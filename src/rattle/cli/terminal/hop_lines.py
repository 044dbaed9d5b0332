"""Print a line a hop, for ``rattle score BUNDLE -`` and ``rattle listen``."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Iterable
from contextlib import closing
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from rattle.listening.alarm import AlarmRule
    from rattle.listening.hops import Hop
    from rattle.listening.reconnect import Outage
    from rattle.listening.source import Block, Source
    from rattle.runtime.scorer import Scorer

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
    rule: AlarmRule | None = None,
    clock: Callable[[], datetime] = datetime.now,
) -> int:
    """Print a line for each window until the blocks end; outages and gaps go to standard error.

    With a ``rule`` alarms are printed too. The exit code is 1 where a window was not scored.
    Raises ``ClipError`` where the sound ended before the first window was whole.
    """
    from rattle.errors import ClipError
    from rattle.listening.alarm import AlarmRule
    from rattle.listening.hops import Hop, hops_of
    from rattle.listening.reconnect import Outage

    _say_first(scorer, form)
    windows = unscored = 0
    with closing(hops_of(blocks, scorer, rule or AlarmRule())) as events:
        for event in events:
            if isinstance(event, Hop):
                windows += 1
                unscored += event.score is None
                at = clock() if source.live else None
                _print_hop(event, scorer.threshold.value, form, rule, at)
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


def _say_first(scorer: Scorer, form: Form) -> None:
    if scorer.threshold.warning:
        _note(f"warning: {scorer.threshold.warning}")
    if form == "csv":
        print(",".join(COLUMNS), flush=True)
    elif form == "plain":
        print(f"{'time':19} {'score':>9} {'p':>7} {'d':>9}  decision", flush=True)


def _print_hop(
    hop: Hop, threshold: float, form: Form, rule: AlarmRule | None, at: datetime | None
) -> None:
    if form == "plain":
        time = f"{hop.end_s:.2f} s" if at is None else f"{at:%Y-%m-%d %H:%M:%S}"
        print(_line(hop, time), flush=True)
        if rule is not None and hop.change == "raised":
            passed = f"{rule.passes} of the last {rule.hops} windows above {threshold:.4g}"
            print(f"{time:19} ALARM: {passed}", flush=True)
        elif rule is not None and hop.change == "ended":
            print(f"{time:19} alarm ended: none of {rule.hops} windows above", flush=True)
        return
    row = _row(hop, threshold)
    if form == "csv":
        csv.DictWriter(sys.stdout, COLUMNS, lineterminator="\n").writerow(row)
        sys.stdout.flush()
        return
    if at is not None:
        row = {"time": at.astimezone().isoformat(timespec="milliseconds"), **row}
    if rule is not None:
        row["alarm"] = hop.alarm
    print(json.dumps(row), flush=True)


def _line(hop: Hop, time: str) -> str:
    if hop.score is None:
        return f"{time:19} {'-':>9} {'-':>7} {'-':>9}  not scored: {hop.fault}"
    score = hop.score
    parts = f"{_number(score.posterior):>7} {_number(score.distance):>9}"
    return f"{time:19} {score.score:9.4g} {parts}  {'ANOMALOUS' if score.anomalous else 'normal'}"


def _row(hop: Hop, threshold: float) -> dict[str, Any]:
    score = hop.score
    return {
        "start_s": round(hop.start_s, 3),
        "end_s": round(hop.end_s, 3),
        "score": None if score is None else score.score,
        "posterior": None if score is None else score.posterior,
        "distance": None if score is None else score.distance,
        "threshold": threshold,
        "anomalous": None if score is None else score.anomalous,
        "error": hop.fault or None,
    }


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


def _note(text: str) -> None:
    print(f"rattle: {text}", file=sys.stderr, flush=True)
