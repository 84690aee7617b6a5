"""How many bits a weight takes, by the names that GGUF files carry.

>>> QUANTISATIONS["q8_0"]
8.5
"""

from __future__ import annotations

__all__ = ["QUANTISATIONS", "TENSOR_TYPES"]

QUANTISATIONS = {
    "f32": 32.0,
    "bf16": 16.0,
    "q8_0": 8.5,
    "q6_k": 6.56,
    "q5_k_m": 5.67,
    "q4_k_m": 4.85,
    "q4_0": 4.55,
    "q3_k_m": 3.91,
    "q2_k": 2.96,
}
"""Bits for each weight of a whole file; the mixtures (`_m`) as llama.cpp's own files come out."""

TENSOR_TYPES = {
    0: (1, 4),
    1: (1, 2),
    2: (32, 18),
    3: (32, 20),
    6: (32, 22),
    7: (32, 24),
    8: (32, 34),
    9: (32, 36),
    10: (256, 84),
    11: (256, 110),
    12: (256, 144),
    13: (256, 176),
    14: (256, 210),
    15: (256, 292),
    16: (256, 66),
    17: (256, 74),
    18: (256, 98),
    19: (256, 50),
    20: (32, 18),
    21: (256, 110),
    22: (256, 82),
    23: (256, 136),
    24: (1, 1),
    25: (1, 2),
    26: (1, 4),
    27: (1, 8),
    28: (1, 8),
    29: (256, 56),
    30: (1, 2),
    34: (256, 54),
    35: (256, 66),
    39: (32, 17),
}
"""By the number of a tensor's type in GGUF: weights in a block, and bytes that the block takes."""
