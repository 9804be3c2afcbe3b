"""One WEAT: its arithmetic, its symmetries, what it accepts and what it refuses."""

import dataclasses
import itertools
import subprocess
import sys

import numpy as np
import pytest

from unskew.errors import InputError
from unskew.measures import association, sc_weat, weat, weat_from_associations


@pytest.fixture
def sets() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(3)
    sizes = {"X": 7, "Y": 5, "A": 4, "B": 6}
    drawn = {name: rng.standard_normal((n, 16)) for name, n in sizes.items()}
    drawn["X"] = drawn["X"] + 0.6 * drawn["A"].mean(axis=0)
    return drawn


def cosine(u: np.ndarray, v: np.ndarray) -> float:
    return float(u @ v / np.sqrt((u @ u) * (v @ v)))


def by_hand(X, Y, A, B, ddof):
    def s(w):
        return np.mean([cosine(w, a) for a in A]) - np.mean([cosine(w, b) for b in B])

    x, y = [s(w) for w in X], [s(w) for w in Y]
    return (np.mean(x) - np.mean(y)) / np.std(x + y, ddof=ddof), x, y


def test_association_is_the_difference_of_mean_cosines(sets):
    _, x, _ = by_hand(**sets, ddof=1)
    found = association(sets["X"], sets["A"], sets["B"])
    assert found.dtype == np.float64
    assert found == pytest.approx(x, abs=1e-14)


@pytest.mark.parametrize("ddof", [0, 1])
def test_effect_size_by_hand(sets, ddof):
    d, x, y = by_hand(**sets, ddof=ddof)
    found = weat(**sets, ddof=ddof)
    assert found.effect_size == pytest.approx(d, abs=1e-12)
    assert (found.mean_x, found.mean_y) == pytest.approx((np.mean(x), np.mean(y)), abs=1e-14)
    assert (found.n_x, found.n_y, found.n_a, found.n_b) == (7, 5, 4, 6)
    assert found.ci_low < found.effect_size < found.ci_high
    assert found.reason is None


@pytest.mark.parametrize("alternative", ["greater", "less", "two-sided"])
@pytest.mark.parametrize("values", ["distinct", "tied"])
def test_exact_p_by_brute_force(alternative, values):
    """Unequal sizes, and integers so that many partitions tie with the observed one."""
    rng = np.random.default_rng(0)
    s = rng.standard_normal(10) if values == "distinct" else rng.integers(0, 4, 10) / 7
    n = 4
    differences = []
    for chosen in itertools.combinations(range(10), n):
        inside = np.isin(np.arange(10), chosen)
        differences.append(s[inside].mean() - s[~inside].mean())
    differences = np.array(differences)
    observed = differences[0]
    extreme = {
        "greater": differences >= observed - 1e-12,
        "less": differences <= observed + 1e-12,
        "two-sided": np.abs(differences) >= abs(observed) - 1e-12,
    }[alternative]
    found = weat_from_associations(s[:n], s[n:], alternative=alternative)
    assert found.exact
    assert found.n_permutations == 210
    assert found.p_value == extreme.mean()
    sampled = weat_from_associations(
        s[:n], s[n:], alternative=alternative, exact_limit=209, permutations=40_000
    )
    assert not sampled.exact
    assert sampled.n_permutations == 40_000
    error = np.sqrt(extreme.mean() * (1 - extreme.mean()) / 40_000)
    assert sampled.p_value == pytest.approx(extreme.mean(), abs=4 * error + 1e-4)


@pytest.mark.parametrize("n", [2, 4, 7])
def test_perfect_separation_has_the_smallest_exact_p(n):
    x, y = np.linspace(0.2, 0.3, n), np.linspace(-0.1, 0.1, n)
    total = {2: 6, 4: 70, 7: 3432}[n]
    assert weat_from_associations(x, y).p_value == 1 / total
    assert weat_from_associations(y, x).p_value == 1.0
    assert weat_from_associations(x, y, alternative="two-sided").p_value == 2 / total


def test_a_sampled_p_is_never_zero():
    x, y = np.linspace(1, 2, 40), np.linspace(-2, -1, 40)
    assert weat_from_associations(x, y, permutations=99).p_value == 1 / 100


def test_exact_limit_is_inclusive():
    x, y = np.arange(3.0), np.arange(3.0) + 0.5
    assert weat_from_associations(x, y, exact_limit=20).exact
    assert not weat_from_associations(x, y, exact_limit=19).exact


def test_swapping_sets_mirrors_the_result(sets):
    X, Y, A, B = sets.values()
    one = weat(X, Y, A, B)
    for swapped in (weat(Y, X, A, B, alternative="less"), weat(X, Y, B, A, alternative="less")):
        assert swapped.effect_size == pytest.approx(-one.effect_size, abs=1e-13)
        assert swapped.p_value == one.p_value
        assert (swapped.ci_low, swapped.ci_high) == pytest.approx((-one.ci_high, -one.ci_low))
    two = [weat(*s, alternative="two-sided").p_value for s in ((X, Y, A, B), (Y, X, B, A))]
    assert two[0] == two[1]


def test_lengths_of_vectors_do_not_matter(sets):
    rng = np.random.default_rng(0)
    scaled = {name: rows * rng.uniform(0.01, 100, (len(rows), 1)) for name, rows in sets.items()}
    huge = {name: rows * 1e200 for name, rows in sets.items()}
    tiny = {name: rows * 1e-200 for name, rows in sets.items()}
    for other in (scaled, huge, tiny):
        assert weat(**other).effect_size == pytest.approx(weat(**sets).effect_size, abs=1e-12)
        assert weat(**other).p_value == weat(**sets).p_value


def test_lists_float32_and_tensors_give_the_same(sets):
    torch = pytest.importorskip("torch")
    narrow = {name: rows.astype(np.float32) for name, rows in sets.items()}
    one = weat(**narrow)
    assert weat(**{name: rows.tolist() for name, rows in narrow.items()}) == one
    tensors = {name: torch.tensor(rows, requires_grad=True) for name, rows in narrow.items()}
    assert weat(**tensors) == one
    half = {name: torch.tensor(rows, dtype=torch.bfloat16) for name, rows in narrow.items()}
    assert weat(**half) == weat(**{name: rows.float().numpy() for name, rows in half.items()})


def test_associations_and_embeddings_give_the_same(sets):
    A, B = sets["A"], sets["B"]
    s_x, s_y = (association(sets[name], A, B) for name in "XY")
    assert weat_from_associations(s_x, s_y, n_a=4, n_b=6) == weat(**sets)
    assert weat_from_associations(s_x, s_y).n_a is None


def test_the_seed_decides():
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal(30) + 0.3, rng.standard_normal(25)
    p = [weat_from_associations(x, y, seed=seed).p_value for seed in (0, 0, 1)]
    assert p[0] == p[1] != p[2]
    limits = [weat_from_associations(x, y, seed=seed, interval="bca").ci_low for seed in (0, 0, 1)]
    assert limits[0] == limits[1] != limits[2]


def test_results_are_plain_scalars(sets):
    counted = {"ddof": np.int64(1), "permutations": np.int32(50), "seed": np.uint8(2)}
    records = [
        weat(**sets),
        weat(**sets, **counted, exact_limit=np.int64(0), confidence=np.float32(0.9)),
        sc_weat(sets["X"], sets["A"], sets["B"])[0],
    ]
    for record in records:
        kinds = {type(value) for value in dataclasses.asdict(record).values()}
        assert kinds <= {float, int, bool, str, type(None)}


@pytest.mark.parametrize("confidence", [0.8, None])
def test_confidence(sets, confidence):
    wide, other = weat(**sets), weat(**sets, confidence=confidence)
    assert other.confidence == confidence
    if confidence is None:
        assert np.isnan([other.ci_low, other.ci_high]).all()
        assert other.interval is None
        assert other.reason is None
    else:
        assert wide.ci_low < other.ci_low < other.ci_high < wide.ci_high


@pytest.mark.parametrize("interval", ["noncentral-t", "bca", "percentile"])
def test_every_interval_holds_the_estimate(interval):
    """Also where d, with ddof=1, lies below the limits for the populations' d."""
    rng = np.random.default_rng(0)
    for gap in (0, 1, 30):
        x, y = rng.standard_normal(6) + gap, rng.standard_normal(5)
        found = weat_from_associations(x, y, interval=interval)
        assert found.interval == interval
        assert found.ci_low <= found.effect_size <= found.ci_high


def test_equal_associations_have_no_effect_size(sets):
    same = np.ones((4, 16))
    for found in (
        weat(same, same, sets["A"], sets["B"]),
        weat(same, 3 * same, sets["A"], sets["B"], interval="bca"),
        weat(sets["X"], sets["Y"], sets["A"], sets["A"][::-1]),
    ):
        assert np.isnan([found.effect_size, found.p_value, found.ci_low, found.ci_high]).all()
        assert "all associations are equal" in found.reason


@pytest.mark.parametrize("interval", ["noncentral-t", "percentile"])
def test_no_spread_within_the_sets_means_no_interval(interval):
    found = weat_from_associations([1.0] * 4, [0.0] * 4, ddof=0, interval=interval)
    assert found.effect_size == pytest.approx(2)
    assert found.p_value == 1 / 70
    assert np.isnan([found.ci_low, found.ci_high]).all()
    assert "no spread within" in found.reason


def test_single_category_by_hand(sets):
    W, A, B = sets["X"], sets["A"], sets["B"]
    found = sc_weat(W, A, B)
    assert len(found) == len(W)
    for w, one in zip(W, found, strict=True):
        a, b = [cosine(w, v) for v in A], [cosine(w, v) for v in B]
        d = (np.mean(a) - np.mean(b)) / np.std(a + b, ddof=1)
        assert one.effect_size == pytest.approx(d, abs=1e-12)
        assert (one.mean_a, one.mean_b) == pytest.approx((np.mean(a), np.mean(b)))
        assert one.p_value == weat_from_associations(a, b).p_value
        assert (one.n_a, one.n_b) == (4, 6)
        assert one.ci_low < one.effect_size < one.ci_high


def broken(rows: np.ndarray, row: int, value: float) -> np.ndarray:
    rows = rows.copy()
    rows[row] = value
    return rows


@pytest.mark.parametrize("name", list("XYAB"))
@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda rows: broken(rows, 2, np.nan), r"^{}, row 2 holds NaN or infinity"),
        (lambda rows: broken(rows, 1, np.inf), r"^{}, row 1 holds NaN or infinity"),
        (lambda rows: broken(rows, 3, 0.0), r"^{}, row 3 is a zero vector"),
        (lambda rows: rows[:, :5], r"5 dimensions|16 dimensions but X has 5"),
        (lambda rows: rows[:0], r"^{} is empty"),
        (lambda rows: [], r"^{} is empty"),
        (lambda rows: rows[0], r"^{} has shape \(16,\)"),
        (lambda rows: [[1.0, 2.0], [3.0]], r"^{} is not an array of numbers"),
        (lambda rows: [["a"]], r"^{} is not an array of numbers"),
        (lambda rows: rows + 1j, r"^{} is not an array of numbers"),
    ],
)
def test_unusable_sets_are_named(sets, name, spoil, message):
    with pytest.raises(InputError, match=message.replace("{}", name)):
        weat(**(sets | {name: spoil(sets[name])}))


@pytest.mark.parametrize("name", ["X", "Y"])
def test_one_item_is_too_few(sets, name):
    with pytest.raises(InputError, match=f"^{name} has 1 item"):
        weat(**(sets | {name: sets[name][:1]}))


def test_single_category_needs_two_attributes(sets):
    with pytest.raises(InputError, match=r"^B has 1 item"):
        sc_weat(sets["X"], sets["A"], sets["B"][:1])


def test_unusable_associations_are_named():
    with pytest.raises(InputError, match=r"associations of X have shape \(2, 2\)"):
        weat_from_associations(np.ones((2, 2)), np.ones(3))
    with pytest.raises(InputError, match="associations of Y hold NaN or infinity at position 1"):
        weat_from_associations([0.0, 1.0], [0.0, np.nan])


@pytest.mark.parametrize(
    "option",
    [
        {"ddof": 2},
        {"permutations": 0},
        {"permutations": 10.5},
        {"alternative": "bigger"},
        {"confidence": 95},
        {"confidence": 1.0},
        {"interval": "normal"},
        {"statistic": "welch"},
        {"exact_limit": -1},
        {"seed": -1},
        {"seed": None},
    ],
)
def test_unusable_options_are_named(sets, option):
    (name, value), *_ = option.items()
    with pytest.raises(InputError, match=f"^{name} is {value!r}; "):
        weat(**sets, **option)


def test_measures_need_no_torch():
    code = "import sys, unskew.measures as m; m.weat([[1,2],[2,1]],[[3,1],[1,5]],[[1,0]],[[0,1]])"
    code += "; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
