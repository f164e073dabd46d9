import { describe, expect, it } from 'vitest';
import { Router } from './router.ts';
import { httpRoutes } from './routes.ts';

const router = new Router(httpRoutes);

function found(path: string): string | null {
  return router.match(path)?.route.path ?? null;
}

describe('Router', () => {
  it.each([
    ['/v2', '/v2'],
    ['/v2/health/live', '/v2/health/live'],
    ['/v2/models', '/v2/models'],
    ['/v2/models/stats', '/v2/models/stats'],
    ['/v2/models/m', '/v2/models/{model}[/versions/{version}]'],
    ['/v2/models/m/versions/3', '/v2/models/{model}[/versions/{version}]'],
    ['/v2/models/m/versions/3/infer', '/v2/models/{model}[/versions/{version}]/infer'],
    ['/v2/models/m/trace/setting', '/v2/models/{model}/trace/setting'],
    ['/v2/repository/index', '/v2/repository[/{repository}]/index'],
    ['/v2/repository/r/index', '/v2/repository[/{repository}]/index'],
    ['/v2/repository/models/m/load', '/v2/repository[/{repository}]/models/{model}/load'],
    ['/v2/systemsharedmemory/status', '/v2/systemsharedmemory[/region/{region}]/status'],
    ['/v2/cudasharedmemory/region/r/status', '/v2/cudasharedmemory[/region/{region}]/status'],
  ])('finds %s', (path, pattern) => {
    expect(found(path)).toBe(pattern);
  });

  it.each([
    '',
    '/',
    'v2',
    '/v2/',
    '/v3',
    '/V2',
    '/v2//models/m',
    '/v2/models/',
    '/v2/models/m/',
    '/v2/models//infer',
    '/v2/models/m/foo',
    '/v2/models/m/infer/x',
    '/v2/models/m/versions',
    '/v2/models/m/versions/abc/infer',
    '/v2/models/m/versions/-1/infer',
    '/v2/models/m/versions/1/trace/setting',
    '/v2/models/a/b/c/infer',
    '/v2/repository',
    '/v2/repository/models',
    '/v2/logging/',
    '/metrics',
    `/v2/models/m/infer${'/x'.repeat(10_000)}`,
  ])('does not know %s', (path) => {
    expect(found(path)).toBeNull();
  });

  it('takes names as they stand in the path', () => {
    for (const name of ['..', '%2e%2e%2f', '%00', 'a%20b', '__proto__', 'constructor', 'models']) {
      expect(router.match(`/v2/models/${name}/infer`)?.model).toBe(name);
    }
  });

  it('gives a model called stats everything but its metadata', () => {
    expect(router.match('/v2/models/stats/infer')?.model).toBe('stats');
    expect(router.match('/v2/models/stats/versions/1')).toMatchObject({
      model: 'stats',
      version: '1',
    });
  });

  it('tells a repository called models from the model below it', () => {
    expect(router.match('/v2/repository/models/models/m/load')).toMatchObject({
      repository: 'models',
      model: 'm',
    });
  });

  it('answers the same again, from memory or not, and leaves nothing of one match in the next', () => {
    for (let i = 0; i < 3000; i++) {
      expect(router.match(`/v2/models/m${i}/versions/${i}/infer`)).toMatchObject({
        model: `m${i}`,
        version: String(i),
        repository: '',
      });
      expect(router.match('/v2/models/m/infer')).toMatchObject({ model: 'm', version: '' });
      expect(router.match('/v2/models/m/nothing')).toBeNull();
    }
  });
});
