"""EfficientNet-lite0 as a transformers vision model, in its inference form.

Lite0 (the mobile variant of EfficientNet, https://arxiv.org/abs/1905.11946) is a stack of inverted
bottlenecks with ReLU6 and without squeeze-and-excitation. Batch normalisation is an affine map once
training is over, so here it is folded into the convolution before it: fewer operations, and no
difference between train and eval mode.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import pad
from transformers import PreTrainedConfig, PreTrainedModel
from transformers.modeling_outputs import BaseModelOutputWithPooling


class EfficientNetLiteConfig(PreTrainedConfig):
    """Widths of the tower. The defaults are lite0's; small values make a tiny tower for tests.

    The pooler sees the feature maps after `pooled_blocks` (numbered from 0), each averaged over the
    cells of a grid with `pooled_grids` cells a side, and the mean over all positions of the last
    one, `head_channels` wide. Its output is that last mean followed by `pooler_width` trained
    units.
    """

    model_type = "efficientnet_lite"

    stem_channels: int = 32
    kernel_sizes: list[int] | tuple[int, ...] = (3, 3, 5, 3, 5, 5, 3)
    strides: list[int] | tuple[int, ...] = (1, 2, 2, 2, 1, 2, 1)
    out_channels: list[int] | tuple[int, ...] = (16, 24, 40, 80, 112, 192, 320)
    repeats: list[int] | tuple[int, ...] = (1, 2, 2, 3, 3, 4, 1)
    expand_ratios: list[int] | tuple[int, ...] = (1, 6, 6, 6, 6, 6, 6)
    head_channels: int = 1280
    pooled_blocks: list[int] | tuple[int, ...] = (7, 10, 14, 15)
    pooled_grids: list[int] | tuple[int, ...] = (1, 3, 3, 1)
    pooler_width: int = 512
    image_size: int = 160
    initializer_range: float = 0.02

    @property
    def hidden_size(self) -> int:
        """Width of `pooler_output`, under the name VisionTextDualEncoderModel looks for."""
        return self.head_channels + self.pooler_width


class SameConv2d(nn.Conv2d):
    """A convolution with TensorFlow's "same" padding, which the ImageNet weights were made for.

    With stride 2 the odd pixel of padding goes to the right and the bottom.
    """

    def forward(self, maps: Tensor) -> Tensor:
        """(n, c, h, w) -> (n, c', ceil(h / stride), ceil(w / stride))."""
        kernel, stride = self.kernel_size[0], self.stride[0]
        rows, columns = (
            max((-(-size // stride) - 1) * stride + kernel - size, 0) for size in maps.shape[-2:]
        )
        if rows == columns == kernel - 1:
            return nn.functional.conv2d(
                maps, self.weight, self.bias, self.stride, kernel // 2, 1, self.groups
            )
        margins = (columns // 2, columns - columns // 2, rows // 2, rows - rows // 2)
        return super().forward(pad(maps, margins))


class InvertedBottleneck(nn.Module):
    """Widen (1 x 1), filter per channel (k x k), narrow (1 x 1); add the input if shapes agree."""

    def __init__(self, width: int, out: int, kernel: int, stride: int, ratio: int) -> None:
        super().__init__()
        inner = width * ratio
        self.expand = nn.Conv2d(width, inner, 1) if ratio > 1 else nn.Identity()
        self.depthwise = SameConv2d(inner, inner, kernel, stride, groups=inner)
        self.project = nn.Conv2d(inner, out, 1)
        self.widens: bool = ratio > 1
        self.residual: bool = stride == 1 and width == out

    def forward(self, maps: Tensor) -> Tensor:
        """(n, width, h, w) -> (n, out, h / stride, w / stride)."""
        wide = nn.functional.relu6(self.expand(maps), inplace=True) if self.widens else maps
        narrow = self.project(nn.functional.relu6(self.depthwise(wide), inplace=True))
        return maps + narrow if self.residual else narrow


class EfficientNetLiteModel(PreTrainedModel):
    """The tower and its pooler.

    `last_hidden_state` is the last feature map (n, head_channels, h, w), of which the mean over
    positions is what ImageNet's classifier takes; `pooler_output` is (n, hidden_size).
    """

    config_class = EfficientNetLiteConfig
    base_model_prefix = "efficientnet_lite"
    main_input_name = "pixel_values"
    input_modalities: str | list[str] = "image"

    def __init__(self, config: EfficientNetLiteConfig) -> None:
        super().__init__(config)
        self.stem = SameConv2d(3, config.stem_channels, 3, 2)
        blocks = _blocks(config)
        self.blocks = nn.ModuleList(blocks)
        self.head = nn.Conv2d(config.out_channels[-1], config.head_channels, 1)
        grids = dict(zip(config.pooled_blocks, config.pooled_grids, strict=True))
        self.grids = {block: grids[block] for block in sorted(grids)}
        pooled = sum(blocks[n].project.out_channels * grid**2 for n, grid in self.grids.items())
        self.pooler = nn.Linear(pooled + config.head_channels, config.pooler_width)
        self.post_init()

    def pooled_features(self, pixel_values: Tensor) -> tuple[Tensor, Tensor]:
        """The last feature map and, (n, pooled), what the pooler sees."""
        # Twice as fast on a CPU as the default layout.
        pixels = pixel_values.contiguous(memory_format=torch.channels_last)
        maps = nn.functional.relu6(self.stem(pixels), inplace=True)
        seen = []
        for number, block in enumerate(self.blocks):
            maps = block(maps)
            if number in self.grids:
                cells = nn.functional.adaptive_avg_pool2d(maps, self.grids[number])
                seen.append(cells.flatten(1))
        last = nn.functional.relu6(self.head(maps), inplace=True)
        return last, torch.cat([*seen, last.mean(dim=(2, 3))], dim=1)

    def forward(self, pixel_values: Tensor, **kwargs: Any) -> BaseModelOutputWithPooling:
        """`pixel_values`: (n, 3, height, width), normalised by the processor."""
        last, pooled = self.pooled_features(pixel_values)
        units = nn.functional.gelu(self.pooler(pooled))
        means = pooled[:, -self.config.head_channels :]
        return BaseModelOutputWithPooling(
            last_hidden_state=last, pooler_output=torch.cat([means, units], dim=1)
        )


def _blocks(config: EfficientNetLiteConfig) -> list[InvertedBottleneck]:
    blocks = []
    width = config.stem_channels
    stages = zip(
        config.out_channels,
        config.kernel_sizes,
        config.strides,
        config.repeats,
        config.expand_ratios,
        strict=True,
    )
    for out, kernel, stride, repeats, ratio in stages:
        for repeat in range(repeats):
            blocks.append(
                InvertedBottleneck(width, out, kernel, stride if repeat == 0 else 1, ratio)
            )
            width = out
    return blocks
