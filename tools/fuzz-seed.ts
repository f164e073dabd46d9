import fc from 'fast-check';

// `npm test` draws the same examples each time, so that it says something about the change at hand;
// `npm run fuzz` looks for new ones.
const seed = process.env['NEREID_FUZZ_SEED'];
if (seed !== undefined) fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(seed) });
