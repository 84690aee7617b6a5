"""Every page in Chromium: what it shows, keys, colours, news, hostile text, the static export, axe.

Pictures of each page are left in `artifacts/screenshots`.
"""

import asyncio
import contextlib
import json
import os
import shutil
import threading
import time
from pathlib import Path

import pytest

from journeyman.gateway import listen
from journeyman.web import Library, export_site, serving_viewer

playwright = pytest.importorskip("playwright.sync_api", reason="the group dev has playwright")

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
PATIENCE_S = 120
"""Most that a test waits for one thing; a machine with other work on it is slow."""
PICTURES = Path(__file__).parents[2] / "artifacts" / "screenshots"

pytestmark = [
    pytest.mark.browser,
    pytest.mark.xdist_group("browser"),
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: apt-get install chromium"),
]


@contextlib.contextmanager
def serving(path, page):
    """Serve a viewer from a thread; the page leaves it before it stops."""
    ready, box = threading.Event(), {}

    async def serve():
        box["stop"], box["loop"] = asyncio.Event(), asyncio.get_running_loop()
        with listen() as listening:
            async with serving_viewer(Library(path), listening) as url:
                box["url"] = url
                ready.set()
                await box["stop"].wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        assert ready.wait(PATIENCE_S)
        yield box["url"]
        page.goto("about:blank")
    finally:
        box["loop"].call_soon_threadsafe(box["stop"].set)
        thread.join(PATIENCE_S)


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as driver:
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield chromium
        chromium.close()


@pytest.fixture
def tab(browser):
    """A tab that fails its test at any error that its pages meet, and at any request elsewhere."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme="light")
    context.set_default_timeout(PATIENCE_S * 1000)
    page = context.new_page()
    faults = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda it: faults.append(it.text) if it.type == "error" else None)
    page.on(
        "request",
        lambda it: (
            None
            if it.url.startswith(("http://127.0.0.1:", "file:", "data:"))
            else faults.append(it.url)
        ),
    )
    yield page
    context.close()
    assert not faults, faults


def picture(page, name, *, is_whole=False):
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / f"{name}.png", full_page=is_whole)


def check_access(page):
    """Let axe look at the page: nothing serious may be wrong."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    found = axe.Axe().run(page).response["violations"]
    serious = [
        (it["id"], [node["html"][:160] for node in it["nodes"][:3]])
        for it in found
        if it["impact"] in ("serious", "critical")
    ]
    assert not serious, serious


def until(page, script, argument=None):
    """Wait until a script says true; Playwright's own way needs what the pages' policy forbids."""
    end = time.monotonic() + PATIENCE_S
    while True:
        with contextlib.suppress(playwright.Error):  # a page that is being left says nothing
            if page.evaluate(script, argument):
                return
        assert time.monotonic() < end, script
        page.wait_for_timeout(50)


def ready(page):
    page.wait_for_load_state("load")
    until(page, "document.documentElement.dataset.ready === 'yes'")


TASK = "shop__shop-0000"
PAGES = {
    "runs": "index.html",
    "run": "run/first/index.html",
    "rollout": f"run/first/rollout/{TASK}.policy.bash.1.html",
    "group": f"run/first/group/{TASK}.policy.bash.html",
    "task": f"run/first/task/{TASK}.html",
    "training": "run/train--rl/training.html",
    "templates": "templates.html",
    "compare": "compare.html?a=first&b=train--rl",
    "compare-choose": "compare.html",
    "missing": "run/first/rollout/none.html",
}


def test_every_page_in_light_dark_and_narrow_and_axe_finds_nothing_serious(roots, build, tab):
    build.run(roots, num=21)
    build.training(roots)
    tab.on("console", lambda _: None)
    with serving(roots, tab) as url:
        for name, address in PAGES.items():
            if name == "missing":
                continue
            tab.goto(f"{url}/{address}")
            if name in ("run", "rollout", "training"):
                ready(tab)
            for scheme in ("light", "dark"):
                tab.emulate_media(color_scheme=scheme)
                check_access(tab)
                picture(tab, f"{name}-{scheme}")
            tab.emulate_media(color_scheme="light")
            tab.set_viewport_size({"width": 390, "height": 800})
            wide = tab.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert wide <= 0, (name, wide)
            picture(tab, f"{name}-narrow")
            tab.set_viewport_size({"width": 1280, "height": 900})


def test_a_page_that_is_not_there_is_readable_too(roots, build, browser):
    build.run(roots, num=1)
    context = browser.new_context()
    page = context.new_page()
    with serving(roots, page) as url:
        page.goto(f"{url}/{PAGES['missing']}")
        assert page.locator("h1").inner_text() == "Not here"
        check_access(page)
    context.close()


def test_the_table_sorts_filters_searches_and_its_address_keeps_it(roots, build, tab):
    build.run(roots, num=30)
    with serving(roots, tab) as url:
        tab.goto(f"{url}/run/first/index.html")
        ready(tab)
        until(tab, "document.getElementById('shown').textContent === '30 rollouts'")
        tab.locator("#filter-outcome").select_option("solved")
        solved = int(tab.locator("#shown").inner_text().split()[0])
        assert 0 < solved < 30
        tab.locator("th[data-name=turns] button").click()
        assert tab.locator("th[data-name=turns]").get_attribute("aria-sort") == "descending"
        turns = tab.locator("tbody tr[data-row] td:nth-child(7)").all_inner_texts()
        assert turns == sorted(turns, reverse=True)
        tab.locator("#search").fill("shop-0000")
        shown = tab.locator("#shown").inner_text()
        tab.reload()
        ready(tab)
        assert tab.locator("#shown").inner_text() == shown
        assert tab.locator("#search").input_value() == "shop-0000"


def test_a_long_run_is_read_to_its_end_and_then_counted(roots, build, tab):
    build.run(roots, num=700)
    with serving(roots, tab) as url:
        tab.goto(f"{url}/run/first/index.html")
        until(tab, "document.getElementById('shown').textContent === '700 rollouts'")
        until(tab, "document.getElementById('num-finished').textContent === '700'")
        tab.locator("#search").fill("shop-0001")
        assert 0 < int(tab.locator("#shown").inner_text().split()[0]) < 700


def test_keys_walk_through_rows_rollouts_and_views(roots, build, tab):
    build.run(roots, num=12)
    with serving(roots, tab) as url:
        tab.goto(f"{url}/index.html")
        tab.keyboard.press("j")
        tab.keyboard.press("Enter")
        tab.wait_for_url("**/run/first/index.html*")
        ready(tab)
        tab.keyboard.press("?")
        tab.locator("#keys").wait_for()
        picture(tab, "keys")
        tab.keyboard.press("Escape")
        tab.locator("#keys").wait_for(state="hidden")
        for _ in range(3):
            tab.keyboard.press("j")
        tab.keyboard.press("k")
        second = tab.locator("tr.current a").inner_text()
        tab.keyboard.press("Enter")
        tab.wait_for_url("**/rollout/*")
        ready(tab)
        assert tab.locator("h1").inner_text() == second
        tab.keyboard.press("ArrowRight")
        until(tab, "first => document.querySelector('h1').textContent !== first", second)
        ready(tab)
        tab.keyboard.press("ArrowLeft")
        until(tab, "first => document.querySelector('h1').textContent === first", second)
        ready(tab)
        tab.keyboard.press("j")
        assert tab.locator(".turn.current").get_attribute("id") == "turn-1"
        tab.keyboard.press("2")
        tab.locator("#turn-1 .raw").wait_for()
        tab.keyboard.press("1")
        tab.locator("#turn-1 .read").wait_for()
        tab.keyboard.press("/")
        tab.keyboard.press("Escape")
        tab.wait_for_url("**/run/first/index.html*")


def test_the_theme_is_turned_and_kept(roots, build, tab):
    build.run(roots, num=1)
    with serving(roots, tab) as url:
        tab.goto(f"{url}/index.html")
        light = tab.evaluate("getComputedStyle(document.body).backgroundColor")
        tab.keyboard.press("d")
        tab.keyboard.press("d")
        assert tab.locator("html").get_attribute("data-theme") == "dark"
        tab.reload()
        assert tab.evaluate("getComputedStyle(document.body).backgroundColor") != light
        assert tab.locator("#theme").inner_text() == "Dark"


def test_a_rollout_shows_everything_in_its_order(roots, build, tab):
    build.run(roots, num=4)
    with serving(roots, tab) as url:
        tab.goto(f"{url}/run/first/rollout/shop__shop-0001.policy.bash.0.html")
        ready(tab)
        order = tab.locator("section[id]").evaluate_all("found => found.map(it => it.id)")
        assert order == ["statement", "turns", "patch", "tests", "reward", "guard"]
        assert tab.locator("#turns .turn").count() == 3
        assert "refused: attempted_upstream_fetch" in tab.locator("#turn-3").inner_text()
        assert "Format error, wrong_type" in tab.locator("#turn-3").inner_text()
        assert tab.locator("#patch tr.add").count() == 1
        assert tab.locator("#patch tr.del").count() == 1
        assert "must be mended" in tab.locator("#tests").inner_text()
        assert "outcome" in tab.locator("#reward").inner_text()
        assert tab.locator("#guard tbody tr").count() == 3
        tab.goto(f"{tab.url}#turn-2")
        tab.locator("#turn-2").wait_for()


def test_tokens_show_mask_logprob_advantage_and_version(roots, build, tab):
    run = build.run(roots, num=9)
    words = {f"w{at}": at for at in range(200)}
    (run / "tokenizer.json").write_text(json.dumps({"model": {"vocab": words}}))
    with serving(roots, tab) as url:
        tab.goto(f"{url}/run/first/rollout/{TASK}.policy.bash.0.html#view=tokens")
        ready(tab)
        tab.locator("#turn-1 .token").first.wait_for()
        assert tab.locator("#turn-1 .token.is-given.is-masked").count() == 20
        assert tab.locator("#turn-1 .token.is-drawn.is-trained").count() == 12
        tab.locator("#turn-1 .token.is-drawn").nth(2).click()
        detail = tab.locator("#token-detail").inner_text()
        for part in (
            "“w103”",
            "id 103",
            "in the loss",
            "log-probability -0.800",
            "advantage ",
            "policy step-1",
        ):
            assert part in detail, detail
        tab.keyboard.press("ArrowRight")
        assert "id 104" in tab.locator("#token-detail").inner_text()
        for shade in ("mask", "advantage", "version"):
            tab.locator("#shade").select_option(shade)
            until(tab, "by => document.querySelector('#turn-1 .tokens').dataset.by === by", shade)
        check_access(tab)
        picture(tab, "tokens")
        tab.keyboard.press("2")
        tab.locator("#turn-1 .raw .key").wait_for()
        assert "written by the model" in tab.locator("#turn-1 .raw").inner_text()
        picture(tab, "raw")


def test_a_group_says_where_its_rollouts_part(roots, build, tab):
    build.run(roots, num=9)
    with serving(roots, tab) as url:
        tab.goto(f"{url}/run/first/group/{TASK}.policy.bash.html")
        assert "They part at turn 3" in tab.locator(".lead").inner_text()
        assert tab.locator("#line-1 .letter").all_inner_texts() == ["A", "A", "A"]
        assert len(set(tab.locator("#line-3 .letter").all_inner_texts())) == 3


def test_news_come_without_a_reload(roots, build, tab):
    taskset = build.taskset(roots / ".t")
    with (
        build.open(roots, "first", taskset=taskset, num_expected=40) as run,
        serving(roots, tab) as url,
    ):
        tab.goto(f"{url}/run/first/index.html")
        ready(tab)
        tab.evaluate("window.stayed = true")
        run.append(
            "events",
            {
                "kind": "stage_started",
                "at": 1.0,
                "rollout_id": "next.0",
                "stage": "rollout",
                "attempt": 1,
            },
        )
        tab.locator("#work li").first.wait_for()
        picture(tab, "live-working")
        for number in range(40):
            build.finish(run, build.rollout(number))
        until(tab, "document.querySelector('#num-finished').textContent === '40'")
        assert tab.locator("[data-count=solved]").inner_text() != "0"
        assert tab.evaluate("window.stayed")
        with open(run.path / "metrics.jsonl", "a") as file:
            file.write('{"step": 1, "loss": 2.5}\n')
        tab.goto(f"{url}/run/first/training.html")
        ready(tab)
        with open(run.path / "metrics.jsonl", "a") as file:
            file.write('{"step": 2, "loss": 2.0}\n')
        until(tab, "document.querySelector('#num-steps').textContent === '2'")


def test_ten_thousand_rows_are_drawn_as_few(roots, build, tab):
    build.run(roots, num=2_000)
    with serving(roots, tab) as url:
        tab.goto(f"{url}/run/first/index.html")
        ready(tab)
        assert tab.locator("#table tbody tr").count() < 80
        # Ready is when the first rows stand; the others make the table higher as they come.
        until(tab, "document.getElementById('shown').textContent === '2000 rollouts'")
        tab.locator("#table").evaluate("box => { box.scrollTop = box.scrollHeight; }")
        until(tab, "document.querySelector('#table tr[data-row=\"1999\"]') !== null")
        tab.locator("#search").fill("shop-0001")
        until(tab, "document.getElementById('shown').textContent !== '2000 rollouts'")
        assert tab.locator("#table tbody tr").count() < 80


def test_hostile_text_does_nothing(roots, build, tab):
    run = build.hostile(roots)
    with serving(roots, tab) as url:
        tab.goto(f"{url}/run/hostile/index.html")
        ready(tab)
        pages = tab.locator("#table tbody a").evaluate_all("found => found.map(it => it.href)")
        assert len(pages) == 2
        picture(tab, "hostile-run")
        for address in pages:
            tab.goto(address)
            ready(tab)
            if tab.locator(".turn").count():
                for key in ("2", "3", "1", "o"):
                    tab.keyboard.press(key)
                assert "⟨ESC⟩[2J" in tab.locator("#turn-1 .read").inner_text()
                assert "⟨U+202E⟩" in tab.locator("#turn-1 .read").inner_text()
                check_access(tab)
                picture(tab, "hostile-rollout")
            assert tab.locator("img").count() == 0
            assert tab.evaluate("typeof window.pwned") == "undefined"
        tab.goto(pages[0])
        whole = tab.locator("a[href*='/text/']").first.get_attribute("href")
        answer = tab.request.get(f"{url}/run/hostile/rollout/{whole}")
        assert answer.headers["content-type"].startswith("text/plain")
    assert not (run / "pwned").exists()


def test_the_static_export_opens_from_a_disk(roots, build, tab, tmp_path):
    run = build.run(roots, num=9)
    with open(run / "metrics.jsonl", "w") as file:
        file.write('{"step": 1, "loss": 2.5}\n{"step": 2, "loss": 2.0}\n')
    export_site(Library(run), tmp_path / "site")
    tab.goto((tmp_path / "site/index.html").as_uri())
    tab.wait_for_url("**/run/first/index.html")
    ready(tab)
    assert tab.locator("#shown").inner_text() == "9 rollouts"
    tab.keyboard.press("j")
    tab.keyboard.press("Enter")
    tab.wait_for_url("**/rollout/*.html")
    ready(tab)
    tab.keyboard.press("3")
    tab.locator("#turn-1 .token").first.wait_for()
    picture(tab, "static-export")
    tab.keyboard.press("Escape")
    tab.wait_for_url("**/run/first/index.html*")
    tab.goto((tmp_path / "site/run/first/training.html").as_uri())
    ready(tab)
    assert tab.locator("#charts svg").count() > 0
