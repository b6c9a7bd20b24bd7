# SPDX-License-Identifier: MIT
"""Trains the demo weights: GLCIC at a quarter of the paper's width on freely licensed pictures.

    PYTHONPATH=python_export python3 examples/demo/train.py --pictures DIR --minutes 70 -o demo.pt

One CPU thread, no framework beyond torch, Pillow and numpy.  `--minutes` ties the schedule to the
clock, `--steps` to the number of steps, which makes a run repeatable.  What the recipe rests on:

- The start is close to an autoencoder: colours and mask travel losslessly through the channels that
  the two strides open, so training begins with "hole = mean colour" instead of noise.
- Batch norm is calibrated once on that start, made an identity by its scale and shift, and its
  statistics stay frozen: small batches with holes would shake them.
- The off-centre taps of the dilation-16 layer start at zero.  A 64-pixel crop never reaches them,
  the 128-pixel crops of the last third teach them.
- The loss is what an eye sees: L1 in the hole, a tenth of it outside, and the gradients of the
  composite at three scales, so that seams and ghosts cost something.
"""

import argparse
import math
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from damage import random_mask
from kintsugi_export.networks import glcic
from pictures import Crops, load_pictures

WIDTH = 16
SMALL, LARGE, LARGE_FROM = (64, 8), (128, 3), 0.65  # (crop, batch); share of the run
WARM_UP_STEPS, AVERAGE = 100, 0.998


def main() -> None:
    args = _arguments()
    torch.manual_seed(args.seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(args.seed)
    crops = Crops(load_pictures(args.pictures), rng)

    network = glcic.build(glcic.Config(WIDTH, WIDTH // 2, "flat"))
    if args.resume:
        network.load_state_dict(torch.load(args.resume, weights_only=True)["state_dict"])
    else:
        start_as_autoencoder(network)
        calibrate(network, draw_batch(crops, rng, 128, 8)[0])
    parameters = list(network.parameters())
    optimiser = torch.optim.Adam(parameters, lr=args.rate, betas=(0.9, 0.99))
    average = [p.detach().clone() for p in parameters]

    started, step, losses = time.monotonic(), 0, []
    while True:
        elapsed = time.monotonic() - started
        progress = step / args.steps if args.steps else elapsed / (60 * args.minutes)
        if progress >= 1:
            break
        rate = args.rate * rate_shape(step, progress)
        for group in optimiser.param_groups:
            group["lr"] = rate
        inputs, target = draw_batch(crops, rng, *(SMALL if progress < LARGE_FROM else LARGE))
        loss = inpainting_loss(network(inputs), target, inputs[:, 3:])
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        step += 1
        keep = min(AVERAGE, step / (step + 10))
        with torch.no_grad():
            for mean, now in zip(average, parameters):
                mean.lerp_(now, 1 - keep)
        losses.append(loss.item())
        if step % 200 == 0:
            loss = np.mean(losses[-200:])
            print(
                f"{100 * progress:5.1f} %  {elapsed:6.0f} s  step {step}  loss {loss:.4f}",
                flush=True,
            )
            save(args.output, network, average, step)
    save(args.output, network, average, step)
    print(f"{step} steps, {time.monotonic() - started:.0f} s, {args.output}")


def rate_shape(step: int, progress: float) -> float:
    """A short warm-up to 1, then a cosine that reaches 0 with the end of the run."""
    return min(1, (step + 1) / WARM_UP_STEPS) * 0.5 * (1 + math.cos(math.pi * progress))


def draw_batch(crops: Crops, rng: np.random.Generator, size: int, count: int):
    """(input [N, 4, size, size] as the network takes it, target [N, 3, size, size] in [0, 1])."""
    target = torch.from_numpy(crops.batch(count, size))
    mask = torch.from_numpy(np.stack([random_mask(rng, size) for _ in range(count)]))[:, None]
    mean = torch.tensor(glcic.MEAN).view(1, 3, 1, 1)
    return torch.cat([(target - mean) * (1 - mask), mask], 1), target


def inpainting_loss(output, target, mask):
    """L1 in the hole + 0.1 outside + 0.5 times the gradients of the composite at three scales."""
    hidden = mask.sum() * 3
    error = (output - target).abs()
    loss = (error * mask).sum() / hidden + 0.1 * (error * (1 - mask)).mean()
    difference = (output - target) * mask  # of the composite: 0 at known pixels
    for scale in (1, 2, 4):
        d = F.avg_pool2d(difference, scale) if scale > 1 else difference
        steps = d.diff(dim=-1).abs().sum() + d.diff(dim=-2).abs().sum()
        loss = loss + 0.5 / 3 * steps * scale**2 / hidden
    return loss


@torch.no_grad()
def start_as_autoencoder(network: torch.nn.Module) -> None:
    """Weights that carry colours and mask through, and small noise everywhere else.

    A stride-2 layer spreads each 2x2 square over four channels, a transposed one puts it back; at a
    quarter of the resolution the 16 x 4 values fill all the 64 channels.  Colours travel as
    (RGB - mean) + 0.5, which no ReLU clips.
    """
    carried, last_input = 4, 0.5
    convolutions = [
        m for m in network if isinstance(m, (torch.nn.Conv2d, torch.nn.ConvTranspose2d))
    ]
    for conv in convolutions[:-1]:
        transposed = isinstance(conv, torch.nn.ConvTranspose2d)
        weight = conv.weight.transpose(0, 1) if transposed else conv.weight  # [out, in, kh, kw]
        fan_in = weight[0].numel() // (4 if transposed else 1)
        weight.normal_(0, math.sqrt(2 / fan_in))
        conv.bias.zero_()
        centre = conv.kernel_size[0] // 2
        if transposed:
            carried //= 4
            weight[:carried] *= 0.1
            for c in range(carried):
                for part in range(4):
                    weight[c, 4 * c + part, 1 + part // 2, 1 + part % 2] += 1
        elif conv.stride[0] == 2:
            weight[: 4 * carried] *= 0.1
            for c in range(carried):
                for part in range(4):
                    weight[4 * c + part, c, centre + part // 2, centre + part % 2] += 1
            carried *= 4
        else:
            weight[:carried] *= 0.1
            for c in range(carried):
                weight[c, c, centre, centre] += 1
        if conv.dilation[0] == 16:
            taps = torch.zeros_like(weight)
            taps[:, :, centre, centre] = 1
            weight *= taps
    convolutions[0].bias[:3] = last_input

    last, slope = convolutions[-1], 4.5  # sigmoid(4.5 (v - 0.5)) is close to v
    last.weight.mul_(0.1)
    for c in range(3):
        last.weight[c, c, 1, 1] += slope
        last.bias[c] = slope * (glcic.MEAN[c] - 0.5 - last_input)


@torch.no_grad()
def calibrate(network: torch.nn.Module, inputs: torch.Tensor) -> None:
    """Batch statistics of `inputs` into every batch norm, undone by its own scale and shift."""
    x = inputs
    for module in network:
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.copy_(x.mean((0, 2, 3)))
            module.running_var.copy_(x.var((0, 2, 3)) + 1e-3)
            module.weight.copy_((module.running_var + module.eps).sqrt())
            module.bias.copy_(module.running_mean)
        x = module(x)


def save(path: Path, network: torch.nn.Module, average, step: int) -> None:
    """The averaged weights as a plain checkpoint, written beside and renamed."""
    state = dict(network.state_dict())
    for (key, _), mean in zip(network.named_parameters(), average):
        state[key] = mean.clone()
    temporary = path.with_name(path.name + ".part")
    torch.save({"state_dict": state, "steps": step}, temporary)
    temporary.replace(path)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--pictures",
        type=Path,
        required=True,
        help="a folder that holds the files of training_list.json at any depth",
    )
    length = parser.add_mutually_exclusive_group(required=True)
    length.add_argument("--steps", type=int, help="the length of the run in steps")
    length.add_argument("--minutes", type=float, help="the length of the run in minutes")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rate", type=float, default=1.5e-3, help="the highest learning rate")
    parser.add_argument("--resume", type=Path, help="a checkpoint to start from")
    parser.add_argument("-o", "--output", type=Path, required=True, help="the checkpoint, .pt")
    return parser.parse_args()


if __name__ == "__main__":
    main()
