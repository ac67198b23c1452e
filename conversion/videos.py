"""Video Combine, of the old pack and of VideoHelperSuite, as ComfyUI's Create Video and Save Video,
or Save Animated WEBP."""

from __future__ import annotations

from typing import Any

from .graph import Graph, Node, Origin, Wire
from .plan import Fresh, Plan, Stays

PICTURES = ("image/gif", "image/webp")
H264 = ("video/h264-mp4", "video/nvenc_h264-mp4")
WITHOUT_EQUAL = ("meta_batch", "batch_manager")
NEVER_ENDING = 0


def convert_video(graph: Graph, plan: Plan, node: Node) -> None:
    """Plans the nodes that write the same frames; tells what of the old settings is lost."""
    for socket in WITHOUT_EQUAL:
        if graph.source(node, socket) is not None:
            raise Stays(f"something is linked to its {socket}")
    if graph.source(node, "vae") is not None and type_of(graph, node, "images") != "IMAGE":
        raise Stays("it decodes latents; put a VAE Decode before it")
    used = graph.users().get(Origin(node.id, 0))
    if used:
        taker = graph.nodes.get(used[0].node)
        told = f"{taker.kind} ({taker.id})" if taker else f"the subgraph's output ({used[0].input})"
        raise Stays(f"{told} takes its output")
    images = node.taps.get("images")
    if images is None:
        raise Stays("no pictures are linked to it")
    if isinstance(node.value("format"), Wire):
        raise Stays("its format comes through a link")
    tell(plan, node)
    if node.value("pingpong") is True:
        images = plan.add("ADK_PlayForthAndBack", None, node, wires={"images": images})
    if node.value("format") in PICTURES:
        save_webp(plan, node, images)
    else:
        save_video(plan, node, images)
    plan.gone.add(node.id)


def type_of(graph: Graph, node: Node, socket: str) -> str | None:
    """The type of what a socket takes, where the file tells."""
    source, near = graph.near(node, socket), node.nears.get(socket)
    if source is None or near is None or near.slot >= len(source.outputs):
        return None
    return source.outputs[near.slot]


def save_webp(plan: Plan, node: Node, images: Origin | Fresh) -> None:
    values = {"fps": rate(node), "filename_prefix": node.value("filename_prefix")}
    values |= {"lossless": False, "quality": 90}
    plan.add("SaveAnimatedWEBP", node, node, values, {"images": images}, node.mode)
    if "audio" in node.taps:
        plan.note(node, "its sound is left out: a WebP has none")


def save_video(plan: Plan, node: Node, images: Origin | Fresh) -> None:
    wires: dict[str, Origin | Fresh | None] = {"images": images}
    if "audio" in node.taps:
        wires["audio"] = node.taps["audio"]
    made = plan.add("CreateVideo", None, node, {"fps": rate(node)}, wires, node.mode)
    values = {"filename_prefix": node.value("filename_prefix")}
    plan.add("SaveVideo", node, node, values, {"video": made}, node.mode)


def rate(node: Node) -> Any:
    return node.given("frame_rate")


def tell(plan: Plan, node: Node) -> None:
    """What is not kept of the old settings."""
    form = node.value("format")
    if form == "image/gif":
        plan.note(node, "image/gif is now an animated WebP")
    elif form not in (*PICTURES, *H264):
        plan.note(node, f"{form} is now H.264 in MP4")
    if isinstance(node.value("pingpong"), Wire):
        plan.note(node, "pingpong comes through a link and is left out")
    if node.value("loop_count") != NEVER_ENDING:
        told = node.value("loop_count")
        plan.note(node, f"loop_count {told} is left out: a WebP repeats for ever, an MP4 not")
    kept = node.value("save_output" if "save_output" in node.values else "save_image")
    if kept is not True:
        plan.note(node, "it wrote to the temporary folder; the video now goes to the output folder")
