"""Whether a page can be rendered here at all."""

import os
import unittest

from playwright.sync_api import sync_playwright

CHROMIUM = (
    "/usr/lib/chromium/chromium-headless-shell",
    "/usr/lib/chromium/chromium",
    "/usr/lib/chromium-browser/chromium-browser",
    "/usr/bin/chromium",
    "/usr/bin/chromium-browser",
    "/usr/bin/google-chrome",
)


class BrowserCase(unittest.TestCase):
    def test_it_renders(self):
        program = next(filter(os.path.exists, CHROMIUM))
        with sync_playwright() as driver:
            options = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
            browser = driver.chromium.launch(executable_path=program, args=options, timeout=60000)
            page = browser.new_page()
            page.set_content("<h1>Hello</h1>")
            self.assertEqual(page.inner_text("h1"), "Hello")
            browser.close()
