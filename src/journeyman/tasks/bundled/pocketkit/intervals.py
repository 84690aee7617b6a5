"""Half-open intervals of numbers."""


class Interval:
    """The numbers from `start` up to but not including `end`."""

    def __init__(self, start, end):
        if end < start:
            raise ValueError(f"the end {end} is before the start {start}")
        self.start = start
        self.end = end

    def __repr__(self):
        return f"Interval({self.start!r}, {self.end!r})"

    def __eq__(self, other):
        if not isinstance(other, Interval):
            return NotImplemented
        return self.start == other.start and self.end == other.end

    def __hash__(self):
        return hash((self.start, self.end))

    def __contains__(self, number):
        return self.start <= number < self.end

    @property
    def length(self):
        """How much the interval covers."""
        return self.end - self.start

    def overlaps(self, other):
        """Tell whether some number lies in both."""
        return self.start < other.end and other.start < self.end

    def intersection(self, other):
        """Return what lies in both, or None."""
        if not self.overlaps(other):
            return None
        return Interval(max(self.start, other.start), min(self.end, other.end))

    def subtract(self, other):
        """Return the parts of this interval that are not in `other`, in order."""
        if not self.overlaps(other):
            return [self] if self.length else []
        parts = []
        if self.start < other.start:
            parts.append(Interval(self.start, other.start))
        if other.end < self.end:
            parts.append(Interval(other.end, self.end))
        return parts


def merge(intervals):
    """Join intervals that touch or overlap; the result is sorted and leaves empty ones out."""
    merged = []
    for interval in sorted(intervals, key=lambda item: (item.start, item.end)):
        if not interval.length:
            continue
        if merged and interval.start <= merged[-1].end:
            last = merged.pop()
            merged.append(Interval(last.start, max(last.end, interval.end)))
        else:
            merged.append(interval)
    return merged


def total_length(intervals):
    """Return how much the intervals cover together, overlaps counted once."""
    return sum(interval.length for interval in merge(intervals))
