"""Exact solvers of small assignments: a dense one that also gives prices, and a sparse one."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Numbers = NDArray[np.intp]

ROUNDS = 200
GRAIN = 1e-4
"""Costs are rounded to this share of the mean cost: then thousands of cells that compete take 0.2 s, not minutes."""


def best_columns(costs: Array) -> Numbers:
    """Return the (n,) columns, all different, that cost least in all.

    Args:
        costs: (n, m) with n <= m.
    """
    from scipy.optimize import linear_sum_assignment  # type: ignore[import-untyped]  # noqa: PLC0415

    columns: Numbers = linear_sum_assignment(costs)[1]
    return columns


def dense_utilities(costs: Array) -> Array:
    """Return what each row pays in the best assignment: its cost there plus the price of its column.

    Prices are the lowest at which no row would rather have another column.

    Args:
        costs: (n, m) with n <= m.

    Returns:
        (n,) utilities.

    Source:
        D. F. Crouse, "On implementing 2D rectangular assignment algorithms", IEEE TAES 52(4), 2016; the prices are
        shortest paths, found by R. Bellman, "On a routing problem", 1958.
    """
    columns = best_columns(costs)
    own = costs[np.arange(len(costs)), columns]
    prices = np.zeros(costs.shape[1])
    for _ in range(ROUNDS):
        raised = np.maximum(prices, ((own + prices[columns])[:, None] - costs).max(axis=0))
        if np.array_equal(raised, prices):
            break
        prices = raised
    utilities: Array = own + prices[columns]
    return utilities


def cheapest(rows: Numbers, columns: Numbers, costs: Array, room: Numbers) -> Numbers:
    """Return the cheapest choice of one edge for every row, where column c is chosen at most `room[c]` times.

    Costs are rounded, so the choice may cost up to `GRAIN` of the mean cost more for each row.

    Args:
        rows: (E,) rows of the edges, rising, every row from 0 at least once.
        columns: (E,) columns of the edges.
        costs: (E,) costs of the edges.
        room: (C,) how often a column may be chosen; a complete choice must exist.

    Returns:
        (n,) numbers of the chosen edges, by row.

    Source:
        R. Jonker and A. Volgenant, "A shortest augmenting path algorithm for dense and sparse linear assignment
        problems", Computing 38, 1987.
    """
    from scipy.sparse import csr_array  # type: ignore[import-untyped]  # noqa: PLC0415
    from scipy.sparse.csgraph import (  # type: ignore[import-untyped]  # noqa: PLC0415
        min_weight_full_bipartite_matching,
    )

    mean = costs.mean()
    rows, columns, costs, room = _with_escapes(rows, columns, costs, room)
    edges, slots = _slots(columns, room)
    order = np.lexsort((slots, rows[edges]))
    edges, slots = edges[order], slots[order]
    starts = np.searchsorted(rows[edges], np.arange(rows.max() + 2))
    # scipy takes a weight of 0 for no edge, and with finer weights it may run for minutes in ever smaller steps.
    grain = GRAIN * mean or 1.0
    graph = csr_array((np.rint(costs[edges] / grain) + 1, slots, starts), shape=(len(starts) - 1, slots.max() + 1))
    _, chosen = min_weight_full_bipartite_matching(graph)
    wanted = np.arange(len(chosen)) * graph.shape[1] + chosen
    found: Numbers = edges[np.searchsorted(rows[edges] * graph.shape[1] + slots, wanted)]
    return found


def _with_escapes(
    rows: Numbers, columns: Numbers, costs: Array, room: Numbers
) -> tuple[Numbers, Numbers, Array, Numbers]:
    """Give every row a column of its own, dearer than any complete choice.

    Without such a way out, rows that compete for the same columns outbid each other for a long time.
    """
    own = np.arange(rows[-1] + 1)
    dear = np.full(len(own), (len(own) + 1) * (costs.max() or 1.0))
    return (
        np.concatenate([rows, own]),
        np.concatenate([columns, len(room) + own]),
        np.concatenate([costs, dear]),
        np.concatenate([room, np.ones(len(own), np.intp)]),
    )


def _slots(columns: Numbers, room: Numbers) -> tuple[Numbers, Numbers]:
    """Return the number of every edge once for each use of its column, and the number of that use among all uses."""
    room = np.minimum(room, np.bincount(columns, minlength=len(room)))
    copies = room[columns]
    edges = np.repeat(np.arange(len(columns)), copies)
    nth = np.arange(len(edges)) - np.repeat(np.cumsum(copies) - copies, copies)
    return edges, (np.cumsum(room) - room)[columns[edges]] + nth
