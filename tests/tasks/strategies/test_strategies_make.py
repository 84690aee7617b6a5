import json

import pytest

from journeyman.errors import JourneymanError
from journeyman.models import ScriptedModel
from journeyman.tasks.make import MakeConfig, make_tasks
from journeyman.tasks.validate import validate_tasks
from journeyman.types import Message

pytestmark = pytest.mark.sandbox


def says(code):
    return [Message(role="assistant", content=f"```python\n{code}\n```")]


SCRIPTS = {
    "shop/prices.py:cheapest": says(
        "def cheapest(prices):\n    if not prices:\n        return None\n    return max(prices)"
    ),
    "shop/stock.py:Stock.take": says(
        "def take(self, name, count=1):\n    have = self.items.get(name, 0)\n"
        "    if have <= count:\n        return False\n    self.items[name] = have - count\n"
        "    return True"
    ),
    "shop/prices.py:total": says("def total(prices, discount=0):\n    return sum(prices)[0]"),
}


async def test_every_strategy_gives_tasks_that_pass_the_gate_again(make_shop):
    project, environment, root = make_shop(tests__test_odd="")
    model = ScriptedModel("script", says("nothing"), SCRIPTS)
    config = MakeConfig(
        num_tasks=6, strategies=("procedural=2", "remove", "modify=2", "combine"), repeats=1
    )
    made = await make_tasks(project, environment, root, config=config, model=model)
    found = made.funnel.strategies
    assert found.keys() == {"procedural", "remove", "modify", "combine"}
    assert made.funnel.model_use.num_calls >= 2
    by_kind = {task.origin.strategy: task for task in made.taskset.tasks}
    together = by_kind.get("combine_file") or by_kind["combine_module"]
    assert len(together.origin.parts) >= 2
    assert "is not implemented" in by_kind["function_removed"].problem_statement or (
        "NotImplementedError" in by_kind["function_removed"].problem_statement
    )
    results = await validate_tasks(made.taskset, repeats=1)
    assert all(result.is_valid for result in results), results
    json.dumps(made.funnel.model_dump(mode="json"))


async def test_bugs_are_made_to_be_combined_and_not_kept(make_shop):
    lines = []
    for concurrency in (1, 3):
        project, environment, root = make_shop(tests__test_odd="")
        config = MakeConfig(
            num_tasks=2, strategies=("combine",), repeats=1, concurrency=concurrency
        )
        made = await make_tasks(project, environment, root, config=config)
        assert made.funnel.strategies == {"combine": 2}
        lines.append((root / "tasks.jsonl").read_bytes())
    assert lines[0] == lines[1]


async def test_a_strategy_that_needs_a_model_says_so(make_shop):
    project, environment, root = make_shop()
    with pytest.raises(JourneymanError, match="needs a model"):
        await make_tasks(project, environment, root, config=MakeConfig(strategies=("modify",)))
