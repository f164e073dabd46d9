import type { HttpRoute, RouteMatch } from './http-route.ts';

/** Distinct paths whose match is remembered. */
const cachedPathsMax = 1024;
/** Longer paths are not remembered, so that the memory is bounded. */
const cachedPathCharsMax = 256;

type ParameterName = 'model' | 'version' | 'repository' | 'region';

/** One segment of the patterns that share it. */
interface Node {
  readonly literals: Map<string, Node>;
  readonly parameters: [ParameterName, Node][];
  route: HttpRoute | null;
}

type Captures = Record<ParameterName, string>;

/**
 * Finds the route of a path. Patterns are literal segments and `{model}`, `{version}`,
 * `{repository}`, `{region}`; `[...]` is optional. A literal wins over a parameter.
 */
export class Router {
  readonly #root: Node = newNode();
  readonly #cache = new Map<string, RouteMatch | null>();

  constructor(routes: readonly HttpRoute[]) {
    for (const route of routes) {
      for (const pattern of expandOptional(route.path)) this.#add(pattern, route);
    }
  }

  /** @param path Without the query. */
  match(path: string): RouteMatch | null {
    const cached = this.#cache.get(path);
    if (cached !== undefined) return cached;
    const match = this.#walkPath(path);
    if (path.length <= cachedPathCharsMax) {
      if (this.#cache.size >= cachedPathsMax) this.#cache.clear();
      this.#cache.set(path, match);
    }
    return match;
  }

  #walkPath(path: string): RouteMatch | null {
    if (!path.startsWith('/')) return null;
    const captures: Captures = { model: '', version: '', repository: '', region: '' };
    const route = walk(this.#root, path.slice(1).split('/', segmentsMax), 0, captures);
    return route === null ? null : { route, ...captures };
  }

  #add(pattern: string, route: HttpRoute): void {
    let node = this.#root;
    for (const segment of pattern.slice(1).split('/')) {
      if (segment.startsWith('{')) {
        const name = segment.slice(1, -1) as ParameterName;
        const known = node.parameters.find(([other]) => other === name);
        const child = known?.[1] ?? newNode();
        if (known === undefined) node.parameters.push([name, child]);
        node = child;
      } else {
        const child = node.literals.get(segment) ?? newNode();
        node.literals.set(segment, child);
        node = child;
      }
    }
    if (node.route !== null) throw new Error(`two routes for ${pattern}`);
    node.route = route;
  }
}

/** More than the longest pattern has: a longer path cannot match. */
const segmentsMax = 12;

function newNode(): Node {
  return { literals: new Map(), parameters: [], route: null };
}

function walk(
  node: Node,
  segments: readonly string[],
  index: number,
  captures: Captures,
): HttpRoute | null {
  const segment = segments[index];
  if (segment === undefined) return node.route;
  const literal = node.literals.get(segment);
  if (literal !== undefined) {
    const route = walk(literal, segments, index + 1, captures);
    if (route !== null) return route;
  }
  if (segment === '') return null;
  for (const [name, child] of node.parameters) {
    if (name === 'version' && !/^[0-9]+$/.test(segment)) continue;
    const before = captures[name];
    captures[name] = segment;
    const route = walk(child, segments, index + 1, captures);
    if (route !== null) return route;
    captures[name] = before;
  }
  return null;
}

/** `/a[/b]/c` → `/a/c`, `/a/b/c`. Brackets do not nest. */
function expandOptional(path: string): string[] {
  const open = path.indexOf('[');
  if (open < 0) return [path];
  const close = path.indexOf(']', open);
  const head = path.slice(0, open);
  const optional = path.slice(open + 1, close);
  return expandOptional(path.slice(close + 1)).flatMap((tail) => [
    head + tail,
    head + optional + tail,
  ]);
}
