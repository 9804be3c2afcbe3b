"""ResNet18 in plain torch, with in-place ReLU: one per block that runs twice, or two.

With two there are 60 layers beside containers and blocks, each of which runs once.
"""

from itertools import pairwise

import torch
from torch import nn


class Block(nn.Module):
    def __init__(self, width, out, stride, reused):
        super().__init__()
        self.conv1 = nn.Conv2d(width, out, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(out)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(out, out, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(out)
        self.relu2 = None if reused else nn.ReLU(inplace=True)
        self.downsample = None
        if stride != 1 or width != out:
            convolution = nn.Conv2d(width, out, 1, stride, bias=False)
            self.downsample = nn.Sequential(convolution, nn.BatchNorm2d(out))

    def forward(self, x):
        out = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        out = out + (x if self.downsample is None else self.downsample(x))
        return (self.relu2 or self.relu)(out)


class ResNet18(nn.Module):
    def __init__(self, reused):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        widths = (64, 64, 128, 256, 512)
        for i, (width, out) in enumerate(pairwise(widths), 1):
            first = Block(width, out, 1 if i == 1 else 2, reused)
            setattr(self, f"layer{i}", nn.Sequential(first, Block(out, out, 1, reused)))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(512, 10)

    def forward(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(self.avgpool(x).flatten(1))


def resnet18(seed, settled, reused=True):
    """New weights. BatchNorm's statistics are those of the data, or lag behind after 3 batches.

    Where they lag, weights that shrink what goes through leave deep layers whose squared mean is
    hundreds of times their variance.
    """
    torch.manual_seed(seed)
    model = ResNet18(reused)
    for module in model.modules():
        if isinstance(module, nn.Conv2d) and settled:
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    model.train()
    with torch.no_grad():
        for _ in range(30 if settled else 3):
            model(torch.randn(32, 3, 32, 32))
    return model.eval()
