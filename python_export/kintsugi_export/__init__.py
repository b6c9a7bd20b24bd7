# SPDX-License-Identifier: MIT
"""Exports networks from PyTorch: `convert` makes a model file, `reference` what to verify it by.

Needs numpy and torch (1.13 or later), nothing else.  See README.md beside this package.
"""
