"""`train.py`, from a TOML file to a weights file, on a small checkpoint in the real format."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from adk_tests.stand_in.checkpoint import save_safetensors
from adk_tests.training.toml_runs import config
from animatediff_kit.motion_models.load import load_motion_model
from animatediff_kit.motion_models.lora import apply_motion_lora
from animatediff_kit.training.engine.checkpoints import found, load
from animatediff_kit.training.run import command_line, run_config
from animatediff_kit.training.run.run_log import ABOUT, FINISHED, read_about
from safetensors import safe_open
from safetensors.torch import load_file

ROOT = Path(command_line.__file__).resolve().parents[2]


pytestmark = pytest.mark.usefixtures("unload")


def test_a_run_leaves_a_file_that_fits_its_motion_model(
    files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = config(files, tmp_path, preview_every=2)
    assert command_line.main([str(path)]) == 0
    written = tmp_path / "run" / "pan.safetensors"
    tensors = load_file(written)
    motion = load_motion_model(str(files / "motion.safetensors"))
    assert len(apply_motion_lora(motion, tensors, 1.0, "pan").patches) == len(tensors) // 2 == 160
    assert all(t.any() for name, t in tensors.items() if ".up." in name)
    with safe_open(written, "pt") as file:
        about = file.metadata()
    assert (about["stage"], about["rank"], about["steps"]) == ("motion_lora", "2", "2")
    assert about["fps"] == "6"  # every second of 12
    (checkpoint,) = found(tmp_path / "run")
    assert load(checkpoint).step == 2
    assert (tmp_path / "run" / "preview-00000002.webp").stat().st_size > 0
    said = capsys.readouterr().err.splitlines()
    assert any(line.startswith("step 2 of 2, loss ") for line in said)
    assert f"Wrote {written}." in said

    # the same file again would mix two runs
    assert command_line.main([str(path)]) == 1
    assert (
        f"Error: {tmp_path / 'run'} holds checkpoints of a run already" in capsys.readouterr().err
    )
    assert load_file(written).keys() == tensors.keys()

    # more steps of the same run: encoded clips are used again
    before = sorted((p.name, p.stat().st_mtime_ns) for p in (files / "cache").iterdir())
    path = config(files, tmp_path, steps=3)
    assert command_line.main([str(path), "--resume"]) == 0
    assert load(found(tmp_path / "run")[-1]).step == 3
    assert (tmp_path / "run" / "pan_2.safetensors").is_file()
    assert sorted((p.name, p.stat().st_mtime_ns) for p in (files / "cache").iterdir()) == before


def test_resuming_what_is_not_there_is_refused(
    files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command_line.main([str(config(files, tmp_path)), "--resume"]) == 1
    assert "holds no checkpoint; start without --resume." in capsys.readouterr().err


def test_loras_and_the_adapter_are_put_on_the_model_and_its_text_encoder(
    files: Path, tmp_path: Path
) -> None:
    read = run_config.read_config
    plain, _, _ = command_line.load_model(read(config(files, tmp_path)))
    assert not plain.patches
    entry = f'domain_adapter = "{files}/adapter.safetensors"\ndomain_adapter_scale = 0.5'
    adapted, _, _ = command_line.load_model(read(config(files, tmp_path, entry)))
    assert len(adapted.patches) == 128
    assert {patch[0] for patches in adapted.patches.values() for patch in patches} == {0.5}

    width = 768
    key = "lora_te_text_model_encoder_layers_0_self_attn_q_proj"
    lora = {
        f"{key}.lora_down.weight": torch.ones(2, width),
        f"{key}.lora_up.weight": torch.ones(width, 2),
        "lora_unet_mid_block_attentions_0_proj_in.lora_down.weight": torch.ones(2, 320, 1, 1),
        "lora_unet_mid_block_attentions_0_proj_in.lora_up.weight": torch.ones(320, 2, 1, 1),
    }
    save_safetensors(lora, tmp_path / "style.safetensors", {})
    entry = 'loras = [{ file = "style.safetensors", strength = 0.7 }]'
    model, clip, vae = command_line.load_model(read(config(files, tmp_path, entry)), encoders=True)
    assert vae is not None
    for patcher in (model, clip.patcher):
        ((patch,),) = patcher.patches.values()
        assert patch[0] == 0.7


def test_a_lora_of_another_model_is_refused(files: Path, tmp_path: Path) -> None:
    foreign = {f"other.layer.lora_{half}.weight": torch.ones(2, 2) for half in ("up", "down")}
    save_safetensors(foreign, tmp_path / "style.safetensors", {})
    path = config(files, tmp_path, 'loras = ["style.safetensors"]')
    text = r"\[model\] loras: style.safetensors changes no layer of the image model"
    with pytest.raises(ValueError, match=text):
        command_line.load_model(run_config.read_config(path))


@pytest.mark.parametrize(
    "entry", ['loras = ["bad.safetensors"]', 'domain_adapter = "bad.safetensors"']
)
def test_a_low_rank_file_with_nan_is_refused(files: Path, tmp_path: Path, entry: str) -> None:
    save_safetensors({"a": torch.tensor([float("nan")])}, tmp_path / "bad.safetensors", {})
    path = config(files, tmp_path, entry)
    with pytest.raises(ValueError, match=r"^bad.safetensors holds NaN or infinite weights, in a"):
        command_line.load_model(run_config.read_config(path))


def started(path: Path, folder: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, str(ROOT / "train.py"), str(path)],
        cwd=folder,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_wrong_key_is_told_in_one_line(files: Path, tmp_path: Path) -> None:
    process = started(config(files, tmp_path, stepz=3), tmp_path)
    _, errors = process.communicate()
    assert process.returncode == 1
    assert errors.splitlines()[-1].startswith("Error: pan.toml: [training] stepz is no key; the ")
    assert "Traceback" not in errors


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signal")
def test_a_signal_ends_the_script_after_a_whole_step(files: Path, tmp_path: Path) -> None:
    process = started(config(files, tmp_path, steps=100_000), tmp_path)
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("step 1 of"):
            process.send_signal(signal.SIGINT)
            break
    _, errors = process.communicate()
    assert process.returncode == 130, errors
    (checkpoint,) = found(tmp_path / "run")
    step = load(checkpoint).step
    last = errors.splitlines()[-1]
    assert last == (
        f"Stopped after step {step} of 100000. Its checkpoint lies in {tmp_path / 'run'}; go on "
        "with --resume."
    )


def test_a_signal_while_the_file_is_made_does_not_lose_it(
    files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = command_line.export

    def interrupted(*arguments: Any) -> Path:
        signal.raise_signal(signal.SIGINT)
        return whole(*arguments)

    monkeypatch.setattr(command_line, "export", interrupted)
    assert command_line.main([str(config(files, tmp_path))]) == 0
    assert (tmp_path / "run" / "pan.safetensors").is_file()
    assert read_about(tmp_path / "run" / ABOUT)["state"] == FINISHED
    assert "The run has ended, and its file is being written." in capsys.readouterr().err
