"""Lets PyPI's torchvision import beside a torch that it was not built for.

PyPI's torchvision for Linux is a CUDA build. Beside a CPU build of torch its library of operators
does not load, and its Python half then fails at import with "operator torchvision::nms does not
exist", because it registers shape rules for operators that nobody declared. Declaring the two
schemas is all that the import lacks; ComfyUI calls neither operator.
"""

from __future__ import annotations

import importlib
import sys

OPERATORS = ("nms", "qnms")
SIGNATURE = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"

_declared: list[object] = []  # a torch.library.Library withdraws its schemas when it is collected


def define_missing_schemas() -> bool:
    """Declares the schemas where torchvision cannot be imported without them.

    Returns whether they were needed. Raises torchvision's own error when it has another cause.
    """
    try:
        importlib.import_module("torchvision")
        return False
    except RuntimeError as error:
        if "torchvision::" not in str(error):
            raise
    for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
        del sys.modules[name]
    import torch

    library = torch.library.Library("torchvision", "DEF")
    _declared.append(library)
    for operator in OPERATORS:
        library.define(operator + SIGNATURE)
    importlib.import_module("torchvision")
    return True
