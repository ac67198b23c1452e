"""Measures the claims that are asked for, keeps what they come to, and writes the page."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path

import torch

from ...measures.flow import opencv
from ...measures.pictures import check_matplotlib
from ...small_world import files
from ...small_world.variants import FEW
from ...training.run.in_terminal import log_of_one_process
from . import (
    claim_adapter,
    claim_camera,
    claim_convolution,
    claim_labels,
    claim_order,
    claim_transfer,
    claim_windows,
)
from .findings import load, save
from .page import outdated, write_page
from .sitting import FULL, Sitting, measured
from .studio import CONVOLUTION, Studio, digest

log = logging.getLogger(__name__)

ROOT = Path(__file__).resolve().parents[2]
WORLD = ROOT / ".comfy" / "small_world"

QUIET = ("motion_models", "sampling")
"""Parts of the pack that have something to say of every clip."""

CLAIMS = {
    1: claim_order,
    2: claim_transfer,
    3: claim_adapter,
    4: claim_camera,
    5: claim_convolution,
    6: claim_windows,
    7: claim_labels,
}


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="paper_claims.py", description=__doc__)
    top.add_argument("--claims", type=int, nargs="*", choices=CLAIMS, default=list(CLAIMS),
                     help="none: the page alone, of what was measured before")  # fmt: skip
    top.add_argument("--clips", type=int, default=FULL, help="of the largest set of clips")
    top.add_argument("--threads", type=int, help="of the processor; torch's choice without")
    top.add_argument("--folder", type=Path, default=WORLD / "proof", help="clips and networks")
    top.add_argument("--docs", type=Path, default=ROOT / "docs",
                     help="gets proof.md, findings and pictures")  # fmt: skip
    top.add_argument("--convolution", type=Path, default=WORLD / "convolution.safetensors",
                     help="weights of the temporal convolution, for claim 5")  # fmt: skip
    few = sorted((WORLD / FEW).glob("*.safetensors"))
    top.add_argument("--lora-files", type=Path, nargs="*", default=few,
                     help="MotionLoRAs of other numbers of clips, for claim 4")  # fmt: skip
    return top


def main(arguments: Sequence[str]) -> int:
    options = parser().parse_args(arguments)
    if options.threads:
        torch.set_num_threads(options.threads)
    pictures, kept = options.docs / "images" / "proof", options.docs / "proof"
    studio = Studio(options.folder / "clips", options.convolution)
    sitting = Sitting(studio, options.clips, options.folder, pictures, options.lora_files)
    check_ready(options.claims, sitting)
    for part in QUIET:
        logging.getLogger(f"animatediff_kit.{part}").setLevel(logging.WARNING)
    with log_of_one_process():
        measure_all(options.claims, sitting, kept)
        findings = load(kept)
        write_page(findings, options.docs / "proof.md", pictures)
        shipped = {path.name: digest(path) for path in files.WEIGHTS.rglob("*.safetensors")}
        for line in outdated(findings, shipped):
            log.warning("%s", line)
    return 0


def check_ready(claims: Sequence[int], sitting: Sitting) -> None:
    """Raise what would be raised after hours: for missing packages and weights, and for weights
    that cannot be compared."""
    opencv()
    check_matplotlib()
    if 5 in claims:
        sitting.studio.motion_file(CONVOLUTION)
    if 4 in claims:
        claim_camera.with_shipped(sitting.lora_files)


def measure_all(claims: Sequence[int], sitting: Sitting, folder: Path) -> None:
    """What each comes to is kept in the folder as soon as it is measured."""
    for number in claims:
        log.info("claim %d ...", number)
        finding = measured(number, CLAIMS[number], sitting)
        save(finding, folder)
        reached = "all lines reached" if finding.holds else "not all lines reached"
        log.info("claim %d: %s", number, reached)
