import unittest

from pocketkit import LruCache, memoize


class Lru(unittest.TestCase):
    def setUp(self):
        self.cache = LruCache(2)

    def test_get_and_put(self):
        self.assertIsNone(self.cache.put("a", 1))
        self.assertEqual(self.cache.get("a"), 1)
        self.assertEqual(self.cache.get("b", 7), 7)
        self.assertIsNone(self.cache.get("b"))

    def test_the_least_recently_used_is_forgotten(self):
        self.cache.put("a", 1)
        self.cache.put("b", 2)
        self.cache.get("a")
        self.assertEqual(self.cache.put("c", 3), "b")
        self.assertEqual(self.cache.keys(), ["a", "c"])
        self.assertNotIn("b", self.cache)

    def test_putting_again_counts_as_use(self):
        self.cache.put("a", 1)
        self.cache.put("b", 2)
        self.cache.put("a", 3)
        self.assertEqual(self.cache.put("c", 4), "b")
        self.assertEqual(self.cache.get("a"), 3)

    def test_length(self):
        for key in "abc":
            self.cache.put(key, key)
        self.assertEqual(len(self.cache), 2)

    def test_discard(self):
        self.cache.put("a", 1)
        self.assertTrue(self.cache.discard("a"))
        self.assertFalse(self.cache.discard("a"))
        self.assertEqual(len(self.cache), 0)

    def test_hit_rate(self):
        self.assertEqual(self.cache.hit_rate, 0.0)
        self.cache.put("a", 1)
        self.cache.get("a")
        self.cache.get("a")
        self.cache.get("a")
        self.cache.get("b")
        self.assertEqual(self.cache.hit_rate, 0.75)
        self.assertEqual((self.cache.num_hits, self.cache.num_misses), (3, 1))

    def test_looking_is_no_use(self):
        self.cache.put("a", 1)
        self.assertIn("a", self.cache)
        self.assertEqual(self.cache.num_hits, 0)

    def test_capacity(self):
        with self.assertRaises(ValueError):
            LruCache(0)
        self.assertEqual(LruCache(1).capacity, 1)


class Memoize(unittest.TestCase):
    def test_each_is_computed_once(self):
        calls = []

        @memoize()
        def square(number):
            calls.append(number)
            return number * number

        self.assertEqual([square(2), square(3), square(2)], [4, 9, 4])
        self.assertEqual(calls, [2, 3])

    def test_none_is_a_result(self):
        calls = []

        @memoize()
        def nothing(number):
            calls.append(number)

        nothing(1)
        nothing(1)
        self.assertEqual(calls, [1])

    def test_capacity(self):
        @memoize(capacity=1)
        def double(number):
            """Twice the number."""
            return 2 * number

        double(1)
        double(2)
        self.assertEqual(double.cache.keys(), [(2,)])
        self.assertEqual(double.__name__, "double")
