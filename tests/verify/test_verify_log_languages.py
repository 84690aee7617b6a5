"""Logs of other languages' test runners, as these print them."""

# ruff: noqa: E501 - lines of logs are as long as they are

import pytest

from journeyman.types import TestStatus
from journeyman.verify import FILE_MARK, list_parsers, parse_log, read_log

PASSED, FAILED = TestStatus.PASSED, TestStatus.FAILED
ERROR, SKIPPED = TestStatus.ERROR, TestStatus.SKIPPED

LOGS = {
    "go": (
        """\
{"Action":"run","Package":"a.org/shop","Test":"TestSum"}
{"Action":"output","Package":"a.org/shop","Test":"TestSum","Output":"=== RUN   TestSum\\n"}
{"Action":"output","Package":"a.org/shop","Test":"TestSum","Output":"    shop_test.go:8: got 1, want 2\\n"}
{"Action":"output","Package":"a.org/shop","Test":"TestSum","Output":"--- FAIL: TestSum (0.00s)\\n"}
{"Action":"fail","Package":"a.org/shop","Test":"TestSum","Elapsed":0}
{"Action":"pass","Package":"a.org/shop","Test":"TestAll/one"}
{"Action":"skip","Package":"a.org/shop","Test":"TestNet"}
{"Action":"fail","Package":"a.org/shop"}
FAIL	a.org/other [build failed]
""",
        {"a.org/shop::TestSum": FAILED, "a.org/shop::TestAll/one": PASSED,
         "a.org/shop::TestNet": SKIPPED},
        ("a.org/shop::TestSum", "got 1, want 2"),
    ),
    "cargo": (
        """\
     Running unittests src/lib.rs (target/debug/deps/shop-1)

running 1 test
test tests::inner ... ok

test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out

     Running tests/shop.rs (target/debug/deps/shop-2)

running 3 tests
test slow ... ignored
test never - should panic ... ok
test sum ... FAILED

failures:

---- sum stdout ----
thread 'sum' panicked at tests/shop.rs:5:5:
assertion `left == right` failed

failures:
    sum

test result: FAILED. 1 passed; 1 failed; 1 ignored
""",
        {"src/lib.rs::tests::inner": PASSED, "tests/shop.rs::slow": SKIPPED,
         "tests/shop.rs::never": PASSED, "tests/shop.rs::sum": FAILED},
        ("tests/shop.rs::sum", "assertion `left == right` failed"),
    ),
    "jest": (
        """noise
{"numFailedTests":1,"testResults":[{"name":"/testbed/test/a.test.js","assertionResults":[
{"ancestorTitles":["shop"],"title":"adds","status":"passed","failureMessages":[]},
{"ancestorTitles":["shop"],"title":"subtracts","status":"failed","failureMessages":["Error: 1"]},
{"ancestorTitles":[],"title":"later","status":"todo"}]}]}
""",
        {"test/a.test.js::shop adds": PASSED, "test/a.test.js::shop subtracts": FAILED,
         "test/a.test.js::later": SKIPPED},
        ("test/a.test.js::shop subtracts", "Error: 1"),
    ),
    "mocha": (
        """printed by a test
{
  "stats": {"tests": 2},
  "tests": [
    {"fullTitle": "shop adds", "file": "/testbed/test/a.js", "err": {}},
    {"fullTitle": "shop subtracts", "file": "/testbed/test/a.js",
     "err": {"message": "1 is not 2", "stack": "AssertionError: 1 is not 2\\n    at a.js:1"}},
    {"fullTitle": "shop later", "file": "/testbed/test/a.js", "err": {}}
  ],
  "pending": [{"fullTitle": "shop later", "file": "/testbed/test/a.js", "err": {}}]
}
""",
        {"test/a.js::shop adds": PASSED, "test/a.js::shop subtracts": FAILED,
         "test/a.js::shop later": SKIPPED},
        ("test/a.js::shop subtracts", "1 is not 2"),
    ),
    "tap": (
        f"""\
{FILE_MARK}test/a.js
TAP version 13
# Subtest: shop
    # Subtest: adds
    ok 1 - adds
      ---
      duration_ms: 0.5
      ...
    # Subtest: subtracts
    not ok 2 - subtracts
      ---
      error: '1 == 2'
      ...
    1..2
not ok 1 - shop
# tests 2
# fail 1
{FILE_MARK}test/b.js
TAP version 13
# sums
ok 1 should be equal
not ok 2 should be more
# rests
ok 3 should be less # SKIP
""",
        {"test/a.js::shop > adds": PASSED, "test/a.js::shop > subtracts": FAILED,
         "test/b.js::sums": FAILED, "test/b.js::rests": SKIPPED},
        ("test/a.js::shop > subtracts", "1 == 2"),
    ),
    "junit": (
        """\
<testsuite name="a"><properties/>
<testcase name="sum()" classname="org.ShopTest" time="0.1"><system-out>x</system-out></testcase>
<testcase name="rest" classname="org.ShopTest"><failure message="1 is not 2" type="a">at B</failure>
</testcase><testcase name="gone" classname="org.ShopTest"><skipped/></testcase>
<testcase name="boom" classname="org.ShopTest"><error type="x">NullPointer</error></testcase>
<testcase name="cut" classname="org.Sh
""",
        {"org.ShopTest::sum": PASSED, "org.ShopTest::rest": FAILED, "org.ShopTest::gone": SKIPPED,
         "org.ShopTest::boom": ERROR},
        ("org.ShopTest::boom", "NullPointer"),
    ),
    "phpunit": (
        """\
##teamcity[testStarted name='testA' locationHint='php_qn:///testbed/tests/ShopTest.php::\\App\\ShopTest::testA' f='1']
##teamcity[testFailed name='testA' message='Failed asserting that 2 is 1.' details=' ShopTest.php:5|n ' d='7']
##teamcity[testFinished name='testA' duration='7']
##teamcity[testStarted name='testB' locationHint='php_qn:///testbed/tests/ShopTest.php::\\App\\ShopTest::testB']
##teamcity[testFinished name='testB' duration='0']
##teamcity[testStarted name='testC' locationHint='php_qn:///testbed/tests/ShopTest.php::\\App\\ShopTest::testC']
PHP Fatal error:  Allowed memory size
""",
        {"tests/ShopTest.php::testA": FAILED, "tests/ShopTest.php::testB": PASSED,
         "tests/ShopTest.php::testC": ERROR},
        ("tests/ShopTest.php::testA", "Failed asserting that 2 is 1."),
    ),
    "minitest": (
        """\
ShopTest#test_sum = 0.00 s = .
ShopTest#test_rest = 0.00 s = F
a thing::with a part#test_0001_works = 0.00 s = S

  1) Failure:
ShopTest#test_rest [test/shop_test.rb:3]:
Expected: 1
  Actual: 2
""",
        {"ShopTest::test_sum": PASSED, "ShopTest::test_rest": FAILED,
         "a thing::with a part::test_0001_works": SKIPPED},
        ("ShopTest::test_rest", "Actual: 2"),
    ),
    "test_unit": (
        """\
ShopTest:
  test_rest:\t\t\t\t\t\tF
===============================================================================
Failure: test_rest(ShopTest)
<1> expected but was
<2>
===============================================================================
: (0.004441)
  test_sum:\t\t\t\t\t\t.: (0.000054)
""",
        {"ShopTest::test_rest": FAILED, "ShopTest::test_sum": PASSED},
        ("ShopTest::test_rest", "<1> expected but was"),
    ),
    "rspec": (
        'x\n{"version":"3.12.0","examples":[{"file_path":"./spec/a_spec.rb","full_description":"Shop sums"'
        ',"status":"passed"},{"file_path":"./spec/a_spec.rb","full_description":"Shop rests","status":'
        '"failed","exception":{"class":"E","message":"expected: 2","backtrace":["/testbed/spec/a_spec.rb:3"]}}'
        ',{"file_path":"./spec/a_spec.rb","full_description":"Shop waits","status":"pending"}]}',
        {"spec/a_spec.rb::Shop sums": PASSED, "spec/a_spec.rb::Shop rests": FAILED,
         "spec/a_spec.rb::Shop waits": SKIPPED},
        ("spec/a_spec.rb::Shop rests", "expected: 2\n/testbed/spec/a_spec.rb:3"),
    ),
    "native": (
        """\
1: /testbed/tests/sum.c:12:test_sum:PASS
1: /testbed/tests/sum.c:15:test_rest:FAIL: Expected 1 Was 2
 1/3 Test  #1: sum ..........................***Failed    0.01 sec
 2/3 Test  #2: plain ........................   Passed    0.00 sec
 3/3 Test  #3: crash ........................***Exception: SegFault  0.00 sec
PASS: check_all
XFAIL: known
FAIL: check_some
[ RUN      ] Shop.Sums
[       OK ] Shop.Sums (0 ms)
[ RUN      ] Shop.Rests/0
shop.cc:3: Failure
[  FAILED  ] Shop.Rests/0, where GetParam() = 3 (0 ms)
[  FAILED  ] 1 test, listed below:
t.c:9:F:core:test_check:0: no
""",
        {"tests/sum.c::test_sum": PASSED, "tests/sum.c::test_rest": FAILED, "plain": PASSED,
         "crash": ERROR, "check_all": PASSED, "known": PASSED, "check_some": FAILED,
         "Shop.Sums": PASSED, "Shop.Rests/0": FAILED, "core::test_check": FAILED},
        ("tests/sum.c::test_rest", "Expected 1 Was 2"),
    ),
    "dotnet": (
        "  Passed Shop.Tests.Sum [3 ms]\n  Failed Shop.Tests.Rest(a: 1) [< 1 ms]\n  Skipped Shop.Tests.Net\n",
        {"Shop.Tests.Sum": PASSED, "Shop.Tests.Rest(a: 1)": FAILED, "Shop.Tests.Net": SKIPPED},
        None,
    ),
}  # fmt: skip


@pytest.mark.parametrize("parser", sorted(LOGS))
def test_the_outcome_of_each_test_is_read(parser):
    text, expected, said = LOGS[parser]
    assert parse_log(parser, text) == expected
    assert parse_log(parser, text.replace("\n", "\r\n")) == expected
    if said:
        assert said[1] in read_log(parser, text)[said[0]].message


@pytest.mark.parametrize("parser", sorted(LOGS))
def test_a_log_that_is_cut_or_foreign_is_no_error(parser):
    text = LOGS[parser][0]
    for length in range(0, len(text), 37):
        parse_log(parser, text[:length])
        parse_log(parser, text[length:])
    assert parse_log(parser, "") == {}
    assert parse_log(parser, "bash: line 1: no such program\n\x00\xff") == {}


def test_all_of_them_are_known():
    assert set(LOGS) <= set(list_parsers())


def test_the_ok_at_the_end_of_unity_is_no_test():
    log = "1: /testbed/tests/a.c:3:test_sum:PASS\n1: 1 Tests 0 Failures 0 Ignored\n1: OK\n"
    assert list(parse_log("native", log)) == ["tests/a.c::test_sum"]
    assert parse_log("tap", "ok\nok 2 - two # SKIP\nok 3\n").keys() == {"two", "3"}
