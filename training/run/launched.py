"""One process, or many that Accelerate's launcher has started."""

from __future__ import annotations

import importlib
import os
from datetime import timedelta

import comfy.model_management as memory
import torch

from ..engine.processes import ManyProcesses, OneProcess, Processes

PATIENCE = timedelta(days=7)
"""How long processes wait for each other: encoding many clips takes the first one hours."""


def start_processes() -> Processes:
    """This process alone, or as one of many when a launcher has started them.

    Raises ValueError when they are many and Accelerate is not installed.
    """
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        return OneProcess()
    try:
        accelerate = importlib.import_module("accelerate")
    except ImportError as error:
        raise ValueError(
            f"{count} processes need Hugging Face Accelerate, which is not installed. Install it "
            "with `pip install accelerate`, or start one process."
        ) from error
    # precision is the loop's affair, whatever Accelerate was configured to; position tables are
    # the same everywhere, so buffers need not be sent around
    keywords = [
        accelerate.InitProcessGroupKwargs(timeout=PATIENCE),
        accelerate.DistributedDataParallelKwargs(broadcast_buffers=False),
    ]
    return ManyProcesses(accelerate.Accelerator(mixed_precision="no", kwargs_handlers=keywords))


def device_of(processes: Processes) -> torch.device:
    if isinstance(processes, ManyProcesses):
        return processes.accelerator.device
    return memory.get_torch_device()
