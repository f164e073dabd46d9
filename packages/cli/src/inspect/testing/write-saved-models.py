"""Writes the SavedModels beside this file, as TensorFlow 2.21 does: python write-saved-models.py"""

import gzip
import pathlib
import tempfile

import tensorflow as tf

HERE = pathlib.Path(__file__).parent


class Models(tf.Module):
    @tf.function(
        input_signature=[
            tf.TensorSpec([None, 4], tf.float32, name="left"),
            tf.TensorSpec([None, 4], tf.int64, name="right"),
        ]
    )
    def named(self, left, right):
        return {"sum": left + tf.cast(right, tf.float32), "right": right}

    @tf.function(
        input_signature=[
            tf.TensorSpec([], tf.bool, name="flag"),
            tf.TensorSpec(None, tf.float16, name="any"),
        ]
    )
    def odd(self, flag, any):
        return [any, tf.cast(any, tf.bfloat16)]


models = Models()
for name, signatures in (
    ("named", {"classify": models.named}),
    ("odd", {"serving_default": models.odd}),
):
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(models, folder, signatures=signatures)
        graph = pathlib.Path(folder, "saved_model.pb").read_bytes()
        HERE.joinpath(f"{name}.saved_model.pb.gz").write_bytes(gzip.compress(graph, mtime=0))
