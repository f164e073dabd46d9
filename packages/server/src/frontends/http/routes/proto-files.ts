import { protoFile, protoFileNames } from '@nereid/protocol';
import type { HeaderField } from '@nereid/transport';
import type { HttpRoute } from '../http-route.ts';
import { sendJson } from '../replies.ts';

const textHeaders: readonly HeaderField[] = [['Content-Type', 'text/plain; charset=utf-8']];

const constant = {
  methods: ['GET'],
  origin: 'nereid',
  category: 'metadata',
  contentType: 'text/plain',
} as const;

/** The .proto files of what is served over gRPC, under the names that they import each other by. */
export const protoFileRoutes: readonly HttpRoute[] = [
  {
    ...constant,
    path: '/v2/protos',
    meaning:
      'Names of the .proto files of the services over gRPC: `{"files": ["grpc_service.proto", …]}`',
    handle({ responder }) {
      sendJson(responder, { files: protoFileNames });
    },
  },
  ...protoFileNames.map(
    (name): HttpRoute => ({
      ...constant,
      path: `/v2/protos/${name}`,
      meaning: 'A .proto file to generate clients from',
      handle({ responder }) {
        responder.send(200, textHeaders, protoFile(name));
      },
    }),
  ),
];
