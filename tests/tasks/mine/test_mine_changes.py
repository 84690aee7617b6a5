"""Which steps a main line is made of, and which of them are no work of their own."""

import json

import pytest

from journeyman.errors import JourneymanError
from journeyman.tasks.mine import MineCandidate, MineConfig, mine_tasks, plan_all
from journeyman.tasks.mine.changes import Change, iterate_changes
from journeyman.tasks.mine.export import Export, read_export
from journeyman.tasks.mine.history import is_long_lived, read_history
from journeyman.tasks.mine.links import closed_issues, pull_number
from journeyman.tasks.mine.reasons import REASONS, Refused
from journeyman.tasks.project import obtain_project
from journeyman.tasks.taskset import load_taskset


def steps(repo, export=None, name="me/mine"):
    found = list(iterate_changes(read_history(repo.path), export or Export(), repo=name))
    assert all(one.reason in REASONS for one in found if isinstance(one, Refused))
    return found


def summary(repo, export=None):
    return [
        one.reason if isinstance(one, Refused) else (one.shape, one.number)
        for one in steps(repo, export)
    ]


def test_a_merged_pull_request_is_what_it_did_to_the_main_line(calc):
    calc.branch("fix")
    calc.commit("first", {"a.py": "1\n"})
    calc.commit("second, closes #7", {"b.py": "2\n"})
    calc.to("main")
    before = calc.commit("other work", {"c.py": "3\n"})
    merged = calc.merge("fix", "Merge pull request #12 from ann/fix\n\nMend it")
    change = steps(calc)[0]
    assert (change.shape, change.number) == ("merge_commit", 12)
    assert (change.base, change.fixed) == (before, merged)
    assert summary(calc) == [("merge_commit", 12), ("commit", None), "root"]


def test_squashed_pull_requests_have_their_number_at_the_end(calc):
    base = calc.git("rev-parse", "HEAD")
    fixed = calc.commit("Add up (#3) (#4)\n\nFixes #3", {"calc.py": "x = 1\n"})
    change = steps(calc)[0]
    assert (change.shape, change.number, change.issues) == ("squash_commit", 4, (3,))
    assert (change.base, change.fixed) == (base, fixed)


def test_a_rebased_pull_request_is_known_by_its_dates(calc):
    base = calc.git("rev-parse", "HEAD")
    written = calc.clock - 50_000
    calc.commit("tests", {"a.py": "1\n"}, author="Bob", authored_at=written)
    fixed = calc.commit("code, fixes #9", {"b.py": "1\n"}, wait=1, author="Bob",
                        authored_at=written + 60)  # fmt: skip
    calc.commit("by another", {"d.py": "1\n"}, wait=1, author="Cid", authored_at=written)
    changes = steps(calc)
    assert [one.shape for one in changes[:2]] == ["commit", "rebase_commits"]
    assert (changes[1].base, changes[1].fixed, changes[1].issues) == (base, fixed, (9,))
    assert len(changes[1].commits) == 2
    calc.commit("by Dan", {"e.py": "1\n"}, author="Dan", authored_at=written)
    calc.commit("by Eve", {"f.py": "1\n"}, wait=0, author="Eve", authored_at=written)
    changes = steps(calc)
    assert [one.author for one in changes[0].commits] == ["Eve", "Dan"]


def test_commits_made_one_after_the_other_are_no_rebase(calc):
    calc.commit("one", {"a.py": "1\n"}, wait=1)
    calc.commit("two", {"b.py": "1\n"}, wait=1)
    assert [one.shape for one in steps(calc)[:2]] == ["commit", "commit"]


def test_an_export_tells_a_rebased_pull_request_from_a_squashed_one(calc, tmp_path):
    base = calc.git("rev-parse", "HEAD")
    calc.commit("tests", {"a.py": "1\n"})
    rebased = calc.commit("code", {"b.py": "1\n"})
    squashed = calc.commit("all of it", {"c.py": "1\n"})
    commits = [{"messageHeadline": "tests"}, {"messageHeadline": "code"}]
    pulls = [
        {"number": 5, "title": "T", "body": "Closes #2", "mergeCommit": {"oid": rebased},
         "commits": commits},
        {"number": 6, "title": "U", "body": "", "merge_commit_sha": squashed, "commits": commits},
    ]  # fmt: skip
    (tmp_path / "prs.json").write_text(json.dumps(pulls))
    changes = steps(calc, read_export(tmp_path / "prs.json"))
    assert [(one.shape, one.number) for one in changes[:2]] == [
        ("squash_commit", 6),
        ("rebase_commits", 5),
    ]
    assert (changes[1].base, changes[1].fixed, changes[1].issues) == (base, rebased, (2,))


def test_what_is_no_work_of_its_own_has_a_reason(calc):
    fix = calc.commit("Add up (#3)", {"calc.py": "x = 1\n"})
    calc.commit(f'Revert "Add up (#3)" (#5)\n\nThis reverts commit {fix}.', {"calc.py": "x = 2\n"})
    calc.commit("[1.x] Mend it (#6)", {"a.py": "1\n"})
    calc.commit(f"Mend it\n\n(cherry picked from commit {fix})", {"a.py": "2\n"})
    calc.commit("Backport #31: Mend it (#32)", {"a.py": "3\n"})
    calc.commit("Bump rich from 13.1.0 to 13.2 (#7)", {"a.py": "4\n"})
    calc.commit("Use new actions (#8)", {"a.py": "5\n"}, author="dependabot[bot]")
    calc.commit("Release 1.2.0", {"a.py": "6\n"})
    assert summary(calc) == [
        *("release", "dependency_bump", "dependency_bump"),
        *("backport", "backport", "backport", "revert", "reverted", "root"),
    ]


def test_a_revert_that_names_only_the_pull_request_counts(calc):
    calc.commit("Add up (#3)", {"calc.py": "x = 1\n"})
    calc.commit('Revert "Add up" (#5)\n\nReverts me/mine#3', {"calc.py": "x = 2\n"})
    assert summary(calc) == ["revert", "reverted", "root"]


def test_ordinary_work_is_not_taken_for_a_bump_or_a_backport(calc):
    for number, subject in enumerate(
        ["Update parser for from clauses", "Version the cache", "Bump map renders wrongly",
         "Cherry flavour", "Reverse the list", "Release the lock after 1.5 seconds"]
    ):  # fmt: skip
        calc.commit(subject, {"a.py": f"{number}\n"})
    assert set(summary(calc)[:-1]) == {("commit", None)}


def test_merges_of_main_into_work_are_seen_through(calc):
    """Someone who pulled before pushing turned the lines round; the pull requests are still found."""
    calc.branch("elsewhere")
    calc.commit("Mend (#8)", {"a.py": "1\n"})
    calc.to("main")
    calc.commit("local work", {"b.py": "1\n"})
    calc.merge("elsewhere", "Merge branch 'main' of github.com:me/mine")
    assert summary(calc) == ["merge_of_main", ("commit", None), ("squash_commit", 8), "root"]
    calc.branch("develop")
    calc.commit("Mend more (#9)", {"c.py": "1\n"})
    calc.to("main")
    calc.merge("develop", "Merge branch 'develop'")
    assert summary(calc)[:2] == ["merge_of_main", ("squash_commit", 9)]


def test_a_merge_of_three_lines_is_left_alone(calc):
    for name in ("one", "two"):
        calc.branch(name)
        calc.commit(name, {f"{name}.py": "1\n"})
    calc.to("main")
    calc.commit("own", {"own.py": "1\n"})
    calc.git("merge", "-q", "-m", "Merge branches 'one' and 'two'", "one", "two")
    found = summary(calc)
    # Branch two starts at main, not at one, so that Git cannot fold them.
    assert found[0] == "octopus"


def test_a_shallow_clone_ends_with_a_reason(calc, tmp_path):
    calc.commit("one", {"a.py": "1\n"})
    calc.commit("two", {"a.py": "2\n"})
    calc.git("clone", "-q", "--depth", "2", f"file://{calc.path}", str(tmp_path / "shallow"))
    calc.path = tmp_path / "shallow"
    assert summary(calc) == [("commit", None), "root"]
    said = []
    plan_all(obtain_project(str(calc.path)), MineConfig(), on_progress=said.append)
    assert any("git fetch --unshallow" in line for line in said)


def test_a_single_commit_is_no_history(calc):
    with pytest.raises(JourneymanError, match="has no history"):
        plan_all(obtain_project(str(calc.path)), MineConfig())


def test_the_window_and_the_limit_bound_what_is_looked_at(calc):
    for day in range(1, 5):
        calc.commit(f"day {day}", {"a.py": f"{day}\n"}, wait=24 * 3600)
    project = obtain_project(str(calc.path))

    def seen(**given):
        return [one.example.split()[-1] for one in plan_all(project, MineConfig(**given))]

    assert seen() == ["4", "3", "2", "1", "start"]
    assert seen(limit=2) == ["4", "3"]
    assert seen(since="2023-11-16T23:00:00+00:00") == ["4", "3", "2"]
    assert seen(since="2023-11-17", until="2023-11-18", limit=1) == ["3"]


@pytest.mark.parametrize(
    ("message", "number"),
    [
        ("Merge pull request #12 from a/b", 12),
        ("Mend (#4)", 4),
        ("bpo-1: Mend (GH-41)", 41),
        ("Merged in fix (pull request #8)", 8),
        ("Merge branch 'x' into 'main'\n\nMend\n\nSee merge request group/one!77", 77),
        ("Merged PR 9: Mend", 9),
        ("Mend #4 for good", None),
    ],
)
def test_numbers_of_pull_requests(message, number):
    assert pull_number(message) == number


def test_issues_are_those_that_keywords_close():
    text = "Fix #1, closes: #2 and resolved https://github.com/me/mine/issues/3; see #4, prefix #5"
    assert closed_issues(
        text + "\nfixes other/place#6, Fixes ME/mine#7, fixed GH-8", "me/mine"
    ) == (*(1, 2, 3, 7, 8),)
    assert closed_issues("fixes other/place#6", "mine") == (6,)


def test_long_lived_branches():
    for name in ("main", "origin/master", "release/1.2", "v2.x", "1.4.x", "stable", "upstream/dev"):
        assert is_long_lived(name)
    for name in ("fix-main", "mainline-fix", "ann/fix", "dev-tools", "v2-parser"):
        assert not is_long_lived(name)


def test_exports_are_read_in_every_shape(tmp_path):
    place = tmp_path / "export"
    gh = {"number": 1, "title": "A", "body": "x\r\ny", "mergeCommit": {"oid": "a" * 40},
          "closingIssuesReferences": [{"number": 9, "url": "u"}],
          "labels": [{"name": "bug"}]}  # fmt: skip
    rest = {"number": 2, "title": "B", "body": None, "merge_commit_sha": "b" * 40, "base": {}}
    listed = {"number": 2, "title": "B", "body": "", "pull_request": {"url": "u"}}
    issue = {"number": 9, "title": "C", "body": "words \ud83d"}
    place.write_text("\n".join(json.dumps(one) for one in (gh, rest, listed, issue)) + "\n")
    lines = read_export(place)
    assert lines.pulls[1].body == "x\ny"
    assert (lines.pulls[1].issues, lines.pulls[1].labels) == ((9,), ("bug",))
    assert lines.by_commit() == {"a" * 40: lines.pulls[1], "b" * 40: lines.pulls[2]}
    assert lines.issues[9].body == "words ?"
    graph = {"data": {"repository": {
        "pullRequests": {"nodes": [gh, rest]}, "issues": {"nodes": [issue]}}}}  # fmt: skip
    place.write_text(json.dumps(graph, indent=1))
    assert read_export(place) == lines
    gh["closingIssuesReferences"] = {"nodes": [{"number": 9, "title": "C", "body": "words ?"}]}
    place.write_text(json.dumps([gh, rest]))
    assert read_export(place) == lines


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no pull request"),
        ("[]", "holds no pull request"),
        ('{"a": 1}\n{"b"', "export:2: not JSON"),
        ('[\n{"number": 1,\n]', "export:3: not JSON"),
        (b"\xff\xfe\xff", "cannot read"),
    ],
)
def test_a_wrong_export_is_one_line_and_a_hint(tmp_path, text, message):
    place = tmp_path / "export"
    place.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(JourneymanError, match=message) as caught:
        read_export(place)
    assert "gh pr list" in caught.value.hint
    with pytest.raises(JourneymanError, match="does not exist"):
        read_export(tmp_path / "nowhere")


def test_changes_are_told_in_the_same_order_every_time(calc):
    for number in range(5):
        calc.commit(f"step {number}", {"a.py": f"{number}\n"}, wait=0)
    first, second = steps(calc), steps(calc)
    assert first == second
    assert [one.commits[0].subject for one in first if isinstance(one, Change)] == [
        f"step {number}" for number in (4, 3, 2, 1, 0)
    ]


def test_a_plan_names_candidates_of_every_language(repo):
    repo.commit("start", {"a.go": "package a\n\nfunc A() int { return 1 }\n"})
    tests = "package a\n\nfunc TestA(t *testing.T) {}\n"
    repo.commit(
        "Mend A (#4)", {"a.go": "package a\n\nfunc A() int { return 2 }\n", "a_test.go": tests}
    )
    candidate = plan_all(obtain_project(str(repo.path)), MineConfig())[0]
    assert isinstance(candidate, MineCandidate)
    assert (candidate.split.language, candidate.instance_id) == ("go", "repo__repo-4")


async def test_what_nothing_can_be_built_for_is_counted(repo, tmp_path):
    repo.commit("start", {"a.go": "package a\n\nfunc A() int { return 1 }\n"})
    files = {"a.go": "package a\n\nfunc A() int { return 2 }\n", "a_test.go": "package a\n"}
    repo.commit("Mend A (#4)", files)
    project = obtain_project(str(repo.path))
    mined = await mine_tasks(project, tmp_path / "made", config=MineConfig())
    assert mined.report.dropped == {"root": 1, "unbuildable": 1}
    assert (mined.report.num_split, mined.report.num_built) == (1, 0)
    assert load_taskset(tmp_path / "made").tasks == ()
