"""The embedding network: its sizes and first weights, its gradients, its twins, PyTorch's answer to the same."""

import numpy as np
import pytest

from reference_models.classifier import embedding, feature_maps
from reference_models.classifier.embedding import SIZES, Size

SMALL = Size((2, 3, 3, 4), (5, 4), 0.5, "fan_in")


def small_case(batch=2, size=SMALL, dtype=np.float64, seed=0):
    """params, images, dq. The images have flat ground, as drawings have."""
    rng = np.random.default_rng(seed)
    params = embedding.initial_params(size, rng, dtype)
    for name in params:
        if name.endswith("bias"):
            params[name] += rng.standard_normal(params[name].shape).astype(dtype) / 10
    images = (rng.random((batch, 28, 28, 1)) * (rng.random((batch, 28, 28, 1)) < 0.3)).astype(dtype)
    return params, images, rng.standard_normal((batch, size.fully_connected[-1])).astype(dtype)


@pytest.mark.parametrize(("name", "widths", "count"), [
    ("recipe", (32, 32, 64, 64, 256), 868_064),
    ("paper", (64, 64, 128, 128, 256, 256), 1_930_688),
    ("released", (64, 64, 128, 128, 128), 1_061_952),
])
def test_the_sizes_are_those_of_the_paper_of_the_code_and_of_our_recipe(name, widths, count):
    params = embedding.initial_params(SIZES[name], np.random.default_rng(0))
    outputs = [array.shape[-1] for key, array in params.items() if not key.endswith("bias")]
    assert tuple(outputs) == widths
    assert sum(array.size for array in params.values()) == count
    assert {array.dtype for array in params.values()} == {np.dtype(np.float32)}
    assert not any(array.any() for key, array in params.items() if key.endswith("bias"))


def test_first_weights_are_drawn_as_the_size_says():
    fan_in = embedding.initial_params(SIZES["recipe"], np.random.default_rng(0))
    for name, expected in (("conv1.kernels", (2 / 9) ** 0.5), ("conv3.kernels", (2 / 288) ** 0.5),
                           ("linear1.weights", 3136 ** -0.5)):
        assert fan_in[name].std() == pytest.approx(expected, rel=0.1), name
    truncated = embedding.initial_params(SIZES["released"], np.random.default_rng(0))
    for name in ("conv2.kernels", "linear1.weights"):
        assert np.abs(truncated[name]).max() <= 0.2
        assert truncated[name].std() == pytest.approx(0.088, rel=0.02)  # 0.1 times that of N(0, 1) within two of it


def test_the_same_seed_gives_the_same_weights_in_both_dtypes():
    single, double = (embedding.initial_params(SMALL, np.random.default_rng(4), dtype)
                      for dtype in (np.float32, np.float64))
    for name, weights in double.items():
        np.testing.assert_array_equal(single[name], weights.astype(np.float32))


@pytest.mark.parametrize("conv", feature_maps.CONVOLUTIONS)
@pytest.mark.parametrize("dropped", [False, True])
def test_the_gradients_are_those_of_central_differences(conv, dropped, monkeypatch):
    monkeypatch.setattr(feature_maps, "AT_ONCE", 2)
    params, images, dq = small_case(3)
    scale = embedding.dropout_scale(SMALL, images, np.random.default_rng(7)) if dropped else None
    _, cache = embedding.embed(params, images, conv=conv, scale=scale)
    gradients, d_images = embedding.embed_backward(dq, cache, d_images=True)
    assert gradients.keys() == params.keys()

    rng = np.random.default_rng(1)
    for name, array in {**params, "images": images}.items():
        gradient = d_images if name == "images" else gradients[name]
        assert gradient.shape == array.shape
        direction = rng.standard_normal(array.shape)
        ends = []
        for step in (1e-6, -1e-6):
            moved = {**params, "images": images, name: array + step * direction}
            x = moved.pop("images")
            ends.append((embedding.embed(moved, x, conv=conv, scale=scale)[0] * dq).sum())
        assert (gradient * direction).sum() == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-5), name


def test_it_is_the_network_of_pytorch():
    torch = pytest.importorskip("torch")
    from bench.peers import cnn

    size = Size((2, 3, 3, 4), (5,), 1.0, "fan_in")
    params, images, dq = small_case(3, size)
    network = cnn.network(params)
    expected = network(torch.from_numpy(images).permute(0, 3, 1, 2))
    expected.backward(torch.from_numpy(dq))
    q, cache = embedding.embed(params, images, conv="winograd")
    gradients, _ = embedding.embed_backward(dq, cache)
    np.testing.assert_allclose(q, expected.detach().numpy(), rtol=1e-11, atol=1e-12)
    convolutions = [layer for layer in network if isinstance(layer, torch.nn.Conv2d)]
    for number, layer in enumerate(convolutions, start=1):
        kernels = layer.weight.grad.permute(2, 3, 1, 0)
        np.testing.assert_allclose(gradients[f"conv{number}.kernels"], kernels, atol=1e-10)
        np.testing.assert_allclose(gradients[f"conv{number}.bias"], layer.bias.grad, atol=1e-10)
    np.testing.assert_allclose(gradients["linear1.bias"], network[-1].bias.grad, atol=1e-12)


def test_dropout_multiplies_the_first_linear_layer():
    """With half of it dropped the rest counts twice; with all of it dropped the second layer sees nothing."""
    params, images, _ = small_case()
    q, _ = embedding.embed(params, images, scale=np.zeros((2, 5)))
    np.testing.assert_array_equal(q, np.broadcast_to(params["linear2.bias"], (2, 4)))
    np.testing.assert_array_equal(embedding.embed(params, images, scale=np.ones((2, 5)))[0],
                                  embedding.embed(params, images)[0])


@pytest.mark.parametrize("batch", [0, 1, 8, 9, 20])
def test_an_image_is_embedded_alike_in_any_company(batch):
    params, images, dq = small_case(batch)
    q, cache = embedding.embed(params, images, conv="im2col")
    for row in range(0, batch, 7):
        np.testing.assert_allclose(q[row], embedding.embed(params, images[row:row + 1], conv="plain")[0][0], rtol=1e-10)
    gradients, d_images = embedding.embed_backward(dq, cache, d_images=True)
    assert q.shape == (batch, 4)
    assert d_images.shape == images.shape
    assert {name: array.shape for name, array in gradients.items()} == {n: p.shape for n, p in params.items()}


def test_params_images_and_gradients_are_left_alone():
    params, images, dq = small_case(9, dtype=np.float32)
    for array in (*params.values(), images, dq):
        array.setflags(write=False)
    q, cache = embedding.embed(params, images, conv="winograd")
    gradients, none = embedding.embed_backward(dq, cache)
    assert none is None
    assert {array.dtype for array in (q, *gradients.values())} == {np.dtype(np.float32)}


@pytest.mark.parametrize(("change", "error", "message"), [
    ({"conv": "fft"}, ValueError, "conv must be one of plain, im2col, columns, winograd, got 'fft'"),
    ({"images": np.zeros((2, 28, 27, 1))}, ValueError, r"images must have shape \(2, 28, 28, 1\)"),
    ({"images": np.zeros((28, 28))}, ValueError, "images must have shape"),
    ({"images": np.zeros((2, 28, 28, 1), np.uint8)}, TypeError, "images must be float32 or float64, got uint8"),
    ({"images": np.zeros((2, 28, 28, 1), np.float32)}, TypeError, "images must be float64, got float32"),
    ({"scale": np.ones((2, 4))}, ValueError, r"scale must have shape \(2, 5\), got \(2, 4\)"),
    ({"scale": np.ones((2, 5), np.float32)}, TypeError, "scale must be float64, got float32"),
])
def test_what_does_not_fit_is_refused(change, error, message):
    params, images, _ = small_case()
    with pytest.raises(error, match=message):
        embedding.embed(params, **{"images": images, **change})
