"""The page's JavaScript in Node.js: functions of a module, called with what JSON can write."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

WEB = Path(__file__).resolve().parents[2] / "web"
NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="no Node.js is here to run the page's code")


def results(module: str, code: str, cases: list[Any]) -> list[Any]:
    """`code` is an expression of `m`, the module, and `c`, a case; what it gives for each case, or
    {"error": message} where it throws."""
    url = json.dumps((WEB / module).as_uri())
    script = (
        f"import * as m from {url};"
        'import { readFileSync } from "node:fs";'
        "const tried = (c) => { try { return " + code + "; }"
        " catch (error) { return { error: error.message }; } };"
        'const cases = JSON.parse(readFileSync(0, "utf8"));'
        "console.log(JSON.stringify(cases.map(tried)));"
    )
    command = [str(NODE), "--input-type=module", "-e", script]
    done = subprocess.run(
        command, input=json.dumps(cases), capture_output=True, text=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
