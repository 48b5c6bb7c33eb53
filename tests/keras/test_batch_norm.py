"""The running variance is unbiased, in every rank, and a frozen norm keeps to what it has."""

import numpy as np
import pytest


def layer(**options):
    from dslc_keras.helpers import BatchNormalization

    return BatchNormalization(momentum=0.7, epsilon=1e-5, **options)


@pytest.mark.parametrize("shape", [(5, 3), (4, 6, 3), (2, 5, 4, 3)])
def test_running_statistics(shape):
    x = np.random.default_rng(0).normal(2.0, 3.0, shape).astype(np.float32)
    norm, axes = layer(), tuple(range(len(shape) - 1))
    for _ in range(2):
        outputs = np.asarray(norm(x, training=True))
    mean, biased, unbiased = x.mean(axes), x.var(axes), x.var(axes, ddof=1)
    expected = 0.7**2 + (1 - 0.7**2) * unbiased
    np.testing.assert_allclose(np.asarray(norm.moving_variance), expected, rtol=2e-6)
    np.testing.assert_allclose(np.asarray(norm.moving_mean), (1 - 0.7**2) * mean, rtol=2e-6)
    np.testing.assert_allclose(outputs, (x - mean) / np.sqrt(biased + 1e-5), atol=2e-6)
    assert abs(unbiased - biased).max() > 1e-3


def test_use_changes_nothing():
    norm = layer()
    norm(np.ones((2, 3), np.float32), training=False)
    assert np.asarray(norm.moving_variance).tolist() == [1.0, 1.0, 1.0]


def test_a_frozen_norm_uses_its_running_statistics():
    norm = layer(trainable=False)
    x = np.random.default_rng(0).normal(2.0, 3.0, (5, 3)).astype(np.float32)
    found = np.asarray(norm(x, training=True))
    np.testing.assert_allclose(found, x / np.sqrt(1 + 1e-5), rtol=1e-6)
    assert np.asarray(norm.moving_mean).tolist() == [0.0, 0.0, 0.0]


def test_one_value_leaves_numbers():
    norm = layer()
    norm(np.ones((1, 3), np.float32), training=True)
    assert np.isfinite(np.asarray(norm.moving_variance)).all()


def test_the_step_is_compiled():
    import tensorflow as tf

    norm = layer()
    x = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)
    norm.build((None, 4))
    run = tf.function(lambda value: norm(value, training=True))
    run.get_concrete_function(tf.TensorSpec((None, 4)))(tf.constant(x))
    expected = 0.7 + 0.3 * x.var(0, ddof=1)
    np.testing.assert_allclose(np.asarray(norm.moving_variance), expected, rtol=2e-6)
