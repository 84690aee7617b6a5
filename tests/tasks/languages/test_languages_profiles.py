"""Profiles: which language a tree is of, how its tests are run, and where each of them lies."""

import json

import pytest

from journeyman.tasks.languages import (
    PROFILES,
    broken_text,
    comment_text,
    diagnose,
    emptied_text,
    find_language,
    find_suites,
    profile_of,
)
from journeyman.tasks.languages.profile import chosen, with_tests
from journeyman.tasks.narrowing import Narrowing
from journeyman.tasks.places import file_of_test
from journeyman.verify import list_parsers

LANGUAGES = ("c", "go", "java", "javascript", "php", "ruby", "rust", "typescript")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_project_tells_its_language_and_its_suite(write_files, projects, tmp_path, language):
    tree = write_files(tmp_path, projects[language])
    assert find_language(tree) == language
    suites = find_suites(language, tree)
    assert suites
    assert all(suite.log_parser in list_parsers() for suite in suites)


def test_a_wrapper_in_c_does_not_make_a_python_project_one_of_c(write_files, tmp_path):
    files = {"setup.py": "", "fast/_speed.c": "int f;\n" * 900, "fast/__init__.py": "x = 1\n"}
    assert find_language(write_files(tmp_path, files)) == "python"
    assert find_language(tmp_path / "nothing") == "python"


@pytest.mark.parametrize(
    ("config", "is_given"), [("<phpunit/>", True), ('<phpunit bootstrap="a.php"/>', False)]
)
def test_phpunit_finds_classes_through_composer_where_it_is_not_told_how(
    write_files, projects, tmp_path, config, is_given
):
    tree = write_files(tmp_path, {**projects["php"], "phpunit.xml": config})
    (suite,) = find_suites("php", tree)
    assert ("--bootstrap vendor/autoload.php" in suite.command) is is_given


def package(scripts, **needed):
    return json.dumps({"scripts": scripts, "devDependencies": needed})


@pytest.mark.parametrize(
    ("scripts", "needed", "expected", "parser"),
    [
        ({"test": "npm run lint && npm run mocha", "lint": "eslint .", "mocha": "mocha --reporter dot"},
         {}, "mocha --reporter json $TESTS", "mocha"),
        ({"test": "nyc --check-coverage mocha -r esm 'test/**/*.js'"}, {},
         "TESTS='test/**/*.js'\nmocha -r esm --reporter json $TESTS", "mocha"),
        ({"test": "tsc -p . && jest --coverage -i"}, {},
         "tsc -p . >/dev/null || exit 1\nset -f\nTESTS=''\njest -i --ci --json", "jest"),
        ({"test": "vitest"}, {}, "vitest run --reporter=json", "jest"),
        ({"test": "NODE_ENV=test ava"}, {}, "export NODE_ENV=test\nava --tap", "tap"),
        ({}, {"jest": "1"}, "jest --ci --json", "jest"),
        ({"test": "node --test test"}, {}, "node --test-reporter=tap", "tap"),
        ({"test": "tape test/*.test.js | tap-spec"}, {}, "TESTS='test/a.test.js'", "tap"),
    ],
)  # fmt: skip
def test_a_script_says_how_it_is_tested(write_files, tmp_path, scripts, needed, expected, parser):
    files = {
        "package.json": package(scripts, **needed),
        "test/a.test.js": "const test = require('node:test');\n",
    }
    suite = find_suites("javascript", write_files(tmp_path, files))[0]
    assert expected in suite.command
    assert suite.log_parser == parser


def test_cmake_automake_and_make_are_known(write_files, tmp_path):
    write_files(tmp_path, {"CMakeLists.txt": "enable_testing()\noption(SHOP_BUILD_TESTS x OFF)\n"})
    write_files(tmp_path, {"configure.ac": "", "Makefile": "all:\ncheck: all\n\t./t\n"})
    commands = [suite.command for suite in find_suites("c", tmp_path)]
    assert "-DSHOP_BUILD_TESTS=ON" in commands[0]
    assert "autoreconf" in commands[1]
    assert commands[2] == "make -k check"


def test_tests_are_named_only_where_a_shell_leaves_them_whole():
    suite = chosen("run $TESTS", ["a.js", "b.js"], "tap")
    assert with_tests(suite.command, ["c.js"]) == "set -f\nTESTS='c.js'\nrun $TESTS"
    assert with_tests(suite.command, ["c d.js"]) is None
    assert with_tests(suite.command, []) is None
    assert with_tests("make check", ["a.c"]) is None
    assert "TESTS=" not in chosen("run $TESTS", ["a b.js"], "tap").command


def test_a_command_runs_the_tests_of_some_files(tmp_path):
    go = Narrowing("TESTS='./...'\ngo test $TESTS", "go", tmp_path)
    assert go.command(["a/x_test.go", "a/y_test.go", "b.txt"]) == "TESTS='./a'\ngo test $TESTS"
    assert go.command(["b.txt"]) == go.whole
    cargo = Narrowing("TESTS='--tests'\ncargo test $TESTS", "cargo", tmp_path)
    assert "TESTS='--test x'" in cargo.command(["tests/x.rs"])
    assert cargo.command(["src/x/tests.rs"]) == cargo.whole


@pytest.mark.parametrize(
    ("language", "parser", "test", "expected"),
    [
        ("go", "go", "example.org/shop::TestDiscount/one", "prices_test.go"),
        ("java", "junit", "org.shop.PricesTest::adds", "src/test/java/org/shop/PricesTest.java"),
        ("ruby", "minitest", "PricesTest::test_sum", "test/prices_test.rb"),
        ("c", "native", "takes a discount", "tests/test_prices.c"),
        ("php", "phpunit", "tests/PricesTest.php::testSum", "tests/PricesTest.php"),
        ("javascript", "tap", "test/prices.test.js::adds prices up", "test/prices.test.js"),
        ("rust", "cargo", "tests/prices.rs::adds", "tests/prices.rs"),
        ("go", "go", "example.org/shop::TestGone", ""),
        ("c", "native", "no such words", ""),
    ],
)
def test_the_file_of_a_test_is_found(
    write_files, projects, tmp_path, language, parser, test, expected
):
    tree = write_files(tmp_path, projects[language])
    assert file_of_test(tree, parser, test) == expected


def test_words_in_files_are_those_of_their_language():
    assert comment_text("a.rb", "no") == b"# no\n"
    assert comment_text("a.go", "no") == b"// no\n"
    assert comment_text("a.txt", "no") == b""
    assert emptied_text("a.php").startswith(b"<?php\n")
    assert broken_text("a.c").startswith(b"#error")
    assert broken_text("a.py").startswith(b"raise")


def test_every_profile_can_be_diagnosed_and_says_what_to_install():
    checks = diagnose()
    assert len(checks) == len(PROFILES)
    assert all(not check.is_required for check in checks)
    assert all(
        check.is_ok or "apt-get install" in check.fix or "pip" in check.fix for check in checks
    )
    assert profile_of("typescript") is profile_of("javascript")
    assert profile_of("cpp") is profile_of("c")
