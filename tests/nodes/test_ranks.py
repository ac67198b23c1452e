"""A server as one of several ranks: what the others run of rank 0's graph."""

from __future__ import annotations

import pytest
from animatediff_kit.nodes.ranks import KEEPER, join_ranks, samplers_alone
from animatediff_kit.sampling.crew import crew

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
    "9": {"class_type": "VAEDecode", "inputs": {"samples": ["4", 0], "vae": ["1", 2]}},
    "10": {"class_type": "PreviewImage", "inputs": {"images": ["9", 0]}},
}


def test_other_ranks_run_the_samplers_and_what_these_need() -> None:
    kept = samplers_alone(GRAPH)
    assert set(kept) == {"1", "2", "3", "4", "5", "6", "rank 4", "rank 6"}
    assert kept["rank 6"] == {"class_type": KEEPER, "inputs": {"source": ["6", 0]}}
    assert {key: kept[key] for key in "123456"} == {key: GRAPH[key] for key in "123456"}


@pytest.mark.parametrize("environment", [{}, {"WORLD_SIZE": "1", "RANK": "0"}])
def test_one_rank_joins_nobody(environment: dict[str, str]) -> None:
    assert join_ranks(environment) is None and crew() is None
