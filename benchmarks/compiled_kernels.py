"""Do the kernels of motion modules compile for GPUs since Ampere, and fit on them? Needs no GPU.

    .venv/bin/python benchmarks/compiled_kernels.py [--gpus 80,90] [--widths 320,640,1280]

Triton compiles each kernel as a call of that width does, for the GPU of that compute capability,
for maps with channels first and last, of sizes that divide by 16 and that do not. NVIDIA's
assembler, which Triton brings, says what it takes. Registers that spill into memory, and shared
memory beyond what the smallest of these GPUs has a block, end it with 1.
"""

from __future__ import annotations

import argparse
import importlib
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.pop("TRITON_INTERPRET", None)
sys.path.append(str(Path(__file__).resolve().parent.parent))
from standalone.enter_comfyui import enter_comfyui

SHARED = 99 * 2**10
"""Bytes of shared memory that a block may have on compute capability 8.6 and 8.9, the fewest."""

MAP, NUMBERS = "*fp16", "*fp32"
FLOATS, STATISTICS = ("eps", "scale", "strength"), ("means", "variances", "table")
POINTERS = (
    *("x", "y", "qkv", "out", "before", "after"),
    *("gamma", "beta", "weight", "bias", "to_q", "to_k", "to_v"),
)
LAYOUTS = {
    # which stride is 1; Triton makes a constant of it
    "channels first": "pixel_stride",
    "channels last": "channel_stride",
}


@dataclass(frozen=True)
class Compiled:
    """registers: of a thread;   spilled, shared: bytes of a thread, of a block"""

    name: str
    registers: int
    spilled: int
    shared: int
    products: int

    def fits(self) -> bool:
        return self.spilled == 0 and self.shared <= SHARED

    def verdict(self) -> str:
        return "" if self.fits() else f"   DOES NOT FIT: {self.spilled} bytes spilled"

    def line(self) -> str:
        told = f"{self.registers:4} registers, {self.shared:6} bytes shared, {self.products:3} mma"
        return f"{self.name:50} {told}{self.verdict()}"


def kinds(names: list[str], constants: dict[str, Any]) -> dict[str, str]:
    """What Triton is told of each argument."""
    kind = {name: "i32" for name in names}
    kind |= {name: "fp32" for name in names if name in FLOATS}
    kind |= {name: NUMBERS for name in names if name in STATISTICS}
    kind |= {name: MAP for name in names if name in POINTERS}
    return kind | {name: "constexpr" for name in constants}


def compiled(
    kernel: Any, gpu: int, constants: dict[str, Any], even: bool, layout: str = ""
) -> Compiled:
    """As its launch with these constants compiles it.   even: whether pixels and frames, and so
    addresses and strides, divide by 16"""
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    options = {"num_warps": 4, "num_stages": 3}
    options |= {name: constants[name] for name in options if name in constants}
    constants = {name: value for name, value in constants.items() if name not in options}
    constants |= {LAYOUTS[layout]: 1} if layout else {}
    names = kernel.arg_names
    signature = kinds(names, constants)
    divided = [i for i, n in enumerate(names) if signature[n][0] in ("*i" if even else "*")]
    source = ASTSource(
        kernel,
        signature,
        {(names.index(name),): value for name, value in constants.items()},
        {(i,): [["tt.divisibility", 16]] for i in divided},
    )
    target = GPUTarget("cuda", gpu, 32)
    made: Any = triton.compile(source, target=target, options=options)
    ptx = made.asm["ptx"]
    said = assembled(ptx, gpu)
    size = constants.get("COLUMNS", constants.get("C", 32 * constants.get("GROUP", 0)))
    name = ", ".join((kernel.__name__, str(size), f"sm_{gpu}", *([layout] if layout else [])))
    name += "" if even else ", odd"
    products = len(re.findall(r"mma\.sync|wgmma\.mma_async", ptx))
    used = int(re.findall(r"Used (\d+) registers", said)[0])
    spilled = sum(map(int, re.findall(r"(\d+) bytes spill", said)))
    return Compiled(name, used, spilled, made.metadata.shared, products)


def assembled(ptx: str, gpu: int) -> str:
    """What NVIDIA's assembler says of it."""
    from triton import knobs

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "kernel.ptx")
        path.write_text(ptx)
        name = f"--gpu-name=sm_{gpu}{'a' if gpu >= 90 else ''}"
        command = [knobs.nvidia.ptxas.path, "-v", name, str(path), "-o", str(path) + ".cubin"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stderr


def calls(width: int, frames: int) -> list[tuple[Any, dict[str, Any]]]:
    """The kernels of a module of that width, with their constants."""
    kernels = "animatediff_kit.motion_models.fast.kernels."
    products = importlib.import_module(kernels + "products")
    steps = importlib.import_module(kernels + "kernel_steps")
    attention = importlib.import_module(kernels + "attention")
    statistics = importlib.import_module(kernels + "statistics")
    return [
        (statistics.group_statistics, steps.of_groups(width)),
        (products.entering, steps.of_entering(width, frames, False)),
        (products.entering, steps.of_entering(width, frames, True)),
        (products.attending, steps.of_normed(width)),
        (attention.over_frames, steps.of_attention(width, frames)),
        (products.gated, steps.of_normed(width)),
        (products.added, steps.of_added(width, width)),
        (products.added, steps.of_added(width, 4 * width)),
    ]


def variants(kernel: Any) -> list[tuple[bool, str]]:
    """Of each kernel: whether sizes divide by 16, and how the map lies, where it reads one."""
    layouts = list(LAYOUTS) if "channel_stride" in kernel.arg_names else [""]
    return [(even, layout) for even in (True, False) for layout in layouts]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--gpus", default="80,90", help="compute capabilities, times ten")
    parser.add_argument("--widths", default="320,640,1280", help="of the module")
    parser.add_argument("--frames", type=int, default=16)
    options = parser.parse_args()
    enter_comfyui()
    fit = True
    for gpu in map(int, options.gpus.split(",")):
        for width in map(int, options.widths.split(",")):
            for kernel, constants in calls(width, options.frames):
                for even, layout in variants(kernel):
                    one = compiled(kernel, gpu, constants, even, layout)
                    fit &= one.fits()
                    print(one.line(), flush=True)
    return 0 if fit else 1


if __name__ == "__main__":
    sys.exit(main())
