"""Exports read by the programs that they are for: swebench, datasets and verifiers.

Each has an environment of its own, apart from ours.

    .venv/bin/python benchmarks/readers.py TASKSET

Half a gigabyte of packages is installed into the cache, which is why no test does this.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from journeyman.config import cache_folder
from journeyman.programs import find_uv
from journeyman.tasks import load_taskset
from journeyman.tasks.exchange import export_tasks

PACKAGES = ["swebench", "datasets", "verifiers<0.2"]
"""Since 0.4 the package has no dataset-backed environments; those of before are what prime-rl reads."""

SWEBENCH = """
import sys
from swebench.harness.utils import load_swebench_dataset
from swebench.harness.grading import get_eval_tests_report
rows = load_swebench_dataset(sys.argv[1])
for row in rows:
    assert isinstance(row["instance_id"], str) and row["patch"].startswith("diff --git")
    import json
    assert json.loads(row["FAIL_TO_PASS"])
print(len(rows))
"""
DATASETS = """
import sys, datasets
kind = "parquet" if sys.argv[1].endswith("parquet") else "json"
rows = datasets.load_dataset(kind, data_files=sys.argv[1], split="train")
print(len(rows))
"""
VERIFIERS = """
import sys, json, datasets
import verifiers as vf
rows = datasets.load_dataset("parquet", data_files=sys.argv[1], split="train")
env = vf.SingleTurnEnv(dataset=rows, rubric=vf.Rubric(funcs=[lambda completion, info: 1.0]))
found = env.get_dataset()
assert found[0]["prompt"][-1]["content"]
info = found[0]["info"]
assert (json.loads(info) if isinstance(info, str) else info)["FAIL_TO_PASS"]
print(len(found))
"""
CHECKS = [
    ("swebench.harness.utils.load_swebench_dataset", "swebench", ".jsonl", SWEBENCH),
    ("datasets, SWE-bench Parquet", "swebench", ".parquet", DATASETS),
    ("datasets, SWE-smith JSONL", "swesmith", ".jsonl", DATASETS),
    ("datasets, verl Parquet", "verl", ".parquet", DATASETS),
    ("verifiers.SingleTurnEnv", "verifiers", ".parquet", VERIFIERS),
]


def python_of_readers():
    folder = cache_folder("benchmarks") / "readers"
    python = folder / "bin" / "python"
    if not python.exists():
        uv = str(find_uv())
        subprocess.run([uv, "venv", "-q", "--python", sys.executable, str(folder)], check=True)
        subprocess.run([uv, "pip", "install", "-q", "--python", str(python), *PACKAGES], check=True)
    return str(python)


def main(folder):
    taskset = load_taskset(folder)
    python = python_of_readers()
    is_right = True
    with tempfile.TemporaryDirectory() as scratch:
        for name, form, suffix, code in CHECKS:
            path = Path(scratch, f"{form}{suffix}")
            if not path.exists():
                export_tasks(taskset, path, form)
            done = subprocess.run(
                [python, "-c", code, str(path)], cwd=scratch, capture_output=True, text=True
            )
            number = done.stdout.strip().split("\n")[-1]
            is_read = done.returncode == 0 and number == str(len(taskset.tasks))
            is_right &= is_read
            said = "" if is_read else done.stderr.strip().split("\n")[-1][:200]
            print(json.dumps({"reader": name, "tasks": number, "is_read": is_read, "said": said}))
    return 0 if is_right else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
