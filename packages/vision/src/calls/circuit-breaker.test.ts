import { ManualClock } from '@nereid/test-kit';
import { expect, it } from 'vitest';
import { CircuitBreaker, CircuitOpenError } from './circuit-breaker.ts';

function failing(circuit: CircuitBreaker, count: number): void {
  for (let i = 0; i < count; i++) {
    circuit.start();
    circuit.finish('failure');
  }
}

it('opens after failures in a row, and lets one request try after a while', () => {
  const clock = new ManualClock();
  const circuit = new CircuitBreaker(clock, { failuresMax: 3, openMs: 1000 });
  failing(circuit, 2);
  expect(circuit.state).toBe('closed');
  failing(circuit, 1);
  expect(circuit.state).toBe('open');
  clock.advanceMs(400);
  expect(() => circuit.start()).toThrow(new CircuitOpenError(3, 600).message);
  expect(new CircuitOpenError(3, 600).message).toBe(
    'not sent: the last 3 requests failed, the next is tried in 0.6 s',
  );
  clock.advanceMs(600);
  expect(circuit.state).toBe('half-open');
  circuit.start();
  expect(() => circuit.start()).toThrow(CircuitOpenError);
  circuit.finish('success');
  expect(circuit.state).toBe('closed');
  failing(circuit, 2);
  expect(circuit.state).toBe('closed');
});

it('opens again when the one that tried fails', () => {
  const clock = new ManualClock();
  const circuit = new CircuitBreaker(clock, { failuresMax: 1, openMs: 1000 });
  failing(circuit, 1);
  clock.advanceMs(1000);
  failing(circuit, 1);
  expect(circuit.state).toBe('open');
  clock.advanceMs(999);
  expect(circuit.state).toBe('open');
});

it('counts only failures without a success between them', () => {
  const circuit = new CircuitBreaker(new ManualClock(), { failuresMax: 2 });
  for (let i = 0; i < 10; i++) {
    failing(circuit, 1);
    circuit.start();
    circuit.finish('success');
  }
  expect(circuit.state).toBe('closed');
});

it('lets the next try when the one that tried was given up', () => {
  const clock = new ManualClock();
  const circuit = new CircuitBreaker(clock, { failuresMax: 1, openMs: 10 });
  failing(circuit, 1);
  clock.advanceMs(10);
  circuit.start();
  circuit.finish('neutral');
  expect(circuit.state).toBe('half-open');
  circuit.start();
});
