"""The four nodes, run as ComfyUI runs them: on files in its folders, chosen by name."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import comfy.model_management
import pytest
import torch
from adk_tests.support import folders, spellings, tiny
from adk_tests.support.folders import register_folders
from animatediff_kit.motion_models.load import motion_model
from animatediff_kit.motion_models.specs import BETA_SCHEDULES, FAMILIES
from animatediff_kit.nodes.animate import Animate
from animatediff_kit.nodes.lora import DomainAdapter, LoadMotionLora
from animatediff_kit.nodes.motion_model import ApplyMotionModel, LoadMotionModel
from animatediff_kit.small_world.files import load
from safetensors.torch import save_file

NODES = [LoadMotionModel, LoadMotionLora, ApplyMotionModel, DomainAdapter]
QUERY = (
    "down_blocks.0.motion_modules.0.temporal_transformer.transformer_blocks.0.attention_blocks.0."
    "to_q"
)
SPATIAL = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.processor.to_q_lora"
PAIR = (torch.ones(32, 2), torch.full((2, 32), 0.5))
ADAPTER = {f"{SPATIAL}.up.weight": PAIR[0], f"{SPATIAL}.down.weight": PAIR[1]}


@pytest.fixture
def models(tmp_path, monkeypatch) -> Path:
    """models/ with a v3 motion model, a MotionLoRA and a domain adapter in it."""
    root = folders.install(tmp_path, monkeypatch)
    register_folders()
    for folder in ("animatediff_models/sd15", "animatediff_motion_lora", "loras"):
        (root / folder).mkdir(parents=True)
    weights = spellings.with_tables(tiny.motion_weights("v3"), 32)
    save_file(weights, str(root / "animatediff_models" / "sd15" / "v3.safetensors"))
    torch.save(spellings.official_lora({QUERY: PAIR}), root / "animatediff_motion_lora/zoom.ckpt")
    torch.save(ADAPTER, root / "loras" / "v3_sd15_adapter.ckpt")
    torch.save(ADAPTER, root / "animatediff_motion_lora" / "other_adapter.ckpt")
    return root


def only(output: Any) -> Any:
    (result,) = output.result
    return result


def test_load_motion_model(models):
    loaded = only(LoadMotionModel.execute("sd15/v3.safetensors"))
    assert motion_model(loaded).spec.family.name == "v3"
    loaded = only(LoadMotionModel.execute(r"sd15\v3.safetensors", "v1"))
    assert motion_model(loaded).spec.family.name == "v1"


def test_load_motion_lora(models):
    loaded = only(LoadMotionModel.execute("sd15/v3.safetensors"))
    once = only(LoadMotionLora.execute(loaded, "zoom.ckpt", 0.5))
    twice = only(LoadMotionLora.execute(once, "zoom.ckpt"))
    assert [len(p.patches.get(f"{QUERY}.weight", ())) for p in (loaded, once, twice)] == [0, 1, 2]
    before = loaded.model.state_dict()[f"{QUERY}.weight"].clone()
    comfy.model_management.load_models_gpu([twice])
    after = twice.model.state_dict()[f"{QUERY}.weight"].clone()
    comfy.model_management.unload_all_models()
    assert torch.allclose(after, before + 1.5 * PAIR[0] @ PAIR[1], atol=1e-6)


def test_apply_motion_model_animates_and_sets_the_schedule(models):
    base = tiny.image_model()
    loaded = only(LoadMotionModel.execute("sd15/v3.safetensors"))
    animated = only(ApplyMotionModel.execute(base, loaded))
    plain, moved = (tiny.sample(model, frames=3, steps=1) for model in (base, animated))
    assert not torch.allclose(plain, moved, atol=1e-3)
    assert torch.equal(plain, tiny.sample(base, frames=3, steps=1))
    assert not base.additional_models and not base.object_patches
    sigmas = animated.get_model_object("model_sampling").sigmas
    betas = torch.linspace(0.00085, 0.012, 1000, dtype=torch.float64)
    exact = (1 / torch.cumprod(1 - betas, 0) - 1).sqrt()
    assert torch.allclose(sigmas.double(), exact, rtol=1e-5)
    kept = only(ApplyMotionModel.execute(base, loaded, beta_schedule="checkpoint"))
    assert kept.get_model_object("model_sampling") is base.get_model_object("model_sampling")


def test_strength_zero_is_the_base_bit_for_bit(models):
    base = tiny.image_model()
    loaded = only(LoadMotionModel.execute("sd15/v3.safetensors"))
    still = only(ApplyMotionModel.execute(base, loaded, 0.0, beta_schedule="checkpoint"))
    one, other = (tiny.sample(model, frames=3, steps=1) for model in (base, still))
    assert torch.equal(one, other)


def test_apply_motion_model_refuses_what_does_not_fit(models):
    loaded = only(LoadMotionModel.execute("sd15/v3.safetensors"))
    with pytest.raises(ValueError, match="is an SD1.5 motion model, but the checkpoint is SDXL"):
        ApplyMotionModel.execute(tiny.image_model("SDXL"), loaded)
    with pytest.raises(ValueError, match="range runs from 0.5 to 0.5 of sampling"):
        ApplyMotionModel.execute(tiny.image_model(), loaded, start_percent=0.5, end_percent=0.5)


def test_domain_adapter_from_either_folder(models):
    base = tiny.image_model()
    for name in ("v3_sd15_adapter.ckpt", "other_adapter.ckpt"):
        assert len(only(DomainAdapter.execute(base, name)).patches) == 1
    assert not only(DomainAdapter.execute(base, "v3_sd15_adapter.ckpt", 0.0)).patches
    assert not base.patches


def test_files_in_the_wrong_slot_name_the_node_that_takes_them(models):
    loaded = only(LoadMotionModel.execute("sd15/v3.safetensors"))
    for name in ("zoom.ckpt", "other_adapter.ckpt"):
        source = models / "animatediff_motion_lora" / name
        (models / "animatediff_models" / name).write_bytes(source.read_bytes())
    with pytest.raises(ValueError, match="^zoom.ckpt is no motion model .* Load MotionLoRA.$"):
        LoadMotionModel.execute("zoom.ckpt")
    with pytest.raises(
        ValueError, match="^other_adapter.ckpt is no motion m.*Apply Domain Adapter"
    ):
        LoadMotionModel.execute("other_adapter.ckpt")
    with pytest.raises(ValueError, match="^other_adapter.ckpt is no MotionLoRA .*Apply Domain Ada"):
        LoadMotionLora.execute(loaded, "other_adapter.ckpt")
    with pytest.raises(ValueError, match="^zoom.ckpt is no domain adapter .* Load MotionLoRA.$"):
        DomainAdapter.execute(tiny.image_model(), "zoom.ckpt")


def test_nan_in_low_rank_files_is_told(models):
    loaded = only(LoadMotionModel.execute("sd15/v3.safetensors"))
    bad = (PAIR[0], PAIR[1] * float("nan"))
    path = models / "animatediff_motion_lora" / "nan.ckpt"
    torch.save(spellings.official_lora({QUERY: bad}), path)
    with pytest.raises(ValueError, match="^nan.ckpt holds NaN or infinite weights, in down_blocks"):
        LoadMotionLora.execute(loaded, "nan.ckpt")
    torch.save({**ADAPTER, f"{SPATIAL}.down.weight": bad[1]}, models / "loras" / "nan.ckpt")
    with pytest.raises(ValueError, match="^nan.ckpt holds NaN or infinite weights, in down_blocks"):
        DomainAdapter.execute(tiny.image_model(), "nan.ckpt")


FILE_NODES = {
    # node -> its folder below models/, a file in it
    LoadMotionModel: ("animatediff_models", "sd15/v3.safetensors"),
    LoadMotionLora: ("animatediff_motion_lora", "zoom.ckpt"),
    DomainAdapter: ("loras", "v3_sd15_adapter.ckpt"),
}


@pytest.mark.parametrize("node", FILE_NODES)
def test_validate_inputs(models, node):
    folder, name = FILE_NODES[node]
    assert node.validate_inputs(name) is True
    assert node.validate_inputs(name.replace("/", "\\")) is True
    assert node.validate_inputs(None) is True  # it comes through a link
    sentence = node.validate_inputs("gone.ckpt")
    assert re.fullmatch(
        r"'gone\.ckpt' is not there; your folders for it hold \d weights files?\. Choose another, "
        rf"or put it into {re.escape(str(models / folder))}\. small_world_\w+\.safetensors comes "
        r"with the pack, for Load Small World Models\.",
        sentence,
    )


@pytest.mark.parametrize("node", FILE_NODES)
def test_validate_inputs_of_empty_folders(tmp_path, monkeypatch, node):
    root = folders.install(tmp_path, monkeypatch)
    register_folders()
    home = root / FILE_NODES[node][0]
    rest = "there, then press R in the page to refresh. "
    told = node.validate_inputs("")
    assert told.startswith(f"No weights file lies in {home}. Put one {rest}small_world_")
    told = node.validate_inputs("v3_sd15_mm.ckpt")
    start = f"'v3_sd15_mm.ckpt' is not in {home}, and no other file of yours is. Put it {rest}"
    assert told.startswith(start)
    address = "https://huggingface.co/guoyww/animatediff/resolve/main/v3_sd15_mm.ckpt"
    assert f"It can be downloaded from {address}. small_world_" in told


@pytest.mark.parametrize("node", FILE_NODES)
def test_combos_list_the_users_files_and_then_the_packs(models, node):
    inputs = {i.id: i for i in node.define_schema().inputs}
    (argument,) = inspect.signature(node.validate_inputs).parameters
    combo = inputs[argument]
    ours = [name for name in combo.options if name.startswith("small_world_")]
    mine = combo.options[: -len(ours)]
    assert combo.options == [*mine, *ours]
    assert FILE_NODES[node][1] in mine and combo.default == mine[0]


def test_without_files_of_ones_own_the_nodes_run_as_they_are(tmp_path, monkeypatch):
    folders.install(tmp_path, monkeypatch)
    register_folders()
    chosen = {}
    for node in FILE_NODES:
        (argument,) = inspect.signature(node.validate_inputs).parameters
        chosen[node] = {i.id: i for i in node.define_schema().inputs}[argument].default
        assert node.validate_inputs(chosen[node]) is True
    image_model = load("base")[0]
    loaded = only(LoadMotionModel.execute(chosen[LoadMotionModel]))
    moving = only(LoadMotionLora.execute(loaded, chosen[LoadMotionLora]))
    assert moving.patches and not loaded.patches
    adapted = only(DomainAdapter.execute(image_model, chosen[DomainAdapter]))
    assert adapted.patches and not image_model.patches
    assert only(ApplyMotionModel.execute(adapted, moving)).additional_models


@pytest.mark.parametrize("node", NODES)
def test_schema_and_execute_agree(models, node):
    schema = node.define_schema()
    parameters = inspect.signature(node.execute).parameters
    assert [i.id for i in schema.inputs] == list(parameters)
    for i in schema.inputs:
        default = parameters[i.id].default
        assert default is inspect.Parameter.empty or default == getattr(i, "default", None)
        assert i.tooltip


def test_choices_are_the_tables(models):
    inputs = {i.id: i for node in NODES for i in node.define_schema().inputs}
    assert inputs["family"].options == ["automatic", *FAMILIES]
    assert inputs["beta_schedule"].options == ["automatic", *BETA_SCHEDULES]


FILES = {
    # node -> its inputs, and the files that they name
    LoadMotionModel: {"motion_model": "animatediff_models/sd15/v3.safetensors"},
    LoadMotionLora: {"lora": "animatediff_motion_lora/zoom.ckpt"},
    DomainAdapter: {"adapter": "loras/v3_sd15_adapter.ckpt"},
    Animate: {
        "motion_model": "animatediff_models/sd15/v3.safetensors",
        "motion_lora": "animatediff_motion_lora/zoom.ckpt",
    },
}


@pytest.mark.parametrize("node", FILES, ids=lambda node: node.__name__)
def test_a_file_that_was_replaced_runs_the_node_anew(models: Path, node: Any) -> None:
    names = {key: path.split("/", 1)[1] for key, path in FILES[node].items()}
    states = [node.fingerprint_inputs(**names, strength=1.0)]
    assert states[0] and node.fingerprint_inputs(**names) == states[0]
    for path in FILES[node].values():
        file = models / path
        file.write_bytes(file.read_bytes() + b"x")
        states.append(node.fingerprint_inputs(**names))
    assert len(set(states)) == len(states)
    assert (
        node.fingerprint_inputs() == node.fingerprint_inputs(**dict.fromkeys(names, "gone")) == ""
    )
    assert node.fingerprint_inputs(**dict.fromkeys(names)) == ""
