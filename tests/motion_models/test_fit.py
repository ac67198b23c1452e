"""A motion model meets the wrong checkpoint: what is said, before anything is changed."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any

import comfy.model_base
import comfy.supported_models
import pytest
import torch
from adk_tests.support import sparse, tiny
from animatediff_kit.motion_models.adapters.sparse_control.control import check_base
from animatediff_kit.motion_models.adapters.sparse_control.load import sort_out
from animatediff_kit.motion_models.fit import base_of, check_fits, unet_layout
from animatediff_kit.motion_models.inject import apply_motion_model
from animatediff_kit.motion_models.load import motion_model
from animatediff_kit.motion_models.sites import unet_sites
from animatediff_kit.motion_models.specs import FAMILIES, MotionLayout, MotionSpec
from comfy.ldm.flux.model import FluxParams
from comfy.model_patcher import ModelPatcher

CPU = torch.device("cpu")


def message(base: ModelPatcher, spec: MotionSpec) -> str:
    with pytest.raises(ValueError) as caught:
        check_fits(spec, base)
    return str(caught.value)


def spec_of(family: str, layout: MotionLayout | None = None) -> MotionSpec:
    known = FAMILIES[family]
    return MotionSpec("mm.ckpt", known, layout or tiny.motion_layout(family), known.positions)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_fits_its_base(family: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="animatediff_kit"):
        check_fits(spec_of(family), tiny.image_model(FAMILIES[family].base))
    assert not caplog.records


def test_sd15_motion_on_sdxl() -> None:
    assert message(tiny.image_model("SDXL"), spec_of("v3")) == (
        "mm.ckpt is an SD1.5 motion model, but the checkpoint is SDXL. Load an SD1.5 checkpoint, "
        "or an SDXL motion model (mm_sdxl_v10_beta, hsxl_temporal_layers)."
    )


def test_sdxl_motion_on_sd15() -> None:
    assert message(tiny.image_model(), spec_of("HotshotXL")) == (
        "mm.ckpt is an SDXL motion model, but the checkpoint is SD1.5. Load an SDXL checkpoint, "
        "or an SD1.5 motion model (mm_sd_v15, mm_sd_v15_v2, v3_sd15_mm)."
    )


def test_other_widths_than_the_unets() -> None:
    spec = spec_of("v3", MotionLayout((32, 64, 64, 64), False))
    assert message(tiny.image_model(), spec) == (
        "mm.ckpt has 4 levels of 32, 64, 64, 64 channels, no middle module, but this UNet (SD1.5) "
        "has 4 levels of 32, 64, 128, 128 channels, a middle module. Load a checkpoint and a "
        "motion model that were made for each other."
    )


def test_a_level_without_modules() -> None:
    spec = spec_of("v3", MotionLayout((32, 64, 128), False))
    assert "3 levels of 32, 64, 128 channels" in message(tiny.image_model(), spec)


@pytest.mark.parametrize("layers", [1, 3])
def test_other_number_of_layers(layers: int) -> None:
    spec = spec_of("v3", MotionLayout((32, 64, 128, 128), False, layers))
    assert "made for each other" in message(tiny.image_model(), spec)


def flux() -> ModelPatcher:
    """A tiny Flux of ComfyUI's own classes."""
    unet: dict[str, Any] = dict(
        image_model="flux",
        guidance_embed=False,
        in_channels=16,
        out_channels=16,
        vec_in_dim=32,
        context_in_dim=32,
        hidden_size=32,
        mlp_ratio=2.0,
        num_heads=2,
        depth=1,
        depth_single_blocks=1,
        axes_dim=[4, 6, 6],
        theta=10000,
        patch_size=2,
        qkv_bias=True,
        dtype=torch.float32,
    )
    if "txt_ids_dims" in FluxParams.__annotations__:  # since Flux 2
        unet["txt_ids_dims"] = []
    config = comfy.supported_models.Flux(unet)
    config.set_inference_dtype(torch.float32, None)
    return ModelPatcher(config.get_model({}, "", device=CPU), CPU, CPU)


def test_a_model_without_a_unet() -> None:
    assert message(flux(), spec_of("v3")) == (
        "mm.ckpt moves the layers of a Stable Diffusion UNet, but this model is Flux, which has "
        "none. Load an SD1.5 checkpoint."
    )
    assert message(flux(), spec_of("SDXL beta")).endswith("Load an SDXL checkpoint.")


def test_a_compiled_unet_is_a_unet(caplog: pytest.LogCaptureFixture) -> None:
    """As packs leave it that compile by an object patch."""
    model = tiny.image_model()
    base: Any = model.model
    base.diffusion_model = torch.compile(base.diffusion_model)
    check_fits(spec_of("v3"), model)
    spec, _ = sort_out(sparse.weights("rgb"), "rgb")
    check_base(spec, base)
    assert not caplog.records


def video_model() -> ModelPatcher:
    """A tiny Stable Video Diffusion of ComfyUI's own classes."""

    class TinySVD(comfy.supported_models.SVD_img2vid):
        pass

    unet = {**tiny.UNETS["SD1.5"], "in_channels": 8, "num_head_channels": 16}
    unet |= {"num_heads": -1, "adm_in_channels": 768, "num_classes": "sequential"}
    unet |= {"use_temporal_attention": True, "use_temporal_resblock": True}
    unet |= {"use_linear_in_transformer": True, "extra_ff_mix_layer": True, "video_kernel_size": 3}
    unet |= {"merge_strategy": "learned_with_images", "merge_factor": 0.0, "dtype": torch.float32}
    config = TinySVD(unet)
    config.set_inference_dtype(torch.float32, None)
    return ModelPatcher(config.get_model({}, "", device=CPU), CPU, CPU)


def test_a_unet_with_temporal_layers_of_its_own() -> None:
    assert message(video_model(), spec_of("v3")) == (
        "mm.ckpt cannot be put into Stable Video Diffusion, which has temporal layers of its own. "
        "Load an SD1.5 checkpoint."
    )


def test_sd2_has_the_same_widths(caplog: pytest.LogCaptureFixture) -> None:
    model = tiny.image_model("SD2.x")
    with caplog.at_level(logging.WARNING, logger="animatediff_kit"):
        animated = apply_motion_model(model, tiny.motion_patcher("v3"))
    messages = [record.getMessage() for record in caplog.records]
    assert messages == ["tiny_v3 was trained for SD1.5; this checkpoint is SD2.x."]
    assert tiny.sample(animated).isfinite().all()


def test_a_refused_motion_model_leaves_no_trace() -> None:
    model = tiny.image_model("SDXL")
    before = tiny.sample(model, base="SDXL")
    with pytest.raises(ValueError, match="is an SD1.5 motion model"):
        apply_motion_model(model, tiny.motion_patcher("v2"))
    assert not model.additional_models and not any(model.wrappers.values())
    assert torch.equal(tiny.sample(model, base="SDXL"), before)


@pytest.mark.parametrize(
    ("config", "name"),
    [
        ("SD15", "SD1.5"),
        ("SD20", "SD2.x"),
        ("SD21UnclipL", "SD2.x"),
        ("SDXL", "SDXL"),
        ("SDXLRefiner", "the SDXL refiner"),
        ("SSD1B", "SDXL"),
        ("SVD_img2vid", "Stable Video Diffusion"),
        ("SV3D_u", "SV3D"),
        ("SV3D_p", "SV3D"),
        ("Stable_Zero123", "Stable Zero123"),
        ("SD_X4Upscaler", "the SD x4 upscaler"),
        ("Flux", "Flux"),
        ("SD3", "SD3"),
    ],
)
def test_what_a_checkpoint_is_called(config: str, name: str) -> None:
    """By ComfyUI's own configurations, subclasses included."""
    model = SimpleNamespace(model_config=getattr(comfy.supported_models, config)({}))
    assert base_of(model) == name


@pytest.mark.parametrize("base", ["SD1.5", "SDXL"])
def test_the_layout_that_a_unet_asks_for(base: str) -> None:
    unet = tiny.image_model(base).model.diffusion_model
    channels = {name: site.channels for name, site in unet_sites(unet).items()}
    assert unet_layout(channels) == MotionLayout(tiny.WIDTHS[base], True)


def test_the_spec_of_a_loaded_model_is_what_is_checked() -> None:
    motion = tiny.motion_patcher("v2")
    check_fits(motion_model(motion).spec, tiny.image_model())
