"""What in a piece of Python reaches beyond computing: static rules on its syntax tree.

Runs inside sandboxes and stands in the tests that are made: an answer may do what the original does,
and nothing of this kind beside it.
"""

import ast

RISKY_NAMES = frozenset(
    "eval exec compile open input breakpoint __import__ globals locals vars __builtins__".split()
)
RISKY_MODULES = frozenset(
    "subprocess socket ssl http urllib requests ftplib smtplib telnetlib ctypes cffi multiprocessing "
    "pty shutil tempfile pickle marshal shelve dill importlib runpy inspect gc traceback builtins "
    "_posixsubprocess signal webbrowser asyncio pathlib glob fileinput unittest pytest _pytest".split()
)
HARMLESS_OF_RISKY = {"os": frozenset("path sep linesep fspath altsep pathsep".split())}
RISKY_ATTRIBUTES = frozenset(
    "__globals__ __code__ __closure__ __subclasses__ __bases__ __mro__ __builtins__ __loader__ "
    "__spec__ f_back f_globals f_locals gi_frame tb_frame _getframe modules settrace setprofile".split()
)


def find_risks(text):
    """Return what is risky in a file, as short names, sorted; the text must be Python."""
    found = set()
    for node in ast.walk(ast.parse(text)):
        found.update(risks_of(node))
    return sorted(found)


def risks_of(node):
    if isinstance(node, ast.Name) and node.id in RISKY_NAMES:
        yield node.id
    elif isinstance(node, ast.Import):
        for alias in node.names:
            yield from risks_of_module(alias.name)
    elif isinstance(node, ast.ImportFrom) and not node.level:
        module = node.module or ""
        if module in HARMLESS_OF_RISKY:
            for alias in node.names:
                if alias.name not in HARMLESS_OF_RISKY[module]:
                    yield module + "." + alias.name
        else:
            yield from risks_of_module(module)
    elif isinstance(node, ast.Attribute):
        owner = node.value.id if isinstance(node.value, ast.Name) else ""
        if node.attr in RISKY_ATTRIBUTES:
            yield node.attr
        elif owner in HARMLESS_OF_RISKY and node.attr not in HARMLESS_OF_RISKY[owner]:
            yield owner + "." + node.attr
    elif isinstance(node, ast.Constant) and node.value in RISKY_ATTRIBUTES:
        yield node.value


def risks_of_module(name):
    if name.split(".")[0] in RISKY_MODULES:
        yield "import " + name.split(".")[0]
