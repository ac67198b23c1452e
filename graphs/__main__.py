"""`python graphs` writes the templates and blueprints anew, `python graphs --pictures [NAME ...]`
draws the templates' moving pictures.

It asks a ComfyUI server of its own what the nodes have, so it needs the Python of ComfyUI:
`.venv/bin/python graphs`. Run it after a node has a new widget; the pictures are drawn on the small
world, in some minutes.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent))

from graphs import blueprints, templates, thumbnails
from launcher import comfyui
from launcher.server import Server

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    parser = argparse.ArgumentParser(prog="python graphs", description=__doc__)
    parser.add_argument("--pictures", nargs="*", metavar="NAME", help="templates; none means all")
    pictures = parser.parse_args().pictures
    comfy = comfyui.ensure(ROOT, Path(sys.executable), print)
    # beside no models of the user's, so that choices begin with what ships
    with tempfile.TemporaryDirectory(dir=ROOT / ".comfy") as folder:
        base = comfyui.prepare_base(Path(folder), ROOT)
        with Server(comfy, base, base / "comfyui.log") as server:
            if pictures is not None:
                thumbnails.draw(server, ROOT, pictures or list(thumbnails.SHOWN))
            else:
                info = server.client.object_info()
                written = [*templates.write(ROOT, info), *blueprints.write(ROOT, info)]
                print(f"wrote {len(written)} files")
        comfyui.unlink(base / "custom_nodes" / comfyui.PACK_NAME)


if __name__ == "__main__":
    main()
