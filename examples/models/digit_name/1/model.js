const names = ['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine'];

export function execute(requests) {
  return requests.map((request) => {
    const { data, shape } = request.input('probabilities', 'FP32');
    const digit = [];
    const confidence = [];
    for (let row = 0; row < shape[0]; row++) {
      const start = row * names.length;
      let best = 0;
      for (let at = 1; at < names.length; at++) {
        if (data[start + at] > data[start + best]) best = at;
      }
      digit.push(names[best]);
      confidence.push(data[start + best]);
    }
    return {
      outputs: [
        { name: 'digit', shape: [shape[0], 1], data: digit },
        { name: 'confidence', shape: [shape[0], 1], data: confidence },
      ],
    };
  });
}
