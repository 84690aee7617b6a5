"""Keys, values and recurrent states of many rows: one slot a row, right-aligned, padded on the left.

Rows join, leave and move without the others being copied. B: slots in use; H: heads of keys; T: columns;
D: width of a head.
"""

from __future__ import annotations

import weakref
from typing import Any

import torch
from transformers.cache_utils import Cache, DynamicCache, DynamicLayer, LinearAttentionLayer

from journeyman.errors import JourneymanError

__all__ = ["Slots"]

_GROWTH = 256


class Slots:
    """The cache of a batch; rows hold `lengths` tokens each, in the last columns before `end`."""

    def __init__(self, config: Any, num_slots: int, *, lengths: tuple[int, ...] = ()) -> None:
        self.num_slots = num_slots
        self.lengths = list(lengths)
        self.start = self.end = self.capacity = 0
        self._config = config
        layers = [self._layer(it) for it in DynamicCache(config=config).layers]
        self.cache = Cache(layers=layers)
        self._attending = [it for it in layers if isinstance(it, _KeysValues)]
        self._recurrent = [it for it in layers if isinstance(it, _States)]

    @property
    def _spare(self) -> int:
        """Columns beyond those that are needed now, for moving everything takes long."""
        return _GROWTH if self.num_slots > 1 else 0

    @property
    def is_recurrent(self) -> bool:
        """Whether rows have states, which know only of their end."""
        return bool(self._recurrent)

    @property
    def num_bytes(self) -> int:
        """Memory of everything."""
        layers: list[Any] = [*self._attending, *self._recurrent]
        tensors = [it for layer in layers for it in layer.tensors()]
        return sum(it.numel() * it.element_size() for it in tensors)

    def _layer(self, layer: Any) -> Any:
        if isinstance(layer, LinearAttentionLayer) and not isinstance(layer, DynamicLayer):
            return _States(self)
        # Of sliding windows all is kept: the mask says what is seen.
        if type(layer).__name__ in ("DynamicLayer", "DynamicSlidingWindowLayer"):
            return _KeysValues(self)
        if type(layer).__name__ == "DummyLayer":
            return layer
        raise JourneymanError(
            f"models of the kind {self._config.model_type} cannot be sampled in batches",
            "serve it with vLLM or SGLang, and write http://HOST/v1#NAME",
        )

    def reserve(self, num_new: int) -> None:
        """Make room for that many more columns."""
        if self.end + num_new > self.capacity:
            width = self.end - self.start
            self._lay_out(width, width + num_new)

    def _lay_out(self, new_end: int, least: int) -> None:
        """Move everything so that it ends at `new_end`, into room for at least `least` columns."""
        width = self.end - self.start
        if least > self.capacity:
            self.capacity = max(least + self._spare, int(self.capacity * 1.5))
        for layer in self._attending:
            layer.lay_out(slice(new_end - width, new_end))
        self.start, self.end = new_end - width, new_end

    def advance(self, num_new: int) -> None:
        """Count columns that every row has got."""
        self.end += num_new
        self.lengths = [it + num_new for it in self.lengths]

    def mask(self, num_new: int, device: Any) -> Any:
        """Say which columns are a row's own, new ones included; None if all are: [B, T]."""
        width = self.end - self.start
        if all(it == width for it in self.lengths):
            return None
        first_B = width - torch.tensor(self.lengths, device=device)
        return torch.arange(width + num_new, device=device) >= first_B[:, None]

    def join(self, other: Slots, length: int) -> None:
        """Put the only row of `other` into the next slot."""
        if not self.lengths:
            # Room on both sides: for longer rows that join, and for what is drawn.
            self.start = self.end = self.capacity // 2
        if length > self.end:
            new_end = length + self._spare
            self._lay_out(new_end, new_end + 1)
        slot = len(self.lengths)
        self.lengths.append(length)
        self.start = self.end - max(self.lengths)
        for mine, its in zip(self._attending, other._attending, strict=True):
            mine.write(slot, slice(self.end - length, self.end), its, 0, slice(0, length))
        for mine, its in zip(self._recurrent, other._recurrent, strict=True):
            mine.write(slot, its, 0)
        self._show()

    def copied(self, slot: int, length: int) -> Slots:
        """Return a row's first tokens as a cache of their own; of states there is only the end."""
        other = Slots(self._config, 1, lengths=(length,))
        other.capacity = other.end = length
        first = self.end - self.lengths[slot]
        for its, mine in zip(other._attending, self._attending, strict=True):
            its.write(0, slice(0, length), mine, slot, slice(first, first + length))
        for its, mine in zip(other._recurrent, self._recurrent, strict=True):
            its.write(0, mine, slot)
        other._show()
        return other

    def move(self, slot: int, to: int) -> None:
        """Copy a row over another."""
        columns = slice(self.start, self.end)
        for layer in self._attending:
            layer.write(to, columns, layer, slot, columns)
        for layer in self._recurrent:
            layer.write(to, layer, slot)
        self.lengths[to] = self.lengths[slot]

    def drop_last(self) -> None:
        """Free the last slot in use."""
        self.lengths.pop()
        self.start = self.end - max(self.lengths) if self.lengths else 0
        self.end = self.end if self.lengths else 0
        self._show()

    def _show(self) -> None:
        for layer in self._recurrent:
            layer.show(len(self.lengths))


class _KeysValues(DynamicLayer):
    """Keys and values of one layer, written in place."""

    def __init__(self, slots: Slots) -> None:
        super().__init__()
        # Weakly: a cycle would keep the rooms until the collector comes, which tensors do not call.
        self._slots = weakref.proxy(slots)
        self.keys: Any = None
        self.values: Any = None
        self.dtype: Any = None
        self.device: Any = None
        self.is_initialized = False

    def tensors(self) -> list[Any]:
        return [self.keys, self.values] if self.is_initialized else []

    def update(self, key_states: Any, value_states: Any, *args: Any, **kwargs: Any) -> Any:
        slots = self._slots
        self._allocate(key_states, value_states)
        rows, end = slice(0, len(slots.lengths)), slots.end + key_states.shape[-2]
        self.keys[rows, :, slots.end : end] = key_states
        self.values[rows, :, slots.end : end] = value_states
        columns = slice(slots.start, end)
        return self.keys[rows, :, columns], self.values[rows, :, columns]

    def get_seq_length(self) -> int:
        return self._slots.end - self._slots.start

    def _allocate(self, keys: Any, values: Any) -> None:
        """Make room as wide as these; what is padded must be finite, for it is multiplied by zero."""
        if not self.is_initialized:
            self.dtype, self.device = keys.dtype, keys.device
            self.keys, self.values = self._room(keys), self._room(values)
            self.is_initialized = True

    def _room(self, like: Any) -> Any:
        size = (self._slots.num_slots, like.shape[1], self._slots.capacity, like.shape[3])
        return torch.zeros(size, dtype=like.dtype, device=like.device)

    def lay_out(self, columns: slice) -> None:
        """Take the slots' capacity, with what is held in `columns`."""
        if not self.is_initialized:
            return
        rows, old = slice(0, len(self._slots.lengths)), slice(self._slots.start, self._slots.end)
        for name in ("keys", "values"):
            held = getattr(self, name)
            moved = held[rows, :, old]
            if held.shape[2] == self._slots.capacity:
                room, moved = held, moved.clone()
            else:
                room = self._room(held)
            room[rows, :, columns] = moved
            setattr(self, name, room)

    def write(self, slot: int, columns: slice, other: _KeysValues, its: int, from_: slice) -> None:
        """Copy a part of another's row."""
        if not other.is_initialized:
            return
        self._allocate(other.keys, other.values)
        self.keys[slot, :, columns] = other.keys[its, :, from_]
        self.values[slot, :, columns] = other.values[its, :, from_]


class _States(LinearAttentionLayer):
    """Convolution and recurrent state of one layer; the library sees those of the rows in use."""

    def __init__(self, slots: Slots) -> None:
        super().__init__()
        self._slots = weakref.proxy(slots)
        self.dtype: Any = None
        self.device: Any = None
        self._rooms: dict[str, Any] = {}

    def tensors(self) -> list[Any]:
        return [it for kind in _KINDS if (it := getattr(self, kind)[0]) is not None]

    def write(self, slot: int, other: _States, its: int) -> None:
        """Copy another's row."""
        for kind in _KINDS:
            found = getattr(other, kind)[0]
            if found is None:
                continue
            if kind not in self._rooms:
                size = (self._slots.num_slots, *found.shape[1:])
                self._rooms[kind] = torch.zeros(size, dtype=found.dtype, device=found.device)
            self._rooms[kind][slot] = found[its]
        self.conv_kernel_size[0] = other.conv_kernel_size[0]
        self.dtype, self.device = other.dtype, other.device

    def show(self, num_rows: int) -> None:
        """Let the library see that many rows, and nothing of how there come to be more."""
        for kind, room in self._rooms.items():
            getattr(self, kind)[0] = room[:num_rows]
            getattr(self, f"is_{kind}_initialized")[0] = True
        self.has_previous_state[0] = bool(self._rooms)


_KINDS = ("conv_states", "recurrent_states")
