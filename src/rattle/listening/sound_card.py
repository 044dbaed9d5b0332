"""Record a microphone on a sound card, by PortAudio."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from threading import Lock
from typing import Any, Literal

import numpy as np

from rattle.errors import SourceError
from rattle.listening.source import BLOCK_SECONDS, Block, SourceLostError

LOST_BY_CARD = "the sound card lost sound: the machine was too busy to fetch it"


class SoundCard:
    """An input device at its own rate; by number, part of its name, or None for the default.

    Raises ``SourceError`` where PortAudio is missing or there is no such device.
    """

    live = True
    # Streams that are open, of any sound card: PortAudio is one a process.
    _recording = 0
    _counting = Lock()

    def __init__(self, device: str | None, channel: int | Literal["mean"]) -> None:
        """``channel`` is the one that the recipe hears."""
        self._portaudio = load_portaudio()
        self._device = int(device) if device is not None and device.isdecimal() else device
        self._channel = channel
        self._recorded = self._find()
        self.name = self._recorded.name
        self._connected = False

    def connect(self) -> Recording:
        if self._connected:
            with SoundCard._counting:
                # PortAudio knows the devices that were there when it started. To start it again
                # would end the streams of others.
                if not SoundCard._recording:
                    self._portaudio._terminate()
                    self._portaudio._initialize()
            try:
                self._recorded = self._find()
            except SourceError as error:
                raise SourceLostError(str(error)) from None
        self._connected = True
        return Recording(self._portaudio, self._recorded)

    def _find(self) -> Device:
        try:
            device = self._portaudio.query_devices(self._device, "input")
        except (ValueError, self._portaudio.PortAudioError) as error:
            inputs = [d for d in self._portaudio.query_devices() if d["max_input_channels"] > 0]
            there = "; ".join(f"{d['index']} {d['name']}" for d in inputs) or "none"
            raise SourceError(f"no such sound card: {error}; inputs there are: {there}") from None
        has = int(device["max_input_channels"])
        takes = has if self._channel == "mean" else self._channel + 1
        if takes > has:
            raise SourceError(
                f"the recipe hears channel {self._channel}, {device['name']} has 0 to {has - 1}"
            )
        rate_hz = round(device["default_samplerate"])
        return Device(int(device["index"]), str(device["name"]), takes, rate_hz)


@dataclass(frozen=True)
class Device:
    """A sound card's input: its number, and how it is recorded."""

    index: int
    name: str
    channels: int
    sample_rate_hz: int


class Recording:
    """A recording of a device; PortAudio is asked for it in the thread that reads it."""

    def __init__(self, portaudio: Any, device: Device) -> None:
        self._portaudio, self._device = portaudio, device
        self._closed = False

    def blocks(self) -> Iterator[Block]:
        rate_hz = self._device.sample_rate_hz
        frames = max(round(rate_hz * BLOCK_SECONDS), 1)
        with SoundCard._counting:
            SoundCard._recording += 1
        try:
            with self._portaudio.InputStream(
                samplerate=rate_hz,
                device=self._device.index,
                channels=self._device.channels,
                dtype="float32",
            ) as stream:
                while not self._closed:
                    samples, overflowed = stream.read(frames)
                    yield Block(np.array(samples), rate_hz, LOST_BY_CARD if overflowed else "")
        except self._portaudio.PortAudioError as error:
            raise SourceLostError(f"{self._device.name}: {error}") from None
        finally:
            with SoundCard._counting:
                SoundCard._recording -= 1

    def close(self) -> None:
        """Tell ``blocks``, which closes the stream itself: PortAudio wants one thread."""
        self._closed = True


def load_portaudio() -> Any:
    """Import the module ``sounddevice``; ``SourceError`` says what to install."""
    try:
        import sounddevice
    except ImportError:
        raise SourceError(
            "sounddevice, which reads sound cards, is not installed: pip install 'rattle[listen]'"
        ) from None
    except OSError as error:
        raise SourceError(
            f"{error}; install it (apt install libportaudio2, brew install portaudio), or let "
            "another program, such as arecord, write the device's samples to standard input",
            argument="piped",
        ) from None
    return sounddevice
