"""What holds for every test: no property fails for a busy machine, an interrupt counts, and helpers
of this folder may be imported."""

import signal
import sys
from pathlib import Path

from hypothesis import settings

sys.path.append(str(Path(__file__).parent))

settings.register_profile("journeyman", deadline=None)
settings.load_profile("journeyman")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # What a shell starts in the background ignores it, and so would the programs that tests start.
    signal.signal(signal.SIGINT, signal.default_int_handler)
