"""``rattle listen``: tell how anomalous a machine sounds at this moment."""

from __future__ import annotations

import signal
import time
from pathlib import Path


def listen(
    bundle: Path,
    /,
    *,
    device: str | None = None,
    url: str | None = None,
    alarm: str = "3/5",
    false_alarms: float | None = None,
    once: bool = False,
    json: bool = False,
) -> int:
    """Listen to a machine: a line each second with the score of the last window, and alarms.

    The first line comes when the first window is whole (8 s with the packaged recipes). Sound that
    is silent, clipped or frozen is reported and not scored. A sound card or a URL that is lost is
    connected again after 1 to 30 s, and no window spans the gap; a file ends when it ends. The
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
        K/N: raise an alarm when K of the last N windows passed the threshold. It ends after N
        scored windows in a row that did not.
    false_alarms
        Share of healthy windows that may lie above the threshold of a window, such as 0.01; by
        default the recipe's.
    once
        Stop when a sound card or URL ends or is lost, in place of connecting again.
    json
        Print a JSON object a line.
    """
    from numpy.random import default_rng

    from rattle.cli.terminal.hop_lines import print_hops
    from rattle.errors import DataError
    from rattle.listening.alarm import AlarmRule
    from rattle.listening.ffmpeg import Ffmpeg
    from rattle.listening.reconnect import connected_blocks
    from rattle.listening.sound_card import SoundCard
    from rattle.runtime import Scorer

    if device is not None and url is not None:
        raise DataError("--device and --url exclude each other; give one")
    rule = AlarmRule.parse(alarm)
    scorer = Scorer.load(bundle)
    if false_alarms is not None:
        scorer = scorer.at_rate(false_alarms)
    channel = scorer.recipe.audio.channel
    source = SoundCard(device, channel) if url is None else Ffmpeg(url)
    # A service manager ends what it started by SIGTERM: as clean an end as Ctrl-C, which a shell
    # script tells what it started in the background to ignore.
    before = {
        number: signal.signal(number, signal.default_int_handler)
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        blocks = connected_blocks(source, once=once, sleep=time.sleep, randomness=default_rng())
        return print_hops(blocks, source, scorer, form="json" if json else "plain", rule=rule)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
