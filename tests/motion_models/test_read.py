"""Bad weights files of every kind: one readable sentence that names the file, and a ValueError."""

from __future__ import annotations

import math
import os
import pickle
import random
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch
from animatediff_kit.motion_models.folders import EXTENSIONS
from animatediff_kit.motion_models.read import check_finite, flatten, read_finite, read_weights
from safetensors.torch import save_file
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

PICKLES = sorted(EXTENSIONS - {".safetensors", ".sft"})
UNREADABLE = (
    r"^{name} \([\d,]+ bytes\) cannot be read as a weights file; it is incomplete, damaged, or of "
    r"another kind than its extension says. Download it again and compare the size.$"
)
RUNS_CODE = (
    r"^{name} asks to run code while it is opened \({function}\), so it was not opened and nothing "
    r"ran. Get the weights as .safetensors, or from their author.$"
)
EMPTY = "^{name} holds no tensors. Choose a motion model, a MotionLoRA or a domain adapter.$"
WEIGHTS = {f"down_blocks.0.motion_modules.{i}.norm.weight": torch.randn(4) for i in range(6)}

NOT_WEIGHTS = {
    "empty": b"",
    "page": b"<!DOCTYPE html>\n<html><head><title>404</title></head></html>",
    "pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 1672\n",
    "answer": b'{"error": "Repository not found"}\n',
    "zeros": bytes(5000),
    "text": b"Access to this model is restricted.",
    "picture": b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
}


def refused(path: Path, text: str, **parts: str) -> None:
    """Reading fails with exactly this sentence."""
    with pytest.raises(ValueError, match=text.format(name=re.escape(path.name), **parts)):
        read_weights(str(path))


def write(path: Path, content: Any = None) -> Path:
    content = WEIGHTS if content is None else content
    if path.suffix in (".safetensors", ".sft"):
        save_file(content, str(path), metadata={"rank": "4"})
    else:
        torch.save(content, path)
    return path


@pytest.mark.parametrize("extension", sorted(EXTENSIONS))
def test_good_files_are_read_whole(tmp_path, extension):
    tensors, metadata = read_weights(str(write(tmp_path / f"good{extension}")))
    assert tensors.keys() == WEIGHTS.keys()
    assert all(torch.equal(tensors[key], weight) for key, weight in WEIGHTS.items())
    assert metadata == ({"rank": "4"} if extension in (".safetensors", ".sft") else {})


@pytest.mark.parametrize("extension", sorted(EXTENSIONS))
@pytest.mark.parametrize("kind", NOT_WEIGHTS)
def test_what_is_no_weights_file(tmp_path, kind, extension):
    path = tmp_path / f"my {kind}{extension}"
    path.write_bytes(NOT_WEIGHTS[kind])
    refused(path, UNREADABLE)


def test_a_zip_named_safetensors(tmp_path):
    torch.save(WEIGHTS, tmp_path / "zip.safetensors")
    refused(tmp_path / "zip.safetensors", UNREADABLE)


def test_a_safetensors_named_ckpt(tmp_path):
    save_file(WEIGHTS, str(tmp_path / "st.ckpt"))
    refused(tmp_path / "st.ckpt", UNREADABLE)


def test_a_zip_of_something_else(tmp_path):
    with zipfile.ZipFile(tmp_path / "photos.ckpt", "w") as archive:
        archive.writestr("photos/1.txt", "x")
    refused(tmp_path / "photos.ckpt", UNREADABLE)


class Trap:
    """Unpickled, it would create the file `marker`."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.marker),)


SAVERS: dict[str, Callable[[Any, Path], None]] = {
    "zip": torch.save,
    "old": lambda content, path: torch.save(content, path, _use_new_zipfile_serialization=False),
    "pickle 2": lambda content, path: path.write_bytes(pickle.dumps(content, 2)) and None,
}


@pytest.mark.parametrize("extension", PICKLES)
@pytest.mark.parametrize("saver", SAVERS)
def test_code_in_a_pickle_is_never_run(tmp_path, saver, extension):
    marker, path = tmp_path / "ran", tmp_path / f"trap{extension}"
    SAVERS[saver]({"state_dict": WEIGHTS, "extra": Trap(marker)}, path)
    if saver == "pickle 2":  # a plain pickle of tensors: the tensors' own function comes first
        SAVERS[saver]({"extra": Trap(marker)}, path)
    refused(path, RUNS_CODE, function=f"{os.name}.mkdir")
    assert not marker.exists()
    with path.open("rb") as stream:  # the trap is live: whoever unpickles it gets caught
        torch.load(stream, weights_only=False) if saver != "pickle 2" else pickle.load(stream)
    assert marker.exists()


def test_code_in_a_plain_pickle_of_today_is_never_run(tmp_path):
    marker, path = tmp_path / "ran", tmp_path / "trap.pt"
    path.write_bytes(pickle.dumps(Trap(marker)))
    refused(path, UNREADABLE)
    assert not marker.exists()


def test_a_whole_pickled_module_is_not_opened(tmp_path):
    torch.save(torch.nn.Linear(2, 2), tmp_path / "module.pt")
    refused(tmp_path / "module.pt", RUNS_CODE, function=r"torch\.nn\.modules\.linear\.Linear")


def test_numpy_objects_are_refused_or_left_out(tmp_path):
    """What of numpy opens without code is up to torch and ComfyUI; the tensors are right then."""
    for name, value in {"scalar": numpy.float64(0.5), "array": numpy.ones(3)}.items():
        path = tmp_path / f"{name}.ckpt"
        torch.save({"state_dict": WEIGHTS, "loss": value}, path)
        try:
            tensors, _ = read_weights(str(path))
        except ValueError as error:
            assert re.match(RUNS_CODE.format(name=path.name, function=r"numpy\.[\w.]+"), str(error))
        else:
            assert tensors.keys() == WEIGHTS.keys()


@pytest.mark.parametrize(
    "content", [{}, {"epoch": 3}, {"state_dict": {}}, {"state_dict": [1]}, "hello"], ids=str
)
def test_a_file_without_tensors(tmp_path, content):
    refused(write(tmp_path / "none.ckpt", content), EMPTY)


@pytest.mark.parametrize("content", [3, [torch.ones(2)], torch.ones(2), (1, 2)], ids=str)
def test_a_pickle_of_no_dictionary(tmp_path, content):
    refused(write(tmp_path / "odd.ckpt", content), f"({UNREADABLE})|({EMPTY})")


FORMATS = {"safetensors": "x.safetensors", "zip": "x.ckpt", "old": "x.pt"}


def healthy(tmp_path: Path, kind: str) -> tuple[Path, bytes]:
    path = tmp_path / FORMATS[kind]
    (SAVERS["old"] if kind == "old" else lambda content, p: write(p))(WEIGHTS, path)
    return path, path.read_bytes()


@pytest.mark.filterwarnings("ignore::UserWarning")  # torch's, on odd pickle protocols
@pytest.mark.parametrize("kind", FORMATS)
def test_every_truncation_is_a_sentence(tmp_path, kind):
    path, good = healthy(tmp_path, kind)
    shuffled = random.Random(1)
    for _ in range(100):
        path.write_bytes(good[: shuffled.randrange(len(good))])
        with pytest.raises(ValueError, match=rf"^{path.name} .*(compare the size|their author)\.$"):
            read_weights(str(path))


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("kind", FORMATS)
def test_every_flipped_header_is_a_sentence_or_reads(tmp_path, kind):
    path, good = healthy(tmp_path, kind)
    shuffled, sentences = random.Random(2), 0
    for _ in range(200):
        damaged = bytearray(good)
        for _ in range(shuffled.randrange(1, 4)):
            damaged[shuffled.randrange(min(900, len(good)))] = shuffled.randrange(256)
        path.write_bytes(bytes(damaged))
        try:
            read_weights(str(path))
        except ValueError as error:
            assert re.match(rf"^{path.name} .*\.$", str(error)), error
            sentences += 1
    assert sentences > 100


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16], ids=str)
def test_nan_and_infinity_are_told(value, dtype):
    good, bad = torch.ones(3, 3, dtype=dtype), torch.ones(3, 3, dtype=dtype)
    check_finite({"a": good, "b": good.to(torch.float8_e4m3fn), "c": torch.tensor([1])}, "m.pt")
    bad[1, 2] = value
    with pytest.raises(
        ValueError, match=r"^m.pt holds NaN or infinite weights, in b for one. Down"
    ):
        check_finite({"a": good, "b": bad}, "m.pt")


@pytest.mark.parametrize("name", ["gone.ckpt", "gone.safetensors"])
def test_a_file_that_is_not_there_is_told_with_the_place(tmp_path, name):
    text = f"No file {name} lies in {tmp_path}. Put it there, or name another."
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        read_weights(str(tmp_path / name))


def test_weights_are_read_only_where_all_are_finite(tmp_path):
    good = read_finite(str(write(tmp_path / "good.safetensors")))
    assert good.keys() == WEIGHTS.keys()
    assert all(torch.equal(good[key], weight) for key, weight in WEIGHTS.items())
    bad = write(tmp_path / "bad.safetensors", {"a": torch.tensor([1.0, float("nan")])})
    with pytest.raises(ValueError, match="^bad.safetensors holds NaN or infinite weights, in a"):
        read_finite(str(bad))


HARMLESS = {
    "empty": torch.empty(0, 3),
    "empty of half precision": torch.empty(0, dtype=torch.float16),
    "empty of one byte": torch.empty(0, dtype=torch.float8_e4m3fn),
    "one number": torch.tensor(0.5),
    "booleans": torch.tensor([True, False]),
    "bytes": torch.tensor([0, 255], dtype=torch.uint8),
    "whole numbers": torch.tensor([2**62, -(2**62)]),
    "sixteen bits": torch.tensor([0, 65535], dtype=torch.uint16),
    "largest": torch.tensor([-65504.0, 65504.0]),
    "largest of half precision": torch.tensor([-65504.0, 65504.0], dtype=torch.float16),
}


@pytest.mark.parametrize("kind", HARMLESS)
def test_what_has_no_nan_passes(kind):
    check_finite({"a": HARMLESS[kind]}, "m.pt")


HARMFUL = {
    "one number": torch.tensor(float("nan")),
    "both infinities": torch.tensor([float("inf"), float("-inf")]),
    "eight bits": torch.tensor([1.0, float("inf")]).to(torch.float8_e5m2),
}


@pytest.mark.parametrize("kind", HARMFUL)
def test_what_has_nan_does_not(kind):
    with pytest.raises(ValueError, match="^m.pt holds NaN"):
        check_finite({"a": HARMFUL[kind]}, "m.pt")


class Largest(TorchDispatchMode):
    """How many numbers the largest tensor has that an operation of torch's writes."""

    numel = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        written = [part for part in tree_leaves(result) if isinstance(part, Tensor)]
        self.numel = max([self.numel, *(part.numel() for part in written)])
        return result


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16], ids=str)
def test_the_check_writes_nothing_of_the_size_of_the_weights(dtype):
    weights = {"a": torch.ones(64, 64, dtype=dtype)}
    with Largest() as largest:
        check_finite(weights, "m.pt")
    assert 0 < largest.numel <= 2


def test_nan_in_fp8_is_told():
    bad = torch.tensor([1.0, float("nan")]).to(torch.float8_e4m3fn)
    with pytest.raises(ValueError, match="^m.pt holds NaN"):
        check_finite({"a": bad}, "m.pt")


def test_flatten_finds_the_innermost_weights():
    weight = torch.nn.Parameter(torch.ones(2))
    found = flatten({"epoch": 1, "state_dict": {"module": {"a": weight, "step": 4, 7: weight}}})
    assert found.keys() == {"a", "7"}
    assert not any(tensor.requires_grad for tensor in found.values())
    assert flatten({"controlnet": {"a": weight}, "animatediff_config": {}}).keys() == {"a"}
    assert flatten([weight]) == {}


def test_weights_nested_in_themselves_end(tmp_path: Path) -> None:
    loop: dict[str, Any] = {}
    loop["state_dict"] = {"module": loop}
    path = write(tmp_path / "loop.ckpt", loop)
    refused(path, "^{name} holds its weights nested more than 8 deep, or nested in themselves. Get")
    deep: dict[str, Any] = dict(WEIGHTS)
    for _ in range(7):
        deep = {"model": deep}
    assert flatten(deep).keys() == WEIGHTS.keys()


def test_names_of_tensors_can_be_written_into_a_log(tmp_path: Path) -> None:
    path = write(tmp_path / "half.ckpt", {"a\ud800": torch.full((2,), math.nan)})
    with pytest.raises(ValueError, match=r"in a\\ud800 for one"):
        read_finite(str(path))
