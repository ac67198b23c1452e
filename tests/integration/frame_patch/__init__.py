"""A node for the server of the tests: a model patch that knows its frames as IPAdapter does.

IPAdapter_plus and others read `transformer_options["ad_params"]`: `sub_idxs`, the frames of the
window, or None where all are there. This one adds a number of the frame's own to the output of
every cross attention.
"""

from __future__ import annotations

from typing import Any


class FramePatch:
    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"model": ("MODEL",), "values": ("STRING", {"default": "0"})}}

    RETURN_TYPES = ("MODEL",)
    FUNCTION = "patch"
    CATEGORY = "tests"

    def patch(self, model: Any, values: str) -> tuple[Any]:
        numbers = [float(value) for value in values.split(",")]

        def add(x: Any, options: dict[str, Any]) -> Any:
            """x: (b f) n c, of each cond or uncond all frames of the window"""
            frames = options["ad_params"]["sub_idxs"] or range(len(numbers))
            rows = x.unflatten(0, (-1, len(frames)))
            own = x.new_tensor([numbers[frame] for frame in frames])
            return (rows + own[None, :, None, None]).flatten(0, 1)

        patched = model.clone()
        patched.set_model_attn2_output_patch(add)
        return (patched,)


NODE_CLASS_MAPPINGS = {"TestFramePatch": FramePatch}
