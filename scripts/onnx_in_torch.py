"""An ONNX network run by torch, so that its numbers can be trained and written back.

Of the operations there are those of the text detector of PP-OCRv3. Batch normalisation behind a
convolution becomes part of it.
"""

from pathlib import Path

import onnx
import torch
import torch.nn.functional as F
from onnx import numpy_helper
from torch import nn


class OnnxInTorch(nn.Module):
    """The part of a network that leads from its only input to the value that is named ``until``."""

    def __init__(self, path: Path, until: str) -> None:
        super().__init__()
        self.until = until
        model = onnx.load(str(path))
        graph, self.opset = model.graph, model.opset_import[0].version
        self.input = graph.input[0].name
        constants = {
            n.output[0]: n.attribute[0].t for n in graph.node if n.op_type == "Constant"
        } | {i.name: i for i in graph.initializer}
        self.values = {k: torch.tensor(numpy_helper.to_array(v)) for k, v in constants.items()}
        needed, self.nodes = {until}, []
        for node in reversed(graph.node):
            if node.op_type != "Constant" and needed & set(node.output):
                self.nodes.insert(0, node)
                needed |= set(node.input)
        self.weights = nn.ParameterDict()
        for name in sorted(needed & set(self.values)):
            if self.values[name].is_floating_point() and not name.startswith("batch_norm"):
                self.weights[self._key(name)] = nn.Parameter(self.values[name])
        self._fold()

    @staticmethod
    def _key(name: str) -> str:
        return name.replace(".", "~")  # torch allows no dot in the name of a parameter

    def _fold(self) -> None:
        """Batch normalisations whose only input is a convolution without an offset."""
        makers = {node.output[0]: node for node in self.nodes}
        kept = []
        for node in self.nodes:
            before = makers.get(node.input[0])
            if node.op_type != "BatchNormalization" or before is None or before.op_type != "Conv":
                kept.append(node)
                continue
            scale, shift, mean, variance = (self.values[name] for name in node.input[1:5])
            by = scale / torch.sqrt(variance + _attributes(node).get("epsilon", 1e-5))
            with torch.no_grad():
                self.weights[self._key(before.input[1])].mul_(by[:, None, None, None])
            offset = f"{before.input[1]}_bias"
            self.weights[self._key(offset)] = nn.Parameter(shift - mean * by)
            before.input.append(offset)
            before.output[0] = node.output[0]
        self.nodes = kept

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        values = self.values | {name.replace("~", "."): w for name, w in self.weights.items()}
        values[self.input] = x
        for node in self.nodes:
            given = [values[name] if name else None for name in node.input]
            values[node.output[0]] = OPERATIONS[node.op_type](given, _attributes(node))
        return values[self.until]

    def initializers(self) -> list[onnx.TensorProto]:
        """All numbers that the nodes need, the trained ones as they are now."""
        used = {name for node in self.nodes for name in node.input}
        now = self.values | {name.replace("~", "."): w for name, w in self.weights.items()}
        return [
            numpy_helper.from_array(now[name].detach().numpy(), name)
            for name in sorted(used & set(now))
        ]


def _attributes(node: onnx.NodeProto) -> dict:
    return {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}


def _conv(given: list, said: dict) -> torch.Tensor:
    pads = said.get("pads", [0, 0, 0, 0])
    if pads[:2] != pads[2:]:
        raise ValueError(f"padding {pads} is not the same on both sides")
    offset = given[2] if len(given) > 2 else None
    steps, gaps = said.get("strides", 1), said.get("dilations", 1)
    return F.conv2d(given[0], given[1], offset, steps, pads[:2], gaps, said.get("group", 1))


OPERATIONS = {
    "Conv": _conv,
    "Relu": lambda given, said: F.relu(given[0]),
    "HardSigmoid": lambda given, said: (
        given[0] * said.get("alpha", 0.2) + said.get("beta", 0.5)
    ).clamp(0, 1),
    "Clip": lambda given, said: given[0].clamp(float(given[1]), float(given[2])),
    "Add": lambda given, said: given[0] + given[1],
    "Mul": lambda given, said: given[0] * given[1],
    "Div": lambda given, said: given[0] / given[1],
    "GlobalAveragePool": lambda given, said: given[0].mean((2, 3), keepdim=True),
    "Reshape": lambda given, said: given[0].reshape(tuple(given[1].tolist())),
    "Resize": lambda given, said: F.interpolate(
        given[0], scale_factor=given[-1].tolist()[2:], mode="nearest"
    ),
    "Concat": lambda given, said: torch.cat(given, said["axis"]),
}
