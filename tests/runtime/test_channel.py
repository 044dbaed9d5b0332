"""Arrays of samples: a stream and a scorer take the same ones and refuse the same ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rattle import ClipError, DataError, Detector
from rattle.runtime.channel import mono_of
from rattle.runtime.rehearsal import rehearse
from rattle.runtime.scorer import Scorer
from rattle.runtime.stream import Stream

RATE_HZ = 16000
SOUND = 0.1 * np.random.default_rng(0).standard_normal(4 * RATE_HZ, dtype=np.float32)
STEREO = np.stack([SOUND, -0.5 * SOUND[::-1]], axis=1)

TAKEN = {
    "mono": SOUND,
    "float64": SOUND.astype(np.float64),
    "float16": SOUND.astype(np.float16),
    "one column": SOUND[:, None],
    "two channels": STEREO,
    "every other sample": np.repeat(SOUND, 2)[::2],
}
REFUSED = {
    "int16": (
        (SOUND * 32767).astype(np.int16),
        "samples of type int16 and shape .* floating-point",
    ),
    "int32": ((SOUND * 32767).astype(np.int32), "samples of type int32"),
    "complex": (SOUND.astype(np.complex64), "samples of type complex64"),
    "booleans": (SOUND > 0, "samples of type bool"),
    "channels first": (
        STEREO.T,
        r"shape \[2, 64000\] have more channels than samples; .*transpose",
    ),
    "three axes": (STEREO[None], r"shape \[1, 64000, 2\]"),
    "no axis": (np.array(0.5, np.float32), r"shape \[\]"),
    "a list": (SOUND[:100].tolist(), "samples of type list"),
    "NaN": (np.where(np.arange(len(SOUND)) == 9, np.nan, SOUND), "NaN, infinite or absurdly large"),
    "infinity": (np.full(RATE_HZ, np.inf), "NaN, infinite or absurdly large"),
    "16-bit numbers as doubles of 1e300": (np.full(RATE_HZ, 1e300), "absurdly large"),
}


@pytest.fixture(scope="module")
def scorer(exported_file: Path) -> Scorer:
    return Scorer.load(exported_file)


@pytest.mark.parametrize("samples", TAKEN.values(), ids=TAKEN)
def test_what_a_scorer_takes_a_stream_takes_for_the_same_sound(
    scorer: Scorer, detector: Detector, samples: Any
) -> None:
    heard = mono_of(samples, scorer.recipe.audio.channel)
    assert heard.dtype == np.float32
    assert heard.shape == (len(SOUND),)
    for one in (scorer, detector):
        assert one.score([samples]) == one.score([heard])
    by_stream = Stream(scorer).push(samples)
    assert by_stream
    assert by_stream == Stream(scorer).push(heard)


@pytest.mark.parametrize(("samples", "why"), REFUSED.values(), ids=REFUSED)
def test_what_a_scorer_refuses_a_stream_refuses_in_the_same_words(
    scorer: Scorer, detector: Detector, samples: Any, why: str
) -> None:
    with pytest.raises(ClipError, match=why) as by_scorer:
        scorer.score([samples])
    with pytest.raises(ClipError) as by_detector:
        detector.score([samples])
    with pytest.raises(ClipError) as by_stream:
        Stream(scorer).push(samples)
    assert str(by_scorer.value) == str(by_detector.value) == str(by_stream.value)


@pytest.mark.parametrize(("channel", "heard"), [(0, STEREO[:, 0]), (1, STEREO[:, 1])])
def test_the_recipes_channel_is_heard(channel: int, heard: np.ndarray) -> None:
    assert np.array_equal(mono_of(STEREO, channel), heard)
    # One channel alone is the one that is heard, whichever it was.
    assert np.array_equal(mono_of(SOUND, channel), SOUND)
    with pytest.raises(ClipError, match=r"no channel 2, it has 2; .*audio\.channel"):
        mono_of(STEREO, 2)


def test_the_mean_of_channels_is_heard() -> None:
    assert np.allclose(mono_of(STEREO, "mean"), STEREO.mean(axis=1))


def test_an_empty_chunk_adds_nothing_and_an_empty_clip_is_none(scorer: Scorer) -> None:
    stream = Stream(scorer)
    assert stream.push(SOUND[:0]) == stream.push(STEREO[:0]) == []
    assert stream.push(SOUND) == Stream(scorer).push(SOUND)
    with pytest.raises(ClipError, match="an array of samples is empty"):
        scorer.score([SOUND[:0]])


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("new.wav", r'clips are a list, not one path: put it in brackets, \["new.wav"\]'),
        (Path("new.wav"), r'clips are a list, not one path: put it in brackets, \["new.wav"\]'),
        (SOUND, r"clips are a list, not one array: put it in brackets, \[samples\]"),
        (STEREO.T, r"clips are a list, not one array: put it in brackets, \[samples\]"),
    ],
    ids=["text", "path", "array", "array of two axes"],
)
def test_one_clip_that_is_in_no_list_is_refused_with_what_to_write(
    scorer: Scorer, detector: Detector, given: Any, expected: str
) -> None:
    for one in (scorer, detector):
        with pytest.raises(DataError, match=expected):
            one.score(given)
        with pytest.raises(DataError, match=expected):
            next(one.score_each(given))
    with pytest.raises(DataError, match="clips are a list"):
        rehearse(scorer, given)
