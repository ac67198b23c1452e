"""Does one server stay as it was over many prompts? Mixed prompts, cancels and bad graphs.

    .venv/bin/python benchmarks/soak.py [--prompts 200] [--seed 0] [--log FILE]

Starts ComfyUI with the pack, on one thread (soaking/server.py says why), and gives it prompts of
the kinds of soaking/prompts.py over the small world's models: image models, sizes, windows, views,
LoRAs, training of 3 to 10 steps, Measure Motion, graphs that must be refused, and cancels at
random. It holds where every prompt comes to its end, every good one gives bit for bit what the
first of its kind gave, and memory is flat.

Memory is read after every eighth prompt, which is always of the same kind, so that ComfyUI's cache
holds the same (soaking/memory_route says what is read). It is flat where, of the readings after the
first quarter of the prompts, the mean of the last quarter is within 2 % of that of the first: the
resident memory, after Python's collection and after the allocator has given back what it holds
free; and the bytes of all living tensors.
"""

from __future__ import annotations

import argparse
import importlib
import random
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent))
from launcher.comfyui import ComfyUI
from standalone.enter_comfyui import COMFYUI, ROOT, register_package


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--prompts", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--log", type=Path, help="where the server's log is kept")
    return parser.parse_args()


def main() -> int:
    options = arguments()
    register_package("animatediff_kit", ROOT)
    soaking = "animatediff_kit.benchmarks.soaking"
    run = importlib.import_module(f"{soaking}.run")
    server = importlib.import_module(f"{soaking}.server")
    judgement = importlib.import_module(f"{soaking}.judgement")
    chance = random.Random(options.seed)
    comfy = ComfyUI(Path(COMFYUI), Path(sys.executable))
    with server.served(comfy, options.log) as running:
        soak = run.Soak(running, chance)
        for number, (kind, cancel) in enumerate(run.mixed(chance, options.prompts), 1):
            outcome = soak.prompt(kind, cancel)
            line = f"{number:4d} {kind:<28} {outcome.ended} {outcome.seconds:.1f} s"
            if number % run.EVERY == 0:
                soak.read_memory()
                held = soak.memory[-1][1]
                line += (
                    f"  {held['trimmed'] / 2**20:.1f} MiB, tensors {held['tensors'] / 2**20:.2f}"
                )
            print(line, file=sys.stderr, flush=True)
            if not running.is_running():
                print(running.obituary())
                break
    judgement.print_tables(soak)
    wrong = judgement.faults(soak, options.prompts)
    print("\n" + ("holds" if not wrong else "missed: " + "\n  ".join(wrong)))
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
