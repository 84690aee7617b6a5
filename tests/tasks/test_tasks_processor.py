import subprocess
import sys

import pytest

from journeyman.sandbox import SandboxSpec, opened
from journeyman.tasks.processor import cpu_seconds

BURN = "import time\nwhile time.process_time() < 0.5: pass"


def test_ended_children_count():
    before = cpu_seconds()
    subprocess.run([sys.executable, "-c", BURN], check=True)
    assert cpu_seconds() - before >= 0.4


@pytest.mark.sandbox
async def test_work_in_sandboxes_counts_while_the_process_lives():
    before = cpu_seconds()
    async with opened(SandboxSpec()) as sandbox:
        await sandbox.execute(f"python3 -c '{BURN}'", timeout_s=60)
    assert cpu_seconds() - before >= 0.4
