"""The stages are trained in the real server: from stills to a file that the next graph loads."""

from __future__ import annotations

from typing import Any

import pytest
from adk_tests.integration.graphs import Link, Scene, forget, frames_of, latents, refusal, run
from animatediff_kit.launcher import LauncherError
from animatediff_kit.launcher.server import Server
from safetensors import safe_open
from safetensors.torch import load_file

SETTINGS: dict[str, Any] = dict(
    steps=2,
    batch_size=1,
    learning_rate=1e-3,
    optimizer="adamw",
    precision="automatic",
    gradient_checkpointing=True,
    gradient_accumulation=1,
    warmup=0,
    ema=0.0,
    seed=3,
    save_every=0,
    preview_every=0,
    schedule="constant",
    caption_dropout=0.1,
    snr_gamma=0.0,
    noise_offset=0.0,
    debias=0.0,
    min_timestep=0,
    max_timestep=1000,
)
OUTPUTS = {"ADK_TrainDomainAdapter": 0, "ADK_TrainMotionModule": 1, "ADK_TrainMotionLoRA": 1}
"""Which output is the file's name."""


class TrainingScene(Scene):
    """Two stills that the camera zooms into, encoded."""

    def __init__(self) -> None:
        super().__init__(frames=2)
        stills = self.link("EmptyImage", width=128, height=128, batch_size=2, color=0x3366CC)
        noisy = self.link("ImageAddNoise", image=stills, seed=4, strength=0.5)
        clips = self.link(
            "ADK_CameraMove",
            clips=noisy,
            move="zoom in",
            amount=1.0,
            caption="a blue wall",
            frames=3,
            width=64,
            height=64,
            seed=0,
        )
        self.clips = self.link(
            "ADK_EncodeClips", clips=clips, vae=self.vae, clip=self.clip, cache_folder=""
        )

    def trained(self, kind: str, resume: str = "", name: str = "test", **settings: Any) -> str:
        """The id of a training node."""
        inputs: dict[str, Any] = dict(model=self.model, clips=self.clips, resume=resume, name=name)
        inputs["settings"] = self.link("ADK_TrainingSettings", **{**SETTINGS, **settings})
        if kind != "ADK_TrainDomainAdapter":
            inputs["motion_model"] = self.motion_model()
            inputs["spelling"] = "official"
        if kind == "ADK_TrainMotionModule":
            inputs["family"] = "v3"
        else:
            inputs["rank"] = 2
        return self.add(kind, **inputs)


@pytest.mark.parametrize(
    "kind, folder, node, widget",
    [
        ("ADK_TrainDomainAdapter", "loras", "ADK_DomainAdapter", "adapter"),
        ("ADK_TrainMotionModule", "animatediff_models", "ADK_LoadMotionModel", "motion_model"),
        ("ADK_TrainMotionLoRA", "animatediff_motion_lora", "ADK_LoadMotionLoRA", "lora"),
    ],
)
def test_a_stage_trains_and_its_file_loads(
    server: Server, kind: str, folder: str, node: str, widget: str
) -> None:
    before = latents(server, *plain())
    scene = TrainingScene()
    trainer = scene.trained(kind, name=f"trained_{kind}", preview_every=1)
    done = run(server, scene)
    assert [value for value, _ in done.progress(trainer)][-1] == SETTINGS["steps"]
    path = server.base / "models" / folder / f"trained_{kind}.safetensors"
    with safe_open(path, "pt") as file:
        assert file.metadata()["steps"] == "2" and file.metadata()["clips"] == "2"
    (moving,) = done.files(".webp").values()
    assert len(frames_of(moving)) == (1 if kind == "ADK_TrainDomainAdapter" else 3)
    use = Scene()
    use_file(server, use, node, widget, path.name)
    assert latents(server, *plain())[0].equal(before[0])  # the checkpoint is as it was


def plain() -> tuple[Scene, Link]:
    scene = Scene()
    return scene, scene.model


def use_file(server: Server, scene: Scene, node: str, widget: str, name: str) -> None:
    """Samples with the trained file, and without: the latents differ."""
    if node == "ADK_DomainAdapter":
        changed = scene.link(node, model=scene.model, adapter=name, scale=1.0)
        unchanged = scene.model
    else:
        inputs: dict[str, Any] = {widget: name}
        if node == "ADK_LoadMotionLoRA":
            inputs.update(motion_model=scene.motion_model(), strength=1.0)
        else:
            inputs.update(family="automatic")
        changed = scene.animated(scene.link(node, **inputs))
        unchanged = scene.animated()
    one, other = latents(server, scene, changed, unchanged)
    assert not one.equal(other)


def test_a_run_is_cancelled_and_resumed_to_the_same_weights(server: Server) -> None:
    forget(server)
    scene = TrainingScene()
    trainer = scene.trained("ADK_TrainMotionLoRA", name="stopped", steps=200)
    with pytest.raises(LauncherError, match=rf"interrupted at node {trainer} \(ADK_TrainMotion"):
        for event in server.client.run(scene.prompt):
            if event.kind == "progress" and event.data["node"] == trainer:
                server.client.interrupt()
    runs = server.base / "output" / "animatediff_kit_training"
    (checkpoint,) = (runs / "stopped_001").glob("checkpoint-*.safetensors")
    reached = int(checkpoint.stem.rpartition("-")[2])
    assert 1 <= reached < 200
    # a resumed run keeps its own seed, whatever the widget says now
    for name, resume, seed in (("stopped", "stopped_001", 99), ("whole", "", SETTINGS["seed"])):
        again = TrainingScene()
        again.trained("ADK_TrainMotionLoRA", resume, name, steps=reached + 1, seed=seed)
        run(server, again)
    folder = server.base / "models" / "animatediff_motion_lora"
    resumed, whole = (load_file(folder / f"{name}.safetensors") for name in ("stopped", "whole"))
    assert resumed.keys() == whole.keys()
    assert all(resumed[key].equal(whole[key]) for key in whole)


def test_bad_settings_are_told_and_the_server_goes_on(server: Server) -> None:
    scene = TrainingScene()
    scene.trained("ADK_TrainMotionLoRA", resume="nowhere")
    assert "There is no run 'nowhere' with a checkpoint in" in refusal(server, scene)
    scene = TrainingScene()
    scene.trained("ADK_TrainMotionLoRA", warmup=9)
    assert "The training setting warmup is 9; it must be from 0 to" in refusal(server, scene)
    assert latents(server, *plain())[0].isfinite().all()
