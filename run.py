"""The pack's front door: `python run.py demo` and `python run.py test`.

Needs nothing but Python itself: it makes `.venv` and puts a ComfyUI into `.comfy`.
"""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="run.py", description=__doc__)
    verbs = top.add_subparsers(dest="verb", required=True, metavar="demo | test | install")
    demo = verbs.add_parser("demo", help="render an animation in a real ComfyUI server")
    demo.add_argument("--serve", action="store_true", help="leave the page open until Ctrl-C")
    demo.add_argument(
        "--comfyui",
        type=Path,
        metavar="DIR",
        help="use this ComfyUI, with its models, from a base directory of ours; it is not changed",
    )
    demo.add_argument(
        "--workflow", type=Path, metavar="FILE", help="run this graph, saved or in API format"
    )
    demo.add_argument(
        "--output", type=Path, metavar="DIR", help="copy the results here (default: .comfy/base)"
    )
    test = verbs.add_parser("test", help="ruff, pyright, and pytest on tests/", add_help=False)
    test.add_argument("arguments", nargs=argparse.REMAINDER, help="passed on to pytest")
    verbs.add_parser("install", help="make .venv and fetch ComfyUI, nothing more")
    return top


def say(line: str) -> None:
    print(line, flush=True)


def main() -> int:
    if sys.version_info < (3, 10):  # noqa: UP036
        say(f"This is Python {sys.version_info[0]}.{sys.version_info[1]}; run.py needs 3.10.")
        return 1
    options = parser().parse_args()
    from launcher import LauncherError, checks, comfyui, demo, environment

    # An end from outside unwinds like an error does, so that the server is stopped.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        if options.verb == "demo":
            choice = {name: getattr(options, name) for name in demo.Options.__annotations__}
            demo.run(ROOT, demo.Options(**choice), say)
            return 0
        python = environment.ensure(ROOT, say)
        comfyui.ensure(ROOT, python, say)
        return checks.run(ROOT, python, options.arguments, say) if options.verb == "test" else 0
    except LauncherError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        say("\nstopped")
        return 130


if __name__ == "__main__":
    sys.exit(main())
