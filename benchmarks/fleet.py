"""Does a fleet render every clip once, whatever ends meanwhile, and how fast is it?

    python benchmarks/fleet.py [--clips 1000] [--servers 2] [--folder DIR]

Renders a table of small-world clips (4 frames, 2 steps) twice: on one running server with one
thread, without Ray; and by Ray on several servers, of which one is killed at random after a third
of the clips, while the command gets Ctrl-C after two thirds and is started again. Then it looks for
clips that are lost, doubled, or differ by a byte from those of the single server, and prints
how many clips a minute each has made; also those of one server with all cores. Clips are compared
by their WebPs: x264, with several threads, writes a few MP4s of equal frames differently.

Needs Ray in the Python that runs it. A stopped benchmark goes on in its folder.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT))
from launcher import comfyui  # noqa: E402
from launcher.comfyui import ComfyUI  # noqa: E402
from launcher.environment import python_of  # noqa: E402
from launcher.server import Server  # noqa: E402

TEMPLATE = ROOT / "example_workflows" / "01-Small-world-text-to-animation.json"
COLOURS = ("red", "green", "blue", "yellow", "purple", "orange")
SHAPES = ("circle", "square", "triangle", "star", "cross")
MOTIONS = ("moving left", "moving right", "going round", "growing", "bouncing")
ALL_CORES = 30  # clips, at most, of one server with all cores

Entry = dict[str, Any]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--clips", type=int, default=1000)
    parser.add_argument("--servers", type=int, default=2)
    parser.add_argument("--folder", type=Path, help="for clips and manifests; default: a new one")
    return parser.parse_args()


def table(clips: int) -> str:
    """A row a clip, all different."""
    rows = []
    for number in range(clips):
        colour, shape = COLOURS[number % 6], SHAPES[number % 5]
        text = f"a {colour} {shape} {MOTIONS[number // 30 % 5]} on a white background"
        row = {"name": f"clip-{number:04d}", "Prompt.text": text, "KSampler.seed": number}
        row |= {"KSampler.steps": 2, "5.batch_size": 4, "8.scale_by": 1.0}
        rows.append(json.dumps(row) + "\n")
    return "".join(rows)


def entries(out: Path) -> list[Entry]:
    """What the manifest holds of clips that are done."""
    path = out / "manifest.jsonl"
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    whole = text[: text.rfind("\n") + 1].splitlines()
    return [entry for entry in map(json.loads, whole) if "error" not in entry]


def command(rows: Path, out: Path, *more: str) -> list[str]:
    script = [sys.executable, str(ROOT / "fleet.py"), str(rows), "--workflow", str(TEMPLATE)]
    return [*script, "--out", str(out), *more]


def to_the_end(command: list[str]) -> None:
    code = subprocess.run(command).returncode
    if code:
        sys.exit(f"fleet.py ended with exit code {code}.")


@contextmanager
def one_server(folder: Path):  # -> its address
    """A server with one thread, started here."""
    os.environ["OMP_NUM_THREADS"] = "1"
    comfy = ComfyUI(ROOT / ".comfy" / "ComfyUI", python_of(ROOT / ".venv"))
    base = comfyui.prepare_base(ROOT / ".comfy" / "base", ROOT)
    output = ("--output-directory", str(folder / "single-server"), "--cache-classic")
    (folder / "single-server").mkdir(exist_ok=True)
    try:
        with Server(comfy, base, folder / "single-server.log", output) as server:
            yield server.url
    finally:
        del os.environ["OMP_NUM_THREADS"]


def watched(command: list[str], out: Path, clips: int, act: Callable[[subprocess.Popen], None]):
    """Runs a fleet and acts once so many clips are done. -> the exit code"""
    process = subprocess.Popen(command)
    while process.poll() is None and len(entries(out)) < clips:
        time.sleep(0.2)
    if process.poll() is None:
        act(process)
    return process.wait()


def kill_one(out: Path) -> None:
    """Kills the ComfyUI of a fleet's server at random, as the system does without memory."""
    ports = sorted({entry["server"].rpartition(":")[2] for entry in entries(out)[-10:]})
    port = random.choice(ports)
    for place in Path("/proc").glob("[0-9]*"):
        try:
            line = (place / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"--port" in line and line[line.index(b"--port") + 1] == port.encode():
            os.kill(int(place.name), signal.SIGKILL)
            print(f"\nkilled the server at port {port}", flush=True)


def fleet_with_faults(rows: Path, out: Path, clips: int, servers: int) -> None:
    """A server killed after a third, Ctrl-C after two thirds, and the same command again."""
    line = command(rows, out, "--servers", str(servers))
    if len(entries(out)) < clips // 3:

        def faults(process: subprocess.Popen) -> None:
            kill_one(out)
            while process.poll() is None and len(entries(out)) < 2 * clips // 3:
                time.sleep(0.2)
            process.send_signal(signal.SIGINT)

        code = watched(line, out, clips // 3, faults)
        print(f"Ctrl-C: exit code {code}, {len(entries(out))} clips are done", flush=True)
    to_the_end(line)


def a_minute(done: list[Entry]) -> float:
    """Clips a minute between the first and the last, pauses left out: stops, and servers that
    start."""
    ends = sorted(entry["ended"] for entry in done)
    steps = sorted(b - a for a, b in zip(ends, ends[1:], strict=False))
    usual = steps[len(steps) // 2]
    counted = [step for step in steps if step < 20 * max(usual, 0.1)]
    return 60 * len(counted) / sum(counted)


def report(single: Path, fleet: Path, clips: int) -> bool:
    done, alone = entries(fleet), {entry["name"]: entry for entry in entries(single)}
    names = [entry["name"] for entry in done]
    wanted = {f"clip-{number:04d}" for number in range(clips)}
    files = [name for entry in done for name in entry["files"]]
    there = {path.name for path in fleet.iterdir()} - {"manifest.jsonl", "fleet.lock"}
    differ = [name for name in files if (fleet / name).read_bytes() != (single / name).read_bytes()]
    clips_differ = [name for name in differ if not name.endswith(".mp4")]
    print(f"clips                    {len(names)}, of {len({e['server'] for e in done})} servers")
    print(f"lost                     {len(wanted - set(names))}")
    print(f"doubled                  {len(names) - len(set(names))}")
    print(f"files beside the clips'  {len(there ^ set(files))}")
    print(f"differ from one server's {len(clips_differ)}, by a byte of their WebP")
    print(f"MP4s that differ         {len(differ) - len(clips_differ)}")
    right = set(alone) == wanted == set(names) and len(names) == clips
    return right and not clips_differ and there == set(files)


def main() -> int:
    options = arguments()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's `&` has it ignored
    folder = options.folder or Path(tempfile.mkdtemp(prefix="fleet-benchmark-"))
    folder.mkdir(parents=True, exist_ok=True)
    print(f"in {folder}", flush=True)
    rows, few = folder / "rows.jsonl", folder / "few.jsonl"
    rows.write_text(table(options.clips), encoding="utf-8")
    few.write_text(table(min(options.clips, ALL_CORES)), encoding="utf-8")
    single, fleet, cores = (folder / name for name in ("single", "fleet", "all-cores"))
    fleet_with_faults(rows, fleet, options.clips, options.servers)
    if len(entries(single)) < options.clips:
        with one_server(folder) as url:
            to_the_end(command(rows, single, "--server", url))
    to_the_end(command(few, cores, "--servers", "1"))
    right = report(single, fleet, options.clips)
    speeds = {name: a_minute(entries(folder / name)) for name in ("fleet", "single", "all-cores")}
    print(f"clips a minute           {speeds['fleet']:.1f} on {options.servers} servers")
    for name, what in (("single", "one thread"), ("all-cores", "all cores")):
        times = speeds["fleet"] / speeds[name]
        print(f"                         {speeds[name]:.1f} on one with {what}: {times:.2f} times")
    return int(not right)


if __name__ == "__main__":
    sys.exit(main())
