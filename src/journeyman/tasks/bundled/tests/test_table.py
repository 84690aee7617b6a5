import unittest

from pocketkit import format_table, parse_table

ROWS = [("apple", 3), ("fig", 12)]


class Format(unittest.TestCase):
    def test_columns_line_up(self):
        self.assertEqual(format_table(ROWS), "apple  3\nfig    12")

    def test_header(self):
        text = format_table(ROWS, header=("fruit", "count"))
        self.assertEqual(text, "fruit  count\n-----  -----\napple  3\nfig    12")

    def test_alignment(self):
        self.assertEqual(format_table(ROWS, align="lr"), "apple   3\nfig    12")
        self.assertEqual(format_table([("a",), ("bcd",)], align="c"), " a\nbcd")

    def test_missing_alignment_is_left(self):
        self.assertEqual(format_table(ROWS, align="r"), "apple  3\n  fig  12")

    def test_unknown_alignment(self):
        with self.assertRaisesRegex(ValueError, "unknown alignment 'x'"):
            format_table(ROWS, align="x")

    def test_rows_of_unequal_length(self):
        self.assertEqual(format_table([("a",), ("b", "c")]), "a\nb  c")

    def test_empty(self):
        self.assertEqual(format_table([]), "")

    def test_only_a_header(self):
        self.assertEqual(format_table([], header=("a", "bc")), "a  bc\n-  --")


class Parse(unittest.TestCase):
    def test_reads_what_was_written(self):
        text = format_table(ROWS, header=("fruit", "count"))
        expected = [{"fruit": "apple", "count": "3"}, {"fruit": "fig", "count": "12"}]
        self.assertEqual(parse_table(text), expected)

    def test_empty_cells(self):
        text = format_table([("a",), ("b", "c")], header=("x", "y"))
        self.assertEqual(parse_table(text), [{"x": "a", "y": ""}, {"x": "b", "y": "c"}])

    def test_no_rows(self):
        self.assertEqual(parse_table("a  b\n-  -"), [])

    def test_not_a_table(self):
        for text in ("", "a", "a\nb"):
            with self.subTest(text), self.assertRaises(ValueError):
                parse_table(text)

    def test_blank_lines_are_skipped(self):
        self.assertEqual(parse_table("a\n-\n\nx\n"), [{"a": "x"}])
