"""Sound in; minutes, incidents, recordings, embeddings and the board out."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import numpy as np
import pytest
from hearing_kit import BEGAN, HOP_S, RATE_HZ, RECIPE, WINDOW_S, Kit, account_of, noise

from made_up_scorer import MadeUpScorer
from rattle.listening.source import Block
from rattle.runtime.stream import Stream
from rattle.station.hear.in_use import InUse
from rattle.station.hear.operating import ByLevel, ByTag
from rattle.station.judge.source_judge import SourceJudge
from rattle.station.records import (
    ClipHeard,
    Embeddings,
    IncidentChanged,
    MinuteHeard,
    StretchChanged,
)

# What the made-up scorer gives for noise of level 0.1 is 0.09; for one of 0.001 it is 0.5.
HEALTHY, ODD = 0.1, 0.001
LEARNT = 0.0903


def told_minutes(kit: Kit) -> list[MinuteHeard]:
    return kit.of(MinuteHeard)


def test_a_minute_holds_the_scores_of_the_stream_by_the_clock() -> None:
    kit, sound = Kit(), noise(185)
    kit.hear(sound)
    expected = Stream(MadeUpScorer(RECIPE)).push(sound)  # type: ignore[arg-type]
    minutes = told_minutes(kit)
    assert [minute.at for minute in minutes] == [BEGAN + timedelta(minutes=n) for n in range(3)]
    for number, minute in enumerate(minutes):
        scores = [e.score for e in expected if e.end_s // 60 == number]
        assert minute.scores == pytest.approx(scores, abs=1e-4)
        assert minute.highest == pytest.approx(max(kit_y(expected, number)), abs=1e-4)
    assert [minute.level_db for minute in minutes] == pytest.approx([-20.0] * 3, abs=0.1)
    assert [minute.running_s for minute in minutes] == [60.0] * 3
    assert {(minute.lost_s, minute.fitness, minute.operating) for minute in minutes} == {
        (0.0, "", "running")
    }


def kit_y(windows: list[object], minute: int) -> list[float]:
    scores = [(w.end_s, w.score) for w in windows]  # type: ignore[attr-defined]
    ys = [
        (end_s, sorted(score for _, score in scores[max(n - 4, 0) : n + 1])[-3])
        for n, (end_s, _) in enumerate(scores)
        if n >= 2
    ]
    return [y for end_s, y in ys if end_s // 60 == minute]


def test_minutes_of_scored_sound_are_numbered_as_the_budget_counts_them() -> None:
    kit = Kit()
    kit.hear(noise(200))
    kit.ear.stop()
    minutes = told_minutes(kit)
    assert sum(len(minute.minutes) for minute in minutes) == minutes[-1].heard == 3
    heard = [m for minute in minutes for m in minute.minutes]
    assert heard == kit.judges["mic"].ledger.minutes.tolist()


def test_embeddings_are_told_a_minute_at_a_time_each_with_its_end() -> None:
    kit = Kit()
    kit.hear(noise(125))
    kit.ear.stop()
    told = kit.of(Embeddings)
    assert len(told) == 3
    ends = np.concatenate([each.ends for each in told])
    assert ends[0] - BEGAN.timestamp() == pytest.approx(WINDOW_S, abs=1e-3)
    assert np.diff(ends) == pytest.approx(HOP_S)
    assert {each.encoder for each in told} == {"made up"}
    assert all(each.z.dtype == np.float16 and len(each.z) == len(each.ends) for each in told)
    assert [len(each.ends) for each in told] == [len(minute.scores) for minute in told_minutes(kit)]


@pytest.mark.parametrize("lengths", [(4000,), (1600, 100, 16000), (1,) * 7 + (40000,), (700000,)])
def test_what_is_told_does_not_depend_on_how_the_sound_is_cut(lengths: tuple[int, ...]) -> None:
    sound = np.concatenate([noise(70), noise(20, ODD), noise(100, seed=1)])
    kits = [Kit(account=account_of(LEARNT), running=ByLevel(-70.0)) for _ in range(2)]
    kits[0].hear(sound)
    kits[1].hear(sound, lengths=lengths)
    for one, other in zip(kits[0].told, kits[1].told, strict=True):
        assert type(one) is type(other)
        for name, value in vars(one).items():
            if name in ("id", "incident_id", "threshold_id"):
                continue
            if isinstance(value, np.ndarray | tuple | float):
                np.testing.assert_allclose(vars(other)[name], value, atol=2e-3)
            else:
                assert vars(other)[name] == value, name
    assert kits[0].of(IncidentChanged)


def test_an_incident_has_a_recording_from_before_it_began() -> None:
    kit = Kit(account=account_of(LEARNT))
    sound = np.concatenate([noise(50), noise(30, ODD), noise(30, seed=1)])
    kit.hear(sound)
    [opened] = [i for i in kit.of(IncidentChanged) if i.peak_at == i.opened]
    assert timedelta(seconds=50) < opened.opened - BEGAN < timedelta(seconds=56)
    [clip] = kit.of(ClipHeard)
    assert clip.incident_id == opened.id
    assert clip.use == "incident"
    assert clip.start == opened.opened - timedelta(seconds=20)
    assert clip.samples.shape == (30 * RATE_HZ, 1)
    first = round((clip.start - BEGAN).total_seconds() * RATE_HZ)
    assert clip.samples == pytest.approx(sound[first : first + len(clip.samples)], abs=2e-5)
    assert {stretch.incident_id for stretch in kit.of(StretchChanged)} == {opened.id}


def test_a_recording_ends_with_the_sound_where_that_is_lost() -> None:
    kit = Kit(account=account_of(LEARNT))
    kit.hear(np.concatenate([noise(10), noise(8, ODD)]))
    kit.ear.lost("cable", kit.at)
    [clip] = kit.of(ClipHeard)
    assert clip.start == BEGAN
    assert len(clip.samples) == 18 * RATE_HZ


def test_all_channels_are_recorded_at_the_sources_rate() -> None:
    kit = Kit(account=account_of(LEARNT))
    sound = np.concatenate([noise(60), noise(40, ODD)])
    kit.ear.push(Block(np.hstack([sound, sound, sound])[: 50 * RATE_HZ], 32_000), BEGAN)
    kit.ear.push(
        Block(np.hstack([sound, sound, sound])[50 * RATE_HZ :], 32_000),
        BEGAN + timedelta(seconds=25),
    )
    kit.ear.stop()
    clips = kit.of(ClipHeard)
    assert clips
    assert {(clip.sample_rate_hz, clip.samples.shape[1]) for clip in clips} == {(32_000, 3)}


def test_the_oddest_minutes_are_offered_as_moments_and_no_incident_opens() -> None:
    kit = Kit()
    for minute in range(16):
        kit.hear(noise(60, HEALTHY if minute != 12 else ODD, seed=minute))
    clips = kit.of(ClipHeard)
    assert {clip.use for clip in clips} == {"moment"}
    moments = {each.id: each for each in kit.of(IncidentChanged)}
    assert {clip.incident_id for clip in clips} == set(moments)
    assert {(each.level, each.state) for each in moments.values()} == {("moment", "ended")}
    stretches = kit.of(StretchChanged)
    assert {each.level for each in stretches} == {"moment"}
    assert {each.incident_id for each in stretches} == set(moments)
    fan = kit.board.machine("fan")
    assert fan is not None
    assert fan.level is None
    odd = max(clips, key=lambda clip: clip.peak or 0)
    assert timedelta(minutes=11, seconds=30) < odd.start - BEGAN < timedelta(minutes=13)
    assert len(odd.samples) == 30 * RATE_HZ
    moment = moments[odd.incident_id or ""]
    assert (moment.peak, moment.opened) == (odd.peak, odd.start + timedelta(seconds=20))
    assert moment.peak_z is not None
    assert min(clip.start for clip in clips) > BEGAN + timedelta(minutes=9)


def test_sound_that_is_unfit_for_half_a_minute_is_an_incident_of_the_microphone() -> None:
    kit = Kit(account=account_of(LEARNT))
    kit.hear(noise(20))
    kit.hear(np.zeros((20 * RATE_HZ, 1), np.float32))
    assert kit.of(IncidentChanged) == []
    assert (kit.now.state, kit.now.score) == ("unfit", None)
    assert "silent" in kit.now.reason
    kit.hear(np.zeros((20 * RATE_HZ, 1), np.float32))
    [opened] = kit.of(IncidentChanged)
    assert (opened.kind, opened.subject, opened.level) == ("microphone", "mic", "watch")
    assert "plugged in" in opened.reason
    kit.hear(noise(25, seed=1))
    assert len(kit.of(IncidentChanged)) == 1
    # Its incident goes on for a while, but nobody says that what is heard is silent.
    assert (kit.now.state, kit.now.reason) == ("live", "")
    kit.hear(noise(15, seed=2))
    assert [each.state for each in kit.of(IncidentChanged)] == ["open", "ended"]
    assert kit.now.state == "live"
    kit.ear.stop()
    scores = np.concatenate([minute.scores for minute in told_minutes(kit)])
    assert np.isnan(scores[30:55]).all()
    assert any(minute.fitness.startswith("silent") for minute in told_minutes(kit))
    assert len(np.concatenate([e.ends for e in kit.of(Embeddings)])) == np.isfinite(scores).sum()


def test_minutes_of_a_source_that_never_gave_sound_count_as_lost() -> None:
    kit = Kit()
    for _ in range(181):
        kit.ear.lost("no route to host", kit.at)
        kit.at += timedelta(seconds=1)
    kit.ear.stop()
    lost = [minute.lost_s for minute in told_minutes(kit)]
    assert sum(lost) == 180
    assert max(lost) == 60
    # So that its incident ends with them where it is not heard again.
    [opened] = [i for i in kit.of(IncidentChanged) if i.kind == "source"]
    assert told_minutes(kit)[-1].at > opened.opened


def test_a_source_that_is_lost_for_a_minute_is_an_incident_until_sound_comes() -> None:
    kit = Kit()
    kit.hear(noise(30))
    for _ in range(60):
        kit.ear.lost("no route to host", kit.at)
        kit.at += timedelta(seconds=1)
    assert kit.of(IncidentChanged) == []
    kit.at += timedelta(seconds=1)
    kit.ear.lost("no route to host", kit.at)
    [opened] = kit.of(IncidentChanged)
    assert (opened.kind, opened.reason, opened.state) == ("source", "no route to host", "open")
    assert (kit.now.state, kit.now.reason) == ("lost", "no route to host")
    assert (kit.now.score, kit.now.level_db, kit.now.operating) == (None, None, "unknown")
    assert kit.now.since == BEGAN + timedelta(seconds=30)
    kit.hear(noise(40))
    assert [each.state for each in kit.of(IncidentChanged)] == ["open", "ended"]
    assert (kit.now.state, kit.now.connections) == ("live", 2)
    assert kit.now.operating == "running"
    kit.ear.stop()
    assert [minute.lost_s for minute in told_minutes(kit)] == [30.0, 31.0, 0.0]


def test_no_window_spans_a_gap_and_the_minute_says_what_is_missing() -> None:
    kit, sound = Kit(), noise(50)
    kit.hear(sound[: 25 * RATE_HZ])
    kit.at += timedelta(seconds=7)
    kit.hear(sound[25 * RATE_HZ :], gap="7.0 s of sound dropped: scoring does not keep up")
    kit.ear.stop()
    [minute] = told_minutes(kit)
    windows = Stream(MadeUpScorer(RECIPE)).push(sound[: 25 * RATE_HZ])  # type: ignore[arg-type]
    assert len(minute.scores) == 2 * len(windows)
    assert (minute.lost_s, minute.running_s) == (7.0, 50.0)
    assert kit.now.dropped_s == 7.0
    ends = np.concatenate([each.ends for each in kit.of(Embeddings)]) - BEGAN.timestamp()
    assert ends[ends > 26][0] == pytest.approx(25 + 7 + WINDOW_S, abs=1e-3)


def test_a_clock_that_is_set_forward_dates_the_sound_anew_and_tears_no_window(
    caplog: pytest.LogCaptureFixture,
) -> None:
    kit = Kit()
    kit.hear(noise(31))
    kit.at += timedelta(minutes=20)
    kit.hear(noise(40, seed=1))
    kit.ear.stop()
    assert "clock and sound are 1200.0 s apart" in caplog.text
    assert len(caplog.records) == 1
    minutes = told_minutes(kit)
    assert [minute.at for minute in minutes] == [
        BEGAN,
        BEGAN + timedelta(minutes=20),
        BEGAN + timedelta(minutes=21),
    ]
    assert sum(len(minute.scores) for minute in minutes) == 70


@pytest.mark.parametrize("running", [ByLevel(-60.0), ByTag()])
def test_after_a_clock_was_set_back_a_machine_that_runs_is_scored_on(
    running: ByLevel | ByTag,
) -> None:
    kit = Kit(running=running)
    kit.hear(noise(10))
    if isinstance(running, ByTag):
        kit.ear.set_running(running=True)
    kit.hear(noise(20, seed=1))
    kit.at -= timedelta(hours=1)
    kit.hear(noise(30, seed=2))
    kit.ear.stop()
    after = told_minutes(kit)[-1]
    assert after.at < BEGAN
    assert np.isfinite(after.scores).sum() >= len(after.scores) - 3 > 20


def test_after_a_clock_was_set_back_troubles_begin_and_end_as_ever() -> None:
    kit = Kit()
    silence = np.zeros((35 * RATE_HZ, 1), np.float32)
    kit.hear(silence[: 10 * RATE_HZ])
    kit.at -= timedelta(hours=1)
    kit.hear(silence)
    [unfit] = kit.of(IncidentChanged)
    assert (unfit.kind, unfit.state) == ("microphone", "open")
    kit.hear(noise(10))
    kit.at -= timedelta(hours=1)
    kit.hear(noise(40))
    assert [each.state for each in kit.of(IncidentChanged)] == ["open", "ended"]
    kit.ear.lost("no route to host", kit.at)
    kit.at -= timedelta(hours=1)
    for _ in range(62):
        kit.ear.lost("no route to host", kit.at)
        kit.at += timedelta(seconds=1)
    assert [each.state for each in kit.of(IncidentChanged)] == ["open", "ended", "open"]


def test_a_clock_that_is_set_back_a_little_repeats_no_minute() -> None:
    kit = Kit()
    kit.hear(noise(65))
    kit.at -= timedelta(seconds=20)
    kit.hear(noise(60, seed=1))
    kit.ear.stop()
    minutes = told_minutes(kit)
    assert [minute.at for minute in minutes] == [BEGAN, BEGAN + timedelta(minutes=1)]
    assert sum(len(minute.scores) for minute in minutes) == 124


def test_blocks_that_come_early_or_late_do_not_move_the_windows() -> None:
    kit, sound = Kit(), noise(60)
    for number in range(240):
        piece = sound[number * 4000 : (number + 1) * 4000]
        jitter = np.random.default_rng(number).uniform(-1.0, 1.0) if number else 0.0
        kit.ear.push(Block(piece, RATE_HZ), BEGAN + timedelta(seconds=(number + 1) / 4 + jitter))
    kit.ear.stop()
    ends = np.concatenate([each.ends for each in kit.of(Embeddings)])
    assert np.diff(ends) == pytest.approx(HOP_S)


def test_only_sound_of_a_machine_that_runs_is_scored() -> None:
    kit = Kit(running=ByLevel(-30.0), account=account_of(LEARNT))
    for level in (0.001, 0.1, 0.001, 0.1):
        kit.hear(noise(30, level, seed=1))
    kit.ear.stop()
    assert kit.of(IncidentChanged) == []
    scores = np.concatenate([minute.scores for minute in told_minutes(kit)])
    assert np.nanmax(scores) < 0.095
    assert 45 <= np.isfinite(scores).sum() <= 58
    running_s = sum(minute.running_s for minute in told_minutes(kit))
    assert 52 <= running_s <= 62
    assert kit.now.operating == "running"


def test_a_tag_says_from_now_on_whether_it_runs() -> None:
    kit = Kit(running=ByTag())
    kit.hear(noise(20))
    assert (kit.now.operating, kit.now.score) == ("unknown", None)
    kit.ear.set_running(True)
    kit.hear(noise(20, seed=1))
    assert (kit.now.operating, kit.now.score is None) == ("running", False)
    kit.ear.set_running(False)
    kit.hear(noise(20, seed=2))
    assert (kit.now.operating, kit.now.score) == ("idle", None)
    kit.ear.stop()
    ends = np.concatenate([each.ends for each in kit.of(Embeddings)]) - BEGAN.timestamp()
    # A window that began before it ran is not scored.
    assert 22 <= ends.min() < 24
    assert 39 < ends.max() <= 40


def test_a_tag_for_a_machine_that_has_none_is_refused() -> None:
    with pytest.raises(ValueError, match="does not follow a tag"):
        Kit().ear.set_running(True)


def test_a_score_is_published_at_most_once_a_second() -> None:
    kit = Kit()
    events = kit.hub.subscribe(lambda: None)
    events.take()
    seen = []
    for number in range(120):
        kit.hear(noise(0.25, seed=number))
        seen += [(kit.at, event.data["at"]) for event in events.take() if event.kind == "score"]
    assert 25 <= len(seen) <= 29
    assert len({at for _, at in seen}) == len(seen)
    assert all(
        later - earlier >= timedelta(seconds=0.75) for (earlier, _), (later, _) in pairwise(seen)
    )


def test_the_board_shows_stage_threshold_and_what_is_expected() -> None:
    kit = Kit(account=account_of(LEARNT))
    kit.hear(noise(10))
    now, alarm = kit.now, kit.judges["mic"].ledger.thresholds["alarm"]
    assert (now.alarm, now.expected, now.upper) == (
        alarm.value,
        alarm.expected_per_week,
        alarm.upper_per_week,
    )
    assert (now.stage, now.minutes) == ("provisional", 3000)
    assert now.y is not None
    assert now.heard_at is not None
    assert now.level_db == pytest.approx(-20, abs=0.2)


def test_the_board_shows_how_late_a_window_was_judged() -> None:
    kit = Kit()
    for second in range(1, 6):
        at = BEGAN + timedelta(seconds=second)
        kit.ear.push(Block(noise(1, seed=second), RATE_HZ), at, lag_s=second / 4)
    assert kit.now.lag_s == 1.25


def test_sources_of_one_machine_share_its_incident() -> None:
    kit = Kit(account=account_of(LEARNT), sources=("mic", "camera"))
    for seconds, level in ((20, HEALTHY), (20, ODD)):
        kit.hear(noise(seconds, level), is_clock_moved=False)
        kit.hear(noise(seconds, level), source="camera")
    assert len({each.id for each in kit.of(IncidentChanged)}) == 1
    assert {each.source_id for each in kit.of(StretchChanged)} == {"mic", "camera"}


def another(kit: Kit, scorer: MadeUpScorer) -> tuple[InUse, SourceJudge]:
    judge = kit.judge("mic", account_of(LEARNT), release="newer")
    return InUse("newer", scorer), judge  # type: ignore[arg-type]


def test_a_release_of_the_same_encoder_takes_over_between_two_windows() -> None:
    kit, sound = Kit(), noise(60)
    kit.hear(sound[: 30 * RATE_HZ])
    kit.ear.swap(*another(kit, MadeUpScorer(RECIPE)), kit.at)
    kit.hear(sound[30 * RATE_HZ :])
    kit.ear.stop()
    assert sum(len(minute.scores) for minute in told_minutes(kit)) == 59
    assert kit.now.minutes == 3000
    assert told_minutes(kit)[-1].release_id == "newer"


def test_a_release_of_another_encoder_begins_windows_anew() -> None:
    kit, sound = Kit(), noise(60)
    kit.hear(sound[: 30 * RATE_HZ])
    scorer = MadeUpScorer(RECIPE)
    scorer.graph.identity = "another"
    kit.ear.swap(*another(kit, scorer), kit.at)
    kit.hear(sound[30 * RATE_HZ :])
    kit.ear.stop()
    assert sum(len(minute.scores) for minute in told_minutes(kit)) == 58
    assert [each.encoder for each in kit.of(Embeddings)] == ["made up", "another"]


def test_an_error_of_the_station_begins_the_source_anew() -> None:
    kit = Kit()
    kit.hear(noise(10))
    kit.ear.failed("the station failed to hear it", kit.at)
    assert (kit.now.state, kit.now.reason) == ("lost", "the station failed to hear it")
    kit.hear(noise(10))
    assert kit.now.state == "live"
    assert kit.now.score is not None


def test_recordings_of_a_folder_are_never_lost_sound() -> None:
    kit = Kit(live=False)
    kit.hear(noise(20), gap="a.wav begins")
    kit.ear.waiting("waits for recordings", kit.at)
    kit.at += timedelta(seconds=25)
    kit.hear(noise(20, seed=1), gap="b.wav begins")
    kit.ear.waiting("waits for recordings", kit.at)
    parts = told_minutes(kit)
    assert [part.at for part in parts if len(part.scores)] == [
        BEGAN,
        BEGAN,
        BEGAN + timedelta(minutes=1),
    ]
    assert {part.lost_s for part in parts} == {0.0}
    assert kit.now.dropped_s == 0
    assert (kit.now.state, kit.now.reason) == ("live", "waits for recordings")


def test_samples_that_are_no_numbers_reach_neither_scores_nor_recordings() -> None:
    kit = Kit(account=account_of(LEARNT))
    bad = noise(5)
    bad[::100] = np.nan
    kit.hear(np.concatenate([noise(20), bad, noise(15), noise(20, ODD)]))
    kit.ear.stop()
    [clip] = kit.of(ClipHeard)
    assert np.isfinite(clip.samples).all()
    assert "damaged" in {minute.fitness.split(" ")[0] for minute in told_minutes(kit)}


def test_sound_that_is_handed_on_late_for_a_moment_is_dated_as_if_it_were_not(
    caplog: pytest.LogCaptureFixture,
) -> None:
    kit, sound = Kit(), noise(40)
    for second in range(40):
        late_s = 4.0 if 12 <= second < 20 else 0.0  # the computer is busy for eight seconds
        at = BEGAN + timedelta(seconds=second + 1 + late_s)
        kit.ear.push(Block(sound[second * RATE_HZ : (second + 1) * RATE_HZ], RATE_HZ), at)
    kit.ear.stop()
    assert caplog.records == []
    [minute] = told_minutes(kit)
    assert (minute.at, minute.lost_s) == (BEGAN, 0.0)
