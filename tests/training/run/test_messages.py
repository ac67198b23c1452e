"""The texts of errors of a run's TOML file that other tests meet by their kind alone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from adk_tests.support.videos import write_captioned
from animatediff_kit.training.run import command_line
from animatediff_kit.training.run.run_config import read_config

GOOD = """
[model]
checkpoint = "base.safetensors"
motion_model = "motion.ckpt"
{model}
[clips]
source = "clips"
cache = "{cache}"
[stage]
name = "motion_lora"
[output]
folder = "{run}"
name = "zoom"
"""


def written(folder: Path, **changes: str) -> Path:
    for name in ("base.safetensors", "motion.ckpt"):
        (folder / name).touch()
    (folder / "clips").mkdir()
    path = folder / "zoom.toml"
    path.write_text(GOOD.format(**{"model": "", "cache": "cache", "run": "run", **changes}))
    return path


@pytest.mark.parametrize(
    ("table", "key", "change"), [("clips", "cache", "cache"), ("output", "folder", "run")]
)
def test_a_file_where_a_folder_belongs(tmp_path: Path, table: str, key: str, change: str) -> None:
    path = written(tmp_path, **{change: "motion.ckpt"})
    text = f"zoom.toml: [{table}] {key}: {tmp_path / 'motion.ckpt'} is a file; it must be a folder."
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        read_config(path)


def test_one_lora_where_a_list_belongs(tmp_path: Path) -> None:
    path = written(tmp_path, model='loras = "style.safetensors"')
    text = (
        "zoom.toml: [model] loras is 'style.safetensors'; it must be a list, such as "
        '["style.safetensors"].'
    )
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        read_config(path)


def test_ctrl_c_before_the_first_step(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """While ComfyUI reads the checkpoint."""

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("comfy.sd.load_checkpoint_guess_config", interrupted)
    path = written(tmp_path)
    write_captioned(tmp_path / "clips" / "car.mp4", 64, "a red car")
    assert command_line.main([str(path)]) == 130
    told = "Stopped before training. Clips that were encoded are kept."
    assert told in capsys.readouterr().err
