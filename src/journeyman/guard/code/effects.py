"""What calls of Python libraries do: run commands, write and read files, reach the network."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Any

from journeyman.guard.code.values import EditedText, File, Name, PathText, strings_in, text_of
from journeyman.guard.holes import UNKNOWN, is_known, is_opaque, shown
from journeyman.guard.offence import Label
from journeyman.guard.rules.content import is_weakening
from journeyman.guard.rules.read import is_wide
from journeyman.guard.rules.startup import FileKind, kind_of
from journeyman.guard.shell.machine import Invocation
from journeyman.guard.texts import words

if TYPE_CHECKING:
    from journeyman.guard.code.python import PythonReader

__all__ = ["NETWORK_MODULES", "apply_call"]

Args = list[Any]
Keywords = dict[str, Any]

NETWORK_MODULES = words(
    "requests urllib urllib2 urllib3 httplib httplib2 httpx aiohttp ftplib telnetlib pycurl "
    "curl_cffi wget paramiko fabric git dulwich pygit2 github github3 gitlab ghapi xmlrpc "
    "websocket websockets treq asks cloudscraper mechanize selenium playwright pyppeteer "
    "scrapy datasets huggingface_hub kaggle boto3 botocore s3fs gcsfs fsspec smart_open pooch "
    "gdown docker micropip requests_html grequests niquests tls_client primp urlgrabber "
    "torchvision webbrowser mercurial svn hglib asyncssh"
)
_NETWORK = re.compile(
    r"^(?:http\.client|torch\.hub|tornado\.httpclient|google\.cloud|googleapiclient|asyncio\.open_connection|"
    r"distutils\.download|setuptools\.package_index|pandas\.read_\w+|pd\.read_\w+|numpy\.DataSource|np\.DataSource|"
    r"imageio\.\w+|skimage\.io|joblib\.load|xml\.etree|lxml\.\w+\.parse|polars\.(?:read|scan)_\w+|yarl|"
    r"tensorflow\.keras\.utils\.get_file|importlib\.resources)\b"
)
_HARMLESS = re.compile(
    r"^(?:urllib\.parse|requests\.(?:exceptions|structures|models|adapters|utils|codes|compat)|urllib\.error|"
    r"requests\.(?:Session|session)$|urllib3\.util|urllib3\.exceptions|git\.exc|urllib\.response|httpx\.(?:Client|AsyncClient)$)"
)
_LOW_LEVEL = re.compile(
    r"^(?:socket|ssl|http\.client|httplib|telnetlib|asyncio\.open_connection|websockets?)\b"
)
_SHELL = re.compile(
    r"^(?:os\.(?:system|popen|popen[234])|commands\.get\w*output|subprocess\.get(?:status)?output|popen2\.\w+|"
    r"asyncio\.create_subprocess_shell|asyncio\.subprocess\.create_subprocess_shell|pexpect\.(?:spawn|run)\w*|"
    r"invoke\.run|fabric\.local|get_ipython\(\)\.(?:system|getoutput))$"
)
_ARGV = re.compile(
    r"^(?:subprocess\.(?:run|call|check_call|check_output|Popen)|pty\.spawn|asyncio\.create_subprocess_exec|"
    r"os\.(?:exec|spawn|posix_spawn)\w*|plumbum\.\w+|anyio\.run_process|trio\.run_process|delegator\.run|sarge\.run)$"
)
_POOLED = (
    "map",
    "submit",
    "imap",
    "imap_unordered",
    "apply_async",
    "run_in_executor",
    "to_thread",
    "starmap",
)
_WRITERS = {"write_text", "write_bytes", "write", "writelines"}
_REMOVERS = re.compile(
    r"^(?:os\.(?:remove|unlink|rmdir|removedirs|truncate)|shutil\.rmtree|<PathText>\.(?:unlink|rmdir))$"
)
_READERS = re.compile(
    r"^(?:os\.(?:listdir|scandir|walk|stat|readlink)|glob\.i?glob|linecache\.getlines?|shutil\.disk_usage|"
    r"<PathText>\.(?:read_text|read_bytes|iterdir|glob|rglob|stat)|numpy\.load|np\.load)$"
)


def apply_call(reader: PythonReader, dotted: str, args: Args, keywords: Keywords) -> Any:
    """Look at one call and return its value; a call that is not known is known by its name alone."""
    for effect in (_code, _command, _file, _move, _package_manager, _network):
        result = effect(reader, dotted, args, keywords)
        if result is not None:
            return result
    if dotted == "print":
        reader.output += " ".join(text_of(it) for it in args) + "\n"
        return UNKNOWN
    if dotted == "sys.stdout.write" and args:
        reader.output += text_of(args[0])
        return UNKNOWN
    if dotted in ("sys.stdin.read", "input", "sys.stdin.buffer.read"):
        return reader.stdin or UNKNOWN
    return Name(f"{dotted}()")


def _code(reader: PythonReader, dotted: str, args: Args, keywords: Keywords) -> Any:
    if dotted in ("vars", "builtins.vars") and args and isinstance(args[0], Name):
        return Name(f"{args[0].dotted}.__dict__")
    is_load = re.match(r"^(?:c?[pP]ickle|marshal|dill|cloudpickle)\.loads?$", dotted)
    if is_load and args and strings_in(args[0]) and is_known("".join(strings_in(args[0]))):
        reader.machine.report(Label.HIDDEN_COMMAND, f"{dotted} of a constant")
    if dotted in ("os.getenv", "os.environ.get") and args:
        return reader.variable(text_of(args[0])) or (args[1] if args[1:] else UNKNOWN)
    if (
        dotted in ("exec", "eval", "builtins.exec", "builtins.eval", "compile", "runpy.run_string")
        and args
    ):
        text = text_of(args[0])
        if is_opaque(text):
            reader.machine.report(Label.HIDDEN_COMMAND, f"{dotted} of encoded code")
        reader.run_text(text)
        return UNKNOWN if dotted != "compile" else args[0]
    if dotted in ("runpy.run_path", "execfile") and args:
        reader.run_text(reader.machine.read(text_of(args[0])))
        return UNKNOWN
    if dotted in ("__import__", "importlib.import_module", "builtins.__import__") and args:
        return Name(text_of(args[0]))
    if dotted in ("getattr", "builtins.getattr") and len(args) >= 2:
        if isinstance(args[0], Name):
            return Name(f"{args[0].dotted}.{text_of(args[1])}")
        return UNKNOWN
    last = dotted.rpartition(".")[2]
    if last in _POOLED and args and isinstance(args[0], Name | ast.AST):
        items = args[1] if len(args) > 1 and isinstance(args[1], list) and "map" in last else None
        calls = [[it] for it in items] if items is not None else [args[1:]]
        return [reader.call(args[0], list(it), {}) for it in calls[:64]]
    if isinstance(keywords.get("target"), Name | ast.AST):
        given = keywords.get("args", [])
        return reader.call(keywords["target"], list(given) if isinstance(given, list) else [], {})
    if dotted in ("os.environ.__setitem__", "os.putenv", "os.environ.setdefault"):
        reader.machine.parameters.set(text_of(args[0]), text_of(args[1]) if args[1:] else "")
        return UNKNOWN
    if (
        dotted
        in ("functools.partial", "threading.Thread", "asyncio.run", "concurrent.futures.submit")
        and args
    ):
        return (
            reader.call(args[0], args[1:], {}) if isinstance(args[0], Name | ast.AST) else args[0]
        )
    return None


def _command(reader: PythonReader, dotted: str, args: Args, keywords: Keywords) -> Any:
    machine = reader.machine
    if _SHELL.match(dotted) and args:
        text = text_of(args[0])
        if is_opaque(text):
            machine.report(Label.HIDDEN_COMMAND, f"{dotted}({shown(text)})")
        return machine.run(text) or UNKNOWN
    if _ARGV.match(dotted):
        return _argv(reader, dotted, args, keywords)
    if (
        dotted.rpartition(".")[2] in ("system", "popen", "getoutput")
        and args[:1]
        and strings_in(args[0])
    ):
        return machine.run(text_of(args[0])) or UNKNOWN
    if match := re.match(r"^(?:sh|plumbum\.cmd)\.(\w+)(?:\.(\w+))?$", dotted):
        words = [it for it in (match[2], *map(text_of, args)) if it]
        return machine.call(Invocation(match[1].replace("_", "-"), tuple(words)))
    return None


def _argv(reader: PythonReader, dotted: str, args: Args, keywords: Keywords) -> Any:
    given = args[0] if args else keywords.get("args", [])
    stdin = text_of(keywords.get("input", ""))
    if dotted.startswith("os."):
        rest = args[1:] if not dotted.startswith("os.spawn") else args[2:]
        given = rest[0] if rest and isinstance(rest[0], list) else rest
    if dotted == "asyncio.create_subprocess_exec":
        given = args
    if isinstance(given, list) and given:
        words = [text_of(it) for it in given]
        if keywords.get("shell") is True:
            return reader.machine.run(words[0], words=words[1:]) or UNKNOWN
        return reader.machine.call(Invocation(words[0], tuple(words[1:]), stdin)) or UNKNOWN
    if isinstance(given, str):
        if is_opaque(given):
            reader.machine.report(Label.HIDDEN_COMMAND, f"{dotted}({shown(given)})")
        return reader.machine.run(given, stdin=stdin) or UNKNOWN
    return UNKNOWN


def _file(reader: PythonReader, dotted: str, args: Args, keywords: Keywords) -> Any:
    machine = reader.machine
    if dotted in ("open", "io.open", "codecs.open", "builtins.open", "<PathText>.open") and args:
        path, mode = text_of(args[0]), text_of(args[1]) if len(args) > 1 else ""
        mode = text_of(keywords.get("mode", mode or "r"))
        if "w" in mode:
            reader.emptied[path] = None
        elif "r" in mode and "+" not in mode:
            machine.read(path)
        return File(path, mode)
    if dotted.startswith("<File>."):
        return _open_file(reader, args[0], dotted.rpartition(".")[2], args[1:])
    if dotted in ("<PathText>.write_text", "<PathText>.write_bytes"):
        _write(reader, args[0], args[1] if len(args) > 1 else keywords.get("data", UNKNOWN))
        return UNKNOWN
    if (
        dotted in ("json.dump", "pickle.dump", "yaml.dump")
        and len(args) > 1
        and isinstance(args[1], File)
    ):
        reader.emptied.pop(args[1].path, None)
        machine.write(
            args[1].path, " ".join(strings_in(args[0])) or f"{UNKNOWN}{' '.join(reader.assigned)}"
        )
        return UNKNOWN
    if _REMOVERS.match(dotted) and args:
        machine.remove(text_of(args[0]))
        return UNKNOWN
    if dotted.startswith("psutil") and dotted.endswith(("environ", "memory_maps")):
        machine.report(Label.OUTSIDE_READ, dotted)
    if _READERS.match(dotted) and args:
        path = text_of(args[0])
        is_deep = dotted in ("os.walk", "<PathText>.rglob") or "**" in " ".join(strings_in(args))
        if is_deep and is_wide(machine.world.resolve(path, machine.cwd)):
            machine.report(Label.HIDDEN_FILES, f"{dotted}({path})")
        text = machine.read(path)
        return [f"{path}{UNKNOWN}"] if "glob" in dotted else text
    if dotted.startswith("<PathText>."):
        return _path_method(dotted.rpartition(".")[2], args)
    return None


def _open_file(reader: PythonReader, file: File, method: str, args: Args) -> Any:
    machine = reader.machine
    if method in _WRITERS:
        text = args[0] if args else UNKNOWN
        is_first = file.path in reader.emptied
        reader.emptied.pop(file.path, None)
        _write(reader, file.path, text, is_appended=not is_first)
        return UNKNOWN
    if method == "truncate":
        machine.write(file.path, "")
        return UNKNOWN
    text = machine.world.read(machine.world.resolve(file.path, machine.cwd))
    return text.splitlines(keepends=True) if method == "readlines" else text


def _write(reader: PythonReader, path: str, value: Any, *, is_appended: bool = False) -> None:
    """Let a file get a value; an edit of a test's text that is not known is judged by the edit."""
    machine = reader.machine
    text = "".join(strings_in(value)) if not isinstance(value, Name) else UNKNOWN
    machine.write(path, text, is_appended=is_appended)
    is_test = kind_of(machine.world.resolve(path, machine.cwd)) is FileKind.TEST
    if is_test and isinstance(value, EditedText) and any(map(is_weakening, value.edit)):
        machine.report(Label.EDITED_TESTS, f"{path}: {' -> '.join(value.edit)}")


def _path_method(method: str, args: Args) -> Any:
    path = args[0]
    if method == "joinpath":
        return PathText("/".join(map(text_of, args)))
    if method in ("resolve", "absolute", "expanduser", "as_posix"):
        return path
    return UNKNOWN


def _move(reader: PythonReader, dotted: str, args: Args, keywords: Keywords) -> Any:
    machine = reader.machine
    movers = {"os.rename": "mv", "os.replace": "mv", "shutil.move": "mv", "<PathText>.rename": "mv"}
    movers |= {
        "<PathText>.replace": "mv",
        "os.symlink": "ln",
        "os.link": "ln",
        "os.mkfifo": "touch",
    }
    movers |= dict.fromkeys(
        ("shutil.copy", "shutil.copy2", "shutil.copyfile", "shutil.copytree"), "cp"
    )
    if dotted in movers and len(args) >= 2:
        return (
            machine.call(Invocation(movers[dotted], (text_of(args[0]), text_of(args[1]))))
            or UNKNOWN
        )
    if dotted in ("os.chmod", "<PathText>.chmod") and len(args) >= 2 and isinstance(args[1], int):
        machine.call(Invocation("chmod", (format(args[1], "03o"), text_of(args[0]))))
        return UNKNOWN
    if dotted == "<PathText>.touch":
        machine.call(Invocation("touch", (text_of(args[0]),)))
        return UNKNOWN
    return None


def _package_manager(reader: PythonReader, dotted: str, args: Args, keywords: Keywords) -> Any:
    words: list[str] = []
    if re.match(
        r"^(?:pip|conda|setuptools|pipx|poetry|uv)\b.*\b(?:main|run_command|pip_main|main_)$|^pip\.main$",
        dotted,
    ):
        words = (
            [text_of(it) for it in args[0]]
            if args and isinstance(args[0], list)
            else [text_of(it) for it in args]
        )
        if not words:
            words = [text_of(it) for it in reader.argv[1:]]
        return reader.machine.call(Invocation(dotted.partition(".")[0], tuple(words))) or UNKNOWN
    if dotted in ("runpy.run_module", "runpy._run_module_as_main") and args:
        words = [text_of(it) for it in reader.argv[1:]]
        return reader.machine.call(Invocation(text_of(args[0]), tuple(words))) or UNKNOWN
    if dotted.startswith("ensurepip"):
        return UNKNOWN
    return None


def _network(reader: PythonReader, dotted: str, args: Args, keywords: Keywords) -> Any:
    root = dotted.partition(".")[0].removesuffix("()")
    is_reaching = root in NETWORK_MODULES or _NETWORK.match(dotted) or _LOW_LEVEL.match(dotted)
    if not is_reaching or _HARMLESS.match(dotted):
        return None
    machine = reader.machine
    targets = strings_in(keywords.get("url", args[:1] if args else []))
    targets += [it for it in strings_in(args[1:]) if "://" in it or it.startswith("git@")]
    targets += strings_in(keywords.get("base_url", [])) + strings_in(keywords.get("repo", []))
    context = " ".join((*strings_in(args), *strings_in(keywords)))
    if _LOW_LEVEL.match(dotted):
        context = " ".join((context, *reader.constants))
    if dotted.split(".")[-1] in ("get", "post", "request", "stream", "head", "open") and args[1:]:
        targets += [it for it in strings_in(args[1:2]) if it]
    is_local_server = dotted.startswith("socket") and dotted.endswith(
        ("bind", "listen", "gethostname")
    )
    for target in targets if not is_local_server else []:
        if target.startswith("/") and dotted.startswith("socket"):
            machine.read(target)
        else:
            machine.connect(target, context)
    if root == "docker" or dotted.startswith("kubernetes"):
        machine.report(Label.OUTSIDE_READ, dotted)
    if root == "git" and any(it.startswith("--") for it in strings_in(args)):
        machine.call(
            Invocation("git", ("log", *[it for it in strings_in(args) if it.startswith("-")]))
        )
    last = dotted.rpartition(".")[2]
    if (
        root in ("git", "dulwich", "pygit2", "mercurial", "hglib")
        and last
        in (
            "fetch",
            "pull",
            "clone",
            "update",
            "ls_remote",
            "unshallow",
        )
        and not any(it.startswith((".", "/")) for it in targets)
    ):
        machine.report(Label.UPSTREAM_FETCH, f"{dotted}()")
    if root == "git" and ".git." in f"{dotted}.":
        words = [it for it in (last, *strings_in(args)) if it]
        machine.call(
            Invocation(
                "git", tuple(it.replace("_", "-") if i == 0 else it for i, it in enumerate(words))
            )
        )
    return Name(f"{dotted}()")
