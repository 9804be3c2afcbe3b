"""Heads alone, and on top of an encoder whose towers and cached images they share."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from unskew.encoders import Affine, DualEncoder, Heads, Rebalance, ResidualMLP
from unskew.encoders.heads import mlp
from unskew.errors import InputError

TEXTS = ["kind", "a photo of a doctor", "", "kind"]


def orthonormal(rank: int, dim: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.linalg.qr(rng.normal(size=(dim, rank)))[0].T.astype(np.float32)


def unit_rows(n: int, dim: int) -> torch.Tensor:
    return nn.functional.normalize(torch.randn(n, dim, generator=torch.Generator().manual_seed(1)))


def projection(dim: int, rank: int = 3) -> np.ndarray:
    basis = orthonormal(rank, dim)
    return np.eye(dim, dtype=np.float32) - basis.T @ basis


def test_affine() -> None:
    weight, bias = np.arange(6.0).reshape(2, 3)[:, :2], np.array([1.0, -1.0])
    z = torch.tensor([[1.0, 2.0]])
    assert Affine(weight, bias)(z).tolist() == [[3.0, 10.0]]
    assert Affine(weight)(z).tolist() == [[2.0, 11.0]]
    assert Affine(weight).weight.dtype == torch.float32


def test_residual_mlp() -> None:
    z = unit_rows(5, 4)
    outer, inner = mlp(4, 8), mlp(4, 2)
    np.testing.assert_allclose(ResidualMLP(outer)(z).detach(), (z + outer(z)).detach())
    both = z + outer(z + inner(z))
    np.testing.assert_allclose(ResidualMLP(outer, inner)(z).detach(), both.detach())
    assert (outer(z) >= 0).all()


def test_rebalance_keeps_unit_length_and_leaves_pure_vectors() -> None:
    basis = orthonormal(2, 8)
    head = Rebalance(basis)
    z = unit_rows(100, 8)
    out = head(z)
    np.testing.assert_allclose(out.norm(dim=1), 1, atol=1e-5)
    inside, before = out @ head.basis.T, z @ head.basis.T
    assert (inside.norm(dim=1) < before.norm(dim=1)).all()
    cosine = nn.functional.cosine_similarity(inside, before)
    np.testing.assert_allclose(cosine, 1, atol=1e-5)
    pure = torch.from_numpy(basis)
    np.testing.assert_allclose(head(pure), pure, atol=1e-6)
    outside = nn.functional.normalize(z - before @ head.basis)
    np.testing.assert_allclose(head(outside), outside, atol=1e-5)


def test_each_modality_passes_its_own_head(encoder: DualEncoder, photos: list[Image.Image]) -> None:
    keep = projection(encoder.dim)
    images, texts = encoder.embed_images(photos), encoder.embed_texts(TEXTS)
    expected = images @ keep
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    derived = encoder.with_heads(Heads(image=Affine(keep)), "fair")
    got = derived.embed_images(photos)
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, expected, atol=1e-6)
    np.testing.assert_array_equal(derived.embed_texts(TEXTS), texts)
    other = encoder.with_heads(Heads(text=Affine(keep)), "fair")
    np.testing.assert_array_equal(other.embed_images(photos), images)
    assert np.abs(other.embed_texts(TEXTS) - texts).max() > 0.01
    assert (derived.name, derived.base, derived.dim) == ("fair", encoder, encoder.dim)
    assert encoder.heads == ()
    np.testing.assert_array_equal(encoder.embed_images(photos), images)


def test_images_are_forwarded_once_for_all_heads(
    encoder: DualEncoder, photos: list[Image.Image], forwards: list[int]
) -> None:
    heads = [Heads(image=Affine(projection(encoder.dim, rank))) for rank in (1, 2)]
    one, two = (encoder.with_heads(h, "fair") for h in heads)
    first = encoder.embed_images(photos[:8])
    seen = one.embed_images(photos[:8])
    assert sum(forwards) == 8
    two.embed_images(photos)  # the four others, whoever asks for them first
    assert sum(forwards) == 12
    encoder.embed_images(photos)
    readable = one.embed_readable([*photos, b"broken"])
    assert sum(forwards) == 12
    np.testing.assert_array_equal(readable.embeddings[:8], seen)
    assert [u.index for u in readable.unreadable] == [12]
    np.testing.assert_array_equal(encoder.embed_images(photos[:8]), first)


def test_heads_upon_heads(encoder: DualEncoder) -> None:
    one, two = Heads(text=Affine(projection(16))), Heads(text=Affine(np.eye(16), np.ones(16)))
    texts = torch.from_numpy(encoder.embed_texts(TEXTS))
    for heads in (one, two):
        assert heads.text is not None
        texts = nn.functional.normalize(heads.text(texts))
    stacked = encoder.with_heads(one, "one").with_heads(two, "two")
    np.testing.assert_allclose(stacked.embed_texts(TEXTS), texts, atol=1e-6)


def test_many_rows_equal_few(encoder: DualEncoder, monkeypatch: pytest.MonkeyPatch) -> None:
    derived = encoder.with_heads(Heads(text=ResidualMLP(mlp(16, 8))), "fair")
    whole = derived.embed_texts(TEXTS)
    monkeypatch.setattr("unskew.encoders.encoder.HEAD_BATCH", 2)
    np.testing.assert_allclose(derived.embed_texts(TEXTS), whole, atol=1e-6)
    assert derived.embed_texts([]).shape == (0, 16)
    assert derived.embed_images([]).shape == (0, 16)


def test_the_fingerprint_is_that_of_towers_and_heads(encoder: DualEncoder) -> None:
    weight = projection(16)
    prints = [
        encoder.with_heads(heads, "x").fingerprint
        for heads in (
            Heads(),
            Heads(image=Affine(weight)),
            Heads(text=Affine(weight)),
            Heads(image=Affine(weight), text=Affine(weight)),
            Heads(image=Affine(weight, np.full(16, 1e-6))),
            Heads(image=Rebalance(orthonormal(3, 16))),
        )
    ]
    assert prints[0] == encoder.fingerprint
    assert len(set(prints)) == len(prints)
    assert encoder.with_heads(Heads(image=Affine(weight)), "y").fingerprint == prints[1]


def test_an_encoder_keeps_the_heads_it_was_given(encoder: DualEncoder) -> None:
    head = Affine(projection(16).astype(np.float64))
    derived = encoder.with_heads(Heads(text=head), "fair")
    before = derived.embed_texts(TEXTS)
    head.weight.zero_()
    np.testing.assert_array_equal(derived.embed_texts(TEXTS), before)
    trained = ResidualMLP(mlp(16, 8))
    held = encoder.with_heads(Heads(image=trained), "fair").heads[0].image
    assert held is not None
    assert not any(p.requires_grad for p in held.parameters())
    assert all(p.requires_grad for p in trained.parameters())


def test_a_head_of_another_dimension(encoder: DualEncoder) -> None:
    for head in (Affine(np.eye(9)), ResidualMLP(mlp(9, 4)), Rebalance(orthonormal(2, 9))):
        with pytest.raises(InputError, match=r"text head of fair is for embeddings of 9 .* has 16"):
            encoder.with_heads(Heads(text=head), "fair")


def test_what_a_head_makes_zero_or_infinite(
    encoder: DualEncoder, photos: list[Image.Image]
) -> None:
    for value in (0.0, float("nan"), float("inf")):
        head = Affine(np.full((16, 16), value))
        derived = encoder.with_heads(Heads(image=head, text=head), "fair")
        with pytest.raises(InputError, match=r"fair gives .* not finite after its image head"):
            derived.embed_images(photos)
        with pytest.raises(InputError, match=r"fair gives .* not finite after its text head"):
            derived.embed_texts(TEXTS)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_heads_run_where_the_towers_are(encoder: DualEncoder) -> None:
    derived = encoder.with_heads(Heads(text=Affine(projection(16))), "fair")
    head = derived.heads[0].text
    assert isinstance(head, Affine)
    assert head.weight.device.type == "cuda"
    assert derived.embed_texts(TEXTS).shape == (4, 16)
