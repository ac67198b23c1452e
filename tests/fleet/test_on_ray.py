"""Servers by Ray: what each takes of a machine, what is told; rendering where Ray is installed."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from animatediff_kit.fleet import on_ray
from animatediff_kit.fleet.command_line import options_of
from animatediff_kit.fleet.own_server import OwnServer

from launcher import LauncherError

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("there", "count", "servers", "share", "threads"),
    [
        ({"CPU": 16.0, "GPU": 4.0}, None, 4, {"num_gpus": 1, "num_cpus": 1}, "4"),
        ({"CPU": 8.0}, None, 1, {"num_cpus": 8}, "8"),
        ({"CPU": 2.0}, 2, 2, {"num_cpus": 1}, "1"),
        ({"CPU": 2.0}, 4, 4, {"num_cpus": 0.5}, "1"),
    ],
)
def test_what_a_server_takes(
    there: dict[str, float], count: int | None, servers: int, share: dict[str, float], threads: str
) -> None:
    told: list[str] = []
    made = on_ray.share_of(there, count, told.append)
    environment = {"env_vars": {"OMP_NUM_THREADS": threads}}
    assert made == on_ray.Share(servers, {**share, "runtime_env": environment}) and told == []


def test_fewer_gpus_than_servers_is_told() -> None:
    told: list[str] = []
    assert on_ray.share_of({"CPU": 8, "GPU": 1}, 2, told.append).servers == 2
    assert told == ["2 servers need 2 GPUs, and Ray has 1: the others wait for more."]


def test_without_ray_a_sentence_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(LauncherError, match="^Ray is not installed in .* Install it with `python "):
        on_ray.RayServers(ROOT, lambda line: None)


def test_when_no_server_is_left() -> None:
    engine = on_ray.RayServers.__new__(on_ray.RayServers)
    engine._starting = {}
    with pytest.raises(LauncherError, match="^No server is left. Find the reason above, and start"):
        engine._welcome()


def test_a_clone_without_comfyui_is_told(tmp_path: Path) -> None:
    with pytest.raises(LauncherError, match="has no ComfyUI yet: run `python run.py install` ther"):
        OwnServer(tmp_path)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (["--server", "a", "--servers", "2"], "--server names servers that run already; --servers"),
        (["--server", "a", "--address", "b"], "--server names servers that run already; --address"),
        (["--servers", "0"], "--servers must be at least 1"),
    ],
)
def test_options_that_do_not_go_together(
    line: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        options_of(["rows.csv", "--workflow", "w", "--out", "o", *line])
    assert told in capsys.readouterr().err


@pytest.fixture
def ray_here() -> None:
    if importlib.util.find_spec("ray") is None:
        pytest.skip("Ray is not installed here: pip install -r requirements-fleet.txt")


@pytest.mark.usefixtures("ray_here")
def test_no_ray_at_an_address() -> None:
    with pytest.raises(LauncherError, match=r"^No Ray answers at 127\.0\.0\.1:1 \("):
        on_ray.RayServers(ROOT, lambda line: None, address="127.0.0.1:1")


@pytest.mark.usefixtures("ray_here")
def test_ray_starts_a_server_that_was_killed_anew(tmp_path: Path) -> None:
    rows = [{"name": f"c{n}", "KSampler.seed": n, "5.batch_size": 2} for n in range(6)]
    table, out = tmp_path / "rows.jsonl", tmp_path / "out"
    table.write_text("\n".join(json.dumps({**row, "KSampler.steps": 1}) for row in rows))
    template = ROOT / "example_workflows" / "01-Small-world-text-to-animation.json"
    line = [sys.executable, str(ROOT / "fleet.py"), str(table), "--workflow", str(template)]
    process = subprocess.Popen([*line, "--out", str(out)], stdout=subprocess.PIPE, text=True)
    manifest = out / "manifest.jsonl"
    while process.poll() is None and not (manifest.is_file() and manifest.read_text()):
        time.sleep(0.1)
    port = json.loads(manifest.read_text().splitlines()[0])["server"].rpartition(":")[2]
    (comfyui,) = [
        int(place.name)
        for place in Path("/proc").glob("[0-9]*")
        if f"--port\0{port}\0".encode() in (place / "cmdline").read_bytes()
    ]
    os.kill(comfyui, signal.SIGKILL)
    told, _ = process.communicate(timeout=300)
    assert process.returncode == 0 and "is gone; Ray starts another." in told
    entries = [json.loads(line) for line in manifest.read_text().splitlines()]
    assert sorted(entry["name"] for entry in entries) == [f"c{n}" for n in range(6)]
    assert len({entry["server"] for entry in entries}) == 2
