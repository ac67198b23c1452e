"""Loudness, onsets and bands are where the sound has them."""

from __future__ import annotations

import logging
import tracemalloc
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest
import torch
from animatediff_kit.sampling.values.audio import (
    BANDS,
    CHUNK,
    MEASURES,
    audio_values,
    hops,
    magnitudes,
    released,
)
from animatediff_kit.sampling.values.sound import sound_of

RATE = 16_000
FPS = 8.0


def audio(samples: np.ndarray, rate: int = RATE, channels: int = 1) -> dict[str, Any]:
    waveform = torch.from_numpy(samples).float().expand(1, channels, -1)
    return {"waveform": waveform, "sample_rate": rate}


def tone(hertz: float, seconds: float = 2.0, rate: int = RATE) -> np.ndarray:
    return np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)


def clicks(at: list[float], seconds: float = 2.0, rate: int = RATE) -> np.ndarray:
    """Bursts of noise that fade, on top of a steady hum."""
    rng = np.random.default_rng(3)
    samples = 0.05 * tone(120, seconds, rate)
    fade = np.exp(-np.arange(rate // 20) / (rate / 100))
    for start in at:
        first = round(start * rate)
        burst = fade * rng.standard_normal(len(fade))
        samples[first : first + len(burst)] += burst[: len(samples) - first]
    return samples


def test_rms_is_the_mean_square_of_the_frame() -> None:
    samples = tone(200) * np.repeat([0.1, 0.5, 0.2, 1.0], RATE // 2)
    found = audio_values(audio(samples), 16, FPS)
    expected = np.repeat([0.0, 0.4, 0.1, 0.9], 4) / 0.9
    assert found == pytest.approx(expected.tolist(), abs=1e-6)
    both = audio_values(audio(samples, channels=2), 16, FPS)
    assert both == pytest.approx(found)


@pytest.mark.parametrize("within", [0.05, 0.4, 0.9])
@pytest.mark.parametrize("rate", [8000, 16_000, 22_050, 44_100, 48_000])
def test_onsets_are_on_their_frames(rate: int, within: float) -> None:
    """Also those that begin where the frame begins or ends."""
    frames = [2, 5, 6, 11, 14]
    starts = [(frame + within) / FPS for frame in frames]
    found = np.array(audio_values(audio(clicks(starts, rate=rate), rate), 16, FPS, "onsets"))
    assert sorted(np.argsort(found)[-5:]) == frames
    others = np.delete(found, frames)
    assert found[frames].min() > 0.6 and others[1:].max() < 0.3
    steady = audio_values(audio(tone(440, rate=rate), rate), 16, FPS, "onsets")
    assert np.argmax(steady) == 0, "it begins there and never again"


@pytest.mark.parametrize("name", BANDS)
def test_bands_hear_their_tones_alone(name: str) -> None:
    tones = {"low": 100.0, "mid": 1000.0, "high": 6000.0}
    order = ["low", "mid", "high", "low"]
    samples = np.concatenate([tone(tones[part], 0.5) for part in order])
    found = np.array(audio_values(audio(samples), 16, FPS, name))
    on = np.repeat([part == name for part in order], 4)
    assert found[on].min() > 0.7 and found[~on].max() < 0.3


def test_a_full_tone_has_the_magnitude_1() -> None:
    sound = sound_of(audio(tone(1000, 4.0)))
    hop, count = hops(sound, 32, FPS)
    blocks = list(magnitudes(sound, hop, count))
    assert sum(map(len, blocks)) == count
    middle = np.concatenate(blocks)[20:-20].max(1)
    assert middle == pytest.approx(np.ones(len(middle)), abs=0.16)  # scalloping of Hann's window


def test_chunks_leave_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    samples = clicks([0.3, 1.1, 1.7])
    whole = audio_values(audio(samples), 16, FPS, "onsets")
    monkeypatch.setattr("animatediff_kit.sampling.values.audio.CHUNK", 7)
    assert audio_values(audio(samples), 16, FPS, "onsets") == pytest.approx(whole)
    assert CHUNK > 100


@pytest.mark.parametrize("measure", MEASURES)
def test_pieces_leave_no_trace(monkeypatch: pytest.MonkeyPatch, measure: str) -> None:
    samples = clicks([0.3, 1.1, 1.7])
    whole = audio_values(audio(samples, channels=2), 20, FPS, measure)
    monkeypatch.setattr("animatediff_kit.sampling.values.sound.PIECE", 997)
    assert audio_values(audio(samples, channels=2), 20, FPS, measure) == pytest.approx(whole)


class Lazy(Mapping[str, Any]):
    """As VideoHelperSuite's: no dict, and read when somebody asks."""

    def __init__(self, samples: np.ndarray) -> None:
        self.samples = samples

    def __getitem__(self, key: str) -> Any:
        return audio(self.samples)[key]

    def __iter__(self) -> Iterator[str]:
        return iter(("waveform", "sample_rate"))

    def __len__(self) -> int:
        return 2


def test_a_mapping_that_is_no_dict() -> None:
    samples = clicks([0.3, 1.1])
    assert audio_values(Lazy(samples), 16, FPS) == audio_values(audio(samples), 16, FPS)


@pytest.mark.parametrize("measure", MEASURES)
def test_long_sound_is_not_copied(measure: str) -> None:
    """Neither what is behind the frames, nor what is in them."""
    rate, seconds = 44_100, 400
    second = audio(clicks([0.5], 1.0, rate), rate)["waveform"]
    long = second.expand(1, 2, rate).repeat(1, 1, seconds)
    for frames, fps in ((16, FPS), (seconds, 1.0)):
        tracemalloc.start()
        audio_values({"waveform": long, "sample_rate": rate}, frames, fps, measure)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < long.nbytes / 3


def test_smoothing_holds_peaks_and_fades_behind_them() -> None:
    curve = np.array([0.0, 1.0, 0.0, 0.0, 0.9, 0.2])
    assert released(curve, 0.0).tolist() == curve.tolist()
    assert released(curve, 0.5) == pytest.approx([0, 1, 0.5, 0.25, 0.9, 0.45])


@pytest.mark.parametrize("measure", MEASURES)
def test_the_range_is_that_of_low_and_high(measure: str) -> None:
    samples = clicks([0.3, 1.1, 1.7]) + 0.3 * tone(5000) * (np.arange(2 * RATE) > RATE)
    found = audio_values(audio(samples), 16, FPS, measure, low=0.25, high=1.5)
    assert len(found) == 16
    assert min(found) == pytest.approx(0.25) and max(found) == pytest.approx(1.5)
    upside_down = audio_values(audio(samples), 16, FPS, measure, low=1.5, high=0.25)
    assert np.add(found, upside_down) == pytest.approx(np.full(16, 1.75))


@pytest.mark.parametrize("measure", MEASURES)
def test_silence_is_low(measure: str) -> None:
    assert audio_values(audio(np.zeros(RATE * 2)), 16, FPS, measure, low=0.2) == [0.2] * 16


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("fps", [0.5, 7.3, 60.0])
def test_any_frame_rate(measure: str, fps: float) -> None:
    found = audio_values(audio(clicks([0.5], 4.0)), 12, fps, measure)
    assert len(found) == 12 and np.isfinite(found).all()


@pytest.mark.parametrize("measure", MEASURES)
def test_behind_its_end_is_silence_and_it_is_told(
    measure: str, caplog: pytest.LogCaptureFixture
) -> None:
    samples = tone(100) + tone(1000) + tone(6000) + clicks([0.5, 1.0, 1.5, 1.8])
    with caplog.at_level(logging.WARNING):
        found = audio_values(audio(samples), 24, FPS, measure, low=0.1)
    assert [record.getMessage() for record in caplog.records] == [
        "The audio lasts 2.00 s, which is 16 frames at 8 a second; the 8 frames behind it are "
        "silent."
    ]
    assert found[17:] == pytest.approx([0.1] * 7)
    caplog.clear()
    audio_values(audio(samples), 16, FPS, measure)
    assert not caplog.records


@pytest.mark.parametrize(
    "given",
    [
        None,
        {},
        {"waveform": torch.zeros(1, 1, 0), "sample_rate": RATE},
        {"waveform": torch.zeros(100), "sample_rate": RATE},
        {"waveform": torch.zeros(1, 1, 100)},
        {"waveform": torch.zeros(1, 1, 100), "sample_rate": 0},
    ],
)
def test_what_is_no_sound(given: Any) -> None:
    with pytest.raises(ValueError, match="^The audio holds no sound"):
        audio_values(given, 16, FPS)


def test_sound_with_nan() -> None:
    samples = tone(100)
    samples[5] = np.nan
    with pytest.raises(ValueError, match="^The audio holds NaN"):
        sound_of(audio(samples))


@pytest.mark.parametrize(
    ("frames", "fps", "smoothing"), [(0, 8.0, 0.0), (8, 0.0, 0.0), (8, 8.0, 1.0), (8, -1.0, 0.0)]
)
def test_settings_that_make_no_curve(frames: int, fps: float, smoothing: float) -> None:
    with pytest.raises(ValueError, match="make no curve"):
        audio_values(audio(tone(100)), frames, fps, smoothing=smoothing)
    with pytest.raises(ValueError, match="'loud' is no measure; choose one of rms, onsets"):
        audio_values(audio(tone(100)), 8, FPS, "loud")
