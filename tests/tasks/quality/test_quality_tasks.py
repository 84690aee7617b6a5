import json

import pytest

from journeyman.errors import JourneymanError
from journeyman.models import ScriptedModel
from journeyman.tasks.asking import Asker
from journeyman.tasks.quality import (
    ask_judge,
    find_duplicates,
    find_overlap,
    judge_statement,
    make_manifest,
    rate_difficulty,
    read_manifest,
    write_manifest,
)
from journeyman.types import Message, Origin, Task, VerifierSpec

PATCH = """\
diff --git a/shop/prices.py b/shop/prices.py
--- a/shop/prices.py
+++ b/shop/prices.py
@@ -3,6 +3,6 @@
 def total(prices, discount=0):
     whole = 0
     for price in prices:
-        whole += price + 1
+        whole += price
     return whole - whole * discount // 100
"""
STATEMENT = """\
`total` gives a wrong result

I expect this to hold:

```python
assert total([100, 250]) == 350
```

It does not. Everything else should go on working as it does now.
"""


def make_task(name="shop__shop-1", **fields):
    given = {
        "instance_id": name,
        "repo": "shop/shop",
        "base_commit": "a" * 40,
        "problem_statement": STATEMENT,
        "patch": PATCH,
        "FAIL_TO_PASS": ("tests/test_prices.py::test_sum",),
        "hidden_paths": ("tests/test_prices.py",),
        "environment": "shop1",
        "verifier": VerifierSpec(command="pytest"),
        "origin": Origin(road="mutate", strategy="operand_change"),
        **fields,
    }
    return Task(**given)


@pytest.fixture
def environments(tmp_path):
    folder = tmp_path / "environments" / "shop1" / "repository" / "tests"
    folder.mkdir(parents=True)
    (folder / "test_prices.py").write_text(
        "from shop.prices import total\n\n\ndef test_sum():\n    assert total([100, 250]) == 350\n"
    )
    return tmp_path / "environments"


def rules(task, environments=None):
    return [finding.rule for finding in judge_statement(task, environments)]


def test_a_fair_statement_has_no_findings(environments):
    assert rules(make_task(), environments) == []


def test_leaks_vagueness_and_mismatch_are_told_apart(environments):
    leaking = make_task(problem_statement=STATEMENT + "Write `whole += price` there.")
    assert rules(leaking, environments) == ["leak"]
    assert rules(make_task(problem_statement="Prices are wrong."), environments) == ["vague"]
    assert rules(make_task(problem_statement=""), environments) == ["vague"]
    other = "Calling `render_page` of the templates gives an empty page where it should hold text."
    assert rules(make_task(problem_statement=other), environments) == ["mismatch"]


def test_a_name_that_only_the_fix_brings_must_be_said():
    fields = {
        "patch": PATCH.replace(
            "+        whole += price\n", "+        whole += price\n+def half(x):\n"
        ),
        "test_patch": "+++ b/t.py\n+from shop import half\n+half(total([1]))\n",
    }
    assert rules(make_task(**fields)) == ["unknown_name"]
    said = STATEMENT + "There should be a function `half` as well.\n"
    assert rules(make_task(problem_statement=said, **fields)) == []


def says(text):
    return Asker(ScriptedModel("judge", [Message(role="assistant", content=text)]))


async def test_a_model_judges_too(environments):
    fair = says('{"leaks": false, "vague": false, "mismatch": false, "reason": ""}')
    assert await ask_judge(make_task(), fair, environments) == []
    unfair = says(
        '```json\n{"leaks": false, "vague": true, "mismatch": false, "reason": "why"}\n```'
    )
    found = await ask_judge(make_task(), unfair, environments)
    assert [(one.rule, one.detail) for one in found] == [("model", "vague: why")]
    assert unfair.use.num_calls == 1
    for text in ("It is fine.", '{"leaks": "no"}', "[]"):
        found = await ask_judge(make_task(), says(text), environments)
        assert [one.rule for one in found] == ["unreadable_judge"]


def test_near_duplicates_keep_the_first():
    same = make_task("shop__shop-2")
    renamed = make_task("shop__shop-3", patch=PATCH.replace("price + 1", "price + 2"))
    other_words = make_task("shop__shop-4", problem_statement="Sums of discounts come out wrong.")
    far = make_task("far__far-1", repo="far/far", problem_statement="Elsewhere.")
    found = find_duplicates([make_task(), same, renamed, other_words, far])
    assert found["shop__shop-2"] == ("shop__shop-1", 1.0)
    assert found["far__far-1"][0] == "shop__shop-1", "the same fix in a fork"
    assert found.keys() == {"shop__shop-2", "far__far-1"}
    long = "".join(f"+        step_{number}(price, {number})\n" for number in range(30))
    pair = [
        make_task(patch=PATCH + long),
        make_task("shop__shop-5", patch=PATCH + long.replace("step_7", "jump")),
    ]
    assert find_duplicates(pair).keys() == {"shop__shop-5"}


RECORD = {
    "instance_id": "django__django-1",
    "repo": "Django/django",
    "base_commit": "b" * 40,
    "problem_statement": " ".join(f"word{number}" for number in range(40)),
    "patch": PATCH + "+    return {price: sum(rest) for price, rest in pairs.items()}\n",
}


def test_benchmarks_are_kept_out_by_repository_commit_instance_and_text(tmp_path):
    manifest = make_manifest("bench", [RECORD])
    write_manifest(tmp_path / "bench.json", manifest)
    again = read_manifest(tmp_path / "bench.json")
    assert again == manifest
    assert "word1" not in (tmp_path / "bench.json").read_text()
    fresh = {"patch": "+ other = lines(of, code)\n"}
    assert find_overlap(make_task(**fresh), [again]) == ""
    assert "made of" in find_overlap(make_task(repo="django/django", **fresh), [again])
    assert "commit" in find_overlap(make_task(base_commit="b" * 12, **fresh), [again])
    assert "django__django-1" in find_overlap(make_task("django__django-1", **fresh), [again])
    half = " ".join(f"word{number}" for number in range(10, 30))
    assert "of the statement" in find_overlap(make_task(problem_statement=half, **fresh), [again])
    assert "of the fix" in find_overlap(make_task(patch=RECORD["patch"]), [again])
    assert find_overlap(make_task(), [again]) == "", "a few words are nobody's own"
    without = make_manifest("bench", [RECORD], has_repos=False)
    assert find_overlap(make_task(repo="django/django", **fresh), [without]) == ""


@pytest.mark.parametrize("text", ["", "[]", '{"name": 1}', '{"name": "x", "repo": []}', None])
def test_a_wrong_manifest_is_one_line_and_a_hint(tmp_path, text):
    path = tmp_path / "bench.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(JourneymanError) as caught:
        read_manifest(path)
    assert caught.value.hint


def attempt(name, is_solved, model="m", **more):
    verdict = {"is_resolved": is_solved}
    return json.dumps({"instance_id": name, "model": model, "verdict": verdict, **more})


def test_difficulty_is_read_from_runs(tmp_path):
    lines = [attempt("a", n == 0) for n in range(4)] + [attempt("b", True), attempt("c", False)]
    lines += [attempt("a", True, reward={"is_valid": False}), attempt("c", True, model="oracle")]
    lines += [attempt("d", True), attempt("d", False), '{"instance_id": "torn']
    (tmp_path / "rollouts.jsonl").write_text("\n".join(lines))
    found = rate_difficulty([tmp_path])
    assert {name: one.band for name, one in found.items()} == {
        "a": "hard", "b": "always", "c": "unsolved", "d": "medium",
    }  # fmt: skip
    assert (found["a"].num_attempts, found["a"].pass_rate) == (4, 0.25)
    assert rate_difficulty([tmp_path], models=("oracle",))["c"].band == "always"
    with pytest.raises(JourneymanError):
        rate_difficulty([tmp_path / "none"])
