"""One process, or many that train one model together, each on its part of every batch."""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

import comfy.model_management as memory
import torch
from torch import Tensor, nn


class Processes(Protocol):
    """Who trains. Losses and gradients are means over all."""

    rank: int
    count: int

    def wrap(self, module: nn.Module, exchange: str = "fp32") -> nn.Module:
        """The module as the loop calls it. exchange: how gradients travel, "fp32" or "bf16"."""
        ...

    def no_exchange(self, module: nn.Module) -> AbstractContextManager[Any]:
        """Inside, each process adds up gradients of its own, which are not exchanged yet."""
        ...

    def mean(self, value: Tensor) -> Tensor: ...

    def any_of(self, asked: bool) -> bool:
        """Whether one of them is asked; the answer is the same for all."""
        ...

    def is_alike(self, text: str) -> bool:
        """Whether all of them have the same text; the answer is the same for all."""
        ...

    def wait(self) -> None:
        """Until all have come here."""
        ...

    def end(self) -> None:
        """Wait a last time and part."""
        ...


class OneProcess:
    rank, count = 0, 1

    def wrap(self, module: nn.Module, exchange: str = "fp32") -> nn.Module:
        return module

    def no_exchange(self, module: nn.Module) -> AbstractContextManager[Any]:
        return nullcontext()

    def mean(self, value: Tensor) -> Tensor:
        return value

    def any_of(self, asked: bool) -> bool:
        return asked

    def is_alike(self, text: str) -> bool:
        return True

    def wait(self) -> None:
        pass

    def end(self) -> None:
        pass


class ManyProcesses:
    """Hugging Face Accelerate's processes, for one or many GPUs and machines."""

    def __init__(self, accelerator: Any) -> None:
        self.accelerator = accelerator
        self.rank: int = accelerator.process_index
        self.count: int = accelerator.num_processes

    def wrap(self, module: nn.Module, exchange: str = "fp32") -> nn.Module:
        wrapped = self.accelerator.prepare_model(module)
        if exchange == "bf16":
            wrapped.register_comm_hook(None, in_bf16)
        return wrapped

    def no_exchange(self, module: nn.Module) -> AbstractContextManager[Any]:
        return self.accelerator.no_sync(module)

    def mean(self, value: Tensor) -> Tensor:
        return self.accelerator.reduce(value.detach().clone(), reduction="mean")

    def any_of(self, asked: bool) -> bool:
        return float(self.mean(torch.tensor(float(asked), device=self.accelerator.device))) > 0

    def is_alike(self, text: str) -> bool:
        digest = list(hashlib.sha256(text.encode()).digest())
        own = torch.tensor([digest], device=self.accelerator.device)
        return bool((self.accelerator.gather(own) == own).all())

    def wait(self) -> None:
        self.accelerator.wait_for_everyone()

    def end(self) -> None:
        self.wait()
        self.accelerator.end_training()


def in_bf16(group, bucket):  # DDP reads types, and takes its own alone
    """torch's bf16_compress_hook, for every backend: by that name DDP allows it with NCCL and XCCL
    alone, but Gloo sums bf16 too."""
    hooks = importlib.import_module("torch.distributed.algorithms.ddp_comm_hooks.default_hooks")
    return hooks.bf16_compress_hook(group, bucket)


def precision_notes(precision: str, device: torch.device) -> Iterator[str]:
    """What a user may not expect of a run's arithmetic, a sentence each."""
    if precision == "automatic" and device.type not in ("cuda", "cpu"):
        yield (
            f"Training in fp32: the precision is automatic, and on {device.type} that is fp32. "
            "bf16 or fp16 may be faster, and can be set."
        )
    adds_in_fp16 = getattr(torch.backends.cuda.matmul, "allow_fp16_accumulation", False)
    if precision_on(precision, device) == torch.float16 and adds_in_fp16:
        yield (
            "Training in fp16 while ComfyUI runs with --fast fp16_accumulation: sums are rounded "
            "to fp16 too, and gradients suffer. Start ComfyUI without it, or set the precision to "
            "bf16 or fp32."
        )


AMPERE = (8, 0)
"""The first of NVIDIA's GPUs that compute in bf16."""


def computes_bf16(device: torch.device) -> bool:
    """Whether a GPU computes in bf16. Torch alone says so of older ones too, which emulate it and
    take longer than in float32."""
    if torch.version.hip:
        return memory.should_use_bf16(device)
    return torch.cuda.get_device_capability(device) >= AMPERE


def precision_on(precision: str, device: torch.device) -> torch.dtype:
    """The dtype of the arithmetic; "automatic" is bf16 or fp16 on a GPU, and fp32 elsewhere."""
    if precision == "automatic":
        if device.type != "cuda":
            return torch.float32
        return torch.bfloat16 if computes_bf16(device) else torch.float16
    return {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[precision]
