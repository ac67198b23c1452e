"""What a workflow may read and write: on a server of this computer alone, and on one that others
reach."""

from __future__ import annotations

import runpy
from pathlib import Path

import folder_paths
import pytest
from adk_tests.support.videos import write_captioned, write_images
from animatediff_kit.nodes.places import NAMED, addresses_beyond
from animatediff_kit.nodes.training.clips import LoadVideoClips
from animatediff_kit.nodes.training.encode import cache_path
from comfy.cli_args import args

EXTRA_CONFIG = str(Path(folder_paths.__file__).with_name("utils") / "extra_config.py")
REFUSED = r"^'.*' is not read: other computers reach this server \(--listen 0\.0\.0\.0, ::\), so it"


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("input", "output"):
        (tmp_path / name).mkdir()
        monkeypatch.setattr(folder_paths, f"{name}_directory", str(tmp_path / name))
    (tmp_path / "models").mkdir()
    monkeypatch.setattr(folder_paths, "models_dir", str(tmp_path / "models"))
    known = folder_paths.folder_names_and_paths
    monkeypatch.setattr(folder_paths, "folder_names_and_paths", {**known})


@pytest.fixture
def listening(monkeypatch: pytest.MonkeyPatch) -> None:
    """As `--listen` without an address sets it."""
    monkeypatch.setattr(args, "listen", "0.0.0.0,::")


def load(source: str) -> list[str]:
    """The names of the clips of a source. Both ways to them agree."""
    state = LoadVideoClips.fingerprint_inputs(source=source)
    (clips,) = LoadVideoClips.execute(source, 2, 1, 64, 64, "fixed caption", "x").result
    assert state
    return [clips.name(i) for i in range(len(clips)) if clips.read(i)]


def refused(source: str) -> None:
    for call in (lambda: load(source), lambda: LoadVideoClips.fingerprint_inputs(source=source)):
        with pytest.raises(ValueError, match=REFUSED):
            call()


@pytest.mark.parametrize(
    ("listen", "beyond"),
    [
        ("127.0.0.1", []),
        ("127.3.2.1,::1,localhost", []),
        ("0.0.0.0,::", ["0.0.0.0", "::"]),
        ("127.0.0.1,192.168.1.5", ["192.168.1.5"]),
        ("myhost", ["myhost"]),
        ("", [""]),
    ],
)
def test_which_addresses_others_reach(
    monkeypatch: pytest.MonkeyPatch, listen: str, beyond: list[str]
) -> None:
    monkeypatch.setattr(args, "listen", listen)
    assert addresses_beyond() == beyond


def test_a_server_of_this_computer_reads_any_folder(tmp_path: Path) -> None:
    write_captioned(tmp_path / "disk" / "a.mp4", 4, "x")
    (tmp_path / "input" / "disk").symlink_to(tmp_path / "disk")
    (tmp_path / "input" / "set.csv").write_text("videoid,name\n../disk/a,a dog\n")
    assert load(str(tmp_path / "disk")) == load("disk") == ["a.mp4"]
    assert load("set.csv") == ["../disk/a.mp4"]


@pytest.mark.usefixtures("listening")
def test_a_server_that_others_reach_reads_its_own_folders(tmp_path: Path) -> None:
    for folder in ("input/x", "output", "models/deep/er"):
        write_captioned(tmp_path / folder / "a.mp4", 4, "x")
        assert load(str(tmp_path / folder)) == ["a.mp4"]
    assert load("x") == ["a.mp4"]


@pytest.mark.usefixtures("listening")
@pytest.mark.parametrize("source", ["../disk", "{root}/disk", "{root}/gone", "~", "/", "link"])
def test_a_server_that_others_reach_reads_nothing_else(tmp_path: Path, source: str) -> None:
    """And tells nobody what is there."""
    write_captioned(tmp_path / "disk" / "a.mp4", 4, "x")
    (tmp_path / "input" / "link").symlink_to(tmp_path / "disk")
    refused(source.format(root=tmp_path))


@pytest.mark.usefixtures("listening")
@pytest.mark.parametrize("name", ["b.mp4", "b.txt", "b", "walk/9.png"])
def test_links_that_lead_out_are_not_followed(tmp_path: Path, name: str) -> None:
    """A video, a caption, a folder of images, an image of a sequence."""
    secret = tmp_path / "disk" / Path(name).name
    if "." in name:
        secret.parent.mkdir()
        secret.write_text("SECRET")
    else:
        write_images(secret, 4)
    write_captioned(tmp_path / "input" / "set" / "a.mp4", 4, "x")
    write_images(tmp_path / "input" / "set" / "walk", 4)
    assert load("set") == ["a.mp4", "walk"]
    (tmp_path / "input" / "set" / name).symlink_to(secret)
    refused("set")


@pytest.mark.usefixtures("listening")
@pytest.mark.parametrize("row", ["../disk/a,a dog", "{root}/disk/a,a dog", "gone/../../disk/b,x"])
def test_rows_that_lead_out_are_not_followed(tmp_path: Path, row: str) -> None:
    write_captioned(tmp_path / "disk" / "a.mp4", 4, "x")
    (tmp_path / "input" / "set.csv").write_text(f"videoid,name\n{row.format(root=tmp_path)}\n")
    refused("set.csv")
    (tmp_path / "input" / "set.csv").write_text(f"videoid,page_dir,name\na,{tmp_path}/disk,x\n")
    refused("set.csv")


@pytest.mark.usefixtures("listening")
def test_a_link_that_appears_later_is_not_followed(tmp_path: Path) -> None:
    write_images(tmp_path / "input" / "set" / "walk", 4)
    write_images(tmp_path / "disk", 4)
    (clips,) = LoadVideoClips.execute("set", 4, 1, 64, 64, "fixed caption", "x").result
    image = next((tmp_path / "input" / "set" / "walk").iterdir())
    image.unlink()
    image.symlink_to(next((tmp_path / "disk").iterdir()))
    with pytest.raises(ValueError, match=REFUSED):
        clips.read(0)


@pytest.mark.usefixtures("listening")
def test_the_owner_names_more_folders(tmp_path: Path) -> None:
    """As docs and the sentence say: in extra_model_paths.yaml, which ComfyUI reads at its start."""
    write_captioned(tmp_path / "disk" / "clips" / "a.mp4", 4, "x")
    config = tmp_path / "extra_model_paths.yaml"
    config.write_text(f"clips:\n  base_path: {tmp_path}\n  {NAMED}: |\n    disk/clips\n    more\n")
    refused(str(tmp_path / "disk" / "clips"))
    runpy.run_path(EXTRA_CONFIG)["load_extra_path_config"](str(config))
    assert load(str(tmp_path / "disk" / "clips")) == ["a.mp4"]
    refused(str(tmp_path / "disk"))


def test_a_workflow_writes_below_output_and_models_alone(tmp_path: Path) -> None:
    caches = tmp_path / "output" / "animatediff_kit_cache"
    caches.mkdir()
    (caches / "out").symlink_to(tmp_path)
    for written in ("../..", "a/../../../b", "out/cache", str(tmp_path / "disk"), "~", "/"):
        with pytest.raises(ValueError, match="^cache_folder '.*' leaves ComfyUI's output and mod"):
            cache_path(written)
    inside = ("a/b", "../mine", str(tmp_path / "output" / "x"), str(tmp_path / "models" / "x"))
    assert [cache_path(written) for written in inside] == [
        caches / "a/b",
        caches / "../mine",
        tmp_path / "output" / "x",
        tmp_path / "models" / "x",
    ]
