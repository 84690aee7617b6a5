"""Trials of tasks whose patches change more than text: links, modes and binary files."""

import asyncio
import os
import shutil
import subprocess

import pytest

from journeyman.tasks.make import MakeConfig, make_tasks
from journeyman.tasks.trials import noop_patch, trials_of
from journeyman.tasks.workspace import find_base_commit

pytestmark = pytest.mark.sandbox


def git(folder, *words):
    settings = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    who = ["-c", "user.name=t", "-c", "user.email=t@localhost"]
    return subprocess.run(
        ["git", *who, *words], cwd=folder, env={**os.environ, **settings},
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip


@pytest.fixture(scope="module")
def made(make_shop):
    project, environment, root = make_shop()
    tree = root / "environments/shop1/repository"
    (tree / "link").symlink_to("shop/prices.py")
    (tree / "run.sh").write_text("#!/bin/sh\n")
    (tree / "image.bin").write_bytes(bytes(range(256)))
    config = MakeConfig(num_tasks=1, kinds=("comparison_change",), exclude=("*/stock.py",))
    return asyncio.run(make_tasks(project, environment, root, config=config)).taskset


async def changed_more(made, tmp_path, *, is_undone=True):
    """Return the task with a bug that also changes a link, a mode and a binary file."""
    task = made.tasks[0]
    folder = tmp_path / "copy"
    shutil.copytree(made.environments / "shop1/repository", folder, symlinks=True)
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "one")
    (folder / "link").unlink()
    (folder / "link").symlink_to("shop/stock.py")
    (folder / "run.sh").chmod(0o755)
    (folder / "image.bin").write_bytes(bytes(range(255, -1, -1)))
    more, undone = git(folder, "diff", "--binary"), git(folder, "diff", "--binary", "-R")
    changes = {
        "bug_patch": task.bug_patch + more,
        "patch": task.patch + (undone if is_undone else ""),
    }
    task = task.model_copy(update=changes)
    commit = await find_base_commit(task, made.environments)
    return task.model_copy(update={"base_commit": commit})


async def test_a_task_of_more_than_text_is_tried_like_any_other(made, tmp_path):
    task = await changed_more(made, tmp_path)
    async with trials_of(made.environments, repeats=1) as trials:
        evidence = await trials.gather(task)
    assert evidence.tree_faults == []
    assert evidence.visible == ()
    assert [trial.resolves(task) for trial in evidence.fixed] == [True]
    for trial in (*evidence.buggy, evidence.noop, evidence.hollow, evidence.broken):
        assert trial.is_applied
        assert not trial.resolves(task)


async def test_a_link_or_a_mode_that_is_not_put_back_is_a_fault(made, tmp_path):
    task = await changed_more(made, tmp_path, is_undone=False)
    async with trials_of(made.environments, repeats=1) as trials:
        evidence = await trials.gather(task)
    assert evidence.tree_faults == ["image.bin", "link", "run.sh"]


def test_a_patch_that_does_nothing_leaves_alone_what_is_no_text(made):
    repository = made.environments / "shop1/repository"
    (repository / "odd.py").symlink_to("shop/prices.py")
    section = "diff --git a/odd.py b/odd.py\n--- a/odd.py\n+++ b/odd.py\n"
    task = made.tasks[0].model_copy(update={"patch": section, "bug_patch": ""})
    assert "odd.py" not in noop_patch(task, repository)
