"""Bugs in the languages beside Python: they parse, apply, come back, spread, and touch nothing else."""

import subprocess
from collections import Counter
from pathlib import Path

import pytest

from journeyman.errors import JourneymanError
from journeyman.tasks.mutate import SHARED_KINDS, kinds_of, list_mutations, reverse_diff
from journeyman.tasks.mutate.grammar import LANGUAGES, is_installed
from journeyman.tasks.mutate.source import num_errors, parse

OTHERS = [name for name in LANGUAGES if name != "python"]
FILES = {
    "javascript": (
        "src/shop.js",
        """\
import { rate } from './rates.js';

export class Shop {
  total(prices, discount = 0) {
    if (!prices) return 0;
    let sum = 0;
    for (const price of prices) {
      if (price < 0) { throw new Error('negative'); }
      if (price === 1000) { continue; }
      sum += Math.min(price, this.limit);
    }
    try { this.log(sum, discount); } catch (error) { sum = 1; }
    return discount > 10 && sum ? sum - discount : sum;
  }
}
""",
    ),
    "typescript": (
        "src/shop.ts",
        """\
export function total(prices: number[], discount: number, rate: number): number {
  if (!prices.length) { return 0; }
  let sum = 0;
  for (let i = 0; i < prices.length; i++) {
    if (prices[i] < 0) { continue; }
    sum += prices[i] * rate - discount;
  }
  const done = check(sum, discount);
  return done && sum > 1 ? sum : discount;
}
""",
    ),
    "go": (
        "shop.go",
        """\
package shop

import "errors"

// Total adds up.
func (s *Shop) Total(prices []int, low int, high int) (int, error) {
\tif len(prices) == 0 {
\t\treturn 0, errors.New("none")
\t}
\tsum := 0
\tfor _, price := range prices {
\t\tif price < low || price > high {
\t\t\tcontinue
\t\t}
\t\tsum += price - 1
\t}
\tif sum > 10 {
\t\ts.total = sum
\t} else {
\t\ts.total = 0
\t}
\ts.log(low, high)
\treturn sum, nil
}

func (s *Shop) IsOpen(day string) bool {
\treturn day != "sunday" && !s.closed
}
""",
    ),
    "java": (
        "src/main/java/Shop.java",
        """\
package org.shop;

import java.util.List;

public class Shop {
    private int count;

    public int total(List<Integer> prices, int low, int high) {
        if (prices == null) {
            return 0;
        }
        int sum = 0;
        for (int price : prices) {
            if (price < low || price > high) {
                continue;
            }
            sum += Math.min(low, high) - 1;
        }
        try {
            this.count = sum;
        } catch (RuntimeException error) {
            sum = 0;
        }
        return sum > 10 ? sum : -low;
    }
}
""",
    ),
    "rust": (
        "src/lib.rs",
        """\
use std::cmp;

impl Shop {
    pub fn total(&mut self, prices: &[u32], low: u32, high: u32) -> u32 {
        if prices.is_empty() {
            return 0;
        }
        let mut sum: u32 = 0;
        for price in prices {
            if *price < low || *price > high {
                continue;
            }
            sum += cmp::min(low, high) - 1;
        }
        self.count = sum;
        self.log(low, high);
        if sum > 10 { sum } else { low }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn adds() {
        let secret = 1 + 2;
        assert!(secret == 3);
    }
}
""",
    ),
    "c": (
        "src/shop.c",
        """\
#include "shop.h"

int total(const int *prices, int low, int high)
{
    int sum = 0;
    int i;

    if (!prices) {
        return 0;
    }
    for (i = 0; i < 10; i++) {
        if (prices[i] < low || prices[i] > high) {
            continue;
        }
        sum += prices[i] - 1;
    }
    state->count = sum;
    note(low, high);
    return sum > 10 ? sum : -low;
}
""",
    ),
    "cpp": (
        "src/shop.cpp",
        """\
namespace shop {
int Shop::total(const std::vector<int> &prices, int low, int high) {
    if (prices.empty()) return 0;
    int sum = 0;
    for (auto price : prices) {
        if (price < low || price > high) { continue; }
        sum += std::min(low, high) - 1;
    }
    try { this->count = sum; } catch (...) { sum = 0; }
    note(low, high);
    return sum > 10 ? sum : -low;
}
}
""",
    ),
    "csharp": (
        "src/Shop.cs",
        """\
using System;

public class Shop {
    public int Total(int[] prices, int low, int high) {
        if (prices == null) { return 0; }
        int sum = 0;
        foreach (var price in prices) {
            if (price < low || price > high) { continue; }
            sum += Math.Min(low, high) - 1;
        }
        try { this.count = sum; } catch (Exception) { sum = 0; }
        return sum > 10 ? sum : low;
    }
}
""",
    ),
    "ruby": (
        "lib/shop.rb",
        """\
require 'set'

class Shop
  def total(prices, low, high = 10)
    return 0 if prices.empty?
    sum = 0
    prices.each do |price|
      next if price < low || price > high
      sum += [low, high].min - 1
    end
    if sum > 10
      @count = sum
    else
      @count = 0
    end
    note(low, high)
    sum > 1 && !closed? ? sum : 'none'
  end
end
""",
    ),
    "php": (
        "src/Shop.php",
        """\
<?php

namespace Shop;

class Shop
{
    public function total(array $prices, int $low, int $high): int
    {
        if (!$prices) {
            return 0;
        }
        $sum = 0;
        foreach ($prices as $price) {
            if ($price < $low || $price > $high) {
                continue;
            }
            $sum += min($low, $high) - 1;
        }
        try {
            $this->count = $sum;
        } catch (\\Exception $error) {
            $sum = 0;
        }
        $this->note($low, $high);
        return $sum > 10 ? $sum : -$low;
    }
}
""",
    ),
}


def project_in(tmp_path, language, *, name=None, text=None):
    if not is_installed(language):
        pytest.skip(f"the grammar of {language} is not installed (extra: languages)")
    path, content = FILES[language]
    place = tmp_path / (name or path)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes((text or content).encode())
    return tmp_path


@pytest.mark.parametrize("language", OTHERS)
def test_every_mutant_parses_and_only_its_edit_differs(tmp_path, language):
    root = project_in(tmp_path, language)
    path, content = FILES[language]
    before = content.encode()
    found = list_mutations(root, language=language)
    assert len({mutation.kind for mutation in found}) >= 14
    clean = num_errors(parse(path, before, language).tree)
    for mutation in found:
        assert mutation.original in content
        (tmp_path / path).write_bytes(before)
        apply_patch(root, mutation.patch)
        after = (tmp_path / path).read_bytes()
        assert after != before
        assert num_errors(parse(path, after, language).tree) <= clean, mutation.patch
        kept = len(before) - len(mutation.original.encode())
        assert len(after) == kept + len(mutation.replacement.encode())
        apply_patch(root, reverse_diff(mutation.patch))
        assert (tmp_path / path).read_bytes() == before


@pytest.mark.parametrize("language", OTHERS)
def test_the_same_seed_gives_the_same_bugs_and_goes_round_the_kinds(tmp_path, language):
    root = project_in(tmp_path, language)
    first = list_mutations(root, language=language, seed=3)
    assert first == list_mutations(root, language=language, seed=3)
    assert first != list_mutations(root, language=language, seed=4)
    head = first[:10]
    assert len({mutation.kind for mutation in head}) == 10
    assert list_mutations(root, language=language, seed=3, limit=10) == head
    assert len({mutation.digest for mutation in first}) == len(first)


def test_every_language_has_most_of_the_shared_kinds():
    for language in OTHERS:
        assert len(kinds_of(language)) >= 20
    assert len(SHARED_KINDS) >= 20
    assert all(kind.description for kind in SHARED_KINDS.values())


def apply_patch(root, patch):
    command = ["git", "-c", "core.autocrlf=false", "apply", "-"]
    done = subprocess.run(command, cwd=root, input=patch.encode(), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode() + patch


def test_carriage_returns_and_indentation_survive(tmp_path):
    text = FILES["javascript"][1].replace("\n", "\r\n")
    root = project_in(tmp_path, "javascript", text=text)
    for mutation in list_mutations(root, language="javascript", limit=40):
        apply_patch(root, mutation.patch)
        after = (root / "src/shop.js").read_bytes()
        assert after.count(b"\r\n") >= after.count(b"\n") - mutation.replacement.count("\n")
        (root / "src/shop.js").write_bytes(text.encode())


def test_tests_inside_rust_sources_get_no_bugs(tmp_path):
    root = project_in(tmp_path, "rust")
    found = list_mutations(root, language="rust")
    assert not any("secret" in mutation.original or mutation.line > 20 for mutation in found)


def test_tests_vendored_and_generated_files_are_left_alone(tmp_path):
    root = project_in(tmp_path, "go")
    for name in ("shop_test.go", "vendor/a/b.go", "api.pb.go", "testdata/x.go", "examples/x.go"):
        project_in(tmp_path, "go", name=name)
    assert {mutation.path for mutation in list_mutations(root, language="go")} == {"shop.go"}


def test_binary_links_and_other_encodings_are_left_alone(tmp_path):
    root = project_in(tmp_path, "c")
    (root / "src/blob.c").write_bytes(b"\0\1\2int f(void) { return 1 + 2; }")
    (root / "src/latin.c").write_bytes("int g(void) { return 1; } // é".encode("latin-1"))
    (root / "src/link.c").symlink_to("/etc/passwd")
    (root / "src/loop.c").symlink_to("loop.c")
    found = {mutation.path for mutation in list_mutations(root, language="c")}
    assert "src/shop.c" in found
    assert not found & {"src/blob.c", "src/latin.c", "src/link.c", "src/loop.c"}


def test_a_part_that_cannot_be_parsed_costs_its_function_alone(tmp_path):
    broken = FILES["c"][1] + "\nint broken(void) { return (((; }\n"
    root = project_in(tmp_path, "c", text=broken)
    found = Counter(mutation.function for mutation in list_mutations(root, language="c"))
    assert found["total"] > 20
    assert not found["broken"]


def test_a_kind_that_a_language_lacks_is_an_error():
    with pytest.raises(JourneymanError) as caught:
        list_mutations(Path(), kinds=["exception_handling_removed"], language="go")
    assert "exception_handling_removed of go" in caught.value.message
    with pytest.raises(JourneymanError, match="no bugs are known for cobol"):
        kinds_of("cobol")
