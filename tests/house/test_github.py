"""The templates for GitHub: they are read, run commands that are there, and publish for the owner
alone."""

from __future__ import annotations

import re
import shlex
from typing import Any

import pytest
import yaml
from adk_tests.house.rooms import ROOT
from animatediff_kit.launcher import environment
from animatediff_kit.launcher.command_line import options_of

FOLDER = ROOT / ".github" / "workflows"
NAMES = ("publish.yml", "test.yml", "weekly.yml")


def template(name: str) -> dict[Any, Any]:
    return yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))


def events(name: str) -> set[str]:
    return set(template(name)[True])  # YAML 1.1 takes the key `on` for a truth value


def steps(name: str) -> list[dict[str, Any]]:
    return [step for job in template(name)["jobs"].values() for step in job["steps"]]


def commands(name: str) -> list[list[str]]:
    """Every command line, as words."""
    texts = [step["run"] for step in steps(name) if "run" in step]
    return [shlex.split(line) for text in texts for line in text.splitlines()]


def test_there_are_these_and_no_others() -> None:
    assert sorted(path.name for path in FOLDER.iterdir()) == list(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_commands_are_those_of_the_pack(name: str) -> None:
    ours = [words for words in commands(name) if "run.py" in words]
    for words in ours:
        assert words[:2] == ["python", "run.py"]
        assert options_of(words[2:]).arguments == []  # nothing is passed on unread
    assert ours, "it runs nothing of the pack"


@pytest.mark.parametrize("name", NAMES)
def test_files_that_a_template_names_are_there(name: str) -> None:
    made = {"demo", ".venv/bin/python"}  # by run.py
    named = {w for words in commands(name) for w in words if re.fullmatch(r"[\w./]+\.(py|toml)", w)}
    assert all((ROOT / place).exists() for place in named - made)


@pytest.mark.parametrize("name", NAMES)
def test_a_job_has_a_limit_and_no_more_rights_than_to_read(name: str) -> None:
    content = template(name)
    assert content["permissions"] == {"contents": "read"}
    assert all(0 < job["timeout-minutes"] <= 240 for job in content["jobs"].values())


def test_a_push_is_tested_on_every_supported_python() -> None:
    assert {"push", "pull_request"} <= events("test.yml")
    quick = template("test.yml")["jobs"]["quick"]
    first, last = environment.SUPPORTED
    pythons = [f"3.{minor}" for minor in range(first[1], last[1] + 1)]
    assert quick["strategy"]["matrix"]["python"] == pythons
    lines = [" ".join(words) for words in commands("test.yml")]
    assert {"python run.py test", "python run.py test --quick"} <= set(lines)


def test_the_newest_comfyui_is_tested_every_week() -> None:
    assert {"schedule", "workflow_dispatch"} == events("weekly.yml")
    (when,) = template("weekly.yml")[True]["schedule"]
    *_, day = when["cron"].split()
    assert day in "01234567" and when["cron"].split()[2:4] == ["*", "*"]
    assert ["echo", "ADK_COMFYUI=$ADK_COMFYUI", ">>", "$GITHUB_ENV"] in commands("weekly.yml")
    assert [".venv/bin/python", "-m", "pytest", "tests"] in [w[:4] for w in commands("weekly.yml")]


def test_only_the_owner_publishes_and_no_fork_does() -> None:
    publishing = [
        (name, job)
        for name in NAMES
        for job in template(name)["jobs"].values()
        if any("publish" in step.get("uses", "") for step in job["steps"])
    ]
    ((name, job),) = publishing
    assert name == "publish.yml" and "pull_request" not in " ".join(events(name))
    conditions = set(
        re.split(r"\s+&&\s+", job["if"].strip().removeprefix("${{ ").removesuffix(" }}"))
    )
    assert conditions >= {
        "vars.REGISTRY_OWNER != ''",
        "github.repository_owner == vars.REGISTRY_OWNER",
        "github.event.repository.fork == false",
    }


def test_secrets_are_for_the_guarded_job_alone() -> None:
    holding = [name for name in NAMES if "secrets." in (FOLDER / name).read_text("utf-8")]
    assert holding == ["publish.yml"]
