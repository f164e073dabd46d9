import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { checkout } from './checkout.ts';

/** Packages from which something is in the bundles of a folder, as its source maps tell. */
function bundledPackages(dist: string): readonly string[] {
  const names = readdirSync(dist)
    .filter((file) => file.endsWith('.js.map'))
    .flatMap((file) => JSON.parse(readFileSync(join(dist, file), 'utf8')).sources as string[])
    .flatMap(
      (source) =>
        /node_modules\/((?:@[^/]+\/)?[^/]+)\/(?!.*node_modules\/)/u.exec(source)?.[1] ?? [],
    );
  return [...new Set(names)].sort();
}

const packages = readdirSync(join(checkout, 'packages')).filter((name) =>
  existsSync(join(checkout, 'packages', name, 'dist')),
);

it.each(packages)('the notices of %s name what it is bundled with', (name) => {
  const dist = join(checkout, 'packages', name, 'dist');
  const bundled = bundledPackages(dist);
  const file = join(dist, 'THIRD-PARTY-NOTICES.txt');
  expect(existsSync(file)).toBe(bundled.length > 0);
  const notices = bundled.length > 0 ? readFileSync(file, 'utf8') : '';
  expect(bundled.filter((each) => !notices.includes(`\n${each} `))).toEqual([]);
});

it('OpenTelemetry’s SDK is among what the server is bundled with', () => {
  expect(bundledPackages(join(checkout, 'packages', 'server', 'dist'))).toContain(
    '@opentelemetry/sdk-trace',
  );
});
