"""Measures the claims that are asked for, keeps what they come to, and writes the page."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from ...measures.flow import opencv
from ...measures.pictures import check_matplotlib
from ...training.run.in_terminal import log_of_one_process
from .claim_camera import trained_on_few, with_shipped
from .findings import Finding, load, save
from .page import TEXTS, filled, write_page
from .studio import CONVOLUTION, FULL, ROOT, WORLD, Studio

log = logging.getLogger(__name__)

DOCS = ROOT / "docs"
QUIET = ("motion_models", "sampling")  # parts of the pack that have something to say of every clip
NAMES = ("order", "transfer", "adapter", "camera", "convolution", "windows", "labels")
CLAIMS = {n: import_module(f".claim_{name}", __package__) for n, name in enumerate(NAMES, 1)}


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="paper_claims.py", description=__doc__)
    told = "none: the page alone, of what was measured before"
    parser.add_argument("--claims", type=int, nargs="*", choices=CLAIMS, default=CLAIMS, help=told)
    parser.add_argument("--clips", type=int, default=FULL, help="of the largest set of clips")
    options = parser.parse_args(arguments)
    studio = Studio(WORLD / "proof", options.clips, DOCS / "images" / "proof")
    opencv()
    check_matplotlib()
    if 5 in options.claims:  # what is missing is told now, not after hours
        studio.motion_file(CONVOLUTION)
    if 4 in options.claims:
        with_shipped(trained_on_few(studio))
    for part in QUIET:
        logging.getLogger(f"animatediff_kit.{part}").setLevel(logging.WARNING)
    with log_of_one_process():
        for number in options.claims:
            log.info("claim %d ...", number)
            finding = measured(number, CLAIMS[number], studio)
            save(finding, DOCS / "proof")
            outcome = "all lines reached" if finding.holds else "not all lines reached"
            log.info("claim %d: %s", number, outcome)
        write_page(load(DOCS / "proof"), DOCS / "proof.md", studio.pictures)
    return 0


def measured(number: int, claim: Any, studio: Studio) -> Finding:
    """claim: a module whose `parts` takes a Studio and yields figures, pictures and tables"""
    text = TEXTS[f"claim_{number}"]
    finding = Finding(number, text["title"], filled(text["method"], vars(claim)))
    studio.used, finding.size = finding.weights, studio.clips / FULL
    finding.take(claim.parts(studio))
    return finding
