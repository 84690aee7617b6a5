"""What was decided is kept, and a folder is begun once; what is shared between commits."""

import itertools
from pathlib import Path

import pytest

from journeyman.errors import JourneymanError
from journeyman.tasks.gate import Evidence, Trial, judge
from journeyman.tasks.git import add_files, git, init_repository
from journeyman.tasks.mine.environments import manifest_key
from journeyman.tasks.mine.journal import Journal
from journeyman.tasks.mine.observe import verifier_timeout
from journeyman.tasks.mine.reasons import REASONS, Refused
from journeyman.tasks.mine.report import BUILT, SPLIT, Tally
from journeyman.types import Origin, Task, TestStatus, VerifierSpec

TASK = Task(
    instance_id="a__b-1", repo="a/b", base_commit="1", problem_statement="x é\udcff"[:3], patch="p",
    test_patch="t", FAIL_TO_PASS=("test_a.py::a",), verifier=VerifierSpec(command="true"),
    origin=Origin(road="mine", strategy="merge_commit"),
)  # fmt: skip
DROPPED = Refused("no_tests", "abc Mend")


def test_outcomes_are_read_back_and_a_torn_line_is_owed(tmp_path):
    with Journal.open(tmp_path / "work", "one") as journal:
        journal.write("a__b-1", TASK)
        journal.write("a__b-2", DROPPED)
        journal.write("a__b-2", TASK)
    path = tmp_path / "work/outcomes.jsonl"
    path.write_bytes(path.read_bytes() + b'{"candidate": "a__b-3", "rea')
    with Journal.open(tmp_path / "work", "one") as journal:
        assert journal.num_decided == 2
        assert journal.outcome("a__b-1") == TASK
        assert journal.outcome("a__b-2") == DROPPED
        assert journal.outcome("a__b-3") is None
        journal.write("a__b-3", DROPPED)
    with Journal.open(tmp_path / "work", "one") as journal:
        assert journal.num_decided == 3


def test_a_folder_is_begun_once_and_held_by_one(tmp_path):
    with (
        Journal.open(tmp_path, "one"),
        pytest.raises(JourneymanError, match="another command is mining"),
        Journal.open(tmp_path, "one"),
    ):
        pass
    with (
        pytest.raises(JourneymanError, match="begun with other settings") as caught,
        Journal.open(tmp_path, "two"),
    ):
        pass
    assert "--clean" in caught.value.hint
    (tmp_path / "outcomes.jsonl").write_text('{"identity": "one"}\n{"candidate": 1}\n')
    with pytest.raises(JourneymanError, match="is damaged"), Journal.open(tmp_path, "one"):
        pass


def test_the_report_accounts_for_every_candidate():
    tally = Tally()
    outcomes = [TASK, DROPPED, Refused("unbuildable", "x"), Refused("gate: is_stable", "y")]
    outcomes += [Refused("no_tests", str(number)) for number in range(4)]
    for outcome in outcomes:
        tally.add(outcome)
    report = tally.report()
    assert report.num_candidates == 8
    assert report.dropped == {"no_tests": 5, "unbuildable": 1, "gate: is_stable": 1}
    assert list(report.dropped) == ["no_tests", "unbuildable", "gate: is_stable"]
    assert report.examples["no_tests"] == ("abc Mend", "0", "1")
    assert (report.num_split, report.num_built, report.num_validated) == (3, 2, 1)
    assert report.shapes == {"merge_commit": 1}
    assert "duration_s" not in report.without_times()
    assert BUILT < SPLIT < REASONS.keys()


def test_what_decides_the_installation_is_the_same_until_it_changes(calc):
    keys = [manifest_key(calc.path, "HEAD")]
    for files in (
        {"calc.py": "x = 1\n", "tests/test_more.py": "x = 1\n"},
        {"requirements-dev.txt": "pytest\n"},
        {"fast.pyx": "x = 1\n"},
        {"other.py": "x = 1\n"},
        {"docs/index.md": "words\n"},
    ):
        calc.commit("change", files)
        keys.append(manifest_key(calc.path, "HEAD"))
    assert [one == other for one, other in itertools.pairwise(keys)] == [
        *(True, False, False, False, True),
    ]


@pytest.mark.parametrize(("road", "is_ok"), [("mine", True), ("import", True), ("mutate", False)])
def test_a_test_that_cannot_be_collected_without_a_mined_fix_fails_there(road, is_ok):
    task = TASK.model_copy(update={"origin": Origin(road=road)})
    fixed = Trial({"test_a.py::a": TestStatus.PASSED})
    evidence = Evidence([Trial({})], [fixed], noop=Trial({}), hollow=Trial({}), broken=Trial({}))
    checks = {check.name: check.is_ok for check in judge(task, evidence)}
    assert checks["fails_on_buggy"] is is_ok
    assert checks["passes_on_fixed"]


def test_a_tree_that_is_named_from_here_is_added_as_well(tmp_path, monkeypatch):
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/a.py").write_text("x = 1\n")
    monkeypatch.chdir(tmp_path)
    init_repository(Path("objects"))
    add_files(Path("objects"), Path("tree"), ["a.py"])
    assert git(tmp_path, "--git-dir", "objects", "ls-files") == "a.py"


@pytest.mark.parametrize(
    ("cpu_s", "duration_s", "timeout_s"),
    [(0.4, 0.5, 300), (0.4, 140, 300), (29, 60, 300), (31, 31, 1200), (0.1, 290, 1200)],
)
def test_a_busy_machine_gives_no_task_another_time(cpu_s, duration_s, timeout_s):
    assert verifier_timeout(cpu_s, duration_s) == timeout_s
