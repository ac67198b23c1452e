"""The examples for clusters: shells and YAML read them, and the commands in them are ours."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from animatediff_kit.fleet.command_line import options_of
from animatediff_kit.launcher import workflow

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
OTHERS = {"DistributedSeed", "DistributedCollector", "ImageBatchDivider"}
"""ComfyUI-Distributed's, with the inputs that their version 1.4.4 has."""


def commands(text: str, script: str) -> list[list[str]]:
    """The words behind a script's name, in code and comments, lines joined."""
    joined = re.sub(r"\\\n#?\s*", "", text)
    return [shlex.split(found) for found in re.findall(rf"{script} ([^\n\"`&)]*)", joined)]


@pytest.mark.parametrize("name", ["fleet_slurm.sh", "train_slurm.sh"])
def test_a_shell_reads_the_script(name: str) -> None:
    shell = shutil.which("bash")
    if shell is None:
        pytest.skip("There is no bash here.")
    done = subprocess.run([shell, "-n", str(EXAMPLES / name)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_cluster_of_ray_has_the_clone_at_one_place() -> None:
    text = (EXAMPLES / "ray_cluster.yaml").read_text(encoding="utf-8")
    content: dict[str, Any] = yaml.safe_load(text)
    starts = content["head_start_ray_commands"] + content["worker_start_ray_commands"]
    lines = content["setup_commands"] + starts
    assert all("/opt/animatediff-kit" in line for line in lines)
    assert all("RAY_AUTH_MODE=token" in line for line in starts if " start " in line)
    (line,) = commands(text, "fleet.py")
    options = options_of(line)
    assert (options.address, options.out.name) == ("auto", "clips")


def test_the_files_that_scripts_name_are_there() -> None:
    for path in EXAMPLES.glob("*.*"):
        named = set(re.findall(r"(?:examples/\w+\.\w+|\b\w+\.py\b|requirements-\w+\.txt)",
                               path.read_text(encoding="utf-8")))  # fmt: skip
        assert [name for name in named if not (ROOT / name).exists()] == [], path


def test_the_graph_for_comfyui_distributed_is_one() -> None:
    content = workflow.load(EXAMPLES / "distributed_clips.json")
    plain = ROOT / "example_workflows" / "01-Small-world-text-to-animation.json"
    known = {node["type"] for node in workflow.load(plain)["nodes"]}
    assert {node["type"] for node in content["nodes"]} - known == OTHERS
    nodes = {node["id"]: node for node in content["nodes"]}
    for link, source, slot, target, place, kind in content["links"]:
        assert link in nodes[source]["outputs"][slot]["links"]
        entry = nodes[target]["inputs"][place]
        assert (entry["link"], entry["type"]) == (link, kind)
    linked = {entry["link"] for node in nodes.values() for entry in node["inputs"]} - {None}
    assert linked == {link[0] for link in content["links"]}
