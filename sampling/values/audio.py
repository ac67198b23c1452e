"""What a sound does, frame by frame: loudness, onsets, and the energy of three bands.

Frame i of a video at `fps` frames a second lasts from i / fps to (i + 1) / fps, and is told what
sounds in it. With x the samples of a mono mix, and X the spectrum of a Hann window of 46 ms that is
moved by a quarter of a frame, at the most 12 ms:

    rms                 sqrt(mean(x^2)) over the frame
    onsets              spectral flux (Bello et al. 2005; Dixon 2006): the rise of log(1 + 100 |X|)
                        against one window earlier, falls left out, summed over the frequencies;
                        its highest peak in the frame, at the newest samples of its window
    low, mid, high      sqrt(sum |X|^2) over 20 to 250, 250 to 4000, and 4000 Hz up; means in the
                        frame

numpy alone computes it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from .sound import Sound, sound_of

log = logging.getLogger(__name__)

BANDS = {"low": (20.0, 250.0), "mid": (250.0, 4000.0), "high": (4000.0, np.inf)}
"""In Hz, from .. to."""

WINDOW = 0.046
HOP = 0.012
PEAK = 0.03
"""Seconds; of an onset on either side, there is no other."""

LOUDNESS = 100.0
"""What |X| of a full-scale tone (1) is multiplied by before its logarithm is taken."""

CHUNK = 512
"""Windows whose spectra are computed at once."""


def frame_edges(sound: Sound, frames: int, fps: float) -> np.ndarray:
    """The first sample of each frame, and the end of the last.   -> f + 1"""
    return np.round(np.arange(frames + 1) * sound.rate / fps).astype(int)


def loudness(sound: Sound, frames: int, fps: float) -> np.ndarray:
    """Root mean square of each frame's samples; 0 behind the sound's end.   -> f"""
    edges = np.minimum(frame_edges(sound, frames, fps), sound.length)
    before, sums = 0.0, np.zeros(len(edges))
    for start, piece in sound.pieces(edges[-1]):
        running = np.concatenate([[before], before + np.cumsum(piece**2)])
        inside = (edges >= start) & (edges <= start + len(piece))
        sums[inside] = running[edges[inside] - start]
        before = running[-1]
    counts = np.maximum(np.diff(edges), 1)
    return np.sqrt(np.maximum(np.diff(sums), 0.0) / counts)


def magnitudes(sound: Sound, hop: int, count: int) -> Iterator[np.ndarray]:
    """|X| of `count` windows in chunks, the middle of window i at sample i * hop.   -> n k each

    A full-scale tone has the magnitude 1. Behind the sound's end is silence.
    """
    length = window_length(sound)
    hann = np.hanning(length + 1)[:-1]
    for start in range(0, count, CHUNK):
        first, last = (i * hop - length // 2 for i in (start, min(start + CHUNK, count) - 1))
        windows = sliding_window_view(sound.mono(first, last + length), length)[::hop]
        yield np.abs(np.fft.rfft(windows * hann, axis=1)) * 2 / hann.sum()


def window_length(sound: Sound) -> int:
    return max(64, 2 ** round(np.log2(WINDOW * sound.rate)))


def hops(sound: Sound, frames: int, fps: float) -> tuple[int, int]:
    """Samples from window to window, and the number of windows that cover the frames."""
    hop = max(1, round(sound.rate * min(HOP, 0.25 / fps)))
    return hop, int(frame_edges(sound, frames, fps)[-1]) // hop + 1


def by_frame(
    sound: Sound,
    frames: int,
    fps: float,
    curve: np.ndarray,
    hop: int,
    join: Callable[..., Any],
    shift: int = 0,
) -> np.ndarray:
    """A number for each frame, of those of the windows whose middle, `shift` samples later, lies in
    it.   -> f"""
    edges = -(-(frame_edges(sound, frames, fps) - shift) // hop)  # the first window in the frame
    edges = np.maximum(edges, 0)
    spans = zip(edges[:-1], edges[1:], strict=True)
    return np.array(
        [join(curve[a:b]) if b > a else curve[min(a, len(curve) - 1)] for a, b in spans]
    )


def onsets(sound: Sound, frames: int, fps: float) -> np.ndarray:
    """Spectral flux, the highest in each frame.   -> f"""
    hop, count = hops(sound, frames, fps)
    before: np.ndarray | None = None
    flux = []
    for block in magnitudes(sound, hop, count):
        levels = np.log1p(LOUDNESS * block)
        earlier = np.zeros_like(levels[:1]) if before is None else before
        flux.append(np.maximum(np.diff(levels, axis=0, prepend=earlier), 0.0).sum(1))
        before = levels[-1:]
    newest = window_length(sound) // 2 - hop  # a sound is heard when it enters the window
    found = peaks(np.concatenate(flux), max(1, round(PEAK * sound.rate / hop)))
    return by_frame(sound, frames, fps, found, hop, np.max, newest)


def peaks(curve: np.ndarray, reach: int) -> np.ndarray:
    """What is highest within `reach` places on either side; 0 elsewhere, so that a sound that
    begins at the border of two frames counts for one of them.   n -> n"""
    around = sliding_window_view(np.pad(curve, reach), 2 * reach + 1)
    return np.where(curve >= around.max(1), curve, 0.0)


def band(name: str) -> Callable[[Sound, int, float], np.ndarray]:
    """The measure of a band of BANDS."""
    lowest, highest = BANDS[name]

    def energy(sound: Sound, frames: int, fps: float) -> np.ndarray:
        hop, count = hops(sound, frames, fps)
        found = []
        for block in magnitudes(sound, hop, count):
            hertz = np.linspace(0.0, sound.rate / 2, block.shape[1])
            inside = (hertz >= lowest) & (hertz < highest)
            found.append(np.sqrt((block[:, inside] ** 2).sum(1)))
        return by_frame(sound, frames, fps, np.concatenate(found), hop, np.mean)

    return energy


MEASURES: dict[str, Callable[[Sound, int, float], np.ndarray]] = {
    "rms": loudness,
    "onsets": onsets,
    **{name: band(name) for name in BANDS},
}


def released(curve: np.ndarray, smoothing: float) -> np.ndarray:
    """Rises at once and falls slowly: of each value, `smoothing` is left one frame later, so that
    peaks stay where they are.   f -> f"""
    held, out = 0.0, np.empty_like(curve)
    for i, value in enumerate(curve):
        held = max(value, held * smoothing)
        out[i] = held
    return out


def audio_values(
    audio: Any,
    frames: int,
    fps: float,
    measure: str = "rms",
    smoothing: float = 0.0,
    low: float = 0.0,
    high: float = 1.0,
) -> list[float]:
    """A value for each frame: the measure, its lowest over the clip made `low`, its highest `high`.

    A sound that does not change gives `low`. Where the sound ends before the clip, the rest is
    silence, and a warning says so. Raises ValueError for what is no sound or no setting.
    """
    if measure not in [*MEASURES]:
        raise ValueError(f"{measure!r} is no measure; choose one of {', '.join(MEASURES)}.")
    if not 0.0 < fps < np.inf or frames < 1 or not 0.0 <= smoothing < 1.0:
        raise ValueError(
            f"{frames} frames at {fps:g} a second with a smoothing of {smoothing:g} make no curve; "
            "frames and fps must be above 0, smoothing from 0 to below 1."
        )
    sound = sound_of(audio)
    tell_of_its_end(sound, frames, fps)
    curve = MEASURES[measure](sound, frames, fps)
    floor, span = curve.min(), np.ptp(curve)
    level = (curve - floor) / span if span > 1e-9 else np.zeros(frames)
    return (low + (high - low) * released(level, smoothing)).tolist()


def tell_of_its_end(sound: Sound, frames: int, fps: float) -> None:
    heard = int(np.ceil(sound.seconds * fps - 1e-9))
    if heard < frames:
        log.warning(
            "The audio lasts %.2f s, which is %d frames at %g a second; the %d frames behind it "
            "are silent.",
            sound.seconds,
            heard,
            fps,
            frames - heard,
        )
