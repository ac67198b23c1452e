"""The moving preview in the real server: the page that queued a graph is sent all its frames."""

from __future__ import annotations

import base64
import io
from typing import Any

from adk_tests.integration.graphs import Run, Scene, forget, run
from animatediff_kit.launcher.server import Server
from PIL import Image


def previews(done: Run) -> list[dict[str, Any]]:
    return [event.data for event in done.events if event.kind == "animatediff_kit.preview"]


def test_all_frames_come_to_the_sampler_that_works(server: Server) -> None:
    forget(server)
    scene = Scene(20)
    sampler = scene.sampled(scene.windowed(scene.animated()), steps=2)
    scene.kept(sampler)
    sent = previews(run(server, scene))
    assert sent and {message["node"] for message in sent} == {sampler[0]}
    for message in sent:
        assert message["frames"] == 20 and message["fps"] == 8
        kind, data = message["image"].split(",", 1)
        assert kind == "data:image/jpeg;base64"
        with Image.open(io.BytesIO(base64.b64decode(data))) as picture:
            rows = -(-20 // message["columns"])
            assert picture.size == (
                message["columns"] * message["width"],
                rows * message["height"],
            )


def test_none_where_the_widget_is_off(server: Server) -> None:
    forget(server)
    scene = Scene(3)
    scene.kept(scene.sampled(scene.animated(preview=False)))
    done = run(server, scene)
    assert not previews(done)
