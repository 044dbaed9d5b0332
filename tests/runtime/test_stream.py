"""``Stream``: the offline timeline, whatever the chunks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from made_up_scorer import MadeUpScorer
from rattle import ClipError, Recipe
from rattle.runtime.embedding_stream import WINDOWS_AT_ONCE, EmbeddingStream
from rattle.runtime.stream import Stream, StreamScore
from rattle.scoring.clip import clip_score
from rattle.scoring.threshold import Threshold

RATE_HZ = 16000
SOUND = np.random.default_rng(0).normal(0, 0.1, 6 * RATE_HZ).astype(np.float32)
SOUND *= np.linspace(0.2, 2, len(SOUND), dtype=np.float32)


def recipe(
    *, fft: int = 1024, hop: int = 512, window: int = 64, timeline_s: float = 1.0, channel: Any = 0
) -> Recipe:
    return Recipe.load("small").with_values(
        audio={"channel": channel},
        features={"fft_samples": fft, "hop_samples": hop, "mel_bands": 16, "window_frames": window},
        network={"stem_stride": 1},
        scoring={"timeline_seconds": timeline_s},
    )


def offline(scorer: MadeUpScorer, sound: NDArray[np.float32]) -> list[tuple[float, ...]]:
    """The timeline of the whole sound, but for windows that its end or its padding is part of."""
    features, rate_hz = scorer.recipe.features, scorer.recipe.audio.sample_rate_hz
    hop = max(round(scorer.recipe.scoring.timeline_seconds * rate_hz / features.hop_samples), 1)
    whole = (len(sound) - features.fft_samples // 2) // features.hop_samples + 1
    starts = np.arange(0, whole - features.window_frames + 1, hop)
    output = scorer.graph.run(sound, starts[:, None] + np.arange(features.window_frames))
    at_s = starts * features.hop_samples / rate_hz
    parts = scorer.head.parts(at_s, output.embeddings)
    windows = clip_score("", parts, scorer.mix(), scorer.decision).windows
    return [(w.start_s, w.score, w.posterior or 0, w.distance or 0) for w in windows]


def values(scores: list[StreamScore]) -> list[tuple[float, ...]]:
    return [(s.start_s, s.score, s.posterior or 0, s.distance or 0) for s in scores]


def pushed(stream: Stream, sound: NDArray[np.float32], cuts: list[int]) -> list[StreamScore]:
    return [score for chunk in np.split(sound, sorted(cuts)) for score in stream.push(chunk)]


@settings(max_examples=60)
@given(
    cuts=st.lists(st.integers(0, len(SOUND)), max_size=40),
    fft=st.sampled_from([256, 512, 1024]),
    hop=st.sampled_from([100, 160, 512, 700, 1200]),
    window=st.sampled_from([32, 33, 64]),
    timeline_s=st.sampled_from([0.01, 0.3, 1.0, 2.5]),
)
def test_a_stream_gives_the_scores_of_the_whole_recording(
    cuts: list[int], fft: int, hop: int, window: int, timeline_s: float
) -> None:
    scorer = MadeUpScorer(recipe(fft=fft, hop=hop, window=window, timeline_s=timeline_s))
    expected = offline(scorer, SOUND)
    assert expected
    np.testing.assert_allclose(values(pushed(Stream(scorer), SOUND, cuts)), expected, atol=1e-4)


@settings(max_examples=20)
@given(
    cuts=st.lists(st.integers(0, 3 * len(SOUND)), max_size=40),
    rate_hz=st.sampled_from([8000, 22050, 44100, 48000]),
)
def test_a_stream_of_another_rate_gives_the_scores_of_the_resampled_recording(
    cuts: list[int], rate_hz: int
) -> None:
    scorer = MadeUpScorer(recipe())
    there = soxr.resample(SOUND, RATE_HZ, rate_hz, "VHQ")
    expected = offline(scorer, soxr.resample(there, rate_hz, RATE_HZ, "HQ"))
    found = values(pushed(Stream(scorer, sample_rate_hz=rate_hz), there, cuts))
    # The resampler holds back some milliseconds, which no end of the sound brings out.
    assert len(expected) - 1 <= len(found) <= len(expected)
    np.testing.assert_allclose(found, expected[: len(found)], atol=1e-4)


@pytest.mark.parametrize("channel", [0, 1, "mean"])
def test_the_recipe_says_which_channel_is_heard(channel: Any) -> None:
    scorer = MadeUpScorer(recipe(channel=channel))
    stereo = np.stack([SOUND, 0.3 * SOUND[::-1]], axis=1)
    mono = stereo.mean(axis=1) if channel == "mean" else stereo[:, channel]
    found = values(Stream(scorer).push(stereo))
    np.testing.assert_allclose(found, offline(scorer, mono), atol=1e-4)


def test_frames_are_computed_once_but_for_the_edges_of_a_hop() -> None:
    scorer = MadeUpScorer(recipe())
    scores = pushed(Stream(scorer), SOUND, list(range(0, len(SOUND), 1600)))
    needed = round(scores[-1].start_s * RATE_HZ / 512) + 64
    # Of each hop's piece the first frame and the last see its cut and are not used.
    assert scorer.graph.frames_computed <= needed + 2 * len(scores)


def test_what_a_stream_keeps_does_not_grow() -> None:
    stream = EmbeddingStream(MadeUpScorer(recipe()))
    kept = []
    for _ in range(40):
        stream.push(SOUND[:4000])
        kept.append(stream._frames.nbytes + sum(chunk.nbytes for chunk in stream._chunks))
    window_s = 63 * 512 / RATE_HZ
    assert max(kept) <= (window_s + 1) * RATE_HZ * 4
    assert kept[-1] <= max(kept[:20])


def test_a_push_of_an_hour_is_scored_some_windows_at_a_time() -> None:
    scorer = MadeUpScorer(recipe(timeline_s=0.032))
    scores = Stream(scorer).push(SOUND)
    assert len(scores) > 5 * WINDOWS_AT_ONCE
    assert scorer.graph.longest <= (63 + WINDOWS_AT_ONCE) * 512 + 1024


def test_a_window_tells_when_it_was_and_whether_it_is_anomalous() -> None:
    middle = float(np.median([score for _, score, *_ in offline(MadeUpScorer(recipe()), SOUND)]))
    stream = Stream(MadeUpScorer(recipe(), Threshold(middle, 0.05, 0.0, 0.2, 20)))
    scores = stream.push(SOUND)
    assert stream.hop_s == pytest.approx(31 * 0.032)
    assert [s.start_s for s in scores] == pytest.approx([i * stream.hop_s for i in range(4)])
    assert [s.end_s - s.start_s for s in scores] == pytest.approx([63 * 0.032] * 4)
    assert [s.anomalous for s in scores] == [s.score > middle for s in scores]
    assert len({s.anomalous for s in scores}) == 2


def test_a_channel_that_is_not_there_is_refused() -> None:
    stream = Stream(MadeUpScorer(recipe(channel=2)))
    with pytest.raises(ClipError, match=r"no channel 2, it has 2; .*audio\.channel"):
        stream.push(np.zeros((10, 2), np.float32))


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e30])
def test_samples_that_are_no_numbers_are_refused_and_do_no_harm(value: float) -> None:
    scorer = MadeUpScorer(recipe())
    stream = Stream(scorer)
    with pytest.raises(ClipError, match="NaN, infinite or absurdly large"):
        stream.push(np.full(100, value, np.float32))
    np.testing.assert_allclose(values(stream.push(SOUND)), offline(scorer, SOUND), atol=1e-4)


def test_the_embeddings_that_are_scored_are_those_of_the_embedding_stream() -> None:
    scorer: Any = MadeUpScorer(recipe())
    embedded = EmbeddingStream(scorer).push(SOUND)
    parts = [scorer.head.parts(each.start_s, each.z) for each in embedded]
    alone = [
        w for each in parts for w in clip_score("", each, scorer.mix(), scorer.decision).windows
    ]
    assert [(w.start_s, w.score) for w in Stream(scorer).push(SOUND)] == [
        (w.start_s, w.score) for w in alone
    ]


@pytest.mark.parametrize("rate", [0, -1, "x", 16000.5])
def test_a_rate_that_is_none_is_refused(rate: Any) -> None:
    with pytest.raises(ClipError, match=r"sample rate of .*expected samples a second"):
        Stream(MadeUpScorer(recipe()), sample_rate_hz=rate)
