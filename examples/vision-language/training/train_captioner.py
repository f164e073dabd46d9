"""Trains the captioner: a small ViT and a small GPT-2 that tell the shape and the colours in a picture.

    pip install -r requirements.txt
    python train_captioner.py [--steps 3000] [--out ../triton_models/captioner/1/weights]

The pictures are drawn here, each with a question and its answer. The run ends with the share of right answers to
pictures that were not trained on. `--samples` draws those of test_images instead.
"""

import argparse
import pathlib
import random

import torch
import transformers
from PIL import Image, ImageDraw
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

ROOT = pathlib.Path(__file__).resolve().parent.parent
COLORS = {
    "red": (214, 39, 40),
    "green": (44, 160, 44),
    "blue": (31, 88, 200),
    "yellow": (240, 205, 40),
    "black": (20, 20, 20),
    "white": (240, 240, 240),
}
SHAPES = ("circle", "square", "triangle")
DESCRIBE = (
    "Describe this image in detail.",
    "Describe this image.",
    "Describe the picture.",
    "What is in this image?",
    "What do you see?",
)
QUESTIONS = {
    "shape": ("What shape is it?", "Which shape is this?", "What shape do you see?"),
    "color": ("What color is it?", "What color is the shape?", "Which color is it?"),
    "background": ("What color is the background?", "Which color is the background?"),
}
SIDE = 32
SPECIAL = ("[PAD]", "[BOS]", "[SEP]", "[EOS]", "[UNK]")


def draw(shape, color, background, rng, side=96, centred=False):
    """A picture of one shape, somewhere on its background."""
    jitter = (lambda rgb: rgb) if centred else (lambda rgb: tuple(c + rng.randint(-15, 15) for c in rgb))
    picture = Image.new("RGB", (side, side), jitter(COLORS[background]))
    radius = side * (0.32 if centred else rng.uniform(0.2, 0.4))
    x, y = (side / 2 if centred else rng.uniform(radius, side - radius) for _ in range(2))
    corners = (x - radius, y - radius, x + radius, y + radius)
    pen = ImageDraw.Draw(picture)
    fill = jitter(COLORS[color])
    if shape == "circle":
        pen.ellipse(corners, fill=fill)
    elif shape == "square":
        pen.rectangle(corners, fill=fill)
    else:
        pen.polygon([(x, y - radius), (x + radius, y + radius), (x - radius, y + radius)], fill=fill)
    return picture


def example(rng):
    """A picture, a question about it, and the answer."""
    shape = rng.choice(SHAPES)
    color, background = rng.sample(sorted(COLORS), 2)
    said = {
        "shape": f"a {shape}",
        "color": color,
        "background": background,
        None: f"a {color} {shape} on a {background} background",
    }
    topic = rng.choice((None, None, *QUESTIONS))
    question = rng.choice(DESCRIBE if topic is None else QUESTIONS[topic])
    return draw(shape, color, background, rng), question, said[topic]


def make_tokenizer():
    """One token a word, of the words that occur here."""
    texts = [*DESCRIBE, *(text for group in QUESTIONS.values() for text in group)]
    texts.append(" ".join(("a on background", *COLORS, *SHAPES)))
    split = pre_tokenizers.Whitespace()
    words = sorted({word for text in texts for word, _ in split.pre_tokenize_str(text.lower())})
    vocabulary = {word: index for index, word in enumerate([*SPECIAL, *words])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = split
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[BOS] $A [SEP]", special_tokens=[("[BOS]", 1), ("[SEP]", 2)]
    )
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        bos_token="[BOS]",
        sep_token="[SEP]",
        eos_token="[EOS]",
        unk_token="[UNK]",
        model_max_length=40,
    )


def make_model(tokenizer):
    vision = transformers.ViTConfig(
        image_size=SIDE,
        patch_size=8,
        hidden_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=96,
    )
    text = transformers.GPT2Config(
        vocab_size=len(tokenizer),
        n_positions=64,
        n_embd=48,
        n_layer=2,
        n_head=4,
        is_decoder=True,
        add_cross_attention=True,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    config = transformers.VisionEncoderDecoderConfig.from_encoder_decoder_configs(vision, text)
    config.decoder_start_token_id = tokenizer.bos_token_id
    config.pad_token_id = tokenizer.pad_token_id
    config.eos_token_id = tokenizer.eos_token_id
    model = transformers.VisionEncoderDecoderModel(config)
    generation = model.generation_config
    generation.decoder_start_token_id = tokenizer.bos_token_id
    generation.bos_token_id = tokenizer.bos_token_id
    generation.eos_token_id = tokenizer.eos_token_id
    generation.pad_token_id = tokenizer.pad_token_id
    return model


def batch(examples, tokenizer, images):
    """Tensors of one training step; of the text only the answer counts."""
    pixels = images([picture for picture, _, _ in examples], return_tensors="pt").pixel_values
    rows = []
    for _, question, answer in examples:
        asked = tokenizer(question).input_ids
        said = tokenizer(answer, add_special_tokens=False).input_ids + [tokenizer.eos_token_id]
        rows.append((asked + said, [-100] * (len(asked) - 1) + said))
    width = max(len(ids) for ids, _ in rows)
    ids = torch.full((len(rows), width), tokenizer.pad_token_id)
    labels = torch.full((len(rows), width), -100)
    for index, (row, wanted) in enumerate(rows):
        ids[index, : len(row)] = torch.tensor(row)
        labels[index, : len(wanted)] = torch.tensor(wanted)
    return pixels, ids, labels


def train(model, tokenizer, images, steps, rng):
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=steps)
    for step in range(steps):
        pixels, ids, labels = batch([example(rng) for _ in range(64)], tokenizer, images)
        logits = model(pixel_values=pixels, decoder_input_ids=ids).logits
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), labels.flatten())
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step % 200 == 0:
            print(f"step {step}: loss {loss.item():.4f}", flush=True)


@torch.inference_mode()
def share_right(model, tokenizer, images, rng, count=500):
    right = 0
    for _ in range(count):
        picture, question, answer = example(rng)
        asked = tokenizer(question, return_tensors="pt").input_ids
        pixels = images(picture, return_tensors="pt").pixel_values
        ids = model.generate(pixel_values=pixels, decoder_input_ids=asked, max_new_tokens=16)
        text = tokenizer.decode(ids[0, asked.shape[1] :], skip_special_tokens=True)
        right += text.strip() == answer
    return right / count


def write_samples():
    folder = ROOT / "test_images"
    folder.mkdir(exist_ok=True)
    rng = random.Random(0)
    draw("circle", "red", "blue", rng, 384, True).save(folder / "sample_image.jpg", quality=90)
    draw("triangle", "yellow", "black", rng, 384, True).save(folder / "sample_image.png")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument(
        "--out", type=pathlib.Path, default=ROOT / "triton_models" / "captioner" / "1" / "weights"
    )
    parser.add_argument("--samples", action="store_true")
    arguments = parser.parse_args()
    if arguments.samples:
        write_samples()
        return
    torch.manual_seed(7)
    tokenizer = make_tokenizer()
    images = transformers.ViTImageProcessorPil(size={"height": SIDE, "width": SIDE})
    model = make_model(tokenizer)
    print(f"{sum(weight.numel() for weight in model.parameters())} weights")
    train(model, tokenizer, images, arguments.steps, random.Random(1))
    model.eval()
    print(f"right answers: {share_right(model, tokenizer, images, random.Random(2)):.1%}")
    for part in (model, tokenizer, images):
        part.save_pretrained(arguments.out)


if __name__ == "__main__":
    main()
