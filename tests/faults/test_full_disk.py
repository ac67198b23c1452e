"""A full disk under each writer of pictures: nothing half is left, what a node has worked out and
a run that goes on are not lost, and the next picture is whole."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from adk_tests.support.full_disk import NEEDS_LIMITS, files_of_at_most
from adk_tests.support.training_folders import own_folders
from adk_tests.training import small
from animatediff_kit.nodes.control.camera import CameraPath
from animatediff_kit.nodes.control.strength import Strength
from animatediff_kit.nodes.evolved.combine import FORMATS, IMAGES, VIDEOS, combine
from animatediff_kit.nodes.training.measure import MeasureMotion
from animatediff_kit.nodes.training.train import TrainMotionLora, shown
from animatediff_kit.nodes.windows import PreviewWindows
from animatediff_kit.training.engine.checkpoints import found
from animatediff_kit.training.engine.loop import Report
from animatediff_kit.training.run.in_comfyui import Result
from animatediff_kit.training.run.look_files import STRIP
from animatediff_kit.training.run.lookout import Lookout
from animatediff_kit.training.run.watchers import InTurn
from PIL import Image
from torch import Tensor

pytestmark = NEEDS_LIMITS
ROOM = 1500
"""Bytes. Every picture below has more."""


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Iterator[Path]:
    caplog.set_level(logging.WARNING, "animatediff_kit")
    with own_folders(tmp_path) as root:
        yield root


def pictures(count: int, side: int = 96) -> Tensor:
    """f h w 3"""
    return torch.rand((count, side, side, 3), generator=torch.Generator().manual_seed(3))


def measured() -> Any:
    return MeasureMotion.execute(pictures(4), 0, 0)


def trained() -> Any:
    result = Result(Path("pan.safetensors"), pictures(1), pictures(3))
    return shown(TrainMotionLora, result)


def windows() -> Any:
    return PreviewWindows.execute(40, length=16, overlap=4, stride=1, schedule="standard_static",
                                  fuse="pyramid", closed_loop=False)  # fmt: skip


NODES: dict[str, tuple[Any, Callable[[], Any]]] = {
    "measure": (MeasureMotion, measured),
    "train": (TrainMotionLora, trained),
    "windows": (PreviewWindows, windows),
    "camera": (CameraPath, lambda: CameraPath.execute(64, pan=90.0, orbit=90.0)),
    "strength": (Strength, lambda: Strength.execute(per_frame="0: 1")),
}


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize("case", NODES)
def test_a_node_gives_its_outputs_without_a_picture(
    case: str, folders: Path, caplog: pytest.LogCaptureFixture
) -> None:
    node, run = NODES[case]
    name = node.GET_SCHEMA().display_name
    expected = run()
    assert all(path.stat().st_size > ROOM for path in files_below(folders))
    for path in files_below(folders):
        path.unlink()
    with files_of_at_most(ROOM):
        output = run()
    assert output.ui is None and files_below(folders) == []
    assert re.fullmatch(
        rf"{re.escape(name)} shows no picture, which could not be written into "
        rf"{re.escape(str(folders / 'temp'))} \(File too large\)\. Its outputs are whole; make "
        r"room there\.",
        caplog.messages[-1],
    )
    for one, other in zip(output.result, expected.result, strict=True):
        assert not isinstance(one, Tensor) or torch.equal(one, other)
    (one,) = run().ui.as_dict()["images"]
    with Image.open(folders / "temp" / one["filename"]) as picture:
        picture.load()


def test_a_run_goes_on_without_a_preview(folders: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The disk is full at the first of two previews, for that alone."""
    run = small.run(folders / "run", steps=4, preview_every=2)
    write = Lookout(run)

    def watch(report: Report) -> None:
        if report.step == 2:
            with files_of_at_most(ROOM):
                write(report)
        else:
            write(report)

    run.watch = InTurn(watch)
    run.train()
    assert run.step == 4 and len(found(run.folder)) == 1
    assert {path.name for path in files_below(run.folder)} == {
        "preview-00000004.webp",
        STRIP,
        found(run.folder)[0].name,
    }
    assert caplog.messages[-1] == (
        f"preview-00000002.webp could not be written into {run.folder} (File too large). The run "
        "goes on without it; make room there."
    )
    with Image.open(run.folder / "preview-00000004.webp") as picture:
        assert getattr(picture, "n_frames", 1) == 2


@pytest.mark.parametrize("format", FORMATS)
def test_an_animation_is_whole_or_not_there(format: str, folders: Path) -> None:
    frames = pictures(5, 128)
    extension = IMAGES[format] if format in IMAGES else VIDEOS[format].extension
    with (
        files_of_at_most(ROOM),
        pytest.raises(
            ValueError,
            match=rf"^a_00001_\.{extension} could not be written into {folders / 'output'} "
            r"\(.*File too large\)\. Make room there, and run again\.$",
        ),
    ):
        combine(frames, 8, 0, "a", format)
    assert files_below(folders) == []
    (path,) = combine(frames, 8, 0, "a", format).result
    assert Path(path).stat().st_size > ROOM
    assert sorted(files_below(folders)) == sorted([Path(path), Path(path).with_suffix(".png")])


def test_an_animation_without_its_first_frame_is_taken_away(folders: Path) -> None:
    frames = torch.zeros((3, 64, 64, 3)) + torch.arange(3).view(3, 1, 1, 1) / 3
    frames[0] = pictures(1, 64)[0]
    (path,) = combine(frames, 8, 0, "a", "image/webp").result
    still = Path(path).with_suffix(".png").stat().st_size
    assert Path(path).stat().st_size < still
    with files_of_at_most(still - 1), pytest.raises(ValueError, match="could not be written into"):
        combine(frames, 8, 0, "b", "image/webp")
    assert not [path for path in files_below(folders) if path.name.startswith(("b", ".b"))]
