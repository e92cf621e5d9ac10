"""`python -m scripts.reader.train MODEL`, with Rasa's environment (it has TensorFlow): trains the
network over the states of Whisper base or small and writes its weights; prints the share of units
that it misspells in texts kept aside, the share of those texts without a fault, and the SHA-256 to
be put into phones.py."""

from __future__ import annotations

import hashlib
import random
import sys
from pathlib import Path

import numpy as np
import tensorflow as tf

from nlu.components.distance import distance

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "build" / "reader"
WEIGHTS = {"base": "phones.npz", "small": "phones_small.npz"}
HIDDEN = 256
WIDTHS = (3, 5)  # states seen at once by the one layer and by the other
EPOCHS = 16
BATCH = 32
ASIDE = 25  # one text of so many


def main(whisper: str) -> None:
    random.seed(1)
    tf.keras.utils.set_random_seed(1)
    states, spelt, texts = _load(whisper)
    units = sorted({unit for one in spelt for unit in one.split()})
    number = {unit: n for n, unit in enumerate(units, start=1)}  # 0 is CTC's blank
    labels = [[number[unit] for unit in one.split()] for one in spelt]
    # CTC needs a state for each unit, and one between two that are the same.
    usable = [n for n in range(len(states)) if len(states[n]) >= len(labels[n]) + 2]
    shuffled = sorted(set(texts))
    random.shuffle(shuffled)
    aside = set(shuffled[: len(shuffled) // ASIDE])
    train = sorted((n for n in usable if texts[n] not in aside), key=lambda n: len(states[n]))
    test = [n for n in usable if texts[n] in aside and labels[n]]

    sound = tf.keras.layers.Input((None, states[0].shape[1]))
    layer = tf.keras.layers.Dropout(0.1)(sound)
    near, far = (
        tf.keras.layers.Conv1D(HIDDEN, width, padding="same", activation="relu") for width in WIDTHS
    )
    layer = tf.keras.layers.Dropout(0.2)(near(layer))
    layer = layer + tf.keras.layers.Dropout(0.2)(far(layer))
    model = tf.keras.Model(sound, tf.keras.layers.Dense(len(units) + 1)(layer))
    optimizer = tf.keras.optimizers.Adam(clipnorm=1.0)

    @tf.function(reduce_retracing=True)
    def step(heard: tf.Tensor, wanted: tf.Tensor, long: tf.Tensor, count: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            loss = tf.nn.ctc_loss(
                wanted, model(heard, training=True), count, long, False, blank_index=0
            )
            loss = tf.reduce_mean(loss / tf.maximum(1.0, tf.cast(count, tf.float32)))
        variables = model.trainable_variables
        gradients = tape.gradient(loss, variables)
        optimizer.apply_gradients(zip(gradients, variables))  # noqa: B905 (in a traced function)
        return loss

    for epoch in range(EPOCHS):
        # Gently at first: else it may write nothing at all for some epochs, and end worse.
        rate = 1e-3 * (1 + np.cos(np.pi * epoch / EPOCHS)) + 2e-5 if epoch else 5e-4
        optimizer.learning_rate.assign(rate)
        batches = [train[at : at + BATCH] for at in range(0, len(train), BATCH)]
        random.shuffle(batches)
        losses = [float(step(*_padded(states, labels, batch))) for batch in batches]
        print(f"epoch {epoch + 1}: loss {np.mean(losses):.3f}", flush=True)

    kept = [weight.numpy().astype("f2") for weight in model.trainable_variables]
    names = [f"{name}{layer}" for layer in range(3) for name in ("weights", "bias")]
    weights = ROOT / "voice" / "listening" / WEIGHTS[whisper]
    np.savez(weights, units=units, **dict(zip(names, kept, strict=True)))
    wrong = [distance(_read(model(states[n][None]).numpy()[0]), labels[n]) for n in test]
    print(f"of {len(test)} kept aside: {sum(wrong) / sum(len(labels[n]) for n in test):.3f} of the")
    print(f"units wrong, {wrong.count(0) / len(test):.3f} without a fault")
    print(hashlib.sha256(weights.read_bytes()).hexdigest())


def _load(whisper: str) -> tuple[list[np.ndarray], list[str], list[str]]:
    states: list[np.ndarray] = []
    spelt: list[str] = []
    texts: list[str] = []
    for path in sorted(OUT.glob(f"states-{whisper}-*.npz")):
        with np.load(path) as kept:
            ends = np.cumsum(kept["lengths"])
            states += np.split(kept["states"], ends[:-1])
            spelt += map(str, kept["units"])
            texts += map(str, kept["texts"])
    return states, spelt, texts


def _padded(
    states: list[np.ndarray], labels: list[list[int]], batch: list[int]
) -> tuple[tf.Tensor, ...]:
    long = [len(states[n]) for n in batch]
    count = [len(labels[n]) for n in batch]
    heard = np.zeros((len(batch), max(long), states[0].shape[1]), np.float32)
    wanted = np.zeros((len(batch), max(1, *count)), np.int32)
    for row, n in enumerate(batch):
        heard[row, : long[row]] = states[n]
        wanted[row, : count[row]] = labels[n]
    return tuple(map(tf.constant, (heard, wanted, np.int32(long), np.int32(count))))


def _read(scores: np.ndarray) -> list[int]:
    best = scores.argmax(axis=1)
    return [int(b) for b, before in zip(best, [0, *best[:-1]], strict=True) if b and b != before]


if __name__ == "__main__":
    main(sys.argv[1])
