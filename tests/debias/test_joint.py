"""Joint debiasing: each term against numpy, what is drawn, and that the bias goes."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.special import log_softmax

from unskew.debias import joint, joint_published
from unskew.debias.joint import Source, joint_loss, subgroup_axes
from unskew.debias.joint_parts import (
    Best,
    bias_alignment,
    distillation,
    log_similarities,
    new_heads,
)
from unskew.debias.joint_published import (
    Batch,
    Queues,
    follow,
    other_subgroup,
    published_loss,
)
from unskew.encoders.heads import Heads
from unskew.errors import InputError

T = 0.07
SMALL = {"steps": 60, "batch_size": 64, "queue": 128, "hidden": 32, "image_hidden": 16}
SHORT = {"epochs": 2, "batch_size": 128, "queue": 256, "hidden": 32, "image_hidden": 16}
BOTH = pytest.mark.parametrize(("method", "options"), [(joint, SMALL), (joint_published, SHORT)])


def unit(x):
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def rows(n, d=8, seed=0):
    return unit(np.random.default_rng(seed).normal(size=(n, d)))


def tensors(*arrays):
    return [torch.as_tensor(a, dtype=torch.float32) for a in arrays]


def similarity(x, queue):
    """Softmax in numpy: (probabilities, their logs)."""
    logs = log_softmax(x @ queue.T / T, axis=-1)
    return np.exp(logs), logs


def moved(head, x):
    """What the encoder makes of x with this head, in float64."""
    with torch.no_grad():
        return unit(head(torch.as_tensor(np.asarray(x, dtype=np.float32))).numpy().astype(float))


def lively(dim=8, seed=3, rectified=True):
    """Heads that change something, in whichever form."""
    heads = new_heads(dim, 16, 12, seed, rectified)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in heads.image.parameters():
            weight.add_(torch.randn(weight.shape, generator=generator) / 4)
    return heads


def gap(data, heads):
    """Distance between the subgroup means of the held-out faces."""
    faces, labels = moved(heads.image, data.validation.embeddings), data.validation.labels
    return np.linalg.norm(faces[labels == 1].mean(axis=0) - faces[labels == 0].mean(axis=0))


def test_alignment_is_the_divergence_of_the_image_from_the_text():
    p, log_p = similarity(rows(5), rows(9, seed=1))
    q, log_q = similarity(rows(5, seed=2), rows(9, seed=1))
    text_first = (p * (log_p - log_q)).sum(axis=1).mean()
    image_first = (q * (log_q - log_p)).sum(axis=1).mean()
    assert abs(text_first - image_first) > 0.01
    assert bias_alignment(*tensors(log_p, log_q)).item() == pytest.approx(text_first, rel=1e-5)


def test_distillation_is_a_cross_entropy_of_soft_targets():
    targets, _ = similarity(rows(5), rows(9, seed=1))
    _, logs = similarity(rows(5, seed=2), rows(9, seed=1))
    got = distillation(*tensors(targets, logs)).item()
    assert got == pytest.approx(-(targets * logs).sum(axis=1).mean(), rel=1e-5)


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize("share", [0.0, 0.4])
def test_the_published_loss_restated(swapped, share):
    faces, captions, others = rows(6), rows(6, seed=1), rows(6, seed=2)
    old_faces, old_captions = rows(10, seed=3), rows(10, seed=4)
    heads, slow = lively(), lively(seed=5)
    images, texts = np.vstack([faces, old_faces]), np.vstack([captions, old_captions])

    def target(x, head, queue):
        mixed = (1 - share) * similarity(x, queue)[0]
        return mixed + share * similarity(moved(head, x), queue)[0]

    shown = moved(heads.text, others if swapped else captions)
    text = -(target(captions, slow.text, images) * similarity(shown, images)[1]).sum(1).mean()
    face = moved(heads.image, faces)
    image = -(target(faces, slow.image, texts) * similarity(face, texts)[1]).sum(1).mean()
    p, log_p = similarity(captions - moved(heads.text, captions), texts)
    _, log_q = similarity(faces - face, images)
    expected = 0.3 * (text + image) / 2 + 0.7 * (p * (log_p - log_q)).sum(1).mean()
    got = published_loss(
        heads,
        slow,
        Batch(*tensors(faces, captions, others), swapped),
        Queues(*tensors(old_faces, old_captions)),
        alpha=0.3,
        temperature=T,
        share=share,
    )
    assert got.item() == pytest.approx(expected, rel=1e-4)


def test_heads_that_change_nothing_align_perfectly():
    logs = log_similarities(torch.zeros(4, 8), torch.eye(8), T)
    assert bias_alignment(logs, logs).item() == pytest.approx(0, abs=1e-6)


def test_the_loss_with_counterfactual_images_restated(synthetic):
    source = Source.of(synthetic(subgroups=3))
    batch = source.draw(20, 40, torch.Generator().manual_seed(0))
    heads = lively(dim=40, rectified=False)
    names = ("seen", "meant", "versions", "images", "texts", "general", "neutral")
    b = {name: getattr(batch, name).numpy().astype(float) for name in names}
    text = []
    for versions in b["versions"]:
        same = np.mean([similarity(v, b["images"])[0] for v in versions], axis=0)
        text += [-(same * similarity(moved(heads.text, v), b["images"])[1]).sum() for v in versions]
    seen = moved(heads.image, b["seen"])
    image = [
        -(similarity(b["meant"], b[q])[0] * similarity(seen, b[q])[1]).sum(axis=1).mean()
        for q in ("images", "texts")
    ]
    with torch.no_grad():
        steps = [heads.text(batch.neutral) - batch.neutral]
        steps.append(heads.image(batch.general) - batch.general)
    kept = sum(np.square(s.numpy()).sum(axis=1).mean() for s in steps)
    expected = (np.mean(text) + np.mean(image)) / 2 + 2 * kept
    assert joint_loss(heads, batch, T, keep=2.0).item() == pytest.approx(expected, rel=1e-4)


def test_gradients_reach_the_weights_and_nothing_else(synthetic):
    heads, batch = (
        lively(40, rectified=False),
        Source.of(synthetic()).draw(20, 40, torch.Generator()),
    )
    joint_loss(heads, batch, T, keep=1.0).backward()
    assert all(w.grad.abs().max() > 0 for w in heads.image.parameters())
    heads, slow, queues = lively(), lively(seed=5), Queues(*tensors(rows(10), rows(10)))
    batch = Batch(*tensors(rows(6), rows(6, seed=1), rows(6, seed=2)), swapped=True)
    published_loss(heads, slow, batch, queues, 0.3, T, 0.4).backward()
    assert all(w.grad.abs().max() > 0 for w in heads.image.parameters())
    assert all(w.grad is None for w in slow.image.parameters())


def test_without_the_last_relu_a_start_at_nothing_learns_and_with_it_not(synthetic):
    batch = Source.of(synthetic()).draw(20, 40, torch.Generator())
    for rectified in (False, True):
        heads = new_heads(40, 16, 12, 0, rectified)
        for part in (heads.image.outer, heads.image.inner):
            torch.nn.init.zeros_(part[2].weight)
            torch.nn.init.zeros_(part[2].bias)
        joint_loss(heads, batch, T, keep=1.0).backward()
        steepest = max(w.grad.abs().max().item() for w in heads.image.parameters())
        assert (steepest == 0) == rectified


def test_one_module_serves_both_modalities_and_starts_as_published_or_at_nothing():
    heads = new_heads(8, 16, 12, 0, rectified=True)
    assert heads.text.outer is heads.image.outer
    assert sum(w.numel() for w in new_heads(512, 1024, 512, 0, True).image.parameters()) == 1575424
    x = torch.as_tensor(rows(30), dtype=torch.float32)
    assert (heads.image(x) >= x).all()
    assert (heads.image(x) > x).any()
    torch.testing.assert_close(new_heads(8, 16, 12, 0, rectified=False).image(x), x)


def test_a_queue_gives_up_its_oldest_first():
    generator = torch.Generator().manual_seed(0)
    queues = Queues.noise(5, 3, generator)
    torch.testing.assert_close(queues.faces.norm(dim=1), torch.ones(5))
    noise, numbered = queues.faces.clone(), torch.arange(21.0).reshape(7, 3)
    queues.push(numbered[:2], -numbered[:2])
    assert queues.faces.tolist() == [*numbered[:2].tolist(), *noise[2:].tolist()]
    queues.push(numbered[2:6], -numbered[2:6])
    assert queues.faces.tolist() == numbered[[5, 1, 2, 3, 4]].tolist()
    assert queues.captions.tolist() == (-numbered[[5, 1, 2, 3, 4]]).tolist()
    queues.push(numbered, -numbered)
    assert sorted(queues.faces.tolist()) == numbered[2:].tolist()


def test_the_queue_holds_originals_and_slow_targets_begin_with_the_sixth_epoch(
    synthetic, monkeypatch
):
    data, seen = synthetic(n=128), []
    loss = joint_published.published_loss

    def watched(heads, slow, batch, queues, alpha, temperature, share):
        seen.append((share, batch, queues.faces.clone(), queues.captions.clone()))
        return loss(heads, slow, batch, queues, alpha, temperature, share)

    monkeypatch.setattr(joint_published, "published_loss", watched)
    joint_published.fit(data, **SHORT | {"epochs": 7, "batch_size": 64, "queue": 128})
    assert [share for share, *_ in seen] == [0.0] * 10 + [0.4] * 4
    _, _, faces, captions = seen[-1]
    assert np.isin(faces.numpy(), data.fit.embeddings).all()
    assert np.isin(captions.numpy(), data.texts.captions).all()
    own = data.texts.captions[data.texts.caption_of[np.arange(128), data.fit.labels]]
    pairs = {(f.tobytes(), c.tobytes()) for f, c in zip(data.fit.embeddings, own, strict=True)}
    assert {
        (f.tobytes(), c.tobytes()) for f, c in zip(faces.numpy(), captions.numpy(), strict=True)
    } <= pairs
    assert {batch.swapped for _, batch, *_ in seen} == {False, True}


def test_the_slow_average_takes_a_small_step():
    slow, fast = torch.nn.Linear(2, 1), torch.nn.Linear(2, 1)
    before = slow.weight.detach().clone()
    follow(slow, fast)
    torch.testing.assert_close(slow.weight, 0.995 * before + 0.005 * fast.weight)


def test_every_other_subgroup_is_drawn_alike_and_never_the_own():
    own = torch.arange(4).repeat(3000)
    drawn = other_subgroup(own, 4, torch.Generator().manual_seed(0))
    counts = np.zeros((4, 4))
    np.add.at(counts, (own.numpy(), drawn.numpy()), 1)
    assert not counts.diagonal().any()
    off = counts[~np.eye(4, dtype=bool)]
    assert off.min() > 900
    assert off.max() < 1100


@pytest.mark.parametrize("subgroups", [2, 4])
def test_a_counterfactual_face_differs_along_the_subgroup_axes_alone(subgroups, synthetic):
    data = synthetic(subgroups)
    source = Source.of(data)
    assert source.axes.shape == (subgroups - 1, 40)
    chosen = torch.arange(len(data.fit)).repeat(8)
    drawn = source.drawn(chosen, torch.Generator().manual_seed(0)).double()
    faces = source.faces[chosen].double()
    same = (drawn - faces).abs().max(dim=1).values < 1e-6
    assert same.double().mean().item() == pytest.approx(1 / subgroups, abs=0.05)
    rest = torch.eye(40).double() - source.axes.T.double() @ source.axes.double()
    torch.testing.assert_close(
        torch.nn.functional.normalize(drawn @ rest),
        torch.nn.functional.normalize(faces @ rest),
        atol=1e-5,
        rtol=0,
    )
    means = [
        (drawn @ source.axes.T.double())[data.fit.labels[chosen] == s].mean(dim=0)
        for s in range(subgroups)
    ]
    spread = [
        (faces @ source.axes.T.double())[data.fit.labels[chosen] == s].mean(dim=0)
        for s in range(subgroups)
    ]
    assert torch.stack(means).std(dim=0).max() < 0.15 * torch.stack(spread).std(dim=0).max()


def test_axes_of_subgroups_with_one_mean_are_dropped():
    faces = torch.eye(4)[[0, 1, 0, 1, 2, 3]]
    axes = subgroup_axes(faces, torch.tensor([0, 0, 1, 1, 2, 2]), 3)
    assert axes.shape == (1, 4)
    torch.testing.assert_close(axes.abs(), torch.full((1, 4), 0.5))


@pytest.mark.parametrize("subgroups", [2, 3])
def test_what_is_learned_takes_the_bias_away_and_leaves_the_rest(subgroups, synthetic):
    data = synthetic(subgroups, n=1200)
    heads = joint.fit(data, **SMALL | {"steps": 400, "hidden": 64, "image_hidden": 64})
    assert gap(data, heads) < 0.35 * gap(data, Heads(*[torch.nn.Identity()] * 2))
    words = data.texts.prompts
    apart = np.linalg.norm(words[0] - words[1], axis=1).mean()
    became = moved(heads.text, words)
    assert np.linalg.norm(became[0] - became[1], axis=1).mean() < 0.8 * apart
    assert (moved(heads.image, data.preserve) * data.preserve).sum(axis=1).mean() > 0.95
    assert (moved(heads.text, data.texts.neutral) * data.texts.neutral).sum(axis=1).mean() > 0.95


def test_captions_that_differ_in_the_subgroup_come_to_ask_for_the_same_faces(synthetic):
    data = synthetic(n=400)
    options = SHORT | {"hidden": 64, "learning_rate": 1e-3, "alpha": 1.0}

    def divergence(epochs):
        heads = joint_published.fit(data, **options | {"epochs": epochs})
        became = moved(heads.text, data.texts.captions[data.texts.caption_of])
        faces = data.fit.embeddings.astype(float)
        p, log_p = similarity(became[:, 0], faces)
        return (p * (log_p - similarity(became[:, 1], faces)[1])).sum(axis=1).mean()

    assert divergence(100) < divergence(1) / 2


@BOTH
def test_a_seed_fixes_the_result_and_the_caller_keeps_the_global_one(method, options, synthetic):
    data = synthetic(n=200)
    torch.manual_seed(11)
    expected = torch.rand(3)
    torch.manual_seed(11)
    one, same, other = (method.fit(data, seed, **options) for seed in (4, 4, 5))
    torch.testing.assert_close(torch.rand(3), expected)
    assert one.digest() == same.digest() != other.digest()


@BOTH
def test_the_best_score_is_kept(method, options, synthetic):
    data, seen = synthetic(n=200), []
    options = options | ({"steps": 150} if method is joint else {"epochs": 6})

    def score(heads):
        seen.append(heads.digest())
        return [0.2, 0.7, 0.5][len(seen) - 1]

    assert method.fit(data, score=score, **options).digest() == seen[1]
    assert len(seen) == 3


def test_the_published_form_stops_after_ten_looks_without_gain(synthetic):
    looks = []
    joint_published.fit(
        synthetic(n=100), score=lambda _: -len(looks.append(0) or looks), **SHORT | {"epochs": 90}
    )
    assert len(looks) == 11


def test_without_a_score_nothing_is_remembered():
    heads, best = lively(), Best(None)
    before = heads.digest()
    best.look(heads)
    assert best.restore(heads).digest() == before
    assert not any(w.requires_grad for w in heads.image.parameters())


def test_no_general_images_are_needed(synthetic):
    data = replace(synthetic(n=200), preserve=np.empty((0, 40), dtype=np.float32))
    assert gap(data, joint.fit(data, **SMALL)) > 0


@BOTH
@pytest.mark.parametrize(
    ("wrong", "named"),
    [({"temperature": 0.0}, "temperature"), ({"batch_size": 0}, "batch_size"), ({"queue": 0}, "q")],
)
def test_options_out_of_range(method, options, wrong, named, synthetic):
    with pytest.raises(InputError, match=named):
        method.fit(synthetic(n=50), **options | wrong)


@BOTH
def test_words_are_needed(method, options, synthetic):
    data = replace(synthetic(n=50), named=None, wordless="no words for 'kind'")
    with pytest.raises(InputError, match="no words for 'kind'"):
        method.fit(data, **options)


def test_a_subgroup_without_images_is_refused(synthetic):
    data = synthetic(n=50)
    data = replace(data, fit=data.fit.take(np.flatnonzero(data.fit.labels == 0)))
    with pytest.raises(InputError, match="group 1"):
        joint.fit(data, **SMALL)
