import unittest

from pocketkit import Interval, merge, total_length


class Basics(unittest.TestCase):
    def test_length(self):
        self.assertEqual(Interval(2, 5).length, 3)

    def test_half_open(self):
        self.assertIn(2, Interval(2, 5))
        self.assertIn(4.9, Interval(2, 5))
        self.assertNotIn(5, Interval(2, 5))
        self.assertNotIn(1, Interval(2, 5))

    def test_order(self):
        with self.assertRaisesRegex(ValueError, "the end 1 is before the start 2"):
            Interval(2, 1)

    def test_empty_is_allowed(self):
        self.assertEqual(Interval(2, 2).length, 0)

    def test_equality_and_hash(self):
        self.assertEqual(Interval(1, 2), Interval(1, 2))
        self.assertNotEqual(Interval(1, 2), Interval(1, 3))
        self.assertNotEqual(Interval(0, 2), Interval(1, 2))
        self.assertNotEqual(Interval(1, 2), (1, 2))
        self.assertEqual(len({Interval(1, 2), Interval(1, 2)}), 1)

    def test_representation(self):
        self.assertEqual(repr(Interval(1, 2)), "Interval(1, 2)")


class Pairs(unittest.TestCase):
    def test_overlap(self):
        self.assertTrue(Interval(0, 3).overlaps(Interval(2, 5)))
        self.assertTrue(Interval(2, 5).overlaps(Interval(0, 3)))
        self.assertFalse(Interval(0, 2).overlaps(Interval(2, 5)))
        self.assertFalse(Interval(2, 5).overlaps(Interval(0, 2)))

    def test_intersection(self):
        self.assertEqual(Interval(0, 3).intersection(Interval(2, 5)), Interval(2, 3))
        self.assertEqual(Interval(0, 9).intersection(Interval(2, 5)), Interval(2, 5))
        self.assertIsNone(Interval(0, 2).intersection(Interval(2, 5)))

    def test_subtract(self):
        whole = Interval(0, 10)
        self.assertEqual(whole.subtract(Interval(3, 5)), [Interval(0, 3), Interval(5, 10)])
        self.assertEqual(whole.subtract(Interval(0, 5)), [Interval(5, 10)])
        self.assertEqual(whole.subtract(Interval(5, 10)), [Interval(0, 5)])
        self.assertEqual(whole.subtract(Interval(-1, 11)), [])
        self.assertEqual(whole.subtract(Interval(20, 30)), [whole])
        self.assertEqual(Interval(1, 1).subtract(Interval(5, 6)), [])


class Many(unittest.TestCase):
    def test_merge_overlapping(self):
        found = merge([Interval(5, 8), Interval(0, 3), Interval(2, 4)])
        self.assertEqual(found, [Interval(0, 4), Interval(5, 8)])

    def test_merge_touching(self):
        self.assertEqual(merge([Interval(0, 2), Interval(2, 4)]), [Interval(0, 4)])

    def test_merge_contained(self):
        self.assertEqual(merge([Interval(0, 9), Interval(2, 4)]), [Interval(0, 9)])

    def test_empty_ones_are_left_out(self):
        self.assertEqual(merge([Interval(1, 1)]), [])
        self.assertEqual(merge([]), [])

    def test_total_length(self):
        self.assertEqual(total_length([Interval(0, 3), Interval(2, 5), Interval(7, 8)]), 6)
        self.assertEqual(total_length([]), 0)
