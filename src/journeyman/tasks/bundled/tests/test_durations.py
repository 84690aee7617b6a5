import unittest

from pocketkit import format_duration, parse_duration


class Parse(unittest.TestCase):
    def test_units(self):
        self.assertEqual(parse_duration("1h 30m"), 5400)
        self.assertEqual(parse_duration("2d"), 172800)
        self.assertEqual(parse_duration("1w1s"), 604801)

    def test_names(self):
        self.assertEqual(parse_duration("2 days, 3 hours"), 183600)
        self.assertEqual(parse_duration("1 minute 5 seconds"), 65)
        self.assertEqual(parse_duration("3 weeks"), 1814400)

    def test_plain_number(self):
        self.assertEqual(parse_duration("90"), 90)
        self.assertEqual(parse_duration("1.5"), 1.5)

    def test_fractions(self):
        self.assertEqual(parse_duration("1.5h"), 5400)

    def test_negative(self):
        self.assertEqual(parse_duration("-5s"), -5)
        self.assertEqual(parse_duration("- 2m"), -120)

    def test_case_and_space_do_not_matter(self):
        self.assertEqual(parse_duration("  2H "), 7200)

    def test_unknown_unit(self):
        with self.assertRaisesRegex(ValueError, "unknown unit: 'y'"):
            parse_duration("3y")

    def test_rubbish(self):
        for text in ("", "-", "abc", "1h?", "1h and 2m", "h1"):
            with self.subTest(text), self.assertRaises(ValueError):
                parse_duration(text)


class Format(unittest.TestCase):
    def test_two_parts(self):
        self.assertEqual(format_duration(5400), "1h 30m")
        self.assertEqual(format_duration(90061), "1d 1h")

    def test_one_part(self):
        self.assertEqual(format_duration(3600), "1h")
        self.assertEqual(format_duration(90061, max_parts=1), "1d")

    def test_all_parts(self):
        self.assertEqual(format_duration(694861, max_parts=5), "1w 1d 1h 1m 1s")

    def test_a_gap_ends_it(self):
        self.assertEqual(format_duration(3605, max_parts=3), "1h")

    def test_zero_and_rounding(self):
        self.assertEqual(format_duration(0), "0s")
        self.assertEqual(format_duration(0.4), "0s")
        self.assertEqual(format_duration(1.6), "2s")

    def test_negative(self):
        self.assertEqual(format_duration(-61), "-1m 1s")

    def test_max_parts(self):
        with self.assertRaises(ValueError):
            format_duration(1, max_parts=0)

    def test_round_trip(self):
        for seconds in (1, 59, 60, 3599, 86400, 604800):
            text = format_duration(seconds, max_parts=5)
            with self.subTest(text):
                self.assertEqual(parse_duration(text), seconds)
