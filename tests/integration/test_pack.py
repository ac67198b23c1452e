"""The pack dropped into custom_nodes of a bare installation, beside a pack of the older kind."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import logging
import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from adk_tests.integration.graphs import SAMPLING, Graph, all_differ, refusal, run
from adk_tests.support import folders
from adk_tests.support.folders import register_folders
from animatediff_kit import nodes as ours
from animatediff_kit.launcher.comfyui import BASE_FOLDERS, ComfyUI
from animatediff_kit.launcher.server import Server
from animatediff_kit.nodes.evolved import OLD_NODES

ROOT = Path(__file__).resolve().parents[2]
LEFT_OUT = shutil.ignore_patterns(".*", "__pycache__")
NAME, OLDER = "AnimateDiff Kit-main", "older_pack"  # a downloaded archive's folder has such a name
IMPORT_SECONDS = 3.0

OLDER_PACK = """
class RepeatFrame:
    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"frame": ("INT", {"default": 3}), "model": ("ADK_MOTION_MODEL",)}}

    RETURN_TYPES = ("INT",)
    FUNCTION = "run"

    def run(self, frame, model):
        return (frame,)

NODE_CLASS_MAPPINGS = {"RepeatFrame": RepeatFrame}
"""


def contents(folder: Path) -> set[Path]:
    """What lies in a folder, but for Python's compiled files."""
    found = {path.relative_to(folder) for path in folder.rglob("*")}
    return {path for path in found if "__pycache__" not in path.parts}


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the pack in a base directory of its own, which has no model files."""
    base = tmp_path_factory.mktemp("bare")
    for name in BASE_FOLDERS:
        (base / name).mkdir()
    older = base / "custom_nodes" / OLDER
    older.mkdir()
    (older / "__init__.py").write_text(OLDER_PACK, encoding="utf-8")
    return shutil.copytree(ROOT, base / "custom_nodes" / NAME, ignore=LEFT_OUT)


@pytest.fixture(scope="module")
def dropped(pack: Path) -> set[Path]:
    """What the copy held before the server saw it."""
    return contents(pack)


@pytest.fixture(scope="module")
def bare(comfy: ComfyUI, pack: Path, dropped: set[Path]) -> Iterator[Server]:
    base = pack.parents[1]
    with Server(comfy, base, base / "log" / "comfyui.log") as running:
        yield running


@pytest.fixture
def imported(pack: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The copy, found as ComfyUI finds a custom node, not yet executed."""
    folders.install(pack.parents[1], monkeypatch)
    spec = importlib.util.spec_from_file_location(
        "dropped_pack", pack / "__init__.py", submodule_search_locations=[str(pack)]
    )
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    yield module
    for name in [name for name in sys.modules if name.split(".")[0] == spec.name]:
        del sys.modules[name]


def test_importing_prints_nothing_and_creates_nothing(
    imported: ModuleType,
    pack: Path,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    base = pack.parents[1]
    before, environment = contents(base), dict(os.environ)
    with caplog.at_level(logging.DEBUG):
        assert imported.__spec__ is not None and imported.__spec__.loader is not None
        imported.__spec__.loader.exec_module(imported)
        extension = asyncio.run(imported.comfy_entrypoint())
        nodes = asyncio.run(extension.get_node_list())
    printed = capfd.readouterr()
    assert (printed.out, printed.err) == ("", "")
    assert not [r for r in caplog.records if r.name.startswith("dropped_pack")]
    assert contents(base) == before and dict(os.environ) == environment
    own, old = nodes[: len(ours.NODES)], nodes[len(ours.NODES) :]
    assert [node.__name__ for node in own] == [node.__name__ for node in ours.NODES]
    assert [node.__name__ for node in old] == [f"Old_{name}" for name in OLD_NODES]


def test_the_server_offers_every_node_of_both_packs(
    bare: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders.install(tmp_path, monkeypatch)
    register_folders()
    info = bare.client.object_info()
    expected = {node.define_schema().node_id for node in ours.NODES}
    assert expected == {kind for kind in info if kind.startswith("ADK_")}
    for kind in expected:
        assert info[kind]["python_module"] == f"custom_nodes.{NAME}"
        assert info[kind]["display_name"] and info[kind]["description"]
    assert info["RepeatFrame"]["python_module"] == f"custom_nodes.{OLDER}"


def test_the_log_tells_of_a_short_import_and_no_failure(bare: Server) -> None:
    log = bare.log.read_text(encoding="utf-8")
    (seconds,) = re.findall(rf"([\d.]+) seconds: .*{re.escape(NAME)}", log)
    assert float(seconds) < IMPORT_SECONDS
    assert not re.search(rf"Cannot import .*{re.escape(NAME)}", log)


def test_the_server_leaves_the_packs_folder_as_it_was(
    bare: Server, pack: Path, dropped: set[Path]
) -> None:
    assert bare.client.object_info() and Path("nodes", "animate.py") in dropped
    assert contents(pack) == dropped
    assert not (bare.base / "models" / "animatediff_models").exists()


@pytest.mark.parametrize(
    ("node", "values", "folder"),
    [
        (
            "ADK_LoadMotionModel",
            {"motion_model": "v3_sd15_mm.ckpt", "family": "automatic"},
            "animatediff_models",
        ),
        ("ADK_DomainAdapter", {"adapter": "v3_sd15_adapter.ckpt", "scale": 1.0}, "loras"),
    ],
)
def test_an_empty_folder_of_models_is_told(
    bare: Server, node: str, values: dict[str, object], folder: str
) -> None:
    graph = Graph()
    result = graph.link(node, **values)
    graph.add("PreviewAny", source=result)
    assert bare.client.object_info()[node]
    told = refusal(bare, graph)
    place = bare.base / "models" / folder
    assert f"is not in {place}, and no other file of yours is. Put it there, then press R" in told


def test_the_defaults_animate_where_there_is_no_model_file(bare: Server) -> None:
    info = bare.client.object_info()["ADK_Animate"]["input"]["required"]
    defaults = {name: spec[1]["default"] for name, spec in info.items() if name != "model"}
    graph = Graph()
    loader = graph.add("ADK_SmallWorldModels", image_model="base")
    model = graph.link("ADK_Animate", model=[loader, 0], **defaults)
    prompt = graph.link("CLIPTextEncode", clip=[loader, 1], text="a red star moving right")
    latent = graph.link("EmptyLatentImage", width=64, height=64, batch_size=3)
    sampled = graph.link(
        "KSampler",
        model=model,
        positive=prompt,
        negative=prompt,
        latent_image=latent,
        **{**SAMPLING, "steps": 1},
    )
    keeper = graph.add("SaveLatent", samples=sampled, filename_prefix="defaults")
    assert all_differ(run(bare, graph).latent(keeper))


def test_core_finds_the_small_worlds_loras_and_not_its_checkpoints(bare: Server) -> None:
    info = bare.client.object_info()
    loras = info["LoraLoader"]["input"]["required"]["lora_name"]
    checkpoints = info["CheckpointLoaderSimple"]["input"]["required"]["ckpt_name"]
    assert "small_world_neon.safetensors" in json.dumps(loras)
    assert "base.safetensors" not in json.dumps(checkpoints)


def test_nothing_is_required() -> None:
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert not [line for line in lines if line.strip() and not line.startswith("#")]
