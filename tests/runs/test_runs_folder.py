import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from journeyman.config import Config
from journeyman.errors import JourneymanError
from journeyman.runs import RunFolder


class Example(Config):
    lr: float = 0.1
    name: str = "x"


def create(root, what="toolz", config=None, **options):
    return RunFolder.create(
        root, "rollout", what, config=config or Example(), argv=["journeyman", "a b"], **options
    )


def test_a_new_run_holds_what_repeats_it(tmp_path):
    with create(tmp_path, seeds={"seed": 3}, digests={"taskset": "abc"}) as run:
        assert re.fullmatch(r"rollout--toolz--[0-9a-f]{8}", run.name)
        assert (run.path / "command.txt").read_text() == "journeyman 'a b'\n"
        assert (run.path / "config.toml").read_text() == 'lr = 0.1\nname = "x"\n'
        lock = json.loads((run.path / "lock.json").read_text())
        assert lock["seeds"] == {"seed": 3}
        assert lock["digests"] == {"taskset": "abc"}
        assert lock["packages"]["pydantic"]
        assert json.loads((run.path / "status.json").read_text())["state"] == "created"
        assert (tmp_path / "latest").resolve() == run.path.resolve()
        assert run.ledger.owed() == []


def test_two_runs_of_one_config_never_meet(tmp_path):
    with create(tmp_path) as one, create(tmp_path) as two:
        assert one.name != two.name
        assert (tmp_path / "latest").resolve() == two.path.resolve()


def test_an_existing_name_needs_a_choice(tmp_path):
    create(tmp_path, name="mine").close()
    with pytest.raises(JourneymanError, match="exists already") as caught:
        create(tmp_path, name="mine")
    for choice in ("--resume", "--clean", "another name"):
        assert choice in caught.value.hint


def test_clean_starts_anew(tmp_path):
    with create(tmp_path, name="mine") as run:
        run.append("rollouts", {"n": 1})
    with create(tmp_path, name="mine", clean=True) as run:
        assert run.read("rollouts") == []
    assert sorted(os.listdir(tmp_path)) == ["latest", "mine"]


def test_resume_takes_up_the_named(tmp_path):
    with create(tmp_path, name="one") as run:
        run.append("rollouts", {"n": 1})
    with create(tmp_path, name="one", resume=True) as run:
        assert run.is_resumed
        assert run.read("rollouts") == [{"n": 1}]


def test_resume_without_a_name_takes_up_the_newest_run_of_the_same_command(tmp_path):
    with create(tmp_path) as run:
        wanted = run.name
    create(tmp_path, what="boltons").close()
    with create(tmp_path, resume=True) as run:
        assert run.name == wanted


def test_resume_refuses_a_changed_config_and_names_the_keys(tmp_path):
    create(tmp_path, name="one").close()
    with pytest.raises(JourneymanError, match="differ: lr, name"):
        create(tmp_path, name="one", resume=True, config=Example(lr=0.2, name="y"))


def test_a_key_that_is_newer_than_the_run_has_its_default(tmp_path):
    create(tmp_path, name="one", config=Example(lr=0.1)).close()

    class Newer(Example):
        warmup: int = 3

    with pytest.raises(JourneymanError, match="differ: warmup"):
        create(tmp_path, name="one", resume=True, config=Newer(lr=0.1, warmup=4))
    create(tmp_path, name="one", resume=True, config=Newer(lr=0.1)).close()


def test_resume_of_nothing_is_explained(tmp_path):
    with pytest.raises(JourneymanError, match=r"no run rollout--toolz--\* to resume"):
        create(tmp_path, resume=True)
    with pytest.raises(JourneymanError, match="no run 'gone'"):
        create(tmp_path, name="gone", resume=True)


def test_a_second_driver_is_refused_until_the_first_dies(tmp_path):
    code = (
        "import sys, time; from pathlib import Path; from journeyman.runs import RunFolder\n"
        "run = RunFolder.open(Path(sys.argv[1])); print('held', flush=True); time.sleep(60)"
    )
    create(tmp_path, name="one").close()
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "one")], stdout=subprocess.PIPE
    ) as other:
        assert other.stdout.readline() == b"held\n"
        for options in ({"resume": True}, {"clean": True}):
            with pytest.raises(JourneymanError, match=rf"\({other.pid}\) is driving"):
                create(tmp_path, name="one", **options)
        other.kill()
    create(tmp_path, name="one", resume=True).close()


def test_a_folder_that_cannot_be_written_leaves_nothing(tmp_path):
    (tmp_path / "file").write_text("")
    for root in (tmp_path / "file" / "runs", Path("/proc/runs")):
        with pytest.raises(JourneymanError, match="cannot write") as caught:
            create(root)
        assert caught.value.hint
        assert "\n" not in caught.value.message
    assert os.listdir(tmp_path) == ["file"]


@pytest.fixture
def small_disk(tmp_path):
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(folder)]
    if subprocess.run(command, capture_output=True).returncode:
        pytest.skip("mounting is not permitted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_leaves_no_half_of_a_run(small_disk):
    (small_disk / "ballast").write_bytes(b"x" * 40_000)
    with pytest.raises(JourneymanError, match="no space left"):
        create(small_disk)
    assert os.listdir(small_disk) == ["ballast"]


@pytest.mark.parametrize("name", ["..", "a/b", "latest"])
def test_names_that_leave_the_folder_are_refused(tmp_path, name):
    with pytest.raises(JourneymanError, match="cannot name a run"):
        create(tmp_path, name=name)


def test_artifacts_stay_inside(tmp_path):
    with create(tmp_path) as run:
        assert run.artifacts("a.b.c.0").is_dir()
        with pytest.raises(ValueError, match="not a rollout id"):
            run.artifacts("../x")
