"""Packing a million documents: rates of every method, and the speed beside a physical limit and TRL.

The limit is `sorted` over the same lengths, in C: no method that goes by length can be faster. TRL's
best-fit is run on all the same lengths where TRL is installed, with long documents truncated (`bfd`) and
split (`bfd_split`), by the function that its `pack_dataset` maps over a batch, without what the data set
around it costs. Its tokens are of one byte, so that a million documents fit in memory; moving them is a
small part of its time. Lengths are lognormal (median 600 tokens, sigma 1.4), a shape that code corpora
have.

    python benchmarks/packing.py [--documents 1000000] [--capacity 4096]
"""

from __future__ import annotations

import argparse
import importlib.util

from journeyman.reproduce.packing_table import draw_lengths, packing_ways, timed
from journeyman.train.packing import plan_rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--documents", type=int, default=1_000_000)
    parser.add_argument("--capacity", type=int, default=4096)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    lengths = draw_lengths(given.documents, seed=given.seed)
    _, limit_s = timed(lambda: sorted(lengths))
    long = sum(length > given.capacity for length in lengths) / len(lengths)
    print(f"{len(lengths):,} documents, {sum(lengths):,} tokens, rows of {given.capacity:,}; ")
    print(f"{long:.1%} of the documents are longer. CPU time; sorting alone: {limit_s:.2f} s\n")
    print(f"{'method':<26}{'padding':>10}{'headless':>10}{'cut':>8}{'repeated':>10}", end="")
    print(f"{'dropped':>9}{'docs/s':>12}{'x sorting':>11}")
    for way in packing_ways(lengths, given.capacity):
        rates, name = way.rates, f"{way.method}, {way.long}"
        print(
            f"{name:<26}{rates.padding:>10.4%}{rates.headless:>10.2%}"
            f"{rates.fragmented:>8.2%}{rates.repeated:>10.2%}{rates.dropped:>9.2%}"
            f"{len(lengths) / way.duration_s:>12,.0f}{way.duration_s / limit_s:>11.1f}"
        )
    if importlib.util.find_spec("trl"):
        beside_trl(lengths, given.capacity)
    else:
        print("\nTRL is not installed: no row of its own")


def beside_trl(lengths: list[int], capacity: int) -> None:
    """Time TRL's packer and ours on the same lengths, and compare how many rows they make."""
    import numpy
    import pyarrow
    from trl import __version__
    from trl.data_utils import _pack_bfd

    offsets = numpy.concatenate([[0], numpy.cumsum(lengths)]).astype(numpy.int32)
    tokens = pyarrow.array(numpy.zeros(offsets[-1], dtype=numpy.int8))
    table = pyarrow.table({"input_ids": pyarrow.ListArray.from_arrays(offsets, tokens)})
    print(f"\nTRL {__version__}, {len(lengths):,} documents, CPU time of one process")
    print(f"{'long documents':<18}{'rows, TRL':>12}{'ours':>10}", end="")
    print(f"{'docs/s, TRL':>14}{'ours':>12}{'ours is':>12}", flush=True)
    for over in ("truncate", "split"):
        packed, theirs_s = timed(
            lambda over=over: _pack_bfd(table, capacity, on_seq_length_overflow=over)
        )
        some = lengths if over == "split" else [min(it, capacity) for it in lengths]
        ours, ours_s = timed(lambda some=some: plan_rows(some, capacity))
        print(
            f"{over:<18}{len(packed):>12,}{len(ours.rows):>10,}{len(lengths) / theirs_s:>14,.0f}"
            f"{len(lengths) / ours_s:>12,.0f}{theirs_s / ours_s:>6.1f} times",
            flush=True,
        )


if __name__ == "__main__":
    main()
