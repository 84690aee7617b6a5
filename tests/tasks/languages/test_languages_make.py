"""Bugs in projects of other languages, through a real build and the whole gate, in real sandboxes."""

import shutil

import pytest

from journeyman.errors import JourneymanError
from journeyman.models import ScriptedModel
from journeyman.tasks.environment import build_environment
from journeyman.tasks.make import MakeConfig, make_tasks
from journeyman.tasks.mutate import SHARED_KINDS, reverse_diff
from journeyman.tasks.project import obtain_project
from journeyman.tasks.validate import validate_tasks
from journeyman.types import Message

pytestmark = pytest.mark.sandbox

TESTED = ("javascript", "go", "ruby", "php", "c", "rust", "java")


@pytest.mark.parametrize("language", TESTED)
async def test_bugs_pass_the_gate_twice(language, projects, need, commit_project, tmp_path):
    need(language)
    project = obtain_project(str(commit_project(projects[language])))
    root = tmp_path / "taskset"
    environment = await build_environment(project, root / "environments")
    assert environment.language == language
    assert environment.language_version
    config = MakeConfig(num_tasks=2, max_candidates=14, max_failing_share=1)
    made = await make_tasks(project, environment, root, config=config)
    assert len(made.taskset.tasks) == 2, made.funnel
    for task in made.taskset.tasks:
        assert task.language == language
        assert task.patch == reverse_diff(task.bug_patch)
        assert task.origin.strategy in SHARED_KINDS
        assert task.FAIL_TO_PASS
        assert set(task.hidden_paths) <= projects[language].keys()
    results = await validate_tasks(made.taskset, repeats=1)
    assert all(result.is_valid for result in results), results


@pytest.mark.parametrize("language", [*TESTED, "cpp"])
async def test_removed_and_combined_bugs_pass_the_gate_twice(
    language, projects, need, commit_project, tmp_path
):
    need(language)
    project = obtain_project(str(commit_project(projects[language])))
    root = tmp_path / "taskset"
    environment = await build_environment(project, root / "environments")
    config = MakeConfig(
        num_tasks=2, strategies=("remove", "combine"), max_failing_share=1, repeats=1
    )
    made = await make_tasks(project, environment, root, config=config)
    assert made.funnel.strategies == {"remove": 1, "combine": 1}, made.funnel
    removed, combined = made.taskset.tasks
    assert removed.origin.strategy in ("function_removed", "class_removed")
    if language not in ("go", "c", "cpp"):
        assert "not implemented" in removed.problem_statement
    assert combined.origin.strategy == "combine_file"
    assert len(combined.origin.parts) >= 2
    results = await validate_tasks(made.taskset, repeats=1)
    assert all(result.is_valid for result in results), results


async def test_a_registry_out_of_reach_is_said(projects, need, commit_project, tmp_path):
    need("ruby")
    if shutil.which("bundle") is None:
        pytest.skip("no bundle: apt-get install bundler")
    files = dict(projects["ruby"])
    files["Gemfile"] = "source 'http://127.0.0.1:9'\ngem 'a-gem-that-is-not-there'\n"
    files["test/prices_test.rb"] = (
        "require 'a-gem-that-is-not-there'\n" + files["test/prices_test.rb"]
    )
    project = obtain_project(str(commit_project(files)))
    with pytest.raises(JourneymanError, match="tested here: bundle install: the gem") as caught:
        await build_environment(project, tmp_path / "environments")
    assert ".build.log" in caught.value.hint


async def test_a_missing_compiler_is_said(projects, commit_project, tmp_path, monkeypatch):
    project = obtain_project(str(commit_project(projects["go"])))
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/git").symlink_to(shutil.which("git"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr("journeyman.tasks.languages.toolchain._MORE_PLACES", ())
    with pytest.raises(JourneymanError, match="Go needs go") as caught:
        await build_environment(project, tmp_path / "environments")
    assert caught.value.hint == "apt-get install golang-go"


async def test_bugs_of_an_unused_file_are_not_run(projects, need, commit_project, tmp_path):
    need("javascript")
    source = projects["javascript"]["src/prices.js"]
    files = {**projects["javascript"], "src/unused.js": source}
    project = obtain_project(str(commit_project(files)))
    root = tmp_path / "taskset"
    environment = await build_environment(project, root / "environments")
    config = MakeConfig(num_tasks=1, max_candidates=6, exclude=("src/prices.js",), concurrency=1)
    made = await make_tasks(project, environment, root, config=config)
    assert made.funnel.dropped == {"not_covered": 5, "survived": 1}
    assert made.funnel.num_screened == 1


ANSWERS = {
    "javascript": (
        "src/prices.js:cheapest",
        "function cheapest(prices) {\n  if (prices.length === 0) {\n    return null;\n  }\n"
        "  return prices[0];\n}",
    ),
    "go": (
        "prices.go:Total",
        "func Total(prices []int, discount int) (int, error) {\n\twhole := 0\n"
        "\tfor _, price := range prices {\n\t\tif price < 0 {\n"
        '\t\t\treturn 0, errors.New("a price is negative")\n\t\t}\n\t\twhole += price\n\t}\n'
        "\treturn whole - discount, nil\n}",
    ),
}


@pytest.mark.parametrize("language", ANSWERS)
async def test_a_models_bug_passes_the_gate_twice(
    language, projects, need, commit_project, tmp_path
):
    need(language)
    about, code = ANSWERS[language]
    project = obtain_project(str(commit_project(projects[language])))
    root = tmp_path / "taskset"
    environment = await build_environment(project, root / "environments")
    nothing = [Message(role="assistant", content="I cannot.")]
    script = {about: [Message(role="assistant", content=f"```\n{code}\n```")]}
    strategy = "modify" if language == "go" else "rewrite"
    made = await make_tasks(
        project,
        environment,
        root,
        config=MakeConfig(num_tasks=1, strategies=(strategy,), max_failing_share=1, repeats=1),
        model=ScriptedModel("script", nothing, script),
    )
    (task,) = made.taskset.tasks
    assert task.origin.strategy == f"lm_{strategy}"
    assert made.funnel.model_use.num_calls >= 1
    results = await validate_tasks(made.taskset, repeats=1)
    assert all(result.is_valid for result in results), results
