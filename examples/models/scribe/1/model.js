// A text model with the inputs and outputs of Triton's vLLM backend. A token is a letter.
import { TritonError } from '@nereid/model';
import { Letters } from './letters.mjs';

const letters = new Letters(new URL('scribe.bin.gz', import.meta.url));

export async function* execute([request]) {
  const prompt = textOf(request, 'text_input') ?? '';
  const sampling = samplingOf(textOf(request, 'sampling_parameters') ?? '{}');
  const stream = flagOf(request, 'stream');
  const prefix = stream || flagOf(request, 'exclude_input_in_output') ? '' : prompt;
  const end = { reason: 'length' };
  const pieces = [];
  for (const piece of write(prompt, sampling, end)) {
    if (request.signal.aborted) return;
    if (stream) yield answer(prompt, [piece], '', 'None', sampling.logprobs);
    else pieces.push(piece);
    // Others get a turn: writing is work for the thread.
    await new Promise(setImmediate);
  }
  yield answer(prompt, pieces, prefix, end.reason, sampling.logprobs);
}

/** What is written, a letter after the other. Nothing of a stop sequence is. */
function* write(prompt, sampling, end) {
  const held = Math.max(0, ...sampling.stop.map((stop) => stop.length - 1));
  const waiting = [];
  let written = '';
  for (let count = 0; count < sampling.max_tokens; count++) {
    const probabilities = letters.probabilities(prompt.slice(-16) + written.slice(-16));
    const letter = choose(probabilities, sampling, written);
    written += String.fromCharCode(letter);
    waiting.push({ letter, probabilities });
    const stops = sampling.stop.map((stop) => written.indexOf(stop)).filter((at) => at >= 0);
    if (stops.length > 0) {
      end.reason = 'stop';
      const left = Math.min(...stops) - (written.length - waiting.length);
      yield* waiting.slice(0, left);
      return;
    }
    // The end of the text may be the beginning of a stop sequence.
    while (waiting.length > held) yield waiting.shift();
  }
  yield* waiting;
}

function choose(probabilities, sampling, written) {
  const counts = new Map();
  if (sampling.presence_penalty !== 0 || sampling.frequency_penalty !== 0) {
    for (const letter of written) counts.set(letter, (counts.get(letter) ?? 0) + 1);
  }
  const ranked = [...probabilities]
    .map((probability, letter) => {
      const count = counts.get(String.fromCharCode(letter)) ?? 0;
      const penalty = sampling.presence_penalty * Math.min(count, 1) + sampling.frequency_penalty * count;
      return { letter, score: Math.log(probability) - penalty };
    })
    .sort((a, b) => b.score - a.score);
  if (sampling.temperature === 0) return ranked[0].letter;
  const weights = ranked.map(({ score }) => Math.exp((score - ranked[0].score) / sampling.temperature));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let kept = 0;
  let likely = 0;
  const countMax = sampling.top_k > 0 ? sampling.top_k : ranked.length;
  while (kept < countMax && kept < ranked.length && likely < sampling.top_p * total) likely += weights[kept++];
  let at = sampling.random() * likely;
  for (let i = 0; i < kept; i++) {
    at -= weights[i];
    if (at < 0) return ranked[i].letter;
  }
  return ranked[0].letter;
}

function answer(prompt, pieces, prefix, reason, count) {
  const text = pieces.map(({ letter }) => String.fromCharCode(letter)).join('');
  const places = count === undefined ? null : pieces.map((piece) => likeliest(piece, count));
  return {
    outputs: [
      { name: 'text_output', data: [prefix + text] },
      { name: 'finish_reason', data: [reason] },
      { name: 'num_input_tokens', data: [prompt.length] },
      { name: 'num_output_tokens', data: [text.length] },
      { name: 'logprobs', data: [JSON.stringify(places)] },
    ],
  };
}

/** As vLLM tells them: by token id, with ranks from 1; the letter that was chosen is among them. */
function likeliest({ letter, probabilities }, count) {
  const ranked = [...probabilities.keys()].sort((a, b) => probabilities[b] - probabilities[a]);
  const told = new Set([letter, ...ranked.slice(0, count)]);
  const entries = [...told].map((token) => [
    token,
    {
      logprob: Math.log(probabilities[token]),
      rank: ranked.indexOf(token) + 1,
      decoded_token: String.fromCharCode(token),
    },
  ]);
  return Object.fromEntries(entries);
}

/** vLLM's sampling parameters, those that mean something here. */
function samplingOf(text) {
  let given;
  try {
    given = JSON.parse(text);
  } catch {
    throw new TritonError('INVALID_ARG', 'sampling_parameters is not JSON');
  }
  const { stop = [], seed = null } = given;
  return {
    max_tokens: 16,
    temperature: 1,
    top_p: 1,
    top_k: 0,
    presence_penalty: 0,
    frequency_penalty: 0,
    ...given,
    stop: (typeof stop === 'string' ? [stop] : stop).filter((one) => one !== ''),
    random: seed === null ? Math.random : randomFrom(Number(seed)),
  };
}

/** Marsaglia's xorshift of 32 bits. */
function randomFrom(seed) {
  let state = (Math.imul(seed ^ (seed / 2 ** 32), 2654435761) ^ 0x9e3779b9) | 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

function textOf(request, name) {
  return inputOf(request, name)?.strings()[0] ?? null;
}

function flagOf(request, name) {
  return inputOf(request, name)?.data[0] === 1;
}

function inputOf(request, name) {
  return request.inputs.find((input) => input.name === name);
}
