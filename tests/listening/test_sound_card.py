"""The sound card, with a PortAudio of the test's own: none is needed to run it."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from here import lacking
from rattle import SourceError
from rattle.listening.backlog import blocks_of
from rattle.listening.sound_card import LOST_BY_CARD, SoundCard
from rattle.listening.source import SourceLostError


class PortAudioError(Exception):
    pass


@dataclass
class FakePortAudio:
    """Three devices, of which two have inputs; ``reads`` is what the stream gives in turn."""

    reads: list[Any] = field(default_factory=list)
    opened: list[dict[str, Any]] = field(default_factory=list)
    looked: int = 0
    PortAudioError: type[Exception] = PortAudioError

    def __post_init__(self) -> None:
        names = [("Speaker", 0), ("USB microphone", 2), ("Line in", 1)]
        self.devices = [
            {"index": i, "name": name, "max_input_channels": has, "default_samplerate": 44100.0}
            for i, (name, has) in enumerate(names)
        ]

    def query_devices(self, device: int | str | None = None, kind: str = "") -> Any:
        if not kind:
            return self.devices
        inputs = [d for d in self.devices if d["max_input_channels"]]
        if device is None:
            return inputs[0]
        found = [d for d in inputs if device in (d["index"], d["name"])]
        if not found:
            raise ValueError(f"No input device matching {device!r}")
        return found[0]

    def InputStream(self, **options: Any) -> Any:  # noqa: N802 - PortAudio's name
        self.opened.append(options)
        return self

    def __enter__(self) -> FakePortAudio:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def read(self, frames: int) -> tuple[np.ndarray, bool]:
        item = self.reads.pop(0)
        if isinstance(item, Exception):
            raise item
        return np.full((frames, self.opened[-1]["channels"]), item, np.float32), item == 9

    def _terminate(self) -> None:
        self.looked += 1

    def _initialize(self) -> None:
        pass


@pytest.fixture
def portaudio(monkeypatch: pytest.MonkeyPatch) -> FakePortAudio:
    fake = FakePortAudio()
    monkeypatch.setitem(sys.modules, "sounddevice", fake)  # type: ignore[arg-type]
    return fake


@pytest.mark.parametrize(
    ("device", "name"), [(None, "USB microphone"), ("2", "Line in"), ("Line in", "Line in")]
)
def test_a_device_is_found_by_number_by_name_or_by_default(
    portaudio: FakePortAudio, device: str | None, name: str
) -> None:
    assert SoundCard(device, 0).name == name


def test_an_unknown_device_names_those_that_are_there(portaudio: FakePortAudio) -> None:
    with pytest.raises(SourceError, match="inputs there are: 1 USB microphone; 2 Line in"):
        SoundCard("Studio", 0)


def test_a_channel_that_the_device_lacks_is_refused(portaudio: FakePortAudio) -> None:
    with pytest.raises(SourceError, match="hears channel 1, Line in has 0 to 0"):
        SoundCard("Line in", 1)


@pytest.mark.parametrize(("channel", "recorded"), [(0, 1), (1, 2), ("mean", 2)])
def test_sound_comes_in_quarters_of_a_second_with_the_channels_that_are_heard(
    portaudio: FakePortAudio, channel: Any, recorded: int
) -> None:
    portaudio.reads = [0.1, 0.2, PortAudioError("unplugged")]
    source = SoundCard("USB microphone", channel)
    assert source.live
    blocks = blocks_of(source)
    first, second = next(blocks), next(blocks)
    assert first.samples.shape == (11025, recorded)
    assert (first.sample_rate_hz, first.gap, second.gap) == (44100, "", "")
    assert second.samples[0, 0] == np.float32(0.2)
    with pytest.raises(SourceLostError, match="USB microphone: unplugged"):
        next(blocks)


def test_sound_that_the_card_lost_is_a_gap(portaudio: FakePortAudio) -> None:
    portaudio.reads = [0.1, 9, PortAudioError("end")]
    blocks = SoundCard(None, 0).connect().blocks()
    assert [next(blocks).gap, next(blocks).gap] == ["", LOST_BY_CARD]


def test_a_device_that_was_unplugged_is_looked_for_again(portaudio: FakePortAudio) -> None:
    source = SoundCard("USB microphone", 0)
    source.connect()
    usb = portaudio.devices.pop(1)
    with pytest.raises(SourceLostError, match="no such sound card"):
        source.connect()
    portaudio.devices.append(usb)
    source.connect()
    assert portaudio.looked == 2


def test_looking_for_one_device_does_not_end_the_recording_of_another(
    portaudio: FakePortAudio,
) -> None:
    portaudio.reads = [0.1] * 3
    other = SoundCard("Line in", 0).connect()
    blocks = other.blocks()
    next(blocks)
    source = SoundCard("USB microphone", 0)
    source.connect()
    source.connect()
    assert portaudio.looked == 0
    other.close()
    assert list(blocks) == []
    source.connect()
    assert portaudio.looked == 1


def test_closing_ends_the_recording(portaudio: FakePortAudio) -> None:
    portaudio.reads = [0.1] * 3
    connection = SoundCard(None, 0).connect()
    blocks = connection.blocks()
    next(blocks)
    connection.close()
    assert list(blocks) == []


def test_a_missing_sounddevice_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(SourceError, match=r"pip install 'rattle\[listen\]'"):
        SoundCard(None, 0)


def test_a_missing_portaudio_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    class NoLibrary:
        @staticmethod
        def find_spec(name: str, *_: object) -> None:
            if name == "sounddevice":
                raise OSError("PortAudio library not found")

    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    monkeypatch.setattr(sys, "meta_path", [NoLibrary, *sys.meta_path])
    with pytest.raises(SourceError, match=r"PortAudio library not found; install it .apt"):
        SoundCard(None, 0)


def test_the_fake_is_like_sounddevice() -> None:
    try:
        import sounddevice
    except (ImportError, OSError) as error:
        lacking(f"no sounddevice here: {error}")
    for name in ("query_devices", "InputStream", "PortAudioError", "_terminate", "_initialize"):
        assert hasattr(sounddevice, name)
    assert SimpleNamespace(read=sounddevice.InputStream.read)
