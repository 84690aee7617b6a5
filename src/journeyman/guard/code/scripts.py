"""Reads code of JavaScript, Perl, Ruby, PHP, Lua, AWK, R, Go, … by its tokens.

There is no parser of each: text literals, their concatenations, variables and the usual decoders are
folded, and a table says which calls run commands, reach the network, write or remove files.
"""

from __future__ import annotations

import re

from journeyman.guard.code.folding import Folder, arguments_at
from journeyman.guard.holes import OPAQUE, UNKNOWN, is_opaque, shown, without_holes
from journeyman.guard.offence import Label
from journeyman.guard.rules.reach import find_urls, is_loopback
from journeyman.guard.shell.machine import Invocation, Machine

__all__ = ["judge_script"]

_SHELL = re.compile(
    r"\b(?:child_process\.)?(?:execSync|exec|spawnSync|spawn|execFileSync|execFile|execa(?:Sync)?|shell_exec|passthru|"
    r"proc_open|popen|system|syscall|shellout|os\.execute|io\.popen|Open3\.\w+|IO\.popen|Kernel\.(?:system|exec)|"
    r"Runtime\.getRuntime\(\)\.exec|ProcessBuilder|exec\.Command|Command::new|system2|Deno\.run|Deno\.Command|Bun\.spawn(?:Sync)?|"
    r"Process\.(?:run|spawn|Start)|System\.(?:cmd|shell)|Port\.open|run|Shell\.exec|subprocess\.\w+|os\.(?:system|popen)|Proc::Async\.new|qqx|shell)\s*(?=\()"
)
_SHELL_BARE = re.compile(
    r"\b(?:system|exec|qx|sh|spawn|callCommand|shell-command)\s+(?=\x01)|\$\s*(?=`)|%x(?=[{(\[|!])|\bqx(?=[{(\[|!/])"
)
_BACKTICKS = re.compile(r"`((?:\\.|[^`\\])*)`", re.S)
_NETWORK = re.compile(
    r"\bfetch\s*\(|\bhttps?\s*\.\s*(?:get|request)\b|\baxios\b|\bgot\b|\bnode-fetch\b|\bundici\b|\brequest\s*\(|superagent|"
    r"\bnet\.(?:connect|createConnection|Dial|Socket)|tls\.connect|http2\.connect|XMLHttpRequest|\bWebSocket\b|"
    r"url-(?:copy-file|retrieve\w*|insert-file\S*)|drakma|dex:get|simpleHTTP|HTTPoison|:httpc|"
    r"\bojo\b|LWP|HTTP::Tiny|IO::Socket|\bNet::|WWW::Mechanize|Mojo::UserAgent|\bgetstore\b|\bgetprint\b|"
    r"open-uri|URI\.open|URI\([^)]*\)\.(?:open|read)|Net::HTTP|Faraday|HTTParty|RestClient|TCPSocket|TCPSocket\.\w+|"
    r"file_get_contents|curl_init|curl_exec|fsockopen|\bfopen\s*\(|stream_socket_client|\breadfile\s*\(|\bcopy\s*\(|Guzzle|\bget_headers\b|"
    r"http\.(?:Get|Post|NewRequest|Head)|reqwest|\bureq\b|hyper::|TcpStream|socket\.http|ssl\.https|socket\.tcp|"
    r"/inet/(?:tcp|udp)|Deno\.connect|HttpClient|openStream|download\.file|\burl\s*\(|httr::|\bGET\s*\(|readLines|"
    r"HttpURLConnection|Jsoup|WebClient|Invoke-(?:WebRequest|RestMethod)|\biwr\b|\birm\b|urllib|requests\.|httpx|socket\.|"
    r"install\.packages|install_github|devtools|remotes::|Pkg\.(?:add|clone|develop)|HTTP\.get|download\(|simple-git|isomorphic-git|"
    r"octokit|nodegit|Rugged|Git\.clone|git\.PlainClone|git2::|package:http|import\s*\(|from\s+['\"]https?:|puppeteer|page\.goto|"
    r"require\(\s*['\"](?:node:)?(?:https?|net|tls|http2)['\"]|socket\(|gethostbyname|\btcp_connect\b|source\s*\(|source_url|tcl::http|http::geturl|simplexml_load_file|\bcpan\b|CPAN"
)
_WRITE = re.compile(
    r"\b(?:writeFileSync|writeFile|appendFileSync|appendFile|File\.write|IO\.write|file_put_contents|Deno\.writeTextFile(?:Sync)?|"
    r"os\.WriteFile|ioutil\.WriteFile|writeLines|Bun\.write|fs::write)\s*(?=\()"
)
_REMOVE = re.compile(
    r"\b(?:unlinkSync|unlink|rmSync|rmdirSync|rm|FileUtils\.rm(?:_rf|_r|_f)?|File\.delete|os\.(?:Remove|RemoveAll|remove)|file\.remove|Deno\.remove(?:Sync)?|"
    r"fs::remove_\w+)\s*(?=\()"
)
_READ = re.compile(
    r"\b(?:readFileSync|readFile|readdirSync|File\.read|IO\.read|Dir\.(?:glob|entries|children)|file_get_contents|"
    r"os\.(?:ReadFile|ReadDir)|io\.open|Deno\.readTextFile(?:Sync)?|open|createReadStream|scandir|glob)\s*(?=\()"
)
_EVAL = re.compile(
    r"\b(?:eval|Function|instance_eval|loadstring|load|vm\.runInThisContext|assert)\s*(?=\()"
)
_EVAL_BARE = re.compile(r"\beval\s+(?!\()")
_TRANSFORMS = re.compile(
    r"\b(?:reverse|unpack|pack|decode\w*|atob|fromCharCode|chr|tr|rot13|strrev|b64\w*|inflate|unescape|charCodeAt)\b"
)
_CLIENT = re.compile(
    r"\s*(?:sudo\s+)?(?:git|curl|wget|gh|hub|svn|hg|pip3?|npm|uv|ssh|scp|rsync|nc|docker)\s+\S"
)
_PRINTS = re.compile(
    r"\b(?:console\.\w+|print\w*|puts|echo|say|p|cat|format|write\w*|log\w*|assert\w*|expect|describe|it|test|throw|raise|"
    r"die|warn|=~|==|match|include\w*|message|error|label|name|help|usage|description)\b[^;]*$|[=!]=[^;]*$|^\s*(?://|#|\*)"
)
_COMMENTS = {
    "node": r"//[^\n\"'`]*$",
    "perl": r"^\s*#[^\n]*$",
    "ruby": r"^\s*#[^\n]*$",
    "php": r"^\s*(?://|#)[^\n]*$",
    "awk": r"^\s*#[^\n]*$",
}


def judge_script(
    machine: Machine, language: str, text: str, *, stdin: str = "", argv: tuple[str, ...] = ()
) -> str:
    """Report what code of another language would do; return what it prints where that is plain."""
    text = re.sub(_COMMENTS.get(language, r"^\s*#[^\n]*$"), "", text, flags=re.M)
    if not text.strip():
        return ""
    if is_opaque(text):
        machine.report(Label.HIDDEN_COMMAND, f"{language}: encoded code")
        return UNKNOWN
    folder = Folder(text, language, argv)
    _run_commands(machine, folder, language)
    _change_files(machine, folder)
    _run_code(machine, folder, language)
    _reach(machine, folder)
    return _printed(folder, language)


def _run_commands(machine: Machine, folder: Folder, language: str) -> None:
    for match in _SHELL.finditer(folder.code):
        if _is_method_of_pattern(folder.code, match):
            continue
        _run_values(
            machine, [folder.fold(it) for it in arguments_at(folder.code, match.end())], folder
        )
    for match in _SHELL_BARE.finditer(folder.code):
        rest = folder.code[match.end() :]
        if rest[:1] in "{([|!/" and match[0].startswith(("%x", "qx")):
            closer = {"{": "}", "(": ")", "[": "]"}.get(rest[0], rest[0])
            body = folder.restored(rest[1:].partition(closer)[0])
            _run_values(machine, [folder.interpolated(body)], folder)
        else:
            statement = re.split(r"[;\n}]", rest, maxsplit=1)[0]
            _run_values(machine, [folder.fold(it) for it in statement.split(",")], folder)
    if language in ("perl", "ruby", "php"):
        for body in _BACKTICKS.findall(folder.original):
            _run_values(machine, [folder.interpolated(body)], folder)
    _run_constants(machine, folder)
    for match in re.finditer(r"\bCommand::new|\bProcessBuilder|Deno\.Command", folder.code):
        chain = re.split(r";|\n\s*\n", folder.code[match.end() :], maxsplit=1)[0]
        words = [folder.fold(it) for it in re.findall(r"\x01\d+\x01", chain)]
        _run_values(machine, words, folder)
    if language == "tcl":
        for line in re.findall(
            r"(?:^|[;\[{\n])\s*(?:exec|spawn|open\s+\|)\s*([^\]\n;}]+)", folder.original
        ):
            machine.run(line.strip('"{}'))
    if language == "awk":
        for match in re.finditer(
            r"((?:\"\x00?\d*\x00?\"|[\w.\s\x00\x01]+))\s*\|\s*(?:&\s*)?getline|\|\s*(?=[\"\x01\w])",
            folder.code,
        ):
            text = (
                folder.fold(match[1])
                if match[1]
                else folder.fold(re.split(r"[;}\n]", folder.code[match.end() :], maxsplit=1)[0])
            )
            _run_values(machine, [text], folder)


def _run_constants(machine: Machine, folder: Folder) -> None:
    """Run each constant that is a command of a client, unless it is only printed.

    Whatever the language calls what runs commands, the command stands in a constant.
    """
    for number, text in enumerate(folder.constants()):
        if not _CLIENT.match(text) or len(text) > 2_000:
            continue
        mark = f"\x01{number}\x01"
        before = re.split(r"[;\n{}]", folder.code[: folder.code.find(mark)])[-1]
        if re.search(r"[=:]\s*$", before):
            # A variable or a field: what it is used for is looked at where it is used.
            continue
        if not _PRINTS.search(before) and re.search(r"\w", folder.code.replace(mark, "")):
            machine.run(text)


def _is_method_of_pattern(code: str, match: re.Match[str]) -> bool:
    """Say whether `exec` is JavaScript's method of a regular expression, or a definition."""
    before = code[max(0, match.start() - 12) : match.start()]
    return bool(
        re.search(r"(?:/\w*\.|function\s+|def\s+|func\s+|re\.|regex\.|pattern\.|->)$", before, re.I)
    )


def _run_values(machine: Machine, values: list[str], folder: Folder) -> None:
    words = [it for it in values if it.strip()]
    if not words:
        return
    if any(is_opaque(it) for it in words):
        machine.report(Label.HIDDEN_COMMAND, shown(" ".join(words)))
        return
    if len(words) == 1:
        machine.run(words[0])
    else:
        joined = [part for it in words for part in it.split("\x1f")]
        machine.call(Invocation(joined[0], tuple(joined[1:])))
        if joined[0] not in ("sh", "bash") and " " in words[0].strip():
            machine.run(words[0])


def _change_files(machine: Machine, folder: Folder) -> None:
    for match in _WRITE.finditer(folder.code):
        parts = [folder.fold(it) for it in arguments_at(folder.code, match.end())]
        if len(parts) >= 2 and without_holes(parts[0]):
            is_appended = "append" in match[0].lower()
            machine.write(parts[0], parts[1], is_appended=is_appended)
    for match in _REMOVE.finditer(folder.code):
        for part in arguments_at(folder.code, match.end())[:1]:
            if without_holes(path := folder.fold(part)):
                machine.remove(path)
    for match in _READ.finditer(folder.code):
        for part in arguments_at(folder.code, match.end())[:1]:
            path = folder.fold(part)
            if without_holes(path) and "://" not in path and "\n" not in path:
                machine.read(path)
    if re.search(r"\b(?:open|read\w*|File|Dir|glob|opendir|fs|slurp|cat)\b", folder.code):
        for text in folder.constants():
            if re.fullmatch(r"<?\s*(?:/[\w.*?-]+)+/?", text):
                machine.read(text.lstrip("< "))
    for match in re.finditer(r"\bopen\s*\(?([^;\n]*)", folder.code):
        parts = [folder.fold(it) for it in match[1].strip("()").split(",")]
        path = next((it for it in parts[-1:] if without_holes(it)), "")
        if len(parts) >= 3 and parts[1].strip() in (">", ">>", "+>") and path:
            machine.write(path, " ".join(folder.constants()), is_appended=parts[1].strip() == ">>")
        elif len(parts) >= 2 and re.fullmatch(r"[wa]\+?b?", parts[1].strip()):
            machine.write(
                parts[0], " ".join(folder.constants()), is_appended=parts[1].startswith("a")
            )


def _run_code(machine: Machine, folder: Folder, language: str) -> None:
    spots = [(it.end(), True) for it in _EVAL.finditer(folder.code)]
    spots += [(it.end(), False) for it in _EVAL_BARE.finditer(folder.code)]
    for end, is_call in spots:
        rest = (
            arguments_at(folder.code, end)
            if is_call
            else [re.split(r"[;\n}]", folder.code[end:], maxsplit=1)[0]]
        )
        for part in rest[:1]:
            inner = folder.fold(part)
            if is_opaque(inner):
                machine.report(Label.HIDDEN_COMMAND, f"{language}: eval of encoded code")
            elif without_holes(inner).strip() and len(inner) < len(folder.original):
                judge_script(machine, language, inner)


def _reach(machine: Machine, folder: Folder) -> None:
    if not _NETWORK.search(folder.original):
        return
    texts = folder.values()
    joined = " ".join(texts)
    urls = list(dict.fromkeys(url for it in texts for url in find_urls(it)))
    remote = [it for it in urls if not is_loopback(it)]
    for target in urls:
        machine.connect(target)
    hosts = [
        it
        for it in texts
        if re.fullmatch(r"[\w-]+(?:\.[\w-]+)+(?::\d+)?", it)
        and not re.search(r"\.(?:js|json|py|rb|txt|pl|php|ts|lua|so|html)$", it)
    ]
    for host in hosts:
        machine.connect(f"tcp://{host}", joined)
    if remote or (not urls and not any(map(is_loopback, hosts))):
        for text in texts:
            if machine.world.subject.is_upstream(text) or is_opaque(text):
                machine.connect(text, joined)
        for match in re.finditer(
            r"(?:install\.packages|Pkg\.\w+|CPAN\S*|install_github|install)\s*(?=\()", folder.code
        ):
            for part in arguments_at(folder.code, match.end())[:1]:
                if machine.world.subject.is_own_package(folder.fold(part)):
                    machine.report(Label.UPSTREAM_FETCH, shown(folder.original))


def _printed(folder: Folder, language: str) -> str:
    """Return what a program that only prints constants prints."""
    printer = re.compile(
        r"(?:console\.log|process\.stdout\.write|\bprint|\bputs|\becho|\bsay|printf)\s*(\(?)"
    )
    output = ""
    for match in printer.finditer(folder.code):
        if match[1]:
            parts = arguments_at(folder.code, match.end() - 1)
        else:
            parts = re.split(r"[;\n}]", folder.code[match.end() :], maxsplit=1)[0].split(",")
        output += " ".join(folder.fold(it) for it in parts) + "\n"
    if _TRANSFORMS.search(folder.code):
        # What it prints is made of its constants in a way that is not followed here.
        return OPAQUE
    return output if without_holes(output).strip() else UNKNOWN
