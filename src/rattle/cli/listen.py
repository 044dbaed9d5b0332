"""``rattle listen``: tell how anomalous a machine sounds at this moment."""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rattle.runtime import Scorer
    from rattle.scoring.budget.judge import Judge


def listen(
    bundle: Path,
    /,
    *,
    device: str | None = None,
    url: str | None = None,
    alarm: str = "3/5",
    false_alarms: float | None = None,
    budget: float = 1.0,
    state: Path | None = None,
    once: bool = False,
    json: bool = False,
) -> int:
    """Listen to a machine: a line each second with the score of the last window, and alarms.

    The threshold of alarms is learnt from what is heard, for a budget of false alarms: one a week
    on average. Until two hours of running were heard no alarm is raised; until seven days the
    threshold is provisional. A watch is a lower level with seven times the budget.

    The first line comes when the first window is whole (8 s with the packaged recipes). Sound that
    is silent, clipped or frozen is reported and not scored. A sound card or a URL that is lost is
    connected again after 1 to 30 s, and no window spans the gap; a file ends when it ends. A URL
    that has no sound or is refused (no audio track, 401, 404) before any was heard ends it. The
    bundle needs the graph that rattle export writes. Ctrl-C stops; the exit code is then 130.

    Parameters
    ----------
    bundle
        A .rattle file.
    device
        A sound card's input: its number or part of its name. Without --device and --url, the
        default input.
    url
        Whatever ffmpeg reads: a file, rtsp://, http:// and so on.
    alarm
        K/N: raise an alarm when K of the last N windows passed the threshold. It ends after ten
        minutes in which that did not happen.
    false_alarms
        Share of healthy windows that may lie above the threshold that counts until the budget's has
        been learnt, such as 0.01; by default the recipe's.
    budget
        False alarms a week that are accepted, on average.
    state
        File to keep what is learnt in, at most 28 days of minutes, and to go on from. Without it
        all is forgotten at the end. One process at a time has it.
    once
        Stop when a sound card or URL ends or is lost, in place of connecting again.
    json
        Print a JSON object a line.
    """
    from contextlib import nullcontext

    from rattle.errors import DataError
    from rattle.listening.judging import judge_of
    from rattle.locked import locked
    from rattle.runtime import Scorer
    from rattle.scoring.budget.rule import AlarmRule

    if device is not None and url is not None:
        raise DataError("--device and --url exclude each other; give one")
    scorer = Scorer.load(bundle)
    if false_alarms is not None:
        scorer = scorer.at_rate(false_alarms)
    with nullcontext() if state is None else locked(state, "listening"):
        judge = judge_of(scorer, AlarmRule.parse(alarm), budget, state)
        return _listen(scorer, judge, device, url, state, once=once, json=json)


def _listen(
    scorer: Scorer,
    judge: Judge,
    device: str | None,
    url: str | None,
    state: Path | None,
    *,
    once: bool,
    json: bool,
) -> int:
    from numpy.random import default_rng

    from rattle.cli.terminal.budget_lines import first_line
    from rattle.cli.terminal.hop_lines import print_hops
    from rattle.listening.ffmpeg import Ffmpeg
    from rattle.listening.reconnect import connected_blocks
    from rattle.listening.saving import Saving
    from rattle.listening.sound_card import SoundCard

    channel = scorer.recipe.audio.channel
    source = SoundCard(device, channel) if url is None else Ffmpeg(url)
    saving = None if state is None else Saving(state, judge, scorer)
    if saving is not None:
        saving.save()  # a file that cannot be written is said now, and not in two hours
    print(f"rattle: {first_line(judge, is_kept=state is not None)}", file=sys.stderr, flush=True)
    # A service manager ends what it started by SIGTERM: as clean an end as Ctrl-C, which a shell
    # script tells what it started in the background to ignore.
    before = {
        number: signal.signal(number, signal.default_int_handler)
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        blocks = connected_blocks(source, once=once, sleep=time.sleep, randomness=default_rng())
        return print_hops(
            blocks, source, scorer, form="json" if json else "plain", judge=judge, saving=saving
        )
    finally:
        if saving is not None:
            saving.save()
        for number, handler in before.items():
            signal.signal(number, handler)
