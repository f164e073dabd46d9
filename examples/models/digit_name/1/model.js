const names = ['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine'];

export function execute(requests) {
  return requests.map((request) => {
    const { data, shape } = request.input('probabilities', 'FP32');
    const digit = [];
    const confidence = [];
    for (let row = 0; row < shape[0]; row++) {
      const scores = data.subarray(row * names.length, (row + 1) * names.length);
      const best = Math.max(...scores);
      digit.push(names[scores.indexOf(best)]);
      confidence.push(best);
    }
    return {
      outputs: [
        { name: 'digit', shape: [shape[0], 1], data: digit },
        { name: 'confidence', shape: [shape[0], 1], data: confidence },
      ],
    };
  });
}
