"""What error of the signal strength to expect from templates, from one matrix inversion."""

from __future__ import annotations

import numpy as np

from rs3l_gnn.fits.templates.model import Templates

__all__ = ["expected_error", "poi_range"]


def expected_error(templates: Templates) -> float:
    r"""Error of the signal strength for linear effects and Gaussian counts.

    With signal :math:`s`, expectation :math:`n` and nuisance effects :math:`d_k` (rows),
    :math:`\sigma^{-2} = s^T V^{-1} s`, :math:`V = \mathrm{diag}(n + \sigma_{MC}^2) + \sum_k d_k d_k^T` (equation 40.31
    of the Review of Particle Physics 2022, nuisances integrated out). Free normalisations enter as effects of 100
    times their size.

    Returns:
        The error; infinity without signal.
    """
    expected, signal, variance = [], [], []
    effects: dict[str, list[tuple[int, np.ndarray]]] = {}
    free = {rate.sample: rate.name for rate in templates.free_rates}
    start = 0
    for channel in templates.channels:
        zero = np.zeros(channel.n_bins)
        expected.append(sum((sample.values for sample in channel.samples), start=zero))
        signal.append(sum((s.values for s in channel.samples if s.name in templates.signal), start=zero))
        variance.append(sum((s.variances for s in channel.samples if s.mc_stat), start=zero))
        for sample in channel.samples:
            for shift in sample.shifts:
                effects.setdefault(shift.nuisance, []).append((start, (shift.up - shift.down) / 2))
            for rate in sample.rates:
                effects.setdefault(rate.nuisance, []).append((start, sample.values * (rate.up - rate.down) / 2))
            if sample.name in free:
                effects.setdefault(free[sample.name], []).append((start, 100 * sample.values))
        start += channel.n_bins
    total, strength = np.concatenate(expected), np.concatenate(signal)
    covariance = np.diag(total + np.concatenate(variance))
    for parts in effects.values():
        effect = np.zeros(start)
        for first, content in parts:
            effect[first : first + len(content)] += content
        covariance += np.outer(effect, effect)
    information = strength @ np.linalg.solve(covariance, strength)
    return float(1 / np.sqrt(information)) if information > 0 else float("inf")


def poi_range(templates: Templates, *, widths: float = 10.0) -> tuple[float, float]:
    """Range of the signal strength for minimisers: 0 to 1, ``widths`` expected errors more on both sides.

    A signal so negative that a bin's expectation becomes negative has no likelihood; the lower end stays above it.
    """
    error = expected_error(templates)
    if not np.isfinite(error):
        return (-10.0, 10.0)
    lower = -widths * error
    for channel in templates.channels:
        zero = np.zeros(channel.n_bins)
        signal = sum((s.values for s in channel.samples if s.name in templates.signal), start=zero)
        rest = sum((s.values for s in channel.samples if s.name not in templates.signal), start=zero)
        some = signal > 0
        lower = max(lower, float(-0.99 * (rest[some] / signal[some]).min())) if some.any() else lower
    return (min(lower, 0.0), 1 + widths * error)
