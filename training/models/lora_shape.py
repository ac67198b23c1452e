"""What the low-rank pairs of a LoRA are made like, and in which parts of the UNet they stand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

Site = TypeVar("Site")

SITES: dict[str, tuple[str, ...]] = {
    # choice -> how the names of the parts' layers begin
    "all": ("down_blocks", "mid_block", "up_blocks"),
    "up": ("up_blocks",),
    "mid": ("mid_block",),
    "down": ("down_blocks",),
    "up and mid": ("mid_block", "up_blocks"),
    "down and mid": ("down_blocks", "mid_block"),
}


@dataclass(frozen=True)
class LoraShape:
    """sites: of SITES;   feed_forward: whether the feed-forward layers have pairs, too;   alpha:
    the change is scaled by alpha / rank, and 0 stands for the rank"""

    sites: str = "all"
    feed_forward: bool = False
    alpha: float = 0.0

    def scale(self, rank: int) -> float:
        return self.alpha / rank if self.alpha else 1.0

    def chosen(self, sites: Mapping[str, Site]) -> dict[str, Site]:
        """Those of the part. Raises ValueError where there is none."""
        found = {name: site for name, site in sites.items() if name.startswith(SITES[self.sites])}
        if not found:
            raise ValueError(
                f"The training setting lora_sites is {self.sites!r}, and the model has no layers "
                "there; choose all."
            )
        return found
