"""A Whisper model as Optimum exports it (ONNX, int8), made into a CTranslate2 folder.

ONNX Runtime runs such a model with a window of 30 s only and cannot score a closed set in one
search; CTranslate2 can. The weights are taken out of the two graphs: int8 with one scale a matrix
becomes float32 and then int8 with one scale a row, which loses nothing more to speak of.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from ctranslate2.converters.utils import fuse_linear
from ctranslate2.specs import common_spec, whisper_spec
from numpy.typing import NDArray
from onnx import numpy_helper

Weights = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Shape:
    """The size of a Whisper model; encoder and decoder are alike."""

    layers: int
    heads: int


class _Graph:
    """The weights of one exported graph."""

    def __init__(self, path: Path, parameters: str, nodes: str, suffix: str) -> None:
        """Parameters are named `parameters` + path + `suffix`, nodes `nodes` + path."""
        graph = onnx.load(path).graph
        self._arrays = {array.name: array for array in graph.initializer}
        self._parameters, self._nodes, self._suffix = parameters, nodes, suffix
        # Matrices lost their names in the export; the node that multiplies by one has its path.
        self._matrices = {
            node.name: node.input[1]
            for node in _nodes(graph)
            if node.op_type in {"MatMulInteger", "ConvInteger"}
        }

    def parameter(self, name: str) -> Weights:
        """One that was left as it is."""
        found = numpy_helper.to_array(self._arrays[f"{self._parameters}{name}{self._suffix}"])
        return found.astype(np.float32)

    def quantized(self, name: str) -> Weights:
        """One that was made int8, by its name without the ending."""
        whole, scale, zero = (
            numpy_helper.to_array(self._arrays[f"{name}_{part}"]).astype(np.float32)
            for part in ("quantized", "scale", "zero_point")
        )
        return np.asarray((whole - zero) * scale, dtype=np.float32)

    def embeddings(self) -> Weights:
        """Of the decoder's tokens, which are its projection as well."""
        return self.quantized(f"{self._parameters}embed_tokens.weight{self._suffix}")

    def convolution(self, spec: Any, name: str) -> None:
        spec.weight = self.quantized(f"{name}.weight{self._suffix}")
        spec.bias = self.parameter(f"{name}.bias")

    def linear(self, spec: Any, path: str, *, bias: bool = True) -> None:
        matrix = self._matrices[f"{self._nodes}{path}/MatMul_quant"].removesuffix("_quantized")
        spec.weight = np.ascontiguousarray(self.quantized(matrix).T)
        name = path.replace("/", ".") + ".bias"
        spec.bias = self.parameter(name) if bias else np.zeros(len(spec.weight), np.float32)

    def norm(self, spec: Any, name: str) -> None:
        spec.gamma = self.parameter(f"{name}.weight")
        spec.beta = self.parameter(f"{name}.bias")

    def attention(self, spec: Any, layer: str, name: str) -> None:
        """`name`: self_attn or encoder_attn. CTranslate2 keeps the matrices that see the same input
        in one."""
        query, *kept = parts = [common_spec.LinearSpec() for _ in range(3)]
        for part, letter in zip(parts, "qkv", strict=True):
            self.linear(part, f"{layer}/{name}/{letter}_proj", bias=letter != "k")
        *inputs, output = spec.linear
        if len(inputs) == 1:
            fuse_linear(inputs[0], parts)
        else:
            inputs[0].weight, inputs[0].bias = query.weight, query.bias
            fuse_linear(inputs[1], kept)
        self.linear(output, f"{layer}/{name}/out_proj")
        self.norm(spec.layer_norm, f"{layer}.{name}_layer_norm")

    def feed_forward(self, spec: Any, layer: str) -> None:
        self.linear(spec.linear_0, f"{layer}/fc1")
        self.linear(spec.linear_1, f"{layer}/fc2")
        self.norm(spec.layer_norm, f"{layer}.final_layer_norm")


def _nodes(graph: Any) -> Iterator[Any]:
    """Of the graph and of those inside its nodes."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                yield from _nodes(attribute.g)


def convert(
    encoder: Path, decoder: Path, folder: Path, *, shape: Shape, vocabulary: list[str],
    config: Mapping[str, Any],
) -> None:  # fmt: skip
    """Write the model into `folder`, which exists. `vocabulary`: every token by its number;
    `config`: of generation_config.json. Raises KeyError where a graph is another one."""
    spec = whisper_spec.WhisperSpec(shape.layers, shape.heads, shape.layers, shape.heads)
    _encoder(spec.encoder, _Graph(encoder, "", "/", ""))
    _decoder(spec.decoder, _Graph(decoder, "model.decoder.", "/model/decoder/", "_merged_0"))
    spec.register_vocabulary(vocabulary)
    spec.config.suppress_ids = config["suppress_tokens"]
    spec.config.suppress_ids_begin = config["begin_suppress_tokens"]
    spec.config.alignment_heads = config["alignment_heads"]
    spec.config.lang_ids = sorted(config["lang_to_id"].values())
    spec.validate()
    spec.optimize(quantization="int8")
    spec.save(str(folder))


def _encoder(spec: Any, graph: _Graph) -> None:
    graph.convolution(spec.conv1, "conv1")
    graph.convolution(spec.conv2, "conv2")
    spec.position_encodings.encodings = graph.parameter("embed_positions.weight")
    graph.norm(spec.layer_norm, "layer_norm")
    for number, layer in enumerate(spec.layer):
        graph.attention(layer.self_attention, f"layers.{number}", "self_attn")
        graph.feed_forward(layer.ffn, f"layers.{number}")


def _decoder(spec: Any, graph: _Graph) -> None:
    spec.embeddings.weight = spec.projection.weight = graph.embeddings()
    spec.position_encodings.encodings = graph.parameter("embed_positions.weight")
    graph.norm(spec.layer_norm, "layer_norm")
    for number, layer in enumerate(spec.layer):
        graph.attention(layer.self_attention, f"layers.{number}", "self_attn")
        graph.attention(layer.attention, f"layers.{number}", "encoder_attn")
        graph.feed_forward(layer.ffn, f"layers.{number}")
