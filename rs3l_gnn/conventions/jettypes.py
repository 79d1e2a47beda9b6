"""Jet types of the published RS3L data set (``jettype``)."""

from __future__ import annotations

from enum import IntEnum

__all__ = ["JetType"]


class JetType(IntEnum):
    """Truth label of a jet, from the hard partons inside it; the numbers are those of the public files."""

    UNMATCHED = 0
    Q = 1
    C = 2
    B = 3
    H_BB = 4
    G_QQ = 5
    G_CC = 6
    G_BB = 7
    GG = 8
    Z_BB = 9
    Z_QQ = 10
    W_QQ = 11
    # Not in the published files.
    H_CC = 12
    TOP_BQQ = 13
