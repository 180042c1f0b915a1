"""Ranking: against a brute-force reference, on real photographs, and what must not change it."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import siftcore
from siftcore.errors import InputError, InputTypeError, MissingDependencyError, ParameterError
from siftcore.io.hdf5 import write_features
from siftcore.retrieval import ImageIndex, IndexSettings, verify_candidates
from siftcore.retrieval.search import tally
from tests.retrieval.conftest import ranking, reduced

pytest.importorskip("faiss", reason="retrieval needs FAISS")
pytest.importorskip("poselib", reason="verification needs PoseLib")

FEW = "db/coins.png"


def roots(descriptors):
    return np.array([np.sqrt(row / max(row.sum(), 1e-30)) for row in descriptors.astype(float)])


def naive_votes(collection, query, neighbours):
    """Score and votes by the definition, one query descriptor after the other."""
    owners, kept = [], []
    for name in sorted(collection):
        owners += [name] * len(collection[name])
        kept.append(roots(collection[name].descriptors).reshape(-1, 128))
    kept = np.concatenate(kept)
    largest = {}
    for asking, row in enumerate(roots(query.descriptors)):
        squared = ((kept - row) ** 2).sum(axis=1)
        order = np.argsort(squared, kind="stable")[: neighbours + 1]
        background = squared[order[-1]] if len(order) > neighbours else 2.0
        seen = set()
        for place in order[:neighbours]:
            weight = 1.0 - squared[place] / background
            if owners[place] in seen or weight <= 0.0:
                continue
            seen.add(owners[place])
            if place not in largest or weight > largest[place][0]:
                largest[place] = (weight, asking)
    score, votes = dict.fromkeys(collection, 0.0), dict.fromkeys(collection, 0)
    for place, (weight, _) in largest.items():
        score[owners[place]] += weight
        votes[owners[place]] += 1
    return score, votes


@pytest.mark.parametrize("neighbours", [1, 4, 10])
def test_scores_are_those_of_the_definition(collection, photographs, neighbours):
    small = {name: features[:60] for name, features in collection.items()}
    query = siftcore.extract(reduced(photographs["db/coffee.png"], 2)).top(80)
    score, votes = naive_votes(small, query, neighbours)
    found = ImageIndex.build(small).query(query, top=99, neighbours=neighbours)
    assert {each.name: each.votes for each in found} == {k: v for k, v in votes.items() if v}
    for each in found:
        assert each.score == pytest.approx(score[each.name], abs=1e-3)
    assert [each.name for each in found] == sorted(
        (name for name in votes if votes[name]), key=lambda name: (-score[name], name)
    )


def test_more_neighbours_than_descriptors(collection):
    small = {name: collection[name][:2] for name in sorted(collection)[:3]}
    query = collection["db/astronaut.png"][:5]
    score, votes = naive_votes(small, query, 50)
    found = ImageIndex.build(small).query(query, neighbours=50)
    assert {each.name: each.votes for each in found} == {k: v for k, v in votes.items() if v}
    for each in found:
        assert each.score == pytest.approx(score[each.name], abs=1e-4)


def test_a_burst_counts_once():
    # Two query descriptors; the first image has the two nearest of the first, and its second row
    # is also the nearest of the second query descriptor, a little further away.
    squared = np.array([[0.1, 0.2, 0.4, 1.0], [0.3, 0.5, 0.6, 1.0]], np.float32)
    rows = np.array([[0, 1, 2, 3], [0, 3, 1, 2]])
    images = np.array([0, 0, 1, 1])[rows]
    score, votes = tally(squared, rows, images, 2)
    # Row 0 keeps 0.9 of the first and loses 0.7 of the second, which has then spent its vote.
    np.testing.assert_allclose(score, [0.9, 0.6 + 0.5], atol=1e-6)
    np.testing.assert_array_equal(votes, [1, 2])


def test_equal_descriptors_are_no_evidence():
    squared = np.zeros((1, 3), np.float32)
    score, votes = tally(squared, np.array([[0, 1, 2]]), np.array([[0, 1, 1]]), 2)
    assert score.tolist() == [0.0, 0.0]
    assert votes.tolist() == [0, 0]


def test_an_image_of_the_collection_is_first_with_all_its_votes(index, collection):
    for name, features in collection.items():
        if not len(features):
            continue
        first, *others = index.query(features)
        assert first.name == name
        # Two keypoints may share a descriptor to the last digit only in artificial images.
        assert first.votes == len(features)
        assert all(each.score < 0.5 * first.score for each in others)


@pytest.mark.parametrize("change", ["half", "quarter", "turned", "upside down"])
def test_reduced_and_turned_copies_are_found_and_verified(index, photographs, change):
    make = {
        "half": lambda image: reduced(image, 2),
        "quarter": lambda image: reduced(image, 4),
        "turned": lambda image: np.ascontiguousarray(np.rot90(reduced(image, 2))),
        "upside down": lambda image: np.ascontiguousarray(image[::-1, ::-1]),
    }[change]
    for name in ("db/astronaut.png", "db/coffee.png", "db/rocket.png"):
        features = siftcore.extract(make(photographs[name])).top(500)
        found = index.query(features)
        assert found[0].name == name
        verified = verify_candidates(index, features, found)
        assert verified[0].name == name
        assert verified[0].inliers >= 10
        assert all(each.inliers < verified[0].inliers / 2 for each in verified[1:])


def test_the_model_leads_from_the_query_to_the_image(index, photographs):
    image = photographs["db/astronaut.png"]
    features = siftcore.extract(reduced(image, 2)).top(500)
    first = verify_candidates(index, features, index.query(features))[0]
    corner = first.model @ [100.0, 80.0, 1.0]
    # A pixel of the half-size image covers two, and its centre lies between theirs.
    np.testing.assert_allclose(corner[:2] / corner[2], [200.5, 160.5], atol=1.0)


def test_verification_puts_the_right_image_before_a_wrong_favourite(index, photographs):
    features = siftcore.extract(reduced(photographs["db/coffee.png"], 2)).top(500)
    found = index.query(features)[::-1]
    assert found[0].name != "db/coffee.png"
    verified = verify_candidates(index, features, found)
    assert verified[0].name == "db/coffee.png"
    assert sorted(each.name for each in verified) == sorted(each.name for each in found)


def test_those_that_are_not_verified_keep_their_places(index, collection):
    features = collection["db/rocket.png"]
    found = index.query(features)
    verified = verify_candidates(index, features, found, top=2)
    assert [each.inliers is None for each in verified] == [False] * 2 + [True] * (len(found) - 2)
    assert ranking(verified[2:]) == ranking(found[2:])
    assert ranking(verify_candidates(index, features, found, top=0)) == ranking(found)


def test_chance_inliers_do_not_rank(index, collection):
    features = collection["db/rocket.png"]
    found = index.query(features)[1:]
    verified = verify_candidates(index, features, found, min_inliers=10_000)
    assert [each.name for each in verified] == [each.name for each in found]


def test_fundamental_matrices_verify_too(index, photographs):
    features = siftcore.extract(reduced(photographs["db/coffee.png"], 2)).top(500)
    found = verify_candidates(index, features, index.query(features), "fundamental")
    assert found[0].name == "db/coffee.png"
    assert np.linalg.norm(found[0].model) == pytest.approx(1.0)


def test_the_order_of_adding_changes_nothing(collection, photographs):
    features = siftcore.extract(reduced(photographs["db/chelsea.png"], 2)).top(300)
    forwards = ImageIndex.build(sorted(collection.items()))
    backwards = ImageIndex.build(sorted(collection.items(), reverse=True))
    assert forwards.names == backwards.names
    assert ranking(forwards.query(features)) == ranking(backwards.query(features))


def test_equal_images_are_ranked_by_name(collection):
    features = collection["db/camera.png"]
    twins = ImageIndex.build({"b": features, "a": features, "c": features})
    found = twins.query(features[:40], neighbours=10)
    assert [each.name for each in found] == ["a", "b", "c"]
    assert len({each.score for each in found}) == 1


def test_a_file_gives_the_same_index(tmp_path, collection, index, photographs):
    pytest.importorskip("h5py", reason="feature files need h5py")
    write_features(tmp_path / "f.h5", collection)
    told = []
    found = ImageIndex.from_file(tmp_path / "f.h5", advance=told.append)
    assert told == sorted(collection)
    features = siftcore.extract(reduced(photographs["db/brick.png"], 2)).top(300)
    assert ranking(found.query(features)) == ranking(index.query(features))
    assert (found.names, found.providers) == (index.names, ("dog",))


COPIED = ("db/astronaut.png", "db/coffee.png", "db/rocket.png")


def half_size(photographs, name):
    return siftcore.extract(reduced(photographs[name], 2)).top(500)


@pytest.mark.parametrize("kind", ["auto", "ivf-sq8"])
def test_inverted_files_find_the_same_images(collection, photographs, kind):
    settings = IndexSettings(kind=kind, flat_limit=1000)
    made = ImageIndex.build(collection, settings)
    assert made.settings.kind == "ivf-sq8"
    again = ImageIndex.build(reversed(list(collection.items())), settings)
    for name in COPIED:
        found = made.query(half_size(photographs, name))
        assert found[0].name == name
        assert ranking(again.query(half_size(photographs, name))) == ranking(found)


def test_product_quantisation_finds_the_same_images(photographs, monkeypatch):
    # Learning the codes takes ten seconds otherwise.
    monkeypatch.setattr("siftcore.retrieval._faiss._PQ_ROUNDS", 1)
    collection = {name: siftcore.extract(image) for name, image in photographs.items()}
    made = ImageIndex.build(collection, IndexSettings(kind="ivf-pq"))
    assert made.settings.kind == "ivf-pq"
    for name in COPIED:
        assert made.query(half_size(photographs, name))[0].name == name


@pytest.mark.parametrize("kind", ["ivf-sq8", "ivf-pq"])
def test_too_few_to_train_on_are_kept_as_they_are(collection, kind):
    features = collection["db/camera.png"][:30]
    made = ImageIndex.build({"a": features}, IndexSettings(kind=kind))
    assert made.settings.kind == "flat"
    assert made.query(features)[0].votes == 30


def test_a_collection_of_nothing(collection):
    nothing = siftcore.Features.empty((9, 9), "dog")
    for images in ({}, {"a": nothing, "b": nothing}):
        made = ImageIndex.build(images)
        assert len(made) == len(images)
        assert made.query(collection["db/camera.png"]) == []
        assert verify_candidates(made, nothing, []) == []


def test_a_query_of_nothing(index):
    assert index.query(siftcore.Features.empty((9, 9), "dog")) == []


def test_no_more_than_top(index, collection):
    features = collection["db/coffee.png"]
    everything = index.query(features, top=99)
    assert 3 < len(everything) < len(collection)
    assert ranking(index.query(features, top=2)) == ranking(everything[:2])


def test_rootsift_is_not_rooted_again(photographs):
    params = siftcore.SiftParams(descriptor="rootsift")
    plain = siftcore.extract(photographs[FEW]).top(50)
    rooted = siftcore.extract(photographs[FEW], params=params).top(50)
    kept = ImageIndex.build({"a": rooted}, IndexSettings(root=False)).structure.reconstruct_n(0, 50)
    np.testing.assert_array_equal(kept, rooted.descriptors)
    made = ImageIndex.build({"a": plain}).structure.reconstruct_n(0, 50)
    np.testing.assert_allclose(made, rooted.descriptors, atol=1e-5)


def test_bad_arguments(index, collection):
    features = collection["db/camera.png"]
    with pytest.raises(InputTypeError, match="Features"):
        index.query(features.descriptors)
    with pytest.raises(InputTypeError, match="'a' must come with Features"):
        ImageIndex.build({"a": features.descriptors})
    with pytest.raises(InputError, match="given twice"):
        ImageIndex.build([("a", features), ("a", features)])
    for changed in ({"top": 0}, {"neighbours": 0}, {"top": 2.5}):
        with pytest.raises(ValueError, match=next(iter(changed))):
            index.query(features, **changed)
    for changed in ({"kind": "hnsw"}, {"probes": 0}, {"root": 1}, {"flat_limit": -1}, {"seed": -1}):
        with pytest.raises((ParameterError, InputTypeError), match=next(iter(changed))):
            IndexSettings(**changed)
    for changed in ({"ratio": 0.0}, {"min_inliers": -1}, {"top": -1}, {"geometry": "affine"}):
        with pytest.raises(InputError, match=next(iter(changed))):
            verify_candidates(index, features, [], **changed)


def test_an_image_of_another_collection(index, collection):
    for name in ("db/nobody.png", "a", "z"):
        with pytest.raises(InputError, match=f"no image '{name}'"):
            index.features(name)
    assert index.features("db/rocket.png") is collection["db/rocket.png"]


def test_without_faiss_the_extra_is_named(monkeypatch, collection):
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(MissingDependencyError, match=r"siftcore\[faiss\]"):
        ImageIndex.build(collection)
    with pytest.raises(MissingDependencyError, match=r"siftcore\[faiss\]"):
        ImageIndex.load("nowhere")


def test_threads_of_faiss_are_given_back(index, collection):
    import faiss

    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(3)
    try:
        index.query(collection["db/camera.png"])
        assert faiss.omp_get_max_threads() == 3
    finally:
        faiss.omp_set_num_threads(before)


def test_importing_it_loads_nothing_heavy():
    code = (
        "import sys, siftcore.retrieval\n"
        "print(sorted({'numba', 'faiss', 'h5py', 'PIL', 'torch', 'poselib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
