"""The server's answers without a browser: headers, hosts, bad input, news, static export."""

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import urljoin

import pytest
from starlette.testclient import TestClient

from journeyman.errors import JourneymanError
from journeyman.gateway import listen
from journeyman.web import Library, export_site, make_app
from journeyman.web.news import follow
from journeyman.web.reading import RunReader

PROGRAM = Path(sys.executable).parent / "journeyman"


def _client(path):
    return TestClient(make_app(Library(path)), base_url="http://127.0.0.1:8400")


def _addresses(run):
    reader = RunReader(run)
    reader.refresh()
    for row in reader.rows:
        yield f"run/{reader.key}/rollout/{row[1] or row[0]}.html"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_every_page_answers_and_carries_the_policy(roots, build):
    run = build.run(roots)
    build.training(roots)
    client = _client(roots)
    task, group = "shop__shop-0000", "shop__shop-0000.policy.bash"
    for address in (
        "",
        "index.html",
        "templates.html",
        "compare.html",
        "compare.html?a=first&b=train--rl",
        "run/first/index.html",
        "run/train--rl/training.html",
        f"run/first/task/{task}.html",
        f"run/first/group/{group}.html",
        *_addresses(run),
    ):
        answer = client.get(f"/{address}")
        assert answer.status_code == 200, address
        assert "script-src 'self'" in answer.headers["content-security-policy"]
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert not re.search(
            r"\son\w+=|style=|<script(?![^>]*(src=|application/json))", answer.text
        )
    assert "16.00" not in answer.text


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_links_between_pages_lead_somewhere(roots, build):
    run = build.run(roots)
    client = _client(roots)
    seen, owed = set(), ["/index.html", *(f"/{it}" for it in _addresses(run))]
    while owed:
        address = owed.pop()
        answer = client.get(address)
        assert answer.status_code == 200, address
        for link in re.findall(r'(?:href|src)="([^"#?]+)', answer.text):
            whole = urljoin(f"http://127.0.0.1:8400{address}", link).removeprefix(
                "http://127.0.0.1:8400"
            )
            if whole not in seen:
                seen.add(whole)
                if whole.endswith(".html"):
                    owed.append(whole)
                else:
                    assert client.get(whole).status_code == 200, whole
    assert len(seen) > 20


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_only_this_machine_may_read_and_nobody_may_write(roots, build):
    build.run(roots, num=1)
    client = _client(roots)
    assert client.get("/", headers={"host": "evil.example"}).status_code == 403
    assert client.get("/", headers={"host": "127.0.0.1.evil.example:80"}).status_code == 403
    assert client.get("/", headers={"host": "localhost:99"}).status_code == 200
    assert client.get("/", headers={"host": "[::1]:99"}).status_code == 200
    assert client.post("/").status_code == 403


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_missing_page_says_where_to_go_on(roots, build):
    build.run(roots, num=1)
    client = _client(roots)
    for address in (
        "/x",
        "/run/none/index.html",
        "/run/first/rollout/none.html",
        "/run/first/what/x.html",
    ):
        answer = client.get(address)
        assert answer.status_code == 404
        assert "the runs</a>" in answer.text
    assert client.get("/static/../app.py").status_code == 404
    assert client.get("/run/first/rollout/..%2f..%2fconfig.toml.html").status_code == 404


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_record_of_another_version_and_a_broken_trajectory_still_have_a_page(roots, build):
    run = build.run(roots, num=1)
    name = build.rollout(0).rollout_id
    (run / "artifacts" / name / "trajectory.json").write_text('{"turns": 3}')
    with open(run / "rollouts.jsonl", "a") as file:
        file.write('{"rollout_id": "old.0", "ending": "gave_up", "instance_id": 7, "score": 2}\n')
    client = _client(roots)
    text = client.get(f"/run/first/rollout/{name}.html").text
    assert "trajectory.json cannot be read by this version" in text
    text = client.get("/run/first/rollout/old.0.html").text
    assert "another version" in text
    assert client.get("/run/first/index.html").status_code == 200


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_run_without_its_settings_says_so(roots, build):
    run = build.run(roots, num=2)
    for name in ("config.toml", "lock.json", "status.json", "command.txt"):
        (run / name).unlink()
    text = _client(roots).get("/run/first/index.html").text
    assert "no config.toml" in text


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_hostile_text_stays_text_on_every_page(roots, build):
    run = build.hostile(roots)
    client = _client(roots)
    reader = RunReader(run)
    reader.refresh()
    pages = ["/index.html", "/run/hostile/index.html", *(f"/{it}" for it in _addresses(run))]
    for kind, at in (("task", 2), ("group", 3)):
        from journeyman.web.reading.run import page_key

        pages += [f"/run/hostile/{kind}/{page_key(str(row[at]))}.html" for row in reader.rows]
    for address in pages:
        text = client.get(address).text
        assert "<script>window" not in text, address
        assert "<img" not in text, address
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202e\u200b]", text), address
    assert len(client.get(pages[2]).content) < 1_000_000


async def test_news_goes_on_from_where_the_page_was(roots, build):
    taskset = build.taskset(roots / ".t")
    with build.open(roots, "first", taskset=taskset, num_expected=3) as run:
        build.finish(run, build.rollout(0))
        reader = RunReader(run.path)
        reader.refresh()

        async def is_gone():
            return False

        news = follow(reader, "1:0", is_gone)
        assert (await anext(news)).startswith("retry")
        assert "event: live" in await anext(news)
        build.finish(run, build.rollout(1))
        async with asyncio.timeout(20):
            found = await anext(news)
            while "event: rows" not in found:
                found = await anext(news)
        assert found.startswith("id: 2:0")
        rows = json.loads(found.split("data: ")[1])
        assert [it[0] for it in rows] == [build.rollout(1).rollout_id]
        await news.aclose()


async def test_news_of_a_replaced_file_is_to_begin_anew(roots, build):
    run = build.run(roots)
    reader = RunReader(run)
    reader.refresh()

    async def is_gone():
        return False

    news = follow(reader, "99:0", is_gone)
    await anext(news)
    assert "event: anew" in await anext(news)
    await news.aclose()


def test_a_port_in_use_is_one_line_and_a_hint(roots, build, capsys):
    from journeyman.cli import main

    build.run(roots, num=1)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SystemExit) as caught:
            main(["view", str(roots), "--serve", "--port", str(port)])
    assert caught.value.code == 2
    said = capsys.readouterr().err
    assert f"cannot listen on 127.0.0.1:{port}" in said
    assert "hint: choose another --port" in said


def test_the_viewer_does_not_listen_to_the_world(roots, build):
    from journeyman.cli.view import view

    build.run(roots, num=1)
    with pytest.raises(JourneymanError, match="does not listen on"):
        view(roots, serve=True, host="0.0.0.0")


def test_view_serves_until_it_is_stopped_and_prints_text_where_there_is_no_terminal(roots, build):
    run = build.run(roots, num=2)
    done = subprocess.run(
        [PROGRAM, "view", run],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0
    assert build.rollout(0).rollout_id in done.stdout
    with subprocess.Popen(
        [PROGRAM, "view", run, "--serve", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as running:
        assert running.stdout.readline().startswith("http://127.0.0.1:")
        running.send_signal(signal.SIGINT)
        assert running.wait(30) == 0


def test_a_static_export_has_every_page_and_its_links_lead_somewhere(roots, build, tmp_path):
    run = build.run(roots)
    out = tmp_path / "site"
    count = export_site(Library(run), out)
    files = [it for it in out.rglob("*") if it.is_file()]
    assert len(files) == count
    for file in files:
        if file.suffix == ".html":
            for link in re.findall(r'(?:href|src)="([^"#?:]+)', file.read_text()):
                assert (file.parent / link).exists(), (file, link)
    with pytest.raises(JourneymanError, match="there already"):
        export_site(Library(run), out)


def test_an_export_of_several_runs_compares_each_pair(roots, build, tmp_path):
    for name in ("first", "second", "third"):
        build.run(roots, name)
    out = tmp_path / "site"
    export_site(Library(roots), out)
    pairs = sorted(it.relative_to(out).as_posix() for it in out.glob("compare/*/*.html"))
    assert len(pairs) == 3
    chosen = (out / "compare.html").read_text()
    assert all(f'href="{it}"' in chosen for it in pairs)
    for file in (out / "index.html", out / "compare.html", *out.glob("compare/*/*.html")):
        for link in re.findall(r'(?:href|src)="([^"#?:]+)', file.read_text()):
            assert (file.parent / link).exists(), (file, link)


def test_listening_twice_is_refused():
    with listen() as first, pytest.raises(JourneymanError):
        listen("127.0.0.1", first.getsockname()[1])


def test_what_is_shipped_needs_no_network():
    static = Path(sys.modules["journeyman.web"].__file__).parent / "static"
    for file in static.iterdir():
        text = file.read_text().replace("http://www.w3.org/2000/svg", "")
        assert "http" not in text, file
        assert "innerHTML" not in text, file


def test_every_branch_of_a_rollout_is_shown(roots, build):
    run = build.run(roots)
    client = _client(roots)
    address = next(it for it in _addresses(run) if "rollout" in it)
    name = Path(address).stem
    assert "Branch 1 of" not in client.get(f"/{address}").text
    first = json.loads((run / "artifacts" / name / "trajectory.json").read_text())
    num_turns = len(first["turns"])
    first["turns"][0]["message"]["content"] = "What the other conversation says."
    (run / "artifacts" / name / "trajectory-2.json").write_text(json.dumps(first))
    text = client.get(f"/{address}").text
    assert "Branch 1 of 2" in text
    assert text.index("Branch 2 of 2") < text.index("What the other conversation says.")
    assert f'id="turn-{2 * num_turns}"' in text
    assert f'id="turn-{2 * num_turns + 1}"' not in text
    (run / "artifacts" / name / "trajectory-2.json").write_text("{")
    text = client.get(f"/{address}").text
    assert "trajectory-2.json cannot be read" in text
    assert f'id="turn-{num_turns}"' in text


async def test_a_long_runs_page_holds_its_first_rows_and_the_news_bring_the_others(roots, build):
    run = build.run(roots, num=700)
    text = _client(roots).get("/run/first/index.html").text
    data = json.loads(re.search(r'id="data">(.*?)</script>', text, re.DOTALL)[1])
    assert (len(data["rows"]), data["num_rows"]) == (300, 700)
    assert 'id="num-finished">700<' in text
    reader = RunReader(run)
    rows = []

    async def stays():
        return False

    async for event in follow(reader, "300:0", stays):
        if "event: rows" in event:
            rows += json.loads(re.search(r"^data: (.*)$", event, re.MULTILINE)[1])
        if len(rows) >= 400:
            break
    assert len({row[0] for row in data["rows"]} | {row[0] for row in rows}) == 700
