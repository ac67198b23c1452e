"""The pack's front door.

    python run.py demo              render an example workflow in a real ComfyUI
    python run.py test              every check and test
    python run.py test --quick      those that need no server and no training
    python run.py install           make the environment, nothing more
    python run.py convert OLD NEW   AnimateDiff-Evolved's nodes in a workflow become this pack's

Needs nothing but Python itself: it makes `.venv` and puts a ComfyUI into `.comfy`.
"""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="run.py", description=(__doc__ or "").splitlines()[0])
    verbs = top.add_subparsers(
        dest="verb", required=True, metavar="demo | test | install | convert"
    )
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
    test = verbs.add_parser(
        "test",
        help="ruff, pyright, and pytest on tests/",
        epilog="Everything else is passed on to pytest: paths, -k NAME, -x ...",
        allow_abbrev=False,
    )
    test.add_argument("--quick", action="store_true", help="no server, no training, nothing slow")
    verbs.add_parser("install", help="make .venv and fetch ComfyUI, nothing more")
    add_convert(verbs)
    return top


def add_convert(verbs: Any) -> None:
    convert = verbs.add_parser("convert", help="turn an old workflow into one of this pack's nodes")
    convert.add_argument("old", type=Path, help="a workflow as JSON, PNG, WebP or MP4")
    convert.add_argument("new", type=Path, help="the JSON file to write")
    convert.add_argument(
        "--videos",
        action="store_true",
        help="Video Combine, of VideoHelperSuite too, becomes Create Video and Save Video",
    )
    convert.add_argument(
        "--prompts", action="store_true", help="FizzNodes' schedules become Prompt Travel"
    )
    convert.add_argument(
        "--api",
        action="store_true",
        help="of a picture or video that holds both, take the prompt of the API",
    )
    convert.add_argument("--force", action="store_true", help="overwrite NEW")


def options_of(line: list[str]) -> argparse.Namespace:
    """The command line; `arguments` is what `test` passes on to pytest."""
    options, others = parser().parse_known_args(line)
    if others and options.verb != "test":
        parser().error(f"unrecognized arguments: {' '.join(others)}")
    options.arguments = others
    return options


def say(line: str) -> None:
    print(line, flush=True)


def convert(options: argparse.Namespace) -> int:
    """Needs no environment."""
    from conversion import ConversionError, command
    from conversion.rules import Choices

    choices = Choices(videos=options.videos, prompts=options.prompts)
    try:
        command.run(options.old, options.new, choices, say, options.force, options.api)
    except ConversionError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    return 0


def main() -> int:
    if sys.version_info < (3, 10):  # noqa: UP036
        say(f"This is Python {sys.version_info[0]}.{sys.version_info[1]}; run.py needs 3.10.")
        return 1
    options = options_of(sys.argv[1:])
    if options.verb == "convert":
        return convert(options)
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
        if options.verb == "install":
            return 0
        return checks.run(ROOT, python, options.arguments, say, options.quick)
    except LauncherError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        say("\nstopped")
        return 130


if __name__ == "__main__":
    sys.exit(main())
