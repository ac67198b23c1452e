"""The training panel's routes in the real server: a run that works, ended early and kept."""

from __future__ import annotations

import io
import json
import urllib.error
import urllib.request
from typing import Any

import pytest
from adk_tests.integration.graphs import forget
from adk_tests.integration.test_training import TrainingScene
from animatediff_kit.launcher.server import Server
from PIL import Image
from safetensors import safe_open

RUNS = "/animatediff_kit/training/runs"
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def got(server: Server, resource: str) -> bytes:
    with OPENER.open(server.client.url + resource, timeout=30) as response:
        return response.read()


def posted(server: Server, resource: str, kind: str = "application/json") -> Any:
    request = urllib.request.Request(
        server.client.url + resource, data=b"{}", headers={"Content-Type": kind}, method="POST"
    )
    with OPENER.open(request, timeout=30) as response:
        return json.load(response)


def refused(call: Any, *arguments: Any) -> int:
    with pytest.raises(urllib.error.HTTPError) as told:
        call(*arguments)
    return told.value.code


def test_a_run_is_watched_ended_early_and_kept(server: Server) -> None:
    forget(server)
    scene = TrainingScene()
    trainer = scene.trained("ADK_TrainMotionLoRA", name="kept", steps=200, preview_every=2)
    run = f"{RUNS}/kept_001"
    working: dict[str, Any] = {}
    for event in server.client.run(scene.prompt):
        progressed = event.kind == "progress" and event.data["node"] == trainer
        if progressed and event.data["value"] >= 3 and not working:
            working = json.loads(got(server, run))
            assert refused(posted, server, f"{run}/keep", "text/plain") == 415
            assert posted(server, f"{run}/keep") == {"run": "kept_001"}
    assert (working["state"], working["steps"], working["stage"]) == ("running", 200, "motion_lora")
    assert working["step"] >= 2 and working["curve"]["steps"][0] == 1 and working["loss"] > 0
    (known,) = [one for one in json.loads(got(server, RUNS)) if one["run"] == "kept_001"]
    assert known["state"] == "kept" and known["file"] == "kept.safetensors" and known["resumable"]
    with safe_open(server.base / "models/animatediff_motion_lora/kept.safetensors", "pt") as file:
        assert 3 <= int(file.metadata()["steps"]) == known["step"] < 200
    told = json.loads(got(server, run))
    assert told["curve"]["steps"] == list(range(1, known["step"] + 1))
    assert told["previews"][0] == 2
    with Image.open(io.BytesIO(got(server, f"{run}/previews/2"))) as picture:
        assert picture.format == "WEBP" and picture.n_frames == 3  # pyright: ignore
    assert refused(posted, server, f"{run}/keep") == 409, "it works no more"
    for name in ("nowhere", "..", "%2e%2e", "..%2f..%2fmodels", "kept_001%2f.."):
        assert refused(got, server, f"{RUNS}/{name}/previews/2") in (403, 404), name
        assert refused(posted, server, f"{RUNS}/{name}/keep") in (403, 404, 405), name
    assert refused(got, server, f"{run}/previews/1") == 404
