"""Caches of bounded size."""

import functools
from collections import OrderedDict


class LruCache:
    """A mapping that forgets what was used least recently once it holds more than `capacity`."""

    def __init__(self, capacity):
        if capacity < 1:
            raise ValueError("capacity must be at least 1")
        self.capacity = capacity
        self.num_hits = 0
        self.num_misses = 0
        self._items = OrderedDict()

    def __len__(self):
        return len(self._items)

    def __contains__(self, key):
        return key in self._items

    def get(self, key, default=None):
        """Return the value of `key` and mark it as used."""
        try:
            self._items.move_to_end(key)
        except KeyError:
            self.num_misses += 1
            return default
        self.num_hits += 1
        return self._items[key]

    def put(self, key, value):
        """Keep a value; return the key that was forgotten for it, or None."""
        self._items[key] = value
        self._items.move_to_end(key)
        if len(self._items) > self.capacity:
            forgotten, _ = self._items.popitem(last=False)
            return forgotten
        return None

    def discard(self, key):
        """Forget a key; True if it was there."""
        if key in self._items:
            del self._items[key]
            return True
        return False

    def keys(self):
        """Return the keys, the least recently used first."""
        return list(self._items)

    @property
    def hit_rate(self):
        """The part of all lookups that found something; 0.0 before the first."""
        lookups = self.num_hits + self.num_misses
        if lookups == 0:
            return 0.0
        return self.num_hits / lookups


def memoize(capacity=128):
    """Decorate a function so that results are kept by its positional arguments."""

    def decorate(function):
        cache = LruCache(capacity)
        missing = object()

        @functools.wraps(function)
        def wrapper(*arguments):
            found = cache.get(arguments, missing)
            if found is missing:
                found = function(*arguments)
                cache.put(arguments, found)
            return found

        wrapper.cache = cache
        return wrapper

    return decorate
