"""What is wrong with a set of recordings, by kind."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from rattle.cli.check import check as check_command
from rattle.clips.check import CheckReport
from rattle.clips.check import check as check_clips
from rattle.clips.machine import Machine
from rattle.recipe import Recipe

RATE_HZ = 16_000
# 256 frames of 1,024 samples, 512 apart.
WINDOW_SAMPLES = 1024 + 255 * 512
SMALL = Recipe.load("small")


def check(source: Path, recipe: Recipe = SMALL) -> CheckReport:
    return check_clips(source, recipe)


def noise(seed: int, seconds: float = 9.0, rate_hz: int = RATE_HZ) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-0.3, 0.3, int(seconds * rate_hz))


def write(path: Path, samples: np.ndarray, rate_hz: int = RATE_HZ, **options: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    sf.write(path, samples, rate_hz, **options)
    return path


@pytest.fixture
def press(tmp_path: Path) -> Path:
    """A machine's folder without fault: enough training clips, a test clip of each class."""
    for i in range(10):
        write(tmp_path / f"press/normal/more/{i}.wav", noise(100 + i))
    write(tmp_path / "press/normal/a.wav", noise(1))
    write(tmp_path / "press/normal/b.wav", noise(2))
    write(tmp_path / "press/test/normal/c.wav", noise(3))
    write(tmp_path / "press/test/anomaly/d.wav", noise(4))
    return tmp_path / "press"


def codes(report: CheckReport) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for finding in report.findings:
        found.setdefault(finding.code, []).append(finding.path.name if finding.path else "")
    return found


def as_flac(wav: Path, flac: Path) -> None:
    """The same 16-bit samples in another file format."""
    sf.write(flac, sf.read(wav, dtype="int16")[0], RATE_HZ)


def halve(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def test_healthy_recordings_give_no_finding(press: Path) -> None:
    report = check(press)
    assert report.findings == ()
    assert not report.has_errors
    (summary,) = report.machines
    assert summary.machine == Machine("press", "")
    assert summary.clips == {
        ("train", "normal"): 12,
        ("test", "normal"): 1,
        ("test", "anomaly"): 1,
    }
    assert summary.hours == pytest.approx(14 * 9 / 3600)


def test_broken_files_of_every_kind_are_errors_by_name(press: Path) -> None:
    (press / "normal/text.wav").write_text("no sound at all")
    halve(write(press / "normal/cut.wav", noise(5)))
    halve(write(press / "normal/cut.flac", noise(6)))
    write(press / "normal/empty.wav", noise(7)[:0])
    bad = noise(8)
    bad[70_000] = np.nan
    write(press / "normal/nan.wav", bad, subtype="FLOAT")
    report = check(press)
    assert codes(report) == {
        "unreadable": ["text.wav"],
        "truncated": ["cut.flac", "cut.wav"],
        "empty": ["empty.wav"],
        "not-finite": ["nan.wav"],
    }
    assert {finding.severity for finding in report.findings} == {"error"}
    assert report.has_errors


def test_a_machine_of_broken_files_alone_is_still_reported(tmp_path: Path) -> None:
    (tmp_path / "press/normal").mkdir(parents=True)
    (tmp_path / "press/normal/text.wav").write_text("no sound at all")
    report = check(tmp_path)
    assert codes(report) == {"unreadable": ["text.wav"]}
    assert report.machines == ()


def test_odd_levels_lengths_and_rates_are_warnings_by_name(press: Path) -> None:
    rng = np.random.default_rng(9)
    write(press / "normal/silent.wav", rng.choice([-1, 0, 1], 150_000) / 32768)
    write(press / "normal/clipped.wav", np.clip(noise(10) * 5, -1, 1))
    write(press / "normal/offset.wav", noise(11) + 0.1)
    write(press / "normal/short.wav", noise(12, seconds=WINDOW_SAMPLES / RATE_HZ - 0.01))
    write(press / "normal/rate.wav", noise(13, rate_hz=48_000), 48_000)
    report = check(press)
    assert codes(report) == {
        "silent": ["silent.wav"],
        "clipped": ["clipped.wav"],
        "dc-offset": ["offset.wav"],
        "too-short": ["short.wav"],
        "other-rate": ["rate.wav"],
    }
    assert not report.has_errors


def test_one_knock_at_full_scale_and_a_small_offset_are_no_finding(press: Path) -> None:
    knock = noise(14)
    knock[1000:1005] = 1.0
    write(press / "normal/knock.wav", knock)
    write(press / "normal/offset.wav", noise(15) + 0.012)
    assert check(press).findings == ()


def test_a_float_recording_in_other_units_is_not_called_clipped(press: Path) -> None:
    write(press / "normal/pascal.wav", noise(16) * 100, subtype="FLOAT")
    assert check(press).findings == ()


def test_the_length_that_is_too_short_is_that_of_the_recipes_window_at_its_rate(
    press: Path,
) -> None:
    write(press / "normal/long.wav", noise(17, seconds=9.0, rate_hz=48_000), 48_000)
    # 280 frames, 512 samples apart: 9 s are 144,000 samples.
    fits = {"window_frames": 280, "fft_samples": 144_000 - 279 * 512}
    longer = {"window_frames": 280, "fft_samples": 144_000 - 279 * 512 + 2}
    assert "too-short" not in codes(check(press, SMALL.with_values(features=fits)))
    assert len(codes(check(press, SMALL.with_values(features=longer)))["too-short"]) == 15


def test_the_rate_that_is_another_is_any_but_the_recipes(press: Path) -> None:
    write(press / "normal/a.wav", noise(1, rate_hz=8_000), 8_000)
    at_8_khz = SMALL.with_values(audio={"sample_rate_hz": 8_000})
    assert codes(check(press))["other-rate"] == ["a.wav"]
    assert len(codes(check(press, at_8_khz))["other-rate"]) == 13


@pytest.mark.parametrize(
    ("channel", "silent"), [(0, []), (1, ["right.wav"]), ("mean", ["opposed.wav", "right.wav"])]
)
def test_levels_are_those_of_the_channel_that_the_recipe_hears(
    channel: int | str, silent: list[str], tmp_path: Path
) -> None:
    sound = noise(18)
    folder = tmp_path / "press/normal"
    write(folder / "right.wav", np.stack([sound, np.zeros_like(sound)], axis=1))
    write(folder / "opposed.wav", np.stack([sound, -sound], axis=1))
    report = check(tmp_path, SMALL.with_values(audio={"channel": channel}))
    assert codes(report).get("silent", []) == silent


def test_a_file_without_the_channel_that_the_recipe_hears_is_an_error(press: Path) -> None:
    report = check(press, SMALL.with_values(audio={"channel": 1}))
    assert len(codes(report)["no-channel"]) == 14
    assert "has channels 0 to 0; the recipe hears channel 1" in report.findings[0].message
    assert report.has_errors


def test_the_same_sound_twice_is_found_across_file_formats(press: Path) -> None:
    as_flac(press / "normal/a.wav", press / "normal/copy.flac")
    (finding,) = check(press).findings
    assert (finding.code, finding.severity) == ("duplicate", "warning")
    assert "a.wav" in f"{finding.path} {finding.message}"
    assert "copy.flac" in f"{finding.path} {finding.message}"


@pytest.mark.parametrize("subtype", ["PCM_24", "FLOAT"])
def test_the_same_sound_is_found_in_samples_of_another_width(press: Path, subtype: str) -> None:
    samples, rate_hz = sf.read(press / "normal/a.wav", dtype="float32")
    write(press / "normal/wide.wav", samples, rate_hz, subtype=subtype)
    (finding,) = check(press).findings
    assert finding.code == "duplicate"


def test_sounds_finer_than_16_bits_are_told_apart(press: Path) -> None:
    samples = noise(17)
    write(press / "normal/fine.wav", samples, subtype="FLOAT")
    write(press / "normal/finer.wav", samples + np.float32(2**-20), subtype="FLOAT")
    assert codes(check(press)) == {"near-copy": ["fine.wav"]}


def test_the_same_sound_in_training_and_test_is_an_error(press: Path) -> None:
    as_flac(press / "normal/a.wav", press / "test/normal/leak.flac")
    report = check(press)
    (finding,) = report.findings
    assert finding.path is not None
    assert (finding.code, finding.path.name) == ("train-test-leak", "leak.flac")
    assert "a.wav" in finding.message
    assert report.has_errors


def test_a_sound_that_differs_by_one_step_is_no_duplicate(press: Path) -> None:
    samples, _ = sf.read(press / "normal/a.wav", dtype="int16")
    samples[-1] += 1
    sf.write(press / "normal/near.wav", samples, RATE_HZ)
    assert codes(check(press)) == {"near-copy": ["a.wav"]}


def test_nearly_the_same_sound_in_training_and_test_is_an_error(press: Path) -> None:
    samples, _ = sf.read(press / "normal/a.wav")
    sf.write(press / "test/normal/quiet.flac", 0.7 * samples, RATE_HZ)
    (finding,) = check(press).findings
    assert finding.path is not None
    assert (finding.code, finding.path.name) == ("train-test-leak", "quiet.flac")
    assert "nearly the same sound (" in finding.message
    assert "% of its peaks) as" in finding.message


def test_two_silent_clips_are_silent_and_not_duplicates(press: Path) -> None:
    write(press / "normal/s1.wav", np.zeros(150_000))
    write(press / "test/normal/s2.wav", np.zeros(150_000))
    assert codes(check(press)) == {"silent": ["s1.wav", "s2.wav"]}


def test_a_test_set_of_one_class_and_a_machine_without_training_are_warned_of(
    tmp_path: Path,
) -> None:
    write(tmp_path / "press/normal/a.wav", noise(1))
    write(tmp_path / "press/anomaly/b.wav", noise(2))
    write(tmp_path / "saw/test/c.wav", noise(3))
    report = check(tmp_path)
    expected = {"no-training-clip": [""], "one-class-test": [""], "too-few-clips": [""]}
    assert codes(report) == expected
    assert [f.message.split(":")[0] for f in report.findings] == ["saw", "press", "press"]


def test_files_outside_every_layout_are_warned_of(press: Path) -> None:
    write(press / "loose.wav", noise(5))
    write(press.parent / "other.wav", noise(6))
    report = check(press.parent)
    assert sorted(codes(report)["left-out"]) == ["loose.wav", "other.wav"]


@pytest.mark.real
def test_the_raw_recordings_show_their_rate_and_length(real_data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "motor" / "normal"
    folder.mkdir(parents=True)
    for path in sorted((real_data / "raw").glob("*.wav")):
        (folder / path.name).symlink_to(path)
    found = codes(check(tmp_path))
    assert found == {
        "other-rate": ["motor_stereo_48khz.wav"],
        "too-short": ["motor_stereo_48khz.wav"],
        "too-few-clips": [""],
    }


@pytest.mark.real
def test_real_pump_recordings_have_no_error(real_data: Path) -> None:
    report = check(real_data / "dcase2020-subset" / "dev_data" / "pump")
    assert not report.has_errors
    assert len(report.machines) == 4


def test_the_command_prints_counts_and_findings_and_tells_errors_by_its_code(
    press: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check_command(press) == 0
    assert capsys.readouterr().out.splitlines() == [
        "layout: plain folder",
        "normal: press train normal, 12",
        "test/anomaly: press test anomaly, 1",
        "test/normal: press test normal, 1",
        "press: 1 test anomaly, 1 test normal, 12 train normal, 0.04 h",
        "no findings",
    ]
    (press / "normal/text.wav").write_text("no sound at all")
    assert check_command(press) == 1
    out = capsys.readouterr().out
    assert "error unreadable (1)" in out
    assert out.count("text.wav") == 1


def test_the_command_prints_one_json_document(
    press: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(press / "test/normal/leak.wav", noise(2))
    assert check_command(press, json=True) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["machines"][0]["clips"] == {
        "test anomaly": 1,
        "test normal": 2,
        "train normal": 12,
    }
    assert document["folders"][0] == {
        "folder": "normal",
        "machine": "press",
        "split": "train",
        "label": "normal",
        "kind": "",
        "clips": 12,
        "reason": "",
    }
    (finding,) = document["findings"]
    assert finding["code"] == "train-test-leak"
    assert finding["severity"] == "error"
    assert finding["path"].endswith("leak.wav")


def test_a_machine_with_too_few_sounds_to_train_on_is_warned_of(tmp_path: Path) -> None:
    for i in range(10):
        write(tmp_path / f"press/normal/{i}.wav", noise(i))
    assert "too-few-clips" not in codes(check(tmp_path))
    write(tmp_path / "press/normal/9.wav", noise(8))  # a copy
    assert "too-few-clips" in codes(check(tmp_path))
    write(tmp_path / "press/normal/9.wav", np.zeros(9 * RATE_HZ))
    (message,) = (f.message for f in check(tmp_path).findings if f.code == "too-few-clips")
    assert message.startswith("press: 9 of 10 normal training clips")


def test_machines_that_only_capitals_tell_apart_are_an_error(tmp_path: Path) -> None:
    write(tmp_path / "press/1/normal/a.wav", noise(1))
    write(tmp_path / "Press_1/normal/b.wav", noise(2))
    (finding,) = (f for f in check(tmp_path).findings if f.code == "same-name")
    assert finding.severity == "error"
    assert "Press_1 and press/1" in finding.message


def test_a_label_list_that_is_given_is_used(tmp_path: Path) -> None:
    write(tmp_path / "data/fan/test/section_00_test_0000.wav", noise(1))
    labels = tmp_path / "elsewhere.csv"
    labels.write_text("fan\nsection_00_test_0000.wav,section_00_source_test_anomaly_0000.wav\n")
    (summary,) = check_clips(tmp_path / "data", SMALL, labels=labels).machines
    assert summary.clips == {("test", "anomaly"): 1}


def test_the_command_takes_the_recipe(press: Path, tmp_path: Path) -> None:
    (tmp_path / "second.toml").write_text('base = "small"\naudio.channel = 1\n')
    assert check_command(press, recipe="paper") == 0
    assert check_command(press, recipe=str(tmp_path / "second.toml")) == 1


def test_many_findings_of_a_kind_are_cut_on_the_terminal_and_whole_in_json(
    press: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for i in range(14):
        write(press / f"normal/short{i}.wav", noise(20 + i, seconds=0.5))
    check_command(press)
    assert "  and 4 more; --json lists them all" in capsys.readouterr().out
    check_command(press, json=True)
    assert len(json.loads(capsys.readouterr().out)["findings"]) == 14


def test_the_command_draws_a_table_on_a_terminal(
    press: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "120")
    write(press / "normal/[odd] name.wav", noise(5, seconds=1))
    assert check_command(press) == 0
    out = capsys.readouterr().out
    assert "train normal" in out
    assert "[odd] name.wav" in out


def test_the_clips_that_a_long_recording_is_cut_into_count_where_they_are_fit(
    tmp_path: Path,
) -> None:
    sound = noise(1, seconds=180.0)
    write(tmp_path / "press/normal/long.wav", sound)
    assert "too-few-clips" not in codes(check(tmp_path / "press"))
    sound[30 * RATE_HZ :] = 0
    write(tmp_path / "press/normal/long.wav", sound)
    (finding,) = (f for f in check(tmp_path / "press").findings if f.code == "too-few-clips")
    assert "press: 2 of 15 normal training clips can be learnt from" in finding.message


def test_a_long_recording_is_listed_with_how_training_cuts_it(
    press: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(press / "normal/shift.wav", noise(20, seconds=120))
    write(press / "test/normal/long.wav", noise(21, seconds=120))
    (summary,) = check(press).machines
    assert [(cut.clips, cut.clip_s) for cut in summary.cuts] == [(10, 10)]
    check_command(press)
    lines = [line for line in capsys.readouterr().out.splitlines() if "cut into" in line]
    assert lines == [
        f"press: {press}/normal/shift.wav: 2 min, cut into 10 clips of 10 s, one every 12 s"
    ]
    check_command(press, json=True)
    (machine,) = json.loads(capsys.readouterr().out)["machines"]
    assert machine["cuts"][0]["clips"] == 10
