"""A long recording judged as listening would: incidents where they are, thresholds as they were."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from numpy.typing import NDArray

from made_up_scorer import MadeUpScorer
from rattle import ClipError, Recipe
from rattle.listening.hops import Hop, hops_of
from rattle.listening.recording import recording_blocks
from rattle.listening.source import Block
from rattle.listening.timeline import Timeline, timeline_of
from rattle.scoring.budget.judge import Judge
from rattle.scoring.budget.ledger import Account
from rattle.scoring.budget.rule import AlarmRule
from rattle.scoring.threshold import Threshold

RATE_HZ = 16000
# Windows of 8.2 s, as the packaged recipes have them.
RECIPE = Recipe.load("small").with_values(features={"mel_bands": 32})
Sound = NDArray[np.float32]


def noise(seconds: float, seed: int = 0) -> Sound:
    samples = np.random.default_rng(seed).normal(0, 0.05, (round(seconds * RATE_HZ), 1))
    return samples.astype(np.float32)


def louder(sound: Sound, start_s: float, end_s: float, gain: float = 3.0) -> Sound:
    sound = sound.copy()
    sound[round(start_s * RATE_HZ) : round(end_s * RATE_HZ)] *= gain
    return sound


def blocks(sound: Sound) -> list[Block]:
    return [Block(sound[i : i + RATE_HZ], RATE_HZ) for i in range(0, len(sound), RATE_HZ)]


def scorer(threshold: float = 0.0) -> MadeUpScorer:
    return MadeUpScorer(RECIPE, Threshold(threshold, 0.05, 0.0, 0.2, 20))


def learner(account: Account | None = None) -> Judge:
    return Judge(AlarmRule(), hop_s=0.992, budget_per_week=1.0, account=account)


def scores(sound: Sound) -> list[float]:
    hops = hops_of(blocks(sound), scorer())
    return [hop.score.score for hop in hops if isinstance(hop, Hop) and hop.score]


def between(sound: Sound) -> float:
    """A threshold halfway from the usual score to the highest, on the side that is anomalous."""
    of = scores(sound)
    return float(np.median(of) + max(of)) / 2


def heard(sound: Sound, threshold: float, judge: Judge | None = None) -> Timeline:
    return timeline_of(blocks(sound), scorer(threshold), judge or learner())


# The made-up scorer takes soft sound for anomalous.
@pytest.fixture(scope="module")
def faulty() -> Sound:
    return louder(noise(100), 60, 80, 1 / 3)


def test_a_fault_of_20_s_is_an_incident_with_its_start_and_end(faulty: Sound) -> None:
    timeline = heard(faulty, between(faulty))
    (incident,) = timeline.incidents
    assert incident.start_s == pytest.approx(60, abs=4.2)
    assert incident.end_s == pytest.approx(80, abs=4.2)
    assert 60 < incident.peak_s < 80
    assert incident.peak == pytest.approx(max(scores(faulty)))
    assert not incident.by_budget
    assert timeline.seconds == 100


def test_two_faults_are_two_incidents_by_the_threshold_of_clips(faulty: Sound) -> None:
    both = louder(faulty, 20, 35, 1 / 3)
    found = heard(both, between(faulty)).incidents
    assert [each.number for each in found] == [1, 2]
    assert [round(each.start_s, -1) for each in found] == [20, 60]


def test_by_the_budget_they_are_one_for_ten_calm_minutes_have_not_passed(faulty: Sound) -> None:
    both = louder(faulty, 20, 35, 1 / 3)
    spread = np.random.default_rng(0).gumbel(0, 1e-4, size=3000)
    judge = learner(Account(between(faulty) + spread, heard=3000))
    judge.ledger.refit()
    level = judge.ledger.thresholds["alarm"].value
    timeline = heard(both, 99.0, judge)
    (incident,) = timeline.incidents
    assert incident.by_budget
    assert incident.start_s < 25
    assert incident.end_s > 75
    assert {moment.alarm for moment in timeline.moments} == {level}
    assert {moment.stage for moment in timeline.moments} == {"provisional"}
    assert judge.ledger.is_open("alarm")


def test_a_recording_without_a_fault_has_no_incident(faulty: Sound) -> None:
    timeline = heard(noise(60), between(faulty))
    assert not timeline.incidents
    assert {moment.stage for moment in timeline.moments} == {"learning"}
    assert {moment.watch for moment in timeline.moments} == {None}


def test_minutes_are_those_of_the_windows(faulty: Sound) -> None:
    timeline = heard(faulty, 99.0)
    (minute,) = timeline.minutes
    of = [moment.y for moment in timeline.moments if moment.minute == 0]
    assert minute == max(of)
    assert len(of) == 61


def test_sound_that_is_not_fit_is_told_and_not_scored(faulty: Sound) -> None:
    timeline = heard(louder(faulty, 30, 40, 0.0), between(faulty))
    unscored = [moment for moment in timeline.moments if moment.fault]
    assert all("silent" in moment.fault and moment.score is None for moment in unscored)
    assert min(moment.end_s for moment in unscored) == pytest.approx(30, abs=1.3)
    assert max(moment.start_s for moment in unscored) == pytest.approx(40, abs=1.3)
    assert len(timeline.incidents) == 1


def test_a_recording_is_heard_as_it_is_however_it_is_read(tmp_path: Path) -> None:
    stereo = np.concatenate([noise(70), noise(70, 1)], axis=1)
    path = tmp_path / "long.flac"
    sf.write(path, stereo, RATE_HZ)
    read = [block.samples for block in recording_blocks(path)]
    assert len(read) > 1
    assert np.allclose(np.concatenate(read), stereo, atol=1e-4)


def test_a_recording_with_an_odd_header_is_heard_and_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "odd.wav"
    sf.write(path, noise(3), RATE_HZ)
    content = path.read_bytes()
    path.write_bytes(content[:40] + bytes(4) + content[44:])
    read = [block.samples for block in recording_blocks(path)]
    assert np.allclose(np.concatenate(read), noise(3), atol=1e-4)
    assert f"{path}: the header states no length" in caplog.text


def test_a_recording_that_was_cut_short_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "cut.wav"
    sf.write(path, noise(3), RATE_HZ)
    path.write_bytes(path.read_bytes()[:50_000])
    with pytest.raises(ClipError, match="cut short"):
        list(recording_blocks(path))
