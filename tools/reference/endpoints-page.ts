import { routesFor } from '../../packages/server/src/frontends/http/routes.ts';
import { code, markdownTable, writtenNotice } from './markdown.ts';

const introduction = `# Endpoints

What the HTTP port (8000) answers. \`{name}\` stands for one segment of the path, \`[...]\` may be left out. A path that is not
here gets 404, a method that is not here 405. Endpoints marked ✚ are ours; Triton has no such thing. Those under \`/v1\` are OpenAI's API
([guide](../openai.md)); \`--allow-openai=false\` leaves them out.

The metrics port (8002) answers \`GET /metrics\` only: see [metrics](metrics.md).`;

/** docs/reference/endpoints.md: every route of the HTTP front end. */
export function endpointsPage(): string {
  const everything = { maxInputBytes: 1, openAi: { defaultMaxTokens: 1 } };
  const rows = routesFor(everything).map((route) => [
    code(route.path) + (route.origin === 'nereid' ? ' ✚' : ''),
    route.methods.join(', '),
    route.meaning,
  ]);
  const table = markdownTable(['Path', 'Methods', 'Meaning'], rows);
  return `${[writtenNotice, introduction, table].join('\n\n')}\n`;
}
