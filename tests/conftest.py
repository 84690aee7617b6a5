"""What holds for every test: no property fails for a busy machine, and an interrupt counts."""

import signal

from hypothesis import settings

settings.register_profile("journeyman", deadline=None)
settings.load_profile("journeyman")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # What a shell starts in the background ignores it, and so would the programs that tests start.
    signal.signal(signal.SIGINT, signal.default_int_handler)
