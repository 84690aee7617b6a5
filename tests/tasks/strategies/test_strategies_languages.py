"""Bodies taken away, and written by models, in the languages beside Python: read by their grammars."""

import pytest

from journeyman.models import ScriptedModel
from journeyman.tasks.asking import Asker
from journeyman.tasks.bug import Bug, Unmade
from journeyman.tasks.mutate import read_source, reverse_diff
from journeyman.tasks.mutate.dialects import DIALECTS
from journeyman.tasks.mutate.grammar import is_installed
from journeyman.tasks.mutate.source import num_errors, parse
from journeyman.tasks.strategies import Setting, draw
from journeyman.tasks.strategies.prompts import ask_modify, ask_rewrite
from journeyman.tasks.strategies.remove import bare_definition
from journeyman.tasks.strategies.targets import find_target
from journeyman.tasks.strategies.written import WrittenBug
from journeyman.tasks.tree import patched
from journeyman.types import Message

FILES = {
    "javascript": (
        "src/shop.js",
        """\
/** Things in order. */
export class Shop {
  /** Take the first. */
  take(count) {
    // In the order of arrival.
    const first = this.items.slice(0, count);
    this.items = this.items.slice(count);
    return first;
  }

  size() { return this.items.length; }
}

/** Add prices up. */
const total = (prices) => {
  let sum = 0;
  for (const price of prices) sum += price;
  return sum;
};
""",
        "Shop.take",
        "total",
        'throw new Error("not implemented");',
    ),
    "typescript": (
        "src/shop.ts",
        """\
export class Shop<T> {
  /** Take the first. */
  public take(count: number): T[] {
    const first = this.items.slice(0, count);
    this.items = this.items.slice(count);
    return first;
  }

  size(): number { return this.items.length; }
}

/** Add prices up. */
export function total(prices: number[]): number {
  let sum = 0;
  for (const price of prices) sum += price;
  return sum;
}
""",
        "Shop.take",
        "total",
        'throw new Error("not implemented");',
    ),
    "go": (
        "shop.go",
        """\
package shop

import (
\t"errors"
\t"strings"
)

// Take takes the first.
func (s *Shop) Take(count int) ([]string, error) {
\tif count > len(s.items) {
\t\treturn nil, errors.New("too few")
\t}
\tfirst := s.items[:count]
\treturn first, nil
}

// total adds prices up.
func total(prices []string) (string, bool) {
\tsum := strings.Join(prices, "+")
\tif sum == "" {
\t\treturn sum, false
\t}
\treturn strings.TrimSpace(sum), true
}
""",
        "Shop.Take",
        "total",
        "return *new(string), *new(bool) /* not implemented */",
    ),
    "java": (
        "src/main/java/Shop.java",
        """\
package org.shop;

/** Things in order. */
public class Shop extends Store {
    public Shop(int count) {
        super(count);
        this.open();
    }

    /** Take the first. */
    @Override
    public int take(int count) {
        int first = count + 1;
        this.items = first;
        return first;
    }

    // Add prices up.
    static int total(int[] prices) {
        int sum = 0;
        for (int price : prices) sum += price;
        return sum;
    }
}
""",
        "Shop.take",
        "Shop.total",
        'throw new UnsupportedOperationException("not implemented");',
    ),
    "rust": (
        "src/lib.rs",
        """\
impl Shop {
    /// Takes the first.
    pub fn take(&mut self, count: usize) -> Vec<u8> {
        let first = self.items[..count].to_vec();
        self.items.drain(..count);
        first
    }

    fn size(&self) -> usize { self.items.len() }
}

/// Adds prices up.
#[inline]
pub fn total(prices: &[u32]) -> u32 {
    let mut sum = 0;
    for price in prices { sum += price; }
    sum
}

pub fn many(prices: &[u32]) -> impl Iterator<Item = u32> {
    let base = 1;
    let rest = 2;
    prices.iter().map(|one| one + base + rest)
}
""",
        "Shop.take",
        "total",
        "unimplemented!()",
    ),
    "c": (
        "src/shop.c",
        """\
#include "shop.h"

/* Take the first. */
struct point take(struct shop *shop, int count)
{
    struct point first = shop->items[0];
    shop->items += count;
    return first;
}

// Add prices up.
static int total(const int *prices, int count)
{
    int sum = 0;
    while (count--) sum += *prices++;
    return sum;
}
""",
        "take",
        "total",
        "return 0; /* not implemented */",
    ),
    "cpp": (
        "src/shop.cpp",
        """\
namespace shop {
class Shop {
 public:
    ~Shop() { close(); }
    /// Take the first.
    int take(int count) const {
        int first = items[0];
        use(count);
        return first;
    }
    int size() { return items.size(); }
    int quiet() noexcept {
        int first = 1;
        first += 2;
        return first;
    }
};

// Add prices up.
template <class T>
T total(const std::vector<T> &prices) {
    T sum = 0;
    for (auto price : prices) sum += price;
    return sum;
}
}
""",
        "shop.Shop.take",
        "shop.total",
        'throw "not implemented";',
    ),
    "csharp": (
        "src/Shop.cs",
        """\
public class Shop {
    /// Take the first.
    public int Take(int count) {
        int first = count;
        this.items = first;
        return first;
    }

    // Add prices up.
    public static int Total(int[] prices) {
        int sum = 0;
        foreach (var price in prices) sum += price;
        return sum;
    }
}
""",
        "Shop.Take",
        "Shop.Total",
        "throw new System.NotImplementedException();",
    ),
    "ruby": (
        "lib/shop.rb",
        """\
# Things in order.
class Shop
  # Take the first.
  def take(count)
    first = @items.first(count)
    @items = @items.drop(count)
    first
  end

  def size
    @items.size
  end
end

# Add prices up.
def total(prices, start: 0)
  sum = start
  prices.each { |price| sum += price }
  sum
rescue TypeError
  nil
end
""",
        "Shop.take",
        "total",
        "raise NotImplementedError",
    ),
    "php": (
        "src/Shop.php",
        """\
<?php

class Shop
{
    /** Take the first. */
    public function take(int $count): array
    {
        $first = array_slice($this->items, 0, $count);
        $this->items = array_slice($this->items, $count);
        return $first;
    }

    public function size(): int { return count($this->items); }
}

// Add prices up.
function total(array $prices): int
{
    $sum = 0;
    foreach ($prices as $price) $sum += $price;
    return $sum;
}
""",
        "Shop.take",
        "total",
        "throw new \\LogicException('not implemented');",
    ),
}
CLASSES = {
    "javascript": "Shop",
    "typescript": "Shop",
    "java": "Shop",
    "rust": "Shop",
    "cpp": "shop.Shop",
    "csharp": "Shop",
    "ruby": "Shop",
    "php": "Shop",
}


@pytest.fixture(params=FILES)
def language(request, tmp_path):
    if not is_installed(request.param):
        pytest.skip(f"the grammar of {request.param} is not installed (extra: languages)")
    path, content = FILES[request.param][:2]
    (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / path).write_text(content)
    return request.param


def removals(root, language):
    setting = Setting(project=None, repository=root, language=language)  # type: ignore[arg-type]
    return {bug.function: bug for bug in draw("remove", setting) if isinstance(bug, Bug)}


def target_in(root, language, name=None):
    found = find_target(read_source(root, FILES[language][0], language), name or FILES[language][3])
    assert found is not None
    return found


def added(bug):
    lines = bug.patch.split("\n")
    return [line[1:].strip() for line in lines if line.startswith("+") and line[1:3] != "++"]


def test_every_dialect_has_an_example():
    assert FILES.keys() == DIALECTS.keys()
    assert CLASSES.keys() == {name for name, one in DIALECTS.items() if one.classes}


def test_a_body_is_replaced_by_the_languages_way_of_saying_so(language, tmp_path):
    path, content, method, function, unwritten = FILES[language]
    bugs = removals(tmp_path, language)
    assert {method, function} <= bugs.keys()
    clean = num_errors(parse(path, content.encode(), language).tree)
    for name in (method, function):
        bug = bugs[name]
        assert (bug.kind, bug.strategy, bug.functions) == ("function_removed", "remove", (name,))
        after = patched(tmp_path, [bug.patch])[path]
        assert num_errors(parse(path, after, language).tree) <= clean
        assert patched(tmp_path, [bug.patch, reverse_diff(bug.patch)])[path] == content.encode()
        for comment in ("ake the first.", "dd prices up.", "akes the first", "dds prices up"):
            assert (comment in content) == (comment in after.decode())
    assert added(bugs[function]) == [unwritten]
    assert "sum" not in patched(tmp_path, [bugs[function].patch])[path].decode()


def test_a_class_loses_the_bodies_of_its_methods(language, tmp_path):
    path, content = FILES[language][:2]
    bugs = removals(tmp_path, language)
    found = {name for name, bug in bugs.items() if bug.kind == "class_removed"}
    assert found == ({CLASSES[language]} if language in CLASSES else set())
    for name in found:
        after = patched(tmp_path, [bugs[name].patch])[path].decode()
        assert len(added(bugs[name])) >= 2
        assert "first =" not in after.replace("int first = 1", "")
        kept = [line for line in content.split("\n") if "class " in line or "ake the first" in line]
        assert all(line in after for line in kept)


def test_what_has_to_stay_stays(tmp_path):
    for language in ("java", "rust", "cpp"):
        path, content = FILES[language][:2]
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(content)
        if not is_installed(language):
            pytest.skip("the extra languages is not installed")
    shop = patched(tmp_path, [removals(tmp_path, "java")["Shop"].patch])
    assert b"super(count);\n        throw new" in shop[FILES["java"][0]]
    assert "many" not in removals(tmp_path, "rust")
    found = removals(tmp_path, "cpp")
    assert "shop.Shop.quiet" not in found
    assert b"~Shop() { close(); }" in patched(tmp_path, [found["shop.Shop"].patch])["src/shop.cpp"]


def test_an_import_that_go_would_refuse_goes_along(tmp_path):
    if not is_installed("go"):
        pytest.skip("the extra languages is not installed")
    (tmp_path / "shop.go").write_text(FILES["go"][1])
    bugs = removals(tmp_path, "go")
    after = patched(tmp_path, [bugs["total"].patch])["shop.go"].decode()
    assert '"strings"' not in after
    assert '\t"errors"\n' in after
    assert '"strings"' in patched(tmp_path, [bugs["Shop.Take"].patch])["shop.go"].decode()


@pytest.mark.parametrize(
    ("head", "unwritten"),
    [
        ("void f(int a)", "return;"),
        ("static const char *f(int a)", "return 0;"),
        ("unsigned long f(int a)", "return 0;"),
        ("point_t f(int a)", "return (point_t){0};"),
        ("PUBLIC(flag_t) f(int a)", "return (flag_t){0};"),
        ("PUBLIC(void) f(int a)", "return;"),
    ],
)
def test_an_empty_value_of_c_is_one_of_its_type(tmp_path, head, unwritten):
    if not is_installed("c"):
        pytest.skip("the extra languages is not installed")
    (tmp_path / "a.c").write_text(head + "\n{\n    a = 1;\n    a = 2;\n    use(a);\n}\n")
    (bug,) = removals(tmp_path, "c").values()
    assert added(bug) == [f"{unwritten} /* not implemented */"]


WRITTEN = {
    "javascript": "const total = (prices) => {\n  return prices.length;\n};",
    "typescript": "export function total(prices: number[]): number {\n  return prices.length;\n}",
    "go": "func total(prices []string) (string, bool) {\n\treturn strings.Join(nil, prices[0]), true\n}",
    "java": "static int total(int[] prices) {\n    return prices.length;\n}",
    "rust": "#[inline]\npub fn total(prices: &[u32]) -> u32 {\n    prices.len() as u32\n}",
    "c": "static int total(const int *prices, int count)\n{\n    return *prices + count;\n}",
    "cpp": "template <class T>\nT total(const std::vector<T> &prices) {\n    return prices[0];\n}",
    "csharp": "public static int Total(int[] prices) {\n    return prices.Length;\n}",
    "ruby": "def total(prices, start: 0)\n  prices.size + start\nend",
    "php": "function total(array $prices): int\n{\n    return count($prices);\n}",
}


async def made(root, language, text, *, strategy="modify"):
    asker = Asker(ScriptedModel("script", [Message(role="assistant", content=text)]))
    return await WrittenBug(strategy, target_in(root, language)).make(asker)


def fenced(code):
    return f"Here:\n\n```\n{code}\n```\n"


@pytest.mark.parametrize("strategy", ["modify", "rewrite"])
async def test_a_models_body_takes_the_old_ones_place(language, tmp_path, strategy):
    path, content, _, name, _ = FILES[language]
    comment = "# more\n" if language == "ruby" else "// more\n"
    bug = await made(tmp_path, language, fenced(comment + WRITTEN[language]), strategy=strategy)
    assert isinstance(bug, Bug), bug
    assert (bug.kind, bug.functions) == (f"lm_{strategy}", (name,))
    after = patched(tmp_path, [bug.patch])[path].decode()
    code = WRITTEN[language].removeprefix("#[inline]\n").split("\n")
    indentation = target_in(tmp_path, language).indentation
    assert "\n".join(indentation + line for line in code) in after
    assert "more" not in after
    head = content[: content.index("dd prices up") if "dd prices up" in content else 0]
    assert after.startswith(head)


def broken(code):
    """Return the code without its last sign, which closes something."""
    return code.rstrip(";").removesuffix("end").removesuffix("}")


async def test_a_models_answer_is_read_strictly(language, tmp_path):
    content, leaf = FILES[language][1], FILES[language][3].rpartition(".")[2]
    good = WRITTEN[language]
    old = target_in(tmp_path, language).code
    answers = {
        "I cannot.": "model_unreadable",
        fenced(good) + fenced(good): "model_unreadable",
        fenced(good.replace(leaf, "other")): "model_unreadable",
        fenced(good.replace("prices", "costs")): "model_unreadable",
        fenced(f"{good}\n{good}"): "model_unreadable",
        fenced(f"{good}\n{good.replace(leaf, 'other')}"): "model_unreadable",
        fenced(f"note(1);\n{good}"): "model_unreadable",
        fenced(broken(good)): "model_unreadable",
        fenced(good.replace("return", "return return (")): "model_unreadable",
        fenced(old): "model_unchanged",
        fenced(old.replace("sum", "sum ")): "model_unchanged",
    }
    if "return" not in good:
        answers.pop(fenced(good.replace("return", "return return (")))
    for text, reason in answers.items():
        bug = await made(tmp_path, language, text)
        assert isinstance(bug, Unmade), text
        assert bug.reason == reason, (text, bug)
    assert (tmp_path / FILES[language][0]).read_text() == content


def test_a_model_is_shown_documentation_and_no_body(language, tmp_path):
    target = target_in(tmp_path, language)
    bare = bare_definition(target)
    assert "dd" in bare.split("prices up")[0]
    assert "sum" not in bare
    assert f"```{language}\n" in ask_rewrite(target, bare)
    shown = ask_modify(target)
    assert "rices up" in shown
    assert "sum" in shown


def test_carriage_returns_stay_around_a_models_body(tmp_path):
    if not is_installed("javascript"):
        pytest.skip("the extra languages is not installed")
    (tmp_path / "src").mkdir()
    text = FILES["javascript"][1].replace("\n", "\r\n").encode()
    (tmp_path / "src/shop.js").write_bytes(text)
    for bug in removals(tmp_path, "javascript").values():
        after = patched(tmp_path, [bug.patch])["src/shop.js"]
        assert after.count(b"\r\n") == after.count(b"\n")


async def test_a_written_body_has_the_files_line_ends(tmp_path):
    if not is_installed("javascript"):
        pytest.skip("the extra languages is not installed")
    (tmp_path / "src").mkdir()
    text = FILES["javascript"][1].replace("\n", "\r\n").encode()
    (tmp_path / "src/shop.js").write_bytes(text)
    bug = await made(tmp_path, "javascript", fenced(WRITTEN["javascript"]))
    assert isinstance(bug, Bug)
    after = patched(tmp_path, [bug.patch])["src/shop.js"]
    assert after.count(b"\r\n") == after.count(b"\n")
