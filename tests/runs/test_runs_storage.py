import os
from pathlib import Path

import pytest

from journeyman.errors import JourneymanError
from journeyman.runs import JsonlWriter, append_jsonl, read_jsonl, scan_jsonl, write_atomic


def test_what_is_appended_is_read(tmp_path):
    path = tmp_path / "a.jsonl"
    append_jsonl(path, {"text": "zwei\nZeilen", "n": 1})
    append_jsonl(path, {"text": "ü", "n": 2})
    assert [record["n"] for record in read_jsonl(path)] == [1, 2]
    assert path.read_bytes().count(b"\n") == 2


def test_a_missing_file_is_empty(tmp_path):
    assert read_jsonl(tmp_path / "none.jsonl") == []


@pytest.mark.parametrize("cut", range(1, 9))
def test_a_torn_last_line_is_owed_wherever_it_is_cut(tmp_path, cut):
    path = tmp_path / "a.jsonl"
    append_jsonl(path, {"n": 1})
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:-cut])
    scan = scan_jsonl(path)
    assert scan.records == [{"n": 1}]
    assert scan.torn == whole[:-cut]
    append_jsonl(path, {"n": 3})
    assert [record["n"] for record in read_jsonl(path)] == [1, 3]


def test_a_broken_line_in_the_middle_is_named(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"n": 1}\n{"n": \n{"n": 3}\n')
    with pytest.raises(JourneymanError, match=r"a\.jsonl, line 2"):
        read_jsonl(path)


def test_a_long_torn_line_is_cut_whole(tmp_path):
    path = tmp_path / "a.jsonl"
    append_jsonl(path, {"n": 1})
    with path.open("ab") as file:
        file.write(b"x" * 200_000)
    JsonlWriter(path).close()
    assert path.read_bytes() == b'{"n":1}\n'


def test_write_atomic_replaces_and_leaves_nothing_beside(tmp_path):
    path = tmp_path / "status.json"
    write_atomic(path, "old")
    write_atomic(path, b"new", is_durable=True)
    assert path.read_text() == "new"
    assert os.listdir(tmp_path) == ["status.json"]


def test_a_place_that_cannot_be_written_is_explained(tmp_path):
    (tmp_path / "file").write_text("")
    for write in (append_jsonl, write_atomic):
        with pytest.raises(JourneymanError, match="cannot write") as caught:
            write(tmp_path / "file" / "a.jsonl", "{}")
        assert caught.value.hint


def test_a_full_disk_is_explained():
    writer = JsonlWriter(Path("/dev/full"))
    with pytest.raises(JourneymanError, match="no space left") as caught:
        writer.append({"n": 1})
    assert "--resume" in caught.value.hint
    writer.close()
