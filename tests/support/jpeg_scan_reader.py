"""Reads the coefficients of a baseline JPEG file: an independent truth for counts of its bits."""

import math
from typing import NamedTuple

import numpy as np


class Scan(NamedTuple):
    indices: list[np.ndarray]  # per component [rows, columns, 64], raster order within a block
    bits: int  # of the entropy-coded scan, without the padding to a byte and stuffed bytes
    tables: list[np.ndarray]  # per component, its quantization table [8, 8]
    stuffed_bytes: int
    code_lengths: dict[int, dict[int, int]]  # table class·16 + number -> symbol -> bits


def zigzag_walk() -> list[int]:
    """The raster positions in the order of T.81 Figure A.6, by walking the diagonals."""
    row, column, upwards, places = 0, 0, True, []
    for _ in range(64):
        places.append(8 * row + column)
        step = (row - 1, column + 1) if upwards else (row + 1, column - 1)
        if upwards and (step[0] < 0 or step[1] > 7):
            step = (row, column + 1) if column < 7 else (row + 1, column)
            upwards = False
        elif not upwards and (step[1] < 0 or step[0] > 7):
            step = (row + 1, column) if row < 7 else (row, column + 1)
            upwards = True
        row, column = step
    return places


ZIGZAG = zigzag_walk()


def read_scan(file: bytes) -> Scan:
    place, tables, codes, frame = 2, {}, {}, None
    while True:
        marker, size = file[place + 1], int.from_bytes(file[place + 2 : place + 4])
        segment = file[place + 4 : place + 2 + size]
        place += 2 + size
        if marker == 0xDB:
            while segment:
                table = np.zeros(64)
                table[ZIGZAG] = list(segment[1:65])
                tables[segment[0]] = table.reshape(8, 8)
                segment = segment[65:]
        elif marker == 0xC4:
            while segment:
                counts = segment[1:17]
                values = segment[17 : 17 + sum(counts)]
                codes[segment[0]] = _codes(counts, values)
                segment = segment[17 + sum(counts) :]
        elif marker == 0xC0:
            height, width = int.from_bytes(segment[1:3]), int.from_bytes(segment[3:5])
            frame = [segment[6 + 3 * i : 9 + 3 * i] for i in range(segment[5])]
        elif marker == 0xDA:
            huffman = {segment[1 + 2 * i]: segment[2 + 2 * i] for i in range(segment[0])}
            break
    entropy_coded = file[place : file.rindex(b"\xff\xd9")]
    stuffed = entropy_coded.count(b"\xff\x00")
    bits = _Bits(entropy_coded.replace(b"\xff\x00", b"\xff"))
    factors = [(part[1] & 15, part[1] >> 4) for part in frame]
    if len(frame) == 1:
        factors = [(1, 1)]
    down, across = (max(axis) for axis in zip(*factors, strict=True))
    mcu_rows, mcu_columns = -(-height // (8 * down)), -(-width // (8 * across))
    grids = [np.zeros((mcu_rows * v, mcu_columns * h, 64), int) for v, h in factors]
    last_dc = [0] * len(frame)
    for mcu in range(mcu_rows * mcu_columns):
        for number, (v, h) in enumerate(factors):
            which = huffman[frame[number][0]]
            dc, ac = codes[which >> 4], codes[16 + (which & 15)]
            for block in range(v * h):
                row = mcu // mcu_columns * v + block // h
                column = mcu % mcu_columns * h + block % h
                coefficients = grids[number][row, column]
                last_dc[number] += bits.signed(bits.symbol(dc))
                coefficients[0] = last_dc[number]
                k = 1
                while k < 64:
                    run, category = divmod(bits.symbol(ac), 16)
                    if category == 0 and run < 15:
                        break
                    k += run
                    if category:
                        coefficients[ZIGZAG[k]] = bits.signed(category)
                    k += 1
    indices = []
    for grid, (v, h) in zip(grids, factors, strict=True):
        own = [
            math.ceil(math.ceil(n * f / m) / 8)
            for n, f, m in ((height, v, down), (width, h, across))
        ]
        indices.append(grid[: own[0], : own[1]])
    lengths = {
        number: {symbol: length for (length, _), symbol in table.items()}
        for number, table in codes.items()
    }
    assert 0 <= bits.left() < 8
    return Scan(indices, bits.place, [tables[part[2]] for part in frame], stuffed, lengths)


def _codes(counts: bytes, values: bytes) -> dict[tuple[int, int], int]:
    table, code, used = {}, 0, 0
    for length, count in enumerate(counts, 1):
        for _ in range(count):
            table[length, code] = values[used]
            code, used = code + 1, used + 1
        code *= 2
    return table


class _Bits:
    def __init__(self, data: bytes) -> None:
        self.bits = np.unpackbits(np.frombuffer(data, "uint8")).tolist()
        self.place = 0

    def symbol(self, table: dict[tuple[int, int], int]) -> int:
        code = 0
        for length in range(1, 17):
            code = 2 * code + self.bits[self.place]
            self.place += 1
            if (length, code) in table:
                return table[length, code]
        raise ValueError("no such code")

    def signed(self, category: int) -> int:
        value = 0
        for bit in self.bits[self.place : self.place + category]:
            value = 2 * value + bit
        self.place += category
        return value if category == 0 or value >> (category - 1) else value - 2**category + 1

    def left(self) -> int:
        return len(self.bits) - self.place
