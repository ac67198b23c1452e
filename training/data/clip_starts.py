"""Where clips lie in a video: how long they are, and where each begins.

Places are whole numbers: video frames where frames are counted, milliseconds where they are chosen
by time.
"""

from __future__ import annotations

import logging
import random
from dataclasses import dataclass

from .bad_share import is_share, names_of
from .probes import Probe
from .sources import Source
from .video_settings import ALL, FIRST, UNIFORM, VideoSettings

log = logging.getLogger(__name__)

SLOW = 0.9
"""Of the rate wanted: what a video shows of it at least, without a warning."""


@dataclass(frozen=True)
class Room:
    """Where clips of `frames` frames can begin in one video: from 0 to before `places`.
    step: from one clip to the next that shares no frame with it.   by_time: in milliseconds"""

    frames: int
    places: int
    step: int
    by_time: bool


def room_of(found: Probe, timeless: bool, settings: VideoSettings) -> Room | None:
    """Of the longest clips that a video holds; None where it holds none."""
    for frames in settings.lengths:
        if settings.fps and not timeless:
            places = found.milliseconds - int(1000 * settings.seconds(frames)) + 1
            step = max(1, int(1000 * frames / settings.fps))
            room = Room(frames, places if found.milliseconds or frames == 1 else 0, step, True)
        else:
            stride = settings.stride if not settings.fps else 1
            places = found.frames - (frames - 1) * stride
            room = Room(frames, places, frames * stride, False)
        if room.places > 0:
            return room
    return None


def starts(name: str, room: Room, settings: VideoSettings) -> list[int]:
    """Where a video's clips begin. Those that are drawn hang on the seed and the file's name alone,
    each from its own part of what fits."""
    places, count = room.places, settings.clips_per_video
    if settings.choice == ALL:
        return list(range(0, places, room.step))
    if settings.choice == FIRST:
        return list(range(0, places, room.step))[:count]
    if settings.choice == UNIFORM:
        if count == 1:
            return [(places - 1) // 2]
        return [round(number * (places - 1) / (count - 1)) for number in range(count)]
    random_of = random.Random(f"{settings.seed}/{name}")
    return [int((number + random_of.random()) * places / count) for number in range(count)]


def rooms(probed: dict[Source, Probe], settings: VideoSettings) -> dict[Source, Room]:
    """Of each video in which a clip fits. A few of many in which none does are named in a warning,
    as are those that show fewer frames a second than are wanted; raises ValueError for more."""
    found = {s: room_of(one, is_timeless(s, settings), settings) for s, one in probed.items()}
    short = [source for source, room in found.items() if room is None]
    if is_share(len(short), len(probed)):
        log.warning(
            "%d of %d videos have less than the %s that a clip reaches over, and are left out: %s.",
            len(short),
            len(probed),
            reach(settings),
            names_of([source.name for source in short]),
        )
    elif short:
        raise ValueError(too_short([(s, probed[s]) for s in short], len(probed), settings))
    kept = {source: room for source, room in found.items() if room is not None}
    name_the_slow({s: probed[s] for s, room in kept.items() if room.by_time}, settings.fps)
    return kept


def is_timeless(source: Source, settings: VideoSettings) -> bool:
    """Whether it is of images, which no time stamps belong to."""
    return settings.images or source.path.is_dir()


def reach(settings: VideoSettings) -> str:
    """What the shortest clips reach over."""
    frames = settings.lengths[-1]
    if settings.fps:
        return f"{settings.seconds(frames):.2f} seconds"
    return f"{settings.span(frames)} frames"


def name_the_slow(probed: dict[Source, Probe], fps: float) -> None:
    slow = [s.name for s, found in probed.items() if 0 < rate_of(found) < SLOW * fps]
    if slow:
        log.warning(
            "%d of %d videos show fewer than the %g frames a second that fps asks for, so some "
            "frames are taken twice, which looks like a stutter: %s. Set fps lower, or take them "
            "out.",
            len(slow),
            len(probed),
            fps,
            names_of(slow),
        )


def rate_of(found: Probe) -> float:
    """Frames a second, over all of the video; 0 of one frame alone."""
    return 1000 * (found.frames - 1) / found.milliseconds if found.milliseconds else 0.0


def too_short(short: list[tuple[Source, Probe]], of: int, settings: VideoSettings) -> str:
    source, found = short[0]
    others = f" ({len(short)} of {of} are too short)" if of > 1 else ""
    frames, length = settings.lengths[-1], min(one.frames for _, one in short)
    if settings.fps and not is_timeless(source, settings):
        needed = settings.seconds(frames)
        return (
            f"{source.name} lasts {found.milliseconds / 1000:.2f} seconds from its first frame to "
            f"its last, but {frames} frames at {settings.fps:g} a second need {needed:.2f}{others}."
            f" Set {name_of_length(settings)} lower or fps higher, or take the short videos out."
        )
    stride = 1 if settings.fps else settings.stride
    return (
        f"{source.name} has {found.frames} {'frame' if found.frames == 1 else 'frames'}, but "
        f"{frames} frames at stride {stride} need {(frames - 1) * stride + 1}{others}. "
        f"{remedy(length, frames, settings)}"
    )


def name_of_length(settings: VideoSettings) -> str:
    return "frame_buckets" if settings.frame_buckets else "frames"


def remedy(shortest: int, frames: int, settings: VideoSettings) -> str:
    if shortest == 1:
        return (
            "A still has no motion to learn: take it out, set frames to 1 for a domain adapter, "
            "or make clips of stills with the node Move Camera."
        )
    length = f"{name_of_length(settings)} to {shortest}"
    stride = (shortest - 1) // max(1, frames - 1)
    if settings.fps:
        change = length
    else:
        change = f"stride to {stride}" if stride else f"{length} and stride to 1"
    return f"Set {change}, or take the short videos out."
