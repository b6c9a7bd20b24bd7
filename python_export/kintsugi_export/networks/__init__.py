# SPDX-License-Identifier: MIT
"""The networks this package knows, by the name they have on the command line.

A network is a module of this folder that offers

    INPUTS, OUTPUTS           the names of the tensors, in the order of the PyTorch module
    BESIDE                    the prefixes under which it lies in a file of several networks
    ROOT                      a pattern with which its own keys start, where prefixes may be any:
                              of what is behind each, `recognise` tells which it is; or None
    layouts()                 {name: key layout} of its ports, from the C++ network's keys.txt
    OPTIONS                   the options that `settled`, `metadata` and `missing` take
    recognise(shapes)         {key: shape} -> config; raises ExportError and says what is closest
    build(config)             config -> torch module in evaluation mode, with the file's own keys
    settled(config, ...)      config with what options say of it; takes what `stated` returns
    metadata(config, ...)     the `kintsugi.config` of a model file
    missing(config, ...)      a sentence about what the model file should say and cannot, or ""
    stated(settings)          {option: value} out of a port's own settings, or of `kintsugi.config`
    unread(config, keys)      those of the keys that a model file leaves out: nothing reads them
    check_torch7(modules)     raises ExportError if a .t7 file's modules are not this network
    example(rng, batch, h, w, config)
                              {name: float32 array}: inputs as they occur, made from the generator
"""

from . import cyclegan, cyclegan_discriminator, glcic, glcic_discriminator

NETWORKS = {
    "glcic": glcic,
    "glcic-discriminator": glcic_discriminator,
    "cyclegan": cyclegan,
    "cyclegan-discriminator": cyclegan_discriminator,
}
