/** The three patch formats of the API that need no record of ownership. */
export { goTypeOf, jsonPatch } from './jsonPatch.ts';
export { mergePatch } from './mergePatch.ts';
export { strategicMergePatch } from './strategic.ts';
