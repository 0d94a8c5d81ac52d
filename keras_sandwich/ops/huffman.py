"""Huffman tables: the lengths of the standard codes, and libjpeg's optimal ones, as tensor work."""

from typing import Any

import numpy as np
from keras import ops

SYMBOLS = 256
LONGEST_CODE = 16


def _code_lengths(counts: str, values: str) -> list[int]:
    """Code length of every symbol from a table as T.81 B.2.4.2 writes it; 16 where there is no code."""
    lengths = np.full(SYMBOLS, LONGEST_CODE, "int32")
    per_length = bytes.fromhex(counts)
    lengths[list(bytes.fromhex(values))] = np.repeat(np.arange(1, 17), list(per_length))
    return lengths.tolist()


# T.81 Annex K, Tables K.3 to K.6: the number of codes of each length, then the symbols by code.
STANDARD_LENGTHS: dict[str, list[int]] = {
    "dc_luma": _code_lengths("00010501010101010100000000000000", "000102030405060708090a0b"),
    "dc_chroma": _code_lengths("00030101010101010101010000000000", "000102030405060708090a0b"),
    "ac_luma": _code_lengths(
        "0002010303020403050504040000017d",
        "01020300041105122131410613516107227114328191a1082342b1c11552d1f02433627282090a161718191a"
        "25262728292a3435363738393a434445464748494a535455565758595a636465666768696a73747576777879"
        "7a838485868788898a92939495969798999aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9"
        "cad2d3d4d5d6d7d8d9dae1e2e3e4e5e6e7e8e9eaf1f2f3f4f5f6f7f8f9fa",
    ),
    "ac_chroma": _code_lengths(
        "00020102040403040705040400010277",
        "0001020311040521310612415107617113223281081442"
        "91a1b1c109233352f0156272d10a162434e125f11718191a262728292a35363738393a434445464748494a53"
        "5455565758595a636465666768696a737475767778797a82838485868788898a92939495969798999aa2a3a4"
        "a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae2e3e4e5e6e7e8e9eaf2f3"
        "f4f5f6f7f8f9fa",
    ),
}


# 16 − length, of 4 bits, seven in a number, up to the last that is not 0: PyTorch's compiler takes 50 ms for each
# number of a list.
_BITS, _PER_NUMBER = 4, 7


def _packed(lengths: list[int]) -> list[int]:
    digits = [LONGEST_CODE - length for length in lengths]
    while not digits[-1]:
        digits.pop()
    return [
        sum(digit << _BITS * place for place, digit in enumerate(digits[start:][:_PER_NUMBER]))
        for start in range(0, len(digits), _PER_NUMBER)
    ]


_PACKED = {table: _packed(lengths) for table, lengths in STANDARD_LENGTHS.items()}


def _bits_below_the_longest(table: str) -> Any:
    """16 − `STANDARD_LENGTHS` of the symbols from 0 up to the last one that has a code, or a few more, int32."""
    numbers = ops.convert_to_tensor(_PACKED[table], "int32")[:, None]
    digits = ops.right_shift(numbers, _count_up(_PER_NUMBER) * _BITS)
    digits = ops.bitwise_and(digits, ops.convert_to_tensor((1 << _BITS) - 1, "int32"))
    return ops.reshape(digits, (-1,))


def _count_up(size: int) -> Any:
    return ops.arange(size, dtype="int32")


def standard_bits(histogram: Any, table: str) -> Any:
    """Bits of the codes of the standard tables (T.81 K.3).

    Args:
        histogram: [batch, 256] int32, how often each symbol occurs.
        table: "dc_luma", "ac_luma", "dc_chroma" or "ac_chroma".

    Returns:
        [batch] int32.
    """
    histogram = ops.convert_to_tensor(histogram, "int32")
    below = _bits_below_the_longest(table)
    less = ops.sum(histogram[:, : below.shape[0]] * below, axis=-1)
    return LONGEST_CODE * ops.sum(histogram, axis=-1) - less


def optimal_bits(histogram: Any) -> Any:
    """Bits of the codes that libjpeg's `optimize` makes for these counts: T.81 K.2, batched.

    The procedure is libjpeg's to the tie: the two rarest trees merge, of equals the one of the larger symbol;
    a pseudo-symbol keeps the code of all ones free; lengths above 16 are shortened as T.81 Figure K.3 says.

    Args:
        histogram: [batch, 256] int32.

    Returns:
        [batch] int32.
    """
    histogram = ops.convert_to_tensor(histogram, "int32")
    frequencies = ops.pad(histogram, ((0, 0), (0, 1)), constant_values=1)
    lengths = _huffman_lengths(frequencies)
    present = frequencies > 0
    ladder = _count_up(SYMBOLS + 2)  # a skewed code is as long as the alphabet
    per_length = ops.sum(
        ops.cast(
            ops.logical_and(lengths[:, :, None] == ladder, present[:, :, None]),
            "int32",
        ),
        axis=1,
    )
    per_length = _limit_lengths(per_length)[:, : LONGEST_CODE + 1]
    # Shortest first, then by symbol: the order in which libjpeg hands out the codes.
    rank = ops.where(present, lengths, SYMBOLS + 2) * (SYMBOLS + 1) + _count_up(SYMBOLS + 1)
    counts = ops.take_along_axis(frequencies, ops.argsort(rank, axis=-1), axis=-1)
    last_of_length = ops.cumsum(per_length, axis=-1)  # codes of this length or less
    place = _count_up(SYMBOLS + 1)
    length_of_place = ops.sum(
        ops.cast(place[None, :, None] >= last_of_length[:, None, :], "int32"), axis=-1
    )
    # The pseudo-symbol comes last of all: rarest, and of the largest number.
    symbols = ops.sum(ops.cast(present, "int32"), axis=-1, keepdims=True) - 1
    return ops.sum(ops.where(place < symbols, counts * length_of_place, 0), axis=-1)


def _huffman_lengths(frequencies: Any) -> Any:
    """Code length of each symbol of [batch, symbols] before any limit (T.81 Figure K.1)."""
    number = _count_up(frequencies.shape[-1])

    def rarest(weight: Any) -> tuple[Any, Any]:
        """The smallest positive weight and, of equals, its largest place; each [batch, 1]."""
        least = ops.min(ops.where(weight > 0, weight, 2**30), axis=-1, keepdims=True)
        return least, ops.max(ops.where(weight == least, number, -1), axis=-1, keepdims=True)

    def unfinished(weight: Any, tree: Any, lengths: Any) -> Any:
        return ops.any(ops.sum(ops.cast(weight > 0, "int32"), axis=-1) > 1)

    def merge(weight: Any, tree: Any, lengths: Any) -> tuple[Any, Any, Any]:
        least, first = rarest(weight)
        rest = ops.where(number == first, 0, weight)
        next_least, second = rarest(rest)
        both = second >= 0  # else this row has a single tree left
        weight = ops.where(
            ops.logical_and(both, number == first),
            least + next_least,
            ops.where(ops.logical_and(both, number == second), 0, weight),
        )
        joined = ops.logical_and(both, ops.logical_or(tree == first, tree == second))
        lengths = lengths + ops.cast(joined, "int32")
        return weight, ops.where(joined, first, tree), lengths

    tree = ops.broadcast_to(number, ops.shape(frequencies))
    state = (frequencies, tree, ops.zeros_like(frequencies))
    return ops.while_loop(unfinished, merge, state)[2]


def _limit_lengths(per_length: Any) -> Any:
    """Shortens codes of more than 16 bits: [batch, lengths], the number of codes of each length.

    A pair of longest codes gives up its last bit: one takes the prefix, the other is paired with a shorter
    code, which grows by one (T.81 Figure K.3).
    """
    length = _count_up(per_length.shape[-1])

    def longest(counts: Any, below: Any) -> Any:
        used = ops.logical_and(counts > 0, length <= below)
        return ops.max(ops.where(used, length, 0), axis=-1, keepdims=True)

    def too_long(counts: Any) -> Any:
        return ops.any(counts[:, LONGEST_CODE + 1 :] > 0)

    def shorten(counts: Any) -> Any:
        top = longest(counts, per_length.shape[-1])
        donor = longest(counts, top - 2)
        change = (
            ops.where(length == top, -2, 0)
            + ops.where(length == top - 1, 1, 0)
            + ops.where(length == donor + 1, 2, 0)
            + ops.where(length == donor, -1, 0)
        )
        return (counts + ops.where(top > LONGEST_CODE, change, 0),)

    return ops.while_loop(too_long, shorten, (per_length,))[0]
