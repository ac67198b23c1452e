"""A ~ stands for the user's home alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from animatediff_kit.training.files.paths import expanded


@pytest.mark.parametrize("name", ["~name", "~nosuchuser/x", "~root/x", "a/~", "~~", ".~/x"])
def test_names_that_begin_with_a_tilde_are_names(name: str) -> None:
    assert expanded(name) == Path(name)


def test_a_tilde_alone_is_the_home() -> None:
    assert expanded("~") == expanded("~/") == Path.home()
    assert expanded("~/a b/c") == Path.home() / "a b/c"
    assert expanded("~//a") == Path.home() / "a"
