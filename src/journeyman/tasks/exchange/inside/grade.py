"""Says by the log of a test runner whether every test that has to pass did. Runs beside the tests.

    python3 grade.py task.json log reward.txt

Reads what pytest prints with `-v -rap` and unittest with `-v`; exits 0 whatever the reward is.
"""

import json
import re
import sys

PYTEST = re.compile(r"^(PASSED|FAILED|ERROR|SKIPPED|XFAIL|XPASS) (.+?)(?: - .*)?$")
VERBOSE = re.compile(
    r"^(\S.*?) (PASSED|FAILED|ERROR|SKIPPED|XFAIL|XPASS)(?: .*)?(?:\s+\[ *\d+%\])?$"
)
UNITTEST = re.compile(r"^(\w+) \(([\w.]+)\)(?:.*?)\.\.\. (ok|FAIL|ERROR|skipped|expected failure)")
GOOD = ("PASSED", "XFAIL", "ok", "expected failure")


def read_pytest(lines):
    found = {}
    for line in lines:
        verbose = VERBOSE.match(line)
        if verbose and "::" in verbose[1]:
            found[verbose[1]] = verbose[2]
    for line in lines:
        short = PYTEST.match(line)
        if short and "::" in short[2]:
            found[short[2]] = short[1]
    return found


def read_unittest(lines):
    found = {}
    for line in lines:
        match = UNITTEST.match(line)
        if match:
            name, place = match[1], match[2]
            found[place if place.endswith(f".{name}") else f"{place}.{name}"] = match[3]
    return found


def main(task_path, log_path, reward_path):
    with open(task_path) as file:
        task = json.load(file)
    with open(log_path, errors="replace") as file:
        lines = file.read().splitlines()
    read = read_unittest if task["verifier"]["log_parser"] == "unittest" else read_pytest
    statuses = read(lines)
    wanted = [*task["FAIL_TO_PASS"], *task["PASS_TO_PASS"]]
    missing = [test for test in wanted if statuses.get(test) not in GOOD]
    for test in missing:
        print(f"{statuses.get(test, 'MISSING')} {test}")
    print(f"{len(wanted) - len(missing)} of {len(wanted)} tests pass")
    with open(reward_path, "w") as file:
        file.write("1\n" if wanted and not missing else "0\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
