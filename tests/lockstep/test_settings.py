"""The environment variables that say which rank a process is."""

from __future__ import annotations

import pytest
from animatediff_kit.lockstep.settings import Settings, settings_of

TOLD = {"WORLD_SIZE": "3", "RANK": "1", "MASTER_ADDR": "box", "MASTER_PORT": "29500"}


def test_torchruns_variables() -> None:
    assert settings_of(TOLD) == Settings(1, 3, "box", 29500, False, 60.0)
    assert settings_of({**TOLD, "RANK": "0"}) == Settings(0, 3, "box", 29500, True, 60.0)
    agent = {**TOLD, "RANK": "0", "TORCHELASTIC_USE_AGENT_STORE": "True"}
    assert settings_of(agent) == Settings(0, 3, "box", 29500, False, 60.0)
    assert settings_of({**TOLD, "ADK_RANK_TIMEOUT": "5"}) == Settings(1, 3, "box", 29500, False, 5)


@pytest.mark.parametrize("told", [{}, {"WORLD_SIZE": ""}, {"WORLD_SIZE": "1", "RANK": "0"}])
def test_one_rank_is_none(told: dict[str, str]) -> None:
    assert settings_of(told) is None


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ({**TOLD, "RANK": "3"}, r"^RANK is 3, but WORLD_SIZE is 3: ranks are 0 to 2; start each"),
        ({**TOLD, "RANK": "x"}, r"^RANK is 'x', which is no whole number; set one, or unset it\."),
        ({**TOLD, "MASTER_PORT": "70000"}, r"^MASTER_PORT is 70000; ports are 1 to 65535; set a"),
        ({"WORLD_SIZE": "2"}, r"^WORLD_SIZE asks for several ranks, but RANK is not set; start"),
        ({**TOLD, "MASTER_ADDR": ""}, r"several ranks, but MASTER_ADDR is not set; start ComfyUI"),
    ],
)
def test_what_cannot_be_is_refused(told: dict[str, str], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        settings_of(told)
