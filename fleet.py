"""Render a table of clips on many servers.

    python fleet.py PROMPTS.jsonl --workflow FILE --out DIR

starts servers of its own with Ray, on this machine or, with --address, on a cluster. With --server
URL ... it uses servers that run already. docs/scale.md says what stands in the table (.jsonl or
.csv) and what comes out.
"""

from __future__ import annotations

import sys
from pathlib import Path

# an isolated Python, as ComfyUI's portable build has one, leaves out the script's own folder
sys.path.insert(0, str(Path(__file__).resolve().parent))
from fleet import command_line

if __name__ == "__main__":
    sys.exit(command_line.main(sys.argv[1:]))
