"""A look at a run: which weights draw it, what is measured, what is left, how it ends a run."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from adk_tests.training import small
from animatediff_kit.small_world.motions import MOVES as WORLD_MOVES
from animatediff_kit.small_world.world_clips import WorldClips
from animatediff_kit.training.engine.checkpoints import found
from animatediff_kit.training.engine.clip_loss import ClipLoss
from animatediff_kit.training.engine.loop import Run
from animatediff_kit.training.models import stages
from animatediff_kit.training.run.calibrate import calibration_of
from animatediff_kit.training.run.eyes import Eyes, check_eyes, wanted_previews
from animatediff_kit.training.run.look_files import STRIP, read_looks
from animatediff_kit.training.run.lookout import Lookout, RuleStop
from animatediff_kit.training.run.preview_measures import Reference, figures_of
from animatediff_kit.training.run.run_log import HELD_OUT, RunLog, StoppedToKeep, read_rows
from animatediff_kit.training.run.run_log import number as number_of
from animatediff_kit.training.run.watchers import InTurn
from PIL import Image
from torch import Tensor

from ..clips import ClipsInMemory


@dataclass
class DrawnByStrength:
    """A VAE that draws what a MotionLoRA of such a strength would: the run's clips pan to the left
    by a share of the width, and previews by a growing part of it."""

    run: Run[ClipLoss] | None = None
    growth: float = 1.0
    decoded: list[Tensor] = field(default_factory=list)

    def decode(self, latents: Tensor) -> Tensor:
        self.decoded.append(latents.clone())
        frames = len(latents)
        own = self.run is None
        share = 1.0 if own else self.growth * strength_in(self.run)
        return panned(frames, 0.3 * share)


def strength_in(run: Run[ClipLoss]) -> float:
    """How large the up halves are in the network, by their first run's average."""
    name = next(name for name in run.parameters if ".up." in name)
    return float(run.parameters[name].detach().norm() / run.weights()[name].norm())


def panned(frames: int, share: float, side: int = 64) -> Tensor:
    """A checkered ground that goes to the right by a share of the width.   -> f h w 3"""
    at = torch.arange(side).float()
    y, x = torch.meshgrid(at, at, indexing="ij")
    moved = [x - share * side * i / max(1, frames - 1) for i in range(frames)]
    waves = [
        torch.sin(m * 0.35) * torch.sin(y * 0.3) + 0.3 * torch.sin(m * 0.11 + y * 0.07)
        for m in moved
    ]
    return (0.5 + 0.35 * torch.stack(waves)).clamp(0, 1)[..., None].repeat(1, 1, 1, 3)


def drawn(move: str) -> Tensor:
    clips = WorldClips(move, 1, seed=3)
    return torch.stack(list(clips.frames(0)))


@pytest.mark.parametrize("move", [move for move in WORLD_MOVES if move != "none"])
def test_figures_are_those_of_the_move(move: str) -> None:
    own = figures_of(drawn(move), 3, "a")
    assert (own.seed, own.prompt) == (3, "a")
    reference = Reference((own,))
    assert reference.move() == move and own.amount(move) > 0
    beside = reference.beside(drawn(move), small_wanted())
    assert beside.flow_share == pytest.approx(1) and beside.warp_share == pytest.approx(1)


def small_wanted() -> Any:
    return wanted_previews(small.run(Path("unused")).loss, Eyes())[0]


def test_clips_without_a_move_in_common_have_none() -> None:
    seen = [figures_of(drawn(move)) for move in ("pan left", "pan right", "zoom in", "tilt up")]
    assert Reference(tuple(seen)).move() == ""
    assert Reference((figures_of(panned(4, 0.004)),)).move() == ""


def watched(
    folder: Path, vae: Any, clips: Any = None, **changes: Any
) -> tuple[Run[ClipLoss], Lookout]:
    options: dict[str, Any] = {"steps": 6, "preview_every": 2, "ema": 0.5, **changes}
    run = small.run(folder, clips=clips or ClipsInMemory(count=8, frames=4, side=8), **options)
    record = RunLog(run, "pan")
    lookout = Lookout(run, Eyes(vae), record.note)
    vae.run = run
    run.watch = InTurn(lookout, record, RuleStop(run, lookout))
    return run, lookout


def test_a_look_is_measured_logged_and_read_again(tmp_path: Path) -> None:
    vae = DrawnByStrength()
    run, lookout = watched(tmp_path, vae, held_out=0.3)
    run.train()
    assert [look.step for look in lookout.looks] == [2, 4, 6]
    for own, read in zip(lookout.looks, read_looks(tmp_path, 6), strict=True):
        assert read.step == own.step
        assert read.held_out == pytest.approx(own.held_out, rel=1e-4)
        assert read.previews[0].pan == pytest.approx(own.previews[0].pan, rel=1e-4)
        assert read.previews[0].prompt == own.previews[0].prompt == "caption 0"
    rows = read_rows(tmp_path)
    assert [bool(row["held_out"]) for row in rows] == [False, True] * 3
    last = lookout.looks[-1]
    assert float(rows[-1]["pan"]) == pytest.approx(last.previews[0].pan, rel=1e-4)
    assert [number_of(rows[-1][name]) for name in HELD_OUT] == pytest.approx(
        last.held_out, rel=1e-4
    )
    assert float(rows[-1]["held_out"]) == pytest.approx(last.held_out_loss(), rel=1e-4)
    assert last.previews[0].pan == pytest.approx(0.3, abs=0.02)  # the average stood in the network
    assert last.previews[0].flow_share == pytest.approx(1, abs=0.05)
    with Image.open(tmp_path / STRIP) as strip:
        assert strip.height == 3 * 128


def test_a_rule_ends_the_run_at_its_step_and_also_after_a_resume(tmp_path: Path) -> None:
    vae = DrawnByStrength()
    rule = "2 of 2 previews pan left by at least 0.25, warp error below 1.5, 3 times in a row"
    run, _ = watched(tmp_path, vae, stop_rules=rule, save_every=2)
    with pytest.raises(StoppedToKeep, match=r"A stop rule holds after step 6: 2 of 2") as stopped:
        run.train()
    assert stopped.value.rule == rule and run.step == 6
    again, lookout = watched(tmp_path, DrawnByStrength(), stop_rules=rule)
    again.resume(found(tmp_path)[0])
    assert again.step == 4
    fresh = Lookout(again, lookout.eyes)
    assert [look.step for look in fresh.looks] == [2, 4]


def test_a_rule_that_never_holds_ends_nothing(tmp_path: Path) -> None:
    run, _ = watched(
        tmp_path, DrawnByStrength(), steps=2, stop_rules="1 of 1 previews zoom in by at least 0.1"
    )
    run.train()
    assert run.step == 2


def test_the_strength_of_the_clips_is_found(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Previews at strength 1 pan by two thirds of the clips' way."""
    vae = DrawnByStrength(growth=2 / 3)
    run, lookout = watched(tmp_path, vae, steps=2, calibrate="apply")
    run.train()
    told = calibration_of(run, lookout)
    assert told is not None and told.move == "pan left" and told.applied
    assert told.strength == pytest.approx(1.5, abs=0.1)
    assert told.amount == pytest.approx(told.reference, rel=0.05)
    vae.growth = -0.3
    assert calibration_of(run, lookout) is None
    assert "the previews do not pan left as the clips do" in caplog.messages[-1]
    lookout.reference = Reference((figures_of(panned(4, 0.004)),))
    assert calibration_of(run, lookout) is None
    why = "the clips show no move of the camera in common"
    told = f"AnimateDiff Kit: nothing was calibrated, because {why}. Set calibrate to off."
    assert caplog.messages[-1] == told
    run.loss.trainee = replace(run.loss.trainee, stage=stages.MOTION_MODULE)
    assert calibration_of(run, lookout) is None
    assert "because no MotionLoRA of one motion was trained. Set" in caplog.messages[-1]


@pytest.mark.parametrize(
    "changes, stage, said",
    [
        ({"prompts": "a cat"}, stages.MOTION_LORA, "Prompts of previews need the text encoder"),
        ({"stop_rules": "1 of 1 previews flow above 1"}, stages.MOTION_LORA, "Stop rules about"),
        ({"calibrate": "apply"}, stages.MOTION_LORA, "A calibration is measured in pixels"),
    ],
)
def test_what_needs_eyes_is_refused_without(changes: dict[str, Any], stage: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        check_eyes(small.settings(**changes), stage, Eyes())


def test_rules_about_motion_are_refused_for_single_pictures() -> None:
    settings = small.settings(stop_rules="1 of 1 previews flow above 1")
    with pytest.raises(ValueError, match="a domain adapter is trained on single pictures"):
        check_eyes(settings, stages.DOMAIN_ADAPTER, Eyes(object(), None))
    check_eyes(small.settings(stop_rules="step above 3"), stages.DOMAIN_ADAPTER, Eyes())


def test_without_opencv_previews_are_shown_and_that_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    run, lookout = watched(tmp_path, DrawnByStrength(), steps=2)
    assert "Previews are not measured: OpenCV is not installed" in caplog.messages[-1]
    run.train()
    assert lookout.looks[-1].previews == () and len(lookout.previews) == 1
    with pytest.raises(ValueError, match="Previews are not measured: OpenCV"):
        watched(tmp_path, DrawnByStrength(), stop_rules="1 of 1 previews flow above 1")
