"""Writes checkpoints with random weights in place of those that the vision-language example takes from a hub:

    python make_vision_checkpoints.py HF_HOME

fills a cache of the hub with models of the same classes with small dimensions. Moondream's class comes with its
weights, so there is one of our own here with the same methods.
"""

import hashlib
import json
import pathlib
import sys

import torch
import transformers
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

SIDE = 28
PATCH = 14

#: Stands for the code of moondream2: `query` with the arguments that it has, and a table beside the weights, as its own.
MOONDREAM_CODE = '''
import numpy
import torch
from transformers import PretrainedConfig, PreTrainedModel


class HfConfig(PretrainedConfig):
    model_type = "moondream1"


class HfMoondream(PreTrainedModel):
    config_class = HfConfig

    def __init__(self, config):
        super().__init__(config)
        # Its own type, and a table of another, as in the real one.
        self.look = torch.nn.Linear(3, 8, dtype=torch.bfloat16)
        self.words = torch.nn.Linear(8, 16, dtype=torch.bfloat16)
        self.register_buffer("table", torch.arange(16) * 3 % 16, persistent=False)

    def query(self, image=None, question=None, reasoning=False, spatial_refs=None, stream=False, settings=None):
        assert settings["variant"] is None
        pixels = numpy.asarray(image.resize((4, 4)), numpy.float32).reshape(-1, 3) / 255
        picture = torch.from_numpy(pixels).to(self.look.weight.device, torch.bfloat16)
        seen = self.look(picture).mean(0)
        assert self.table.tolist() == [index * 3 % 16 for index in range(16)]

        first = len(question) + int(self.words(seen).argmax()) + int(seen.abs().sum() * 100)

        def pieces():
            for index in range(settings["max_tokens"]):
                yield f"word{int(self.table[(first + index * 5) % 16])} "

        answer = pieces()
        return {"answer": answer if stream else "".join(answer)}
'''


def make_tokenizer(**tokens):
    """One token a letter of ASCII; the special ones first."""
    special = list(tokens.values())
    # The alphabet has its own letter for the space.
    letters = [letter for letter in sorted(pre_tokenizers.ByteLevel.alphabet()) if letter in "Ġ" or letter.isascii()]
    vocabulary = {token: index for index, token in enumerate([*special, *letters])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[], unk_token=tokens["unk_token"]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, **tokens)


def image_processor():
    size = {"height": SIDE, "width": SIDE}
    return transformers.CLIPImageProcessorPil(size={"shortest_edge": SIDE}, crop_size=size)


def without_end(model):
    """Random weights may say the end at once: here they never do."""
    model.generation_config.eos_token_id = None
    return model


def make_llava(folder):
    tokenizer = make_tokenizer(
        unk_token="<unk>", bos_token="<s>", eos_token="</s>", pad_token="<pad>"
    )
    tokenizer.add_special_tokens({"additional_special_tokens": ["<image>"]})
    vision = transformers.CLIPVisionConfig(
        hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2,
        image_size=SIDE, patch_size=PATCH, projection_dim=32, initializer_factor=20.0,
    )
    text = transformers.LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=2,
        num_attention_heads=2, max_position_embeddings=512, initializer_range=0.5,
    )
    config = transformers.LlavaConfig(
        vision_config=vision, text_config=text,
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"), vision_feature_layer=-2,
    )
    without_end(transformers.LlavaForConditionalGeneration(config)).save_pretrained(folder)
    template = (
        "{% for message in messages %}USER: {% for part in message['content'] %}"
        "{% if part['type'] == 'image' %}<image>\n{% else %}{{ part['text'] }}{% endif %}"
        "{% endfor %} {% endfor %}{% if add_generation_prompt %}ASSISTANT:{% endif %}"
    )
    transformers.LlavaProcessor(
        image_processor=image_processor(), tokenizer=tokenizer, patch_size=PATCH,
        vision_feature_select_strategy="default", num_additional_image_tokens=1,
        chat_template=template,
    ).save_pretrained(folder)


def make_kosmos2(folder):
    tokenizer = make_tokenizer(
        bos_token="<s>", pad_token="<pad>", eos_token="</s>", unk_token="<unk>"
    )
    processor = transformers.Kosmos2Processor(image_processor(), tokenizer, num_patch_index_tokens=16)
    config = transformers.Kosmos2Config(
        text_config={
            "vocab_size": len(tokenizer), "embed_dim": 32, "layers": 2, "ffn_dim": 64,
            "attention_heads": 2, "max_position_embeddings": 512,
        },
        vision_config={
            "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
            "num_attention_heads": 2, "image_size": SIDE, "patch_size": PATCH,
        },
        latent_query_num=64,
    )
    model = transformers.Kosmos2ForConditionalGeneration(config)
    without_end(model.text_model)
    without_end(model).save_pretrained(folder)
    processor.save_pretrained(folder)


def make_moondream2(folder):
    folder.mkdir(parents=True)
    (folder / "hf_moondream.py").write_text(MOONDREAM_CODE, encoding="utf-8")
    config = {
        "model_type": "moondream1",
        "architectures": ["HfMoondream"],
        "auto_map": {
            "AutoConfig": "hf_moondream.HfConfig",
            "AutoModelForCausalLM": "hf_moondream.HfMoondream",
        },
    }
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    weights = {"look.weight": (8, 3), "look.bias": (8,), "words.weight": (16, 8), "words.bias": (16,)}
    save_file({name: torch.randn(shape, dtype=torch.bfloat16) for name, shape in weights.items()}, folder / "model.safetensors")


def cached(home, repository, revision):
    """Where the hub's cache keeps a repository's files, by its reference to their commit."""
    folder = home / "hub" / f"models--{repository.replace('/', '--')}"
    reference = folder / "refs" / revision
    reference.parent.mkdir(parents=True)
    commit = hashlib.sha1(repository.encode()).hexdigest()
    reference.write_text(commit, encoding="utf-8")
    return folder / "snapshots" / commit


def main():
    home = pathlib.Path(sys.argv[1])
    torch.manual_seed(20261121)
    make_kosmos2(cached(home, "microsoft/kosmos-2-patch14-224", "main"))
    make_llava(cached(home, "llava-hf/llava-1.5-7b-hf", "main"))
    make_moondream2(cached(home, "vikhyatk/moondream2", "2025-06-21"))


if __name__ == "__main__":
    main()
