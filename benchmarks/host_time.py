"""The host's time for a training step: to draw a batch from a cache of ever more clips.

    python benchmarks/host_time.py                 1,000 to 1,000,000 clips
    python benchmarks/host_time.py --most 100000

A cache of so many clips is made up: a few shards are written, of clips at 256 x 256 and captions of
77 tokens, and every clip of the index is one of their tensors. So the sizes of all tables and the
random order of reading are those of a real set; what the disk itself takes is not in it. What is
measured is the thread that draws ahead: while it is faster than a step, the device waits for
nothing. Each figure is the median of many steps, after the first of an epoch, which is told apart:
it draws the epoch's order.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from standalone import import_pack

import_pack()

from animatediff_kit.training.data.cache import LATENTS, TEXTS, EncodedClips  # noqa: E402
from animatediff_kit.training.data.cache_identity import (  # noqa: E402
    Entry,
    Manifest,
)
from animatediff_kit.training.data.records import latents_key, text_key  # noqa: E402
from animatediff_kit.training.data.shards import ShardWriter  # noqa: E402
from animatediff_kit.training.engine.batch_order import BatchOrder, buckets  # noqa: E402
from animatediff_kit.training.engine.batches import draw  # noqa: E402
from animatediff_kit.training.engine.config import TrainingSettings  # noqa: E402

REAL = 512
"""Clips and texts that are really there, in shards of the size that caches have."""

BATCH, STEPS = 4, 60


def write(folder: Path) -> None:
    generator = torch.Generator().manual_seed(0)
    with ShardWriter(folder, TEXTS, 2**22) as writer:
        for caption in ("", *(f"caption {i}" for i in range(REAL))):
            tensor = torch.randn((77, 768), generator=generator).half()
            key = text_key(caption, "clip", "embedding")
            writer.add({"caption": caption, "clip": "clip"}, {key: tensor})
    with ShardWriter(folder, LATENTS, 2**22) as writer:
        for i in range(REAL):
            tensor = torch.randn((16, 4, 32, 32), generator=generator).half()
            writer.add({"key": str(i)}, {latents_key(str(i)): tensor})


def cache_of(folder: Path, count: int) -> EncodedClips:
    """An index of `count` clips over the tensors that are there, each with a place of its own."""
    real = tuple(Entry(str(i), f"clip {i}", f"caption {i}") for i in range(REAL))
    cache = EncodedClips(folder, Manifest("vae", "clip", real))
    places = cache._latents.places
    for i in range(REAL, count):
        places[latents_key(str(i))] = places[latents_key(str(i % REAL))]
    cache._entries = [Entry(str(i), f"clip {i}", f"caption {i % REAL}") for i in range(count)]
    return cache


def seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--most", type=int, default=1_000_000, help="clips of the largest cache")
    most = parser.parse_args().most
    torch.set_num_threads(1)
    settings = TrainingSettings(batch_size=BATCH)
    print(f"{'clips':>10} {'a step':>10} {'one frame':>10} {'an epoch':>10}   ms of the CPU")
    with tempfile.TemporaryDirectory() as name:
        write(Path(name))
        for count in (10**n for n in range(3, 7) if 10**n <= most):
            cache = cache_of(Path(name), count)
            order = BatchOrder(
                buckets([cache.shape(i) for i in range(count)]), BATCH, settings.seed
            )
            first = seconds(lambda order=order: order.batch(0))
            told = [
                statistics.median(
                    seconds(lambda p=p, c=cache, o=order, s=single: draw(c, o, p, settings, s))
                    for p in range(STEPS)
                )
                for single in (False, True)
            ]
            figures = " ".join(f"{1000 * figure:>10.2f}" for figure in (*told, first))
            print(f"{count:>10,} {figures}", flush=True)


if __name__ == "__main__":
    main()
