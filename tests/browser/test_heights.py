"""A new node is as high as the same node when a workflow brings it: undo compares graphs, and takes
a node that grew while it was loaded for one that somebody has changed, so that nothing can be
redone."""

from __future__ import annotations

import pytest
from adk_tests.support.page import Page

PANELS = [
    "ADK_Animate",
    "ADK_LoadMotionLoRA",
    "ADK_ContextWindows",
    "ADK_PromptTravel",
    "ADK_Strength",
]
HEIGHTS = """() => [app.graph.nodes[0].size[1], app.graph.nodes[0].computeSize()[1],
    app.graph.nodes[0].widgets.filter(widget => widget.element).length]"""


@pytest.mark.parametrize("kind", PANELS)
def test_a_node_keeps_its_height_when_it_is_loaded(page: Page, kind: str) -> None:
    page.add(kind, (300, 300))
    height, needed, elements = page.run(HEIGHTS)
    assert elements, "it shows something of ours"
    assert height >= needed
    page.load(page.saved())
    assert page.run(HEIGHTS) == [height, needed, elements]
