"""Names of the untrained stand-in files and the model folders that they go to."""

from __future__ import annotations

CHECKPOINT = "adk_stand_in_sd15.safetensors"
MOTION_MODEL = "adk_stand_in_v3_motion_model.ckpt"
MOTION_LORA = "adk_stand_in_motion_lora.safetensors"
DOMAIN_ADAPTER = "adk_stand_in_v3_domain_adapter.safetensors"

FOLDERS = {
    CHECKPOINT: "checkpoints",
    MOTION_MODEL: "animatediff_models",
    MOTION_LORA: "animatediff_motion_lora",
    DOMAIN_ADAPTER: "loras",
}
