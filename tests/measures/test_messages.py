"""What is said where the extras for training are missing, and of frames that are too small."""

from __future__ import annotations

import re
import sys

import pytest
import torch
from animatediff_kit.measures.flow import check_frames, opencv
from animatediff_kit.measures.pictures import check_matplotlib

REMEDY = (
    "which is not installed. Install the extras for training into ComfyUI's Python: `pip install "
    "-r requirements-training.txt`."
)


def test_without_opencv(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)  # what `import` finds where it is not installed
    with pytest.raises(ValueError, match=re.escape("Motion is measured with OpenCV, " + REMEDY)):
        opencv()


def test_without_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(
        ValueError, match=re.escape("What was measured is drawn with matplotlib, " + REMEDY)
    ):
        check_matplotlib()


def test_frames_that_are_too_small() -> None:
    text = "The clips are 48 x 31 pixels; motion is measured from 32 x 32 on. Use larger frames."
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        check_frames(torch.zeros(2, 31, 48, 3), "clips")
    check_frames(torch.zeros(2, 32, 48, 3), "clips")
