"""The templates' moving pictures: square, animated WebP in files that end in `.jpg`.

ComfyUI's template browser asks for `<name>.jpg` beside a pack's template and shows what it gets; an
animated WebP moves. All are drawn by the small world: templates for larger models show what the
small one of the same kind draws, with another prompt.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .newer import NEWER
from .saved import workflow
from .templates import FOLDER, TEMPLATES

if TYPE_CHECKING:
    from launcher.server import Server

SIDE = 256
FRAMES = 16  # at most
PAUSE = 120  # milliseconds that a frame is seen
LARGEST = 150_000  # bytes
GROUND = (24, 24, 28)

SMALL_TEXT = "01-Small-world-text-to-animation"
SMALL_CAMERA = "02-Small-world-camera-move"
SMALL_TRAVEL = "03-Small-world-prompt-travel"
SMALL_LONG = "04-Small-world-long-animation"
SMALL_LOOP = "05-Small-world-closed-loop"
SMALL_IMAGE = "06-Small-world-image-to-animation"
SMALL_VIDEO = "07-Small-world-video-to-animation"
SMALL_TRAINING = "09-Small-world-train-a-camera-move"

Changes = Mapping[tuple[str, str], Any]
"""(title of a node, else its kind; input) -> value."""


def _text(prompt: str, style: str = "base") -> tuple[str, Changes]:
    return SMALL_TEXT, {
        ("Prompt", "text"): prompt,
        ("ADK_SmallWorldModels", "image_model"): style,
    }


SHOWN: dict[str, tuple[str, Changes]] = {
    # template -> the template that is rendered for it, and what is changed in it
    **{name: (name, {}) for name in TEMPLATES if "Small-world" in name},
    "10-Text-to-animation": _text("a purple star going round on a white gradient background"),
    "11-LCM-8-steps": _text("a green triangle moving up on a black background"),
    "12-Lightning-4-steps": _text("a yellow star moving right on a black checkered background"),
    "13-Camera-move": (
        SMALL_CAMERA,
        {
            ("Prompt", "text"): "a blue square on a white checkered background",
            ("ADK_LoadMotionLoRA", "lora"): "small_world_zoom_in.safetensors",
        },
    ),
    "14-Prompt-travel": (
        SMALL_TRAVEL,
        {
            ("ADK_PromptTravel", "prompts"): "0: a green square going round on a pink background\n"
            "16: a red cross going round on a gray background\n"
            "31: an orange circle going round on a teal background"
        },
    ),
    "15-Long-animation": (
        SMALL_LONG,
        {("Prompt", "text"): "a red triangle bouncing on a white background"},
    ),
    "16-Closed-loop": (
        SMALL_LOOP,
        {("Prompt", "text"): "a yellow circle going round on a teal background"},
    ),
    "17-Image-to-animation": (
        SMALL_IMAGE,
        {("Prompt", "text"): "a blue circle moving left on a white background"},
    ),
    "18-Video-to-animation-with-ControlNet": (
        SMALL_VIDEO,
        {
            ("Prompt of the video", "text"): "a yellow square moving right on a black background",
            ("Prompt, what to make", "text"): "a green circle moving right on a black background",
        },
    ),
    "19-SDXL": _text("a blue star growing on a black background", "neon"),
    "20-Temporal-decoder": _text("an orange square moving down on a teal background", "outlined"),
    "21-Frame-interpolation": _text("a red circle bouncing on a white gradient background"),
    "22-Train-a-MotionLoRA": (
        SMALL_CAMERA,
        {
            ("Prompt", "text"): "a green cross on a gray checkered background",
            ("ADK_LoadMotionLoRA", "lora"): "small_world_pan_right.safetensors",
        },
    ),
    "23-Fine-tune-a-motion-module": _text("a red square growing on a gray background", "outlined"),
}


def draw(server: Server, root: Path, names: Sequence[str]) -> None:
    """Renders what templates show, and writes their pictures."""
    for name in names:
        source, changes = SHOWN[name]
        frames = rendered(server, source, changes)
        path = root / FOLDER / f"{name}.jpg"
        path.write_bytes(picture(frames))
        print(f"{path.name}: {path.stat().st_size} bytes", flush=True)


def rendered(server: Server, name: str, changes: Changes) -> Path:
    """The animated WebP that a template saves."""
    from launcher.workflow import to_prompt

    info = server.client.object_info()
    page, lanes = TEMPLATES[name]({**NEWER, **info})
    for (of, entry), value in changes.items():
        nodes = [node for node in page.nodes if of in (node.title, node.kind.name)]
        for node in nodes:
            node.inputs[entry] = value
        if not nodes:
            raise ValueError(f"{name} has no node {of}.")
    key = ""
    for event in server.client.run(to_prompt(workflow(name, page, lanes), info)):
        key = event.data.get("prompt_id", key)
    saved = [f for f in server.client.outputs(key) if f.folder == "output"]  # not shown in a node
    (file,) = [f for f in saved if f.filename.endswith(".webp")]
    return server.base / file.folder / file.subfolder / file.filename


def picture(file: Path) -> bytes:
    """A square animation, small enough for a browser's card."""
    from PIL import Image, ImageSequence

    with Image.open(file) as animation:
        whole = [frame.convert("RGB") for frame in ImageSequence.Iterator(animation)]
    step = -(-len(whole) // FRAMES)
    frames = [_square(frame) for frame in whole[::step]]
    for quality in range(90, 20, -10):
        kept = BytesIO()
        options = {"append_images": frames[1:], "duration": PAUSE * min(step, 2), "loop": 0}
        frames[0].save(kept, "WEBP", save_all=True, quality=quality, method=6, **options)
        if kept.tell() <= LARGEST:
            return kept.getvalue()
    raise ValueError(f"{file.name} does not fit into {LARGEST} bytes; give it fewer frames.")


def _square(frame: Any) -> Any:
    """A frame as large as fits, in the middle of a square."""
    from PIL import Image

    ratio = SIDE / max(frame.size)
    size = (round(frame.width * ratio), round(frame.height * ratio))
    ground = Image.new("RGB", (SIDE, SIDE), GROUND)
    place = ((SIDE - size[0]) // 2, (SIDE - size[1]) // 2)
    ground.paste(frame.resize(size, Image.Resampling.BOX), place)
    return ground
