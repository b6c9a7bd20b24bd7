# SPDX-License-Identifier: MIT
"""A tensor in 66 numbers: enough to tell a wrong one, small enough to commit."""

import numpy as np

SAMPLES, STRIDE = 64, 2654435761


def digest(value: np.ndarray) -> np.ndarray:
    """float32 [66]: mean, root mean square, 64 elements spread over the tensor.

    Element i is number (i * 2654435761) mod count, in the order in which the tensor is stored.
    """
    flat = value.reshape(-1).astype(np.float64)
    samples = flat[[i * STRIDE % flat.size for i in range(SAMPLES)]]
    return np.array([flat.mean(), np.sqrt(np.mean(flat**2)), *samples], np.float32)
