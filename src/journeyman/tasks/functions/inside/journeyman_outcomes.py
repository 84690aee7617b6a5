"""What a call gives, as one text: equal results give equal texts, on any machine and in any process.

Runs inside sandboxes and stands at the top of the tests that are made. Only plain values have a text.
"""

import signal

MOST_ITEMS = 1000
MOST_DEPTH = 20
CALL_S = 5


class Untold(Exception):
    """The value has no text."""


def tell(value, depth=0):
    if depth > MOST_DEPTH:
        raise Untold("nested too deeply")
    if value is None or type(value) in (bool, int, str, bytes):
        return repr(value)
    if type(value) in (float, complex):
        return repr(rounded(value))
    if type(value) is dict:
        pairs = [tell(key, depth + 1) + ": " + tell(value[key], depth + 1) for key in value]
        return "{" + ", ".join(sorted(pairs)) + "}"
    name = type(value).__name__
    if type(value) in (list, tuple):
        return name + "[" + ", ".join(tell(item, depth + 1) for item in value) + "]"
    if type(value) in (set, frozenset):
        return name + "[" + ", ".join(sorted(tell(item, depth + 1) for item in value)) + "]"
    if hasattr(value, "__next__"):
        return "iterator[" + ", ".join(tell(item, depth + 1) for item in first_of(value)) + "]"
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return name + "[" + ", ".join(tell(item, depth + 1) for item in value) + "]"
    if isinstance(value, dict) and type(value).__module__ == "collections":
        return name + tell(dict(value), depth + 1)
    raise Untold(name)


def rounded(number):
    """Sums in another order differ in the last digits."""
    if isinstance(number, complex):
        return complex(rounded(number.real), rounded(number.imag))
    if number != number:
        raise Untold("not a number")
    return float("%.10g" % number)


def first_of(iterator):
    items = []
    for item in iterator:
        items.append(item)
        if len(items) > MOST_ITEMS:
            raise Untold("an iterator without end")
    return items


class TooSlow(BaseException):
    """A call that does not end; no `except Exception` of the code under test holds it up."""


def outcome_of(scope, setup, call):
    """Carry out a call in a copy of `scope` and tell what it gives or raises."""

    def interrupt(number, frame):
        raise TooSlow

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.alarm(CALL_S)
    try:
        own = dict(scope)
        exec(setup, own)
        return "gives " + tell(eval(call, own))
    except Untold as error:
        return "untold " + str(error)
    except TooSlow:
        return "untold too slow"
    except Exception as error:
        return "raises " + type(error).__name__
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
