import type { WireResponse, WorkerMessage } from '../worker/worker-message.ts';
import { formNumberBytes, formSlots } from './form-slots.ts';
import { longNumberBytes, readLongNumber } from './long-number.ts';

type WireResult = Extract<WorkerMessage, { kind: 'result' }>;

/** The forms of answers that a worker has told: all of an answer but the contents of its tensors. */
export class AnswerForms {
  readonly #slots: (WireResponse | undefined)[] = new Array(formSlots);

  /**
   * @param forms what the responses of a message are called from here on; null for one without a form
   * @throws Error for numbers that no worker of ours gives
   */
  learn(forms: readonly (number | null)[], { responses }: WireResult): void {
    forms.forEach((number, index) => {
      if (number === null) return;
      const response = responses[index] ?? null;
      if (!(number >= 0 && number < formSlots) || response === null || 'reschedule' in response) {
        throw new Error(`no answer of ours has the form ${number}`);
      }
      this.#slots[number] = response;
    });
  }

  /** The message that numbers stand for. @throws Error for what no worker of ours says */
  result(numbers: Buffer): WireResult {
    const count = (numbers.length - longNumberBytes) / formNumberBytes;
    if (!Number.isInteger(count) || count < 1) throw new Error('numbers that say nothing');
    const responses: WireResponse[] = [];
    for (let at = longNumberBytes; at < numbers.length; at += formNumberBytes) {
      const response = this.#slots[numbers.readUInt32LE(at)];
      if (response === undefined) throw new Error('an answer of a form that was not told');
      responses.push(response);
    }
    return { kind: 'result', batch: readLongNumber(numbers, 0), error: null, responses };
  }
}
