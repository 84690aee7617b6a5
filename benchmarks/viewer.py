"""Time until a run's page is of use, in Chromium: its first rows painted, for 10 to 10,000 rollouts.

    python benchmarks/viewer.py [--sizes 10 1000 10000] [--repeats 5] [--json FILE]

Measured from the navigation's start to two frames after the first row is in the table: `cold` with a
fresh server that never saw the run, `kept` with a fresh server and what an earlier one kept in the
cache folder, `again` with a server that has the run open; beside each, the processor time of server
and page's thread, which other work on the machine does not lengthen much. The limit is what any viewer
has to do: read `rollouts.jsonl` and parse its lines with the standard library, in processor seconds of
the same run. Needs the group `dev` and Chromium.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

PROGRAM = Path(sys.executable).parent / "journeyman"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
NUM_TURNS = 8
WATCH = """
window.usefulAt = null;
new MutationObserver((_, watcher) => {
  if (!document.querySelector('#table tr[data-row]')) return;
  watcher.disconnect();
  requestAnimationFrame(() => requestAnimationFrame(() => { window.usefulAt = performance.now(); }));
}).observe(document, { childList: true, subtree: true });
"""
PATCH = (
    "diff --git a/shop/price.py b/shop/price.py\n@@ -10,4 +10,4 @@\n"
    + "-old line\n+new line\n" * 20
)


def write_run(folder: Path, num: int) -> None:
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text('scaffold = "bash"\ntemplate = "hermes"\n')
    (folder / "command.txt").write_text(f"journeyman rollout shop --n {num}\n")
    (folder / "status.json").write_text('{"state": "finished"}')
    with (
        open(folder / "rollouts.jsonl", "w") as rollouts,
        open(folder / "events.jsonl", "w") as events,
    ):
        for number in range(num):
            record = rollout(number)
            rollouts.write(json.dumps(record) + "\n")
            for turn in range(1, NUM_TURNS + 1):
                event = {
                    "at": record["started_at"] + turn,
                    "kind": "turn_taken",
                    "rollout_id": record["rollout_id"],
                    "turn": turn,
                    "num_completion_tokens": 120,
                    "calls": ["bash"],
                }
                events.write(json.dumps(event) + "\n")
            ended = {
                "at": record["started_at"] + 60,
                "kind": "rollout_finished",
                "rollout_id": record["rollout_id"],
                "is_resolved": number % 3 == 0,
            }
            events.write(json.dumps(ended) + "\n")


def rollout(number: int) -> dict[str, Any]:
    task = f"shop__shop-{number // 8:05d}"
    return {
        "rollout_id": f"{task}.policy.bash.{number % 8}",
        "instance_id": task,
        "group_id": f"{task}.policy.bash",
        "scaffold": "bash",
        "model": "policy",
        "ending": "submitted",
        "patch": PATCH,
        "verdict": {
            "is_resolved": number % 3 == 0,
            "tests": {f"tests/test_{it}.py::test_price_{it}": "passed" for it in range(40)},
        },
        "reward": {"value": float(number % 3 == 0), "is_valid": True},
        "num_turns": NUM_TURNS,
        "num_prompt_tokens": 40_000,
        "num_completion_tokens": 960,
        "started_at": 1_790_000_000.0 + number,
        "rollout_duration_s": 55.0,
    }


def parse_limit(path: Path) -> float:
    started = time.process_time()
    with open(path, "rb") as file:
        for line in file:
            json.loads(line)
    return time.process_time() - started


@contextlib.contextmanager
def serving(run: Path, cache: Path) -> Iterator[tuple[str, int]]:
    environment = {**os.environ, "JOURNEYMAN_CACHE": str(cache), "PYTHONUNBUFFERED": "1"}
    command = [PROGRAM, "view", run, "--serve", "--port", "0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    ) as server:
        assert server.stdout is not None
        try:
            yield server.stdout.readline().strip(), server.pid
        finally:
            server.terminate()


def processor_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def open_page(browser: Browser, url: str, pid: int) -> tuple[float, float]:
    """Return seconds until the page is of use, and processor seconds of server and page until then."""
    page = browser.new_page()
    page.add_init_script(WATCH)
    devtools = page.context.new_cdp_session(page)
    devtools.send("Performance.enable", {"timeDomain": "threadTicks"})
    before = processor_s(pid)
    page.goto(url, wait_until="commit")
    while (found := page.evaluate("window.usefulAt")) is None:
        page.wait_for_timeout(10)
    named = devtools.send("Performance.getMetrics")["metrics"]
    drawing = next(it["value"] for it in named if it["name"] == "TaskDuration")
    spent = processor_s(pid) - before + drawing
    page.close()
    return float(found) / 1000, spent


def measure(browser: Browser, num: int, repeats: int, place: Path) -> dict[str, Any]:
    run = place / f"run-{num}"
    write_run(run, num)
    times: dict[str, list[tuple[float, float]]] = {"cold": [], "kept": [], "again": []}
    limits = []
    for number in range(repeats):
        cache = place / f"cache-{num}-{number}"
        limits.append(parse_limit(run / "rollouts.jsonl"))
        with serving(run, cache) as (url, pid):
            times["cold"].append(open_page(browser, url, pid))
        with serving(run, cache) as (url, pid):
            times["kept"].append(open_page(browser, url, pid))
            times["again"].append(open_page(browser, url, pid))
    limit = statistics.median(limits)
    found: dict[str, Any] = {"num_rollouts": num, "parse_limit_s": limit}
    found["num_bytes"] = (run / "rollouts.jsonl").stat().st_size
    for name, pairs in times.items():
        found[f"{name}_s"] = statistics.median(it[0] for it in pairs)
        found[f"{name}_processor_s"] = statistics.median(it[1] for it in pairs)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[10, 1_000, 10_000])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    if CHROMIUM is None:
        sys.exit("error: no Chromium\n\nhint: apt-get install chromium")
    rows = []
    with tempfile.TemporaryDirectory() as place, sync_playwright() as driver:
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=arguments)
        open_page_once(browser)
        print("seconds, and processor seconds of server and page together", flush=True)
        print("rollouts     MB       cold          kept          again      limit", flush=True)
        for num in asked.sizes:
            it = measure(browser, num, asked.repeats, Path(place))
            rows.append(it)
            cells = [
                f"{it[f'{name}_s']:6.2f} {it[f'{name}_processor_s']:6.2f}"
                for name in ("cold", "kept", "again")
            ]
            head = f"{it['num_rollouts']:8,} {it['num_bytes'] / 1e6:6.1f} "
            print(head + " ".join(cells) + f" {it['parse_limit_s']:6.3f}", flush=True)
        browser.close()
    if asked.json:
        asked.json.write_text(json.dumps(rows, indent=2) + "\n")


def open_page_once(browser: Browser) -> None:
    """Let the browser itself get warm."""
    page = browser.new_page()
    page.goto("data:text/html,<p>warm</p>")
    page.close()


if __name__ == "__main__":
    main()
