"""The texts of errors of this room that other tests meet by their kind alone."""

from __future__ import annotations

import re

import pytest
from adk_tests.training import small
from animatediff_kit.training.models.noise_schedule import signal_of_model
from comfy_extras.nodes_model_advanced import ModelSamplingDiscrete


def test_a_schedule_that_a_node_thinned_out() -> None:
    (thinned,) = ModelSamplingDiscrete().patch(small.image_model(), "lcm", zsnr=False)
    text = (
        "The model's noise schedule has 50 steps; training needs all 1000. Take the model from "
        "before ModelSamplingDiscrete or the LCM node."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        signal_of_model(thinned)
