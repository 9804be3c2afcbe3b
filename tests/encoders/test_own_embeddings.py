"""Embeddings people bring along: read, checked, written, and looked up in place of a model."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pytest
from pyarrow import parquet
from safetensors.numpy import save_file

from unskew.encoders import (
    DualEncoder,
    LabelledEmbeddings,
    PrecomputedEncoder,
    is_embeddings_file,
    load_embeddings,
    save_embeddings,
)
from unskew.errors import InputError, NotFoundError

SUFFIXES = [".npz", ".parquet", ".safetensors"]
RAW = np.random.default_rng(0).standard_normal((6, 5)) * 3
UNIT = RAW / np.linalg.norm(RAW, axis=1, keepdims=True)
LABELS = {"religion": ["Hindu", "Muslim", "Jewish"] * 2, "age": ["old", "young"] * 3}
TEXTS = ["kind", "dangerous", "", "a “quoted” text", "Ünïcode", "new\nline"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_is_saved_comes_back(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / "deep" / f"own{suffix}"
    save_embeddings(path, RAW, labels=LABELS, texts=TEXTS)
    found = load_embeddings(str(path))
    assert found.embeddings.dtype == np.float32
    np.testing.assert_allclose(found.embeddings, UNIT, atol=1e-6)
    assert found.labels == LABELS
    assert found.texts == TEXTS
    assert found.name == str(path)
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    save_embeddings(path, RAW[:2])
    assert load_embeddings(path).labels == {}
    assert load_embeddings(path).texts is None


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_saving_checks_too_and_leaves_nothing_half_written(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"own{suffix}"
    with pytest.raises(InputError, match="6 embeddings but 2 values of 'age'"):
        save_embeddings(path, RAW, labels={"age": ["old", "young"]})
    assert list(tmp_path.iterdir()) == []


def write(path: Path, vectors: Any, labels: dict[str, list]) -> None:
    """As a person would, with none of our checks."""
    if path.suffix == ".npz":
        np.savez(
            path, embeddings=np.asarray(vectors), **{k: np.array(v) for k, v in labels.items()}
        )
    elif path.suffix == ".parquet":
        parquet.write_table(pyarrow.table({"embedding": list(vectors), **labels}), path)
    else:
        import json

        save_file({"embeddings": np.asarray(vectors)}, path, {"labels": json.dumps(labels)})


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_bad_rows_are_named(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"own{suffix}"
    for value, complaint in [(np.nan, "NaN"), (np.inf, "NaN or infinite"), (0.0, "all zeros")]:
        broken = RAW.copy()
        broken[4] = value
        write(path, broken, {})
        with pytest.raises(InputError, match=f"row 4 .*{complaint}") as caught:
            load_embeddings(path)
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
def test_labels_of_another_length(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"own{suffix}"
    write(path, RAW, {"age": ["old"] * 5})
    with pytest.raises(InputError, match="6 embeddings but 5 values of 'age'"):
        load_embeddings(path)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_rows_without_a_label(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"own{suffix}"
    save_embeddings(path, RAW, {"age": ["old", None, "", "young", None, "old"]})
    labels = load_embeddings(path).labels["age"]
    assert labels == ["old", None, None, "young", None, "old"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_labels_that_are_no_strings(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"own{suffix}"
    write(path, RAW, {"age": [1, 2, 3, 4, 5, 6]})
    with pytest.raises(InputError, match="row 0 of 'age' is 1, not a string"):
        load_embeddings(path)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_demonstrates_says_so(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"own{suffix}"
    save_embeddings(path, RAW, labels=LABELS, texts=TEXTS)
    assert not load_embeddings(path).demonstration
    save_embeddings(path, RAW, labels=LABELS, texts=TEXTS, demonstration=True)
    loaded = load_embeddings(path)
    assert loaded.demonstration
    assert loaded.labels == LABELS
    assert PrecomputedEncoder(loaded).demonstration


def test_a_file_of_texts_embeds_no_images(tmp_path: Path) -> None:
    save_embeddings(tmp_path / "own.npz", RAW, texts=TEXTS)
    encoder = PrecomputedEncoder(load_embeddings(tmp_path / "own.npz"))
    with pytest.raises(InputError, match="cannot embed images"):
        encoder.embed_readable([])


@pytest.mark.parametrize("bad", [None, [1.0], [1.0, None, 2.0, 3.0, 4.0]])
def test_uneven_parquet_rows_are_named(bad: Any, tmp_path: Path) -> None:
    write(tmp_path / "own.parquet", [*RAW.tolist()[:3], bad], {})
    with pytest.raises(InputError, match="row 3 is missing, has gaps"):
        load_embeddings(tmp_path / "own.parquet")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_files_of_another_kind(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"own{suffix}"
    with pytest.raises(NotFoundError, match="there is no embeddings file"):
        load_embeddings(path)
    for content in (b"", b"hello", b"PK\x03\x04", b"PAR1....PAR1"):
        path.write_bytes(content)
        with pytest.raises(InputError, match="cannot read"):
            load_embeddings(path)
    save_embeddings(path, RAW)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(InputError, match="cannot read"):
        load_embeddings(path)


def test_missing_arrays_are_named(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", vectors=RAW)
    parquet.write_table(pyarrow.table({"vectors": list(RAW)}), tmp_path / "a.parquet")
    save_file({"vectors": RAW}, tmp_path / "a.safetensors")
    for suffix in SUFFIXES:
        with pytest.raises(InputError, match=r"has no .* 'embeddings?', only 'vectors'"):
            load_embeddings(tmp_path / f"a{suffix}")


def test_pickled_arrays_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", embeddings=RAW, age=np.array(["old"] * 6, dtype=object))
    with pytest.raises(InputError, match="not an object array"):
        load_embeddings(tmp_path / "a.npz")


def test_tables_of_another_shape(tmp_path: Path) -> None:
    for odd in (RAW[0], RAW[None], RAW[:0], RAW.astype(str)):
        with pytest.raises(InputError, match=r"must be a table of numbers \(n, d\)"):
            save_embeddings(tmp_path / "a.npz", odd)
    with pytest.raises(InputError, match=r"use \.npz, \.parquet, \.safetensors"):
        save_embeddings(tmp_path / "a.csv", RAW)
    (tmp_path / "a.csv").write_text("1,2")
    with pytest.raises(InputError, match=r"use \.npz, \.parquet, \.safetensors"):
        load_embeddings(tmp_path / "a.csv")


def test_broken_metadata(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    for metadata in (
        {"labels": "{"},
        {"labels": "[1]"},
        {"texts": '{"a": 1}'},
        {"labels": '{"a": 1}'},
    ):
        save_file({"embeddings": RAW}, path, metadata)
        with pytest.raises(InputError, match="must be JSON"):
            load_embeddings(path)


def test_which_files_hold_embeddings(tmp_path: Path) -> None:
    for suffix in SUFFIXES:
        save_embeddings(tmp_path / f"a{suffix}", RAW)
        assert is_embeddings_file(tmp_path / f"a{suffix}")
    parquet.write_table(pyarrow.table({"image": ["x"]}), tmp_path / "images.parquet")
    (tmp_path / "broken.parquet").write_text("x")
    for other in ("images.parquet", "broken.parquet", "none.parquet", "openai/clip", "a.json"):
        assert not is_embeddings_file(tmp_path / other)
    assert not is_embeddings_file(3)


def test_texts_are_looked_up() -> None:
    encoder = PrecomputedEncoder(
        LabelledEmbeddings(
            UNIT.astype(np.float32)[:3], texts=["a kind person", "nurse", "x"], name="t.npz"
        )
    )
    assert (encoder.dim, encoder.demonstration, encoder.name) == (5, False, "t.npz")
    np.testing.assert_allclose(
        encoder.embed_texts(["nurse", "x", "nurse"]), UNIT[[1, 2, 1]], atol=1e-6
    )
    np.testing.assert_allclose(encoder.embed_texts(["kind"], "a {} person"), UNIT[[0]], atol=1e-6)
    with pytest.raises(InputError, match=r"t.npz has no embedding of 'doctor' \(2 of 3 texts are"):
        encoder.embed_texts(["nurse", "doctor", "doctor", "pilot"])
    with pytest.raises(InputError, match="exactly once"):
        encoder.embed_texts(["nurse"], template="no place")


def test_precomputed_encoders_need_unambiguous_texts() -> None:
    vectors = UNIT.astype(np.float32)
    with pytest.raises(InputError, match="has no texts"):
        PrecomputedEncoder(LabelledEmbeddings(vectors, name="t.npz"))
    with pytest.raises(InputError, match="rows 0 and 2 give the text 'a' two different"):
        PrecomputedEncoder(LabelledEmbeddings(vectors[:3], texts=["a", "b", "a"]))
    same = LabelledEmbeddings(vectors[[0, 1, 0]], texts=["a", "b", "a"])
    other = LabelledEmbeddings(vectors[[0, 1]], texts=["a", "c"])
    assert PrecomputedEncoder(same).fingerprint != PrecomputedEncoder(other).fingerprint


def test_a_saved_encoder_answers_like_the_encoder(encoder: DualEncoder, tmp_path: Path) -> None:
    texts = ["a kind person", "a dangerous person"]
    save_embeddings(tmp_path / "t.safetensors", encoder.embed_texts(texts), texts=texts)
    stored = PrecomputedEncoder(load_embeddings(tmp_path / "t.safetensors"))
    assert stored.dim == encoder.dim
    np.testing.assert_allclose(
        stored.embed_texts(["kind", "dangerous"], "a {} person"),
        encoder.embed_texts(texts),
        atol=1e-6,
    )
