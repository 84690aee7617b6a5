import unittest

from pocketkit import camel_to_snake, common_prefix, indent, slugify, truncate, wrap


class Slugify(unittest.TestCase):
    def test_words_are_joined(self):
        self.assertEqual(slugify("Hello, World!"), "hello-world")

    def test_accents_are_dropped(self):
        self.assertEqual(slugify("Crème brûlée"), "creme-brulee")

    def test_separator(self):
        self.assertEqual(slugify("a b  c", separator="_"), "a_b_c")

    def test_digits_are_kept(self):
        self.assertEqual(slugify("Version 2.10"), "version-2-10")

    def test_nothing_is_left(self):
        self.assertEqual(slugify("!?"), "")


class Truncate(unittest.TestCase):
    def test_short_text_is_kept(self):
        self.assertEqual(truncate("hello", 5), "hello")

    def test_long_text_is_cut(self):
        self.assertEqual(truncate("hello world", 8), "hello...")

    def test_no_room_for_text(self):
        self.assertEqual(truncate("hello", 3), "...")
        self.assertEqual(truncate("hello", 2), "..")

    def test_marker(self):
        self.assertEqual(truncate("hello world", 6, marker="~"), "hello~")

    def test_negative_width(self):
        with self.assertRaises(ValueError):
            truncate("hello", -1)

    def test_zero_width(self):
        self.assertEqual(truncate("hello", 0), "")


class Wrap(unittest.TestCase):
    def test_lines_are_filled(self):
        self.assertEqual(wrap("the quick brown fox", 10), ["the quick", "brown fox"])

    def test_exact_fit(self):
        self.assertEqual(wrap("ab cd", 5), ["ab cd"])

    def test_long_words_are_cut(self):
        self.assertEqual(wrap("a abcdefg b", 3), ["a", "abc", "def", "g b"])

    def test_word_of_exact_width(self):
        self.assertEqual(wrap("abc abcabc", 3), ["abc", "abc", "abc"])

    def test_empty(self):
        self.assertEqual(wrap("   ", 5), [])

    def test_width_must_be_positive(self):
        with self.assertRaises(ValueError):
            wrap("a", 0)
        self.assertEqual(wrap("ab", 1), ["a", "b"])


class Indent(unittest.TestCase):
    def test_blank_lines_stay_blank(self):
        self.assertEqual(indent("a\n\nb", "> "), "> a\n\n> b")

    def test_first_can_be_skipped(self):
        self.assertEqual(indent("a\nb", skip_first=True), "a\n    b")

    def test_default_prefix(self):
        self.assertEqual(indent("a"), "    a")


class CamelToSnake(unittest.TestCase):
    def test_words(self):
        self.assertEqual(camel_to_snake("camelCaseName"), "camel_case_name")

    def test_initialisms(self):
        self.assertEqual(camel_to_snake("HTTPServerError"), "http_server_error")
        self.assertEqual(camel_to_snake("parseURL"), "parse_url")

    def test_snake_is_left_alone(self):
        self.assertEqual(camel_to_snake("already_snake"), "already_snake")
        self.assertEqual(camel_to_snake("Mixed_Case"), "mixed_case")


class CommonPrefix(unittest.TestCase):
    def test_shared_beginning(self):
        self.assertEqual(common_prefix(["flower", "flow", "flight"]), "fl")

    def test_one_is_the_prefix(self):
        self.assertEqual(common_prefix(["ab", "abc"]), "ab")

    def test_nothing_shared(self):
        self.assertEqual(common_prefix(["a", "b"]), "")

    def test_no_texts(self):
        self.assertEqual(common_prefix([]), "")
