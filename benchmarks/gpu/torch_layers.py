# SPDX-License-Identifier: MIT
"""Layers of layers.txt and networks as PyTorch modules, each as its users would write it.

An op more is an entry in modules(). `torch` is handed in, so that importing this needs none.
"""


def activation(torch, name, inplace=True):
    functions = torch.nn.functional
    return {
        "identity": lambda x: x,
        "relu": lambda x: functions.relu(x, inplace=inplace),
        "leaky_relu": lambda x: functions.leaky_relu(x, 0.2, inplace=inplace),
        "elu": lambda x: functions.elu(x, inplace=inplace),
        "sigmoid": torch.sigmoid,
        "tanh": torch.tanh,
        "silu": lambda x: functions.silu(x, inplace=inplace),
        "gelu": functions.gelu,
        "rsqrt": torch.rsqrt,
        "hard_swish": lambda x: functions.hardswish(x, inplace=inplace),
    }[name]


def modules(torch):
    """{op: function of a layer that gives a module and the number of its inputs}."""
    nn, functions = torch.nn, torch.nn.functional

    class Convolution(nn.Module):
        def __init__(self, layer, transposed):
            super().__init__()
            kind = nn.ConvTranspose2d if transposed else nn.Conv2d
            self.reflects = layer.settings.get("mode") == "reflect"
            self.padding = layer.integer("padding", 1 if transposed else 0)
            self.conv = kind(layer.shape[1], layer.integer("k", layer.shape[1]),
                             layer.integer("kernel", 4 if transposed else 3),
                             stride=layer.integer("stride", 2 if transposed else 1),
                             padding=0 if self.reflects else self.padding,
                             dilation=layer.integer("dilation", 1))
            self.act = activation(torch, layer.settings.get("act", "identity"))

        def forward(self, x):
            if self.reflects:
                x = functions.pad(x, [self.padding] * 4, mode="reflect")
            return self.act(self.conv(x))

    class Steps(nn.Module):
        def __init__(self, names):
            super().__init__()
            # In place where that is not the input.
            self.steps = [None if step == "add" else activation(torch, step, inplace=i > 0)
                          for i, step in enumerate(names)]

        def forward(self, x, *operands):
            left = iter(operands)
            for step in self.steps:
                x = x + next(left) if step is None else step(x)
            return x

    class Norm(nn.Module):
        """Statistics, and behind `then` their application and a function: one layer in PyTorch."""

        def __init__(self, layer):
            super().__init__()
            channels, affine = layer.shape[1], layer.settings.get("affine") == "on"
            groups = layer.integer("groups", channels)
            self.norm = nn.InstanceNorm2d(channels, affine=affine) if groups == channels else \
                nn.GroupNorm(groups, channels, affine=affine)
            ((_, behind),) = layer.then
            applied, *functions_behind = behind["steps"].split(",")
            assert applied == "norm"
            self.behind = Steps(["identity", *functions_behind])  # in place: not on the input

        def forward(self, x):
            return self.behind(self.norm(x))

    class LayerNorm(nn.Module):
        """Of each pixel's channels, which lie together in channels_last."""

        def __init__(self, layer):
            super().__init__()
            self.norm = nn.LayerNorm(layer.shape[1],
                                     elementwise_affine=layer.settings.get("affine") != "off")

        def forward(self, x):
            return self.norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)

    class Call(nn.Module):
        def __init__(self, function):
            super().__init__()
            self.function = function

        def forward(self, *inputs):
            return self.function(*inputs)

    def pool(layer):
        return (nn.AvgPool2d if layer.settings.get("kind") == "average" else nn.MaxPool2d)(
            layer.integer("kernel", 2), layer.integer("stride", 2), layer.integer("padding", 0))

    def pad(layer):
        sides = [layer.integer("amount", 1)] * 4
        mode = "reflect" if layer.settings.get("mode") == "reflect" else "constant"
        return Call(lambda x: functions.pad(x, sides, mode=mode))

    def resample(layer):
        size = (layer.integer("height", 2 * layer.shape[2]),
                layer.integer("width", 2 * layer.shape[3]))
        kind = layer.settings.get("kind", "nearest")
        return Call(lambda x: functions.interpolate(x, size=size, mode=kind))

    def reduce(layer):
        over = (1,) if layer.settings.get("over") == "channels" else (2, 3)
        function = {"mean": torch.mean, "sum": torch.sum, "max": torch.amax}[
            layer.settings.get("kind", "mean")]
        return Call(lambda x: function(x, over, keepdim=True))

    def white(layer):
        return 2 ** layer.integer("bits", 8) - 1

    class ToTensor(nn.Module):
        """An image of bytes to [-1, 1]; of the input it takes the type alone."""

        def __init__(self, layer):
            super().__init__()
            n, channels, height, width = layer.shape
            samples = torch.randint(256, (n, height, width, channels)).to(
                torch.uint8 if white(layer) == 255 else torch.int32)
            self.white = white(layer)
            self.register_buffer("samples", samples.permute(0, 3, 1, 2))

        def forward(self, x):
            return (self.samples.to(x.dtype) / self.white - 0.5) * 2

    def to_image(layer):
        half = 0.5 if layer.settings.get("rounds") == "on" else 0
        dtype = torch.uint8 if white(layer) == 255 else torch.int32
        return Call(lambda x: (x.clamp(0, 1) * white(layer) + half).to(dtype))

    def random(layer):
        """Of the input it takes the type and the device alone."""
        shape = (layer.shape[0], layer.integer("channels", 4), layer.integer("height", 64),
                 layer.integer("width", 64))
        draw = torch.rand if layer.settings.get("kind") == "uniform" else torch.randn
        return Call(lambda x: draw(shape, dtype=x.dtype, device=x.device))

    return {
        "concat": lambda layer: (Call(lambda *inputs: torch.cat(inputs, 1)), 2),
        "layer_norm": lambda layer: (LayerNorm(layer), 1),
        "norm": lambda layer: (Norm(layer), 1),
        "pad": lambda layer: (pad(layer), 1),
        "pool": lambda layer: (pool(layer), 1),
        "random": lambda layer: (random(layer), 1),
        "reduce": lambda layer: (reduce(layer), 1),
        "resample": lambda layer: (resample(layer), 1),
        "conv2d": lambda layer: (Convolution(layer, False), 1),
        "conv_transpose2d": lambda layer: (Convolution(layer, True), 1),
        "to_image": lambda layer: (to_image(layer), 1),
        "to_tensor": lambda layer: (ToTensor(layer), 1),
        "elementwise": lambda layer: (Steps(layer.settings["steps"].split(",")),
                                      1 + layer.settings["steps"].split(",").count("add")),
    }


def network(name, size, width):
    """GLCIC with batch norms folded, CycleGAN; as the comparison on the CPU has them."""
    from convert import folded, in_place

    from kintsugi_export.networks import cyclegan, glcic

    if name == "glcic":
        return folded(glcic.build(glcic.Config.of("triples", width, 4))), (1, 4, size, size)
    return in_place(cyclegan.build(cyclegan.Config(width))), (1, 3, size, size)


def flops_of(torch, module, inputs) -> int:
    """Multiplications and additions of the convolutions, as their contracts count them."""
    found = []

    def count(layer, given, out):
        each = layer.weight.numel() // layer.weight.shape[0]
        transposed = isinstance(layer, torch.nn.ConvTranspose2d)
        found.append(2 * each * (given[0] if transposed else out).numel())

    hooks = [m.register_forward_hook(count) for m in module.modules()
             if isinstance(m, (torch.nn.Conv2d, torch.nn.ConvTranspose2d))]
    module(*inputs)
    for hook in hooks:
        hook.remove()
    return sum(found)
