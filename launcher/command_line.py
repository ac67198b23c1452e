"""What `run.py` does with its command line, and how it ends: in a sentence, or as it was asked."""

from __future__ import annotations

import argparse
import errno
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from . import LauncherError, browser, checks, comfyui, demo, environment, serve
from .one_at_a_time import one_at_a_time

ROOT = Path(__file__).resolve().parents[1]

REFUSALS = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT)
"""Errors of the file system that say something of the place, and nothing of our code."""

ENDS = {"SIGTERM": 143, "SIGHUP": 129}
"""Signals that end us, and the exit code that a shell gives for each."""


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="run.py", description="The pack's front door.")
    verbs = top.add_subparsers(
        dest="verb", required=True, metavar="demo | serve | test | install | convert"
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
    test.add_argument("--browser", action="store_true", help="the tests of the page, in Chromium")
    add_serve(verbs)
    verbs.add_parser("install", help="make .venv and fetch ComfyUI, nothing more")
    add_convert(verbs)
    return top


def add_serve(verbs: Any) -> None:
    serve = verbs.add_parser(
        "serve", help="ComfyUI with the pack, as one of several ranks or alone"
    )
    serve.add_argument("--ranks", type=int, help="how many machines sample together")
    serve.add_argument("--rank", type=int, default=0, help="which of them this is; 0 has the page")
    serve.add_argument(
        "--master", metavar="HOST:PORT", help="where rank 0 is; the port must be free there"
    )
    serve.add_argument("--comfyui", type=Path, metavar="DIR", help="as in demo")


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


def options_of(line: Sequence[str]) -> argparse.Namespace:
    """The command line; `arguments` is what `test` passes on to pytest."""
    options, others = parser().parse_known_args(line)
    if others and options.verb != "test":
        parser().error(f"unrecognized arguments: {' '.join(others)}")
    options.arguments = others
    return options


def say(line: str) -> None:
    print(line, flush=True)


def run(root: Path, options: argparse.Namespace) -> int:
    """Does what the command line says, in the clone at `root`; returns the exit code."""
    if options.verb == "convert":
        return convert(options)
    if options.verb == "demo":
        demo.run(root, demo.Options(**chosen(options, demo.Options)), say)
        return 0
    if options.verb == "serve":
        serve.run(root, serve.Options(**chosen(options, serve.Options)), say)
        return 0
    with one_at_a_time(root / ".comfy", say):
        python = environment.ensure(root, say)
        comfyui.ensure(root, python, say)
    if options.verb == "install":
        return 0
    if opens_the_page(options) and browser.ensure(say) is None and options.browser:
        return 1
    return checks.run(root, python, options.arguments, say, options.quick, options.browser)


def chosen(options: argparse.Namespace, kind: Any) -> dict[str, Any]:
    return {name: getattr(options, name) for name in kind.__annotations__}


def opens_the_page(options: argparse.Namespace) -> bool:
    """Whether tests are asked for that need a Chromium; without one they are skipped."""
    paths = checks.paths_of(options.arguments)
    return not options.quick and (not paths or any(checks.PAGE in path for path in paths))


def convert(options: argparse.Namespace) -> int:
    """Needs no environment: neither ComfyUI nor torch."""
    from conversion import ConversionError, command
    from conversion.rules import Choices

    choices = Choices(videos=options.videos, prompts=options.prompts)
    try:
        command.run(options.old, options.new, choices, say, options.force, options.api)
    except ConversionError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    return 0


def main(line: Sequence[str], root: Path = ROOT) -> int:
    """`run.py`'s exit code: 0, 1 after an error that it tells, 130 after Ctrl-C."""
    options = options_of(line)
    unwind_at_an_end_from_outside()
    try:
        return run(root, options)
    except LauncherError as error:
        print(f"Error: {error}", file=sys.stderr)
    except OSError as error:
        if error.errno not in REFUSALS:
            raise
        print(f"Error: {refusal(error, root)}", file=sys.stderr)
    return 1


def unwind_at_an_end_from_outside() -> None:
    """Makes a signal that ends us act like an error, so that what we started is stopped. One that
    the shell lets us ignore (nohup) stays ignored."""
    for name, code in ENDS.items():
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda *_, code=code: sys.exit(code))


def refusal(error: OSError, root: Path) -> str:
    """The sentence for a file system that does not let us write."""
    where = f" at {error.filename}" if error.filename else ""
    return (
        f"The file system refused{where}: {error.strerror}. run.py writes into .venv and .comfy of "
        f"{root}, up to 10 GB; put the clone where you may write so much, and start again."
    )
