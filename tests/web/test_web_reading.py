"""What is read of run folders: forward, leniently, and again from where a viewer left off."""

import json
import os

import pytest

from journeyman.errors import JourneymanError
from journeyman.runs import RunFolder
from journeyman.web.pages.compare_page import sign_test
from journeyman.web.pages.diff import read_diff, view_diff
from journeyman.web.pages.piece import make_piece, prose
from journeyman.web.pages.tokens import group_advantage
from journeyman.web.reading import Library, RunReader, cut, visible
from journeyman.web.reading.rows import COLUMNS, make_row, row_dict
from journeyman.web.reading.run import page_key
from journeyman.web.reading.tail import Tail
from journeyman.web.reading.tally import Tally
from journeyman.web.reading.timeline import cumulate, pace, thin
from journeyman.web.reading.vocabulary import load_vocabulary, spell


def test_control_characters_are_seen_and_lines_stay():
    assert visible("a\tb\nc") == "a\tb\nc"
    assert visible("\x1b[31m\x00\x7f") == "⟨ESC⟩[31m⟨NUL⟩⟨DEL⟩"
    assert visible("é\u202ex\ud800") == "é⟨U+202E⟩x⟨U+D800⟩"
    visible("\ud800x").encode()


def test_long_text_is_cut_at_a_line():
    text, left = cut("a" * 95 + "\n" + "b" * 20, 100)
    assert (text, left) == ("a" * 95, 21)
    piece = make_piece("x" * 1_000_000, "name")
    assert piece.whole == "name"
    assert len(piece.text) + piece.num_left == 1_000_000


def test_fences_part_prose_from_code():
    assert prose("Run\n```python\nf()\n```\nso") == [
        ("prose", "Run"),
        ("code", "f()"),
        ("prose", "so"),
    ]
    assert prose("```\nnever closed") == [("code", "never closed")]
    assert prose("") == []


def test_a_tail_gives_whole_lines_once_and_tells_what_is_torn(tmp_path):
    path = tmp_path / "log.jsonl"
    tail = Tail(path)
    assert tail.read() == []
    path.write_bytes(b'{"a":1}\n\n{"b"')
    assert [(it.start, it.data) for it in tail.read()] == [(0, b'{"a":1}')]
    assert tail.num_torn_bytes == 4
    with open(path, "ab") as file:
        file.write(b":2}\n")
    assert [(it.start, it.data) for it in tail.read()] == [(9, b'{"b":2}')]
    assert tail.read(4) == []


def test_a_tail_notices_that_its_file_was_replaced(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_bytes(b"1\n2\n")
    tail = Tail(path)
    assert len(tail.read()) == 2
    (tmp_path / "new").write_bytes(b"3\n")
    os.replace(tmp_path / "new", path)
    assert [it.data for it in tail.read()] == [b"3"]
    assert tail.generation == 1


def test_a_row_is_made_of_whatever_is_known():
    row = row_dict(make_row({"rollout_id": "a.0", "reward": {"value": float("inf")}, "verdict": 3}))
    assert row["outcome"] == "unsolved"
    assert row["reward"] is None
    assert len(make_row({"rollout_id": "x"})) == len(COLUMNS)


def test_a_run_is_read_forward(roots, build):
    taskset = build.taskset(roots / ".t")
    with build.open(roots, "first", taskset=taskset, num_expected=3) as run:
        reader = RunReader(run.path)
        reader.refresh()
        assert reader.rows == []
        build.finish(run, build.rollout(0), build.trajectory(0))
        reader.refresh()
        assert [row_dict(it)["outcome"] for it in reader.rows] == ["solved"]
        assert reader.state == "running"
        key = build.rollout(0).rollout_id
        assert reader.record(key)["patch"] == build.rollout(0).patch
        assert reader.tally.num_expected == 3
        assert not reader.notices()


def test_what_was_read_is_remembered_beside_the_run_and_never_in_it(roots, build):
    path = build.run(roots, num=600)
    before = sorted(it.name for it in path.iterdir())
    RunReader(path).refresh()
    assert sorted(it.name for it in path.iterdir()) == before
    again = RunReader(path)
    assert len(again.rows) == 600
    again.refresh()
    assert len(again.rows) == 600
    assert again.record(build.rollout(599).rollout_id)["num_turns"] == 5


def test_a_remembered_run_that_was_replaced_is_read_anew(roots, build):
    path = build.run(roots, num=600)
    RunReader(path).refresh()
    line = build.rollout(3).model_dump_json()
    (path / "rollouts.jsonl").write_text(f"{line}\n")
    reader = RunReader(path)
    reader.refresh()
    assert len(reader.rows) == 1


def test_torn_and_foreign_lines_are_told_and_left_out(roots, build):
    path = build.run(roots)
    with open(path / "rollouts.jsonl", "a") as file:
        file.write('{"not": "a rollout"}\nno json\n{"rollout_id": "torn')
    reader = RunReader(path)
    reader.refresh()
    assert len(reader.rows) == 9
    text = " ".join(reader.notices())
    assert "2 lines of rollouts.jsonl could not be read" in text
    assert "--resume" in text


def test_a_run_that_nobody_drives_is_stalled(roots, build):
    taskset = build.taskset(roots / ".t")
    with build.open(roots, "first", taskset=taskset) as run:
        (run.path / "status.json").write_text(
            json.dumps({"state": "running", "updated_at": 1.0, "pid": 2**22 + 5})
        )
        reader = RunReader(run.path)
        assert reader.state == "stalled"
        assert any("--resume" in it for it in reader.notices())


def test_a_folder_that_is_no_run_is_an_error_with_a_hint(tmp_path):
    with pytest.raises(JourneymanError, match="no such folder"):
        Library(tmp_path / "nothing")
    with pytest.raises(JourneymanError, match="is no run, and holds none") as caught:
        Library(tmp_path)
    assert "journeyman quickstart" in caught.value.hint
    (tmp_path / "file").write_text("")
    with pytest.raises(JourneymanError, match="is a file"):
        Library(tmp_path / "file")


def test_a_library_holds_the_runs_of_a_folder_and_not_the_latest_twice(roots, build):
    build.run(roots, "a", num=1)
    build.run(roots, "b", num=1)
    library = Library(roots)
    assert sorted(it.name for it in library.runs()) == ["a", "b"]
    assert Library(roots / "latest").is_single


def test_unsafe_names_get_pages_of_safe_ones():
    assert page_key("a.b-c") == "a.b-c"
    assert "/" not in page_key("../../etc")
    assert page_key("..") != ".."


def test_a_tally_goes_on_from_its_state():
    tally = Tally()
    tally.add({"kind": "stage_started", "rollout_id": "a", "stage": "rollout", "at": 1.0})
    tally.add(
        {
            "kind": "turn_taken",
            "rollout_id": "a",
            "turn": 1,
            "at": 2.0,
            "calls": ["bash"],
            "num_completion_tokens": 7,
        }
    )
    other = Tally(json.loads(json.dumps(tally.state())))
    other.add(
        {"kind": "call_refused", "rollout_id": "a", "decision": {"labels": ["x", "x"]}, "at": 3.0}
    )
    assert other.running["a"]["turns"] == 1
    assert other.refused["x"] == 1
    other.add({"kind": "rollout_finished", "rollout_id": "a", "is_resolved": True, "at": 4.0})
    assert not other.running
    assert other.finished == [[4.0, 1]]


def test_curves_are_thinned_and_keep_their_end():
    assert thin(list(range(1000)), 10)[-1] == 999
    assert cumulate([[10.0, 1], [12.0, 0]], start=10.0) == [[0.0, 1, 1], [2.0, 2, 1]]
    assert pace({"10": 5, "11": 7}, start=10.0) == [[0.5, 5.0], [1.5, 7.0]]
    assert sum(it[1] for it in pace({str(at): 1 for at in range(1000)}, start=0)) == pytest.approx(
        112, abs=2
    )


def test_a_diff_keeps_the_numbers_of_both_sides():
    lines = read_diff(
        "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -3,2 +3,2 @@\n same\n--- a\n+++ b\n"
    )
    assert [(it.sign, it.old, it.new) for it in lines[4:]] == [
        (" ", 3, 3),
        ("-", 4, None),
        ("+", None, 4),
    ]
    view = view_diff("not a diff at all \x1b[0m")
    assert view is not None
    assert view.lines[0].text == "not a diff at all ⟨ESC⟩[0m"
    assert view_diff("  \n") is None


def test_advantages_are_relative_to_the_group():
    assert group_advantage([1.0, 0.0], 1.0) == 1.0
    assert group_advantage([1.0, 1.0], 1.0) == 0.0
    assert group_advantage([1.0], 1.0) is None


def test_a_sign_test_is_exact():
    assert sign_test(5, 0) == 2 / 32
    assert sign_test(0, 0) is None
    assert sign_test(4, 4) == 1.0


def test_a_vocabulary_is_read_from_tokenizer_json_and_gguf(tmp_path):
    record = {
        "model": {"vocab": {"Ġhi": 0, "Ċ": 1}},
        "added_tokens": [{"id": 3, "content": "<|end|>"}],
    }
    (tmp_path / "tokenizer.json").write_text(json.dumps(record))
    assert load_vocabulary(tmp_path / "tokenizer.json") == (b" hi", b"\n", b"", b"<|end|>")
    import struct

    def text(value):
        return struct.pack("<Q", len(value)) + value

    body = b"GGUF" + struct.pack("<IQQ", 3, 0, 2)
    body += text(b"general.count") + struct.pack("<II", 4, 7)
    tokens = ["Ġhi".encode(), b"x"]
    body += (
        text(b"tokenizer.ggml.tokens") + struct.pack("<IIQ", 9, 8, 2) + b"".join(map(text, tokens))
    )
    (tmp_path / "m.gguf").write_bytes(body)
    assert load_vocabulary(tmp_path / "m.gguf") == (b" hi", b"x")
    (tmp_path / "broken.gguf").write_bytes(b"GGUF\x03")
    assert load_vocabulary(tmp_path / "broken.gguf") == ()
    assert spell(b"\xe2\x82") == "\\xE2\\x82"


def test_a_held_run_can_be_read_while_it_is_written(roots, build):
    taskset = build.taskset(roots / ".t")
    with build.open(roots, "first", taskset=taskset) as run:
        assert isinstance(run, RunFolder)
        reader = RunReader(run.path)
        for number in range(5):
            build.finish(run, build.rollout(number))
            reader.refresh()
            assert len(reader.rows) == number + 1
