"""One small shop in each language: a source file, its tests, and nothing to be downloaded."""

import subprocess
from pathlib import Path

import pytest

from journeyman.tasks.languages import find_toolchain, missing_programs, profile_of
from journeyman.tasks.mutate.grammar import is_installed

NODE_SOURCE = """\
'use strict';

function total(prices, discount = 0) {
  let whole = 0;
  for (const price of prices) {
    if (price < 0) {
      throw new RangeError('a price is negative');
    }
    whole += price;
  }
  return whole - Math.floor((whole * discount) / 100);
}

function cheapest(prices) {
  if (prices.length === 0) {
    return null;
  }
  return Math.min(...prices);
}

module.exports = { total, cheapest };
"""
NODE_TEST = """\
'use strict';
const test = require('node:test');
const assert = require('node:assert');
const { total, cheapest } = require('../src/prices');

test('adds prices up', () => {
  assert.strictEqual(total([100, 250]), 350);
});
test('takes a discount', () => {
  assert.strictEqual(total([100, 100], 10), 180);
});
test('refuses what is negative', () => {
  assert.throws(() => total([-1]), RangeError);
});
test('knows the smallest', () => {
  assert.strictEqual(cheapest([30, 10, 20]), 10);
  assert.strictEqual(cheapest([]), null);
});
"""

PROJECTS = {
    "javascript": {
        "package.json": '{"name": "shop", "scripts": {"test": "node --test test"}}\n',
        "src/prices.js": NODE_SOURCE,
        "test/prices.test.js": NODE_TEST,
    },
    "go": {
        "go.mod": "module example.org/shop\n\ngo 1.18\n",
        "prices.go": """\
package shop

import "errors"

// Total adds prices up; a discount is a percentage.
func Total(prices []int, discount int) (int, error) {
	whole := 0
	for _, price := range prices {
		if price < 0 {
			return 0, errors.New("a price is negative")
		}
		whole += price
	}
	return whole - whole*discount/100, nil
}
""",
        "prices_test.go": """\
package shop

import "testing"

func TestTotal(t *testing.T) {
	got, err := Total([]int{100, 250}, 0)
	if err != nil || got != 350 {
		t.Errorf("Total() = %d, %v", got, err)
	}
}

func TestDiscount(t *testing.T) {
	got, _ := Total([]int{100, 100}, 10)
	if got != 180 {
		t.Errorf("Total() with a discount = %d, want 180", got)
	}
}

func TestNegative(t *testing.T) {
	if _, err := Total([]int{-1}, 0); err == nil {
		t.Error("no error for a negative price")
	}
}
""",
    },
    "ruby": {
        "Rakefile": "task default: :test\n",
        "lib/prices.rb": """\
class Prices
  def total(prices, discount = 0)
    whole = 0
    prices.each do |price|
      raise ArgumentError, 'a price is negative' if price < 0
      whole += price
    end
    whole - whole * discount / 100
  end

  def cheapest(prices)
    return nil if prices.empty?
    prices.min
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

  def test_discount
    assert_equal 180, Prices.new.total([100, 100], 10)
  end

  def test_negative
    assert_raises(ArgumentError) { Prices.new.total([-1]) }
  end

  def test_cheapest
    assert_equal 10, Prices.new.cheapest([30, 10, 20])
    assert_nil Prices.new.cheapest([])
  end
end
""",
    },
    "php": {
        "phpunit.xml": """\
<phpunit bootstrap="src/Prices.php">
  <testsuites><testsuite name="all"><directory>tests</directory></testsuite></testsuites>
</phpunit>
""",
        "src/Prices.php": """\
<?php

class Prices
{
    public function total(array $prices, int $discount = 0): int
    {
        $whole = 0;
        foreach ($prices as $price) {
            if ($price < 0) {
                throw new InvalidArgumentException('a price is negative');
            }
            $whole += $price;
        }
        return $whole - intdiv($whole * $discount, 100);
    }
}
""",
        "tests/PricesTest.php": """\
<?php

use PHPUnit\\Framework\\TestCase;

class PricesTest extends TestCase
{
    public function testSum(): void
    {
        $this->assertSame(350, (new Prices())->total([100, 250]));
    }

    public function testDiscount(): void
    {
        $this->assertSame(180, (new Prices())->total([100, 100], 10));
    }

    public function testNegative(): void
    {
        $this->expectException(InvalidArgumentException::class);
        (new Prices())->total([-1]);
    }
}
""",
    },
    "c": {
        "Makefile": """\
check: /tmp/check_prices
	/tmp/check_prices

/tmp/check_prices: src/prices.c src/prices.h tests/test_prices.c
	$(CC) -O0 -o $@ -Isrc src/prices.c tests/test_prices.c
""",
        "src/prices.h": "int total(const int *prices, int count, int discount);\n",
        "src/prices.c": """\
#include "prices.h"

int total(const int *prices, int count, int discount)
{
    int whole = 0;
    int i;

    for (i = 0; i < count; i++) {
        if (prices[i] < 0) {
            return -1;
        }
        whole += prices[i];
    }
    return whole - whole * discount / 100;
}
""",
        "tests/test_prices.c": """\
#include <stdio.h>
#include "prices.h"

static int number;

static void check(int holds, const char *name)
{
    printf("%s %d - %s\\n", holds ? "ok" : "not ok", ++number, name);
}

int main(void)
{
    const int prices[] = {100, 250};
    const int wrong[] = {100, -1};

    check(total(prices, 2, 0) == 350, "adds prices up");
    check(total(prices, 1, 10) == 90, "takes a discount");
    check(total(wrong, 2, 0) == -1, "refuses what is negative");
    check(total(prices, 0, 0) == 0, "adds nothing");
    return 0;
}
""",
    },
    "cpp": {
        "Makefile": """\
check: /tmp/check_prices
	/tmp/check_prices

/tmp/check_prices: src/prices.cpp src/prices.hpp tests/test_prices.cpp
	$(CXX) -O0 -o $@ -Isrc src/prices.cpp tests/test_prices.cpp
""",
        "src/prices.hpp": """\
#include <vector>

class Prices {
public:
    explicit Prices(int discount) : discount_(discount) {}
    int total(const std::vector<int> &prices) const;
    int share(int price) const;

private:
    int discount_;
};
""",
        "src/prices.cpp": """\
#include "prices.hpp"

// Adds prices up, and takes the discount off.
int Prices::total(const std::vector<int> &prices) const {
    int whole = 0;
    for (auto price : prices) {
        if (price < 0) {
            return -1;
        }
        whole += price;
    }
    return whole - share(whole);
}

int Prices::share(int price) const {
    if (price > 100000) {
        return 0;
    }
    return price * discount_ / 100;
}
""",
        "tests/test_prices.cpp": """\
#include <cstdio>
#include <functional>
#include "prices.hpp"

static int number;

static void check(const std::function<bool()> &holds, const char *name)
{
    bool is_ok = false;
    try {
        is_ok = holds();
    } catch (...) {
    }
    std::printf("%s %d - %s\\n", is_ok ? "ok" : "not ok", ++number, name);
}

int main()
{
    check([] { return Prices(0).total({100, 250}) == 350; }, "adds prices up");
    check([] { return Prices(10).total({100}) == 90; }, "takes a discount");
    check([] { return Prices(0).total({100, -1}) == -1; }, "refuses what is negative");
    check([] { return Prices(10).share(200) == 20; }, "knows the share");
    check([] { return Prices(10).share(200000) == 0; }, "knows large prices");
    return 0;
}
""",
    },
    "rust": {
        "Cargo.toml": '[package]\nname = "shop"\nversion = "0.1.0"\nedition = "2018"\n',
        "src/lib.rs": """\
/// Adds prices up; a discount is a percentage.
pub fn total(prices: &[i64], discount: i64) -> Option<i64> {
    let mut whole = 0;
    for price in prices {
        if *price < 0 {
            return None;
        }
        whole += price;
    }
    Some(whole - whole * discount / 100)
}
""",
        "tests/prices.rs": """\
use shop::total;

#[test]
fn adds() {
    assert_eq!(total(&[100, 250], 0), Some(350));
}

#[test]
fn discounts() {
    assert_eq!(total(&[100, 100], 10), Some(180));
}

#[test]
fn refuses() {
    assert_eq!(total(&[-1], 0), None);
}
""",
    },
    "java": {
        "src/main/java/org/shop/Prices.java": """\
package org.shop;

public class Prices {
    public static int total(int[] prices, int discount) {
        int whole = 0;
        for (int price : prices) {
            if (price < 0) {
                throw new IllegalArgumentException("a price is negative");
            }
            whole += price;
        }
        return whole - whole * discount / 100;
    }
}
""",
        "src/test/java/org/shop/PricesTest.java": """\
package org.shop;

import static org.junit.Assert.assertEquals;
import org.junit.Test;

public class PricesTest {
    @Test
    public void adds() {
        assertEquals(350, Prices.total(new int[] {100, 250}, 0));
    }

    @Test
    public void discounts() {
        assertEquals(180, Prices.total(new int[] {100, 100}, 10));
    }

    @Test(expected = IllegalArgumentException.class)
    public void refuses() {
        Prices.total(new int[] {-1}, 0);
    }
}
""",
    },
}
PROJECTS["typescript"] = {
    "package.json": '{"name": "shop", "version": "1.0.0", "scripts": {"test": "tape test/*.js"}}\n',
    "src/prices.ts": "export function total(a: number, b: number): number { return a + b; }\n",
    "test/prices.js": "const test = require('tape');\ntest('x', (t) => t.end());\n",
}

LIBRARIES = {
    "java": "/usr/share/java/junit-platform-console.jar",
    "php": "/usr/bin/phpunit",
}
"""What tests are run with, where Debian's packages bring it."""


def write_files(folder: Path, files: dict[str, str]) -> Path:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


def need(language: str) -> None:
    """Skip where this machine cannot make tasks in a language, and say what it lacks."""
    profile = profile_of(language)
    lacking = missing_programs(profile)
    if lacking:
        pytest.skip(f"no {', '.join(lacking)}: apt-get install {' '.join(profile.packages)}")
    if not is_installed(language):
        pytest.skip("the extra languages is not installed")
    library = LIBRARIES.get(language)
    if library and not Path(library).exists():
        pytest.skip(f"no {library}: apt-get install {' '.join(profile.packages)}")
    if language == "ruby":
        done = subprocess.run(
            ["ruby", "-e", "require 'minitest'"], capture_output=True, check=False
        )
        if done.returncode:
            pytest.skip("no minitest: apt-get install ruby-minitest")
    find_toolchain(profile)


@pytest.fixture
def commit_project(tmp_path: Path):
    """Return a function that commits files as a repository and returns its path."""

    def commit(files: dict[str, str]) -> Path:
        folder = write_files(tmp_path / "shop", files)
        for words in (
            ("init", "-q", "-b", "main"),
            ("add", "-A"),
            ("-c", "user.name=a", "-c", "user.email=a@localhost", "commit", "-q", "-m", "start"),
        ):
            subprocess.run(["git", *words], cwd=folder, check=True)
        return folder

    return commit


@pytest.fixture
def projects() -> dict[str, dict[str, str]]:
    return PROJECTS


@pytest.fixture(name="need")
def need_fixture():
    return need


@pytest.fixture(name="write_files")
def write_files_fixture():
    return write_files
