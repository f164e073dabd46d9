const byteUnits = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];

/** Bytes in units of 1000, with three digits: `12.3 MB`. */
export function bytesText(bytes: number): string {
  return scaled(bytes, 1000, byteUnits);
}

/** Nanoseconds for people: `85 ns`, `1.24 ms`, `2.50 s`. */
export function nanosecondsText(nanoseconds: number): string {
  return scaled(nanoseconds, 1000, ['ns', 'µs', 'ms', 's']);
}

/** A count that may be large: `812`, `12,345`. */
export function countText(count: number): string {
  return Math.round(count).toLocaleString('en-US');
}

/** Seconds as a clock shows them: `0:07`, `1:02:03`. */
export function clockText(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const two = (value: number): string => String(value).padStart(2, '0');
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return hours > 0
    ? `${hours}:${two(minutes)}:${two(whole % 60)}`
    : `${minutes}:${two(whole % 60)}`;
}

function scaled(value: number, step: number, units: readonly string[]): string {
  let amount = value;
  let unit = 0;
  while (amount >= step - 0.5 && unit < units.length - 1) {
    amount /= step;
    unit++;
  }
  const digits = unit === 0 || amount >= 99.95 ? 0 : amount >= 9.995 ? 1 : 2;
  return `${amount.toFixed(digits)} ${units[unit]}`;
}
