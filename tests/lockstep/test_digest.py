"""What ranks compare before they sample."""

from __future__ import annotations

from pathlib import Path

import torch
from animatediff_kit.lockstep.digest import ROOMS, ancestors, code_digest, differences, parts_of

GRAPH = {
    "1": {"class_type": "Load", "inputs": {"file": "a"}},
    "2": {"class_type": "Text", "inputs": {"clip": ["1", 1], "text": "x"}},
    "3": {"class_type": "Sample", "inputs": {"model": ["1", 0], "positive": ["2", 0], "s": [1, 2]}},
    "4": {"class_type": "Save", "inputs": {"images": ["3", 0]}},
}


def test_what_a_node_hangs_on() -> None:
    assert ancestors(GRAPH, "3") == {"1", "2", "3"}
    assert ancestors(GRAPH, "1") == {"1"}


def test_what_differs_is_named(tmp_path: Path) -> None:
    noise, sigmas = torch.zeros(4, 4, 8, 8), torch.tensor([14.6146, 3.0, 0.0])
    own = parts_of(noise, sigmas, 1, tmp_path)
    assert own["the video"] == "4x4x8x8" and own["the noise levels"] == "14.61 3 0"
    assert differences(own, parts_of(noise, sigmas * (1 + 1e-6), 1, tmp_path)) == []
    assert differences(own, parts_of(noise[:3], sigmas * 2, 2, tmp_path)) == [
        "the video",
        "the seed",
        "the noise levels",
    ]


def test_another_line_of_code_is_another_pack(tmp_path: Path) -> None:
    for room in ROOMS:
        (tmp_path / room).mkdir()
        (tmp_path / room / "a.py").write_bytes(b"x = 1\n")
    before = code_digest(tmp_path)
    (tmp_path / "sampling" / "a.py").write_bytes(b"x = 1\r\n")
    assert code_digest(tmp_path) == before, "line ends of Windows are no difference"
    (tmp_path / "sampling" / "a.py").write_bytes(b"x = 2\n")
    assert code_digest(tmp_path) != before
