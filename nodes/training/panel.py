"""What the page's training panel asks of the server: the runs on the disk, and to end one.

    GET  /animatediff_kit/training/runs                          the runs, the newest first
    GET  /animatediff_kit/training/runs/{run}                    one, with curve, speed, previews
    GET  /animatediff_kit/training/runs/{run}/previews/{step}    an animation
    POST /animatediff_kit/training/runs/{run}/keep               end the run that works, and keep it

A run is called by its name, which leads to a folder right below that of all runs and nowhere else.
Only runs in ComfyUI's output folder are read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import folder_paths
from aiohttp import web

from ...training.run import run_list
from ...training.run.in_comfyui import RUNS
from ...training.run.kept_list import KeptList
from ..places import lies_below, writable_folders
from ..prompt_server import prompt_server

PATH = "/animatediff_kit/training/runs"


def add_routes() -> None:
    """Let the running server answer; nothing where there is none."""
    server = prompt_server()
    if server is None:
        return
    server.routes.get(PATH)(list_runs(KeptList()))
    server.routes.get(PATH + "/{run}")(show_run)
    server.routes.get(PATH + r"/{run}/previews/{step:\d{1,9}}")(show_preview)
    server.routes.post(PATH + "/{run}/keep")(keep_run)


def list_runs(kept: KeptList) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(request: web.Request) -> web.Response:
        return web.json_response(await beside(every_run, kept))

    return answer


async def show_run(request: web.Request) -> web.Response:
    folder = await beside(asked_folder, request)
    return web.json_response(await beside(run_list.details, folder))


async def show_preview(request: web.Request) -> web.StreamResponse:
    folder = await beside(asked_folder, request)
    file = run_list.preview_file(folder, int(request.match_info["step"]))
    if file is None:
        raise web.HTTPNotFound(text="There is no preview of this step.")
    return web.FileResponse(file, headers={"Content-Type": "image/webp"})


async def keep_run(request: web.Request) -> web.Response:
    """The content type is one that other sites cannot send unasked."""
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType(text="Send application/json.")
    folder = await beside(asked_folder, request)
    if not await beside(run_list.ask_to_keep, folder):
        raise web.HTTPConflict(text=f"The run {folder.name} does not work now.")
    return web.json_response({"run": folder.name})


async def beside(work: Callable[..., Any], *arguments: Any) -> Any:
    """Reading the disk must not hold up the server."""
    return await asyncio.to_thread(work, *arguments)


def runs_root() -> Path:
    return Path(folder_paths.get_output_directory()) / RUNS


def every_run(kept: KeptList) -> list[dict[str, Any]]:
    root = runs_root()
    return kept.runs(root) if lies_below(root, writable_folders()) else []


def asked_folder(request: web.Request) -> Path:
    """Raises HTTPNotFound for what is no run there."""
    folder = run_list.folder_of(runs_root(), request.match_info["run"])
    if folder is None or not lies_below(folder, writable_folders()):
        raise web.HTTPNotFound(text="There is no such run.")
    return folder
