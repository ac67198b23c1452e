"""The root on the path, at its end, as `fleet.py` has it: the fleet imports the launcher there."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2]))
