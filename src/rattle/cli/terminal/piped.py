"""Score raw samples from standard input in place of recordings: ``rattle score BUNDLE -``."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

from cyclopts import Parameter, Token

if TYPE_CHECKING:
    from rattle.cli.terminal.hop_lines import Form
    from rattle.listening.pcm import Encoding

STANDARD_INPUT = Path("-")


def _paths(_: Any, tokens: Sequence[Token]) -> list[Path]:
    """Read words as paths; a lone dash is one, any other word with a dash is a mistake."""
    for token in tokens:
        if token.value.startswith("-") and token.value != "-":
            raise ValueError(f"Unknown option: {token.value}")
    return [Path(token.value) for token in tokens]


# The parser takes a lone dash for an option without a name unless told otherwise.
Paths = Annotated[list[Path], Parameter(allow_leading_hyphen=True, converter=_paths)]


def score_piped(
    bundle: Path,
    form: Form,
    encoding: Encoding,
    rate: int | None,
    channels: int,
    false_alarms: float | None,
) -> int:
    """Score standard input until it ends; 1 where a window was not fit to be scored."""
    from rattle.cli.terminal.hop_lines import print_hops
    from rattle.clips.reading import MAX_RATE_HZ, MIN_RATE_HZ
    from rattle.errors import DataError
    from rattle.listening.backlog import blocks_of
    from rattle.listening.pcm import Pcm
    from rattle.listening.standard_input import StandardInput
    from rattle.runtime import Scorer

    scorer = Scorer.load(bundle)
    if false_alarms is not None:
        scorer = scorer.at_rate(false_alarms)
    rate = scorer.recipe.audio.sample_rate_hz if rate is None else rate
    if not MIN_RATE_HZ <= rate <= MAX_RATE_HZ:
        raise DataError(f"--rate {rate}: expected {MIN_RATE_HZ} to {MAX_RATE_HZ} samples a second")
    if channels < 1:
        raise DataError(f"--channels {channels}: expected 1 or more")
    stream = cast(io.BufferedReader, sys.stdin.buffer)
    source = StandardInput(stream, Pcm(encoding, rate, channels))
    return print_hops(blocks_of(source), source, scorer, form=form)
