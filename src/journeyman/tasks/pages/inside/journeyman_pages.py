"""Renders a page in Chromium, clicks through it, and says what holds: the hidden tests of a page task.

Runs inside sandboxes, as `test_page.py`; `checks.json` beside it says what is checked. The page's files are
served from memory at one made-up address, and nothing else can be reached.
"""

import base64
import json
import mimetypes
import os
import shutil
import subprocess
import unittest
import urllib.parse

from playwright.sync_api import expect, sync_playwright

ADDRESS = "https://page.test/"
CHROMIUM = (
    "/usr/lib/chromium/chromium-headless-shell",
    "/usr/lib/chromium/chromium",
    "/usr/lib/chromium-browser/chromium-browser",
    "/usr/bin/chromium",
    "/usr/bin/chromium-browser",
    "/usr/bin/google-chrome",
)
OPTIONS = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars")
START_MS = 60000
BUILD_S = 240
ROLES = (
    "button link textbox checkbox radio tab tabpanel heading list listitem dialog navigation main "
    "banner alert status combobox option row cell table img searchbox switch spinbutton form region menuitem"
).split()

FITS = """() => {
  const root = document.documentElement;
  const faults = [];
  if (!document.body.innerText.trim()) faults.push('the page is empty');
  if (root.scrollWidth > root.clientWidth + 1)
    faults.push(`it is ${root.scrollWidth} pixels wide in a window of ${root.clientWidth}`);
  const seen = [...document.querySelectorAll('a, button, input, select, textarea')]
    .filter(it => it.checkVisibility({checkOpacity: true, checkVisibilityCSS: true}));
  const boxes = seen.map(it => it.getBoundingClientRect());
  for (let i = 0; i < seen.length; i++) for (let j = i + 1; j < seen.length; j++) {
    if (seen[i].contains(seen[j]) || seen[j].contains(seen[i])) continue;
    const a = boxes[i], b = boxes[j];
    const w = Math.min(a.right, b.right) - Math.max(a.left, b.left);
    const h = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
    const least = Math.min(a.width * a.height, b.width * b.height);
    if (w > 0 && h > 0 && w * h > 0.25 * least)
      faults.push(`${seen[i].outerHTML.slice(0, 60)} lies on ${seen[j].outerHTML.slice(0, 60)}`);
  }
  return faults;
}"""

CONTRAST = """() => {
  const read = text => {
    const parts = (text.match(/[\\d.]+/g) || []).map(Number);
    return parts.length < 3 ? null : [...parts.slice(0, 3), parts.length > 3 ? parts[3] : 1];
  };
  const light = ([r, g, b]) => [r, g, b]
    .map(it => it / 255)
    .map(it => it <= 0.04045 ? it / 12.92 : ((it + 0.055) / 1.055) ** 2.4)
    .reduce((sum, it, i) => sum + it * [0.2126, 0.7152, 0.0722][i], 0);
  const over = (top, below) => top.slice(0, 3).map((it, i) => it * top[3] + below[i] * (1 - top[3]));
  const behind = element => {
    const layers = [];
    for (let it = element; it; it = it.parentElement) {
      const style = getComputedStyle(it);
      if (style.backgroundImage !== 'none') return null;
      const colour = read(style.backgroundColor);
      if (colour && colour[3] > 0) layers.push(colour);
      if (colour && colour[3] === 1) break;
    }
    return layers.reverse().reduce((below, it) => over(it, below), [255, 255, 255]);
  };
  const faults = document.body.innerText.trim() ? [] : ['the page is empty'];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode.textContent.trim(), element = walker.currentNode.parentElement;
    if (!text || /^(SCRIPT|STYLE|NOSCRIPT|TEMPLATE|OPTION)$/.test(element.tagName)) continue;
    if (!element.checkVisibility({checkOpacity: true, checkVisibilityCSS: true})) continue;
    if (element.closest(':disabled, [aria-disabled=true]')) continue;
    const style = getComputedStyle(element), below = behind(element), own = read(style.color);
    if (!below || !own) continue;
    const [a, b] = [light(over(own, below)), light(below)].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05), size = parseFloat(style.fontSize);
    const isLarge = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (isLarge ? 3 : 4.5))
      faults.push(`"${text.slice(0, 40)}" has a contrast of ${ratio.toFixed(2)}`);
  }
  return faults;
}"""

NAMES = """() => {
  const faults = [];
  if (!document.documentElement.lang) faults.push('the page has no language');
  if (!document.title.trim()) faults.push('the page has no title');
  for (const it of document.querySelectorAll('img:not([alt])')) faults.push(`${it.src} has no alt`);
  for (const it of document.querySelectorAll('input:not([type=hidden]), select, textarea'))
    if (!it.labels.length && !it.getAttribute('aria-label') && !it.getAttribute('aria-labelledby'))
      faults.push(`${it.outerHTML.slice(0, 60)} has no label`);
  for (const it of document.querySelectorAll('button, a[href]'))
    if (!(it.innerText.trim() || it.getAttribute('aria-label') || it.querySelector('img[alt]') || it.title))
      faults.push(`${it.outerHTML.slice(0, 60)} has no name`);
  if (!document.body.innerText.trim()) faults.push('the page is empty');
  return faults;
}"""

with open("checks.json", encoding="utf-8") as stream:
    CHECKS = json.load(stream)


class PageCase(unittest.TestCase):
    """One browser for all checks; every scene has a fresh context, and so a fresh storage."""

    @classmethod
    def setUpClass(cls):
        cls.folder = built(CHECKS)
        cls.driver, cls.browser = started()
        expect.set_options(timeout=CHECKS["patience_ms"])
        cls.stills = {}

    @classmethod
    def tearDownClass(cls):
        show(cls.stills.get(tuple(CHECKS["screens"][0])))
        for _, context, _ in cls.stills.values():
            context.close()
        cls.browser.close()
        cls.driver.stop()

    @classmethod
    def opened(cls, screen):
        """Open the page in a window, and collect what goes wrong from then on."""
        width, height = screen
        context = cls.browser.new_context(
            viewport={"width": width, "height": height}, reduced_motion="reduce", locale="en-US"
        )
        faults = []
        context.route("**/*", lambda route: answer(cls.folder, route, faults))
        page = context.new_page()
        page.set_default_timeout(CHECKS["patience_ms"])
        page.on("console", lambda it: it.type == "error" and faults.append(it.text))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(ADDRESS + CHECKS["entry"], timeout=START_MS)
        return page, context, faults

    @classmethod
    def still(cls, screen):
        """Return the page as it is when it was opened; what only looks shares it."""
        if not cls.stills:
            # All at once, for coming to rest is mostly waiting.
            cls.stills = {tuple(it): cls.opened(it) for it in CHECKS["screens"]}
            for page, _, _ in cls.stills.values():
                page.wait_for_load_state("networkidle")
        return cls.stills[tuple(screen)]

    def look(self, script):
        found = []
        for screen in CHECKS["screens"]:
            page = self.still(screen)[0]
            found += ["%s (%dx%d)" % (it, *screen) for it in page.evaluate(script)]
        self.assertEqual(found[:5], [])

    def test_it_loads_without_errors(self):
        self.assertEqual([it for screen in CHECKS["screens"] for it in self.still(screen)[2]], [])

    def test_it_fits_the_window(self):
        self.look(FITS)

    def test_its_text_can_be_read(self):
        self.look(CONTRAST)

    def test_everything_has_a_name(self):
        self.look(NAMES)

    def test_its_content_is_there(self):
        page = self.still(CHECKS["screens"][0])[0]
        for text in CHECKS["content"]:
            expect(visible(page, text)).to_be_visible()

    def play(self, steps):
        page, context, _ = self.opened(CHECKS["screens"][0])
        self.addCleanup(context.close)
        watched = [step[1] for step in steps if step[0] in ("changes", "keeps")]
        before = {name: seen(page, name) for name in watched}
        for verb, *words in steps:
            if verb in ("changes", "keeps"):
                is_same = seen(page, words[0]) == before[words[0]]
                self.assertEqual(is_same, verb == "keeps", words[0])
            else:
                STEPS[verb](page, *words)


def started():
    """Start the browser; where that fails the machine is to blame, and no page."""
    try:
        driver = sync_playwright().start()
        program = next(filter(os.path.exists, CHROMIUM))
        options = {"args": list(OPTIONS), "timeout": START_MS}
        return driver, driver.chromium.launch(executable_path=program, **options)
    except Exception as error:
        print("no browser: %r" % error, flush=True)
        os._exit(127)


def answer(folder, route, faults):
    """Serve a file of the page; anything else is a fault."""
    url = urllib.parse.urlsplit(route.request.url)
    path = urllib.parse.unquote(url.path).lstrip("/")
    place = os.path.normpath(os.path.join(folder, path))
    if url.netloc != "page.test":
        faults.append("it asks for " + route.request.url)
        route.abort()
    elif place.startswith(folder + os.sep) and os.path.isfile(place):
        kind = mimetypes.guess_type(place)[0] or "application/octet-stream"
        with open(place, "rb") as file:
            route.fulfill(body=file.read(), content_type=kind)
    elif path == "favicon.ico":
        route.fulfill(status=204)
    else:
        faults.append("it asks for %s, which is not there" % path)
        route.fulfill(status=404)


def show(still):
    """Print a picture of the page as it was opened, for whoever judges looks by the log."""
    if still is not None:
        shot = still[0].screenshot(type="jpeg", quality=60)
        print("\njourneyman-picture: %s" % base64.b64encode(shot).decode(), flush=True)


def visible(page, text):
    return page.get_by_text(text).filter(visible=True).first


def built(checks):
    """Return the folder to serve: the page's own, or what its build makes of it."""
    folder = os.path.abspath(checks["folder"])
    if not checks["build"]:
        return folder
    copy = "/tmp/journeyman-build"
    shutil.copytree(folder, copy)
    modules = os.environ.get("JOURNEYMAN_NODE_MODULES", "")
    if modules and not os.path.exists(copy + "/node_modules"):
        os.mkdir(copy + "/node_modules")  # a folder, for builds leave scraps there
        for name in os.listdir(modules):
            os.symlink(os.path.join(modules, name), os.path.join(copy, "node_modules", name))
    subprocess.run(checks["build"], shell=True, cwd=copy, check=True, timeout=BUILD_S)
    return os.path.join(copy, checks["built"])


def seen(page, target):
    """What a part of the page is and looks like; None while it is not there."""
    place = find(page, target)
    if not place.count():
        return None
    return place.first.evaluate("it => it.outerHTML"), place.first.screenshot()


def find(page, target):
    """`button:Add` by role and name, `label:E-mail`, `text:Done`, `css:.card`."""
    kind, _, name = target.partition(":")
    if kind == "css":
        return page.locator(name)
    if kind == "label":
        return page.get_by_label(name)
    if kind == "text":
        return page.get_by_text(name)
    if kind not in ROLES:
        raise ValueError("no kind of target: " + target)
    return page.get_by_role(kind, name=name) if name else page.get_by_role(kind)


def is_in_state(page, target, state):
    place = expect(find(page, target).first)
    {
        "visible": place.to_be_visible,
        "hidden": place.to_be_hidden,
        "enabled": place.to_be_enabled,
        "disabled": place.to_be_disabled,
        "checked": place.to_be_checked,
        "unchecked": place.not_to_be_checked,
        "focused": place.to_be_focused,
        "selected": lambda: place.to_have_attribute("aria-selected", "true"),
        "unselected": lambda: place.not_to_have_attribute("aria-selected", "true"),
    }[state]()


STEPS = {
    "click": lambda page, target: find(page, target).first.click(),
    "hover": lambda page, target: find(page, target).first.hover(),
    "type": lambda page, target, text: find(page, target).first.fill(text),
    "choose": lambda page, target, option: find(page, target).first.select_option(option),
    "check": lambda page, target: find(page, target).first.check(),
    "press": lambda page, key: page.keyboard.press(key),
    "reload": lambda page: page.reload(timeout=START_MS),
    "back": lambda page: page.go_back(timeout=START_MS),
    "size": lambda page, width, height: page.set_viewport_size({"width": width, "height": height}),
    "see": lambda page, text: expect(visible(page, text)).to_be_visible(),
    "gone": lambda page, text: expect(page.get_by_text(text).filter(visible=True)).to_have_count(0),
    "shows": lambda page, target, text: expect(find(page, target).first).to_contain_text(text),
    "value": lambda page, target, text: expect(find(page, target).first).to_have_value(text),
    "count": lambda page, target, number: expect(find(page, target)).to_have_count(number),
    "is": is_in_state,
    "title": lambda page, text: expect(page).to_have_title(text),
    "address": lambda page, text: expect(page).to_have_url(ADDRESS + text),
}


def add_scenes():
    for number, scene in enumerate(CHECKS["scenes"], start=1):
        name = "test_scene_%02d_%s" % (number, "_".join(scene["name"].lower().split()))
        setattr(PageCase, name, lambda self, steps=scene["steps"]: self.play(steps))


add_scenes()
