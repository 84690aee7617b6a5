"""How the tests of a JavaScript or TypeScript project are run, read from its `package.json`.

The script `test` is taken apart: what builds is kept, what lints is left out, and the runner gets a
reporter that can be read. Without a known runner in it, the one that the project depends on is used.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from journeyman.tasks.convention import language_of, path_role, role_of
from journeyman.tasks.git import list_files
from journeyman.tasks.languages.profile import Suite, chosen
from journeyman.verify import FILE_MARK

__all__ = ["javascript_suites"]

_REPORT = "/tmp/journeyman-report.json"  # noqa: S108 - a path inside the sandbox
_MAX_DEPTH = 5
_RUNNERS = ("mocha", "_mocha", "jest", "vitest", "ava", "tape", "tap")
_LINTING = re.compile(
    r"\b(lint\w*|eslint|standard|xo|prettier|tsd|jshint|jscs|typecheck|check-types|format|audit"
    r"|size(-limit)?|publint|attw|knip|dtslint|karma|airtap|testling|semistandard|coveralls|codecov)\b"
)
_RUN = re.compile(r"^(?:npm|yarn|pnpm)(?: (?:-s|--silent))*(?: run(?:-script)?)? ([\w:.-]+)")
_REPORTER = re.compile(r"^(-R|--reporter|--reporters)(=|$)")
_COVERAGE = re.compile(r"^(--coverage|--collectCoverage)(=|$)")
_MODULE_SUFFIXES = (".js", ".cjs", ".mjs")


def javascript_suites(tree: Path) -> Iterator[Suite]:
    """Yield the ways to run a project's tests, likeliest first."""
    package = _package(tree)
    scripts = {key: value for key, value in _table(package, "scripts").items() if value}
    needed = {**_table(package, "devDependencies"), **_table(package, "dependencies")}
    commands = list(_commands(scripts, "test", 0))
    for name in ("mocha", "unit", "test:unit", "tests", "test-unit", "jest"):
        commands = commands or list(_commands(scripts, name, 0))
    builds: list[str] = []
    for command in commands:
        suite = _suite(tree, command)
        if suite is not None:
            lead = "".join(f"{build} >/dev/null || exit 1\n" for build in builds)
            yield suite.model_copy(update={"command": lead + suite.command})
        elif _builds(command):
            builds.append(command)
    for runner in _RUNNERS:
        if runner in needed:
            yield from filter(None, [_suite(tree, runner)])
    if files := _files_of(tree, "node:test"):
        yield _each("node --test --test-reporter=tap", files)


def _commands(scripts: dict[str, str], name: str, depth: int) -> Iterator[str]:
    """Yield the plain commands that a script comes down to, in order."""
    for part in re.split(r"\s*&&\s*|\s*;\s*", scripts.get(name, "")):
        part = re.sub(r"^(cross-env|env)\s+", "", part.strip())
        run = _RUN.match(part)
        called = run[1] if run else ""
        if called in scripts and depth < _MAX_DEPTH:
            if not _LINTING.search(called):
                yield from _commands(scripts, called, depth + 1)
        elif part and not _LINTING.search(part.partition(" ")[0]):
            inner = re.search(r"(?:npm run|yarn|pnpm) ([\w:.-]+)", part)
            if inner and inner[1] in scripts and depth < _MAX_DEPTH:  # e.g. nyc npm run mocha
                yield from _commands(scripts, inner[1], depth + 1)
            else:
                yield part


def _builds(command: str) -> bool:
    return bool(re.match(r"(tsc|rollup|babel|esbuild|tsup|webpack|swc|node|make|vite)\b", command))


def _suite(tree: Path, command: str) -> Suite | None:
    """Return the suite that a command is, with a reporter that can be read; None for another."""
    try:
        words = shlex.split(command)
    except ValueError:
        return None
    settings = [word for word in words if re.match(r"^[A-Z_]+=", word)]
    for index, word in enumerate(words):
        name = word.rpartition("/")[2].removesuffix(".js")
        rest = _kept(words[index + 1 :])
        if name in _RUNNERS:
            suite = _of_runner(tree, name.removeprefix("_"), rest)
            lead = "".join(f"export {shlex.quote(setting)}\n" for setting in settings)
            return suite.model_copy(update={"command": lead + suite.command}) if suite else None
        if name == "node" and "--test" in words:
            files = _expanded(tree, [it for it in rest if it != "--test"]) or _files_of(
                tree, "node:test"
            )
            return _each(shlex.join(["node", *_options(rest), "--test-reporter=tap"]), files)
        if name == "node" and rest and rest[-1].endswith(_MODULE_SUFFIXES) and len(rest) == 1:
            files = _expanded(tree, rest)
            return _each("node", files) if files and path_role(files[0]) != "source" else None
    return None


def _of_runner(tree: Path, runner: str, rest: list[str]) -> Suite | None:
    if runner == "mocha":
        options, named = _parted(rest)
        program = shlex.join(["mocha", *options, "--reporter", "json"])
        return chosen(f"{program} $TESTS", named, "mocha")
    if runner == "jest":
        words = ["jest", *rest, "--ci", "--json", f"--outputFile={_REPORT}"]
        return chosen(f"{shlex.join(words)} $TESTS; cat {_REPORT}", [], "jest")
    if runner == "vitest":
        given = [word for word in rest if word not in ("run", "watch", "--run")]
        words = ["vitest", "run", *given, "--reporter=json", f"--outputFile={_REPORT}"]
        return chosen(f"{shlex.join(words)} $TESTS; cat {_REPORT}", [], "jest")
    if runner == "ava":
        return Suite(command=shlex.join(["ava", *rest, "--tap"]), log_parser="tap")
    files = _expanded(tree, rest) or _files_of(tree, runner)
    return _each(shlex.join(["node", *_options(rest)]), files) if files else None


def _each(program: str, files: list[str]) -> Suite:
    """Return a suite that runs one file of tests after another and names each."""
    command = f'for file in $TESTS; do echo; echo "{FILE_MARK}$file"; {program} "$file"; done'
    return chosen(command, files, "tap")


def _parted(words: list[str]) -> tuple[list[str], list[str]]:
    """Take the files that Mocha is given from its options, of which some have a value behind them."""
    options: list[str] = []
    files: list[str] = []
    for index, word in enumerate(words):
        is_value = index > 0 and words[index - 1] in _WITH_VALUE
        is_file = not word.startswith("-") and not is_value
        (files if is_file else options).append(word)
    return options, files


_WITH_VALUE = frozenset((
    "-r", "--require", "-t", "--timeout", "-u", "--ui", "-g", "--grep", "-f", "--fgrep", "--config",
    "--extension", "--file", "--ignore", "--exclude", "--import", "--loader", "--retries", "--slow",
    "-s", "-j", "--jobs", "--spec", "--package", "-n", "--node-option",
))  # fmt: skip


def _kept(words: list[str]) -> list[str]:
    """Leave out reporters and coverage, which only decide what is printed, and what comes in pipes."""
    kept: list[str] = []
    index = 0
    while index < len(words) and words[index] not in ("|", "||", ">", "&"):
        word = words[index]
        if match := _REPORTER.match(word):
            index += 1 if match[2] == "=" else 2
            continue
        if not _COVERAGE.match(word):
            kept.append(word)
        index += 1
    return kept


def _options(words: list[str]) -> list[str]:
    """Return the options that a program needs to load its files, e.g. `-r ts-node/register`."""
    kept: list[str] = []
    for index, word in enumerate(words[:-1] if words else []):
        if word in ("-r", "--require", "--import", "--loader"):
            kept += [word, words[index + 1]]
    return kept


def _expanded(tree: Path, words: list[str]) -> list[str]:
    found: list[str] = []
    for word in words:
        if word.startswith("-"):
            continue
        pattern = word.removeprefix("./")
        if (tree / pattern).is_file():
            found.append(pattern)
        elif "*" in pattern and not pattern.startswith(("/", "!")):
            matches = sorted(tree.glob(pattern))
            found += [path.relative_to(tree).as_posix() for path in matches if path.is_file()]
    return [path for path in dict.fromkeys(found) if "node_modules/" not in path]


def _files_of(tree: Path, module: str) -> list[str]:
    """List the files of tests that load a module."""
    wanted = re.compile(rf"(require\(|from |import )\s*['\"]{module}['\"]")
    found: list[str] = []
    for path in list_files(tree):
        if language_of(path) not in ("javascript", "typescript") or "node_modules/" in path:
            continue
        data = (tree / path).read_bytes() if (tree / path).is_file() else b""
        role = path_role(path) or role_of(path, data)
        if role == "test" and wanted.search(data.decode("utf-8", "replace")):
            found.append(path)
    return found


def _package(tree: Path) -> dict[str, Any]:
    try:
        found = json.loads((tree / "package.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _table(package: dict[str, Any], name: str) -> dict[str, str]:
    found = package.get(name)
    return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}
