"""The steps that train what ships, with recipes of a few steps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from animatediff_kit.motion_models.read import read_weights
from animatediff_kit.small_world import files, retrain
from animatediff_kit.small_world.pictures import stills
from animatediff_kit.small_world.retrain import Workshop, encoded_stills, train_stage
from animatediff_kit.small_world.train_autoencoder import SCALE
from animatediff_kit.training.engine.checkpoints import found

pytestmark = pytest.mark.skipif(
    not (files.MOTION_MODELS / files.MOTION_MODEL).is_file(),
    reason="the small world's weights are not there; `python small_world` trains them",
)

FIRST = {"steps": 1, "min_timestep": 900}
SECOND = {"steps": 2, "min_timestep": 500}


def trained(folder: Path, **changes: Any) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """The file of a MotionLoRA, and what it says of itself."""
    training = {"batch_size": 1, "learning_rate": 1e-2}
    camera = {"clips": {"count": 2}, "stage": "motion_lora", "rank": 2, "training": training}
    shop = Workshop(folder, {"camera": {**camera, **changes}})
    train_stage(shop, "pan left", folder, "pan.safetensors")
    return read_weights(str(folder / "pan.safetensors"))


def test_a_run_goes_on_from_the_one_before(tmp_path: Path) -> None:
    both, about = trained(tmp_path / "both", runs=[FIRST, SECOND])
    first, about_first = trained(tmp_path / "first", runs=[FIRST])
    second, _ = trained(tmp_path / "second", runs=[SECOND])
    assert about["steps"] == "3" and about_first["steps"] == "1"
    assert len({about["settings"], about_first["settings"]}) == 2
    for name, tensor in both.items():
        if ".down." in name:  # they start from random numbers, which a little training leaves
            assert torch.allclose(tensor, first[name], atol=0.05)
        else:
            assert not torch.equal(tensor, first[name]) and not torch.equal(tensor, second[name])
    for other in (first, second):  # of downs, some steps are smaller than the file's rounding
        assert any(not torch.equal(both[name], other[name]) for name in both if ".down." in name)


def test_a_run_that_was_stopped_goes_on(tmp_path: Path) -> None:
    whole, about = trained(tmp_path / "whole", runs=[FIRST, SECOND])
    trained(tmp_path / "stopped", runs=[FIRST, {**SECOND, "steps": 1}])
    places = sorted(path.name for path in (tmp_path / "stopped" / "pan_left").iterdir())
    assert places == ["run_1", "run_2"] and found(tmp_path / "stopped" / "pan_left" / "run_1")
    again, same = trained(tmp_path / "stopped", runs=[FIRST, SECOND])
    assert same == about
    assert all(torch.equal(tensor, again[name]) for name, tensor in whole.items())


def test_pictures_are_encoded_by_the_shipped_autoencoder_where_no_other_was_trained(
    tmp_path: Path,
) -> None:
    latents, captions = encoded_stills(Workshop(tmp_path, {}), 2, "base")
    told, drawn = stills(2, seed=0, style="base")
    _, _, vae = files.load(files.BASE)
    encoded = vae.encode(torch.from_numpy(drawn).float() / 255)
    assert captions == told
    torch.testing.assert_close(latents, SCALE * encoded, atol=1e-3, rtol=1e-3)


def test_what_is_trained_is_written_at_the_recipe_s_strength(tmp_path: Path) -> None:
    plain, about = trained(tmp_path / "plain", runs=[FIRST, SECOND])
    strong, told = trained(tmp_path / "strong", runs=[FIRST, SECOND], strength=2.0)
    assert told["strength"] == "2.0" and "strength" not in about
    assert told["settings"] != about["settings"] and told["steps"] == about["steps"]
    assert sum(".up." in name for name in strong) == 160
    for name, tensor in strong.items():
        if ".up." in name:  # of the smallest numbers, each is rounded to steps of 2^-24
            assert tensor.abs().max() > 1e-3
            torch.testing.assert_close(tensor, 2 * plain[name], atol=2**-23, rtol=0)
        else:
            assert torch.equal(tensor, plain[name])


def test_image_models_are_written_as_those_that_ship(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same tensors of the same shapes and types; and the second has what it trained alone."""
    shipped = files.CHECKPOINTS
    monkeypatch.setattr(files, "CHECKPOINTS", tmp_path / "written")
    monkeypatch.setattr(retrain, "ALIGNED_BY", 40)
    images = {"pictures": 4, "steps": 2, "batch": 2, "warmup": 1}
    tables = {"autoencoder": {"pictures": 20, "steps": 2, "batch": 4}}
    shop = Workshop(tmp_path, {**tables, "base": images, "outlined": images})
    retrain.train_pictures(shop)
    retrain.train_base(shop)
    retrain.train_outlined(shop)
    for name in ("base", "outlined"):
        file = f"{name}.safetensors"
        written, about = read_weights(str(tmp_path / "written" / file))
        theirs, about_shipped = read_weights(str(shipped / file))
        assert {k: (t.shape, t.dtype) for k, t in written.items()} == {
            k: (t.shape, t.dtype) for k, t in theirs.items()
        }
        assert about.keys() == about_shipped.keys() and about["steps"] == "2"
        assert found(tmp_path / name)
