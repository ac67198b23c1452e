"""What rank 0 hands to the others."""

from __future__ import annotations

from animatediff_kit.lockstep.digest import RUN, unmarked
from animatediff_kit.lockstep.handover import KEEPER, handed

GRAPH = {
    "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "a"}},
    "2": {"class_type": "CLIPTextEncode", "inputs": {"clip": ["1", 1], "text": "x"}},
    "3": {"class_type": "EmptyLatentImage", "inputs": {"batch_size": 48}},
    "4": {"class_type": "KSampler", "inputs": {"model": ["1", 0], "latent_image": ["3", 0]}},
    "5": {"class_type": "LatentUpscale", "inputs": {"samples": ["4", 0]}},
    "6": {
        "class_type": "KSamplerAdvanced",
        "inputs": {"model": ["1", 0], "latent_image": ["5", 0], "positive": ["2", 0]},
    },
    "7": {"class_type": "VAEDecode", "inputs": {"samples": ["6", 0], "vae": ["1", 2]}},
    "8": {"class_type": "SaveImage", "inputs": {"images": ["7", 0]}},
    "9": {"class_type": "SampleByPipe", "inputs": {"pipe": ["2", 0]}},
    "10": {"class_type": "PreviewImage", "inputs": {"images": ["9", 1]}},
}


def test_the_others_run_one_node_and_what_it_hangs_on() -> None:
    cut = handed(GRAPH, "4", {}, 1)
    assert list(cut) == ["1", "3", "4", "rank 4 0"], "another sampler runs beside it"
    assert cut["rank 4 0"] == {"class_type": KEEPER, "inputs": {"source": ["4", 0]}}
    assert {key: cut[key] for key in "134"} == {key: GRAPH[key] for key in "134"}


def test_a_node_is_kept_for_each_of_its_outputs() -> None:
    """Of any type: what samples may give pictures, or nothing but a file."""
    cut = handed(GRAPH, "9", {}, 2)
    assert list(cut) == ["1", "2", "9", "rank 9 0", "rank 9 1"]
    assert list(handed(GRAPH, "9", {}, 0)) == ["1", "2", "9"]


def test_nodes_that_sampled_bear_their_runs() -> None:
    cut = handed(GRAPH, "6", {"4": "a", "6": "b", "9": "c"}, 1)
    marks = {key: node["inputs"].get(RUN) for key, node in cut.items()}
    assert {key: mark for key, mark in marks.items() if mark} == {"4": "a", "6": "b"}
    assert unmarked(cut["6"]) == GRAPH["6"]["inputs"], "what ranks compare has no runs"
    assert RUN not in GRAPH["6"]["inputs"], "rank 0's own graph is changed"
