import { parseJson } from '@nereid/protocol';

interface TokenLogprob {
  readonly token: string;
  readonly logprob: number;
}

/** A token of the text with the likeliest ones in its place, itself among them. */
export interface LogprobPlace extends TokenLogprob {
  readonly likeliest: readonly TokenLogprob[];
}

/**
 * Reads the output `logprobs` of vLLM's backend: JSON, for each place an object of
 * `{"logprob", "rank", "decoded_token"}` by token id. What is not that is left out.
 *
 * @param text What the tokens make. It tells which of them was chosen: the JSON does not.
 */
export function readLogprobs(json: Uint8Array, text: string): readonly LogprobPlace[] {
  let places: unknown;
  try {
    places = parseJson(json);
  } catch {
    return [];
  }
  let at = 0;
  return (Array.isArray(places) ? places : []).flatMap((place: unknown) => {
    const likeliest = tokensOf(place);
    const chosen = likeliest.find(({ token }) => text.startsWith(token, at)) ?? likeliest[0];
    if (chosen === undefined) return [];
    at += chosen.token.length;
    return [{ ...chosen, likeliest }];
  });
}

/** By rank: the likeliest first. */
function tokensOf(place: unknown): readonly TokenLogprob[] {
  if (typeof place !== 'object' || place === null) return [];
  const ranked = Object.values(place).flatMap((value: unknown) => {
    const { logprob, rank, decoded_token } = (value ?? {}) as Record<string, unknown>;
    if (typeof logprob !== 'number' || typeof decoded_token !== 'string') return [];
    const order = typeof rank === 'number' ? rank : Number.MAX_SAFE_INTEGER;
    return [{ order, token: decoded_token, logprob }];
  });
  ranked.sort((a, b) => a.order - b.order);
  return ranked.map(({ token, logprob }) => ({ token, logprob }));
}

/** As chat completions have them. */
export function chatLogprobs(places: readonly LogprobPlace[]): object {
  return {
    content: places.map(({ token, logprob, likeliest }) => ({
      ...withBytes({ token, logprob }),
      top_logprobs: likeliest.map(withBytes),
    })),
    refusal: null,
  };
}

/** As completions have them. @param offset Characters of the text before. */
export function completionLogprobs(places: readonly LogprobPlace[], offset: number): object {
  const offsets: number[] = [];
  let at = offset;
  for (const { token } of places) {
    offsets.push(at);
    at += token.length;
  }
  return {
    text_offset: offsets,
    token_logprobs: places.map(({ logprob }) => logprob),
    tokens: places.map(({ token }) => token),
    top_logprobs: places.map(({ likeliest }) =>
      Object.fromEntries(likeliest.map(({ token, logprob }) => [token, logprob])),
    ),
  };
}

function withBytes({ token, logprob }: TokenLogprob): object {
  return { token, logprob, bytes: [...Buffer.from(token)] };
}
