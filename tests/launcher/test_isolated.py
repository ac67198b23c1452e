"""Scripts in an isolated Python, which does not put a script's folder on its path: the one of
ComfyUI's portable build is such (python_embeded, by its `._pth` file)."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

IMPORTED = """
import json, runpy, sys, traceback
scripts, own = json.loads(sys.argv[1])
path, failed = [*sys.path], {}
for script in scripts:
    sys.path[:] = path
    for name in [name for name in sys.modules if name.partition(".")[0] in own]:
        del sys.modules[name]
    try:
        runpy.run_path(script, run_name="imported")
    except BaseException:
        failed[script] = traceback.format_exc(limit=-1)
print(json.dumps(failed))
"""


def isolated(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-I", *words], capture_output=True, text=True)


@pytest.mark.parametrize("script", ["run.py", "train.py", "fleet.py", "examples/queue_many.py"])
def test_a_front_door_opens(script: str) -> None:
    done = isolated(ROOT / script, "--help")
    assert done.returncode == 0, done.stderr
    assert re.match(rf"usage: {Path(script).name}", done.stdout)


def test_benchmarks_find_what_they_import() -> None:
    """Each by itself, none after what another has imported of ours."""
    folder = ROOT / "benchmarks"
    texts = {path: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.py"))}
    scripts = [str(path) for path, text in texts.items() if '"__main__"' in text]
    own = [
        path.stem for place in (ROOT, folder) for path in place.iterdir() if path.stem != ".venv"
    ]
    done = isolated("-c", IMPORTED, json.dumps([scripts, own]))
    assert done.returncode == 0, done.stderr
    assert len(scripts) > 20 and json.loads(done.stdout.splitlines()[-1]) == {}


def test_a_server_is_started_with_the_library_of_its_python(tmp_path: Path) -> None:
    """ComfyUI's folder comes first and the launcher's not at all; nothing else goes."""
    (tmp_path / "main.py").write_text("import json, sys\nprint(json.dumps(sys.path))")
    script = ROOT / "launcher" / "start_comfyui.py"
    bare = json.loads(isolated("-c", "import json, sys; print(json.dumps(sys.path))").stdout)
    shown = json.loads(isolated(script, tmp_path, "--").stdout)
    assert shown == [str(tmp_path), *(place for place in bare if place)]
    plain = subprocess.run(
        [sys.executable, script, tmp_path, "--"], capture_output=True, text=True, check=True
    )
    assert json.loads(plain.stdout)[0] == str(tmp_path)
    assert str(script.parent) not in json.loads(plain.stdout)
