"""A bundle's graph gives the scores of its network."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from hypothesis import given, settings
from hypothesis import strategies as st

from rattle import BundleError, ClipError, Detector, Manifest
from rattle.bundle import read_bundle, write_bundle
from rattle.runtime import spans as spans_module
from rattle.runtime.graph import Graph, shared_graph
from rattle.runtime.scorer import Scorer
from rattle.scoring.clip import ClipScore

RATE_HZ = 16000


@pytest.fixture(scope="session")
def scorer(exported_file: Path) -> Scorer:
    return Scorer.load(exported_file)


def noise(samples: int, seed: int = 0) -> np.ndarray:
    return 0.1 * np.random.default_rng(seed).standard_normal(samples, dtype=np.float32)


def assert_alike(found: list[ClipScore], expected: list[ClipScore]) -> None:
    for one, other in zip(found, expected, strict=True):
        assert one.path == other.path
        assert one.score == pytest.approx(other.score, rel=1e-4, abs=1e-4)
        assert one.posterior == pytest.approx(other.posterior, rel=1e-4, abs=1e-4)
        assert one.distance == pytest.approx(other.distance, rel=1e-4)
        assert one.threshold == pytest.approx(other.threshold, rel=1e-4)
        assert [w.start_s for w in one.windows] == [w.start_s for w in other.windows]
        scores = [[w.score for w in clip.windows] for clip in (one, other)]
        assert scores[0] == pytest.approx(scores[1], rel=1e-4, abs=1e-4)


def test_recordings_score_as_by_torch(scorer: Scorer, detector: Detector, clips: Manifest) -> None:
    paths = list(clips.table["path"])
    assert_alike(scorer.score(paths), detector.score(paths))
    assert_alike(scorer.score(paths, scale="paper"), detector.score(paths, scale="paper"))


@given(samples=st.integers(1, 3 * RATE_HZ), seed=st.integers(0, 9))
@settings(max_examples=25)
def test_samples_of_any_length_score_as_by_torch(
    scorer: Scorer, detector: Detector, samples: int, seed: int
) -> None:
    clip = noise(samples, seed)
    assert_alike(scorer.score([clip]), detector.score([clip]))


def test_a_long_recording_scores_as_by_torch_in_blocks_of_any_size(
    scorer: Scorer, detector: Detector, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = noise(41 * RATE_HZ + 77)
    expected = detector.score([clip])
    assert len(expected[0].windows) > 30
    for at_once in (1, 7, 1000):
        monkeypatch.setattr(spans_module, "WINDOWS_AT_ONCE", at_once)
        assert_alike(scorer.score([clip]), expected)


def test_the_order_is_the_one_given_and_a_bad_clip_does_not_stop_the_rest(
    scorer: Scorer, tmp_path: Path
) -> None:
    paths = [tmp_path / f"{index}.wav" for index in range(6)]
    for index, path in enumerate(paths):
        sf.write(path, noise(RATE_HZ * (1 + index % 3), index), RATE_HZ)
    paths[2].write_bytes(b"no sound")
    results = list(scorer.score_each(paths))
    assert [result.path for result in results] == [str(path) for path in paths]
    assert [isinstance(result, ClipScore) for result in results].count(False) == 1
    with pytest.raises(ClipError, match="cannot be read as audio"):
        scorer.score(paths)


def test_a_recording_with_an_odd_header_has_the_score_of_its_sound_and_a_remark(
    scorer: Scorer, tmp_path: Path
) -> None:
    sf.write(tmp_path / "a.wav", noise(2 * RATE_HZ), RATE_HZ)
    content = (tmp_path / "a.wav").read_bytes()
    (tmp_path / "b.wav").write_bytes(content[:40] + bytes(4) + content[44:])
    right, odd = scorer.score([tmp_path / "a.wav", tmp_path / "b.wav"])
    assert odd.score == right.score
    assert "the header states no length" in (odd.remark or "")
    assert "header" not in (right.remark or "")


def test_frames_known_earlier_need_not_be_computed_again(scorer: Scorer) -> None:
    hop, sound = scorer.recipe.features.hop_samples, noise(2 * RATE_HZ)
    amplitude = scorer.info.amplitude
    whole = scorer.graph.run(sound, np.arange(40)[None], amplitude)
    cut = 30 * hop
    # The first frame of a piece lies half outside it.
    known = whole.features[:31]
    again = scorer.graph.run(sound[cut:], np.r_[0:31, 32:41][None], amplitude, known)
    np.testing.assert_allclose(again.features[32:], whole.features[31:], atol=1e-3)
    np.testing.assert_allclose(again.embeddings, whole.embeddings, atol=1e-4)


def test_a_bundle_without_a_graph_says_how_to_get_one(bundle_file: Path) -> None:
    assert Scorer.find(bundle_file) is None
    with pytest.raises(BundleError, match="holds no graph; export it first"):
        Scorer.load(bundle_file)


def test_what_is_no_graph_is_refused_in_one_line() -> None:
    with pytest.raises(BundleError, match="cannot be loaded by ONNX Runtime") as refused:
        Graph(b"no graph at all")
    assert len(str(refused.value).splitlines()) == 1


def test_bundles_of_one_encoder_share_a_session_while_one_of_them_is_there(
    exported_file: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "another-machine.rattle"
    copy.write_bytes(exported_file.read_bytes())
    one, other = Scorer.load(exported_file), Scorer.load(copy)
    assert one.graph is other.graph
    model = read_bundle(copy).graph
    assert model is not None
    assert shared_graph(model) is one.graph
    assert shared_graph(model, threads=2) is not one.graph


def test_the_stored_clips_are_verified_without_the_network(scorer: Scorer) -> None:
    assert scorer.verify() < 1e-4
    moved = tuple(g.model_copy(update={"score": g.score + 0.01}) for g in scorer.info.golden)
    odd = replace(scorer, info=scorer.info.model_copy(update={"golden": moved}))
    assert odd.verify() == pytest.approx(0.01, rel=0.05)


def test_a_head_of_another_size_is_refused_with_its_bundle(
    exported_file: Path, tmp_path: Path
) -> None:
    whole = read_bundle(exported_file)
    short = {name: value[..., :4] for name, value in whole.learnt["head"].items()}
    odd = replace(whole, learnt={**whole.learnt, "head": short})
    write_bundle(odd, tmp_path / "odd.rattle")
    with pytest.raises(BundleError, match=r"odd\.rattle: its graph has .* its head 4"):
        Scorer.load(tmp_path / "odd.rattle")
