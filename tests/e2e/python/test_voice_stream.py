"""A model with a memory, in a stream of pieces: it must hear what it hears in the whole recording."""

import queue

import numpy as np
import tritonclient.grpc as grpc

from test_real_models import CONTEXT, RATE, WINDOW, babble, session, voice

MODEL = "voice"


def inputs(window: np.ndarray) -> list:
    tensors = []
    for name, dtype, values in [
        ("input", "FP32", window),
        ("sr", "INT64", np.array([RATE], np.int64)),
    ]:
        tensor = grpc.InferInput(name, values.shape, dtype)
        tensor.set_data_from_numpy(values)
        tensors.append(tensor)
    return tensors


def windows(sound: np.ndarray) -> list[np.ndarray]:
    padded = np.concatenate([np.zeros(CONTEXT, np.float32), sound])
    starts = range(0, len(sound) - WINDOW + 1, WINDOW)
    return [padded[None, at : at + CONTEXT + WINDOW] for at in starts]


def test_two_recordings_in_one_stream(grpc_url):
    noise = np.random.default_rng(2).normal(0, 0.02, RATE).astype(np.float32)
    sounds = {"speech": babble(), "noise": noise}
    pieces = {name: windows(sound) for name, sound in sounds.items()}
    answers = queue.Queue()
    with grpc.InferenceServerClient(grpc_url) as client:
        client.start_stream(lambda result, error: answers.put((result, error)))
        sent = []
        for i in range(max(map(len, pieces.values()))):
            for sequence_id, (name, parts) in enumerate(pieces.items(), 1):
                if i >= len(parts):
                    continue
                client.async_stream_infer(
                    MODEL,
                    inputs(parts[i]),
                    sequence_id=sequence_id,
                    sequence_start=i == 0,
                    sequence_end=i == len(parts) - 1,
                )
                sent.append(name)
        heard = {name: [] for name in sounds}
        for name in sent:
            result, error = answers.get(timeout=60)
            assert error is None
            heard[name].append(float(result.as_numpy("output")[0, 0]))
        client.stop_stream()
    local = session(MODEL)

    def ask_here(window, state):
        return local.run(
            None, {"input": window, "state": state, "sr": np.array(RATE, np.int64)}
        )

    for name, sound in sounds.items():
        np.testing.assert_allclose(heard[name], voice(ask_here, sound), atol=1e-3)
    assert np.median(heard["speech"]) > 0.8
    assert max(heard["noise"]) < 0.2
