"""The whole report at proxy scale by one command: stages of ordinary commands, and one report of them.

Not a trainer: whatever is trained or measured, a command of `journeyman` does it, in a run
folder of its own.

    with options.create("reproduce", "tiny", settings) as run:
        outcomes = reproduce(settings, run, say=print)
"""

from journeyman.reproduce.reproduction import ReproduceSettings, plan, reproduce

__all__ = ["ReproduceSettings", "plan", "reproduce"]
