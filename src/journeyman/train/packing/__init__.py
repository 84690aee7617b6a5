"""Packing documents into rows of one length: which piece of which document goes where."""

from journeyman.train.packing.groups import plan_groups
from journeyman.train.packing.pieces import LongDocuments, Pieces, cut
from journeyman.train.packing.plan import Method, Plan, plan_rows
from journeyman.train.packing.rates import Rates, measure

__all__ = [
    "LongDocuments",
    "Method",
    "Pieces",
    "Plan",
    "Rates",
    "cut",
    "measure",
    "plan_groups",
    "plan_rows",
]
