"""The workflow of a fleet, in the API format or as the page saves it, as a prompt with titles."""

from __future__ import annotations

import copy
from typing import Any

from launcher.client import Prompt
from launcher.workflow import is_saved, to_prompt


def prompt_of(content: dict[str, Any], object_info: dict[str, Any]) -> Prompt:
    """The prompt of a workflow. A title that the page has not saved is the node's display name.

    Raises LauncherError for a class that the server does not know.
    """
    if not is_saved(content):
        return content
    prompt = copy.deepcopy(to_prompt(content, object_info))
    titles = {str(node["id"]): node.get("title") for node in content["nodes"]}
    for key, node in prompt.items():
        shown = object_info[node["class_type"]].get("display_name")
        title = titles.get(key) or shown or node["class_type"]
        node["_meta"] = {"title": title}
    return prompt
