"""What a hash of files is made of."""

from __future__ import annotations

from pathlib import Path

from animatediff_kit.training.data.content import END, content_of


def test_content_is_told_by_size_head_and_tail(tmp_path: Path) -> None:
    path = tmp_path / "a"
    whole = bytes(range(256)) * (4 * END // 256)
    seen: set[str] = set()
    for content in (whole, b"x" + whole[1:], whole[:-1] + b"x", whole + b"x", whole[: END // 2]):
        path.write_bytes(content)
        seen.add(content_of([path], END))
    assert len(seen) == 5
    for size in (0, END, 2 * END - 1, 2 * END):
        path.write_bytes(whole[:size])
        assert content_of([path], END) == content_of([path])
    (tmp_path / "b").write_bytes(b"other")
    assert content_of([path, tmp_path / "b"]) != content_of([tmp_path / "b", path])
