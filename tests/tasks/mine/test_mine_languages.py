"""Histories in other languages, mined into tasks that pass the gate again, in real sandboxes."""

import shutil
import subprocess

import pytest

from journeyman.tasks.mine import MineConfig, mine_tasks
from journeyman.tasks.project import obtain_project
from journeyman.tasks.validate import validate_tasks

pytestmark = pytest.mark.sandbox

RUBY = {
    "Rakefile": "task default: :test\n",
    "lib/prices.rb": """\
class Prices
  def total(prices, discount = 0)
    prices.sum - discount
  end
end
""",
    "test/prices_test.rb": """\
require 'minitest/autorun'
require 'prices'

class PricesTest < Minitest::Test
  def test_sum
    assert_equal 350, Prices.new.total([100, 250])
  end
end
""",
}
NODE = {
    "package.json": '{"name": "shop", "scripts": {"test": "node --test test"}}\n',
    "src/prices.js": "exports.total = (prices, discount = 0) =>\n"
    "  prices.reduce((sum, price) => sum + price, 0) - discount;\n",
    "test/prices.test.js": """\
const test = require('node:test');
const assert = require('node:assert');
const { total } = require('../src/prices');

test('adds prices up', () => {
  assert.strictEqual(total([100, 250]), 350);
});
""",
}


def has_ruby():
    if shutil.which("ruby") is None:
        return False
    done = subprocess.run(["ruby", "-e", "require 'minitest'"], capture_output=True, check=False)
    return done.returncode == 0


async def mined_once(repo, tmp_path):
    project = obtain_project(str(repo.path))
    mined = await mine_tasks(project, tmp_path / "made", config=MineConfig(repeats=1))
    results = await validate_tasks(mined.taskset, repeats=1)
    assert all(result.is_valid for result in results), results
    return mined


@pytest.mark.skipif(not has_ruby(), reason="no minitest: apt-get install ruby ruby-minitest")
async def test_a_ruby_history_becomes_a_task(repo, tmp_path):
    repo.commit("start", RUBY)
    old, test = RUBY["lib/prices.rb"], RUBY["test/prices_test.rb"]
    more = "\n  def test_discount\n    assert_equal 180, Prices.new.total([100, 100], 10)\n  end\nend\n"
    repo.commit(
        "Take discounts for percentages, as the manual says (#3)",
        {
            "lib/prices.rb": old.replace(
                "prices.sum - discount", "prices.sum * (100 - discount) / 100"
            ),
            "test/prices_test.rb": test.removesuffix("end\n") + more,
        },
    )
    mined = await mined_once(repo, tmp_path)
    (task,) = mined.taskset.tasks
    assert task.language == "ruby"
    assert task.FAIL_TO_PASS == ("PricesTest::test_discount",)
    assert task.PASS_TO_PASS == ("PricesTest::test_sum",)
    assert "TESTS='test/prices_test.rb'" in task.verifier.command
    assert "assert_equal 180" in task.problem_statement


@pytest.mark.skipif(shutil.which("node") is None, reason="no node: apt-get install nodejs npm")
async def test_a_javascript_history_shares_what_a_commit_built(repo, tmp_path):
    repo.commit("start", NODE)
    fixed = NODE["src/prices.js"].replace("- discount", "* (1 - discount / 100)")
    test = NODE["test/prices.test.js"]
    repo.commit(
        "Discounts are percentages, and were taken for cents (#3)",
        {"src/prices.js": fixed,
         "test/discount.test.js": test.replace("adds prices up", "takes percents").replace(
             "total([100, 250]), 350", "total([100, 100], 10), 180")},
    )  # fmt: skip
    repo.commit(
        "No prices at all cost nothing, whatever the discount is (#4)",
        {"src/prices.js": fixed.replace("(prices, discount", "(prices = [], discount"),
         "test/none.test.js": test.replace("adds prices up", "costs nothing").replace(
             "total([100, 250]), 350", "total(undefined, 5), 0")},
    )  # fmt: skip
    mined = await mined_once(repo, tmp_path)
    assert [task.instance_id for task in mined.taskset.tasks] == ["repo__repo-4", "repo__repo-3"]
    assert mined.taskset.tasks[0].FAIL_TO_PASS == ("test/none.test.js::costs nothing",)
    assert "TESTS='test/none.test.js'" in mined.taskset.tasks[0].verifier.command
