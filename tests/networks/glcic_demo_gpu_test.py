# SPDX-License-Identifier: MIT
"""The picture of the demo, mended by the CUDA kernels on an emulated GPU, beside the processor's."""

import numpy as np
from PIL import Image

from network_support import ROOT, kintsugi

PICTURES = ROOT / "examples" / "pictures"


def test_the_demo_picture_is_mended_as_the_processor_mends_it(tmp_path):
    mended = {}
    for device, dtype in (("cpu", "f32"), ("emulated", "f16")):
        output = tmp_path / f"{device}.png"
        kintsugi("inpaint", PICTURES / "astronaut_damaged.png", "--mask",
                 PICTURES / "astronaut_mask.png", "-m",
                 ROOT / "examples" / "demo" / "glcic-demo.safetensors", "-o", output,
                 "--device", device, "--dtype", dtype)
        mended[device] = np.asarray(Image.open(output)).astype(int)
    damaged = np.asarray(Image.open(PICTURES / "astronaut_damaged.png")).astype(int)
    hole = np.asarray(Image.open(PICTURES / "astronaut_mask.png").convert("L")) >= 128
    assert (mended["emulated"][~hole] == damaged[~hole]).all()
    assert (mended["emulated"][hole] != damaged[hole]).any()
    difference = np.abs(mended["emulated"] - mended["cpu"])
    assert difference.max() <= 2, "a byte rounds the other way here and there, no more"
