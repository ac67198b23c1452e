"""`fleet.py` on a real server that runs already: a table becomes clips, whatever ends meanwhile."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from adk_tests.fleet.crossing import Crossing
from adk_tests.support.answering import Asked, serving
from animatediff_kit.fleet import command_line, running_servers
from animatediff_kit.fleet.engine import TRIES
from animatediff_kit.fleet.jobs import Job, make_jobs
from animatediff_kit.fleet.running_servers import RunningServers
from animatediff_kit.fleet.table import Row
from animatediff_kit.fleet.workflow_file import prompt_of
from animatediff_kit.launcher.server import Server

from launcher import LauncherError, workflow

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "example_workflows" / "01-Small-world-text-to-animation.json"
SMALL = {"5.batch_size": 2, "KSampler.steps": 1, "8.scale_by": 1.0}


def rows(count: int) -> list[dict[str, Any]]:
    texts = [f"a red star {number}" for number in range(count)]
    return [{"name": f"clip-{n}", "Prompt.text": text, **SMALL} for n, text in enumerate(texts)]


def line(folder: Path, table: list[dict[str, Any]], *urls: str) -> list[str]:
    (folder / "rows.jsonl").write_text("\n".join(map(json.dumps, table)))
    arguments = [str(folder / "rows.jsonl"), "--workflow", str(TEMPLATE)]
    return [*arguments, "--out", str(folder / "out"), "--server", *urls]


def entries(folder: Path) -> list[dict[str, Any]]:
    path = folder / "out" / "manifest.jsonl"
    text = path.read_text() if path.is_file() else ""
    return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]


@pytest.fixture
def crossing(server: Server) -> Iterator[Crossing]:
    made = Crossing(server.client.port)
    yield made
    made.close()


def test_a_table_becomes_clips_across_ctrl_c_and_is_not_rendered_again(
    server: Server, crossing: Crossing, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = rows(5)
    arguments = line(tmp_path, table, server.url, crossing.url)
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "fleet.py"), *arguments], stdout=subprocess.PIPE, text=True
    )
    while process.poll() is None and not entries(tmp_path):
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    told, _ = process.communicate(timeout=30)
    assert process.returncode == 130 and "stopped; the same command goes on with the clips" in told
    before = entries(tmp_path)
    assert 1 <= len(before) < len(table)
    assert command_line.main(arguments) == 0
    done = entries(tmp_path)
    assert done[: len(before)] == before, "what was done is not done again"
    assert sorted(entry["name"] for entry in done) == [row["name"] for row in table]
    assert {entry["server"] for entry in done[len(before) :]} == {server.url, crossing.url}
    files = sorted(name for entry in done for name in entry["files"])
    assert files == sorted(f"clip-{n}.{kind}" for n in range(5) for kind in ("mp4", "webp"))
    there = {path.name for path in (tmp_path / "out").iterdir()}
    assert there == {*files, "manifest.jsonl", "fleet.lock"}
    contents = {(tmp_path / "out" / f"clip-{n}.webp").read_bytes() for n in range(5)}
    assert len(contents) == 5
    queued = server.client.get_json("/history")
    capsys.readouterr()
    assert command_line.main(arguments) == 0 and entries(tmp_path) == done
    assert server.client.get_json("/history").keys() == queued.keys()
    assert "5 of 5 clips" in capsys.readouterr().out


def test_rows_that_fail_are_told_and_the_others_are_rendered(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = rows(2)
    table[0] |= {"5.batch_size": 40, "2.context_length": 0}  # more than the motion model knows
    assert command_line.main(line(tmp_path, table, server.url)) == 1
    failed, fine = entries(tmp_path)
    assert "failed with ValueError: 40 frames exceed the " in failed["error"]
    assert (failed["files"], fine["files"]) == ([], ["clip-1.webp", "clip-1.mp4"])
    assert "clip-0: Node " in capsys.readouterr().out


def test_a_table_with_faults_renders_nothing(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = rows(2)
    table[1] |= {"KSampler.seeds": 1}
    assert command_line.main(line(tmp_path, table, server.url)) == 1
    told = capsys.readouterr().err
    assert "rows.jsonl, line 2, column 'KSampler.seeds': no node of this id or title" in told
    assert f"(Checked with {server.url}.)" in told and entries(tmp_path) == []


def made_jobs(server: Server, count: int) -> list[Job]:
    info = server.client.object_info()
    listed = [Row(n, n, row, False) for n, row in enumerate(rows(count), 1)]
    return make_jobs("rows", listed, prompt_of(workflow.load(TEMPLATE), info), info)


def test_a_server_that_is_lost_gives_its_row_to_another_and_may_come_back(
    server: Server, crossing: Crossing
) -> None:
    told: list[str] = []
    jobs = made_jobs(server, 6)
    engine = RunningServers([server.url, crossing.url], told.append)
    outcomes = []
    for outcome in engine.render(jobs):
        outcomes.append(outcome)
        if len(outcomes) == 1:
            crossing.close()
            time.sleep(1.5)
            crossing.open()
    engine.close()
    assert sorted(outcome.name for outcome in outcomes) == [job.name for job in jobs]
    assert not any(outcome.error for outcome in outcomes)
    assert told and told[0].startswith(f"{crossing.url} is gone: ")


def test_a_server_that_fails_what_others_render_is_left_out(server: Server) -> None:
    """One that refuses all at once would take every row before the other has rendered one."""
    told: list[str] = []
    jobs = made_jobs(server, 8)
    refusal = json.dumps({"error": {"message": "No file x.png.", "details": ""}}).encode()
    with serving({"/prompt": ("400 Bad Request", refusal)}) as sick:
        engine = RunningServers([sick.url, server.url], told.append)
        outcomes = list(engine.render(jobs))
        engine.close()
    assert sorted(outcome.name for outcome in outcomes) == [job.name for job in jobs]
    assert {(outcome.server, outcome.error) for outcome in outcomes} == {(server.url, "")}
    assert f"clip-0 failed on {sick.url} and goes to another: The server refused the " in told[0]
    assert told[-1].startswith(f"{sick.url} failed 3 rows on end that others rendered: it is left ")


def test_rows_that_fail_on_each_server_fail(server: Server, crossing: Crossing) -> None:
    told: list[str] = []
    jobs = made_jobs(server, 3)
    for job in jobs[:2]:
        job.prompt["5"]["inputs"]["batch_size"] = 0
    engine = RunningServers([server.url, crossing.url], told.append)
    errors = {outcome.name: outcome.error for outcome in engine.render(jobs)}
    engine.close()
    assert [bool(errors[job.name]) for job in jobs] == [True, True, False]
    assert "The server refused the graph:" in errors["clip-0"] and len(told) == 2


def test_a_server_that_hangs_is_left_out_and_its_row_goes_to_another(server: Server) -> None:
    told: list[str] = []
    jobs = made_jobs(server, 2)
    running = json.dumps({"queue_running": [[0, "5"]], "queue_pending": []}).encode()
    asked: list[Asked] = []
    answers = {"/prompt": ("200 OK", b'{"prompt_id": "5"}'), "/queue": ("200 OK", running)}
    with serving({**answers, "/interrupt": ("200 OK", b"")}, asked) as hung:
        engine = RunningServers([hung.url, server.url], told.append, patience=1.5)
        engine.renderers[0].silence = 0.5
        outcomes = list(engine.render(jobs))
        engine.close()
    assert {(outcome.server, outcome.error) for outcome in outcomes} == {(server.url, "")}
    assert told[0].startswith(f"{hung.url} is gone: The server said nothing for 0 s while the ")
    assert ("/interrupt", b'{"prompt_id": "5"}') in asked


def test_an_error_of_our_own_ends_the_fleet_rather_than_a_thread() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    job = Job("a", 1, {}, {"1": {"class_type": "Text", "inputs": {"text": deep}}}, "a")
    with serving({}) as client:
        engine = RunningServers([client.url], lambda line: None)
        with pytest.raises(RecursionError):
            list(engine.render([job]))
        engine.close()


def test_servers_that_stay_away(server: Server, crossing: Crossing) -> None:
    told: list[str] = []
    jobs = made_jobs(server, 2)
    engine = RunningServers([crossing.url], told.append, patience=1.5)
    crossing.close()
    with pytest.raises(LauncherError, match="^No server is left, and 2 rows are not rendered. St"):
        list(engine.render(jobs))
    assert told[-1] == f"{crossing.url} did not come back in 2 s: it is left out."
    with pytest.raises(LauncherError, match=r"does not answer as a ComfyUI does \(.*; start it, o"):
        list(engine.object_infos())


def test_a_row_that_takes_servers_with_it_is_given_up(
    server: Server, crossing: Crossing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The way to the server closes whenever a prompt is queued, and opens again."""
    engine = RunningServers([crossing.url], lambda line: None)
    (renderer,) = engine.renderers
    queue_prompt = renderer.client.queue_prompt

    def fatal(*given: Any) -> str:
        prompt_id = queue_prompt(*given)
        crossing.close()
        crossing.open()
        return prompt_id

    monkeypatch.setattr(renderer.client, "queue_prompt", fatal)
    (outcome,) = engine.render(made_jobs(server, 20)[-1:])  # which the server has not cached
    assert outcome.error.startswith(f"{TRIES} servers were lost while they rendered this row; it")


@pytest.mark.parametrize("url", ["https://box", "http://box:port", "http://box/comfy", "http://"])
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(LauncherError, match="is no address of a ComfyUI: write http://HOST:PORT"):
        running_servers.client_of(url)


def test_addresses() -> None:
    client = running_servers.client_of("box:8188")
    assert (client.host, client.port) == ("box", 8188)
    assert running_servers.client_of("http://[::1]/").url.endswith(":80")
