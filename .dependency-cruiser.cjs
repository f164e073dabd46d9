// The layer rules of ARCHITECTURE.md. A layer of the server imports only from those above it.
const server = '^packages/server/src';
const layers = [
  ['core'],
  ['options', 'model-config', 'observability', 'memory'],
  ['scheduling', 'backends', 'repository', 'cache'],
  ['lifecycle'],
  ['data-plane', 'control-plane'],
  ['frontends'],
];

/** What a layer must not import: every later layer, the composition root, and its own neighbours. */
const layerRules = layers.flatMap((folders, index) =>
  folders.map((folder) => {
    const neighbours = folders.filter((other) => other !== folder);
    const later = layers.slice(index + 1).flat();
    const forbidden = [...neighbours, ...later].map((other) => `${server}/${other}/`);
    return {
      name: `layer-${folder}`,
      severity: 'error',
      from: { path: `${server}/${folder}/`, pathNot: '\\.test\\.ts$' },
      to: { path: [...forbidden, `${server}/doctor/`, `${server}/(server|index|main)\\.ts$`] },
    };
  }),
);

module.exports = {
  forbidden: [
    {
      // A circle of types alone is none when the code runs.
      name: 'no-circular',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'libraries-stand-alone',
      severity: 'error',
      from: {
        path: '^packages/(protocol|transport|native)/src',
        pathNot: '\\.test\\.ts$|/testing/',
      },
      to: { path: '^packages/', pathNot: '^packages/$1/' },
    },
    {
      name: 'client-imports-the-protocol',
      severity: 'error',
      from: { path: '^packages/client/src', pathNot: '\\.test\\.ts$' },
      to: { path: '^packages/', pathNot: '^packages/(client|protocol|transport)/' },
    },
    {
      // And only what runs in Node may know how bytes travel there.
      name: 'client-in-node-imports-the-transport',
      severity: 'error',
      from: {
        path: '^packages/client/src',
        pathNot: '^packages/client/src/node/|\\.test\\.ts$',
      },
      to: { path: '^packages/transport/' },
    },
    {
      name: 'client-imports-no-server',
      severity: 'error',
      from: { path: '^packages/client/src', pathNot: '\\.test\\.ts$|/testing/' },
      to: { path: '^packages/transport/', pathNot: '^packages/transport/src/client\\.ts$' },
    },
    {
      name: 'model-imports-the-data-types',
      severity: 'error',
      from: { path: '^packages/model/src' },
      to: {
        path: '^packages/',
        pathNot:
          '^packages/(model/|protocol/src/(data-types?\\.|half-float|bytes-elements|element-array-types|grpc-status-names|status-code\\.))',
      },
    },
    {
      name: 'vision-imports-the-client',
      severity: 'error',
      from: { path: '^packages/vision/src', pathNot: '\\.test\\.ts$' },
      to: { path: '^packages/', pathNot: '^packages/(vision|client)/' },
    },
    {
      name: 'cli-imports-the-client',
      severity: 'error',
      from: { path: '^packages/cli/src', pathNot: '\\.test\\.ts$' },
      to: { path: '^packages/', pathNot: '^packages/(cli|client|protocol)/' },
    },
    {
      // Everything but the folder for Node runs in browsers: of the protocol it takes what is small.
      name: 'client-in-browsers',
      severity: 'error',
      from: {
        path: '^packages/client/src/',
        pathNot: '^packages/client/src/(node/|(index|vlm)\\.ts)|\\.test\\.ts$',
      },
      to: {
        path: '^((node:|koffi|protobufjs)|packages/client/src/node/|packages/protocol/src/(?!data-types?\\.|half-float|bytes-elements|element-array-types|grpc-status-names|status-code\\.|schemas\\.|message-schema|model-config/schema\\.))',
      },
    },
    {
      // Whoever speaks HTTP alone carries nothing of gRPC.
      name: 'client-over-http',
      severity: 'error',
      from: { path: '^packages/client/src/(http|tensor)/', pathNot: '\\.test\\.ts$' },
      to: { path: '^packages/client/src/grpc' },
    },
    {
      name: 'nothing-imports-the-server',
      severity: 'error',
      from: { path: '^packages/', pathNot: '^packages/(server|test-kit)/|\\.test\\.ts$|/testing/' },
      to: { path: server },
    },
    ...layerRules,
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['nereid-source', 'import', 'default'],
    },
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)dist/' },
  },
};
