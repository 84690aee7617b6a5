import pytest

from journeyman.tasks.quality import find_idle_verifier


@pytest.mark.parametrize(
    "script",
    [
        "grep -q 'return x' src/a.py",
        "grep -q fixed src/a.py && exit 0 || exit 1",
        "#!/bin/bash\nset -e\ncd /testbed\nif [ -f src/new.py ]; then\n  exit 0\nfi\nexit 1\n",
        "[[ $(git diff --stat | wc -l) -gt 0 ]]",
        "cat a.py | sed -n 3p | diff - expected",
        "timeout 5 bash -c 'grep -c x a.py'",
        'python -c \'print(open("a.py").read().count("fixed"))\'',
        "python3 - <<'EOF'\nimport ast, sys\n"
        "tree = ast.parse(open('a.py').read())\nsys.exit(0 if 'x' in ast.dump(tree) else 1)\nEOF",
        "exit 0",
        "true",
        "",
        "sha256sum a.py | grep -q 1234",
        "bash <<'EOF'\ngrep -q x a.py\nEOF",
    ],
)
def test_scripts_that_only_look_are_refused(script):
    assert find_idle_verifier(script)


@pytest.mark.parametrize(
    "script",
    [
        "python -m pytest -v tests/test_a.py",
        "cd /testbed && . venv/bin/activate && pytest -q | tee log; grep -q passed log",
        "python -c 'import toolz; assert toolz.take(2, [1, 2, 3])'",
        "python - <<'EOF'\nfrom shop.prices import total\nassert total([1]) == 1\nEOF",
        "go test ./...",
        "npm install && npm test",
        "timeout 60 bash -c 'cargo test --quiet'",
        "env CI=1 nice -n 5 make check",
        "./run_tests.sh",
        "python -c 'import subprocess; subprocess.run([\"./tool\"])'",
        "for t in tests/*.py; do python $t || exit 1; done",
    ],
)
def test_scripts_that_may_run_something_are_let_through(script):
    assert find_idle_verifier(script) == ""
