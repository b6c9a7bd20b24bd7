# SPDX-License-Identifier: MIT
"""The parts of compare_cpu.py; worker.py and convert.py are run as programs of their own."""
