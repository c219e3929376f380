"""Monotone rational-quadratic splines (Durkan et al. 2019), read from the value to its argument.

Inside [-BOUND, BOUND] the curve has BINS pieces, each given by its width, its height and the slopes
at its two ends; outside it is the identity.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

BINS = 10
BOUND = 5.0
NARROWEST = 1e-3  # share of the interval that each bin has at least, in width and height
FLATTEST = 1e-3  # least slope at an inner knot
PARAMETERS = 3 * BINS - 1  # widths, heights, and slopes at the inner knots


def inverse_spline(values: Tensor, widths: Tensor, heights: Tensor, slopes: Tensor) -> Tensor:
    """Arguments `[...]` of values `[...]`, for curves `[..., 10]`, `[..., 10]`, `[..., 9]` in raw form."""
    across, up = _edges(widths), _edges(heights)
    inner = FLATTEST + F.softplus(slopes)
    knots = F.pad(inner, (1, 1), value=1.0)  # where the identity takes over
    y = values.clamp(-BOUND, BOUND)
    # The curve's own end belongs to its last piece.
    ends = torch.cat([up[..., :-1], up[..., -1:] + 1e-6], dim=-1)
    piece = ((ends <= y[..., None]).sum(-1, keepdim=True) - 1).clamp(0, BINS - 1)

    def of(table: Tensor, step: int = 0) -> Tensor:
        return table.gather(-1, piece + step)[..., 0]

    left, width = of(across), of(across, 1) - of(across)
    low, height = of(up), of(up, 1) - of(up)
    slope, next_slope = of(knots), of(knots, 1)
    mean_slope = height / width
    above = y - low
    bend = above * (slope + next_slope - 2 * mean_slope)
    # Equations 25 to 27 of the supplement, and of the two roots the one that lies in the piece
    a = bend + height * (mean_slope - slope)
    b = height * slope - bend
    c = -mean_slope * above
    root = 2 * c / (-b - (b * b - 4 * a * c).clamp(min=0).sqrt())
    return torch.where(values.abs() <= BOUND, root * width + left, values)


def _edges(raw: Tensor) -> Tensor:
    """The BINS + 1 edges of the bins, from raw sizes."""
    shares = NARROWEST + (1 - NARROWEST * BINS) * raw.softmax(dim=-1)
    inner = 2 * BOUND * shares.cumsum(dim=-1)[..., :-1] - BOUND
    ends = (1, 0), (0, 1)
    return F.pad(F.pad(inner, ends[0], value=-BOUND), ends[1], value=BOUND)
