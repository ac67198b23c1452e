"""The host's time for a training step: to draw a batch from a cache of ever more clips.

    python benchmarks/host_time.py                 1,000 to 1,000,000 clips
    python benchmarks/host_time.py --most 100000

A cache of so many clips is made up: a few shards are written, of clips at 256 x 256 and captions of
77 tokens, and the index has them again and again, each time as shards of their own with clips and
captions of their own. So the tables, the files to open and the random order of reading are those of
a real set; what the disk itself takes is not in it. What is
measured is the thread that draws ahead: while it is faster than a step, the device waits for
nothing. Each figure is the median of many steps; that of an epoch, to draw its order, comes once
for all of its steps.
"""

from __future__ import annotations

import argparse
import importlib
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

sys.path.append(str(Path(__file__).resolve().parent.parent))
from standalone.enter_comfyui import enter_comfyui


def pack(name: str) -> Any:
    return importlib.import_module(f"animatediff_kit.training.{name}")


REAL = 512
"""Clips and texts that are really there, in shards of the size that caches have."""

BATCH, STEPS = 4, 60


def write(folder: Path) -> None:
    records, shards = pack("data.records"), pack("data.shards")
    generator = torch.Generator().manual_seed(0)
    with shards.ShardWriter(folder, "texts", 2**22) as writer:
        for caption in ("", *(f"caption {i}" for i in range(REAL))):
            tensor = torch.randn((77, 768), generator=generator).half()
            key = records.text_key(caption, "clip", "embedding")
            writer.add({"caption": caption, "clip": "clip"}, {key: tensor})
    with shards.ShardWriter(folder, "latents", 2**22) as writer:
        for i in range(REAL):
            tensor = torch.randn((16, 4, 32, 32), generator=generator).half()
            writer.add({"key": str(i)}, {records.latents_key(str(i)): tensor})


def cache_of(folder: Path, count: int) -> Any:
    """An index of `count` clips over the tensors that are there, each with a caption of its own."""
    Entry, records = pack("data.cache_identity").Entry, pack("data.records")
    real = tuple(Entry(str(i), f"clip {i}", f"caption {i}") for i in range(REAL))
    manifest = pack("data.cache_identity").Manifest("vae", "clip", real)
    cache = pack("data.cache").EncodedClips(folder, manifest)
    repeat(cache._latents, lambda i: records.latents_key(str(i)), count)
    repeat(cache._texts, lambda i: records.text_key(f"caption {i}", "clip", "embedding"), count)
    cache._entries = [Entry(str(i), f"clip {i}", f"caption {i}") for i in range(count)]
    return cache


def repeat(reader: Any, key_of: Callable[[int], str], count: int) -> None:
    """The reader's tensors again, as those of further shards."""
    files = len(reader.files)
    places = [reader.places[key_of(i)] for i in range(REAL)]
    for i in range(REAL, count):
        place = places[i % REAL]
        reader.places[key_of(i)] = place._replace(shard=place.shard + i // REAL * files)
    reader.files = reader.files * -(-count // REAL)


def measured(cache: Any) -> list[float]:
    """Seconds of a step, of one on single frames, and of an epoch's order."""
    orders, draw = pack("engine.batch_order"), pack("engine.batches").draw
    settings = pack("engine.config").TrainingSettings(batch_size=BATCH)
    groups = orders.buckets([cache.shape(i) for i in range(len(cache))])
    order = orders.BatchOrder(groups, BATCH, settings.seed)
    epoch = seconds(lambda: order.batch(0))
    steps = [
        [seconds(lambda p=p, s=s: draw(cache, order, p, settings, s)) for p in range(STEPS)]
        for s in (False, True)
    ]
    return [*map(statistics.median, steps), epoch]


def seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--most", type=int, default=1_000_000, help="clips of the largest cache")
    most = parser.parse_args().most
    enter_comfyui()
    torch.set_num_threads(1)
    print(f"{'clips':>10} {'a step':>10} {'one frame':>10} {'an epoch':>10}   ms of the CPU")
    with tempfile.TemporaryDirectory() as name:
        write(Path(name))
        for count in (10**n for n in range(3, 7) if 10**n <= most):
            figures = " ".join(
                f"{1000 * one:>10.2f}" for one in measured(cache_of(Path(name), count))
            )
            print(f"{count:>10,} {figures}", flush=True)


if __name__ == "__main__":
    main()
