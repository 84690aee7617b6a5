"""Scaffold `terminal`: keystrokes into a terminal in the sandbox, as Terminus 2 works."""
