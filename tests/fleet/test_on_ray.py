"""Servers by Ray: what each takes of a machine, what is told; rendering where Ray is installed."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from animatediff_kit.fleet import on_ray
from animatediff_kit.fleet.command_line import options_of
from animatediff_kit.fleet.own_server import OwnServer

import fleet.on_ray
from fleet.jobs import Job
from fleet.rows import Rows
from launcher import LauncherError

ROOT = Path(__file__).resolve().parents[2]


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


def test_a_relative_comfyui_is_that_of_the_folder_in_which_the_fleet_is_started() -> None:
    """The servers start elsewhere, with --address on other machines."""
    line = ["rows.csv", "--workflow", "w", "--out", "o", "--address", "box:6379", "--comfyui", "it"]
    assert options_of(line).comfyui == Path.cwd() / "it"
    assert options_of([*line[:-1], "~/it"]).comfyui == Path.home() / "it"


@pytest.fixture
def ray_here() -> None:
    if importlib.util.find_spec("ray") is None:
        pytest.skip("Ray is not installed here: pip install -r requirements-fleet.txt")


@pytest.mark.usefixtures("ray_here")
def test_no_ray_at_an_address() -> None:
    with pytest.raises(LauncherError, match=r"^No Ray answers at 127\.0\.0\.1:1 \("):
        on_ray.RayServers(ROOT, lambda line: None, address="127.0.0.1:1")


def job(name: str, image: str = "") -> Job:
    """Saves a blank picture, or one of the server's input folder."""
    blank = {"width": 8, "height": 8, "batch_size": 1, "color": 0}
    source: dict[str, Any] = {"class_type": "EmptyImage", "inputs": blank}
    if image:
        source = {"class_type": "LoadImage", "inputs": {"image": image}}
    saved = {"images": ["1", 0], "filename_prefix": name}
    return Job(name, 1, {}, {"1": source, "2": {"class_type": "SaveImage", "inputs": saved}}, name)


@pytest.fixture
def engine(ray_here: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Any, list[str]]]:
    """Two servers by Ray, whose workers find the fleet as `fleet`, and what the engine says."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT), prepend=os.pathsep)
    told: list[str] = []
    made = fleet.on_ray.RayServers(ROOT, told.append, count=2)
    yield made, told
    made.close()


def test_servers_by_ray_that_are_slow_fail_rows_lose_them_or_are_gone(
    engine: tuple[Any, list[str]],
) -> None:
    servers, told = engine
    servers.pause = 1.0
    ((_, info),) = servers.object_infos()
    assert "SaveImage" in info
    assert told[0] == "No server came up in 1 s; `ray status` says what Ray waits for."
    while servers._starting:
        servers._welcome()
    outcomes = list(servers.render([job("bad", "none.png"), *(job(f"{n}") for n in range(3))]))
    assert {(o.name, bool(o.error)) for o in outcomes} == {
        *(("bad", True), ("0", False), ("1", False), ("2", False))
    }
    (line,) = [line for line in told if line.startswith("bad failed on ")]
    assert " and goes to another: The server refused the graph:" in line

    actor = servers._idle.popleft()
    fails = servers.ray.remote(json.loads).options(num_cpus=0).remote("{")
    assert list(servers._heard(Rows([]), fails, actor, job("a"))) == []
    assert any(line.startswith("Ray lost row a: ") for line in told)

    before = servers.ray.get(servers._idle[0].ready.remote())
    servers._start_anew(servers._idle[0])
    assert "A server failed 3 rows on end that others rendered: it is started anew." in told
    while servers._starting:
        servers._welcome()
    names = {servers.ray.get(actor.ready.remote()) for actor in servers.actors}
    assert len(names) == 2 and before not in names

    servers.ray.kill(servers._idle[0])
    with pytest.raises(LauncherError, match="^The server that came up first did not say which nod"):
        list(servers.object_infos())


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
