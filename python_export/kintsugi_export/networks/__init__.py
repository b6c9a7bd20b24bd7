# SPDX-License-Identifier: MIT
"""The networks this package knows, by the name they have on the command line.

A network is a module of this folder that offers

    INPUTS, OUTPUTS           the names of the tensors, in the order of the PyTorch module
    recognise(shapes)         {key: shape} -> config; raises ExportError and says what is closest
    build(config)             config -> torch module in evaluation mode, with the file's own keys
    metadata(**options)       the `kintsugi.config` of a model file
    example(rng, batch, h, w) {name: float32 array}: inputs as they occur, made from the generator
"""

from . import glcic

NETWORKS = {"glcic": glcic}
