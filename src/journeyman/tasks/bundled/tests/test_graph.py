import unittest

from pocketkit import CycleError, reachable, shortest_path, topological_order

ROADS = {
    "a": {"b": 7, "c": 3},
    "b": {"d": 1},
    "c": {"b": 1, "d": 8},
    "d": {},
}


class Order(unittest.TestCase):
    def test_sources_come_first(self):
        graph = {"shirt": ["tie"], "tie": ["jacket"], "trousers": ["shoes", "jacket"]}
        order = topological_order(graph)
        self.assertEqual(order, ["shirt", "trousers", "tie", "shoes", "jacket"])

    def test_nodes_that_are_only_targets(self):
        self.assertEqual(topological_order({"a": ["b"]}), ["a", "b"])

    def test_several_edges(self):
        self.assertEqual(topological_order({"a": ["c"], "b": ["c"]}), ["a", "b", "c"])

    def test_empty(self):
        self.assertEqual(topological_order({}), [])

    def test_cycle(self):
        with self.assertRaises(CycleError) as caught:
            topological_order({"a": ["b"], "b": ["c"], "c": ["b"]})
        self.assertEqual(caught.exception.nodes, {"b", "c"})
        self.assertEqual(str(caught.exception), "the graph has a cycle among ['b', 'c']")


class Reachable(unittest.TestCase):
    def test_follows_edges(self):
        self.assertEqual(reachable({1: [2], 2: [3], 4: [1]}, 1), {1, 2, 3})

    def test_cycles_end(self):
        self.assertEqual(reachable({1: [2], 2: [1]}, 1), {1, 2})

    def test_unknown_start(self):
        self.assertEqual(reachable({}, 1), {1})


class ShortestPath(unittest.TestCase):
    def test_cheapest_is_not_fewest(self):
        self.assertEqual(shortest_path(ROADS, "a", "d"), (5, ["a", "c", "b", "d"]))

    def test_start_is_goal(self):
        self.assertEqual(shortest_path(ROADS, "a", "a"), (0, ["a"]))

    def test_no_way(self):
        self.assertIsNone(shortest_path(ROADS, "d", "a"))

    def test_negative_cost(self):
        with self.assertRaisesRegex(ValueError, "from 'a' to 'b' is negative"):
            shortest_path({"a": {"b": -1}}, "a", "b")

    def test_free_roads(self):
        self.assertEqual(shortest_path({"a": {"b": 0}}, "a", "b"), (0, ["a", "b"]))

    def test_equal_costs_take_the_first(self):
        graph = {"a": {"b": 1, "c": 1}, "b": {"d": 1}, "c": {"d": 1}}
        self.assertEqual(shortest_path(graph, "a", "d"), (2, ["a", "b", "d"]))
