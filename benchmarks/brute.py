"""Every cell against every tile, as well as numpy can: what an exact search is measured against."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

Single = NDArray[np.float32]
Numbers = NDArray[np.intp]

TRIAL_SECONDS = 0.5
PLAIN_CHUNK = 256


def nearest(cells: Single, tiles: Single, chunk: int, threads: int) -> Numbers:
    """Return the nearest tile of every cell, as single precision sees it.

    The factor -2 is folded into the transposed tiles, and their squares are one more row of them, so each thread
    makes one product and one argmin of each chunk, always in the same memory.

    Args:
        cells: (N, D).
        tiles: (M, D).
        chunk: Cells in one product.
        threads: How many chunks at once; each product is to use one thread.
    """
    return _search(_with_one(cells), _folded(tiles), chunk, threads)


def plain(cells: Single, tiles: Single, threads: int) -> Numbers:
    """Return the same as most people write it: a matrix product, the squares added, and argmin, chunk by chunk."""
    squares, turned = np.einsum("ij,ij->i", tiles, tiles), np.ascontiguousarray(tiles.T) * np.float32(-2)
    chosen = np.empty(len(cells), np.intp)

    def one(first: int) -> None:
        distances = cells[first : first + PLAIN_CHUNK] @ turned
        distances += squares
        chosen[first : first + PLAIN_CHUNK] = distances.argmin(axis=1)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(one, range(0, len(cells), PLAIN_CHUNK)))
    return chosen


def best_chunk(cells: Single, tiles: Single, chunks: Sequence[int], threads: int) -> int:
    """Return the chunk that is quickest here, by some cells of each."""
    wide, folded = _with_one(cells), _folded(tiles)

    def pace(chunk: int) -> float:
        done, began = 0, time.perf_counter()
        while (taken := time.perf_counter() - began) < TRIAL_SECONDS:
            done += len(_search(wide[: 2 * threads * chunk], folded, chunk, threads))
        return taken / done

    return min(chunks, key=pace)


def _with_one(cells: Single) -> Single:
    return np.column_stack([cells, np.ones(len(cells), np.float32)])


def _folded(tiles: Single) -> Single:
    return np.concatenate([tiles.T * np.float32(-2), np.einsum("ij,ij->i", tiles, tiles)[None]])


def _search(cells: Single, folded: Single, chunk: int, threads: int) -> Numbers:
    chosen = np.empty(len(cells), np.intp)

    def work(thread: int) -> None:
        memory = np.empty((chunk, folded.shape[1]), np.float32)
        for first in range(thread * chunk, len(cells), threads * chunk):
            some = cells[first : first + chunk]
            distances = np.matmul(some, folded, out=memory[: len(some)])
            distances.argmin(axis=1, out=chosen[first : first + chunk])

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, range(threads)))
    return chosen
