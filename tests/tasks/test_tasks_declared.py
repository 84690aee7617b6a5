import json

from journeyman.tasks.environment.declared import ci_requirements, locked_versions
from journeyman.tasks.environment.requirements import find_requirements
from journeyman.tasks.environment.toolchain import Installed, _attempts, _install_command


def write(tree, **files):
    for name, text in files.items():
        path = tree / name.replace("__", "/").replace("_DOT_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_versions_come_from_the_projects_own_lock(tmp_path):
    (tmp_path / "uv.lock").write_text(
        '[[package]]\nname = "Attrs"\nversion = "23.2.0"\nsource = { registry = "x" }\n'
        '[[package]]\nname = "here"\nversion = "0.1"\nsource = { editable = "." }\n'
        '[[package]]\nname = "twice"\nversion = "1"\n[[package]]\nname = "twice"\nversion = "2"\n'
    )
    assert locked_versions(tmp_path) == ("attrs==23.2.0",)
    found = find_requirements(tmp_path)
    assert found.locked == ("attrs==23.2.0",)
    first, second = list(_attempts("2024-01-01T00:00:00+00:00", has_lock=True))[:2]
    assert first.is_locked
    assert not second.is_locked
    assert "--constraint" in _install_command(first, found)
    assert "attrs==23.2.0" in _install_command(first, found)
    assert "--constraint" not in _install_command(second, found)
    bare = Installed(way="editable", newest="", has_test_requirements=True)
    assert bare not in list(_attempts("2024-01-01T00:00:00+00:00", has_lock=False))[:1]


def test_other_locks_are_read_too(tmp_path):
    lock = {"default": {"Flask": {"version": "==3.0"}}, "develop": {"x": {"path": "."}}}
    (tmp_path / "Pipfile.lock").write_text(json.dumps(lock))
    (tmp_path / "requirements.txt").write_text("six==1.16.0  # old\nflask>=2\n-r other.txt\n")
    assert locked_versions(tmp_path) == ("flask==3.0", "six==1.16.0")
    (tmp_path / "Pipfile.lock").write_text("{")
    assert locked_versions(tmp_path) == ("six==1.16.0",)


def test_ci_files_name_what_nothing_else_declares(tmp_path):
    write(
        tmp_path,
        _DOT_github__workflows__tests_DOT_yml=(
            "jobs:\n  a:\n    steps:\n"
            "      - run: python -m pip install -U pip hypothesis 'numpy>=1.20'\n"
            "      - run: |\n          pip install -r requirements.txt -e . ${{ matrix.x }}\n"
        ),
        _DOT_github__workflows__docs_DOT_yml="      - run: pip install sphinx-thing\n",
        Makefile="test:\n\tpip install freezegun && pytest\n",
        noxfile_DOT_py=(
            "def tests(session):\n    session.install('pytest', 'trio', '.')\n"
            "def docs(session):\n    session.install('mkdocs')\n"
        ),
    )
    assert list(ci_requirements(tmp_path)) == [
        "hypothesis", "numpy>=1.20", "freezegun", "pytest", "trio",
    ]  # fmt: skip
    assert set(find_requirements(tmp_path).wanted) >= {"hypothesis", "trio", "freezegun"}


def test_nothing_is_found_where_nothing_is(tmp_path):
    assert locked_versions(tmp_path) == ()
    assert list(ci_requirements(tmp_path)) == []
