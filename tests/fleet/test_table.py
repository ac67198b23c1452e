"""Tables of clips are read whole, or all their faults are told."""

from __future__ import annotations

from pathlib import Path

import pytest
from animatediff_kit.fleet.table import Row, read

from launcher import LauncherError


def written(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_csv_with_quotes_lines_and_empty_cells(tmp_path: Path) -> None:
    text = '\ufeffname,4.text,3.seed\r\none,"a, ""b""\nc",5\n\ntwo,,6\n'
    assert read(written(tmp_path, "rows.csv", text)) == [
        Row(1, 2, {"name": "one", "4.text": 'a, "b"\nc', "3.seed": "5"}, texts=True),
        Row(2, 5, {"name": "two", "3.seed": "6"}, texts=True),
    ]


@pytest.mark.parametrize("space", ["\x0b", "\x0c", "\x1c", "\x1e", "\x85", "\u2028", "\u2029"])
def test_characters_that_end_no_line_of_csv(space: str, tmp_path: Path) -> None:
    text = f'4.text,name\na red star{space}on teal,one\n"x{space}\ny",two\n1,2,3\n'
    with pytest.raises(LauncherError, match=r"line 5: it has 3 cells, but there are 2 columns\.$"):
        read(written(tmp_path, "rows.csv", text))
    assert read(written(tmp_path, "rows.csv", text.removesuffix("1,2,3\n"))) == [
        Row(1, 2, {"4.text": f"a red star{space}on teal", "name": "one"}, texts=True),
        Row(2, 3, {"4.text": f"x{space}\ny", "name": "two"}, texts=True),
    ]


def test_jsonl_with_empty_lines(tmp_path: Path) -> None:
    text = '{"3.seed": 5, "4.text": "\u2028"}\n\n{"3.cfg": 1.5}\n'
    assert read(written(tmp_path, "rows.JSONL", text)) == [
        Row(1, 1, {"3.seed": 5, "4.text": "\u2028"}, texts=False),
        Row(2, 3, {"3.cfg": 1.5}, texts=False),
    ]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.txt", "x", r"a\.txt is no table: its name must end in \.csv or \.jsonl\.$"),
        ("a.csv", "name\n", r"a\.csv has no row; give one a clip\.$"),
        ("a.csv", b"name\n\xff\n", r"a\.csv is not text in UTF-8 \(invalid start byte\)\.$"),
        ("a.csv", "x,y\n1,2,3\n", r"a\.csv, line 2: it has 3 cells, but there are 2 columns\.$"),
        ("a.csv", "x,x\n1,2\n", r"a\.csv, line 1, column 'x': two columns have this name\.$"),
        ("a.csv", 'x\n"1"2\n', r"a\.csv, line 2: this is no CSV \("),
        ("a.jsonl", "{}\n{", r"a\.jsonl, line 2: this is no JSON \("),
        ("a.jsonl", "[1]", r"a\.jsonl, line 1: this is no JSON object; write \{\.\.\.\}\.$"),
        ("a.jsonl", '{"a": 1, "a": 2}', r"this is no JSON \(a key stands there twice\)\.$"),
        ("a.jsonl", '{"a": NaN}', r"this is no JSON \(NaN is no number\)\.$"),
    ],
)
def test_what_is_no_table(name: str, content: str | bytes, told: str, tmp_path: Path) -> None:
    with pytest.raises(LauncherError, match=told):
        read(written(tmp_path, name, content))


def test_a_table_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(LauncherError, match=r"none\.csv cannot be read: No such file"):
        read(tmp_path / "none.csv")


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(LauncherError, match=r"^The table has faults:\n") as caught:
        read(written(tmp_path, "rows.jsonl", "{}\n" + "no\n" * 12))
    lines = str(caught.value).splitlines()
    assert len(lines) == 12 and lines[1].startswith("  rows.jsonl, line 2: ")
    assert lines[-1] == "  ... and 2 more."
