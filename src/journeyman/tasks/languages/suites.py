"""How the tests of a project are run, found in its files: a command, and the parser of its log.

Each language's way is one function; what a project's own scripts say wins over what is common.

    >>> find_suites("go", Path("pflag"))[0].log_parser  # doctest: +SKIP
    'go'
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

from journeyman.tasks.convention import language_of, path_role, role_of
from journeyman.tasks.git import list_files
from journeyman.tasks.languages.javascript import javascript_suites
from journeyman.tasks.languages.native import native_suites
from journeyman.tasks.languages.profile import Suite, chosen
from journeyman.tasks.languages.profiles import environment_language

__all__ = ["find_suites", "test_files"]


def find_suites(language: str, tree: Path) -> list[Suite]:
    """Return the ways to run a project's tests, likeliest first; none where it has no tests."""
    return list(_WAYS[environment_language(language)](tree))


def test_files(tree: Path, languages: tuple[str, ...]) -> list[str]:
    """List the files of tests of a tree, relative and sorted."""
    found = []
    for path in list_files(tree):
        if language_of(path) not in languages or (tree / path).is_symlink():
            continue
        role = path_role(path) or role_of(path, (tree / path).read_bytes())
        if role == "test" and "node_modules/" not in path:
            found.append(path)
    return found


test_files.__test__ = False  # type: ignore[attr-defined]


def _go(tree: Path) -> Iterator[Suite]:
    if test_files(tree, ("go",)):
        yield chosen("go test -json -vet=off -count=1 $TESTS", ["./..."], "go")


def _rust(tree: Path) -> Iterator[Suite]:
    workspace = " --workspace" if "[workspace]" in _read(tree / "Cargo.toml") else ""
    command = f"cargo test --offline --no-fail-fast{workspace} $TESTS"
    yield chosen(command, ["--tests"], "cargo")


def _csharp(tree: Path) -> Iterator[Suite]:
    command = 'dotnet test --no-restore --logger "console;verbosity=normal"'
    yield Suite(command=command, log_parser="dotnet")


# --- Java --------------------------------------------------------------------------------------

_JARS = (
    *("junit4", "hamcrest", "hamcrest-core", "junit-jupiter-api", "junit-jupiter-engine"),
    *("junit-jupiter-params", "junit-platform-commons", "junit-platform-engine"),
    *("junit-platform-launcher", "junit-platform-console", "junit-platform-reporting"),
    *("junit-vintage-engine", "opentest4j", "apiguardian-api", "picocli", "univocity-parsers"),
    *("opentest4j-reporting-events", "opentest4j-reporting-schema", "mockito-core", "assertj-core"),
    *("byte-buddy", "objenesis"),
)
_CLASSES = "/tmp/classes"  # noqa: S108 - a path inside the sandbox
_REPORTS = "/tmp/reports"  # noqa: S108
_JAVAC = """\
rm -rf {classes} {reports}; mkdir -p {classes} {reports}
jars=$(ls {jars} lib/*.jar 2>/dev/null | tr '\\n' ':')
for folder in {resources}; do [ -d "$folder" ] && cp -r "$folder/." {classes}/; done
find {sources} -name '*.java' ! -name module-info.java ! -name package-info.java > {reports}/files
javac -nowarn -encoding UTF-8 -proc:none -d {classes} -cp "$jars" @{reports}/files \
&& java -cp "$jars:{classes}" org.junit.platform.console.ConsoleLauncher --scan-classpath {classes} \
--include-classname '.*' --reports-dir {reports} --details none --disable-banner
cat {reports}/*.xml 2>/dev/null"""


def _java(tree: Path) -> Iterator[Suite]:
    if not test_files(tree, ("java",)):
        return
    reports = "cat $(find . -path '*/{0}/*.xml' -name 'TEST-*') 2>/dev/null"
    if (tree / "pom.xml").is_file():
        command = (
            "mvn -o -B -q -Dmaven.repo.local=/opt/environment/maven -Dmaven.test.failure.ignore=true"
            " -Drat.skip -Dcheckstyle.skip -Dspotbugs.skip -Dmaven.javadoc.skip test; "
        )
        yield Suite(command=command + reports.format("surefire-reports"), log_parser="junit")
    if (tree / "build.gradle").is_file() or (tree / "build.gradle.kts").is_file():
        program = "sh gradlew" if (tree / "gradlew").is_file() else "gradle"
        command = (
            "cp -r /opt/environment/gradle /tmp/gradle 2>/dev/null; "
            "export GRADLE_USER_HOME=/tmp/gradle; "
            f"{program} --offline --no-daemon --continue test; "
        )
        yield Suite(command=command + reports.format("test-results/test"), log_parser="junit")
    sources = [at for at in ("src/main/java", "src/test/java") if (tree / at).is_dir()]
    sources = sources or [at for at in ("src", "test", "tests") if (tree / at).is_dir()] or ["."]
    yield Suite(command=_javac(sources), log_parser="junit")


def _javac(sources: list[str]) -> str:
    """Return a command that compiles and tests with nothing but the JDK and this machine's JUnit."""
    return _JAVAC.format(
        classes=_CLASSES,
        reports=_REPORTS,
        jars=" ".join(f"/usr/share/java/{name}.jar" for name in _JARS),
        resources="src/main/resources src/test/resources",
        sources=" ".join(map(shlex.quote, sources)),
    )


# --- Ruby and PHP ------------------------------------------------------------------------------

_BUNDLED = "if [ -f /opt/environment/bundle/.complete ]; then set -- bundle exec; fi; "


def _ruby(tree: Path) -> Iterator[Suite]:
    files = test_files(tree, ("ruby",))
    specs = [path for path in files if path.endswith("_spec.rb")]
    tests = [path for path in files if not path.endswith(("_spec.rb", "_helper.rb"))]
    is_minitest_spec = bool(specs) and any("minitest" in _read(tree / path) for path in files)
    if specs and not is_minitest_spec:
        command = '"$@" rspec --no-color --order defined --format json $TESTS'
        yield chosen(_BUNDLED + command, [], "rspec")
    named = [path for path in [*tests, *(specs if is_minitest_spec else [])] if _is_ruby_test(path)]
    if not named:
        return
    folders = sorted({path.split("/")[0] for path in named if "/" in path})
    include = " ".join(f"-I {folder}" for folder in ["lib", *folders, "."])
    command = (
        f'export TESTS; "$@" ruby -W0 {include} -e '
        "'ENV[\"TESTS\"].split.each { |it| require File.expand_path(it) }' -- -v"
    )
    text = "".join(_read(tree / path) for path in files)
    if "test/unit" in text and "minitest" not in text.lower():
        yield chosen(_BUNDLED + command, named, "test_unit")
    yield chosen(f"{_BUNDLED}{command} --seed 1", named, "minitest")


def _is_ruby_test(path: str) -> bool:
    name = path.rpartition("/")[2]
    return name.endswith(("_test.rb", "_spec.rb")) or name.startswith("test_")


def _php(tree: Path) -> Iterator[Suite]:
    files = [path for path in test_files(tree, ("php",)) if path.endswith("Test.php")]
    configs = [_read(tree / name) for name in ("phpunit.xml", "phpunit.xml.dist")]
    has_config = any(configs)
    if not files and not has_config:
        return
    # A PHPUnit of the system does not find the project's classes by itself.
    autoload = (
        ""
        if any("bootstrap=" in text for text in configs)
        else "if [ -f vendor/autoload.php ]; then set -- --bootstrap vendor/autoload.php; fi; "
    )
    program = "$([ -x vendor/bin/phpunit ] && echo vendor/bin/phpunit || command -v phpunit)"
    target = "" if has_config else f" {files[0].split('/')[0]}"
    command = (
        f'php -d memory_limit=-1 {program} "$@" --teamcity --no-coverage --do-not-cache-result'
    )
    yield Suite(command=autoload + command + target, log_parser="phpunit")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


_WAYS: dict[str, Callable[[Path], Iterator[Suite]]] = {
    "javascript": javascript_suites,
    "go": _go,
    "java": _java,
    "rust": _rust,
    "c": native_suites,
    "csharp": _csharp,
    "ruby": _ruby,
    "php": _php,
}
