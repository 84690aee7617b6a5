"""What runs inside the sandboxes of page tasks, and where Chromium is looked for there."""

CHROMIUM = (
    "/usr/lib/chromium/chromium-headless-shell",
    "/usr/lib/chromium/chromium",
    "/usr/lib/chromium-browser/chromium-browser",
    "/usr/bin/chromium",
    "/usr/bin/chromium-browser",
    "/usr/bin/google-chrome",
)
"""The first that is there is taken. The shell without windows is the same engine, and sooner done."""
