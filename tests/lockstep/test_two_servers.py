"""Two real servers sample one video: the first is given a prompt, both compute windows of it, and
the first alone saves files."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from adk_tests.support.two_servers import (
    TwoServers,
    animation,
    behind,
    beside,
    forget,
    rendered,
    two_servers,
    until,
)
from animatediff_kit.launcher import LauncherError
from animatediff_kit.launcher.comfyui import ComfyUI
from animatediff_kit.launcher.server import Server


@pytest.fixture(scope="module")
def ranks(comfy: ComfyUI, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwoServers]:
    with two_servers(comfy, tmp_path_factory.mktemp("ranks")) as both:
        yield both


def written(server: Server) -> list[str]:
    return [path.name for path in (server.base / "output").rglob("*") if path.is_file()]


def test_two_servers_sample_one_video(ranks: TwoServers, server: Server) -> None:
    prompt = animation(server, seed=1)
    assert rendered(ranks.first, prompt) == rendered(server, prompt), "not what one server makes"
    assert len(written(ranks.first)) == 1
    assert written(ranks.second) == [], "the second decodes and saves nothing"
    until(lambda: ranks.sampled_together() == [1, 1])


def test_after_cancel_the_next_prompt_runs(ranks: TwoServers, server: Server) -> None:
    with pytest.raises(LauncherError, match=r"^The run was interrupted at node "):
        for event in ranks.first.client.run(animation(server, seed=2, steps=500)):
            if event.kind == "progress" and event.data["value"] == 2:
                ranks.first.client.interrupt()
    told = until(lambda: ranks.store.read("failed/1"))
    assert told["why"].startswith("Rank 0 left this video before its end (InterruptProcessing")
    prompt = animation(server, seed=3)
    assert rendered(ranks.first, prompt) == rendered(server, prompt)


def test_what_rank_0_has_forgotten_is_sampled_by_both(ranks: TwoServers, server: Server) -> None:
    prompt = animation(server, seed=4)
    before = rendered(ranks.first, prompt)
    together = until(lambda: len(set(both := ranks.sampled_together())) == 1 and both)
    forget(ranks.first)
    assert rendered(ranks.first, prompt) == before
    until(lambda: ranks.sampled_together() == [count + 1 for count in together])


def test_what_rank_1_has_forgotten_it_samples_by_itself(ranks: TwoServers, server: Server) -> None:
    rendered(ranks.first, behind(animation(server, seed=5), steps=2))
    together = until(lambda: len(set(both := ranks.sampled_together())) == 1 and both)
    forget(ranks.second)
    prompt = behind(animation(server, seed=5), steps=3)
    assert rendered(ranks.first, prompt) == rendered(server, prompt)
    until(lambda: ranks.sampled_together() == [count + 1 for count in together])


def test_samplers_side_by_side(ranks: TwoServers, server: Server) -> None:
    """Which of them is first is another in each process."""
    prompt = animation(server, seed=6)
    for seed in (7, 8):
        prompt = beside(prompt, f"{seed} ", seed)
    alone = rendered(server, prompt)
    assert len(set(alone.values())) == 3, "the videos are alike"
    assert rendered(ranks.first, prompt) == alone


def test_a_node_that_does_not_sample_is_told_at_once(ranks: TwoServers, server: Server) -> None:
    """As where a node before it blocks what it hangs on."""
    run = "3c1f5f3e-3f0e-4c36-9d0a-0d2f7e0b3a11"
    graph = {
        "1": {"class_type": "PrimitiveInt", "inputs": {"value": 1}},
        "rank 1 0": {"class_type": "PreviewAny", "inputs": {"source": ["1", 0]}},
    }
    number = ranks.store.count("prompts", 0) + 1
    ranks.store.write(f"prompt/{number}", {"run": run, "node": "1", "graph": graph})
    ranks.store.count("prompts")
    told = until(lambda: (t := ranks.store.read("failed/1")) and t["prompt"] == run and t)
    assert told["why"] == "it ended there before anything was sampled. See its log."


def test_a_prompt_queued_at_rank_1_is_refused(ranks: TwoServers, server: Server) -> None:
    sentence = r"Rank 1 samples with rank 0, which has not asked for this prompt, or no longer"
    with pytest.raises(LauncherError, match=sentence):
        rendered(ranks.second, animation(server, seed=10))
