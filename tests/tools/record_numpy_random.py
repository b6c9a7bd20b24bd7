# SPDX-License-Identifier: MIT
"""Prints the numbers of numpy's legacy generator that tests/random/numpy_random_test.cpp holds.

    python3 tests/tools/record_numpy_random.py

numpy keeps the stream of RandomState unchanged (NEP 19), so any version prints the same.
"""

import numpy as np


def listed(values):
    return "{" + ", ".join(repr(v) for v in np.asarray(values).tolist()) + "}"


def words(state, count):
    return state.randint(0, 2**32, count, dtype=np.uint32)  # the full range: words as they are


def main():
    for seed in (0, 1, 42, 2**32 - 1):
        print(f"seed {seed}:")
        print("  words", listed(words(np.random.RandomState(seed), 4)))
        print("  random_sample", listed(np.random.RandomState(seed).random_sample(4)))
        print("  randn", listed(np.random.RandomState(seed).randn(5)))
        print("  permutation(10)", listed(np.random.RandomState(seed).permutation(10)))

    print("key [0x123, 0x234, 0x345, 0x456]: words",
          listed(words(np.random.RandomState([0x123, 0x234, 0x345, 0x456]), 4)))
    state = np.random.RandomState([1, 2, 3])
    print("key [1, 2, 3]: random_sample", listed(state.random_sample(3)), "then randn",
          listed(state.randn(3)), "then permutation(7)", listed(state.permutation(7)))
    print("key [0, .., 699]: random_sample", listed(np.random.RandomState(range(700)).random_sample(2)))

    count = 100_000
    drawn = np.random.RandomState(7).random_sample(count)
    print("seed 7, random_sample: sum in order", sum(drawn.tolist()), "last", drawn[-1])
    drawn = np.random.RandomState(240).randn(count)
    print("seed 240, randn: sum in order", sum(drawn.tolist()), "last", drawn[-1], "least", drawn.min(),
          "largest", drawn.max())
    drawn = np.random.RandomState(7).permutation(count).tolist()
    print("seed 7, permutation: begins", drawn[:4], "last", drawn[-1], "sum of i * value mod 1000003",
          sum(i * value % 1_000_003 for i, value in enumerate(drawn)))

    state = np.random.RandomState(5)
    print("seed 5: randn", state.randn(), "random_sample", state.random_sample(), "randn",
          state.randn(), "permutation(5)", listed(state.permutation(5)), "randn", state.randn())


if __name__ == "__main__":
    main()
